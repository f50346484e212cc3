/* constrained_test.c: constraints bring about the one order that they wish for, or keep it away;
 * feedback tells what an execution has shown, each thing once. */
#include "abstract.h"
#include "constraints.h"
#include "feedback.h"
#include "test_run.h"

#define FAR_EVENTS 100u

static void run_far(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    for (uint32_t i = 0; i < FAR_EVENTS; i++)
        bump64(&cells->cell[1]);
    poke64(&cells->cell[0], 1);
    atomic_store64((void *)&cells->cell[0], 2); /* at another place in the code */
}

/* Sees the first of the two writes. */
static void look(void *state, const void *argument)
{
    (void)argument;
    treadle_assert(peek64(&((struct cells *)state)->cell[0]) != 1, "it is 0 or 2");
}

static const struct treadle_target far_ahead = {
    .name = "test/far-ahead",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "runner", run_far, NULL },
                                                  { "looker", look, NULL } },
    .program_count = 2,
};

/* The abstract event of the access of that kind to the first cell in the last execution. */
static uint16_t abstract_of(enum event_kind kind)
{
    const struct cells *cells = execution.state;
    abstract_begin();
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        if (event->kind == kind && event->address == (uint64_t)&cells->cell[0])
            return abstract_event(event->pc, event->goroutine);
    }
    fail();
    return 0;
}

static uint32_t found_with(struct constraint constraint, uint32_t executions)
{
    struct input input = { .constraints = { constraint }, .constraint_count = 1 };
    struct constrained constrained = { .input = &input };
    return verdicts_in(strategy_constrained(&constrained), executions);
}

static void constraints_are_followed(void **state)
{
    (void)state;
    run_open(&far_ahead);
    assert_true(verdicts_in(strategy_pos(), 500) < 50);
    uint16_t first = abstract_of(EVENT_WRITE), second = abstract_of(EVENT_ATOMIC_STORE);
    uint16_t read = abstract_of(EVENT_READ);
    assert_true(first != second && second != read && first != read);
    assert_int_equal(found_with((struct constraint){ first, read, 0, false }, 500), 500);
    assert_int_equal(found_with((struct constraint){ second, read, 0, false }, 500), 0);
    assert_int_equal(found_with((struct constraint){ 0, read, 0, false }, 500), 0);
    assert_int_equal(found_with((struct constraint){ first, read, 0, true }, 2000), 0);
    /* of an occurrence that does not come they say nothing */
    assert_true(found_with((struct constraint){ first, read, 1, false }, 500) < 50);
}

static void impossible_ones_are_given_up(void **state)
{
    (void)state;
    run_open(&far_ahead);
    verdicts_in(strategy_pos(), 1);
    uint16_t read = abstract_of(EVENT_READ);
    found_with((struct constraint){ 12345, read, 0, false }, 20);
    assert_int_equal(execution.verdict_count, 0);
    assert_int_equal(scheduler.live_count, 0);
}

static void answers_are_given(void **state)
{
    (void)state;
    struct input input = { .answers = { 3, 200, 7 }, .answer_count = 3 };
    struct constrained constrained = { .input = &input };
    struct strategy strategy = strategy_constrained(&constrained);
    run_open(&far_ahead);
    strategy.begin(&strategy, 1);
    assert_int_equal(strategy.choose(&strategy, CHOICE_DATA, NULL, 5), 3);
    assert_int_equal(strategy.choose(&strategy, CHOICE_DATA, NULL, 5), 200 % 5);
    assert_int_equal(strategy.choose(&strategy, CHOICE_DATA, NULL, 65536), 7);
    assert_true(strategy.choose(&strategy, CHOICE_DATA, NULL, 2) < 2);
    strategy.begin(&strategy, 1);
    assert_int_equal(strategy.choose(&strategy, CHOICE_DATA, NULL, 5), 3);
}

static void feedback_tells_what_is_new(void **state)
{
    (void)state;
    static struct feedback feedback;
    memset(&feedback, 0, sizeof feedback);
    feedback.kinds = FEEDBACK_ALL;
    run_open(&far_ahead);
    verdicts_in(strategy_pos(), 1);
    uint16_t first = abstract_of(EVENT_WRITE), read = abstract_of(EVENT_READ);
    feedback_look(&feedback);
    uint64_t signature = feedback.signature;
    assert_int_equal(feedback.pair_count, 3); /* the looker's; the runner's first and later ones */
    assert_true(feedback.pairs[0].read == read || feedback.pairs[1].read == read
                || feedback.pairs[2].read == read);
    for (uint32_t i = 0; i < feedback.fresh_count; i++)
        feedback_learn(&feedback, feedback.fresh[i]);
    feedback_look(&feedback);
    assert_int_equal(feedback.fresh_count, 0);
    assert_true(feedback.signature == signature);
    found_with((struct constraint){ first, read, 0, false }, 1);
    feedback_look(&feedback);
    assert_int_equal(feedback.pair_count, 1);
    assert_int_equal(feedback.pairs[0].write, first);
    assert_true(feedback.signature != signature);
    feedback.kinds = 0;
    memset(feedback.known, 0, sizeof feedback.known);
    feedback_look(&feedback);
    assert_int_equal(feedback.fresh_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constraints_are_followed),
        cmocka_unit_test(impossible_ones_are_given_up),
        cmocka_unit_test(answers_are_given),
        cmocka_unit_test(feedback_tells_what_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
