/* estimate_test.c: the truth lies within what probes say, most of the time, and in the mean they
 * are right; whatever of the tree has been done before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "estimate.h"

#define SETS 20u
#define PROBES 32u
#define EXECUTIONS_MAX 1000000u

static void open_target(const char *name)
{
    const char *rule;
    const struct scheduler_options options = { .exploring = true };
    const struct treadle_target *target = target_find(name);
    assert_non_null(target);
    assert_int_equal(scheduler_open(target, &options, &rule), TREADLE_OK);
}

/* Explores `done` executions and probes what is left. Returns in how many of SETS cases the truth
 * lies within the range, and the mean of all probes. */
static uint32_t probe_sets(const char *name, uint64_t done, double truth, double *ret_mean)
{
    open_target(name);
    struct explorer *explorer = explorer_create(false);
    for (uint64_t i = 0; i < done; i++)
        assert_true(explorer_next(explorer));
    struct frontier frontier = { 0 };
    frontier_add_explorer(&frontier, explorer);
    explorer_drop(explorer, explorer_item_count(explorer));
    uint32_t within = 0;
    uint64_t executions = 0, seed = 0;
    double sum = 0;
    for (uint32_t set = 0; set < SETS; set++) {
        struct estimate estimate = { 0 };
        double low, high;
        for (uint32_t i = 0; i < PROBES; i++) {
            assert_false(estimate_range(&estimate, &low, &high) && i < 2);
            double total = estimate_probe(explorer, &frontier, seed++, EXECUTIONS_MAX, &executions);
            assert_true(total >= (double)frontier.count);
            sum += total;
            estimate_add(&estimate, (double)done + total);
        }
        assert_true(estimate_range(&estimate, &low, &high));
        assert_true(low < high);
        within += low <= truth && truth <= high;
    }
    *ret_mean = (double)done + sum / (SETS * PROBES);
    print_message("%s: %u of %u within, mean %.0f, truth %.0f, %.0f executions a probe\n", name,
                  within, SETS, *ret_mean, truth, (double)executions / (SETS * PROBES));
    frontier_deinit(&frontier);
    explorer_destroy(explorer);
    return within;
}

static void expect_mostly_right(const char *name, uint64_t done, double truth)
{
    double mean;
    assert_true(probe_sets(name, done, truth, &mean) >= SETS * 3 / 4);
    assert_true(mean > 0.6 * truth && mean < 1.7 * truth);
}

static void lastzero(void **state)
{
    (void)state;
    expect_mostly_right("bench/lastzero-12", 0, 15360);
    expect_mostly_right("bench/lastzero-12", 5000, 15360);
}

static void fib_bench(void **state)
{
    (void)state;
    expect_mostly_right("bench/fib_bench-5", 0, 218243);
    expect_mostly_right("bench/fib_bench-5", 100000, 218243);
}

static void read_grow(void **state)
{
    (void)state;
    expect_mostly_right("gomap/read-grow", 0, 13084);
}

/* Nothing left is nothing; a tree too large for the limit is not guessed at. */
static void limits(void **state)
{
    (void)state;
    open_target("bench/readers-2");
    struct explorer *explorer = explorer_create(false);
    struct frontier frontier = { 0 };
    uint64_t executions = 0;
    assert_true(estimate_probe(explorer, &frontier, 1, 10, &executions) == 0);
    frontier_add_explorer(&frontier, explorer);
    explorer_drop(explorer, 1);
    assert_true(estimate_probe(explorer, &frontier, 1, 2, &executions) < 0);
    frontier_deinit(&frontier);
    explorer_destroy(explorer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lastzero),
        cmocka_unit_test(fib_bench),
        cmocka_unit_test(read_grow),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
