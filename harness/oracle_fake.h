/* oracle_fake.h: an execution made by hand, for the oracles' tests: the engine's globals without
 * the engine. A test begins with fake_reset, adds events, blocks and operations in the order in
 * which they happen, and asks an oracle. The rules of the real engine hold: a rule is compared by
 * its address, ticks count calls and returns, heap_find knows a block's newest life.
 *
 * This file defines what the engine defines: one test program is one file that includes it. */
#ifndef TREADLE_ORACLE_FAKE_H
#define TREADLE_ORACLE_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../scheduler/check.h"
#include "../scheduler/program.h"
#include "oracle.h"

#define FAKE_EVENTS_MAX 32768u
#define FAKE_OPERATIONS_MAX 32768u
#define FAKE_BLOCKS_MAX 8192u

struct execution execution;
static struct treadle_target fake_target; /* tests may change it */

static struct {
    struct event trace[FAKE_EVENTS_MAX];
    struct operation operations[FAKE_OPERATIONS_MAX];
    struct heap_block blocks[FAKE_BLOCKS_MAX];
    uint32_t block_count, setup_blocks, reused;
    uint32_t tick;
    bool run_over;
} fake;

/* ---- the engine's calls ---------------------------------------------------------------------- */

struct verdict_record *execution_add_verdict(enum treadle_verdict verdict, const char *rule)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (execution.verdicts[i].verdict == verdict && execution.verdicts[i].rule == rule)
            return NULL;
    assert_true(execution.verdict_count < EXECUTION_VERDICTS_MAX);
    struct verdict_record *record = &execution.verdicts[execution.verdict_count++];
    *record = (struct verdict_record){ .verdict = verdict, .rule = rule };
    return record;
}

void check_failed(const char *file, int line, const char *text, uint64_t left, uint64_t right)
{
    fprintf(stderr, "%s:%d: %s: %llu against %llu\n", file, line, text, (unsigned long long)left,
            (unsigned long long)right);
    abort();
}

uint32_t heap_reused_count(void)
{
    return fake.reused;
}

const struct heap_block *heap_find(uint64_t address)
{
    for (uint32_t number = fake.block_count - 1; number > 0; number--)
        if (address - fake.blocks[number].start < fake.blocks[number].bytes)
            return &fake.blocks[number];
    return NULL;
}

const struct heap_block *heap_block_at(uint32_t number)
{
    assert_true(number < fake.block_count);
    return &fake.blocks[number];
}

uint32_t heap_block_count(void)
{
    return fake.block_count;
}

bool heap_block_is_setup(uint32_t number)
{
    return number < fake.setup_blocks;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* A whole program's data: one word. */
static void *fake_program_data;

void program_roots(void (*visit)(void *context, uint64_t begin, uint64_t end), void *context)
{
    visit(context, (uint64_t)&fake_program_data, (uint64_t)(&fake_program_data + 1));
}

static inline void final_stub(void *state)
{
    (void)state;
}

/* Nothing has happened; the target has a final check and is not garbage-collected. */
static inline void fake_reset(void)
{
    execution = (struct execution){ .explain = true,
                                    .target = &fake_target,
                                    .trace = fake.trace,
                                    .operations = fake.operations };
    fake_target = (struct treadle_target){ .name = "fake/target", .final = final_stub };
    fake.block_count = fake.setup_blocks = 1;
    fake.reused = 0;
    fake.tick = 0;
    fake.run_over = false;
}

static inline uint32_t fake_add(struct event event)
{
    assert_true(execution.trace_count < FAKE_EVENTS_MAX);
    uint32_t position = execution.trace_count++;
    event.success = event.kind == EVENT_ATOMIC_CAS ? event.success : 1;
    event.reads_from = EVENT_INDEX_NONE;
    fake.trace[position] = event;
    if (!fake.run_over)
        execution.trace_run_count = execution.trace_count;
    if (event.goroutine >= execution.goroutine_count)
        execution.goroutine_count = event.goroutine + 1u;
    return position;
}

/* An event of another kind: synchronisation, START, EXIT. Like all that follow, returns its
 * trace position. */
static inline uint32_t fake_event(uint16_t goroutine, enum event_kind kind, uint64_t address)
{
    return fake_add((struct event){
        .address = address, .size = 4, .goroutine = goroutine, .kind = (uint8_t)kind });
}

static inline uint32_t fake_access_event(uint16_t goroutine, enum event_kind kind, uint64_t address,
                                          uint64_t read, uint64_t written)
{
    return fake_add((struct event){ .address = address,
                                    .size = 8,
                                    .goroutine = goroutine,
                                    .kind = (uint8_t)kind,
                                    .value_read = read,
                                    .value_written = written });
}

/* Plain accesses of 8 bytes; an atomic load and store. */
static inline uint32_t fake_read(uint16_t goroutine, uint64_t address, uint64_t value)
{
    return fake_access_event(goroutine, EVENT_READ, address, value, 0);
}

static inline uint32_t fake_write(uint16_t goroutine, uint64_t address, uint64_t value)
{
    return fake_access_event(goroutine, EVENT_WRITE, address, 0, value);
}

static inline uint32_t fake_load(uint16_t goroutine, uint64_t address, uint64_t value)
{
    return fake_access_event(goroutine, EVENT_ATOMIC_LOAD, address, value, 0);
}

static inline uint32_t fake_store(uint16_t goroutine, uint64_t address, uint64_t value)
{
    return fake_access_event(goroutine, EVENT_ATOMIC_STORE, address, 0, value);
}

static inline uint32_t fake_copy(uint16_t goroutine, uint64_t address, uint64_t source,
                                 uint32_t bytes)
{
    return fake_add((struct event){ .address = address,
                                    .source = source,
                                    .size = bytes,
                                    .goroutine = goroutine,
                                    .kind = EVENT_COPY,
                                    .value_read = UINT64_C(0xabcdef),
                                    .value_written = UINT64_C(0xabcdef) });
}

/* It found `found` at address; it swapped if that is what it expected. */
static inline uint32_t fake_cas(uint16_t goroutine, uint64_t address, uint64_t found,
                                uint64_t expected, uint64_t desired)
{
    return fake_add((struct event){ .address = address,
                                    .size = 8,
                                    .goroutine = goroutine,
                                    .kind = EVENT_ATOMIC_CAS,
                                    .value_read = found,
                                    .value_written = found == expected ? desired : found,
                                    .success = found == expected });
}

/* All goroutines have ended; what follows is the final check's. */
static inline void fake_final(void)
{
    fake.run_over = true;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static inline uint32_t fake_block(uint64_t start, uint64_t bytes, uint32_t owner, uint32_t event)
{
    assert_true(fake.block_count < FAKE_BLOCKS_MAX);
    const struct heap_block *former = heap_find(start);
    fake.blocks[fake.block_count] = (struct heap_block){
        .start = start,
        .bytes = bytes,
        .type = "node",
        .owner = owner,
        .generation = former != NULL ? former->generation + 1 : 0,
        .alloc_event = event,
        .free_event = HEAP_EVENT_NONE,
    };
    fake.reused += former != NULL;
    return fake.block_count++;
}

/* The set-up makes a block. Returns its number. */
static inline uint32_t fake_setup_block(uint64_t start, uint64_t bytes)
{
    uint32_t number = fake_block(start, bytes, 0, HEAP_EVENT_SETUP);
    fake.setup_blocks = fake.block_count;
    return number;
}

/* The goroutine allocates a block (an event): in a later life where another one has lain. Returns
 * its number. */
static inline uint32_t fake_alloc(uint16_t goroutine, uint64_t start, uint64_t bytes)
{
    uint32_t event = fake_event(goroutine, EVENT_ALLOC, start);
    fake.trace[event].size = (uint32_t)bytes;
    return fake_block(start, bytes, goroutine, event);
}

/* The goroutine frees the newest block that starts there (an event). Returns its number. */
static inline uint32_t fake_free(uint16_t goroutine, uint64_t start)
{
    uint32_t number = (uint32_t)(heap_find(start) - fake.blocks);
    fake.blocks[number].free_event = fake_event(goroutine, EVENT_FREE, start);
    fake.trace[fake.blocks[number].free_event].size = (uint32_t)fake.blocks[number].bytes;
    return number;
}

/* ---- operations ------------------------------------------------------------------------------ */

/* Begins an operation; returns its number. */
static inline uint32_t fake_call(uint16_t goroutine, enum treadle_operation_kind kind, uint64_t key,
                                  uint64_t value)
{
    assert_true(execution.operation_count < FAKE_OPERATIONS_MAX);
    uint32_t number = execution.operation_count++;
    fake.operations[number] = (struct operation){ .key = key,
                                                  .value = value,
                                                  .called = ++fake.tick,
                                                  .call_event = execution.trace_count,
                                                  .goroutine = goroutine,
                                                  .kind = (uint8_t)kind };
    return number;
}

static inline void fake_return(uint32_t number, bool found, uint64_t key, uint64_t value)
{
    struct operation *operation = &fake.operations[number];
    operation->returned = ++fake.tick;
    operation->return_event = execution.trace_count;
    operation->found = found;
    operation->result_key = key;
    operation->result_value = value;
}

/* Whole operations, one after the other. */
static inline void fake_assign(uint16_t goroutine, uint64_t key, uint64_t value)
{
    fake_return(fake_call(goroutine, TREADLE_ASSIGN, key, value), true, key, value);
}

static inline void fake_append(uint16_t goroutine, uint64_t key, uint64_t value)
{
    fake_return(fake_call(goroutine, TREADLE_APPEND, key, value), true, key, value);
}

static inline void fake_delete(uint16_t goroutine, uint64_t key)
{
    fake_return(fake_call(goroutine, TREADLE_DELETE, key, 0), true, key, 0);
}

static inline void fake_clear(uint16_t goroutine)
{
    fake_return(fake_call(goroutine, TREADLE_CLEAR, 0, 0), true, 0, 0);
}

static inline void fake_access(uint16_t goroutine, uint64_t key, uint64_t value)
{
    fake_return(fake_call(goroutine, TREADLE_ACCESS, key, 0), true, key, value);
}

/* An access that finds nothing. */
static inline void fake_miss(uint16_t goroutine, uint64_t key)
{
    fake_return(fake_call(goroutine, TREADLE_ACCESS, key, 0), false, key, 0);
}

static inline void fake_iterate(uint16_t goroutine, uint64_t iterator)
{
    fake_return(fake_call(goroutine, TREADLE_ITERATE, iterator, 0), true, iterator, 0);
}

static inline void fake_next(uint16_t goroutine, uint64_t iterator, uint64_t key, uint64_t value)
{
    fake_return(fake_call(goroutine, TREADLE_NEXT, iterator, 0), true, key, value);
}

/* A NEXT that finds nothing. */
static inline void fake_end(uint16_t goroutine, uint64_t iterator)
{
    fake_return(fake_call(goroutine, TREADLE_NEXT, iterator, 0), false, 0, 0);
}

static inline void fake_content(uint64_t key, uint64_t value)
{
    fake_return(fake_call(0, TREADLE_CONTENT, key, value), true, key, value);
}

/* What was done so far is the set-up's. */
static inline void fake_setup_done(void)
{
    execution.operation_setup_count = execution.operation_count;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

/* The execution's record of this verdict whose rule contains text (NULL: any); NULL if none. */
static inline const struct verdict_record *fake_verdict(enum treadle_verdict verdict,
                                                        const char *text)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (execution.verdicts[i].verdict == verdict
            && (text == NULL || strstr(execution.verdicts[i].rule, text) != NULL))
            return &execution.verdicts[i];
    return NULL;
}

/* Fails the test unless the verdict names just these events (EVENT_INDEX_NONE: no more). */
static inline void fake_assert_events(const struct verdict_record *verdict, uint32_t first,
                                      uint32_t second, uint32_t third)
{
    uint32_t expected[VERDICT_EVENTS_MAX] = { first, second, third };
    assert_non_null(verdict);
    for (uint32_t i = 0; i < VERDICT_EVENTS_MAX; i++)
        assert_int_equal(i < verdict->event_count ? verdict->events[i] : EVENT_INDEX_NONE,
                         expected[i]);
    assert_true(verdict->detail[0] != '\0');
}

/* Nanoseconds that one call takes, the best of several rounds. */
static inline double fake_cost(void (*oracle)(void))
{
    double best = 1e9;
    for (int round = 0; round < 20; round++) {
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (int i = 0; i < 2000; i++)
            oracle();
        clock_gettime(CLOCK_MONOTONIC, &end);
        double nanoseconds = (double)(end.tv_sec - begin.tv_sec) * 1e9
                             + (double)(end.tv_nsec - begin.tv_nsec);
        best = nanoseconds / 2000 < best ? nanoseconds / 2000 : best;
    }
    return best;
}

#endif
