/* explore_random_test.c: exploration against brute force, on programs drawn at random: the same
 * traces, each executed once, with the same final states. And where exploration is told wrongly
 * what depends on what, this comparison notices.
 *
 *   explore_random_test [PROGRAMS [FIRST]]   seeds FIRST, FIRST + 1, ... */
/* What is included under this name is the honest one; the explorer gets the one below. */
#define dependence_of_any dependence_honest
#include "dependence.c"
#undef dependence_of_any

#include "test_draw.h"
#include "test_traces.h"

#include "explore.h"

#define EXECUTIONS_MAX 20000u /* by brute force: programs with more are left out */
#define DIFFERENT_MAX 5u      /* programs that are enough to see what is wrong */

static uint64_t programs_wanted = 500, seed_first = 1;

/* ---- wrong dependences ----------------------------------------------------------------------- */

enum fault {
    FAULT_NONE,
    FAULT_PARTS_COMMUTE, /* accesses of other bytes, although they overlap */
    FAULT_LOCKS_COMMUTE,
    FAULT_FAILED_WRITES, /* a failed compare-and-swap counts as a write */
    FAULT_COUNT
};
static enum fault fault;

bool dependence_of_any(const struct event *a, const struct event *b, bool reuses);
bool dependence_of_any(const struct event *a, const struct event *b, bool reuses)
{
    if (fault == FAULT_PARTS_COMMUTE && a->kind <= EVENT_ATOMIC_CAS && a->size != b->size)
        return false;
    if (fault == FAULT_LOCKS_COMMUTE && a->kind == EVENT_LOCK && b->kind == EVENT_LOCK)
        return false;
    struct event writes_a = *a, writes_b = *b;
    if (fault == FAULT_FAILED_WRITES)
        writes_a.success = writes_b.success = 1;
    return dependence_honest(&writes_a, &writes_b, reuses);
}

/* ---- the comparison -------------------------------------------------------------------------- */

enum outcome { OUTCOME_SAME, OUTCOME_DIFFERS, OUTCOME_TOO_LARGE };

struct compared {
    uint64_t traces, executions;
    const char *difference; /* NULL: none */
};

/* Explores and ticks off what brute force has found. */
static void compare_explored(struct brute *brute, struct compared *compared)
{
    struct explorer *explorer = explorer_create(false);
    uint64_t limit = 2 * compared->traces + 10;
    while (compared->executions < limit && explorer_next(explorer)) {
        compared->executions++;
        struct reached *entry;
        digest trace = trace_now(brute->depends);
        HASH_FIND(hh, brute->traces, &trace, sizeof trace, entry);
        if (explorer_blocked(explorer))
            compared->difference = "an execution is blocked";
        else if (entry == NULL)
            compared->difference = "a trace that brute force did not find";
        else if (entry->count++ > 0)
            compared->difference = "a trace is executed twice";
        else if (entry->state != state_now())
            compared->difference = "another final state";
        if (compared->difference != NULL)
            break;
    }
    explorer_destroy(explorer);
}

static enum outcome compare(const struct random_program *program, struct compared *compared)
{
    static struct brute brute;
    program_open(program, MEMORY_SC);
    *compared = (struct compared){ 0 };
    if (!brute_run(&brute, dependence_of, EXECUTIONS_MAX)) {
        brute_clear(&brute);
        return OUTCOME_TOO_LARGE;
    }
    compared->traces = HASH_COUNT(brute.traces);
    if (brute.contradictions > 0)
        compared->difference = "equal traces with different final states";
    else
        compare_explored(&brute, compared);
    if (compared->difference == NULL && compared->executions != compared->traces)
        compared->difference = "traces are missing";
    brute_clear(&brute);
    return compared->difference == NULL ? OUTCOME_SAME : OUTCOME_DIFFERS;
}

static bool differs(const struct random_program *program)
{
    struct compared compared;
    return compare(program, &compared) == OUTCOME_DIFFERS;
}

/* Compares that many programs (not counting those that are too large), or with a fault as many as
 * it takes to notice it; returns in how many exploration and brute force differ. */
static uint64_t compare_programs(uint64_t count)
{
    uint64_t different = 0, traces = 0, large = 0;
    struct random_program program;
    struct compared compared;
    for (uint64_t seed = seed_first, done = 0; done < count; seed++) {
        draw_program(&program, seed);
        enum outcome outcome = compare(&program, &compared);
        large += outcome == OUTCOME_TOO_LARGE;
        done += outcome != OUTCOME_TOO_LARGE;
        traces += compared.traces;
        if (outcome != OUTCOME_DIFFERS)
            continue;
        if (++different == DIFFERENT_MAX || fault != FAULT_NONE)
            break;
        print_error("seed %lu: %s\n", (unsigned long)seed, compared.difference);
        program_reduce(&program, differs);
        compare(&program, &compared);
        print_error("reduced: %s; %lu traces, %lu executions\n", compared.difference,
                    (unsigned long)compared.traces, (unsigned long)compared.executions);
        program_print(&program);
    }
    if (fault == FAULT_NONE)
        print_message("%lu programs, %lu traces, %lu different; %lu were too large\n",
                      (unsigned long)count, (unsigned long)traces, (unsigned long)different,
                      (unsigned long)large);
    return different;
}

static void explores_each_trace_once(void **state)
{
    (void)state;
    assert_int_equal(compare_programs(programs_wanted), 0);
}

static void notices_wrong_dependences(void **state)
{
    (void)state;
    for (fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++)
        assert_true(compare_programs(500) > 0);
    fault = FAULT_NONE;
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explores_each_trace_once),
        cmocka_unit_test(notices_wrong_dependences),
    };
    if (argument_count > 1)
        programs_wanted = strtoull(arguments[1], NULL, 10);
    if (argument_count > 2)
        seed_first = strtoull(arguments[2], NULL, 10);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scheduler_close();
    return failed;
}
