/* history_events.c: which events of the trace a verdict on the history names. An operation is many
 * events; what a reader wants to see is where it ended and what came in between: the latest write
 * of another goroutine to memory that the operation had touched or was about to touch. */
#include "history.h"

#define PAIRS_MAX (1u << 14) /* pairs of events compared for one verdict */

#define KIND(name) (UINT64_C(1) << EVENT_##name)
#define KINDS_MEMORY                                                                               \
    (KIND(READ) | KIND(WRITE) | KIND(COPY) | KIND(ATOMIC_LOAD) | KIND(ATOMIC_STORE)                \
     | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS) | KIND(DRAIN))

static bool event_is_memory(const struct event *event)
{
    return KINDS_MEMORY >> event->kind & 1;
}

static bool event_writes(const struct event *event)
{
    return event_is_memory(event) && (event_effect(event) & EVENT_WRITES) != 0;
}

/* Whether the event touches bytes that the write changes. */
static bool event_meets(const struct event *event, const struct event *write)
{
    if (!event_is_memory(event))
        return false;
    uint64_t end = write->address + write->size;
    return (event->address < end && event->address + event->size > write->address)
           || (event->kind == EVENT_COPY && event->source < end
               && event->source + event->size > write->address);
}

/* The trace's length when the operation ended or, if it never did, when all ended. */
static uint32_t operation_end_event(const struct operation *operation)
{
    return operation->returned != 0 ? operation->return_event : execution.trace_run_count;
}

/* A note is made at once, after the events that it is about. */
static uint32_t operation_begin_event(const struct operation *operation)
{
    if (operation->returned == 0 || operation->call_event < operation->return_event)
        return operation->call_event;
    return operation->call_event >= execution.trace_run_count ? execution.trace_run_count : 0;
}

/* The goroutine's last event in [from, to), or last write; EVENT_INDEX_NONE if there is none. That
 * the operation ends is an event only while exploring: it is never named. */
static uint32_t last_event(uint16_t goroutine, uint32_t from, uint32_t to, bool writes)
{
    for (uint32_t position = to; position-- > from;) {
        const struct event *event = &execution.trace[position];
        bool counts = writes ? event_writes(event)
                             : !((KIND(CALL) | KIND(RETURN)) >> event->kind & 1);
        if (event_owner(event) == goroutine && counts)
            return position;
    }
    return EVENT_INDEX_NONE;
}

static uint32_t operation_last_event(const struct operation *operation, bool writes)
{
    return last_event(operation->goroutine, operation_begin_event(operation),
                      operation_end_event(operation), writes);
}

/* The latest write of another goroutine in [from, to) to memory that this one touched there. */
static uint32_t last_interference(uint16_t goroutine, uint32_t from, uint32_t to)
{
    uint32_t pairs = 0;
    for (uint32_t position = to; position-- > from;) {
        const struct event *write = &execution.trace[position];
        if (event_owner(write) == goroutine || !event_writes(write))
            continue;
        for (uint32_t own = to; own-- > from;) {
            if (++pairs > PAIRS_MAX)
                return EVENT_INDEX_NONE;
            if (event_owner(&execution.trace[own]) == goroutine
                && event_meets(&execution.trace[own], write))
                return position;
        }
    }
    return EVENT_INDEX_NONE;
}

/* The next write of another goroutine over what the event wrote. */
static uint32_t next_overwrite(uint32_t position)
{
    const struct event *event = &execution.trace[position];
    for (uint32_t later = position + 1; later < execution.trace_run_count; later++) {
        const struct event *write = &execution.trace[later];
        if (event_owner(write) != event_owner(event) && event_writes(write)
            && event_meets(event, write))
            return later;
    }
    return EVENT_INDEX_NONE;
}

static void verdict_name_event(struct verdict_record *verdict, uint32_t position)
{
    for (uint32_t i = 0; i < verdict->event_count; i++)
        if (verdict->events[i] == position)
            return;
    if (position != EVENT_INDEX_NONE && verdict->event_count < VERDICT_EVENTS_MAX)
        verdict->events[verdict->event_count++] = position;
}

struct verdict_record *history_accuse(enum treadle_verdict verdict, const char *rule,
                                      const struct operation *judged, uint32_t from,
                                      const struct operation *other)
{
    struct verdict_record *record = execution_add_verdict(verdict, rule);
    if (record == NULL)
        return NULL;
    if (other != NULL)
        verdict_name_event(record, operation_last_event(other, false));
    uint32_t begin = operation_begin_event(judged);
    begin = from < begin ? from : begin;
    verdict_name_event(record,
                       last_interference(judged->goroutine, begin, operation_end_event(judged)));
    verdict_name_event(record, operation_last_event(judged, false));
    return record;
}

/* The latest operation that changes the map and had another goroutine in its way. */
static void verdict_name_collision(struct verdict_record *verdict, const struct history *history)
{
    for (uint32_t i = history->count; i-- > execution.operation_setup_count;) {
        const struct operation *operation = &history->operations[i];
        if (!operation_is(operation, HISTORY_STORES | HISTORY_REMOVALS))
            continue;
        uint32_t write = last_interference(operation->goroutine, operation->call_event,
                                           operation_end_event(operation));
        if (write == EVENT_INDEX_NONE)
            continue;
        verdict_name_event(verdict, write);
        verdict_name_event(verdict, operation_last_event(operation, false));
        return;
    }
}

struct verdict_record *history_accuse_lost(const struct history *history, const char *rule,
                                           const struct operation *store)
{
    struct verdict_record *record = execution_add_verdict(TREADLE_LOST_UPDATE, rule);
    if (record == NULL)
        return NULL;
    uint32_t written = operation_last_event(store, true);
    uint32_t over = written != EVENT_INDEX_NONE ? next_overwrite(written) : EVENT_INDEX_NONE;
    verdict_name_event(record, written);
    if (over != EVENT_INDEX_NONE)
        verdict_name_event(record, over);
    else
        verdict_name_collision(record, history);
    return record;
}
