/* explore_bounded_test.c: exploration with few preemptions against brute force, on programs drawn
 * at random: every schedule with at most 0, 1, 2, 3 preemptions is gone through, none left out; the
 * same traces come of both, with the same fewest preemptions; so says the search for the fewest
 * preemptions of one trace. And where the bound leaves nothing out, the classes are as many as the
 * executions without a bound.
 *
 *   explore_bounded_test [PROGRAMS [FIRST]]   seeds FIRST, FIRST + 1, ... */
#include "test_draw.h"
#include "test_traces.h"

#include "dependence.h"
#include "explore_bounded.h"

#define SCHEDULES_MAX 30000u /* by brute force: programs with more are left out */
#define BOUND_MAX 3u
#define NO_BOUND 1000u

#ifdef __SANITIZE_ADDRESS__
static uint64_t programs_wanted = 50; /* what is looked for there is another thing */
#else
static uint64_t programs_wanted = 500;
#endif
static uint64_t seed_first = 1;

struct class_seen {
    struct explore_class class;
    UT_hash_handle hh;
};

/* ---- brute force ----------------------------------------------------------------------------- */

/* Whose turn it is: who executed last; ACTORS_MAX at the beginning. */
static uint32_t turn_at(uint32_t choice)
{
    while (choice > 0 && execution.choices[choice - 1].kind == CHOICE_DATA)
        choice--;
    return choice == 0 ? ACTORS_MAX : execution.choices[choice - 1].answer;
}

/* Behind what it was told it goes on with the same goroutine as long as it can. */
static uint32_t stay_choose(struct strategy *self, enum choice_kind kind,
                            struct goroutine *const *candidates, uint32_t count)
{
    const struct brute *brute = (const struct brute *)self;
    uint32_t at = execution.choice_count, index = brute_choose(self, kind, candidates, count);
    for (uint32_t i = 0; kind == CHOICE_SCHEDULE && at >= brute->prefix.length && i < count; i++)
        if (candidates[i]->id == turn_at(at))
            return i;
    return index;
}

static bool is_preemption(const struct brute *brute, uint32_t at, uint32_t answer)
{
    uint32_t turn = turn_at(at);
    if (execution.choices[at].kind == CHOICE_DATA || answer == turn)
        return false;
    for (uint32_t i = 0; i < brute->candidate_counts[at]; i++)
        if (brute->candidates[at][i] == turn)
            return true;
    return false;
}

/* Tries all others at each choice behind what it was told; notes the trace with its preemptions. */
static void look_everywhere(struct brute *brute, uint32_t bound)
{
    uint32_t used = 0;
    bool new;
    for (uint32_t at = 0; at < execution.choice_count; at++) {
        for (uint32_t i = 0; at >= brute->prefix.length && i < brute->candidate_counts[at]; i++) {
            uint16_t other = brute->candidates[at][i];
            if (other != execution.choices[at].answer
                && used + is_preemption(brute, at, other) <= bound)
                brute_push(brute, at, other);
        }
        used += is_preemption(brute, at, execution.choices[at].answer);
    }
    assert_true(used <= bound);
    struct reached *entry = reached_add(&brute->traces, trace_now(brute->depends), &new);
    if (new || used < entry->count)
        entry->count = used;
}

/* Goes through all schedules with so few preemptions; false if there are too many. */
static bool go_through(struct brute *brute, uint32_t bound)
{
    brute_init(brute, dependence_of);
    brute->strategy.choose = stay_choose;
    do {
        if (++brute->executions > SCHEDULES_MAX)
            return false;
        scheduler_run(&brute->strategy, 0);
        CHECK(brute->prefix.missed, ==, 0u);
        look_everywhere(brute, bound);
        if (brute->waiting_count > 0)
            brute->prefix = brute->waiting[brute->waiting_count - 1];
    } while (brute->waiting_count-- > 0);
    return true;
}

/* ---- exploration ----------------------------------------------------------------------------- */

static void class_note(struct class_seen **classes, struct explore_class class)
{
    struct class_seen *seen;
    HASH_FIND(hh, *classes, &class, sizeof class, seen);
    if (seen != NULL)
        return;
    seen = calloc(1, sizeof *seen);
    assert_non_null(seen);
    seen->class = class;
    HASH_ADD(hh, *classes, class, sizeof class, seen);
}

static uint32_t classes_clear(struct class_seen **classes)
{
    uint32_t count = HASH_COUNT(*classes);
    struct class_seen *seen, *next;
    HASH_ITER(hh, *classes, seen, next)
    {
        HASH_DEL(*classes, seen);
        free(seen);
    }
    return count;
}

/* What is wrong with the exploration; NULL if it is as brute force says. */
static const char *explore_bounded(struct brute *brute, uint32_t bound)
{
    struct explorer *explorer = explorer_create(false);
    struct class_seen *classes = NULL;
    struct reached *fewest = NULL, *entry, *next;
    const char *difference = NULL;
    bool new;
    explorer_bound(explorer, bound);
    while (difference == NULL && explorer_next(explorer)) {
        digest trace = trace_now(dependence_of);
        uint32_t preemptions = explorer_preemptions(explorer);
        HASH_FIND(hh, brute->traces, &trace, sizeof trace, entry);
        if (explorer_blocked(explorer))
            difference = "an execution is blocked";
        else if (entry == NULL)
            difference = "a trace that has no schedule with so few preemptions";
        else if (preemptions < entry->count)
            difference = "a trace with fewer preemptions than it can have";
        class_note(&classes, explorer_class(explorer));
        entry = reached_add(&fewest, trace, &new);
        if (new || preemptions < entry->count)
            entry->count = preemptions;
    }
    if (difference == NULL && HASH_COUNT(fewest) != HASH_COUNT(brute->traces))
        difference = "traces are missing";
    if (difference == NULL && HASH_COUNT(classes) != HASH_COUNT(fewest))
        difference = "classes are no traces";
    for (entry = difference == NULL ? fewest : NULL; entry != NULL; entry = entry->hh.next) {
        HASH_FIND(hh, brute->traces, &entry->trace, sizeof entry->trace, next);
        if (next->count != entry->count)
            difference = "a trace was not executed with the fewest preemptions";
    }
    classes_clear(&classes);
    reached_clear(&fewest);
    explorer_destroy(explorer);
    return difference;
}

/* Whether the explorer says of each execution the fewest preemptions that its trace can have, and
 * by which choices; brute: with at most BOUND_MAX. */
static const char *compare_fewest(const struct brute *brute)
{
    static struct explore_step copy[BRUTE_CHOICES_MAX];
    struct explorer *explorer = explorer_create(false);
    struct explore_candidates candidates = { 0 };
    const char *difference = NULL;
    struct reached *entry;
    while (difference == NULL && explorer_next(explorer)) {
        const struct explore_step *steps;
        uint32_t count;
        digest trace = trace_now(dependence_of);
        HASH_FIND(hh, brute->traces, &trace, sizeof trace, entry);
        uint32_t fewest = explorer_fewest(explorer, BOUND_MAX, &steps, &count);
        if (fewest != (entry == NULL ? EXPLORER_FEWEST_MORE : entry->count))
            difference = "the explorer finds another number of preemptions";
        if (difference != NULL || entry == NULL)
            continue;
        CHECK(count, <=, BRUTE_CHOICES_MAX);
        memcpy(copy, steps, count * sizeof *steps);
        struct strategy strategy = strategy_steps(copy, count);
        strategy_steps_note(&strategy, &candidates, false);
        scheduler_run(&strategy, 0);
        if (strategy.steps.blocked || trace_now(dependence_of) != trace)
            difference = "the order with the fewest preemptions is of another trace";
        else if (explore_candidates_preemptions(&candidates) != fewest)
            difference = "the order with the fewest preemptions has more";
    }
    explore_candidates_clear(&candidates);
    explorer_destroy(explorer);
    return difference;
}

/* Returns false if the program is too large; *ret_difference as above. */
static bool compare_bounds(const struct random_program *program, const char **ret_difference,
                           uint64_t *ret_traces)
{
    static struct brute brute;
    *ret_difference = NULL;
    program_open(program, MEMORY_SC);
    for (uint32_t bound = 0; bound <= BOUND_MAX && *ret_difference == NULL; bound++) {
        bool all = go_through(&brute, bound);
        if (all)
            *ret_difference = explore_bounded(&brute, bound);
        if (all && *ret_difference == NULL && bound == BOUND_MAX)
            *ret_difference = compare_fewest(&brute);
        *ret_traces += HASH_COUNT(brute.traces);
        brute_clear(&brute);
        if (!all)
            return bound == BOUND_MAX; /* the smaller bounds have been compared */
    }
    return true;
}

static bool differs(const struct random_program *program)
{
    const char *difference;
    uint64_t traces = 0;
    compare_bounds(program, &difference, &traces);
    return difference != NULL;
}

static void finds_what_brute_force_finds(void **state)
{
    (void)state;
    uint64_t traces = 0, done = 0, large = 0;
    struct random_program program;
    for (uint64_t seed = seed_first; done < programs_wanted; seed++) {
        const char *difference;
        draw_program(&program, seed);
        if (compare_bounds(&program, &difference, &traces))
            done++;
        else
            large++;
        if (difference == NULL)
            continue;
        print_error("seed %lu: %s\n", (unsigned long)seed, difference);
        program_reduce(&program, differs);
        program_print(&program);
        fail();
    }
    print_message("%lu programs, %lu traces; %lu were too large\n", (unsigned long)done,
                  (unsigned long)traces, (unsigned long)large);
}

/* ---- without a limit ------------------------------------------------------------------------- */

static uint64_t count_all(void)
{
    uint64_t executions = 0;
    struct explorer *explorer = explorer_create(false);
    while (executions < SCHEDULES_MAX && explorer_next(explorer))
        executions++;
    explorer_destroy(explorer);
    return executions;
}

static uint64_t count_classes(void)
{
    struct class_seen *classes = NULL;
    struct explorer *explorer = explorer_create(false);
    explorer_bound(explorer, NO_BOUND);
    while (explorer_next(explorer))
        class_note(&classes, explorer_class(explorer));
    assert_false(explorer_limited(explorer));
    explorer_destroy(explorer);
    return classes_clear(&classes);
}

static enum memory_model model; /* of the program compared */

static bool counts_differ(const struct random_program *program)
{
    program_open(program, model);
    uint64_t all = count_all();
    return all < SCHEDULES_MAX && all != count_classes();
}

static void a_wide_bound_changes_nothing(void **state)
{
    (void)state;
    static const enum memory_model models[] = { MEMORY_SC, MEMORY_TSO, MEMORY_PSO };
    for (uint64_t seed = seed_first; seed < seed_first + programs_wanted; seed++) {
        struct random_program program;
        draw_program(&program, seed);
        model = models[seed % 3];
        if (!counts_differ(&program))
            continue;
        program_reduce(&program, counts_differ);
        program_open(&program, model);
        print_error("seed %lu, %s: %lu executions, %lu classes\n", (unsigned long)seed,
                    memory_model_name(model), (unsigned long)count_all(),
                    (unsigned long)count_classes());
        program_print(&program);
        fail();
    }
}

/* Programs that random ones were reduced to, with the number of their classes under sc, tso, pso.
 * In the first, the compare-and-swap writes if it comes before the drain of the store: then the
 * load, of another word of the record, depends on it, but not on the drain. In the second, the
 * drain of one copy makes the semaphore's waiter wait for ever; before that drain it can come
 * before or behind the other copy, which reads the semaphore. In the third, whom a broadcast has
 * signalled may wait anew before the broadcast has let all others go. In the fourth, what
 * comes behind the copy may do so anyway. In the last, a drain lets the waiter wait for ever, of
 * which its own goroutine's other copy is independent. */
static const struct known_program {
    struct random_program program;
    uint64_t classes[3];
} known_programs[] = {
    { { .reuse = TREADLE_REUSE_LIFO,
        .starting = 2,
        .group = 2,
        .record = 1,
        .procedures = { [0] = { { OP_STORE, 0, 8, 2 }, { OP_LOAD, 8, 8, 1 } },
                        [1] = { { OP_CAS, 0, 8, 8 } } } },
      { 2, 4, 4 } },
    { { .reuse = TREADLE_REUSE_LIFO,
        .starting = 3,
        .group = 1,
        .procedures = { [0] = { { OP_SEM_COPY, 0, 0, 2 }, { OP_SEM_COPY, 1, 0, 0 } },
                        [2] = { { OP_SEM_WAIT, 0, 0, 1 } } } },
      { 2, 3, 3 } },
    { { .reuse = TREADLE_REUSE_NEVER,
        .starting = 3,
        .procedures = { [0] = { { OP_COND_BROADCAST, 0, 0, 0 } },
                        [1] = { { OP_COND_WAIT, 0, 0, 0 } },
                        [2] = { { OP_POSIX_LOCK, 0, 0, 0 },
                                { OP_COND_TIMEDWAIT, 0, 0, 0 },
                                { OP_COND_WAIT, 0, 0, 0 } } } },
      { 75, 75, 75 } },
    { { .reuse = TREADLE_REUSE_LIFO,
        .starting = 2,
        .group = 1,
        .procedures = { [0] = { { OP_SEM_CLEAR, 0, 0, 0 },
                                { OP_SEM_COPY, 1, 0, 0 },
                                { OP_LOAD, 8, 8, 0 } },
                        [1] = { { OP_STORE, 8, 8, 2 }, { OP_SEM_WAIT, 0, 0, 0 } } } },
      { 3, 5, 5 } },
    { { .reuse = TREADLE_REUSE_LIFO,
        .starting = 3,
        .group = 2,
        .procedures = { [0] = { { OP_SEM_WAIT, 0, 0, 0 } },
                        [1] = { { OP_SEM_COPY, 0, 0, 0 }, { OP_SEM_COPY, 1, 0, 0 } },
                        [2] = { { OP_SEM_COPY, 1, 0, 0 } } } },
      { 8, 21, 21 } },
};

static void counts_known_programs(void **state)
{
    (void)state;
    static const enum memory_model models[] = { MEMORY_SC, MEMORY_TSO, MEMORY_PSO };
    for (uint32_t i = 0; i < sizeof known_programs / sizeof known_programs[0]; i++)
        for (uint32_t m = 0; m < 3; m++) {
            program_open(&known_programs[i].program, models[m]);
            assert_int_equal(count_all(), known_programs[i].classes[m]);
            assert_int_equal(count_classes(), known_programs[i].classes[m]);
        }
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_known_programs),
        cmocka_unit_test(finds_what_brute_force_finds),
        cmocka_unit_test(a_wide_bound_changes_nothing),
    };
    if (argument_count > 1)
        programs_wanted = strtoull(arguments[1], NULL, 10);
    if (argument_count > 2)
        seed_first = strtoull(arguments[2], NULL, 10);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scheduler_close();
    return failed;
}
