/* exploration_test.c: targets that cannot be explored are told from those that can: one whose
 * events depend on what is no choice, one that crashes its process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../scheduler/target.h"
#include "exploration.h"

struct pair {
    struct treadle_mutex first, second;
};

static void *setup_pair(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct pair), "pair");
}

static void lock_both(void *state, const void *argument)
{
    struct pair *pair = state;
    (void)argument;
    treadle_mutex_lock(&pair->first);
    treadle_mutex_unlock(&pair->first);
    treadle_mutex_lock(&pair->second);
    treadle_mutex_unlock(&pair->second);
}

/* Without hooks: no event, and nothing that is restored before the next execution. */
static uint32_t executions_so_far;

static void lock_by_turns(void *state, const void *argument)
{
    struct pair *pair = state;
    (void)argument;
    struct treadle_mutex *mutex = ++executions_so_far % 2 == 0 ? &pair->first : &pair->second;
    treadle_mutex_lock(mutex);
    treadle_mutex_unlock(mutex);
}

/* Crashes if the other one holds the mutex. */
static void try_or_crash(void *state, const void *argument)
{
    struct pair *pair = state;
    (void)argument;
    if (!treadle_mutex_trylock(&pair->first))
        __builtin_trap();
    treadle_mutex_unlock(&pair->first);
}

#define TWO_PROGRAMS(function)                                                                     \
    .setup = setup_pair,                                                                           \
    .programs = (const struct treadle_program[]){ { "a", function, NULL },                         \
                                                  { "b", lock_both, NULL } },                      \
    .program_count = 2

static const struct treadle_target test_targets[] = {
    { .name = "test/fine", TWO_PROGRAMS(lock_both) },
    { .name = "test/turns", TWO_PROGRAMS(lock_by_turns) },
    { .name = "test/crash", TWO_PROGRAMS(try_or_crash) },
};

static struct exploration *explore(const char *name, uint32_t jobs)
{
    uint32_t index = 0;
    while (strcmp(target_at(index)->name, name) != 0)
        index++;
    const struct exploration_options options = {
        .parameters = { .scheduler = { .exploring = true }, .memory = "sc", .preemptions = -1 },
        .jobs = jobs,
        .directory = "/dev/null", /* nothing can be kept there */
        .start = tally_now(),
    };
    struct exploration *exploration = exploration_create(&index, 1, &options.parameters);
    char error[300];
    assert_int_equal(exploration_run(exploration, &options, error, sizeof error), 0);
    return exploration;
}

static void fine(void **state)
{
    (void)state;
    struct exploration *exploration = explore("test/fine", 2);
    const struct exploration_target *target = exploration->targets;
    assert_true(exploration_is_complete(target));
    assert_int_equal(target->tally.executions, 4);
    assert_int_equal(target->tally.verdicts[TREADLE_OK], 4);
    assert_string_equal(target->nondeterminism, "");
    exploration_destroy(exploration);
}

static void expect_nondeterministic(const char *name)
{
    for (uint32_t jobs = 1; jobs <= 2; jobs++) {
        struct exploration *exploration = explore(name, jobs);
        const struct exploration_target *target = exploration->targets;
        assert_false(exploration_is_complete(target));
        assert_int_equal(target->tally.verdicts[TREADLE_NONDETERMINISTIC], 1);
        assert_non_null(strstr(target->nondeterminism, "event"));
        assert_non_null(strstr(target->nondeterminism, "lock"));
        exploration_destroy(exploration);
    }
}

static void nondeterministic(void **state)
{
    (void)state;
    expect_nondeterministic("test/turns");
}

static void crash(void **state)
{
    (void)state;
    struct exploration *exploration = explore("test/crash", 1);
    const struct exploration_target *target = exploration->targets;
    assert_false(exploration_is_complete(target));
    assert_int_equal(target->frontier.count, 0);
    assert_true(target->tally.verdicts[TREADLE_CRASH] > 0);
    assert_true(target->tally.verdicts[TREADLE_OK] > 0);
    assert_true(target->findings.count > 0);
    assert_int_equal(target->findings.items[0].finding.verdict, TREADLE_CRASH);
    exploration_destroy(exploration);
}

int main(void)
{
    for (size_t i = 0; i < sizeof test_targets / sizeof test_targets[0]; i++)
        treadle_register(&test_targets[i]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fine),
        cmocka_unit_test(nondeterministic),
        cmocka_unit_test(crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
