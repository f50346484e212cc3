/* strategy_test.c: each strategy cracks a program within a computed budget and leaves a sound one
 * alone; what each draws is distributed as its file says. */
#include <stdio.h>

#include "test_run.h"
#include "trace.h"

/* ---- programs -------------------------------------------------------------------------------- */

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

#define FAR_EVENTS 100u

static void run_far(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    for (uint32_t i = 0; i < FAR_EVENTS; i++)
        poke64(&cells->cell[1], i);
    poke64(&cells->cell[0], 1);
}

static void look_first(void *state, const void *argument)
{
    (void)argument;
    treadle_assert(peek64(&((struct cells *)state)->cell[0]) == 0, "it is early");
}

static const struct treadle_target far_ahead = {
    .name = "test/far-ahead",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "runner", run_far, NULL },
                                                  { "looker", look_first, NULL } },
    .program_count = 2,
};

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

/* ---- what each cracks ------------------------------------------------------------------------ */

/* How many of that many executions of the open target show a verdict. */
static uint32_t verdicts_in(struct strategy strategy, uint32_t executions)
{
    uint32_t count = 0;
    for (uint32_t seed = 0; seed < executions; seed++) {
        scheduler_run(&strategy, seed);
        count += execution.verdict_count > 0;
    }
    return count;
}

/* Two goroutines of 3 steps: start, read, write. No count is lost iff one makes its third step before
 * the other makes its second: at least 3 of 4 fair coins fall to the one or to the other, 10 of 16.
 * So p = 3/8, and the chance to miss it in 45 executions is (5/8)^45 = 6.5e-10. */
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

/* The looker's start has the lowest of 103 equally distributed priorities with probability 1/103:
 * then the runner, with its start, 100 writes and the last one, is far ahead. (There are other
 * ways.) Missing it in 2200 executions: (102/103)^2200 = 4.8e-10. The uniform walk needs the runner
 * 102 times in a row. */
static void pos_cracks_what_runs_far_ahead(void **state)
{
    (void)state;
    run_open(&far_ahead);
    uint32_t found = verdicts_in(strategy_pos(), 2200);
    assert_true(found > 0);
    assert_true(found < 220);
    assert_int_equal(verdicts_in(strategy_random(), 2200), 0);
}

static void none_flags_a_locked_count(void **state)
{
    (void)state;
    run_open(&locked_count);
    assert_int_equal(verdicts_in(strategy_random(), 2000), 0);
    assert_int_equal(verdicts_in(strategy_sticky(0), 2000), 0);
    assert_int_equal(verdicts_in(strategy_sticky(2), 2000), 0);
    assert_int_equal(verdicts_in(strategy_pos(), 2000), 0);
}

/* ---- random ---------------------------------------------------------------------------------- */

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

/* ---- goroutines made by hand ----------------------------------------------------------------- */

#define HANDS 4u

static struct goroutine hands[HANDS];
static struct goroutine *candidates[HANDS];

static void hands_begin(void)
{
    memset(hands, 0, sizeof hands);
    for (uint32_t i = 0; i < HANDS; i++) {
        hands[i].id = i + 1;
        candidates[i] = &hands[i];
    }
}

static void hand_pending(uint32_t hand, enum event_kind kind, uint64_t address, uint32_t size)
{
    hands[hand].pending.address = address;
    hands[hand].pending.what = event_what(kind, EVENT_PLAIN, size, hand + 1);
    hands[hand].pending.success = 1;
}

/* ---- sticky ---------------------------------------------------------------------------------- */

/* "leaves it with probability 1 / period before each event": a run's length is geometric, with mean
 * period. Of 64,000 choices 64,000 / period switch, +- 5 standard deviations of their number. */
static void sticky_runs_are_as_long_as_its_period(void **state)
{
    (void)state;
    static const uint32_t periods[] = { 2, 8, 32 };
    hands_begin();
    for (uint32_t count = 2; count <= HANDS; count++)
        for (size_t i = 0; i < COUNT(periods); i++) {
            struct strategy strategy = strategy_sticky(periods[i]);
            strategy.begin(&strategy, 7);
            uint32_t switches = 0, last = 0;
            for (int step = 0; step < 64000; step++) {
                uint32_t pick = strategy.choose(&strategy, CHOICE_SCHEDULE, candidates, count);
                assert_true(pick < count);
                switches += step > 0 && pick != last;
                last = pick;
            }
            double expected = 64000.0 / periods[i];
            double difference = switches - expected;
            if (difference * difference >= 25 * expected)
                print_error("%u candidates, period %u: %u switches instead of %.0f\n", count,
                            periods[i], switches, expected);
            assert_true(difference * difference < 25 * expected);
        }
}

/* Whom it leaves for, all others are alike: 2 degrees of freedom, 13.8 in 999 of 1000. */
static void sticky_leaves_for_anyone(void **state)
{
    (void)state;
    hands_begin();
    struct strategy strategy = strategy_sticky(4);
    strategy.begin(&strategy, 3);
    uint32_t gone_to[HANDS] = { 0 }, last = 0, switches = 0;
    for (int step = 0; step < 60000; step++) {
        uint32_t pick = strategy.choose(&strategy, CHOICE_SCHEDULE, candidates, HANDS);
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

/* ---- pos ------------------------------------------------------------------------------------- */

static void pos_runs_the_highest(void **state)
{
    (void)state;
    hands_begin();
    for (uint32_t i = 0; i < HANDS; i++) {
        hand_pending(i, EVENT_READ, 0x1000, 8);
        hands[i].priority = 100 + i * 37 % 4;
    }
    struct strategy strategy = strategy_pos();
    strategy.begin(&strategy, 1);
    assert_int_equal(strategy.choose(&strategy, CHOICE_SCHEDULE, candidates, HANDS), 3);
    for (uint32_t i = 0; i < HANDS; i++)
        assert_int_equal(hands[i].priority, 100 + i * 37 % 4); /* reads race with nothing */
}

/* 4 hands, the first's event executes; whose priority is forgotten? */
static void pos_draws_anew_only_for_what_races(void **state)
{
    (void)state;
    static const struct {
        enum event_kind kind;
        uint64_t address;
        uint32_t size;
        bool races; /* with a WRITE of 8 bytes at 0x1000 */
        bool races_with_read;
    } cases[] = {
        { EVENT_READ, 0x1000, 8, true, false },
        { EVENT_READ, 0x1007, 1, true, false },
        { EVENT_READ, 0x1008, 8, false, false },
        { EVENT_READ, 0x0ff8, 8, false, false },
        { EVENT_READ, 0x0ff8, 9, true, false },
        { EVENT_WRITE, 0x1004, 4, true, true },
        { EVENT_WRITE, 0x2000, 8, false, false },
        { EVENT_COPY, 0x1000, 24, true, true },
        { EVENT_ATOMIC_LOAD, 0x1000, 4, true, false },
        { EVENT_ATOMIC_CAS, 0x1000, 4, true, true },
        { EVENT_FREE, 0x0ff0, 64, true, true },
        { EVENT_START, 0, 0, false, false },
        { EVENT_GO, 0, 0, false, false },
        { EVENT_FENCE, 0, 0, false, false },
        { EVENT_ALLOC, 0, 0x1000000, false, false },
    };
    struct strategy strategy = strategy_pos();
    strategy.begin(&strategy, 1);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int reads = 0; reads < 2; reads++) {
            hands_begin();
            hand_pending(0, reads ? EVENT_READ : EVENT_WRITE, 0x1000, 8);
            hand_pending(1, cases[i].kind, cases[i].address, cases[i].size);
            hand_pending(2, EVENT_WRITE, 0x9000, 8);
            hands[0].priority = UINT64_MAX;
            hands[1].priority = 5;
            hands[2].priority = 7;
            assert_int_equal(strategy.choose(&strategy, CHOICE_SCHEDULE, candidates, 3), 0);
            bool races = reads ? cases[i].races_with_read : cases[i].races;
            assert_int_equal(hands[1].priority, races ? 0 : 5);
            assert_int_equal(hands[2].priority, 7);
        }
}

/* The copy's other side: what it reads. */
static void pos_knows_what_a_copy_reads(void **state)
{
    (void)state;
    struct strategy strategy = strategy_pos();
    strategy.begin(&strategy, 1);
    hands_begin();
    hand_pending(0, EVENT_WRITE, 0x1000, 8);
    hand_pending(1, EVENT_COPY, 0x5000, 24);
    hands[1].pending.source = 0x0ff8;
    hand_pending(2, EVENT_COPY, 0x5000, 24);
    hands[2].pending.source = 0x2000;
    hands[0].priority = UINT64_MAX;
    hands[1].priority = 5;
    hands[2].priority = 7;
    assert_int_equal(strategy.choose(&strategy, CHOICE_SCHEDULE, candidates, 3), 0);
    assert_int_equal(hands[1].priority, 0);
    assert_int_equal(hands[2].priority, 7);
}

/* A new event has priority 0 and gets one; who has one keeps it. */
static void pos_draws_once(void **state)
{
    (void)state;
    hands_begin();
    struct strategy strategy = strategy_pos();
    strategy.begin(&strategy, 1);
    hand_pending(0, EVENT_READ, 0x1000, 8);
    hand_pending(1, EVENT_READ, 0x1000, 8);
    hands[1].priority = 5;
    assert_int_equal(strategy.choose(&strategy, CHOICE_SCHEDULE, candidates, 2), 0);
    assert_true(hands[0].priority > 5);
    assert_int_equal(hands[1].priority, 5);
}

/* ---- what all have in common ----------------------------------------------------------------- */

/* Answers to a data choice of 6: 5 degrees of freedom, 20.5 in 999 of 1000. */
static void data_choices_are_even(void **state)
{
    (void)state;
    struct strategy strategies[] = { strategy_random(), strategy_sticky(0), strategy_pos() };
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
    static const char *const names[] = { "random", "sticky", "pos" };
    struct strategy strategy;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_true(strategy_find(names[i], &strategy));
        assert_string_equal(strategy.name, names[i]);
    }
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
    run_open(&wide_window);
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
    uint32_t pos = 0, sticky = 0, random = 0;
    for (uint64_t number = 0; number < 800; number++) {
        const char *name = portfolio_pick(&portfolio, number)->name;
        pos += strcmp(name, "pos") == 0;
        sticky += strcmp(name, "sticky") == 0;
        random += strcmp(name, "random") == 0;
    }
    assert_true(pos > 400);
    assert_true(sticky > 0);
    assert_true(random > 0);
    assert_int_equal(pos + sticky + random, 800);
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
        cmocka_unit_test(random_cracks_a_lost_count),
        cmocka_unit_test(sticky_cracks_a_wide_window),
        cmocka_unit_test(pos_cracks_what_runs_far_ahead),
        cmocka_unit_test(none_flags_a_locked_count),
        cmocka_unit_test(random_walks_to_every_interleaving),
        cmocka_unit_test(sticky_runs_are_as_long_as_its_period),
        cmocka_unit_test(sticky_leaves_for_anyone),
        cmocka_unit_test(sticky_stays_with_who_ran_alone),
        cmocka_unit_test(pos_runs_the_highest),
        cmocka_unit_test(pos_draws_anew_only_for_what_races),
        cmocka_unit_test(pos_knows_what_a_copy_reads),
        cmocka_unit_test(pos_draws_once),
        cmocka_unit_test(data_choices_are_even),
        cmocka_unit_test(are_found_by_name),
        cmocka_unit_test(portfolio_goes_by_the_number_alone),
        cmocka_unit_test(portfolio_is_pos_mostly),
        cmocka_unit_test(portfolio_of_one_strategy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
