/* sticky_test.c: its runs are as long as its period says, whoever they are of; it cracks what needs
 * one goroutine to stop while another runs far. */
#include "test_run.h"

#define WINDOW_ADDS 20u

static void look_twice(void *state, const void *argument)
{
    (void)argument;
    uint64_t *cell = &((struct cells *)state)->cell[0];
    uint64_t before = peek64(cell);
    uint64_t after = peek64(cell);
    treadle_assert(after - before < WINDOW_ADDS, "not all additions fall between two reads");
}

static void add_often(void *state, const void *argument)
{
    (void)argument;
    for (uint32_t i = 0; i < WINDOW_ADDS; i++)
        atomic_add64((_Atomic uint64_t *)&((struct cells *)state)->cell[0], 1);
}

static const struct treadle_target wide_window = {
    .name = "test/wide-window",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "looker", look_twice, NULL },
                                                  { "adder", add_often, NULL } },
    .program_count = 2,
};

/* The looker must begin (1/2), stay for its read (31/32), be left before its second one (1/32),
 * and the adder must stay for its start and 20 additions; it is chosen already, so 20 times
 * 31/32: p >= 1/2 * 31/32 * 1/32 * (31/32)^20 = 0.0080. Missing it in 4000 executions: e^-32.
 * Where leaving may choose the one that is left, as a walk would, p is still 0.0056: e^-22. The
 * uniform walk needs 21 times the adder in a row: p < 1e-6. */
static void sticky_cracks_a_wide_window(void **state)
{
    (void)state;
    run_open(&wide_window);
    assert_true(verdicts_in(strategy_sticky(0), 4000) > 0);
    expect_no_verdict(); /* of the last one: it is not in every execution */
    assert_int_equal(verdicts_in(strategy_random(), 4000), 0);
}

/* ---- its runs -------------------------------------------------------------------------------- */

/* "leaves it with probability 1 / period before each event": a run's length is geometric, with mean
 * period. Of 64,000 choices 64,000 / period switch, +- 5 standard deviations of their number. */
static void sticky_runs_are_as_long_as_its_period(void **state)
{
    (void)state;
    struct hands hands;
    static const uint32_t periods[] = { 2, 8, 32 };
    hands_begin(&hands);
    for (uint32_t count = 2; count <= HANDS; count++)
        for (size_t i = 0; i < COUNT(periods); i++) {
            struct strategy strategy = strategy_sticky(periods[i]);
            strategy.begin(&strategy, 7);
            uint32_t switches = 0, last = 0;
            for (int step = 0; step < 64000; step++) {
                uint32_t pick =
                    strategy.choose(&strategy, CHOICE_SCHEDULE, hands.candidates, count);
                assert_true(pick < count);
                switches += step > 0 && pick != last;
                last = pick;
            }
            double expected = 64000.0 / periods[i];
            double difference = switches - expected;
            if (difference * difference >= 25 * expected)
                print_error("%u hands.candidates, period %u: %u switches instead of %.0f\n", count,
                            periods[i], switches, expected);
            assert_true(difference * difference < 25 * expected);
        }
}

/* Whom it leaves for, all others are alike: 2 degrees of freedom, 13.8 in 999 of 1000. */
static void sticky_leaves_for_anyone(void **state)
{
    (void)state;
    struct hands hands;
    hands_begin(&hands);
    struct strategy strategy = strategy_sticky(4);
    strategy.begin(&strategy, 3);
    uint32_t gone_to[HANDS] = { 0 }, last = 0, switches = 0;
    for (int step = 0; step < 60000; step++) {
        uint32_t pick = strategy.choose(&strategy, CHOICE_SCHEDULE, hands.candidates, HANDS);
        if (pick != last && last == 0) {
            gone_to[pick]++;
            switches++;
        }
        last = pick;
    }
    double expected = switches / 3.0, sum = 0;
    for (uint32_t i = 1; i < HANDS; i++)
        sum += (gone_to[i] - expected) * (gone_to[i] - expected) / expected;
    assert_true(switches > 1000);
    assert_true(sum < 13.8);
}

/* Waits at a lock while another runs alone: no choice is asked for. When the lock is free again the
 * one that ran goes on, with the usual probability; not the one that was asked for last. */
static void hold_and_work(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    treadle_mutex_lock(&cells->mutex[0]);
    for (int i = 0; i < 10; i++)
        poke64(&cells->cell[0], 1);
    treadle_mutex_unlock(&cells->mutex[0]);
    for (int i = 0; i < 10; i++)
        poke64(&cells->cell[1], 1);
}

static const struct treadle_target waiting = {
    .name = "test/waiting",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "a", hold_and_work, NULL },
                                                  { "b", hold_and_work, NULL } },
    .program_count = 2,
};

static void sticky_stays_with_who_ran_alone(void **state)
{
    (void)state;
    run_open(&waiting);
    struct strategy strategy = strategy_sticky(1000);
    uint32_t waited = 0, stayed = 0;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        scheduler_run(&strategy, seed);
        /* an execution in which the other one waited while this one held the lock: after its
         * unlock, this one is the one that goes on */
        for (uint32_t i = 1; i + 1 < execution.trace_run_count; i++) {
            const struct event *event = &execution.trace[i];
            if (event->kind != EVENT_UNLOCK)
                continue;
            bool other_holds_later = false, other_started = false;
            for (uint32_t j = 0; j < execution.trace_run_count; j++)
                if (execution.trace[j].goroutine != event->goroutine) {
                    other_started |= j < i && execution.trace[j].kind == EVENT_START;
                    other_holds_later |= j > i && execution.trace[j].kind == EVENT_LOCK;
                }
            if (!other_started || !other_holds_later)
                continue;
            waited++;
            stayed += execution.trace[i + 1].goroutine == event->goroutine;
        }
    }
    print_message("%u of %u stayed\n", stayed, waited);
    assert_true(waited > 100);
    assert_true(stayed > waited * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sticky_cracks_a_wide_window),
        cmocka_unit_test(sticky_runs_are_as_long_as_its_period),
        cmocka_unit_test(sticky_leaves_for_anyone),
        cmocka_unit_test(sticky_stays_with_who_ran_alone),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
