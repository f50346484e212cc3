/* store_buffer_test.c: the rules of store buffers one by one (store_buffer.h). What they let happen
 * all in all is memory_model_test.c's. */
#include "test_run.h"

#include "store_buffer.h"

static enum memory_model model;
static uint32_t buffered_max;

static void open_target(const struct treadle_target *target)
{
    const char *rule;
    struct scheduler_options options = { .memory = model, .buffered_max = buffered_max };
    assert_int_equal(scheduler_open(target, &options, &rule), TREADLE_OK);
}

/* In how many of that many random executions check holds. */
static uint32_t holds_in(const struct treadle_target *target, uint32_t executions,
                         bool (*check)(const struct cells *cells))
{
    uint32_t count = 0;
    struct portfolio portfolio = portfolio_create(NULL);
    open_target(target);
    for (uint32_t i = 0; i < executions; i++) {
        scheduler_run(portfolio_pick(&portfolio, i), i);
        count += check(execution.state);
    }
    scheduler_close();
    return count;
}

/* ---- what drains ----------------------------------------------------------------------------- */

void __tsan_atomic_thread_fence(int order);

static void pass_fence(struct cells *cells)
{
    (void)cells;
    __tsan_atomic_thread_fence(EVENT_SEQ_CST);
}

static void pass_weak_fence(struct cells *cells)
{
    (void)cells;
    __tsan_atomic_thread_fence(EVENT_ACQ_REL);
}

static void pass_rmw(struct cells *cells)
{
    atomic_add64((_Atomic uint64_t *)&cells->cell[4 + treadle_self()], 1);
}

static void pass_failing_cas(struct cells *cells)
{
    atomic_cas64((_Atomic uint64_t *)&cells->cell[4 + treadle_self()], 7, 8);
}

static void pass_seq_cst_store(struct cells *cells)
{
    atomic_store64((_Atomic uint64_t *)&cells->cell[4 + treadle_self()], 1);
}

static void pass_lock(struct cells *cells)
{
    treadle_mutex_lock(&cells->mutex[treadle_self()]);
}

static void pass_alloc(struct cells *cells)
{
    (void)cells;
    treadle_alloc(16, NULL);
}

static void nothing(void *argument)
{
    (void)argument;
}

static void pass_go(struct cells *cells)
{
    (void)cells;
    treadle_go(nothing, NULL);
}

static void pass_long_store(struct cells *cells)
{
    static uint8_t bytes[3][STORE_BYTES_MAX + 1];
    (void)cells;
    subject_memset(bytes[treadle_self()], 1, STORE_BYTES_MAX + 1);
}

static void pass_nothing(struct cells *cells)
{
    (void)cells;
}

static void pass_release_store(struct cells *cells)
{
    atomic_store_release64((_Atomic uint64_t *)&cells->cell[4 + treadle_self()], 1);
}

static void (*pass)(struct cells *cells);
static uint64_t seen[3];

/* Store buffering: each stores to its own cell and reads the other's. */
static void store_pass_load(void *state, const void *argument)
{
    struct cells *cells = state;
    uint32_t self = treadle_self();
    (void)argument;
    poke64(&cells->cell[self], 1);
    pass(cells);
    seen[self] = peek64(&cells->cell[3 - self]);
}

static const struct treadle_target store_buffering = {
    .name = "store-buffering",
    .setup = setup_cells,
    PROGRAMS({ "first", store_pass_load, NULL }, { "second", store_pass_load, NULL }),
};

static bool neither_saw(const struct cells *cells)
{
    (void)cells;
    expect_no_verdict();
    return seen[1] == 0 && seen[2] == 0;
}

static void some_events_wait_for_drains(void **state)
{
    static void (*const draining[])(struct cells *) = {
        pass_fence,      pass_rmw,  pass_failing_cas, pass_seq_cst_store,
        pass_lock,       pass_alloc, pass_go,         pass_long_store,
    };
    (void)state;
    for (size_t i = 0; i < COUNT(draining); i++) {
        pass = draining[i];
        assert_int_equal(holds_in(&store_buffering, 500, neither_saw), 0);
    }
}

static void others_do_not(void **state)
{
    (void)state;
    pass = pass_nothing;
    assert_int_not_equal(holds_in(&store_buffering, 500, neither_saw), 0);
    pass = pass_release_store;
    assert_int_not_equal(holds_in(&store_buffering, 500, neither_saw), 0);
    pass = pass_weak_fence;
    assert_int_not_equal(holds_in(&store_buffering, 500, neither_saw), 0);
    enum memory_model former = model;
    model = MEMORY_SC;
    pass = pass_nothing;
    assert_int_equal(holds_in(&store_buffering, 500, neither_saw), 0);
    model = former;
}

/* ---- a goroutine's own view ------------------------------------------------------------------ */

static void store_and_load(void *state, const void *argument)
{
    struct cells *cells = state;
    (void)argument;
    poke64(&cells->cell[0], UINT64_C(0x1111111111111111));
    assert_true(peek64(&cells->cell[0]) == UINT64_C(0x1111111111111111));
    assert_int_equal(peek32((uint32_t *)&cells->cell[0] + 1), 0x11111111);
    poke32((uint32_t *)&cells->cell[0], 0x22222222);
    assert_true(peek64(&cells->cell[0]) == UINT64_C(0x1111111122222222));
    bump64(&cells->cell[1]);
    bump64(&cells->cell[1]);
    assert_true(peek64(&cells->cell[1]) == 2);
}

static void other_stores(void *state, const void *argument)
{
    struct cells *cells = state;
    (void)argument;
    poke64(&cells->cell[2], 3);
    poke64(&cells->cell[3], 4);
}

static const struct treadle_target own_view = {
    .name = "own-view",
    .setup = setup_cells,
    PROGRAMS({ "first", store_and_load, NULL }, { "second", other_stores, NULL }),
};

/* The load of 8 bytes of which 4 are stored over comes behind their drain. */
static bool partly_stored_load_waits(const struct cells *cells)
{
    uint32_t drained = EVENT_INDEX_NONE;
    expect_no_verdict();
    const struct event *load = event_of(1, EVENT_READ, 2);
    for (uint32_t i = 0; i < execution.trace_count; i++)
        if (execution.trace[i].kind == EVENT_DRAIN && execution.trace[i].size == 4)
            drained = i;
    assert_int_not_equal(drained, EVENT_INDEX_NONE);
    return execution.trace + drained < load && load->value_read == cells->cell[0]
           && cells->cell[0] == UINT64_C(0x1111111122222222) && cells->cell[1] == 2
           && cells->cell[2] == 3 && cells->cell[3] == 4;
}

static void own_stores_are_seen_at_once(void **state)
{
    (void)state;
    assert_int_equal(holds_in(&own_view, 1000, partly_stored_load_waits), 1000);
}

/* A struct copy, whose write is announced before its read, moves what the view holds. */
static void copy_words(void *state, const void *argument)
{
    struct cells *cells = state;
    (void)argument;
    poke64(&cells->words[0].word[1], 5);
    copy24(&cells->words[1], &cells->words[0]);
    copy24(&cells->words[2], &cells->words[1]);
    assert_true(sum24(&cells->words[2]) == 5);
    clear24(&cells->words[1]);
}

static const struct treadle_target copies = {
    .name = "copies",
    .setup = setup_cells,
    PROGRAMS({ "first", copy_words, NULL }, { "second", other_stores, NULL }),
};

static bool words_arrive(const struct cells *cells)
{
    expect_no_verdict();
    return cells->words[0].word[1] == 5 && cells->words[2].word[1] == 5
           && cells->words[1].word[1] == 0;
}

static void copies_are_settled_when_they_are_made(void **state)
{
    (void)state;
    assert_int_equal(holds_in(&copies, 1000, words_arrive), 1000);
}

/* ---- frames that are left -------------------------------------------------------------------- */

void __tsan_write8(void *address);

/* Stores all over its frame, where Treadle's own frames lie when the next hook is called. */
static __attribute__((noinline)) uint64_t fill_frame(uint64_t value)
{
    volatile uint64_t room[96];
    for (uint32_t i = 0; i < COUNT(room); i++) {
        __tsan_write8((void *)&room[i]);
        room[i] = value;
    }
    return room[value];
}

static jmp_buf way_out;

static __attribute__((noinline)) void fill_frame_and_jump(uint64_t value)
{
    volatile uint64_t room[96];
    for (uint32_t i = 0; i < COUNT(room); i++) {
        __tsan_write8((void *)&room[i]);
        room[i] = value;
    }
    longjmp(way_out, 1);
}

static void leave_frames(void *state, const void *argument)
{
    struct cells *cells = state;
    (void)argument;
    for (volatile uint64_t round = 1; round <= 3; round++) {
        if (setjmp(way_out) == 0)
            fill_frame_and_jump(round);
        poke64(&cells->words[3].word[0], round);
        assert_true(sum24(&cells->words[3]) == round); /* stores to its own frame */
        assert_true(fill_frame(round) == round);
        assert_true(peek64(&cells->cell[0]) <= 9);
    }
}

static void read_on(void *state, const void *argument)
{
    struct cells *cells = state;
    (void)argument;
    for (uint64_t round = 1; round <= 9; round++)
        poke64(&cells->cell[0], round);
}

/* Its frame is gone while its stores are still in the buffer. */
static void end_at_once(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    fill_frame(5);
}

static const struct treadle_target frames = {
    .name = "frames",
    .setup = setup_cells,
    PROGRAMS({ "first", leave_frames, NULL }, { "second", read_on, NULL },
             { "third", end_at_once, NULL }),
};

static bool no_verdict(const struct cells *cells)
{
    expect_no_verdict();
    return cells->words[3].word[0] == 3 && cells->cell[0] == 9;
}

static void stores_to_left_frames_hurt_nobody(void **state)
{
    (void)state;
    assert_int_equal(holds_in(&frames, 200, no_verdict), 200);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void store_for_joiner(void *argument)
{
    poke64(argument, 1);
}

static void join_storer(void *state, const void *argument)
{
    struct cells *cells = state;
    (void)argument;
    treadle_join(treadle_go(store_for_joiner, &cells->cell[0]));
    assert_true(peek64(&cells->cell[0]) == 1);
}

static const struct treadle_target joins = {
    .name = "joins",
    .setup = setup_cells,
    PROGRAMS({ "first", join_storer, NULL }, { "second", other_stores, NULL }),
};

static bool everything_drained(const struct cells *cells)
{
    expect_no_verdict();
    return cells->cell[0] == 1 && cells->cell[2] == 3 && cells->cell[3] == 4;
}

static void a_join_waits_for_the_buffer(void **state)
{
    (void)state;
    assert_int_equal(holds_in(&joins, 1000, everything_drained), 1000);
}

/* What has not drained when a verdict ends the execution has not happened. */
static void store_and_panic(void *state, const void *argument)
{
    struct cells *cells = state;
    (void)argument;
    poke64(&cells->cell[0], 1);
    treadle_panic("over");
}

static const struct treadle_target panics = {
    .name = "panics",
    .setup = setup_cells,
    PROGRAMS({ "first", store_and_panic, NULL }),
};

static bool store_drained(const struct cells *cells)
{
    expect_verdict(TREADLE_PANIC, "over");
    assert_int_equal(cells->cell[0], events_of_kind(EVENT_DRAIN));
    return cells->cell[0] == 1;
}

static void main_memory_is_left(void **state)
{
    (void)state;
    assert_int_equal(holds_in(&panics, 200, store_drained), 0);
}

static void free_what_is_stored_to(void *state, const void *argument)
{
    uint64_t **block = state;
    if (argument != NULL)
        treadle_free(*block);
    else
        poke64(*block, 1);
}

static void *setup_block(const void *argument)
{
    (void)argument;
    uint64_t **block = treadle_alloc(sizeof *block, NULL);
    *block = treadle_alloc(8, NULL);
    return block;
}

static const struct treadle_target frees = {
    .name = "frees",
    .setup = setup_block,
    PROGRAMS({ "first", free_what_is_stored_to, NULL },
             { "second", free_what_is_stored_to, "frees" }),
};

static bool drained_to_freed_memory(const struct cells *cells)
{
    (void)cells;
    const struct verdict_record *record = run_verdict(TREADLE_USE_AFTER_FREE);
    return record != NULL && execution.trace[record->events[0]].kind == EVENT_DRAIN;
}

static void a_drain_to_freed_memory_is_told(void **state)
{
    (void)state;
    assert_int_not_equal(holds_in(&frees, 500, drained_to_freed_memory), 0);
}

/* ---- how much a buffer holds ----------------------------------------------------------------- */

static void store_a_lot(void *state, const void *argument)
{
    struct cells *cells = state;
    (void)argument;
    for (uint64_t i = 0; i < 40; i++)
        poke64(&cells->cell[i % 8], i);
}

static const struct treadle_target many = {
    .name = "many",
    .setup = setup_cells,
    PROGRAMS({ "first", store_a_lot, NULL }, { "second", other_stores, NULL }),
};

static uint32_t buffered_most;

static bool note_most(const struct cells *cells)
{
    uint32_t count = 0;
    (void)cells;
    expect_no_verdict();
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        count += event_owner(event) == 1 && (event->order & EVENT_BUFFERED);
        count -= event_owner(event) == 1 && event->kind == EVENT_DRAIN;
        buffered_most = count > buffered_most ? count : buffered_most;
    }
    assert_int_equal(count, 0);
    return true;
}

static void buffers_have_a_size(void **state)
{
    (void)state;
    buffered_most = 0;
    holds_in(&many, 300, note_most);
    assert_true(buffered_most > 4);
    buffered_most = 0;
    buffered_max = 4;
    holds_in(&many, 300, note_most);
    buffered_max = 0;
    assert_int_equal(buffered_most, 4);
}

/* ---- main ------------------------------------------------------------------------------------ */

static int use_tso(void **state)
{
    (void)state;
    model = MEMORY_TSO;
    return 0;
}

static int use_pso(void **state)
{
    (void)state;
    model = MEMORY_PSO;
    return 0;
}

#define UNDER_BOTH(test)                                                                           \
    { #test "_tso", test, use_tso, NULL, NULL }, { #test "_pso", test, use_pso, NULL, NULL }

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNDER_BOTH(some_events_wait_for_drains),
        UNDER_BOTH(others_do_not),
        UNDER_BOTH(own_stores_are_seen_at_once),
        UNDER_BOTH(copies_are_settled_when_they_are_made),
        UNDER_BOTH(stores_to_left_frames_hurt_nobody),
        UNDER_BOTH(a_join_waits_for_the_buffer),
        UNDER_BOTH(main_memory_is_left),
        UNDER_BOTH(a_drain_to_freed_memory_is_told),
        UNDER_BOTH(buffers_have_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
