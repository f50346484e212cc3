/* scheduler_test.c: how many schedules programs have; goroutines that wait for others, all of them
 * for ever, or come into being by the hundred; limits. */
#include "test_run.h"

/* ---- how many schedules ---------------------------------------------------------------------- */

static void poke_some(void *state, const void *argument)
{
    struct cells *cells = state;
    for (uint64_t i = 0; i < (uint64_t)argument; i++)
        poke64(&cells->cell[treadle_self()], i);
}

static uint64_t schedules_of(const struct treadle_target *target)
{
    run_open(target);
    struct every every = every_schedule();
    while (every_run(&every))
        expect_no_verdict();
    return every.executions;
}

/* A goroutine's steps are its start and its events; its exit follows the last of them at once. So
 * goroutines of a, b, c events have (a + b + c + 3)! / ((a + 1)! (b + 1)! (c + 1)!) schedules. */
static void schedules_are_as_many_as_interleavings(void **state)
{
    (void)state;
#define POKES(n) { "poke", poke_some, (const void *)(uint64_t)(n) }
    const struct treadle_target targets[] = {
        { .name = "0+0", .setup = setup_cells, PROGRAMS(POKES(0), POKES(0)) },
        { .name = "1+0", .setup = setup_cells, PROGRAMS(POKES(1), POKES(0)) },
        { .name = "2+2", .setup = setup_cells, PROGRAMS(POKES(2), POKES(2)) },
        { .name = "3+4", .setup = setup_cells, PROGRAMS(POKES(3), POKES(4)) },
        { .name = "6", .setup = setup_cells, PROGRAMS(POKES(6)) },
        { .name = "1+1+1", .setup = setup_cells, PROGRAMS(POKES(1), POKES(1), POKES(1)) },
        { .name = "2+1+2", .setup = setup_cells, PROGRAMS(POKES(2), POKES(1), POKES(2)) },
    };
    static const uint64_t expected[] = { 2, 3, 20, 126, 1, 90, 560 };
    for (size_t i = 0; i < COUNT(targets); i++)
        assert_int_equal(schedules_of(&targets[i]), expected[i]);
}

static void choose_three(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    uint32_t answer = treadle_choose(3, "one of three");
    for (uint32_t i = 0; i < answer; i++)
        poke64(&cells->cell[0], i);
}

/* An answer of 0, 1 or 2 lets as many events follow. A data choice is an event but no step, and it
 * happens with the step before it. Two goroutines of a and b pokes: C(a + b + 2, a + 1). */
static void data_choices_branch(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "choices", .setup = setup_cells,
                                           PROGRAMS({ "a", choose_three, NULL },
                                                    { "b", choose_three, NULL }) };
    run_open(&target);
    struct every every = every_schedule();
    uint64_t by_answers[3][3] = { 0 };
    while (every_run(&every)) {
        expect_no_verdict();
        by_answers[event_of(1, EVENT_CHOOSE, 0)->value_read]
                  [event_of(2, EVENT_CHOOSE, 0)->value_read]++;
        assert_int_equal(event_of(1, EVENT_CHOOSE, 0)->size, 3);
    }
    static const uint64_t expected[3][3] = { { 2, 3, 4 }, { 3, 6, 10 }, { 4, 10, 20 } };
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            assert_int_equal(by_answers[a][b], expected[a][b]);
}

/* ---- join ------------------------------------------------------------------------------------ */

/* What the programs note in plain memory: no event. */
static struct {
    uint32_t done;   /* children that have finished */
    uint32_t broken; /* rules that did not hold */
} seen;

/* Before each schedule: the execution itself resets what lies in the arena only. */
static bool next_schedule(struct every *every)
{
    memset(&seen, 0, sizeof seen);
    return every_run(every);
}

static void child(void *argument)
{
    struct cells *cells = argument;
    poke64(&cells->cell[0], 7);
    seen.done++;
}

static void spawn_and_join(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    uint32_t id = treadle_go(child, cells);
    seen.broken += id != 2;
    poke64(&cells->cell[1], 1);
    treadle_join(id);
    seen.broken += seen.done != 1 || peek64(&cells->cell[0]) != 7;
}

/* Parent: start, go; then its write against the child's start and write; then join and read. */
static void join_waits_for_the_child(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "join", .setup = setup_cells,
                                           PROGRAMS({ "p", spawn_and_join, NULL }) };
    run_open(&target);
    struct every every = every_schedule();
    while (next_schedule(&every)) {
        expect_no_verdict();
        assert_int_equal(seen.broken, 0);
        const struct event *join = event_of(1, EVENT_JOIN, 0);
        assert_true(event_of(2, EVENT_EXIT, 0) < join);
        assert_int_equal(join->value_read, 2);
        assert_int_equal(event_of(1, EVENT_GO, 0)->value_written, 2);
    }
    assert_int_equal(every.executions, 3);
}

static void join(void *state, const void *argument)
{
    (void)state;
    treadle_join((uint32_t)(uint64_t)argument);
}

/* Nobody, oneself, goroutine 0. */
static void join_of_none_is_misuse(void **state)
{
    (void)state;
    for (uint64_t id = 0; id <= 2; id++) {
        const struct treadle_target target = { .name = "join", .setup = setup_cells,
                                               PROGRAMS({ "j", join, (const void *)id }) };
        run_open(&target);
        listed_run("");
        (void)expect_verdict(TREADLE_LOCK_MISUSE, "join of a goroutine that does not exist");
    }
}

static void nothing(void *state, const void *argument)
{
    (void)state;
    (void)argument;
}

static void several_may_join_one(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "joins", .setup = setup_cells,
                                           PROGRAMS({ "a", nothing, NULL },
                                                    { "j", join, (const void *)1 },
                                                    { "j", join, (const void *)1 }) };
    run_open(&target);
    struct every every = every_schedule();
    while (next_schedule(&every))
        expect_no_verdict();
    /* The last step is one of the two joins; before it the other join stands behind its own start
     * and a's (2 orders), and the remaining start anywhere among these three (4 places). */
    assert_int_equal(every.executions, 2 * 2 * 4);
}

/* ---- deadlock -------------------------------------------------------------------------------- */

static void lock_both(void *state, const void *argument)
{
    struct cells *cells = state;
    uint64_t first = (uint64_t)argument;
    treadle_mutex_lock(&cells->mutex[first]);
    treadle_mutex_lock(&cells->mutex[1 - first]);
    treadle_mutex_unlock(&cells->mutex[1 - first]);
    treadle_mutex_unlock(&cells->mutex[first]);
}

static const struct treadle_target crossed = {
    .name = "crossed", .setup = setup_cells,
    PROGRAMS({ "ab", lock_both, (const void *)0 }, { "ba", lock_both, (const void *)1 }),
};

/* Both have their first lock: the last events of each are named. */
static void deadlock_names_who_waits(void **state)
{
    (void)state;
    run_open(&crossed);
    listed_run("1122");
    const struct verdict_record *record =
        expect_verdict(TREADLE_DEADLOCK, "every goroutine waits");
    assert_true(execution.ended_early);
    assert_int_equal(execution.trace_run_count, 4);
    assert_int_equal(record->event_count, 2);
    assert_true(&execution.trace[record->events[0]] == event_of(2, EVENT_LOCK, 0));
    assert_true(&execution.trace[record->events[1]] == event_of(1, EVENT_LOCK, 0));
}

/* A deadlock iff each takes its first lock before the other takes its second. */
static void deadlock_comes_exactly_where_it_must(void **state)
{
    (void)state;
    run_open(&crossed);
    struct every every = every_schedule();
    uint32_t deadlocks = 0;
    while (every_run(&every)) {
        bool dead = execution.verdict_count > 0;
        deadlocks += dead;
        if (dead)
            (void)expect_verdict(TREADLE_DEADLOCK, "every goroutine waits");
        assert_int_equal(events_of_kind(EVENT_LOCK), dead ? 2 : 4);
        assert_int_equal(events_of_kind(EVENT_EXIT), dead ? 0 : 2);
    }
    assert_true(deadlocks > 0);
    assert_true(deadlocks < every.executions);
}

static void lock_only(void *state, const void *argument)
{
    (void)argument;
    treadle_mutex_lock(&((struct cells *)state)->mutex[0]);
}

static void lock_again(void *state)
{
    struct cells *cells = state;
    treadle_mutex_lock(&cells->mutex[0]);
}

static void final_check_may_deadlock(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "final", .setup = setup_cells,
                                           PROGRAMS({ "l", lock_only, NULL }),
                                           .final = lock_again };
    run_open(&target);
    listed_run("");
    (void)expect_verdict(TREADLE_DEADLOCK, "every goroutine waits");
    listed_run("11");
    (void)expect_verdict(TREADLE_DEADLOCK, "every goroutine waits");
}

/* ---- many goroutines ------------------------------------------------------------------------- */

static void add_one(void *argument)
{
    atomic_add64((_Atomic uint64_t *)argument, 1);
}

static void add_and_spawn_twelve(void *argument)
{
    uint32_t children[12];
    for (uint32_t i = 0; i < COUNT(children); i++)
        children[i] = treadle_go(add_one, argument);
    for (uint32_t i = 0; i < COUNT(children); i++)
        treadle_join(children[i]);
    add_one(argument);
}

static void spawn_fifteen(void *state, const void *argument)
{
    (void)argument;
    uint64_t *cell = &((struct cells *)state)->cell[0];
    uint32_t children[15];
    for (uint32_t i = 0; i < COUNT(children); i++)
        children[i] = treadle_go(add_and_spawn_twelve, cell);
    for (uint32_t i = 0; i < COUNT(children); i++)
        treadle_join(children[i]);
    treadle_assert(peek64(cell) == 15 * 13, "all have run before their parents");
}

static void two_hundred_goroutines_in_an_execution(void **state)
{
    (void)state;
    const struct treadle_target target = {
        .name = "many", .setup = setup_cells,
        PROGRAMS({ "root", spawn_fifteen, NULL }, { "n", nothing, NULL }, { "n", nothing, NULL },
                 { "n", nothing, NULL }, { "n", nothing, NULL }),
    };
    run_open(&target);
    struct strategy strategies[] = { strategy_random(), strategy_sticky(0), strategy_pos() };
    for (uint64_t seed = 0; seed < 9; seed++) {
        scheduler_run(&strategies[seed % 3], seed);
        expect_no_verdict();
        assert_int_equal(scheduler.goroutine_count, 1 + 5 + 15 * 13);
        assert_int_equal(scheduler.live_count, 0);
        uint32_t children[256] = { 0 };
        for (uint32_t id = 1; id < scheduler.goroutine_count; id++) {
            const struct goroutine *goroutine = &scheduler.goroutines[id];
            assert_int_equal(goroutine->state, GOROUTINE_DONE);
            assert_true(goroutine->parent < id);
            assert_int_equal(goroutine->child_index, ++children[goroutine->parent]);
        }
        assert_int_equal(children[0], 5);
        assert_int_equal(children[1], 15);
        assert_int_equal(events_of_kind(EVENT_GO), 195);
        assert_int_equal(events_of_kind(EVENT_START), 200);
        assert_int_equal(events_of_kind(EVENT_EXIT), 200);
    }
}

/* The parent goes on or the child does: both are schedules. */
static void spawn_two(void *state, const void *argument)
{
    (void)argument;
    (void)treadle_go(add_one, state);
    (void)treadle_go(add_one, state);
}

static void children_run_in_any_order(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "two", .setup = setup_cells,
                                           PROGRAMS({ "p", spawn_two, NULL }) };
    run_open(&target);
    struct every every = every_schedule();
    uint32_t second_first = 0;
    while (every_run(&every)) {
        expect_no_verdict();
        assert_int_equal(((struct cells *)execution.state)->cell[0], 2);
        second_first += event_of(3, EVENT_ATOMIC_RMW, 0) < event_of(2, EVENT_ATOMIC_RMW, 0);
    }
    /* start, go, then the second go against the first child's start and add: it stands at one of 3
     * places, and its child's 2 steps mix with the 2, 1, 0 that the first has left */
    assert_int_equal(every.executions, 6 + 3 + 1);
    assert_true(second_first > 0);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void spawn_for_ever(void *state, const void *argument)
{
    (void)argument;
    for (;;)
        (void)treadle_go(add_one, state);
}

static const struct treadle_target spawning = { .name = "spawning", .setup = setup_cells,
                                                PROGRAMS({ "s", spawn_for_ever, NULL }) };

/* Runs it in a child process, whose error output and exit code must be these. */
static void expect_limit(const struct treadle_target *target, struct scheduler_options options,
                         const char *expected)
{
    int end;
    pid_t child = child_start(STDERR_FILENO, &end);
    if (child == 0) {
        const char *rule;
        if (scheduler_open(target, &options, &rule) != TREADLE_OK)
            _exit(3);
        struct strategy strategy = strategy_random();
        scheduler_run(&strategy, 1);
        _exit(0);
    }
    char text[512];
    int status = child_text(child, end, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_string_equal(text, expected);
}

static void goroutine_limit_says_so(void **state)
{
    (void)state;
    expect_limit(&spawning, (struct scheduler_options){ .goroutines_max = 8 },
                 "treadle: an execution has more than 7 goroutines\n");
    expect_limit(&spawning, (struct scheduler_options){ 0 },
                 "treadle: an execution has more than 1023 goroutines\n");
    expect_limit(&spawning, (struct scheduler_options){ .goroutines_max = 5000 },
                 "treadle: at most 1024 goroutines are possible\n");
}

static void just_as_many_goroutines_are_fine(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "two", .setup = setup_cells,
                                           PROGRAMS({ "p", spawn_two, NULL }) };
    const char *rule;
    struct scheduler_options options = { .goroutines_max = 4 }; /* goroutine 0 included */
    assert_int_equal(scheduler_open(&target, &options, &rule), TREADLE_OK);
    listed_run("");
    expect_no_verdict();
}

static void poke_for_ever(void *state, const void *argument)
{
    (void)argument;
    for (uint64_t i = 0;; i++)
        poke64(&((struct cells *)state)->cell[0], i);
}

static void step_limit_is_a_timeout(void **state)
{
    (void)state;
    struct treadle_target target = { .name = "endless", .setup = setup_cells,
                                     PROGRAMS({ "e", poke_for_ever, NULL },
                                              { "n", nothing, NULL }) };
    static const struct {
        uint32_t target, options, expected;
    } cases[] = { { 0, 0, SCHEDULER_STEPS_MAX }, { 300, 0, 300 }, { 0, 70, 70 }, { 300, 500, 500 },
                  { 100000, 0, 100000 } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        target.steps_max = cases[i].target;
        const char *rule;
        struct scheduler_options options = { .steps_max = cases[i].options };
        assert_int_equal(scheduler_open(&target, &options, &rule), TREADLE_OK);
        struct strategy strategy = strategy_random();
        for (uint64_t seed = 0; seed < 2; seed++) {
            scheduler_run(&strategy, seed);
            (void)expect_verdict(TREADLE_TIMEOUT, "more events than an execution may have");
            assert_int_equal(execution.trace_run_count, cases[i].expected);
            assert_true(execution.ended_early);
        }
    }
}

static void poke_98(void *state, const void *argument)
{
    (void)argument;
    for (uint64_t i = 0; i < 98; i++)
        poke64(&((struct cells *)state)->cell[0], i);
}

static void poke_often(void *state)
{
    for (uint64_t i = 0; i < 1000; i++)
        poke64(&((struct cells *)state)->cell[0], i);
}

/* Start, 98 writes, exit; the final check's events do not count. */
static void just_as_many_steps_are_fine(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "98", .setup = setup_cells, .steps_max = 100,
                                           .final = poke_often,
                                           PROGRAMS({ "e", poke_98, NULL }) };
    run_open(&target);
    listed_run("");
    expect_no_verdict();
    assert_int_equal(execution.trace_run_count, 100);
    assert_int_equal(execution.trace_count, 1100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_are_as_many_as_interleavings),
        cmocka_unit_test(data_choices_branch),
        cmocka_unit_test(join_waits_for_the_child),
        cmocka_unit_test(several_may_join_one),
        cmocka_unit_test(join_of_none_is_misuse),
        cmocka_unit_test(deadlock_names_who_waits),
        cmocka_unit_test(deadlock_comes_exactly_where_it_must),
        cmocka_unit_test(final_check_may_deadlock),
        cmocka_unit_test(two_hundred_goroutines_in_an_execution),
        cmocka_unit_test(children_run_in_any_order),
        cmocka_unit_test(goroutine_limit_says_so),
        cmocka_unit_test(just_as_many_goroutines_are_fine),
        cmocka_unit_test(step_limit_is_a_timeout),
        cmocka_unit_test(just_as_many_steps_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
