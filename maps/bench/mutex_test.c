/* mutex_test.c: mutual exclusion without a lock holds under each memory model that it was made for,
 * and no other: with exploration of all executions and with random ones. */
#include "test_run.h"

#include <stdio.h>

#include "explore.h"
#include "target.h"

/* The strongest model under which a target without fences fails. */
static const struct {
    const char *name;
    enum memory_model fails;
} expected[] = {
    { "bench/mutex-dekker", MEMORY_TSO },    { "bench/mutex-peterson", MEMORY_TSO },
    { "bench/mutex-szymanski", MEMORY_TSO }, { "bench/mutex-bakery", MEMORY_TSO },
    { "bench/mutex-producer", MEMORY_PSO },
};

static void open_target(const char *name, const struct scheduler_options *options)
{
    const char *rule;
    assert_non_null(target_find(name));
    assert_int_equal(scheduler_open(target_find(name), options, &rule), TREADLE_OK);
}

/* Whether exploration finds two goroutines inside; else it has made every execution there is. */
static bool explored_fails(const char *name, enum memory_model model)
{
    open_target(name, &(struct scheduler_options){ .exploring = true, .memory = model });
    struct explorer *explorer = explorer_create(false);
    bool fails = false;
    uint32_t others = 0; /* what is broken may wait for ever, too */
    while (!fails && explorer_next(explorer)) {
        assert_false(explorer_blocked(explorer));
        fails = run_verdict(TREADLE_ASSERT) != NULL;
        others += !fails && execution.verdict_count > 0;
    }
    explorer_destroy(explorer);
    scheduler_close();
    assert_true(fails || others == 0);
    return fails;
}

/* The same for some thousand random executions. */
static bool fuzzed_fails(const char *name, enum memory_model model)
{
    struct portfolio portfolio = portfolio_create(NULL);
    open_target(name, &(struct scheduler_options){ .memory = model, .buffered_max = 64 });
    bool fails = false;
    for (uint64_t number = 0; number < 4000 && !fails; number++) {
        scheduler_run(portfolio_pick(&portfolio, number), number);
        fails = run_verdict(TREADLE_ASSERT) != NULL;
    }
    scheduler_close();
    return fails;
}

static void expect_target(const char *name, enum memory_model model, bool fails)
{
    bool explored = explored_fails(name, model), fuzzed = fuzzed_fails(name, model);
    if (explored != fails || fuzzed != fails)
        print_error("%s under %s: explored %d, fuzzed %d\n", name, memory_model_name(model),
                    explored, fuzzed);
    assert_int_equal(explored, fails);
    assert_int_equal(fuzzed, fails);
}

static void each_fails_where_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++)
        for (enum memory_model model = MEMORY_SC; model < MEMORY_MODEL_COUNT; model++)
            expect_target(expected[i].name, model, model >= expected[i].fails);
}

static void fences_make_it_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++)
        for (enum memory_model model = MEMORY_SC; model < MEMORY_MODEL_COUNT; model++) {
            char fenced[64];
            snprintf(fenced, sizeof fenced, "%s-fence", expected[i].name);
            expect_target(fenced, model, false);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fails_where_it_must),
        cmocka_unit_test(fences_make_it_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
