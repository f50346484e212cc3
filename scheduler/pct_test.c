/* pct_test.c: pct finds what needs one switch at one certain place, and starves nobody for ever. */
#include "test_run.h"

#define STEPS 40u

static void write_and_take_back(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    for (uint32_t i = 0; i < STEPS; i++)
        poke64(&cells->cell[1], i);
    poke64(&cells->cell[0], 1);
    poke64(&cells->cell[0], 0);
}

static void look(void *state, const void *argument)
{
    (void)argument;
    treadle_assert(peek64(&((struct cells *)state)->cell[0]) == 0, "it is taken back");
}

static const struct treadle_target window = {
    .name = "test/window",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "writer", write_and_take_back, NULL },
                                                  { "looker", look, NULL } },
    .program_count = 2,
};

/* The writer is first with a chance of 1/2; k is one of nine powers, of which 64 to 4,096 have the
 * right step among them, each with 1/k: one change is there with a chance of 1/9 (1/64 + 1/128 +
 * ...) = 1/288. Missing it in 8,000 executions by one change: (1 - 1/576)^8000 = 1e-6. */
static void finds_a_window(void **state)
{
    (void)state;
    run_open(&window);
    uint32_t found = verdicts_in(strategy_pct(2), 8000);
    assert_true(found > 0);
    assert_true(found < 80);
    assert_true(verdicts_in(strategy_pct(5), 8000) > found);
    assert_int_equal(verdicts_in(strategy_pct(1), 2000), 0);
}

static void release(void *state, const void *argument)
{
    (void)argument;
    poke64(&((struct cells *)state)->cell[0], 1);
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
    .programs = (const struct treadle_program[]){ { "spinner", spin, NULL },
                                                  { "releaser", release, NULL } },
    .program_count = 2,
};

static void starves_nobody(void **state)
{
    (void)state;
    run_open(&spinning);
    assert_int_equal(verdicts_in(strategy_pct(1), 200), 0);
    assert_int_equal(verdicts_in(strategy_pct(0), 200), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_window),
        cmocka_unit_test(starves_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
