/* wish_test.c: what was executed can be wished again; what is impossible is passed over. */
#include "test_run.h"

#include "trace.h"
#include "wish.h"

#define EXECUTIONS 200u

static void work(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    for (uint32_t i = 0; i < 3; i++) {
        treadle_mutex_lock(&cells->mutex[0]);
        poke64(&cells->cell[0], peek64(&cells->cell[0]) + treadle_choose(5, "summand"));
        treadle_mutex_unlock(&cells->mutex[0]);
        poke64(&cells->cell[1], peek64(&cells->cell[1]) + treadle_choose(300, NULL));
    }
}

static const struct treadle_target three = {
    .name = "test/three",
    .setup = setup_cells,
    .programs = (const struct treadle_program[]){ { "one", work, NULL },
                                                  { "two", work, NULL },
                                                  { "three", work, NULL } },
    .program_count = 3,
};

static struct wish_state following;

static void follow(const struct wish *wish)
{
    following.wish = wish;
    struct strategy strategy = strategy_wish(&following);
    scheduler_run(&strategy, 0);
}

static void open_with(enum memory_model memory, bool exploring)
{
    const struct scheduler_options options = { .memory = memory, .exploring = exploring };
    const char *rule;
    assert_int_equal(scheduler_open(&three, &options, &rule), TREADLE_OK);
}

static void is_followed_exactly(void **state)
{
    (void)state;
    static const enum memory_model models[] = { MEMORY_SC, MEMORY_TSO, MEMORY_PSO };
    struct wish wish = { 0 };
    struct strategy random = strategy_random();
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        open_with(models[i], false);
        for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
            scheduler_run(&random, seed);
            uint64_t hash = trace_hash();
            uint32_t choices = execution.choice_count;
            wish_record(&wish);
            follow(&wish);
            assert_true(trace_hash() == hash);
            assert_int_equal(execution.choice_count, choices);
        }
    }
    wish_clear(&wish);
}

static void has_the_first_answers_without_others(void **state)
{
    (void)state;
    struct wish wish = { 0 };
    struct strategy random = strategy_random();
    open_with(MEMORY_SC, false);
    scheduler_run(&random, 1);
    wish_record(&wish);
    assert_int_equal(wish.answer_count, 18);
    wish.answers[0].answer = 5; /* there are 5 */
    wish_resize_answers(&wish, 1);
    follow(&wish);
    for (uint32_t i = 0; i < execution.choice_count; i++)
        if (execution.choices[i].kind == CHOICE_DATA)
            assert_int_equal(execution.choices[i].answer, 0);
    wish_clear(&wish);
}

/* Whose turn it was, each time that it went to another one: "213". */
static void turns_of(char *text, size_t bytes)
{
    size_t used = 0;
    for (uint32_t i = 0, last = 0; i < execution.choice_count; i++)
        if (execution.choices[i].kind == CHOICE_SCHEDULE && execution.choices[i].answer != last) {
            last = execution.choices[i].answer;
            assert_true(used + 1 < bytes);
            text[used++] = (char)('0' + last);
        }
    text[used] = '\0';
}

static void expect_turns(struct wish_run *runs, uint32_t count, uint32_t avoided,
                         const char *turns, uint32_t preemptions)
{
    char text[100];
    follow(&(struct wish){ .runs = runs, .run_count = count, .avoided = avoided });
    turns_of(text, sizeof text);
    assert_string_equal(text, turns);
    assert_int_equal(following.turns.preemptions, preemptions);
    assert_int_equal(execution.verdict_count, 0);
}

#define RUNS(...)                                                                                  \
    (struct wish_run[]){ __VA_ARGS__ },                                                            \
        sizeof((struct wish_run[]){ __VA_ARGS__ }) / sizeof(struct wish_run)

static void passes_over_what_cannot_be(void **state)
{
    (void)state;
    open_with(MEMORY_SC, false);
    expect_turns(NULL, 0, WISH_NOBODY, "123", 0);
    expect_turns(NULL, 0, 1, "231", 0);
    expect_turns(RUNS({ 3, 0, 1000 }), WISH_NOBODY, "312", 0);
    expect_turns(RUNS({ 3, 0, 1 }, { 2, 0, 1 }), 2, "32132", 2); /* its run is wished */
    expect_turns(RUNS({ 9, 0, 3 }, { 1, 1, 5 }, { 2, 0, 1 }, { 2, 0, 1 }), WISH_NOBODY, "213", 0);
    /* 2 holds the mutex: 1 cannot go on behind its start. */
    expect_turns(RUNS({ 2, 0, 2 }, { 1, 0, 9 }, { 3, 0, 1 }), WISH_NOBODY, "213213", 1);
}

/* An execution that is exploring begins and ends operations in events of their own. */
static void is_followed_exploring(void **state)
{
    (void)state;
    struct wish wish = { 0 };
    struct strategy random = strategy_random();
    for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
        open_with(MEMORY_SC, false);
        scheduler_run(&random, seed);
        wish_record(&wish);
        uint32_t choices = execution.choice_count;
        open_with(MEMORY_SC, true);
        following.plainly = true;
        follow(&wish);
        following.plainly = false;
        assert_int_equal(execution.choice_count, choices);
    }
    wish_clear(&wish);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_followed_exactly),
        cmocka_unit_test(has_the_first_answers_without_others),
        cmocka_unit_test(passes_over_what_cannot_be),
        cmocka_unit_test(is_followed_exploring),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
