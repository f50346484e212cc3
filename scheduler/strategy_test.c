/* strategy_test.c: what all strategies have in common: they leave a sound program alone, spread
 * data choices evenly, have names; and the portfolio goes by the number alone. */
#include <stdio.h>

#include "test_run.h"
#include "trace.h"

/* ---- a sound program ------------------------------------------------------------------------- */

static void bump_locked(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    for (int round = 0; round < 3; round++) {
        treadle_mutex_lock(&cells->mutex[0]);
        bump64(&cells->cell[0]);
        treadle_mutex_unlock(&cells->mutex[0]);
    }
}

static bool all_counted(void *state, char *detail, size_t bytes)
{
    snprintf(detail, bytes, "a count is missing");
    return ((struct cells *)state)->cell[0] == 9;
}

static const struct treadle_invariant counts_all = { TREADLE_LOST_UPDATE, "all counts are there",
                                                     all_counted };

static const struct treadle_target locked_count = {
    .name = "test/locked-count",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "a", bump_locked, NULL },
                                                  { "b", bump_locked, NULL },
                                                  { "c", bump_locked, NULL } },
    .program_count = 3,
    .invariants = &counts_all,
    .invariant_count = 1,
};

static void none_flags_a_locked_count(void **state)
{
    (void)state;
    run_open(&locked_count);
    assert_int_equal(verdicts_in(strategy_random(), 2000), 0);
    assert_int_equal(verdicts_in(strategy_sticky(0), 2000), 0);
    assert_int_equal(verdicts_in(strategy_sticky(2), 2000), 0);
    assert_int_equal(verdicts_in(strategy_pos(), 2000), 0);
    assert_int_equal(verdicts_in(strategy_pct(0), 2000), 0);
}

/* ---- what all have in common ----------------------------------------------------------------- */

/* Answers to a data choice of 6: 5 degrees of freedom, 20.5 in 999 of 1000. */
static void data_choices_are_even(void **state)
{
    (void)state;
    struct strategy strategies[] = { strategy_random(), strategy_sticky(0), strategy_pos(),
                                     strategy_pct(0) };
    for (size_t i = 0; i < COUNT(strategies); i++) {
        uint32_t counts[6] = { 0 };
        for (uint64_t seed = 0; seed < 600; seed++) {
            strategies[i].begin(&strategies[i], seed);
            for (int draw = 0; draw < 10; draw++)
                counts[strategies[i].choose(&strategies[i], CHOICE_DATA, NULL, 6)]++;
        }
        double sum = 0;
        for (int answer = 0; answer < 6; answer++)
            sum += (counts[answer] - 1000.0) * (counts[answer] - 1000.0) / 1000.0;
        assert_true(sum < 20.5);
    }
}

static void are_found_by_name(void **state)
{
    (void)state;
    static const char *const names[] = { "random", "sticky", "pos", "pct" };
    struct strategy strategy;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_true(strategy_find(names[i], &strategy));
        assert_string_equal(strategy.name, names[i]);
    }
    assert_true(strategy_find("pct:5", &strategy));
    assert_int_equal(strategy.parameter, 5);
    static const char *const unknown[] = { "pct:", "pct:0", "pct:17", "pct:3x", "pct:-1", "pct5" };
    for (size_t i = 0; i < COUNT(unknown); i++)
        assert_false(strategy_find(unknown[i], &strategy));
    assert_false(strategy_find("", &strategy));
    assert_false(strategy_find("replay", &strategy));
    assert_false(strategy_find("randomly", &strategy));
}

/* ---- the portfolio --------------------------------------------------------------------------- */

static uint64_t hash_of_execution(struct portfolio *portfolio, uint64_t number)
{
    scheduler_run(portfolio_pick(portfolio, number), rng_mix(number));
    return trace_hash();
}

/* Whatever ran before, and however the work is divided. */
static void portfolio_goes_by_the_number_alone(void **state)
{
    (void)state;
    enum { NUMBERS = 64 };
    run_open(&locked_count);
    struct portfolio portfolio = portfolio_create(NULL);
    uint64_t hashes[NUMBERS];
    for (uint64_t number = 0; number < NUMBERS; number++)
        hashes[number] = hash_of_execution(&portfolio, number);
    for (uint64_t number = NUMBERS; number-- > 0;)
        assert_true(hash_of_execution(&portfolio, number) == hashes[number]);
    struct portfolio other = portfolio_create(NULL);
    for (uint64_t number = 1; number < NUMBERS; number += 3)
        assert_true(hash_of_execution(&other, number) == hashes[number]);
    for (uint64_t number = 0; number < 1000; number++)
        assert_string_equal(portfolio_pick(&portfolio, number)->name,
                            portfolio_pick(&other, number)->name);
}

static void portfolio_is_pos_mostly(void **state)
{
    (void)state;
    struct portfolio portfolio = portfolio_create(NULL);
    uint32_t pos = 0, sticky = 0, random = 0, pct = 0;
    for (uint64_t number = 0; number < 800; number++) {
        const char *name = portfolio_pick(&portfolio, number)->name;
        pos += strcmp(name, "pos") == 0;
        sticky += strcmp(name, "sticky") == 0;
        random += strcmp(name, "random") == 0;
        pct += strcmp(name, "pct") == 0;
    }
    assert_true(pos > 400);
    assert_true(sticky > 0);
    assert_true(random > 0);
    assert_true(pct > 0);
    assert_int_equal(pos + sticky + random + pct, 800);
}

static void portfolio_of_one_strategy(void **state)
{
    (void)state;
    struct strategy sticky = strategy_sticky(5);
    struct portfolio portfolio = portfolio_create(&sticky);
    for (uint64_t number = 0; number < 20; number++) {
        assert_string_equal(portfolio_pick(&portfolio, number)->name, "sticky");
        assert_int_equal(portfolio_pick(&portfolio, number)->parameter, 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_flags_a_locked_count),
        cmocka_unit_test(data_choices_are_even),
        cmocka_unit_test(are_found_by_name),
        cmocka_unit_test(portfolio_goes_by_the_number_alone),
        cmocka_unit_test(portfolio_is_pos_mostly),
        cmocka_unit_test(portfolio_of_one_strategy),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
