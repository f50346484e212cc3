/* trace_test.c: the event hash is the same for the same execution, in any process, and another one
 * for another; reads-from of a program made by hand. */
#include <stdio.h>

#include "test_run.h"
#include "trace.h"

/* ---- a program with a bit of everything ------------------------------------------------------ */

static void child(void *argument)
{
    struct cells *cells = argument;
    uint64_t *own = treadle_alloc(40, "own");
    *own = (uint64_t)own; /* values that are addresses */
    copy24(&cells->words[1], (struct words3 *)own);
    treadle_free(own);
    bump64(&subject_global);
}

static void mixed(void *state, const void *argument)
{
    struct cells *cells = state;
    uint64_t local = (uint64_t)argument;
    poke64(&local, treadle_choose(10, "ten"));
    poke64(&cells->cell[2], (uint64_t)&local); /* a stack's address */
    uint32_t id = treadle_go(child, state);
    treadle_mutex_lock(&cells->mutex[0]);
    bump64(&cells->cell[0]);
    treadle_mutex_unlock(&cells->mutex[0]);
    if (treadle_mutex_trylock(&cells->mutex[1]))
        treadle_mutex_unlock(&cells->mutex[1]);
    (void)atomic_cas_sync64((_Atomic uint64_t *)&cells->cell[1], 0, local);
    (void)subject_memcpy(&cells->words[2], &cells->words[1], 24);
    treadle_join(id);
}

static const struct treadle_target everything = {
    .name = "everything", .setup = setup_cells, .reuse = TREADLE_REUSE_LIFO,
    PROGRAMS({ "a", mixed, (const void *)1 }, { "b", mixed, (const void *)2 }),
};

#define SEEDS 20u

/* One number for the hashes of many executions. */
static uint64_t hash_of_hashes(void)
{
    run_open(&everything);
    struct strategy strategies[] = { strategy_random(), strategy_pos(), strategy_sticky(4) };
    uint64_t sum = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        scheduler_run(&strategies[seed % 3], seed);
        sum = sum * 31 + trace_hash();
    }
    scheduler_close();
    return sum;
}

static void same_choices_same_hash(void **state)
{
    (void)state;
    assert_true(hash_of_hashes() == hash_of_hashes());
}

static const char *own_path;

/* What this program prints when it is called with that argument, in a fresh process with an
 * environment and stack of another size. */
static uint64_t hash_of_another_process(const char *filling)
{
    int end;
    fflush(NULL);
    pid_t process = child_start(STDOUT_FILENO, &end);
    if (process == 0) {
        setenv("TREADLE_TEST_FILLING", filling, 1);
        execl(own_path, own_path, "hash", filling, (char *)NULL);
        _exit(127);
    }
    char text[64];
    assert_int_equal(child_text(process, end, text, sizeof text), 0);
    return strtoull(text, NULL, 16);
}

static void another_process_same_hash(void **state)
{
    (void)state;
    uint64_t here = hash_of_hashes();
    char filling[5000];
    memset(filling, 'x', sizeof filling);
    filling[sizeof filling - 1] = '\0';
    assert_true(hash_of_another_process("") == here);
    assert_true(hash_of_another_process(filling) == here);
}

/* ---- other builds ---------------------------------------------------------------------------- */

static void read_wildly(void *state, const void *argument)
{
    (void)state;
    (void)peek64(argument);
}

/* Findings of wild accesses must replay when anything but the subject was linked anew: where this
 * program's own data lies is no part of their hash. So it is one number here and under ASan. */
static void wild_accesses_hash_the_same_in_every_build(void **state)
{
    (void)state;
    static const uint64_t addresses[] = { 8, UINT64_C(0x200400000000) };
    static const uint64_t expected[] = { UINT64_C(0x39ab665ab0e02a35),
                                         UINT64_C(0x80803b96a92614b3) };
    for (size_t i = 0; i < COUNT(addresses); i++) {
        const struct treadle_target target = {
            .name = "wild", .setup = setup_cells,
            PROGRAMS({ "w", read_wildly, (const void *)addresses[i] }),
        };
        run_open(&target);
        listed_run("");
        (void)expect_verdict(TREADLE_WILD_ACCESS, "outside any live memory");
        if (trace_hash() != expected[i])
            print_error("0x%llx: hash 0x%llx\n", (unsigned long long)addresses[i],
                        (unsigned long long)trace_hash());
        assert_true(trace_hash() == expected[i]);
    }
}

/* ---- what lies on stacks --------------------------------------------------------------------- */

static uint64_t litter;

static __attribute__((noinline)) void write_local(void)
{
    uint64_t locals[40]; /* so many that the hooks' own frames do not reach the first */
    poke64(&locals[0], 7);
}

/* Writes all over where that local was: code without hooks may leave anything there. */
static __attribute__((noinline)) void leave_litter(void)
{
    volatile uint64_t words[64];
    for (int i = 0; i < 64; i++)
        words[i] = litter;
    __asm__ volatile("" : : "r"(words) : "memory");
}

static void write_and_leave(void *state, const void *argument)
{
    (void)argument;
    write_local();
    leave_litter();
    (void)peek64(state);
}

/* A write's value is read when its goroutine comes back into the engine. Its frame may be gone by
 * then, and what lies there be another process's, so that the hash must not know it. */
static void dead_frames_do_not_count(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "litter", .setup = setup_cells,
                                           PROGRAMS({ "w", write_and_leave, NULL }) };
    run_open(&target);
    litter = 1;
    listed_run("");
    uint64_t hash = trace_hash();
    litter = 2;
    listed_run("");
    assert_int_equal(events_of_kind(EVENT_WRITE), 1);
    assert_true(trace_hash() == hash);
}

/* ---- what the hash tells apart --------------------------------------------------------------- */

static void bump_own_and_shared(void *state, const void *argument)
{
    struct cells *cells = state;
    bump64(&cells->cell[(uint64_t)argument]);
    bump64(&cells->cell[0]);
}

static void every_schedule_has_its_own_hash(void **state)
{
    (void)state;
    const struct treadle_target target = {
        .name = "own", .setup = setup_cells,
        PROGRAMS({ "a", bump_own_and_shared, (const void *)1 },
                 { "b", bump_own_and_shared, (const void *)2 }),
    };
    static uint64_t hashes[300];
    run_open(&target);
    struct every every = every_schedule();
    while (every_run(&every)) {
        uint64_t hash = trace_hash();
        for (uint64_t i = 0; i + 1 < every.executions; i++)
            assert_true(hashes[i] != hash);
        hashes[every.executions - 1] = hash;
    }
    assert_int_equal(every.executions, 252);
}

static void a_verdict_is_part_of_the_hash(void **state)
{
    (void)state;
    run_open(&everything);
    listed_run("");
    uint64_t without = trace_hash();
    (void)execution_add_verdict(TREADLE_LEAK, "a rule");
    uint64_t with = trace_hash();
    assert_true(with != without);
    execution.verdict_count = 0;
    assert_true(trace_hash() == without);
}

/* Each promised member of an event changes it; code address, order and index do not. */
static void each_member_counts(void **state)
{
    (void)state;
    run_open(&everything);
    listed_run("");
    uint64_t hash = trace_hash();
    struct event *event = (struct event *)event_of(1, EVENT_WRITE, 1);
    struct event before = *event;
    event->value_written ^= 1;
    assert_true(trace_hash() != hash);
    *event = before;
    event->value_read ^= 1;
    assert_true(trace_hash() != hash);
    *event = before;
    event->address += 8;
    assert_true(trace_hash() != hash);
    *event = before;
    event->size = 4;
    assert_true(trace_hash() != hash);
    *event = before;
    event->kind = EVENT_ATOMIC_STORE;
    assert_true(trace_hash() != hash);
    *event = before;
    event->goroutine = 2;
    assert_true(trace_hash() != hash);
    *event = before;
    event->success = 0;
    assert_true(trace_hash() != hash);
    *event = before;
    event->pc += 16;
    event->order = EVENT_RELAXED;
    event->reads_from = 0;
    assert_true(trace_hash() == hash);
    *event = before;
    struct event *copy = (struct event *)event_of(1, EVENT_COPY, 0);
    copy->source += 8;
    assert_true(trace_hash() != hash);
    copy->source -= 8;
    struct event *choose = (struct event *)event_of(1, EVENT_CHOOSE, 0);
    choose->source = 0; /* a label's address */
    assert_true(trace_hash() == hash);
    execution.trace_count--;
    assert_true(trace_hash() != hash);
    execution.trace_count++;
    assert_true(trace_hash() == hash);
}

/* ---- reads-from ------------------------------------------------------------------------------ */

static void begin_by_hand(void)
{
    run_open(&everything);
    listed_run("");
    execution.trace_count = 0;
}

static uint32_t add(enum event_kind kind, uint32_t goroutine, uint64_t address, uint32_t size)
{
    uint32_t position = execution.trace_count++;
    struct event *event = &execution.trace[position];
    *event = (struct event){ .address = address, .success = 1, .reads_from = 77 };
    event->what = event_what(kind, EVENT_PLAIN, size, goroutine);
    return position;
}

static void expect_reads_from(uint32_t position, uint32_t write)
{
    assert_int_equal(execution.trace[position].reads_from, write);
}

static void reads_come_from_the_last_write_of_their_bytes(void **state)
{
    (void)state;
    begin_by_hand();
    uint32_t first = add(EVENT_READ, 1, 0x1000, 8);
    uint32_t write = add(EVENT_WRITE, 1, 0x1000, 8);
    uint32_t own = add(EVENT_READ, 1, 0x1000, 8);
    uint32_t other = add(EVENT_READ, 2, 0x1004, 4);
    uint32_t beside = add(EVENT_READ, 2, 0x1008, 4);
    uint32_t below = add(EVENT_READ, 2, 0x0ff8, 8);
    uint32_t reaching_in = add(EVENT_READ, 2, 0x0ff9, 8);
    uint32_t byte = add(EVENT_WRITE, 2, 0x1003, 1);
    uint32_t mixed_bytes = add(EVENT_READ, 1, 0x1000, 8);
    uint32_t without = add(EVENT_READ, 1, 0x1004, 2);
    trace_link_reads();
    expect_reads_from(first, EVENT_INDEX_NONE);
    expect_reads_from(write, EVENT_INDEX_NONE);
    expect_reads_from(own, write);
    expect_reads_from(other, write);
    expect_reads_from(beside, EVENT_INDEX_NONE);
    expect_reads_from(below, EVENT_INDEX_NONE);
    expect_reads_from(reaching_in, write);
    expect_reads_from(mixed_bytes, byte);
    expect_reads_from(without, write);
}

static void other_kinds_read_and_write_too(void **state)
{
    (void)state;
    begin_by_hand();
    uint32_t add_first = add(EVENT_ATOMIC_RMW, 1, 0x1000, 8);
    uint32_t add_second = add(EVENT_ATOMIC_RMW, 2, 0x1000, 8);
    uint32_t failed = add(EVENT_ATOMIC_CAS, 1, 0x1000, 8);
    execution.trace[failed].success = 0;
    uint32_t succeeded = add(EVENT_ATOMIC_CAS, 2, 0x1000, 8);
    uint32_t load = add(EVENT_ATOMIC_LOAD, 1, 0x1000, 8);
    uint32_t store = add(EVENT_ATOMIC_STORE, 1, 0x1000, 8);
    uint32_t copy = add(EVENT_COPY, 2, 0x2000, 24);
    execution.trace[copy].source = 0x0ff0;
    uint32_t of_copy = add(EVENT_READ, 1, 0x2010, 8);
    uint32_t of_source = add(EVENT_READ, 1, 0x1000, 8);
    uint32_t lock = add(EVENT_LOCK, 1, 0x3000, 4);
    uint32_t unlock = add(EVENT_UNLOCK, 1, 0x3000, 4);
    uint32_t lock_again = add(EVENT_LOCK, 2, 0x3000, 4);
    uint32_t start = add(EVENT_START, 3, 0, 0);
    trace_link_reads();
    expect_reads_from(add_first, EVENT_INDEX_NONE);
    expect_reads_from(add_second, add_first);
    expect_reads_from(failed, add_second);
    expect_reads_from(succeeded, add_second);
    expect_reads_from(load, succeeded);
    expect_reads_from(store, EVENT_INDEX_NONE);
    expect_reads_from(copy, store);
    expect_reads_from(of_copy, copy);
    expect_reads_from(of_source, store);
    expect_reads_from(lock, EVENT_INDEX_NONE);
    expect_reads_from(unlock, lock);
    expect_reads_from(lock_again, unlock);
    expect_reads_from(start, EVENT_INDEX_NONE);
}

/* The same of a real one: what a read has read is what the write that it links to has written. */
static void links_agree_with_values(void **state)
{
    (void)state;
    const struct treadle_target target = {
        .name = "own", .setup = setup_cells,
        PROGRAMS({ "a", bump_own_and_shared, (const void *)1 },
                 { "b", bump_own_and_shared, (const void *)2 }),
    };
    run_open(&target);
    struct every every = every_schedule();
    uint32_t from_other = 0;
    while (every_run(&every)) {
        trace_link_reads();
        for (uint32_t i = 0; i < execution.trace_count; i++) {
            const struct event *event = &execution.trace[i];
            if (event->kind != EVENT_READ)
                continue;
            bool setup = event->reads_from == EVENT_INDEX_NONE;
            const struct event *write = setup ? NULL : &execution.trace[event->reads_from];
            assert_int_equal(event->value_read, setup ? 0 : write->value_written);
            from_other += !setup && write->goroutine != event->goroutine;
        }
    }
    assert_true(from_other > 0);
}

int main(int argument_count, char **arguments)
{
    own_path = arguments[0];
    if (argument_count > 1) {
        printf("%llx\n", (unsigned long long)hash_of_hashes());
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_choices_same_hash),
        cmocka_unit_test(another_process_same_hash),
        cmocka_unit_test(wild_accesses_hash_the_same_in_every_build),
        cmocka_unit_test(dead_frames_do_not_count),
        cmocka_unit_test(every_schedule_has_its_own_hash),
        cmocka_unit_test(a_verdict_is_part_of_the_hash),
        cmocka_unit_test(each_member_counts),
        cmocka_unit_test(reads_come_from_the_last_write_of_their_bytes),
        cmocka_unit_test(other_kinds_read_and_write_too),
        cmocka_unit_test(links_agree_with_values),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
