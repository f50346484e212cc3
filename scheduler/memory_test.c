/* memory_test.c: which verdict an access has that touches no live memory, by every kind of
 * access; and a free of what cannot be freed. */
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

/* ---- freed, beyond, wild --------------------------------------------------------------------- */

enum touch { READ_8, WRITE_8, READ_64, WRITE_64, ATOMIC_64, COPY_TO, COPY_FROM, SET, TOUCHES };

static void touch(enum touch how, uint8_t *at)
{
    uint64_t local[1] = { 0 };
    switch (how) {
    case READ_8:
        (void)peek8(at);
        return;
    case WRITE_8:
        poke8(at, 1);
        return;
    case READ_64:
        (void)peek64((uint64_t *)at);
        return;
    case WRITE_64:
        poke64((uint64_t *)at, 1);
        return;
    case ATOMIC_64:
        (void)atomic_add64((_Atomic uint64_t *)at, 1);
        return;
    case COPY_TO:
        (void)subject_memcpy(at, local, 4);
        return;
    case COPY_FROM:
        (void)subject_memcpy(local, at, 4);
        return;
    default:
        (void)subject_memset(at, 0, 3);
        return;
    }
}

struct wrong {
    enum touch how;
    size_t bytes;    /* of a block of the goroutine's own; another one lies behind it */
    int64_t offset;  /* from its start */
    bool freed;
};

static void touch_wrongly(void *state, const void *argument)
{
    (void)state;
    const struct wrong *wrong = argument;
    (void)treadle_alloc(64, NULL);
    uint8_t *block = treadle_alloc(wrong->bytes, NULL);
    (void)treadle_alloc(64, NULL);
    if (wrong->freed)
        treadle_free(block);
    touch(wrong->how, block + wrong->offset);
}

/* The verdict names the access, which has not happened. */
static void expect_wrong(struct wrong wrong, enum treadle_verdict verdict, const char *rule)
{
    run_one(touch_wrongly, &wrong, TREADLE_REUSE_NEVER);
    if (run_verdict(verdict) == NULL)
        print_error("touch %d, %zu bytes, offset %lld\n", wrong.how, wrong.bytes,
                    (long long)wrong.offset);
    const struct verdict_record *record = expect_verdict(verdict, rule);
    assert_int_equal(record->event_count, 1);
    assert_int_equal(record->events[0], execution.trace_run_count - 1);
    assert_true(execution.ended_early);
}

static void use_after_free_is_a_verdict(void **state)
{
    (void)state;
    for (int how = 0; how < TOUCHES; how++) {
        expect_wrong((struct wrong){ (enum touch)how, 40, 0, true }, TREADLE_USE_AFTER_FREE,
                     "access to freed memory");
        expect_wrong((struct wrong){ (enum touch)how, 40, 32, true }, TREADLE_USE_AFTER_FREE,
                     "access to freed memory");
    }
}

static void out_of_bounds_is_a_verdict(void **state)
{
    (void)state;
    static const char rule[] = "access beyond the end of a block";
    for (int how = 0; how < TOUCHES; how++) {
        enum touch touch = (enum touch)how;
        expect_wrong((struct wrong){ touch, 20, 20, false }, TREADLE_OUT_OF_BOUNDS, rule);
        expect_wrong((struct wrong){ touch, 20, 32, false }, TREADLE_OUT_OF_BOUNDS, rule);
        expect_wrong((struct wrong){ touch, 32, 32, false }, TREADLE_OUT_OF_BOUNDS, rule);
        expect_wrong((struct wrong){ touch, 1, 1, false }, TREADLE_OUT_OF_BOUNDS, rule);
    }
    /* halfway out */
    expect_wrong((struct wrong){ READ_64, 20, 16, false }, TREADLE_OUT_OF_BOUNDS, rule);
    expect_wrong((struct wrong){ WRITE_64, 23, 16, false }, TREADLE_OUT_OF_BOUNDS, rule);
    expect_wrong((struct wrong){ WRITE_64, 32, 25, false }, TREADLE_OUT_OF_BOUNDS, rule);
    expect_wrong((struct wrong){ COPY_TO, 20, 17, false }, TREADLE_OUT_OF_BOUNDS, rule);
    expect_wrong((struct wrong){ COPY_FROM, 20, 17, false }, TREADLE_OUT_OF_BOUNDS, rule);
    expect_wrong((struct wrong){ SET, 20, 18, false }, TREADLE_OUT_OF_BOUNDS, rule);
}

static void empty_blocks_have_bounds_too(void **state)
{
    (void)state;
    for (int how = 0; how < TOUCHES; how++) {
        struct wrong wrong = { (enum touch)how, 0, 0, false };
        expect_wrong(wrong, TREADLE_OUT_OF_BOUNDS, "access beyond the end of a block");
        wrong.freed = true;
        expect_wrong(wrong, TREADLE_USE_AFTER_FREE, "access to freed memory");
    }
}

static void the_last_bytes_are_inside(void **state)
{
    (void)state;
    static const struct wrong right[] = {
        { READ_8, 20, 19, false },   { WRITE_8, 1, 0, false },  { READ_64, 24, 16, false },
        { WRITE_64, 23, 15, false }, { COPY_TO, 20, 16, false }, { COPY_FROM, 20, 16, false },
        { SET, 20, 17, false },      { ATOMIC_64, 8, 0, false },
    };
    for (size_t i = 0; i < COUNT(right); i++) {
        run_one(touch_wrongly, &right[i], TREADLE_REUSE_NEVER);
        expect_no_verdict();
    }
}

struct wild {
    enum touch how;
    uint64_t address;
};

static void touch_wildly(void *state, const void *argument)
{
    (void)state;
    const struct wild *wild = argument;
    touch(wild->how, (uint8_t *)wild->address);
}

static void expect_wild(uint64_t address)
{
    for (int how = 0; how < TOUCHES; how++) {
        struct wild wild = { (enum touch)how, address };
        run_one(touch_wildly, &wild, TREADLE_REUSE_NEVER);
        if (run_verdict(TREADLE_WILD_ACCESS) == NULL)
            print_error("touch %d at 0x%llx\n", how, (unsigned long long)address);
        (void)expect_verdict(TREADLE_WILD_ACCESS, "access outside any live memory");
    }
}

static void wild_access_is_a_verdict(void **state)
{
    (void)state;
    expect_wild(8);                     /* near null */
    expect_wild(HEAP_BASE - 64);        /* below the arena */
    expect_wild(HEAP_BASE + (UINT64_C(1) << 32)); /* in its unused part */
    expect_wild(UINT64_C(0x700000000000));
    expect_wild(UINT64_C(0x8000000000000000)); /* no address at all */
    expect_wild(FIBER_BASE + 900 * FIBER_STRIDE + FIBER_GUARD_BYTES + 64); /* nobody's stack */
    expect_wild(FIBER_BASE + FIBER_STRIDE + 64);                           /* a guard */
}

/* -8 is what an index of -1 into a table at null gives, and its end is 2^64. */
static void the_end_of_memory_is_wild(void **state)
{
    (void)state;
    expect_wild(UINT64_MAX - 15);
    expect_wild(UINT64_MAX - 7);
    struct wild last = { READ_8, UINT64_MAX };
    run_one(touch_wildly, &last, TREADLE_REUSE_NEVER);
    (void)expect_verdict(TREADLE_WILD_ACCESS, "access outside any live memory");
    assert_false(treadle_readable((const void *)(UINT64_MAX - 7), 8));
}

static void code_is_read_only(void **state)
{
    (void)state;
    struct wild code = { READ_64, (uint64_t)&subject_constant };
    run_one(touch_wildly, &code, TREADLE_REUSE_NEVER);
    expect_no_verdict();
    code.how = WRITE_64;
    run_one(touch_wildly, &code, TREADLE_REUSE_NEVER);
    (void)expect_verdict(TREADLE_WILD_ACCESS, "access outside any live memory");
}

/* Go's word for it, where the target speaks Go. */
static void nil_dereference_is_a_panic_in_go(void **state)
{
    (void)state;
    static const struct wild nil = { READ_64, 8 }, beyond = { READ_64, 4096 };
    struct treadle_target target = { .name = "nil", .setup = setup_cells, .go_semantics = true,
                                     PROGRAMS({ "nil", touch_wildly, &nil }) };
    run_open(&target);
    listed_run("");
    (void)expect_verdict(TREADLE_PANIC, "nil dereference");
    const struct treadle_program programs[] = { { "beyond", touch_wildly, &beyond } };
    target.programs = programs;
    run_open(&target);
    listed_run("");
    (void)expect_verdict(TREADLE_WILD_ACCESS, "outside any live memory");
}

/* Go knows no bounds but those of its checks: what lies behind a block is just wild. */
static void go_has_no_out_of_bounds(void **state)
{
    (void)state;
    static const struct wrong behind = { READ_64, 20, 24, false };
    const struct treadle_target target = { .name = "behind", .setup = setup_cells,
                                           .go_semantics = true,
                                           PROGRAMS({ "behind", touch_wrongly, &behind }) };
    run_open(&target);
    listed_run("");
    (void)expect_verdict(TREADLE_WILD_ACCESS, "outside any live memory");
}

/* An index by a mask that fits an array four times as long: nothing lies there. */
static void behind_a_block_is_room_in_go(void **state)
{
    (void)state;
    static const size_t sizes[] = { 8, 24, 144, 288, 2592, 21840 };
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int64_t times = 1; times <= 4; times++) {
            int64_t offset = (int64_t)sizes[i] * times - (times == 4 ? 8 : 0);
            const struct wrong behind = { WRITE_8, sizes[i], offset, false };
            const struct treadle_target target = { .name = "room", .setup = setup_cells,
                                                   .go_semantics = true,
                                                   PROGRAMS({ "one", touch_wrongly, &behind }) };
            run_open(&target);
            listed_run("");
            (void)expect_verdict(TREADLE_WILD_ACCESS, "outside any live memory");
        }
}

/* Of length -1, as a subtraction gone wrong has it. */
static void copy_far_too_much(void *state, const void *argument)
{
    subject_memcpy(state, &((struct cells *)state)->words, (size_t)argument);
}

static void set_far_too_much(void *state, const void *argument)
{
    subject_memset(state, 0, (size_t)argument);
}

/* In a child, for it ends the process unless the engine makes it a verdict. */
static int exit_status_of(void (*run)(void *state, const void *argument), uint64_t argument)
{
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        run_one(run, (const void *)argument, TREADLE_REUSE_NEVER);
        _exit(execution.verdict_count == 1
                      && (execution.verdicts[0].verdict == TREADLE_OUT_OF_BOUNDS
                          || execution.verdicts[0].verdict == TREADLE_WILD_ACCESS)
                  ? 0
                  : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void enormous_lengths_are_out_of_bounds(void **state)
{
    (void)state;
    static const uint64_t lengths[] = { sizeof(struct cells) + 1, UINT32_MAX,
                                        UINT64_C(1) << 32, UINT64_MAX };
    for (size_t i = 0; i < COUNT(lengths); i++) {
        int copied = exit_status_of(copy_far_too_much, lengths[i]);
        int set = exit_status_of(set_far_too_much, lengths[i]);
        if (copied != 0 || set != 0)
            print_error("length 0x%llx: wait status %d, %d\n", (unsigned long long)lengths[i],
                        copied, set);
        assert_int_equal(copied, 0);
        assert_int_equal(set, 0);
    }
}

/* ---- wrong frees ----------------------------------------------------------------------------- */

static void free_twice(void *state, const void *argument)
{
    (void)state;
    void *block = treadle_alloc((size_t)argument, NULL);
    treadle_free(block);
    treadle_free(block);
}

static void double_free_is_a_verdict(void **state)
{
    (void)state;
    for (int reuse = 0; reuse < 2; reuse++) {
        run_one(free_twice, (const void *)40, (enum treadle_reuse)reuse);
        const struct verdict_record *record =
            expect_verdict(TREADLE_DOUBLE_FREE, "free of freed memory");
        assert_int_equal(record->event_count, 1);
        assert_true(&execution.trace[record->events[0]] == event_of(1, EVENT_FREE, 1));
    }
}

static void double_free_of_an_empty_block(void **state)
{
    (void)state;
    run_one(free_twice, (const void *)0, TREADLE_REUSE_NEVER);
    (void)expect_verdict(TREADLE_DOUBLE_FREE, "free of freed memory");
}

static void free_at(void *state, const void *argument)
{
    (void)state;
    treadle_free((void *)argument);
}

static void free_inside(void *state, const void *argument)
{
    (void)argument;
    treadle_free((uint8_t *)state + 16);
}

static void free_stack(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    uint64_t local;
    treadle_free(&local);
}

static void free_null(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    treadle_free(NULL);
}

static void wild_free_is_a_verdict(void **state)
{
    (void)state;
    static const char rule[] = "free of an address that is no block's start";
    run_one(free_inside, NULL, TREADLE_REUSE_NEVER);
    (void)expect_verdict(TREADLE_WILD_ACCESS, rule);
    run_one(free_stack, NULL, TREADLE_REUSE_NEVER);
    (void)expect_verdict(TREADLE_WILD_ACCESS, rule);
    run_one(free_at, &subject_global, TREADLE_REUSE_NEVER);
    (void)expect_verdict(TREADLE_WILD_ACCESS, rule);
    run_one(free_at, (const void *)8, TREADLE_REUSE_NEVER);
    (void)expect_verdict(TREADLE_WILD_ACCESS, rule);
    run_one(free_at, (const void *)(HEAP_BASE + (UINT64_C(1) << 33)), TREADLE_REUSE_NEVER);
    (void)expect_verdict(TREADLE_WILD_ACCESS, rule);
    run_one(free_null, NULL, TREADLE_REUSE_NEVER);
    expect_no_verdict();
    assert_int_equal(events_of_kind(EVENT_FREE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(use_after_free_is_a_verdict),
        cmocka_unit_test(out_of_bounds_is_a_verdict),
        cmocka_unit_test(empty_blocks_have_bounds_too),
        cmocka_unit_test(the_last_bytes_are_inside),
        cmocka_unit_test(wild_access_is_a_verdict),
        cmocka_unit_test(the_end_of_memory_is_wild),
        cmocka_unit_test(code_is_read_only),
        cmocka_unit_test(nil_dereference_is_a_panic_in_go),
        cmocka_unit_test(go_has_no_out_of_bounds),
        cmocka_unit_test(behind_a_block_is_room_in_go),
        cmocka_unit_test(enormous_lengths_are_out_of_bounds),
        cmocka_unit_test(double_free_is_a_verdict),
        cmocka_unit_test(double_free_of_an_empty_block),
        cmocka_unit_test(wild_free_is_a_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
