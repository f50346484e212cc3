/* exploration_test.c: targets that cannot be explored are told from those that can: whose events
 * depend on what is no choice, in which way ever; one that crashes its process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../scheduler/target.h"
#include "../scheduler/test_subjects.h"
#include "exploration.h"

struct pair {
    struct treadle_mutex first, second;
    uint64_t word;
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

static void read_by_turns(void *state, const void *argument)
{
    struct pair *pair = state;
    (void)argument;
    pair->word = ++executions_so_far % 2;
    peek64(&pair->word);
}

/* Nobody restores what is neither Treadle's heap nor a global. */
static void count_outside(void *state, const void *argument)
{
    static uint64_t *outside;
    struct pair *pair = state;
    (void)argument;
    if (outside == NULL)
        outside = calloc(1, sizeof *outside);
    assert_non_null(outside);
    poke64(&pair->word, ++*outside);
}

static void lock_more_by_turns(void *state, const void *argument)
{
    struct pair *pair = state;
    (void)argument;
    for (uint32_t i = ++executions_so_far % 2; i < 2; i++) {
        treadle_mutex_lock(&pair->first);
        treadle_mutex_unlock(&pair->first);
    }
}

static void choose_by_turns(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    treadle_choose(2 + ++executions_so_far % 2, "one of them");
}

static bool holds_by_turns(void *state, char *detail, size_t detail_bytes)
{
    (void)state;
    (void)detail;
    (void)detail_bytes;
    return ++executions_so_far % 2 == 0;
}

static const struct treadle_invariant turns_invariant = {
    TREADLE_CORRUPT, "every other time", holds_by_turns,
};

/* The fifth execution of a process, the third one that was planned, is not made twice. */
static void lock_but_once(void *state, const void *argument)
{
    if (++executions_so_far != 5)
        lock_both(state, argument);
}

static void lock_no_more(void *state, const void *argument)
{
    if (++executions_so_far < 5)
        lock_both(state, argument);
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

#define TWO_PROGRAMS_AND(function, other)                                                          \
    .setup = setup_pair,                                                                           \
    .programs = (const struct treadle_program[]){ { "a", function, NULL }, { "b", other, NULL } }, \
    .program_count = 2
#define TWO_PROGRAMS(function) TWO_PROGRAMS_AND(function, lock_both)

static const struct treadle_target test_targets[] = {
    { .name = "test/fine", TWO_PROGRAMS(lock_both) },
    { .name = "test/turns", TWO_PROGRAMS(lock_by_turns) },
    { .name = "test/value", TWO_PROGRAMS(read_by_turns) },
    { .name = "test/outside", TWO_PROGRAMS(count_outside) },
    { .name = "test/number", TWO_PROGRAMS(lock_more_by_turns) },
    { .name = "test/choices", TWO_PROGRAMS(choose_by_turns) },
    { .name = "test/verdict", TWO_PROGRAMS(lock_both),
      .invariants = &turns_invariant, .invariant_count = 1 },
    { .name = "test/once", TWO_PROGRAMS_AND(lock_both, lock_but_once) },
    { .name = "test/no-more", TWO_PROGRAMS_AND(lock_both, lock_no_more) },
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

/* says: what is said of it, among others. */
static void expect_nondeterministic(const char *name, uint32_t jobs_max, const char *says)
{
    for (uint32_t jobs = 1; jobs <= jobs_max; jobs++) {
        struct exploration *exploration = explore(name, jobs);
        const struct exploration_target *target = exploration->targets;
        assert_false(exploration_is_complete(target));
        assert_int_equal(target->tally.verdicts[TREADLE_NONDETERMINISTIC], 1);
        assert_non_null(strstr(target->nondeterminism, says));
        exploration_destroy(exploration);
    }
}

static void nondeterministic(void **state)
{
    (void)state;
    expect_nondeterministic("test/turns", 2, "lock");
    expect_nondeterministic("test/value", 2, "read");
    expect_nondeterministic("test/outside", 2, "write");
    expect_nondeterministic("test/number", 2, "once g1 exit, then g2 start");
    expect_nondeterministic("test/choices", 2, "choose");
    expect_nondeterministic("test/verdict", 2, "other verdicts");
    expect_nondeterministic("test/once", 1, "first event 2: once g2 exit, then g2 lock_both");
    expect_nondeterministic("test/no-more", 1, "behind 3 events, the last of them g2 exit, "
                                               "g2 could go on before and cannot now");
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
