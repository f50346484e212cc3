/* replay_test.c: what any strategy ran, written down as a schedule file, read and replayed, is the
 * same execution again, event by event; a schedule that does not fit says where. */
#include <stdio.h>

#include "oracle.h"
#include "replay.h"
#include "test_run.h"
#include "trace.h"

/* ---- targets --------------------------------------------------------------------------------- */

static void bump_twice(void *state, const void *argument)
{
    bump64(&((struct cells *)state)->cell[(uint64_t)argument]);
    bump64(&((struct cells *)state)->cell[0]);
}

static void atomics(void *state, const void *argument)
{
    (void)argument;
    _Atomic uint64_t *cell = (_Atomic uint64_t *)state;
    uint64_t seen = atomic_load64(cell);
    (void)atomic_cas_sync64(cell, seen, seen + 1);
    (void)atomic_add64(cell, 1);
    subject_fence();
    atomic_store_release64(cell, seen);
}

static void choices(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    uint32_t first = treadle_choose(3, "first");
    uint32_t second = treadle_choose(5, "second");
    for (uint32_t i = 0; i <= first; i++)
        poke64(&cells->cell[second], i);
    if (treadle_choose(2, NULL) == 1)
        bump64(&cells->cell[treadle_choose(8, "third")]);
    (void)treadle_choose(2, "last");
}

static void locks(void *state, const void *argument)
{
    struct cells *cells = state;
    uint64_t first = (uint64_t)argument;
    treadle_mutex_lock(&cells->mutex[first]);
    bump64(&cells->cell[first]);
    if (treadle_mutex_trylock(&cells->mutex[2])) {
        bump64(&cells->cell[2]);
        treadle_mutex_unlock(&cells->mutex[2]);
    }
    treadle_mutex_lock(&cells->mutex[1 - first]); /* may deadlock */
    treadle_mutex_unlock(&cells->mutex[1 - first]);
    treadle_mutex_unlock(&cells->mutex[first]);
}

static void reader(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    treadle_rwmutex_rlock(&cells->rwmutex);
    (void)peek64(&cells->cell[0]);
    treadle_rwmutex_runlock(&cells->rwmutex);
    treadle_waitgroup_wait(&cells->group);
    (void)peek64(&cells->cell[1]);
}

static void writer(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    treadle_rwmutex_lock(&cells->rwmutex);
    bump64(&cells->cell[0]);
    treadle_rwmutex_unlock(&cells->rwmutex);
    treadle_waitgroup_add(&cells->group, 1);
    bump64(&cells->cell[1]);
    treadle_waitgroup_done(&cells->group);
}

static void grandchild(void *argument)
{
    bump64(argument);
}

static void child(void *argument)
{
    bump64(argument);
    (void)treadle_go(grandchild, argument);
    bump64(argument);
}

static void spawns(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    uint32_t first = treadle_go(child, &cells->cell[0]);
    uint32_t second = treadle_go(child, &cells->cell[1]);
    treadle_join(second);
    bump64(&cells->cell[0]);
    treadle_join(first);
}

static void allocations(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    for (int i = 0; i < 3; i++) {
        uint64_t *block = treadle_alloc(24 + 8 * (size_t)(i % 2), "words3");
        poke64(&block[2], 1);
        uint64_t *other = (uint64_t *)peek64(&cells->cell[0]);
        poke64(&cells->cell[0], (uint64_t)block);
        if (other != NULL)
            poke64(&other[1], 5); /* may be freed: then this ends it */
        treadle_free(block);
    }
}

/* Blocks of different sizes in one place: what was there then is not what is there at the end. */
static void shrinking(void *state, const void *argument)
{
    (void)argument;
    uint64_t *large = treadle_alloc(32, "large");
    poke64(&large[3], 1);
    bump64(state);
    poke64(&large[3], 2);
    treadle_free(large);
    uint64_t *small = treadle_alloc(20, "small");
    poke64(&small[0], 3);
}

static void copies(void *state, const void *argument)
{
    struct cells *cells = state;
    uint64_t self = (uint64_t)argument;
    copy24(&cells->words[0], &cells->words[self]);
    bump64(&cells->cell[0]);
    copy16((struct words2 *)&cells->words[self], (struct words2 *)&cells->words[0]);
    copy24(&cells->words[3], &cells->words[0]);
    (void)subject_memcpy(&cells->words[1], &cells->words[3], 24);
}

static void globals_and_stacks(void *state, const void *argument)
{
    (void)argument;
    (void)state;
    uint64_t local = 0;
    bump64(&local);
    bump64(&subject_global);
    bump64(&subject_globals[treadle_self()]);
    bump64(&local);
}

/* Every execution has a verdict at its end: whatever else it has, it can be saved. */
static bool is_never_true(void *state, char *detail, size_t bytes)
{
    (void)state;
    snprintf(detail, bytes, "never");
    return false;
}

static const struct treadle_invariant never = { TREADLE_CORRUPT, "it is worth saving",
                                                is_never_true };

#define TARGET(...)                                                                                \
    .setup = setup_cells, .invariants = &never, .invariant_count = 1,                              \
    PROGRAMS(__VA_ARGS__)
#define ARGUMENT(n) ((const void *)(uint64_t)(n))

static const struct treadle_target targets[] = {
    { .name = "test/words", TARGET({ "a", bump_twice, ARGUMENT(1) },
                                   { "b", bump_twice, ARGUMENT(2) },
                                   { "c", bump_twice, ARGUMENT(1) }) },
    { .name = "test/atomics", TARGET({ "a", atomics, NULL }, { "b", atomics, NULL }) },
    { .name = "test/choices", TARGET({ "a", choices, NULL }, { "b", choices, NULL }) },
    { .name = "test/choices-alone", TARGET({ "a", choices, NULL }) },
    { .name = "test/locks", TARGET({ "a", locks, ARGUMENT(0) }, { "b", locks, ARGUMENT(1) }) },
    { .name = "test/rwlocks", TARGET({ "r", reader, NULL }, { "w", writer, NULL },
                                     { "r", reader, NULL }, { "w", writer, NULL }) },
    { .name = "test/spawns", TARGET({ "a", spawns, NULL }) },
    { .name = "test/spawns-and-words", TARGET({ "a", bump_twice, ARGUMENT(1) },
                                              { "b", spawns, NULL }) },
    { .name = "test/allocations-never", TARGET({ "a", allocations, NULL },
                                               { "b", allocations, NULL }) },
    { .name = "test/allocations-lifo", .reuse = TREADLE_REUSE_LIFO,
      TARGET({ "a", allocations, NULL }, { "b", allocations, NULL }) },
    { .name = "test/shrinking", .reuse = TREADLE_REUSE_LIFO,
      TARGET({ "a", shrinking, NULL }, { "b", shrinking, NULL }) },
    { .name = "test/copies", TARGET({ "a", copies, ARGUMENT(1) }, { "b", copies, ARGUMENT(2) }) },
    { .name = "test/globals", TARGET({ "a", globals_and_stacks, NULL },
                                     { "b", globals_and_stacks, NULL }) },
    { .name = "test/globals-private", .private_stacks = true,
      TARGET({ "a", globals_and_stacks, NULL }, { "b", globals_and_stacks, NULL }) },
};

__attribute__((constructor)) static void register_targets(void)
{
    for (size_t i = 0; i < COUNT(targets); i++)
        treadle_register(&targets[i]);
}

/* ---- through a file and back ----------------------------------------------------------------- */

static char *print(const struct schedule *schedule, size_t *ret_bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_bytes);
    assert_int_equal(schedule_print(schedule, out), 0);
    fclose(out);
    return text;
}

static struct schedule *parse(const char *text, size_t bytes)
{
    char error[256] = "";
    struct schedule *schedule = schedule_parse("test.sched", text, bytes, error, sizeof error);
    if (schedule == NULL)
        print_error("%s\n%s\n", error, text);
    assert_non_null(schedule);
    return schedule;
}

/* The execution just judged as the text of its schedule. */
static char *record(size_t *ret_bytes)
{
    assert_true(execution.verdict_count > 0);
    struct schedule *schedule = replay_record(&execution.verdicts[0]);
    char *text = print(schedule, ret_bytes);
    schedule_destroy(schedule);
    return text;
}

static struct replay_result replay_text(const char *text, size_t bytes, bool resync)
{
    struct schedule *schedule = parse(text, bytes);
    struct replay_result result;
    char error[512] = "";
    int failed = replay_schedule("test.sched", schedule, resync, &result, error, sizeof error);
    if (failed != 0)
        print_error("%s\n", error);
    assert_int_equal(failed, 0);
    schedule_destroy(schedule);
    return result;
}

/* The events of an execution, to be compared with those of another. */
static struct event *copy_of_trace(uint32_t *ret_count)
{
    struct event *events = malloc((execution.trace_count + 1) * sizeof *events);
    assert_non_null(events);
    memcpy(events, execution.trace, execution.trace_count * sizeof *events);
    *ret_count = execution.trace_count;
    return events;
}

static void expect_same_trace(const struct event *events, uint32_t count)
{
    assert_int_equal(execution.trace_count, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct event *now = &execution.trace[i], *then = &events[i];
        assert_true(now->what == then->what);
        assert_true(now->address == then->address && now->pc == then->pc);
        assert_true(now->value_read == then->value_read);
        assert_true(now->value_written == then->value_written);
        assert_int_equal(now->success, then->success);
        assert_int_equal(now->index, then->index);
    }
}

/* Runs the target by that strategy and seed, and by the schedule of that; false if they differ. */
static bool replays(const struct treadle_target *target, struct strategy strategy, uint64_t seed)
{
    run_open(target);
    scheduler_run(&strategy, seed);
    oracle_judge();
    uint64_t hash = trace_hash();
    uint32_t count;
    struct event *events = copy_of_trace(&count);
    size_t bytes = 0;
    char *text = record(&bytes);
    struct replay_result result = replay_text(text, bytes, false);
    bool same = result.matched && !result.diverged && result.hash == hash;
    if (!same)
        print_error("%s by %s, seed %llu: %s; line %u: expected %s, found %s\n%s\n", target->name,
                    strategy.name, (unsigned long long)seed,
                    result.diverged ? "diverged" : "another end", result.diverged_line,
                    result.expected, result.found, text);
    if (same) {
        assert_true(trace_hash() == hash);
        expect_same_trace(events, count);
        size_t bytes_again = 0;
        char *again = record(&bytes_again); /* and it is written down in the same way */
        assert_string_equal(again, text);
        free(again);
    }
    free(text);
    free(events);
    return same;
}

/* A test for each target. */
static void target_replays(void **state)
{
    const struct treadle_target *target = *state;
    struct strategy strategies[] = { strategy_random(), strategy_sticky(4), strategy_sticky(0),
                                     strategy_pos() };
    for (size_t i = 0; i < COUNT(strategies); i++)
        for (uint64_t seed = 0; seed < 12; seed++)
            assert_true(replays(target, strategies[i], seed));
}

/* ---- what the file says ---------------------------------------------------------------------- */

static void schedules_say_what_ran(void **state)
{
    (void)state;
    run_open(&targets[7]); /* spawns-and-words */
    struct strategy strategy = strategy_random();
    scheduler_run(&strategy, 3);
    oracle_judge();
    struct schedule *schedule = replay_record(&execution.verdicts[0]);
    assert_string_equal(schedule->target, "test/spawns-and-words");
    assert_string_equal(schedule->reuse, "never");
    assert_int_equal(schedule->verdict, TREADLE_CORRUPT);
    assert_string_equal(schedule->rule, "it is worth saving");
    assert_int_equal(schedule->events, execution.trace_run_count);
    assert_true(schedule->hash == trace_hash());
    assert_int_equal(schedule->goroutine_count, 6);
    static const char *const first_paths[] = { "0.1", "0.2", "0.2.1", "0.2.2" };
    for (uint32_t i = 0; i < COUNT(first_paths); i++) {
        assert_int_equal(schedule->goroutines[i].id, i + 1);
        assert_string_equal(schedule->goroutines[i].path, first_paths[i]);
    }
    assert_string_equal(schedule->goroutines[0].role, "a");
    assert_string_equal(schedule->goroutines[1].role, "b");
    assert_null(schedule->goroutines[2].role);
    /* start, go, exit: every event but exits and data choices is run by a step */
    uint32_t run = 0;
    for (uint32_t i = 0; i < schedule->step_count; i++)
        if (schedule->steps[i].kind == SCHEDULE_RUN)
            run += schedule->steps[i].count;
    assert_int_equal(run + events_of_kind(EVENT_EXIT), execution.trace_run_count);
    schedule_destroy(schedule);
}

/* Executions that a verdict ended, in the middle of everything. */
static void early_ends_replay(void **state)
{
    (void)state;
    uint32_t deadlocks = 0, freed = 0;
    struct strategy strategy = strategy_random();
    for (uint64_t seed = 0; seed < 60; seed++) {
        assert_true(replays(&targets[4], strategy, seed));
        deadlocks += run_verdict(TREADLE_DEADLOCK) != NULL;
        assert_true(replays(&targets[8], strategy, seed));
        freed += run_verdict(TREADLE_USE_AFTER_FREE) != NULL;
    }
    assert_true(deadlocks > 0);
    assert_true(freed > 0);
}

/* ---- what does not fit ----------------------------------------------------------------------- */

static const char fixed[] = "treadle schedule 1\n"
                            "target test/words\n"
                            "memory sc\n"
                            "reuse never\n"
                            "subject gcc-12.2.0 0000000000000001\n"
                            "verdict corrupt\n"
                            "rule it is worth saving\n"
                            "fingerprint 0000000000000001\n"
                            "events 18\n"
                            "hash 0000000000000001\n"
                            "goroutine 1 0.1 a\n"
                            "goroutine 2 0.2 b\n"
                            "goroutine 3 0.3 c\n"
                            "goroutine 4 0.1.1\n" /* who never comes */
                            "choices\n";

static struct replay_result replay_steps(const char *steps, bool resync)
{
    char text[2048];
    int bytes = snprintf(text, sizeof text, "%s%send\n", fixed, steps);
    return replay_text(text, (size_t)bytes, resync);
}

/* Each goroutine has 5 steps: start, read, write, read, write. */
static void whole_schedules_are_followed(void **state)
{
    (void)state;
    struct replay_result result = replay_steps("g2 x5\ng1 x3\ng3 x5\ng1 x2\n", false);
    assert_false(result.diverged);
    assert_false(result.hash_promised); /* another build's */
    assert_true(event_of(2, EVENT_EXIT, 0) < event_of(1, EVENT_START, 0));
    assert_true(event_of(1, EVENT_WRITE, 0) < event_of(3, EVENT_START, 0));
    assert_true(event_of(3, EVENT_EXIT, 0) < event_of(1, EVENT_READ, 1));
    assert_int_equal(execution.switches, 3);
}

static void anchors_are_compared(void **state)
{
    (void)state;
    struct replay_result result =
        replay_steps("g1 x2 @ bump64+2 write cells.cell #1\ng2 x5\ng1 x3\ng3 x5\n", false);
    if (result.diverged)
        print_error("expected %s, found %s\n", result.expected, result.found);
    assert_false(result.diverged);
    result = replay_steps("g1 x2 @ bump64+2 read cells.cell #2\ng2 x5\ng1 x3\ng3 x5\n", false);
    assert_true(result.diverged);
    assert_int_equal(result.diverged_at, 2);
    assert_int_equal(result.diverged_line, 16);
    assert_non_null(strstr(result.expected, "read cells.cell #2"));
    assert_non_null(strstr(result.found, "write cells.cell #1"));
}

static void divergence_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *steps;
        uint32_t at, line;
        const char *expected, *found;
    } cases[] = {
        { "g1 x7\ng2 x5\ng3 x5\n", 6, 16, "g1 to run 2 events more", "g1 has ended" },
        { "g1 x5\ng2 x5\n", 12, 0, "the end of the execution", "goroutines that go on" },
        { "g1 x5\ng1 x1\ng2 x5\ng3 x5\n", 6, 17, "g1 to run 1 events more", "g1 has ended" },
        { "g1 x5\ng4 x1\ng2 x5\ng3 x5\n", 6, 17, "g4 to run 1 events more", "no goroutine 4" },
        { "g1 x1\nchoose 0/2 what\ng2 x5\ng3 x5\n", 1, 17, "a choice of 2: what",
          "another kind of choice" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct replay_result result = replay_steps(cases[i].steps, false);
        assert_true(result.diverged);
        assert_false(result.matched);
        if (result.diverged_at != cases[i].at || result.diverged_line != cases[i].line
            || strstr(result.expected, cases[i].expected) == NULL
            || strstr(result.found, cases[i].found) == NULL)
            print_error("%s: event %u, line %u: expected %s, found %s\n", cases[i].steps,
                        result.diverged_at, result.diverged_line, result.expected, result.found);
        assert_int_equal(result.diverged_at, cases[i].at);
        assert_int_equal(result.diverged_line, cases[i].line);
        assert_non_null(strstr(result.expected, cases[i].expected));
        assert_non_null(strstr(result.found, cases[i].found));
    }
}

/* With resync the anchor counts, not the number of events. */
static void resync_runs_to_the_anchor(void **state)
{
    (void)state;
    struct replay_result result =
        replay_steps("g1 x9 @ bump64+2 write cells.cell #1\ng2 x5\ng1 x3\ng3 x5\n", true);
    assert_false(result.diverged);
    assert_true(event_of(1, EVENT_READ, 0) < event_of(2, EVENT_START, 0));
    assert_true(event_of(2, EVENT_EXIT, 0) < event_of(1, EVENT_WRITE, 0));
}

static void unknown_targets_are_refused(void **state)
{
    (void)state;
    char text[2048];
    int bytes = snprintf(text, sizeof text, "%sg1 x1\nend\n", fixed);
    char *name = strstr(text, "words");
    memcpy(name, "wards", 5);
    struct schedule *schedule = parse(text, (size_t)bytes);
    struct replay_result result;
    char error[512] = "";
    assert_int_equal(replay_schedule("f", schedule, false, &result, error, sizeof error), -2);
    assert_non_null(strstr(error, "test/wards"));
    assert_null(strchr(error, '\n'));
    schedule_destroy(schedule);
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(schedules_say_what_ran),
        cmocka_unit_test(early_ends_replay),
        cmocka_unit_test(whole_schedules_are_followed),
        cmocka_unit_test(anchors_are_compared),
        cmocka_unit_test(divergence_says_where),
        cmocka_unit_test(resync_runs_to_the_anchor),
        cmocka_unit_test(unknown_targets_are_refused),
    };
    struct CMUnitTest tests[COUNT(targets) + COUNT(others)];
    for (size_t i = 0; i < COUNT(targets); i++)
        tests[i] = (struct CMUnitTest){ .name = targets[i].name, .test_func = target_replays,
                                        .initial_state = (void *)&targets[i] };
    memcpy(&tests[COUNT(targets)], others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, run_close);
}
