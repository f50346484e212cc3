/* pos_test.c: pos cracks what runs far ahead; it runs the highest priority, and draws anew only for
 * what races with what was executed. */
#include "test_run.h"

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

static void run_then_release(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    for (uint32_t i = 0; i < 8; i++)
        poke64(&cells->cell[1], i);
    poke64(&cells->cell[0], 1);
}

static void spin(void *state, const void *argument)
{
    (void)argument;
    while (peek64(&((struct cells *)state)->cell[0]) == 0)
        ;
}

static const struct treadle_target spinning = {
    .name = "test/spinning",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "releaser", run_then_release, NULL },
                                                  { "spinner", spin, NULL } },
    .program_count = 2,
};

/* If priorities were drawn once, each of the releaser's 8 writes would hold one in 20,000 of the
 * spinners that meet it up until the limit: some 10 of 20,000 executions. */
static void pos_starves_nobody(void **state)
{
    (void)state;
    run_open(&spinning);
    assert_int_equal(verdicts_in(strategy_pos(), 20000), 0);
}

/* ---- priorities ------------------------------------------------------------------------------ */

static void pos_runs_the_highest(void **state)
{
    (void)state;
    struct hands hands;
    hands_begin(&hands);
    for (uint32_t i = 0; i < HANDS; i++) {
        hands_pending(&hands, i, EVENT_READ, 0x1000, 8);
        hands.goroutines[i].priority = 100 + i * 37 % 4;
    }
    struct strategy strategy = strategy_pos();
    strategy.begin(&strategy, 1);
    assert_int_equal(strategy.choose(&strategy, CHOICE_SCHEDULE, hands.candidates, HANDS), 3);
    for (uint32_t i = 0; i < HANDS; i++)
        assert_int_equal(hands.goroutines[i].priority, 100 + i * 37 % 4); /* reads do not race */
}

/* 4 hands, the first's event executes; whose priority is forgotten? */
static void pos_draws_anew_only_for_what_races(void **state)
{
    (void)state;
    struct hands hands;
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
            hands_begin(&hands);
            hands_pending(&hands, 0, reads ? EVENT_READ : EVENT_WRITE, 0x1000, 8);
            hands_pending(&hands, 1, cases[i].kind, cases[i].address, cases[i].size);
            hands_pending(&hands, 2, EVENT_WRITE, 0x9000, 8);
            hands.goroutines[0].priority = UINT64_MAX;
            hands.goroutines[1].priority = 5;
            hands.goroutines[2].priority = 7;
            assert_int_equal(strategy.choose(&strategy, CHOICE_SCHEDULE, hands.candidates, 3), 0);
            bool races = reads ? cases[i].races_with_read : cases[i].races;
            assert_int_equal(hands.goroutines[1].priority, races ? 0 : 5);
            assert_int_equal(hands.goroutines[2].priority, 7);
        }
}

/* The copy's other side: what it reads. */
static void pos_knows_what_a_copy_reads(void **state)
{
    (void)state;
    struct hands hands;
    struct strategy strategy = strategy_pos();
    strategy.begin(&strategy, 1);
    hands_begin(&hands);
    hands_pending(&hands, 0, EVENT_WRITE, 0x1000, 8);
    hands_pending(&hands, 1, EVENT_COPY, 0x5000, 24);
    hands.goroutines[1].pending.source = 0x0ff8;
    hands_pending(&hands, 2, EVENT_COPY, 0x5000, 24);
    hands.goroutines[2].pending.source = 0x2000;
    hands.goroutines[0].priority = UINT64_MAX;
    hands.goroutines[1].priority = 5;
    hands.goroutines[2].priority = 7;
    assert_int_equal(strategy.choose(&strategy, CHOICE_SCHEDULE, hands.candidates, 3), 0);
    assert_int_equal(hands.goroutines[1].priority, 0);
    assert_int_equal(hands.goroutines[2].priority, 7);
}

/* A new event has priority 0 and gets one; who has one keeps it. */
static void pos_draws_once(void **state)
{
    (void)state;
    struct hands hands;
    hands_begin(&hands);
    struct strategy strategy = strategy_pos();
    strategy.begin(&strategy, 1);
    hands_pending(&hands, 0, EVENT_READ, 0x1000, 8);
    hands_pending(&hands, 1, EVENT_READ, 0x1000, 8);
    hands.goroutines[1].priority = 5;
    assert_int_equal(strategy.choose(&strategy, CHOICE_SCHEDULE, hands.candidates, 2), 0);
    assert_true(hands.goroutines[0].priority > 5);
    assert_int_equal(hands.goroutines[1].priority, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pos_cracks_what_runs_far_ahead),
        cmocka_unit_test(pos_starves_nobody),
        cmocka_unit_test(pos_runs_the_highest),
        cmocka_unit_test(pos_draws_anew_only_for_what_races),
        cmocka_unit_test(pos_knows_what_a_copy_reads),
        cmocka_unit_test(pos_draws_once),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
