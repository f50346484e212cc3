/* execution.c: the record of the current execution, and the history that goroutines write. */
#include "execution.h"

#include <string.h>
#include <sys/mman.h>

#include "announce.h"
#include "check.h"
#include "memory.h"
#include "rng.h"
#include "scheduler.h"

#define EXECUTION_LOGS_MAX 4096u
#define EXECUTION_WRITTEN_MAX (UINT64_C(1) << 30)

struct execution execution;

void execution_open(void)
{
    if (execution.operations == NULL) {
        int protection = PROT_READ | PROT_WRITE;
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        execution.operations = mmap(NULL, SCHEDULER_OPERATIONS_MAX * sizeof(struct operation),
                                    protection, flags, -1, 0);
        execution.logs =
            mmap(NULL, EXECUTION_LOGS_MAX * sizeof(struct log_line), protection, flags, -1, 0);
        execution.written =
            mmap(NULL, EXECUTION_WRITTEN_MAX, protection, flags, -1, 0);
        if (execution.operations == MAP_FAILED || execution.logs == MAP_FAILED
            || execution.written == MAP_FAILED)
            check_limit("no memory for a history");
    }
    scheduler.tick = 0;
    execution.operation_count = 0;
    execution.operation_setup_count = 0;
    execution.record_count = 0;
    execution.trace_count = 0;
    execution_reset();
}

void execution_reset(void)
{
    execution.number++;
    execution.trace_count = 0;
    execution.trace_run_count = 0;
    execution.choice_count = 0;
    execution.switches = 0;
    execution.state_count = 0;
    execution.written_count = 0;
    execution.operation_count = execution.operation_setup_count;
    execution.verdict_count = 0;
    execution.log_count = 0;
    execution.breach_count = 0;
    execution.ended_early = false;
    execution.cut = false;
}

void execution_keep_written(struct event *event)
{
    bool number = event->size <= 8 && (event->size & (event->size - 1)) == 0;
    bool writes = event->kind == EVENT_WRITE || event->kind == EVENT_DRAIN;
    if (!scheduler.exploring || !writes || number)
        return;
    if (event->size > EXECUTION_WRITTEN_MAX - execution.written_count)
        check_limit("an execution that is explored writes more than %llu MiB in large pieces",
                    (unsigned long long)(EXECUTION_WRITTEN_MAX >> 20));
    event->source = execution.written_count;
    memory_copy(execution.written + execution.written_count, event->address, event->size);
    execution.written_count += event->size;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

struct verdict_record *execution_add_verdict(enum treadle_verdict verdict, const char *rule)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (execution.verdicts[i].verdict == verdict && execution.verdicts[i].rule == rule)
            return NULL;
    if (execution.verdict_count < EXECUTION_VERDICTS_MAX)
        execution.verdict_count++;
    struct verdict_record *record = &execution.verdicts[execution.verdict_count - 1];
    record->verdict = verdict;
    record->rule = rule;
    record->event_count = 0;
    record->detail[0] = '\0';
    return record;
}

/* The last event that wrote the byte at address; EVENT_INDEX_NONE if the set-up did. */
static uint32_t last_writer(uint64_t address)
{
    for (uint32_t position = execution.trace_run_count; position-- > 0;) {
        const struct event *event = &execution.trace[position];
        if (address - event->address < event->size && (event_effect(event) & EVENT_WRITES))
            return position;
    }
    return EVENT_INDEX_NONE;
}

void execution_add_breach(const struct treadle_invariant *invariant, const char *detail)
{
    struct verdict_record *record = execution_add_verdict(invariant->verdict, invariant->rule);
    if (record == NULL)
        return;
    memcpy(record->detail, detail, sizeof record->detail);
    for (uint32_t i = 0; i < execution.breach_count; i++) {
        uint32_t writer = last_writer(execution.breaches[i]);
        if (writer != EVENT_INDEX_NONE)
            record->events[record->event_count++] = writer;
    }
}

void treadle_breach(const volatile void *address)
{
    if (execution.breach_count < VERDICT_EVENTS_MAX)
        execution.breaches[execution.breach_count++] = (uint64_t)address;
}

/* ---- the history ----------------------------------------------------------------------------- */

/* An operation begins or ends: an event only where exploring, and inside goroutines. */
ALWAYS_INLINE void history_event(enum event_kind kind, uint64_t pc)
{
    if (scheduler.exploring && execution.phase == PHASE_RUN)
        announce(kind, EVENT_PLAIN, 0, 0, pc);
}

ALWAYS_INLINE void history_call(enum treadle_operation_kind kind, uint64_t key, uint64_t value,
                                uint64_t pc)
{
    struct goroutine *self = scheduler.running;
    if (self == NULL || execution.target == NULL)
        return;
    if (execution.operation_count == SCHEDULER_OPERATIONS_MAX)
        scheduler_end(TREADLE_TIMEOUT, "more operations than an execution may have",
                      EVENT_INDEX_NONE);
    history_event(EVENT_CALL, pc);
    if (self->operation != 0)
        check_limit("treadle_call was called twice without a treadle_return between");
    struct operation *operation = &execution.operations[execution.operation_count++];
    *operation = (struct operation){
        .key = key,
        .value = value,
        .called = ++scheduler.tick,
        .call_event = execution.trace_count,
        .goroutine = (uint16_t)self->id,
        .kind = (uint8_t)kind,
    };
    self->operation = execution.operation_count;
}

ALWAYS_INLINE void history_return(bool found, uint64_t key, uint64_t value, uint64_t pc)
{
    struct goroutine *self = scheduler.running;
    if (self == NULL || execution.target == NULL)
        return;
    if (self->operation == 0)
        check_limit("treadle_return was called without a treadle_call before it");
    history_event(EVENT_RETURN, pc);
    struct operation *operation = &execution.operations[self->operation - 1];
    operation->found = found;
    operation->result_key = key;
    operation->result_value = value;
    operation->returned = ++scheduler.tick;
    operation->return_event = execution.trace_count;
    self->operation = 0;
}

void treadle_call(enum treadle_operation_kind kind, uint64_t key, uint64_t value)
{
    history_call(kind, key, value, HOOK_PC);
}

void treadle_return(bool found, uint64_t key, uint64_t value)
{
    history_return(found, key, value, HOOK_PC);
}

void treadle_note(enum treadle_operation_kind kind, uint64_t key, uint64_t value)
{
    history_call(kind, key, value, HOOK_PC);
    history_return(true, key, value, HOOK_PC);
}

void treadle_record(const volatile void *words, size_t word_bytes, size_t count, const char *name)
{
    if (execution.phase != PHASE_SETUP)
        check_limit("treadle_record was called outside a target's set-up");
    bool power = word_bytes == 1 || word_bytes == 2 || word_bytes == 4 || word_bytes == 8;
    if (!power || count == 0 || count > RECORD_WORDS_MAX)
        check_limit("treadle_record: %s has %zu words of %zu bytes; possible are 1 to %u words of "
                    "1, 2, 4 or 8 bytes", name, count, word_bytes, RECORD_WORDS_MAX);
    if (execution.record_count == EXECUTION_RECORDS_MAX)
        check_limit("a target may declare at most %u records", EXECUTION_RECORDS_MAX);
    execution.records[execution.record_count++] =
        (struct record){ .address = (uint64_t)words,
                         .word_bytes = (uint32_t)word_bytes,
                         .count = (uint32_t)count,
                         .name = name };
}

bool treadle_states_wanted(void)
{
    return execution.phase == PHASE_RUN && execution.wants_states;
}

void treadle_state(uint32_t state)
{
    uint16_t hashed = (uint16_t)(rng_mix(state + UINT64_C(1)) >> 48);
    uint32_t count = execution.state_count;
    bool again = count > 0 && execution.states[count - 1] == hashed;
    if (treadle_states_wanted() && !again && count < EXECUTION_STATES_MAX)
        execution.states[execution.state_count++] = hashed;
}

void treadle_log(const char *text)
{
    if (execution.phase == PHASE_RUN && execution.log_count < EXECUTION_LOGS_MAX)
        execution.logs[execution.log_count++] =
            (struct log_line){ .event = execution.trace_count,
                               .goroutine = scheduler.running->id,
                               .text = text };
}
