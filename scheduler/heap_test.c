/* heap_test.c: where blocks lie, how long they live, what is known of them. */
#include "test_run.h"

/* Runs one goroutine on cells, to its end or its verdict. */
static void run_one(void (*run)(void *state, const void *argument), const void *argument,
                    enum treadle_reuse reuse)
{
    static struct treadle_program program;
    static struct treadle_target target; /* stays open when this function has returned */
    program = (struct treadle_program){ "one", run, argument };
    target = (struct treadle_target){ .name = "one", .setup = setup_cells, .reuse = reuse,
                                      .programs = &program, .program_count = 1 };
    run_open(&target);
    listed_run("");
}

/* ---- addresses ------------------------------------------------------------------------------- */

#define ALLOCATIONS 4u
static uint64_t addresses[8][ALLOCATIONS]; /* by goroutine */

static void allocate_some(void *state, const void *argument)
{
    (void)state;
    uint64_t unit = (uint64_t)argument;
    uint32_t self = treadle_self();
    for (uint32_t i = 0; i < ALLOCATIONS; i++) {
        void *block = treadle_alloc(unit * (i + 1), NULL);
        addresses[self][i] = (uint64_t)block;
        if (i == 1)
            treadle_free(block);
    }
}

static void addresses_depend_on_own_history_alone(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "addresses", .setup = setup_cells,
                                           PROGRAMS({ "a", allocate_some, (const void *)10 },
                                                    { "b", allocate_some, (const void *)100 }) };
    run_open(&target);
    uint64_t first[3][ALLOCATIONS];
    struct every every = every_schedule();
    while (every_run(&every)) {
        expect_no_verdict();
        if (every.executions == 1)
            memcpy(first, addresses, sizeof first);
        assert_memory_equal(first, addresses, sizeof first);
        for (uint32_t g = 1; g <= 2; g++)
            for (uint32_t i = 0; i < ALLOCATIONS; i++) {
                const struct heap_block *block = heap_find(addresses[g][i]);
                assert_non_null(block);
                assert_int_equal(block->owner, g);
                assert_int_equal(block->serial, i);
                assert_int_equal(block->generation, 0);
                assert_true(block->start == addresses[g][i]);
            }
    }
    assert_int_equal(every.executions, 924); /* C(12, 6): start, 4 times alloc, free */
}

/* One goroutine with a neighbour, and the same without. */
static void addresses_do_not_depend_on_other_goroutines(void **state)
{
    (void)state;
    run_one(allocate_some, (const void *)24, TREADLE_REUSE_NEVER);
    uint64_t alone[ALLOCATIONS];
    memcpy(alone, addresses[1], sizeof alone);
    const struct treadle_target target = { .name = "both", .setup = setup_cells,
                                           PROGRAMS({ "a", allocate_some, (const void *)24 },
                                                    { "b", allocate_some, (const void *)8 }) };
    run_open(&target);
    listed_run("2222221");
    assert_memory_equal(alone, addresses[1], sizeof alone);
}

static void blocks_are_apart_and_aligned(void **state)
{
    (void)state;
    run_one(allocate_some, (const void *)7, TREADLE_REUSE_NEVER);
    for (uint32_t i = 0; i < ALLOCATIONS; i++) {
        assert_int_equal(addresses[1][i] % 16, 0);
        if (i > 0)
            assert_true(addresses[1][i] >= addresses[1][i - 1] + 7 * i + 16);
        assert_int_equal(heap_find(addresses[1][i])->bytes, 7 * (i + 1));
    }
}

/* ---- reuse ----------------------------------------------------------------------------------- */

static struct {
    void *block[8];
    uint32_t count;
} made;

static void *make(size_t bytes)
{
    void *block = treadle_alloc(bytes, NULL);
    made.block[made.count++] = block;
    return block;
}

static void free_and_allocate(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    made.count = 0;
    treadle_free(make(20));
    (void)make(20);
}

static void never_hands_out_freed_memory(void **state)
{
    (void)state;
    run_one(free_and_allocate, NULL, TREADLE_REUSE_NEVER);
    expect_no_verdict();
    assert_ptr_not_equal(made.block[0], made.block[1]);
    assert_int_equal(heap_reused_count(), 0);
    const struct heap_block *first = heap_find((uint64_t)made.block[0]);
    assert_false(heap_block_live(first));
    assert_true(&execution.trace[first->alloc_event] == event_of(1, EVENT_ALLOC, 0));
    assert_true(&execution.trace[first->free_event] == event_of(1, EVENT_FREE, 0));
    const struct heap_block *second = heap_find((uint64_t)made.block[1]);
    assert_true(heap_block_live(second));
    assert_true(&execution.trace[second->alloc_event] == event_of(1, EVENT_ALLOC, 1));
    assert_int_equal(second->generation, 0);
}

static void free_three_allocate_four(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    made.count = 0;
    void *a = make(20), *b = make(32), *c = make(33);
    treadle_free(a);
    treadle_free(b);
    treadle_free(c);
    (void)make(17); /* b's: 17 .. 32 bytes are one size, the newest comes first */
    (void)make(32); /* a's */
    (void)make(32); /* a new one */
    (void)make(48); /* c's */
}

static void lifo_hands_out_the_newest_of_that_size(void **state)
{
    (void)state;
    run_one(free_three_allocate_four, NULL, TREADLE_REUSE_LIFO);
    expect_no_verdict();
    assert_ptr_equal(made.block[3], made.block[1]);
    assert_ptr_equal(made.block[4], made.block[0]);
    assert_ptr_not_equal(made.block[5], made.block[0]);
    assert_ptr_not_equal(made.block[5], made.block[1]);
    assert_ptr_equal(made.block[6], made.block[2]);
    assert_int_equal(heap_reused_count(), 3);
    assert_int_equal(heap_find((uint64_t)made.block[3])->generation, 1);
    assert_int_equal(heap_find((uint64_t)made.block[5])->generation, 0);
}

static void go_round_five_times(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    made.count = 0;
    for (int i = 0; i < 5; i++)
        treadle_free(make(100));
}

static void generations_count_lives(void **state)
{
    (void)state;
    run_one(go_round_five_times, NULL, TREADLE_REUSE_LIFO);
    expect_no_verdict();
    uint32_t live = 0, generations = 0;
    for (uint32_t number = 1; number < heap_block_count(); number++) {
        const struct heap_block *block = heap_block_at(number);
        live += heap_block_live(block);
        if (!heap_block_is_setup(number))
            assert_int_equal(block->generation, generations++);
    }
    assert_int_equal(generations, 5);
    assert_int_equal(live, 1); /* the set-up's */
}

/* Another goroutine's freed block comes back to who allocates next. */
static void free_given(void *state, const void *argument)
{
    (void)argument;
    treadle_free((void *)((struct cells *)state)->cell[0]);
}

static void allocate_like_given(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    made.count = 0;
    (void)make(64);
}

static void *setup_given(const void *argument)
{
    struct cells *cells = setup_cells(argument);
    cells->cell[0] = (uint64_t)treadle_alloc(64, NULL);
    return cells;
}

static void lifo_reuses_across_goroutines(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "across", .setup = setup_given,
                                           .reuse = TREADLE_REUSE_LIFO,
                                           PROGRAMS({ "f", free_given, NULL },
                                                    { "a", allocate_like_given, NULL }) };
    run_open(&target);
    uint64_t given = ((struct cells *)execution.state)->cell[0];
    for (int round = 0; round < 2; round++) {
        listed_run("1122");
        expect_no_verdict();
        assert_true((uint64_t)made.block[0] == given);
        const struct heap_block *block = heap_find(given);
        assert_int_equal(block->owner, 2);
        assert_int_equal(block->generation, 1);
        listed_run("2211");
        expect_no_verdict();
        assert_true((uint64_t)made.block[0] != given);
        assert_int_equal(heap_reused_count(), 0);
    }
}

static void reuse_large(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    made.count = 0;
    void *a = make(2000), *b = make(3000);
    treadle_free(a);
    treadle_free(b);
    (void)make(2000); /* the newest of the large ones does not fit: a new block */
    (void)make(3000);
    (void)make(2000);
}

static void lifo_reuses_large_blocks_of_equal_size(void **state)
{
    (void)state;
    run_one(reuse_large, NULL, TREADLE_REUSE_LIFO);
    expect_no_verdict();
    assert_ptr_not_equal(made.block[2], made.block[0]);
    assert_ptr_not_equal(made.block[2], made.block[1]);
    assert_ptr_equal(made.block[3], made.block[1]);
    assert_ptr_equal(made.block[4], made.block[0]);
}

static uint32_t dirty;

static void look_for_dirt(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    dirty = 0;
    for (size_t bytes = 20; bytes <= 32; bytes += 4) {
        uint8_t *block = treadle_alloc(bytes, NULL);
        for (size_t i = 0; i < bytes; i++)
            dirty += block[i] != 0;
        subject_memset(block, 0xa5, bytes);
        treadle_free(block);
    }
}

static void memory_is_zeroed(void **state)
{
    (void)state;
    run_one(look_for_dirt, NULL, TREADLE_REUSE_LIFO);
    expect_no_verdict();
    assert_int_equal(heap_reused_count(), 3);
    assert_int_equal(dirty, 0);
    listed_run(""); /* nor does anything come over from the execution before */
    assert_int_equal(dirty, 0);
    run_one(look_for_dirt, NULL, TREADLE_REUSE_NEVER);
    assert_int_equal(dirty, 0);
    listed_run("");
    assert_int_equal(dirty, 0);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void ask(void *state, const void *argument)
{
    (void)argument;
    uint8_t *block = treadle_alloc(20, NULL);
    void *start = NULL;
    size_t bytes = 0;
    uint64_t before = execution.trace_count;
    treadle_assert(treadle_readable(block, 20), "all of it is readable");
    treadle_assert(treadle_readable(block + 19, 1), "the last byte is readable");
    treadle_assert(!treadle_readable(block + 19, 2), "not beyond");
    treadle_assert(!treadle_readable(block + 20, 1), "not behind");
    treadle_assert(!treadle_readable(NULL, 8), "not null");
    treadle_assert(treadle_readable(state, sizeof(struct cells)), "the set-up's are");
    treadle_assert(treadle_block(block + 19, &start, &bytes), "it is in a block");
    treadle_assert(start == block && bytes == 20, "namely this one");
    treadle_assert(!treadle_block(block + 20, &start, &bytes), "that is in none");
    treadle_assert(start == block && bytes == 20, "nothing is written on failure");
    treadle_assert(execution.trace_count == before, "asking is no event");
    treadle_free(block);
    treadle_assert(!treadle_readable(block, 1), "not when it is freed");
    treadle_assert(!treadle_block(block, &start, &bytes), "nor is it a block");
}

static void subjects_may_ask(void **state)
{
    (void)state;
    run_one(ask, NULL, TREADLE_REUSE_NEVER);
    expect_no_verdict();
}

/* The same place: 30 bytes, freed, then 20, freed, then 32. */
static void three_lives(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    made.count = 0;
    treadle_free(make(30));
    treadle_free(make(20));
    (void)make(32);
}

static void heap_find_at_knows_each_life(void **state)
{
    (void)state;
    run_one(three_lives, NULL, TREADLE_REUSE_LIFO);
    expect_no_verdict();
    uint64_t address = (uint64_t)made.block[0];
    assert_ptr_equal(made.block[2], made.block[0]);
    for (uint32_t life = 0; life < 3; life++) {
        uint32_t born = (uint32_t)(event_of(1, EVENT_ALLOC, life) - execution.trace);
        assert_int_equal(execution.trace[born].address, address);
        const struct heap_block *block = heap_find_at(address, born + 1);
        assert_non_null(block);
        assert_int_equal(block->alloc_event, born);
        assert_int_equal(block->generation, life);
        assert_ptr_equal(heap_find_at(address + block->bytes - 1, born + 1), block);
        const struct heap_block *before = heap_find_at(address, born);
        if (life == 0)
            assert_null(before);
        else
            assert_int_equal(before->generation, life - 1);
    }
    assert_int_equal(heap_find(address)->generation, 2);
    assert_int_equal(heap_find(address + 31)->generation, 2);
    assert_null(heap_find(address + 32));
    assert_null(heap_find(0));
    assert_null(heap_find(UINT64_MAX));
}

/* The block of today is shorter than the one of then. */
static void shorter_life(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    made.count = 0;
    treadle_free(make(30));
    (void)make(20);
}

static void heap_find_at_sees_beyond_a_shorter_block(void **state)
{
    (void)state;
    run_one(shorter_life, NULL, TREADLE_REUSE_LIFO);
    expect_no_verdict();
    uint64_t address = (uint64_t)made.block[0];
    assert_ptr_equal(made.block[1], made.block[0]);
    uint32_t born = (uint32_t)(event_of(1, EVENT_ALLOC, 0) - execution.trace);
    assert_null(heap_find(address + 25));
    const struct heap_block *block = heap_find_at(address + 25, born + 1);
    assert_non_null(block);
    assert_int_equal(block->bytes, 30);
}

/* The set-up's blocks were there before everything. */
static void heap_find_at_knows_the_setup(void **state)
{
    (void)state;
    run_one(three_lives, NULL, TREADLE_REUSE_LIFO);
    uint64_t address = (uint64_t)execution.state;
    const struct heap_block *block = heap_find_at(address + 8, 0);
    assert_non_null(block);
    assert_int_equal(block->alloc_event, HEAP_EVENT_SETUP);
    assert_int_equal(block->owner, 0);
    assert_true(heap_block_is_setup((uint32_t)(block - heap_block_at(1)) + 1));
    assert_string_equal(block->type, "cells");
}

/* ---- large blocks ---------------------------------------------------------------------------- */

#define MIB (UINT64_C(1) << 20)

static void allocate_large(void *state, const void *argument)
{
    (void)state;
    size_t bytes = (size_t)argument;
    uint8_t *block = treadle_alloc(bytes, NULL);
    poke8(block, 1);
    poke8(block + bytes - 1, 2);
    treadle_assert(peek8(block + bytes / 2) == 0, "zeroed");
    (void)peek8(block + bytes);
}

static void large_blocks_have_ends_too(void **state)
{
    (void)state;
    run_one(allocate_large, (const void *)(3 * MIB + 5), TREADLE_REUSE_NEVER);
    (void)expect_verdict(TREADLE_OUT_OF_BOUNDS, "beyond the end");
    assert_int_equal(events_of_kind(EVENT_READ), 2);
    listed_run("");
    (void)expect_verdict(TREADLE_OUT_OF_BOUNDS, "beyond the end");
}

static void *setup_large(const void *argument)
{
    uint8_t *block = treadle_alloc((size_t)argument, NULL);
    block[0] = 1;
    block[(size_t)argument - 1] = 2;
    return block;
}

static void poke_large(void *state, const void *argument)
{
    size_t bytes = (size_t)argument;
    uint8_t *block = state;
    treadle_assert(peek8(block) == 1 && peek8(block + bytes - 1) == 2, "as the set-up left it");
    poke8(block, 3);
    poke8(block + bytes - 1, 4);
    subject_memset(block + bytes / 2, 5, 100);
    treadle_assert(block[bytes / 2 + 99] == 5, "written");
}

static void setup_may_allocate_more_than_a_goroutine(void **state)
{
    (void)state;
    const void *bytes = (const void *)(20 * MIB + 1);
    const struct treadle_target target = { .name = "large", .setup = setup_large,
                                           .argument = bytes,
                                           PROGRAMS({ "p", poke_large, bytes }) };
    run_open(&target);
    for (int i = 0; i < 3; i++) {
        listed_run("");
        expect_no_verdict();
        scheduler_run(&(struct strategy[]){ strategy_random() }[0], 0);
        expect_no_verdict();
    }
    assert_int_equal(((uint8_t *)execution.state)[10 * MIB], 5);
}

static void exhausted_arena_says_so(void **state)
{
    (void)state;
    int end;
    pid_t child = child_start(STDERR_FILENO, &end);
    if (child == 0) {
        run_one(allocate_large, (const void *)(17 * MIB), TREADLE_REUSE_NEVER);
        _exit(0);
    }
    char text[256];
    int status = child_text(child, end, text, sizeof text);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    assert_string_equal(text, "treadle: goroutine 1 has used up its arena of 16 MiB\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_depend_on_own_history_alone),
        cmocka_unit_test(addresses_do_not_depend_on_other_goroutines),
        cmocka_unit_test(blocks_are_apart_and_aligned),
        cmocka_unit_test(never_hands_out_freed_memory),
        cmocka_unit_test(lifo_hands_out_the_newest_of_that_size),
        cmocka_unit_test(generations_count_lives),
        cmocka_unit_test(lifo_reuses_across_goroutines),
        cmocka_unit_test(lifo_reuses_large_blocks_of_equal_size),
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(subjects_may_ask),
        cmocka_unit_test(heap_find_at_knows_each_life),
        cmocka_unit_test(heap_find_at_sees_beyond_a_shorter_block),
        cmocka_unit_test(heap_find_at_knows_the_setup),
        cmocka_unit_test(large_blocks_have_ends_too),
        cmocka_unit_test(setup_may_allocate_more_than_a_goroutine),
        cmocka_unit_test(exhausted_arena_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
