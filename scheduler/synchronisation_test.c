/* synchronisation_test.c: what locks and wait groups promise, over all schedules of small programs;
 * misuse is a verdict. */
#include "test_run.h"

/* What the programs note in plain memory: no event, the same for every schedule. */
static struct {
    uint32_t inside, inside_most; /* goroutines between lock and unlock */
    uint32_t writers;
    uint32_t broken; /* rules that did not hold */
    uint32_t tries_failed, tries_done;
    uint32_t done; /* of a group */
} seen;

static void *setup_seen(const void *argument)
{
    memset(&seen, 0, sizeof seen);
    return setup_cells(argument);
}

/* Before each schedule: the execution itself resets what lies in the arena only. */
static bool next_schedule(struct every *every)
{
    memset(&seen, 0, sizeof seen);
    return every_run(every);
}

static void enter(void)
{
    seen.inside++;
    if (seen.inside > seen.inside_most)
        seen.inside_most = seen.inside;
}

static void leave(void)
{
    seen.inside--;
}

/* ---- mutex ----------------------------------------------------------------------------------- */

static void bump_locked(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    treadle_mutex_lock(&cells->mutex[0]);
    enter();
    bump64(&cells->cell[0]);
    leave();
    treadle_mutex_unlock(&cells->mutex[0]);
}

static void expect_count(void *state)
{
    struct cells *cells = state;
    treadle_assert(peek64(&cells->cell[0]) == execution.target->program_count, "all counted");
    treadle_assert(cells->mutex[0].owner == 0, "the mutex is free at the end");
}

/* Steps of each goroutine: start, lock, read, write, unlock. Counts the ways to interleave them
 * where nobody locks (step 1) while another is in steps 2 to 4. */
static uint64_t locked_interleavings(uint32_t goroutines, uint32_t steps[3])
{
    uint64_t ways = 0;
    bool over = true, held = false;
    for (uint32_t i = 0; i < goroutines; i++)
        held |= steps[i] >= 2 && steps[i] <= 4;
    for (uint32_t i = 0; i < goroutines; i++) {
        if (steps[i] == 5)
            continue;
        over = false;
        if (steps[i] == 1 && held)
            continue;
        steps[i]++;
        ways += locked_interleavings(goroutines, steps);
        steps[i]--;
    }
    return over ? 1 : ways;
}

static void mutex_excludes(void **state)
{
    (void)state;
    const struct treadle_target targets[] = {
        { .name = "2 lock", .setup = setup_seen, .final = expect_count,
          PROGRAMS({ "a", bump_locked, NULL }, { "b", bump_locked, NULL }) },
        { .name = "3 lock", .setup = setup_seen, .final = expect_count,
          PROGRAMS({ "a", bump_locked, NULL }, { "b", bump_locked, NULL },
                   { "c", bump_locked, NULL }) },
    };
    for (uint32_t i = 0; i < COUNT(targets); i++) {
        run_open(&targets[i]);
        struct every every = every_schedule();
        while (next_schedule(&every)) {
            expect_no_verdict();
            assert_int_equal(seen.inside_most, 1);
        }
        uint32_t steps[3] = { 0 };
        assert_int_equal(every.executions, locked_interleavings(i + 2, steps));
    }
}

static void mutex_records_its_owner(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "owner", .setup = setup_seen,
                                           PROGRAMS({ "a", bump_locked, NULL },
                                                    { "b", bump_locked, NULL }) };
    run_open(&target);
    listed_run("2222211111");
    const struct cells *cells = execution.state;
    for (uint32_t id = 1; id <= 2; id++) {
        const struct event *lock = event_of(id, EVENT_LOCK, 0);
        const struct event *unlock = event_of(id, EVENT_UNLOCK, 0);
        assert_true(lock->address == (uint64_t)&cells->mutex[0]);
        assert_int_equal(lock->size, sizeof(struct treadle_mutex));
        assert_int_equal(lock->value_read, 0);
        assert_int_equal(lock->value_written, id + 1);
        assert_int_equal(unlock->value_read, id + 1);
        assert_int_equal(unlock->value_written, 0);
        assert_int_equal(lock->order, EVENT_SEQ_CST);
    }
    assert_int_equal(execution.switches, 1);
}

static void try_twice(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    seen.tries_done++;
    if (!treadle_mutex_trylock(&cells->mutex[0])) {
        seen.tries_failed++;
        return;
    }
    enter();
    bump64(&cells->cell[0]);
    leave();
    treadle_mutex_unlock(&cells->mutex[0]);
}

static void trylock_fails_instead_of_waiting(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "trylock", .setup = setup_seen,
                                           PROGRAMS({ "a", try_twice, NULL },
                                                    { "b", try_twice, NULL }) };
    run_open(&target);
    struct every every = every_schedule();
    uint64_t with_failure = 0, without = 0;
    while (next_schedule(&every)) {
        expect_no_verdict();
        assert_int_equal(seen.inside_most, 1);
        assert_int_equal(seen.tries_done, 2);
        assert_true(seen.tries_failed <= 1);
        uint32_t failed = 0;
        for (uint32_t id = 1; id <= 2; id++) {
            const struct event *event = event_of(id, EVENT_TRYLOCK, 0);
            failed += !event->success;
            assert_int_equal(event->value_written, event->success ? id + 1 : event->value_read);
            assert_int_equal(event->value_read, event->success ? 0 : 4 - id);
            assert_int_equal(event_effect(event),
                             event->success ? EVENT_READS | EVENT_WRITES : EVENT_READS);
        }
        assert_int_equal(failed, seen.tries_failed);
        with_failure += failed > 0;
        without += failed == 0;
    }
    assert_true(with_failure > 0);
    assert_true(without > 0);
}

/* ---- read-write mutex ------------------------------------------------------------------------ */

static void read_locked(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    treadle_rwmutex_rlock(&cells->rwmutex);
    enter();
    seen.broken += seen.writers != 0;
    (void)peek64(&cells->cell[0]);
    seen.broken += seen.writers != 0;
    leave();
    treadle_rwmutex_runlock(&cells->rwmutex);
}

static void write_locked(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    treadle_rwmutex_lock(&cells->rwmutex);
    seen.writers++;
    seen.broken += seen.writers != 1 || seen.inside != 0;
    bump64(&cells->cell[0]);
    seen.broken += seen.writers != 1 || seen.inside != 0;
    seen.writers--;
    treadle_rwmutex_unlock(&cells->rwmutex);
}

/* Between a writer's RWLOCK and its RWUNLOCK nobody comes in; at its RWDRAIN nobody is in. */
static void expect_writer_keeps_out(void)
{
    int32_t readers = 0;
    bool writer = false;
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        if (event->kind == EVENT_RLOCK) {
            assert_false(writer);
            readers++;
        } else if (event->kind == EVENT_RUNLOCK) {
            readers--;
        } else if (event->kind == EVENT_RWLOCK) {
            assert_false(writer);
            writer = true;
        } else if (event->kind == EVENT_RWDRAIN) {
            assert_int_equal(readers, 0);
        } else if (event->kind == EVENT_RWUNLOCK) {
            writer = false;
        }
    }
    assert_int_equal(readers, 0);
}

/* Whether the event behind the last RWLOCK before position, of that writer, comes after it. */
static bool writer_waits_at(uint32_t position)
{
    while (position-- > 0) {
        if (execution.trace[position].kind == EVENT_RWDRAIN)
            return false;
        if (execution.trace[position].kind == EVENT_RWLOCK)
            return true;
    }
    return false;
}

static void readers_share_and_writers_do_not(void **state)
{
    (void)state;
    const struct treadle_target targets[] = {
        { .name = "r+r+w", .setup = setup_seen,
          PROGRAMS({ "r", read_locked, NULL }, { "r", read_locked, NULL },
                   { "w", write_locked, NULL }) },
        { .name = "w+w", .setup = setup_seen,
          PROGRAMS({ "w", write_locked, NULL }, { "w", write_locked, NULL }) },
    };
    for (size_t i = 0; i < COUNT(targets); i++) {
        run_open(&targets[i]);
        struct every every = every_schedule();
        uint32_t together = 0, waited = 0;
        while (next_schedule(&every)) {
            expect_no_verdict();
            assert_int_equal(seen.broken, 0);
            expect_writer_keeps_out();
            together += seen.inside_most == 2;
            for (uint32_t k = 1; k < execution.trace_run_count; k++)
                waited += execution.trace[k].kind == EVENT_RUNLOCK && writer_waits_at(k);
        }
        assert_int_equal(together > 0, i == 0);
        assert_int_equal(waited > 0, i == 0);
        assert_true(every.executions > 1);
    }
}

/* 1 reads, 2 announces that it will write: 3 must wait, though only readers are in. */
static void a_waiting_writer_comes_first(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "writer first", .setup = setup_seen,
                                           PROGRAMS({ "r", read_locked, NULL },
                                                    { "w", write_locked, NULL },
                                                    { "r", read_locked, NULL }) };
    run_open(&target);
    listed_run("11"
               "223" /* 3 is now about to lock: it cannot, nor can 2 go on */
               "11"  /* read, unlock: 2 can */
               "2222"
               "333");
    expect_no_verdict();
    const struct event *drain = event_of(2, EVENT_RWDRAIN, 0);
    const struct event *rlock = event_of(3, EVENT_RLOCK, 0);
    assert_true(drain < rlock);
    assert_true(event_of(2, EVENT_RWUNLOCK, 0) < rlock);
    assert_true(event_of(1, EVENT_RUNLOCK, 0) < drain);
    assert_true(event_of(2, EVENT_RWLOCK, 0) < event_of(1, EVENT_RUNLOCK, 0));
}

/* ---- wait group ------------------------------------------------------------------------------ */

static void work_and_done(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    poke64(&cells->cell[treadle_self()], 1);
    seen.done++;
    treadle_waitgroup_done(&cells->group);
}

static void wait_for_group(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    treadle_waitgroup_wait(&cells->group);
    seen.broken += seen.done != 2;
    seen.broken += peek64(&cells->cell[1]) + peek64(&cells->cell[2]) != 2;
}

static void *setup_group_of_2(const void *argument)
{
    struct cells *cells = setup_seen(argument);
    treadle_waitgroup_add(&cells->group, 2);
    return cells;
}

static void waitgroup_waits_for_all(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "group", .setup = setup_group_of_2,
                                           PROGRAMS({ "a", work_and_done, NULL },
                                                    { "b", work_and_done, NULL },
                                                    { "w", wait_for_group, NULL }) };
    run_open(&target);
    struct every every = every_schedule();
    while (next_schedule(&every)) {
        expect_no_verdict();
        assert_int_equal(seen.broken, 0);
        assert_int_equal(((struct cells *)execution.state)->group.count, 0);
        assert_int_equal(events_of_kind(EVENT_WAITGROUP_WAIT), 1);
        assert_int_equal(events_of_kind(EVENT_WAITGROUP_ADD), 2);
    }
    /* 3 and 3 steps of a and b (start, write, done): 20; w's start anywhere among the 7 places
     * before, between and behind them; its wait and two reads behind both dones */
    assert_int_equal(every.executions, 20 * 7);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static void unlock_free(void *state, const void *argument)
{
    (void)argument;
    treadle_mutex_unlock(&((struct cells *)state)->mutex[0]);
}

static void rwunlock_free(void *state, const void *argument)
{
    (void)argument;
    treadle_rwmutex_unlock(&((struct cells *)state)->rwmutex);
}

static void runlock_free(void *state, const void *argument)
{
    (void)argument;
    treadle_rwmutex_runlock(&((struct cells *)state)->rwmutex);
}

static void done_too_often(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    treadle_waitgroup_add(&cells->group, 1);
    treadle_waitgroup_done(&cells->group);
    treadle_waitgroup_done(&cells->group);
}

static void add_too_much(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    treadle_waitgroup_add(&cells->group, INT32_MAX);
    treadle_waitgroup_add(&cells->group, 1);
}

static void misuse_is_a_verdict(void **state)
{
    (void)state;
    static const struct {
        void (*run)(void *state, const void *argument);
        const char *rule;
        enum event_kind kind; /* of the event that it names */
    } cases[] = {
        { unlock_free, "unlock of a mutex that the goroutine does not hold", EVENT_UNLOCK },
        { rwunlock_free, "unlock of a read-write mutex that", EVENT_RWUNLOCK },
        { runlock_free, "that the goroutine does not read", EVENT_RUNLOCK },
        { done_too_often, "below zero", EVENT_WAITGROUP_ADD },
        { add_too_much, "beyond its range", EVENT_WAITGROUP_ADD },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct treadle_target target = { .name = "misuse", .setup = setup_seen,
                                               PROGRAMS({ "m", cases[i].run, NULL }) };
        run_open(&target);
        listed_run("");
        const struct verdict_record *record = expect_verdict(TREADLE_LOCK_MISUSE, cases[i].rule);
        assert_true(execution.ended_early);
        assert_int_equal(record->event_count, 1);
        assert_int_equal(execution.trace[record->events[0]].kind, cases[i].kind);
    }
}

static void lock_only(void *state, const void *argument)
{
    (void)argument;
    treadle_mutex_lock(&((struct cells *)state)->mutex[0]);
}

static void unlock_of_another_s_mutex(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "other's", .setup = setup_seen,
                                           PROGRAMS({ "l", lock_only, NULL },
                                                    { "u", unlock_free, NULL }) };
    run_open(&target);
    listed_run("1122");
    (void)expect_verdict(TREADLE_LOCK_MISUSE, "unlock of a mutex");
}

/* ---- where locks lie ------------------------------------------------------------------------- */

/* Locks in unknown memory: checked like an access. */
static void lock_null(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    treadle_mutex_lock(NULL);
}

static void lock_freed(void *state, const void *argument)
{
    (void)argument;
    struct treadle_mutex *mutex = &((struct cells *)state)->mutex[0];
    treadle_free(state);
    treadle_mutex_lock(mutex);
}

/* The lock is what broke the rule, so it is in the trace and named. */
static void expect_lock_named(enum treadle_verdict verdict, const char *rule)
{
    const struct verdict_record *record = expect_verdict(verdict, rule);
    assert_int_equal(record->event_count, 1);
    assert_int_equal(execution.trace[record->events[0]].kind, EVENT_LOCK);
}

static void locks_must_lie_in_live_memory(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "freed", .setup = setup_seen,
                                           PROGRAMS({ "l", lock_freed, NULL }) };
    run_open(&target);
    listed_run("");
    expect_lock_named(TREADLE_USE_AFTER_FREE, "freed memory");
}

static void locks_must_not_be_null(void **state)
{
    (void)state;
    struct treadle_target target = { .name = "null", .setup = setup_seen,
                                     PROGRAMS({ "l", lock_null, NULL }) };
    run_open(&target);
    listed_run("");
    expect_lock_named(TREADLE_WILD_ACCESS, "outside any live memory");
    target.go_semantics = true;
    run_open(&target);
    listed_run("");
    expect_lock_named(TREADLE_PANIC, "nil dereference");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutex_excludes),
        cmocka_unit_test(mutex_records_its_owner),
        cmocka_unit_test(trylock_fails_instead_of_waiting),
        cmocka_unit_test(readers_share_and_writers_do_not),
        cmocka_unit_test(a_waiting_writer_comes_first),
        cmocka_unit_test(waitgroup_waits_for_all),
        cmocka_unit_test(misuse_is_a_verdict),
        cmocka_unit_test(unlock_of_another_s_mutex),
        cmocka_unit_test(locks_must_lie_in_live_memory),
        cmocka_unit_test(locks_must_not_be_null),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
