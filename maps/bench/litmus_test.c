/* litmus_test.c: every litmus test has exactly the outcomes that the memory model lets it have,
 * over all of its schedules (under sc) or all that exploration makes; with fences none but those of
 * sequential consistency. */
#include "test_run.h"

#include <stdio.h>

#include "explore.h"
#include "target.h"

enum { OUTCOMES_MAX = 17, OUTCOME_BYTES = 64 };

struct expected {
    const char *name;
    const char *outcomes[OUTCOMES_MAX]; /* in the order of their bytes */
};

static const struct expected expected[] = {
    { "bench/litmus-SB",
      { "1:r0=0 2:r0=1 x=1 y=1", "1:r0=1 2:r0=0 x=1 y=1", "1:r0=1 2:r0=1 x=1 y=1" } },
    { "bench/litmus-MP",
      { "2:r0=0 2:r1=0 x=1 y=1", "2:r0=0 2:r1=1 x=1 y=1", "2:r0=1 2:r1=1 x=1 y=1" } },
    { "bench/litmus-LB",
      { "1:r0=0 2:r0=0 x=1 y=1", "1:r0=0 2:r0=1 x=1 y=1", "1:r0=1 2:r0=0 x=1 y=1" } },
    { "bench/litmus-2+2W", { "x=1 y=2", "x=2 y=1", "x=2 y=2" } },
    { "bench/litmus-S", { "2:r0=0 x=1 y=1", "2:r0=0 x=2 y=1", "2:r0=1 x=1 y=1" } },
    { "bench/litmus-R", { "2:r0=0 x=1 y=1", "2:r0=1 x=1 y=1", "2:r0=1 x=1 y=2" } },
    { "bench/litmus-WRC",
      { "2:r0=0 3:r0=0 3:r1=0 x=1 y=1", "2:r0=0 3:r0=0 3:r1=1 x=1 y=1",
        "2:r0=0 3:r0=1 3:r1=0 x=1 y=1", "2:r0=0 3:r0=1 3:r1=1 x=1 y=1",
        "2:r0=1 3:r0=0 3:r1=0 x=1 y=1", "2:r0=1 3:r0=0 3:r1=1 x=1 y=1",
        "2:r0=1 3:r0=1 3:r1=1 x=1 y=1" } },
    { "bench/litmus-IRIW",
      { "2:r0=0 2:r1=0 4:r0=0 4:r1=0 x=1 y=1", "2:r0=0 2:r1=0 4:r0=0 4:r1=1 x=1 y=1",
        "2:r0=0 2:r1=0 4:r0=1 4:r1=0 x=1 y=1", "2:r0=0 2:r1=0 4:r0=1 4:r1=1 x=1 y=1",
        "2:r0=0 2:r1=1 4:r0=0 4:r1=0 x=1 y=1", "2:r0=0 2:r1=1 4:r0=0 4:r1=1 x=1 y=1",
        "2:r0=0 2:r1=1 4:r0=1 4:r1=0 x=1 y=1", "2:r0=0 2:r1=1 4:r0=1 4:r1=1 x=1 y=1",
        "2:r0=1 2:r1=0 4:r0=0 4:r1=0 x=1 y=1", "2:r0=1 2:r1=0 4:r0=0 4:r1=1 x=1 y=1",
        "2:r0=1 2:r1=0 4:r0=1 4:r1=1 x=1 y=1", "2:r0=1 2:r1=1 4:r0=0 4:r1=0 x=1 y=1",
        "2:r0=1 2:r1=1 4:r0=0 4:r1=1 x=1 y=1", "2:r0=1 2:r1=1 4:r0=1 4:r1=0 x=1 y=1",
        "2:r0=1 2:r1=1 4:r0=1 4:r1=1 x=1 y=1" } },
    { "bench/litmus-CoRR", { "2:r0=0 2:r1=0 x=1", "2:r0=0 2:r1=1 x=1", "2:r0=1 2:r1=1 x=1" } },
    { "bench/litmus-CoWW", { "x=2" } },
};

/* What buffers that keep the order of stores add to it, and then those that do not. */
static const struct expected added_by_tso[] = {
    { "bench/litmus-SB", { "1:r0=0 2:r0=0 x=1 y=1" } },
    { "bench/litmus-R", { "2:r0=0 x=1 y=2" } },
};
static const struct expected added_by_pso[] = {
    { "bench/litmus-MP", { "2:r0=1 2:r1=0 x=1 y=1" } },
    { "bench/litmus-2+2W", { "x=1 y=1" } },
    { "bench/litmus-S", { "2:r0=1 x=2 y=1" } },
};

struct outcomes {
    char texts[OUTCOMES_MAX][OUTCOME_BYTES];
    uint32_t count;
};

/* every_choose, but what commutes with everything goes first, as the only answer. */
static uint32_t choose_accesses(struct strategy *self, enum choice_kind kind,
                                struct goroutine *const *candidates, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t pending = candidates[i]->pending.kind;
        if (pending == EVENT_START || pending == EVENT_FENCE)
            return i;
    }
    return every_choose(self, kind, candidates, count);
}

static void ask_outcome(void *text)
{
    execution.target->subject->outcome(execution.state, text, OUTCOME_BYTES);
}

static void add_text(struct outcomes *outcomes, const char *text)
{
    for (uint32_t i = 0; i < outcomes->count; i++)
        if (strcmp(outcomes->texts[i], text) == 0)
            return;
    assert_true(outcomes->count < OUTCOMES_MAX);
    strcpy(outcomes->texts[outcomes->count++], text);
}

static void add_outcome(struct outcomes *outcomes)
{
    char text[OUTCOME_BYTES];
    expect_no_verdict();
    assert_int_equal(scheduler_look(ask_outcome, text), TREADLE_OK);
    add_text(outcomes, text);
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(left, right);
}

static void expect_outcomes(const char *name, const char *const *wanted)
{
    struct outcomes outcomes = { 0 };
    struct every every = every_schedule();
    every.strategy.choose = choose_accesses;
    const struct treadle_target *target = target_find(name);
    assert_non_null(target);
    run_open(target);
    while (every_run(&every))
        add_outcome(&outcomes);
    scheduler_close();
    qsort(outcomes.texts, outcomes.count, OUTCOME_BYTES, compare_texts);
    for (uint32_t i = 0; i < outcomes.count; i++) {
        assert_non_null(wanted[i]);
        assert_string_equal(outcomes.texts[i], wanted[i]);
    }
    assert_null(wanted[outcomes.count]);
}

static void add_expected(struct outcomes *outcomes, const struct expected *from, size_t count,
                         const char *name)
{
    for (size_t i = 0; i < count; i++)
        for (size_t text = 0; strcmp(from[i].name, name) == 0 && from[i].outcomes[text] != NULL;
             text++)
            add_text(outcomes, from[i].outcomes[text]);
}

static void expect_explored(const char *name, enum memory_model model,
                            const struct outcomes *wanted)
{
    struct outcomes outcomes = { 0 };
    const char *rule;
    struct scheduler_options options = { .exploring = true, .memory = model };
    assert_int_equal(scheduler_open(target_find(name), &options, &rule), TREADLE_OK);
    struct explorer *explorer = explorer_create(false);
    while (explorer_next(explorer)) {
        assert_false(explorer_blocked(explorer));
        add_outcome(&outcomes);
    }
    explorer_destroy(explorer);
    scheduler_close();
    struct outcomes sorted = *wanted;
    qsort(outcomes.texts, outcomes.count, OUTCOME_BYTES, compare_texts);
    qsort(sorted.texts, sorted.count, OUTCOME_BYTES, compare_texts);
    if (outcomes.count != sorted.count)
        print_error("%s under %s has %u outcomes\n", name, memory_model_name(model),
                    outcomes.count);
    assert_int_equal(outcomes.count, sorted.count);
    for (uint32_t i = 0; i < sorted.count; i++)
        assert_string_equal(outcomes.texts[i], sorted.texts[i]);
}

static void outcomes_are_those_of_the_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++)
        for (enum memory_model model = MEMORY_SC; model < MEMORY_MODEL_COUNT; model++) {
            char fenced[OUTCOME_BYTES];
            struct outcomes wanted = { 0 };
            snprintf(fenced, sizeof fenced, "%s-fence", expected[i].name);
            add_expected(&wanted, &expected[i], 1, expected[i].name);
            expect_explored(fenced, model, &wanted);
            if (model != MEMORY_SC)
                add_expected(&wanted, added_by_tso, COUNT(added_by_tso), expected[i].name);
            if (model == MEMORY_PSO)
                add_expected(&wanted, added_by_pso, COUNT(added_by_pso), expected[i].name);
            expect_explored(expected[i].name, model, &wanted);
        }
}

static void outcomes_are_those_of_sc(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        char fenced[OUTCOME_BYTES];
        snprintf(fenced, sizeof fenced, "%s-fence", expected[i].name);
        expect_outcomes(expected[i].name, expected[i].outcomes);
        expect_outcomes(fenced, expected[i].outcomes);
    }
}

/* None is left out above. */
static void all_are_listed(void **state)
{
    (void)state;
    size_t count = 0;
    for (uint32_t i = 0; i < target_count(); i++)
        count += strncmp(target_at(i)->name, "bench/litmus-", strlen("bench/litmus-")) == 0;
    assert_int_equal(count, 2 * COUNT(expected));
}

/* A buffer that is too short gets the beginning. */
static void ask_short_outcome(void *text)
{
    execution.target->subject->outcome(execution.state, text, 10);
}

static void short_buffer_is_kept(void **state)
{
    (void)state;
    char text[OUTCOME_BYTES];
    memset(text, '#', sizeof text);
    run_open(target_find("bench/litmus-CoRR"));
    struct strategy strategy = strategy_random();
    scheduler_run(&strategy, 1);
    assert_int_equal(scheduler_look(ask_short_outcome, text), TREADLE_OK);
    scheduler_close();
    assert_memory_equal(text, "2:r0=", 5);
    assert_int_equal(text[9], '\0');
    assert_int_equal(text[10], '#');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_are_those_of_sc),
        cmocka_unit_test(outcomes_are_those_of_the_model),
        cmocka_unit_test(all_are_listed),
        cmocka_unit_test(short_buffer_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
