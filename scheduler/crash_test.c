/* crash_test.c: signals in subject code become verdicts and the process goes on; so do loops that
 * announce nothing. */
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "test_run.h"
#include "trace.h"

/* ---- crashes --------------------------------------------------------------------------------- */

static void crash_null(void)
{
    write_to_null();
}

static volatile int zero;

static void crash_division(void)
{
    zero = divide(1, zero);
}

static void crash_abort(void)
{
    abort();
}

static void crash_stack(void)
{
    (void)recurse(1u << 20);
}

static void crash_illegal(void)
{
    illegal_instruction();
}

static const struct {
    void (*crash)(void);
    const char *rule;
} CRASHES[] = {
    { crash_null, "SIGSEGV" },         { crash_division, "SIGFPE" }, { crash_abort, "SIGABRT" },
    { crash_stack, "stack overflow" }, { crash_illegal, "SIGILL" },
};

/* What the open target's second goroutine does after its first write; -1 for nothing. */
static int crash_number;

static void poke_and_crash(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    poke64(&cells->cell[0], 5);
    (void)peek64(&cells->cell[0]);
    if (crash_number >= 0)
        CRASHES[crash_number].crash();
    poke64(&cells->cell[1], 6);
}

static void bump_twice(void *state, const void *argument)
{
    (void)argument;
    bump64(&((struct cells *)state)->cell[2]);
    bump64(&((struct cells *)state)->cell[2]);
}

static const struct treadle_target crashing = {
    .name = "crashing", .setup = setup_cells,
    PROGRAMS({ "b", bump_twice, NULL }, { "c", poke_and_crash, NULL }, { "b", bump_twice, NULL }),
};

/* The next execution in the same process is the one that it would have been. */
static void every_crash_is_a_verdict(void **state)
{
    (void)state;
    run_open(&crashing);
    struct strategy strategy = strategy_random();
    uint64_t sound[3];
    crash_number = -1;
    for (uint64_t seed = 0; seed < COUNT(sound); seed++) {
        scheduler_run(&strategy, seed);
        expect_no_verdict();
        sound[seed] = trace_hash();
    }
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT(CRASHES); i++) {
            run_open(&crashing);
            assert_false(scheduler_crashed());
            crash_number = (int)i;
            scheduler_run(&strategy, i);
            const struct verdict_record *record = expect_verdict(TREADLE_CRASH, CRASHES[i].rule);
            assert_string_equal(record->rule, CRASHES[i].rule);
            assert_true(scheduler_crashed());
            assert_true(execution.ended_early);
            assert_int_equal(record->event_count, 1);
            assert_true(&execution.trace[record->events[0]] == event_of(2, EVENT_READ, 0));
            assert_int_equal(record->events[0], execution.trace_run_count - 1);
            assert_int_equal(event_of(2, EVENT_WRITE, 0)->value_written, 5);
            crash_number = -1;
            for (uint64_t seed = 0; seed < COUNT(sound); seed++) {
                scheduler_run(&strategy, seed);
                expect_no_verdict();
                assert_true(trace_hash() == sound[seed]);
            }
        }
}

static void a_crash_is_the_same_each_time(void **state)
{
    (void)state;
    run_open(&crashing);
    struct strategy strategy = strategy_random();
    for (size_t i = 0; i < COUNT(CRASHES); i++) {
        crash_number = (int)i;
        scheduler_run(&strategy, 7);
        uint64_t hash = trace_hash();
        scheduler_run(&strategy, 7);
        assert_true(trace_hash() == hash);
    }
}

static void crash_at_the_end(void *state)
{
    (void)peek64(state);
    write_to_null();
}

static void nothing(void *state, const void *argument)
{
    (void)state;
    (void)argument;
}

static bool crash_asked(void *state, char *detail, size_t bytes)
{
    (void)detail;
    (void)bytes;
    crash_division();
    return state != NULL;
}

static void final_checks_may_crash(void **state)
{
    (void)state;
    const struct treadle_target final = { .name = "final", .setup = setup_cells,
                                          .final = crash_at_the_end,
                                          PROGRAMS({ "n", nothing, NULL }) };
    run_open(&final);
    listed_run("");
    (void)expect_verdict(TREADLE_CRASH, "SIGSEGV");
    listed_run("");
    (void)expect_verdict(TREADLE_CRASH, "SIGSEGV");
    static const struct treadle_invariant invariant = { TREADLE_CORRUPT, "it holds", crash_asked };
    const struct treadle_target asked = { .name = "asked", .setup = setup_cells,
                                          .invariants = &invariant, .invariant_count = 1,
                                          PROGRAMS({ "n", nothing, NULL }) };
    run_open(&asked);
    listed_run("");
    (void)expect_verdict(TREADLE_CRASH, "SIGFPE");
}

static void look_and_crash(void *argument)
{
    (void)argument;
    write_to_null();
}

/* A dump of a broken state; whether the execution itself crashed is another question. */
static void a_look_may_crash(void **state)
{
    (void)state;
    crash_number = -1;
    run_open(&crashing);
    listed_run("");
    assert_int_equal(scheduler_look(look_and_crash, NULL), TREADLE_CRASH);
    expect_no_verdict();
    assert_false(scheduler_crashed());
    listed_run("");
    expect_no_verdict();
}

/* A write whose event is the last one before the crash is recorded as what it was. */
static void poke_then_crash(void *state, const void *argument)
{
    (void)argument;
    poke64(&((struct cells *)state)->cell[0], 5);
    write_to_null();
}

static void the_last_write_before_a_crash_is_recorded(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "last", .setup = setup_cells,
                                           PROGRAMS({ "p", poke_then_crash, NULL }) };
    run_open(&target);
    listed_run("");
    (void)expect_verdict(TREADLE_CRASH, "SIGSEGV");
    assert_int_equal(((struct cells *)execution.state)->cell[0], 5);
    assert_int_equal(event_of(1, EVENT_WRITE, 0)->value_written, 5);
}

/* ---- the watchdog ---------------------------------------------------------------------------- */

/* The engine's own timer, but sooner: each 30 ms of CPU time instead of each second. To be called
 * when the target is being opened or is open, for that starts the timer. */
static void hurry(void)
{
    struct itimerval soon = { .it_interval = { .tv_usec = 30000 },
                              .it_value = { .tv_usec = 30000 } };
    assert_int_equal(setitimer(ITIMER_VIRTUAL, &soon, NULL), 0);
}

static void calm(void)
{
    struct itimerval never = { 0 };
    assert_int_equal(setitimer(ITIMER_VIRTUAL, &never, NULL), 0);
}

static bool loops;

static void poke_and_loop(void *state, const void *argument)
{
    (void)argument;
    poke64(&((struct cells *)state)->cell[0], 5);
    if (loops)
        loop_without_hooks();
}

static void loops_without_events_are_a_timeout(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "loops", .setup = setup_cells,
                                           PROGRAMS({ "b", bump_twice, NULL },
                                                    { "l", poke_and_loop, NULL }) };
    run_open(&target);
    hurry();
    for (int round = 0; round < 2; round++) {
        loops = true;
        listed_run("1122");
        (void)expect_verdict(TREADLE_TIMEOUT, "no event in");
        assert_true(execution.ended_early);
        assert_int_equal(execution.trace_run_count, 4);
        assert_false(scheduler_crashed());
        loops = false;
        listed_run("1122111");
        expect_no_verdict();
    }
    calm();
}

static void loop_at_the_end(void *state)
{
    (void)state;
    loop_without_hooks();
}

static void final_checks_may_loop(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "final", .setup = setup_cells,
                                           .final = loop_at_the_end,
                                           PROGRAMS({ "n", nothing, NULL }) };
    run_open(&target);
    hurry();
    listed_run("");
    (void)expect_verdict(TREADLE_TIMEOUT, "no event in");
    calm();
}

static void *setup_loops(const void *argument)
{
    hurry();
    loop_without_hooks();
    return setup_cells(argument);
}

static void setups_may_loop(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "setup", .setup = setup_loops,
                                           PROGRAMS({ "n", nothing, NULL }) };
    const char *rule = NULL;
    struct scheduler_options options = { 0 };
    assert_int_equal(scheduler_open(&target, &options, &rule), TREADLE_TIMEOUT);
    assert_non_null(strstr(rule, "no event in"));
    calm();
}

static void spend_cpu_time(clock_t ticks)
{
    clock_t start = clock();
    while (clock() - start < ticks)
        continue;
}

static void work_slowly(void *state, const void *argument)
{
    (void)argument;
    for (uint64_t i = 0; i < 20; i++) {
        poke64(&((struct cells *)state)->cell[0], i);
        spend_cpu_time(CLOCKS_PER_SEC / 100);
    }
}

/* 10 ms between events, 200 in all: the watchdog looks several times and sees progress. */
static void slow_progress_is_no_timeout(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "slow", .setup = setup_cells,
                                           PROGRAMS({ "s", work_slowly, NULL }) };
    run_open(&target);
    hurry();
    listed_run("");
    calm();
    expect_no_verdict();
}

/* Nor is time that is spent between executions, in oracles and reports. */
static void time_outside_executions_is_no_timeout(void **state)
{
    (void)state;
    crash_number = -1;
    run_open(&crashing);
    hurry();
    for (int round = 0; round < 3; round++) {
        spend_cpu_time(CLOCKS_PER_SEC / 10);
        listed_run("");
        expect_no_verdict();
    }
    calm();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_crash_is_a_verdict),
        cmocka_unit_test(a_crash_is_the_same_each_time),
        cmocka_unit_test(final_checks_may_crash),
        cmocka_unit_test(a_look_may_crash),
        cmocka_unit_test(the_last_write_before_a_crash_is_recorded),
        cmocka_unit_test(loops_without_events_are_a_timeout),
        cmocka_unit_test(final_checks_may_loop),
        cmocka_unit_test(setups_may_loop),
        cmocka_unit_test(slow_progress_is_no_timeout),
        cmocka_unit_test(time_outside_executions_is_no_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
