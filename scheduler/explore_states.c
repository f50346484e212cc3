/* explore_states.c: what could execute in states that an execution did not pass through, but that
 * follow from its happens-before order: after any set of events that with each one holds what
 * happens before it. */
#include "explore_objects.h"

#include <string.h>

#include "await.h"
#include "dependence.h"
#include "explore_stores.h"
#include "memory.h"
#include "scheduler.h"
#include "synchronisation.h"

#define KIND(name) (UINT64_C(1) << EVENT_##name)

/* ---- one event ------------------------------------------------------------------------------- */

/* The kind that waits for what a try of this kind wants. */
static enum event_kind try_waits_as(enum event_kind kind)
{
    switch (kind) {
    case EVENT_TRYWRLOCK:
        return EVENT_WRLOCK;
    case EVENT_TRYRDLOCK:
        return EVENT_RDLOCK;
    case EVENT_SEM_TRYWAIT:
        return EVENT_SEM_WAIT;
    default:
        return EVENT_LOCK;
    }
}

static bool has_ended(const struct explore_trace *trace, uint32_t goroutine,
                      const int16_t *counts)
{
    uint32_t total = (uint32_t)trace->totals[goroutine];
    for (uint32_t i = scheduler.drainer_base; explore_buffers() && i < explore_columns(); i++)
        if (explore_owner(i) == goroutine && counts[i] < trace->totals[i])
            return false;
    return total > 0 && (uint32_t)counts[goroutine] == total
           && execution.trace[explore_position(trace, goroutine, total)].kind == EVENT_EXIT;
}

/* Whether a loop could read something new: somebody has written after its last reads. */
static bool await_over(const struct explore_trace *trace, uint32_t position,
                       const struct event *event, const int16_t *counts)
{
    uint32_t self = event->goroutine;
    uint32_t before = (uint32_t)(position < trace->count ? trace->events[position].index - 1
                                                         : trace->totals[self]);
    for (uint32_t n = before - event->await + 1; n <= before; n++) {
        uint32_t read = explore_position(trace, self, n);
        for (uint32_t i = 0; i < trace->count; i++)
            if (execution.trace[i].goroutine != self && explore_within(trace, i, counts)
                && (event_effect(&execution.trace[i]) & EVENT_WRITES)
                && !explore_within(trace, i, explore_clock(trace, read))
                && dependence_of(&execution.trace[read], &execution.trace[i], trace->reuses))
                return true;
    }
    return false;
}

/* Whether the goroutine's stack is no more then. */
static bool has_gone(const struct explore_trace *trace, uint32_t goroutine, const int16_t *counts)
{
    if (counts[goroutine] == 0)
        return false;
    uint32_t last = explore_position(trace, goroutine, (uint32_t)counts[goroutine]);
    enum event_kind kind = execution.trace[last].kind;
    return kind == EVENT_GONE || kind == EVENT_EXIT;
}

/* Whether there is an object then. */
static bool object_is_there(const struct explore_trace *trace, const struct event *event,
                            const int16_t *counts)
{
    uint64_t value;
    int32_t owner = scheduler.whole_program ? memory_owner(event->address, event->size) : -1;
    if (owner >= 0)
        return !has_gone(trace, (uint32_t)owner, counts);
    return !(trace->seen & EXPLORE_SEEN_FREE)
           || explore_memory_after(trace, counts, event->address, event->size, &value);
}

bool explore_can_execute(const struct explore_trace *trace, uint32_t position,
                         const struct event *event, const int16_t *counts)
{
    if (!dependence_waits(event))
        return true;
    if (event->await != 0)
        return event->await != AWAIT_FOR_EVER && await_over(trace, position, event, counts);
    if (event->kind == EVENT_JOIN)
        return has_ended(trace, (uint32_t)event->source, counts);
    if (!object_is_there(trace, event, counts))
        return true; /* to its verdict */
    struct object_state state = explore_object_after(trace, position, event, counts);
    return object_lets(event->kind, &state);
}

static bool cas_succeeds(const struct explore_trace *trace, const struct event *cas,
                         const int16_t *counts)
{
    uint64_t value;
    uint64_t mask = cas->size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * cas->size) - 1;
    return explore_memory_after(trace, counts, cas->address, cas->size, &value)
           && ((value ^ cas->source) & mask) == 0;
}

static bool try_succeeds(const struct explore_trace *trace, uint32_t position,
                         const int16_t *counts)
{
    const struct event *event = &execution.trace[position];
    if (!object_is_there(trace, event, counts))
        return false;
    struct object_state state = explore_object_after(trace, position, event, counts);
    return object_lets(try_waits_as(event->kind), &state);
}

bool explore_succeeds(const struct explore_trace *trace, uint32_t position, const int16_t *counts)
{
    const struct event *event = &execution.trace[position];
    switch (event->kind) {
    case EVENT_ATOMIC_CAS:
        return cas_succeeds(trace, event, counts);
    case EVENT_TRYLOCK:
    case EVENT_TRYRDLOCK:
    case EVENT_TRYWRLOCK:
    case EVENT_SEM_TRYWAIT:
        return try_succeeds(trace, position, counts);
    case EVENT_LOCK:
    case EVENT_RWLOCK:
    case EVENT_RDLOCK:
    case EVENT_WRLOCK:
    case EVENT_SEM_WAIT:
        return object_is_there(trace, event, counts);
    default:
        return event->success;
    }
}

bool explore_stops(const struct explore_trace *trace, uint32_t position, const struct event *key,
                   const int16_t *counts)
{
    const struct event *event = &execution.trace[position];
    if (!dependence_waits(event) || event->await != 0 || event->kind == EVENT_JOIN
        || !event->success || !key->success)
        return false;
    struct object_state state = explore_object_after(trace, position, event, counts);
    return explore_object_follow(trace, event, key, counts, &state)
           && !object_lets(event->kind, &state);
}

/* ---- going on by D --------------------------------------------------------------------------- */

const struct event *explore_next_event(const struct explore_trace *trace, uint32_t goroutine,
                                       uint32_t n, uint32_t *ret_position)
{
    if (n < (uint32_t)trace->totals[goroutine]) {
        *ret_position = explore_position(trace, goroutine, n + 1);
        return &execution.trace[*ret_position];
    }
    *ret_position = trace->count;
    bool waits = goroutine < scheduler.goroutine_count && goroutine >= scheduler.goroutine_first
                 && scheduler.goroutines[goroutine].state == GOROUTINE_BLOCKED;
    return waits ? &scheduler.goroutines[goroutine].pending : NULL;
}

/* Where nothing waits, D runs the goroutines one after the other, in its order, each together with
 * its drainers (events that wait for drains never do so then). So an event must
 * not come after one of a later goroutine that is still to be executed: all of those must be in
 * the set. Data choices that D would answer otherwise must, too. */
void explore_find_needed(struct explore_trace *trace)
{
    uint32_t width = trace->width;
    memset(trace->needed, 0, width * sizeof *trace->needed);
    for (uint32_t i = 0; (trace->seen & EXPLORE_SEEN_ANSWER) && i < trace->count; i++)
        if (execution.trace[i].kind == EVENT_CHOOSE && execution.trace[i].value_read != 0)
            trace->needed[execution.trace[i].goroutine] = trace->events[i].index;
    if (trace->waits)
        return;
    for (uint32_t a = 0; a + 1 < width; a++) {
        uint32_t goroutine = trace->order[a];
        if (trace->totals[goroutine] == 0)
            continue;
        uint32_t last =
            explore_position(trace, goroutine, (uint32_t)trace->totals[goroutine]);
        const int16_t *clock = explore_clock(trace, last);
        for (uint32_t b = a + 1; b < width; b++) {
            uint32_t later = trace->order[b];
            if (clock[later] > trace->needed[later]
                && explore_owner(later) != explore_owner(goroutine))
                trace->needed[later] = clock[later];
        }
    }
}

/* Whether the drain could only come after others of its own goroutine's that are not in the set. */
static bool drain_is_early(const struct explore_trace *trace, const struct event *drain,
                           uint32_t position, const int16_t *counts)
{
    for (uint32_t i = position; i-- > 0;)
        if (!explore_within(trace, i, counts) && explore_store_precedes(i, drain))
            return true;
    return false;
}

enum explore_next_step explore_next_step(const struct explore_trace *trace, uint32_t goroutine,
                                int16_t *counts)
{
    uint32_t position;
    const struct event *event =
        explore_next_event(trace, goroutine, (uint32_t)counts[goroutine], &position);
    if (event == NULL)
        return EXPLORE_STEP_NONE;
    bool ready = true;
    if (position < trace->count) {
        counts[goroutine]++; /* itself */
        ready = explore_covers(counts, explore_clock(trace, position), trace->width);
        counts[goroutine]--;
    }
    if (event->kind == EVENT_START && !ready)
        return EXPLORE_STEP_NONE; /* not yet created */
    if (event->kind == EVENT_DRAIN && !ready && drain_is_early(trace, event, position, counts))
        return EXPLORE_STEP_NONE;
    if (!explore_can_execute(trace, position, event, counts))
        return EXPLORE_STEP_WAITS;
    return ready && position < trace->count ? EXPLORE_STEP_EXECUTES : EXPLORE_STEP_OTHERWISE;
}

/* An event after which a goroutine that waited might go on. */
static bool lets_go_on(const struct explore_trace *trace, const struct event *event)
{
    if ((trace->seen & EXPLORE_SEEN_AWAIT) || (event->order & EVENT_BUFFERED))
        return true;
    const uint64_t holding = KIND(READ) | KIND(WRITE) | KIND(COPY) | KIND(ATOMIC_LOAD)
                             | KIND(ATOMIC_STORE) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS)
                             | KIND(START) | KIND(FENCE) | KIND(ALLOC) | KIND(CALL)
                             | KIND(RETURN) | KIND(CHOOSE) | KIND(YIELD);
    return !(holding >> event->kind & 1) || explore_overwrites(trace, event);
}

/* Takes what follows the goroutine's last event without a choice. */
static void take_following(const struct explore_trace *trace, uint32_t goroutine, int16_t *counts)
{
    while (counts[goroutine] > 0 && counts[goroutine] < trace->totals[goroutine]) {
        uint32_t next = explore_position(trace, goroutine, (uint32_t)counts[goroutine] + 1);
        if (!dependence_follows(execution.trace[next].kind))
            return;
        counts[goroutine]++;
    }
}

bool explore_next_lets_go_on(const struct explore_trace *trace, uint32_t goroutine,
                             const int16_t *counts)
{
    uint32_t position = explore_position(trace, goroutine, (uint32_t)counts[goroutine] + 1);
    if (lets_go_on(trace, &execution.trace[position]))
        return true;
    for (int16_t n = counts[goroutine]; ++n < trace->totals[goroutine];) {
        position = explore_position(trace, goroutine, (uint32_t)n + 1);
        if (!dependence_follows(execution.trace[position].kind))
            return false;
    }
    return true; /* it is done */
}

bool explore_take_next(const struct explore_trace *trace, uint32_t goroutine, int16_t *counts)
{
    uint32_t position = explore_position(trace, goroutine, (uint32_t)++counts[goroutine]);
    take_following(trace, goroutine, counts);
    return lets_go_on(trace, &execution.trace[position])
           || counts[goroutine] == trace->totals[goroutine];
}

static bool simulate(const struct explore_trace *trace, int16_t *counts)
{
    for (uint32_t i = 0; i < trace->width; i++)
        take_following(trace, i, counts);
    uint32_t rank = 0; /* goroutines before it in D's order have ended or wait */
    while (rank < trace->width) {
        uint32_t goroutine = trace->order[rank];
        switch (explore_next_step(trace, goroutine, counts)) {
        case EXPLORE_STEP_OTHERWISE:
            return false;
        case EXPLORE_STEP_EXECUTES:
            if (explore_take_next(trace, goroutine, counts))
                rank = 0;
            break;
        default:
            rank++;
        }
    }
    return explore_covers(counts, trace->totals, trace->width);
}

bool explore_goes_on(struct explore_trace *trace, const int16_t *counts)
{
    if (!explore_covers(counts, trace->needed, trace->width))
        return false;
    if (!trace->waits)
        return true;
    explore_copy(trace->scratch, counts, trace->width);
    return simulate(trace, trace->scratch);
}
