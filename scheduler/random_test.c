/* random_test.c: the uniform walk cracks a lost count within its budget, and reaches every
 * interleaving as often as its choices say. */
#include <stdio.h>

#include "test_run.h"

static void poke_twice(void *state, const void *argument)
{
    uint64_t *own = &((struct cells *)state)->cell[2 * (uint64_t)argument];
    poke64(&own[0], 1);
    poke64(&own[1], 1);
}

static const struct treadle_target independent = {
    .name = "test/independent-2x2",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "a", poke_twice, (const void *)0 },
                                                  { "b", poke_twice, (const void *)1 } },
    .program_count = 2,
};

static void bump_once(void *state, const void *argument)
{
    (void)argument;
    bump64(&((struct cells *)state)->cell[0]);
}

static bool both_counted(void *state, char *detail, size_t bytes)
{
    snprintf(detail, bytes, "a count is missing");
    return ((struct cells *)state)->cell[0] == 2;
}

static const struct treadle_invariant counts_both = { TREADLE_LOST_UPDATE, "both counts are there",
                                                      both_counted };

static const struct treadle_target lost_count = {
    .name = "test/lost-count",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "a", bump_once, NULL },
                                                  { "b", bump_once, NULL } },
    .program_count = 2,
    .invariants = &counts_both,
    .invariant_count = 1,
};

/* Two goroutines of 3 steps: start, read, write. No count is lost iff one makes its third step
 * before the other makes its second: at least 3 of 4 fair coins fall to the one or to the other,
 * 10 of 16. So p = 3/8, and the chance to miss it in 45 executions is (5/8)^45 = 6.5e-10. */
static void random_cracks_a_lost_count(void **state)
{
    (void)state;
    run_open(&lost_count);
    struct every every = every_schedule();
    double lost = 0, all = 0;
    while (every_run(&every)) {
        lost += execution.verdict_count > 0 ? every.probability : 0;
        all += every.probability;
    }
    assert_true(all > 1 - 1e-12 && all < 1 + 1e-12);
    assert_int_equal(every.executions, 20); /* C(6, 3) */
    assert_true(lost > 3.0 / 8 - 1e-12 && lost < 3.0 / 8 + 1e-12);
    assert_true(verdicts_in(strategy_random(), 45) > 0);
    /* and about as often as it should: 40,000 * 3/8, +- 5 standard deviations of 97 */
    uint32_t found = verdicts_in(strategy_random(), 40000);
    assert_true(found > 15000 - 485 && found < 15000 + 485);
}

/* Who executed which event of the trace, a bit each: names an interleaving. */
static uint32_t interleaving(void)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < execution.trace_run_count; i++)
        bits = bits << 1 | (execution.trace[i].goroutine - 1u);
    return bits;
}

/* Two goroutines of 3 steps (start and two writes; an exit is no step): C(6, 3) = 20 schedules.
 * The walk reaches each with the probability that its choices have: chi-square, 19 degrees of
 * freedom, is below 43.8 in 999 of 1000 seeds. */
static void random_walks_to_every_interleaving(void **state)
{
    (void)state;
    enum { SCHEDULES = 20, EXECUTIONS = 40000 };
    run_open(&independent);
    uint32_t names[SCHEDULES];
    double probabilities[SCHEDULES];
    uint32_t counts[SCHEDULES] = { 0 };
    struct every every = every_schedule();
    while (every_run(&every)) {
        assert_true(every.executions <= SCHEDULES);
        assert_int_equal(execution.trace_run_count, 8);
        names[every.executions - 1] = interleaving();
        probabilities[every.executions - 1] = every.probability;
    }
    assert_int_equal(every.executions, SCHEDULES);
    struct strategy strategy = strategy_random();
    for (uint32_t seed = 0; seed < EXECUTIONS; seed++) {
        scheduler_run(&strategy, seed);
        uint32_t number = 0;
        while (number < SCHEDULES && names[number] != interleaving())
            number++;
        assert_true(number < SCHEDULES);
        counts[number]++;
    }
    double sum = 0;
    for (uint32_t i = 0; i < SCHEDULES; i++) {
        double expected = EXECUTIONS * probabilities[i];
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    print_message("chi-square %.1f\n", sum);
    assert_true(sum < 43.8);
    assert_true(sum > 4.9); /* nor is it too good to be random (1 of 1000) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_cracks_a_lost_count),
        cmocka_unit_test(random_walks_to_every_interleaving),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
