/* explore_objects.c: the states of synchronisation objects. See explore_objects.h. */
#include "explore_objects.h"

#include "posix_objects.h"
#include "scheduler.h"

#define KIND(name) (UINT64_C(1) << EVENT_##name)

/* Operations that change such an object, or wait for it. */
#define KINDS_MUTEX (KIND(LOCK) | KIND(TRYLOCK) | KIND(UNLOCK))
#define KINDS_RWMUTEX                                                                              \
    (KIND(RWLOCK) | KIND(RWDRAIN) | KIND(RWUNLOCK) | KIND(RLOCK) | KIND(RUNLOCK))
#define KINDS_WAITGROUP (KIND(WAITGROUP_ADD) | KIND(WAITGROUP_WAIT))
/* Of these all depend on each other: what one has left is the state. */
#define KINDS_RDWRLOCK                                                                             \
    (KIND(RDLOCK) | KIND(WRLOCK) | KIND(TRYRDLOCK) | KIND(TRYWRLOCK) | KIND(RDWRUNLOCK))
#define KINDS_SEMAPHORE (KIND(SEM_WAIT) | KIND(SEM_TRYWAIT) | KIND(SEM_POST))
#define KINDS_OBJECT                                                                               \
    (KINDS_MUTEX | KINDS_RWMUTEX | KINDS_WAITGROUP | KINDS_RDWRLOCK | KINDS_SEMAPHORE)

static bool in(enum event_kind kind, uint64_t set)
{
    return set >> kind & 1;
}

/* The operations on objects of the sort that this one is for. */
static uint64_t kinds_beside(enum event_kind kind)
{
    static const uint64_t sorts[] = { KINDS_MUTEX, KINDS_RWMUTEX, KINDS_WAITGROUP, KINDS_RDWRLOCK,
                                      KINDS_SEMAPHORE };
    for (uint32_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++)
        if (in(kind, sorts[i]))
            return sorts[i];
    return 0;
}

/* Whether `other` is an operation on the object of `event`. */
static bool is_operation(const struct event *event, const struct event *other)
{
    return other->address == event->address && in(other->kind, kinds_beside(event->kind));
}

static bool overlap(const struct event *a, const struct event *b)
{
    return a->address <= b->address ? b->address - a->address < a->size
                                    : a->address - b->address < b->size;
}

/* Whether `other`, which is no operation on the object of `event`, makes its bytes anew. That new
 * memory is zeros matters only where it may have been something else. */
static bool makes_anew(const struct explore_trace *trace, const struct event *event,
                       const struct event *other)
{
    bool writes = other->kind == EVENT_ALLOC ? (trace->seen & EXPLORE_SEEN_FREE) != 0
                                             : (event_effect(other) & EVENT_WRITES) != 0;
    return writes && overlap(event, other);
}

/* ---- walking back ---------------------------------------------------------------------------- */

/* The events before one that may touch its place, newest first: those of one place are linked,
 * those that touch many are listed. */
struct walk {
    uint32_t narrow, wide;
    bool linked; /* else every event is looked at: narrow is the one behind the next */
};

static struct walk walk_from(const struct explore_trace *trace, uint32_t position)
{
    if (position == trace->count || trace->events[position].place == 0)
        return (struct walk){ .narrow = position };
    const struct explore_event *known = &trace->events[position];
    return (struct walk){ .narrow = known->same_place, .wide = known->wide_before, .linked = true };
}

static uint32_t walk_next(const struct explore_trace *trace, struct walk *walk)
{
    if (!walk->linked)
        return walk->narrow == 0 ? EXPLORE_NONE : --walk->narrow;
    uint32_t narrow = walk->narrow;
    uint32_t wide = walk->wide > 0 ? trace->wide[walk->wide - 1] : EXPLORE_NONE;
    if (wide != EXPLORE_NONE && (narrow == EXPLORE_NONE || wide > narrow)) {
        walk->wide--;
        return wide;
    }
    if (narrow != EXPLORE_NONE)
        walk->narrow = trace->events[narrow].same_place;
    return narrow;
}

/* ---- states ---------------------------------------------------------------------------------- */

/* A reader-writer lock's or semaphore's state, as a value of its events. */
static struct object_state object_of_value(enum event_kind kind, uint64_t value)
{
    return in(kind, KINDS_RDWRLOCK)
               ? (struct object_state){ .owner = (uint32_t)value,
                                        .count = (int32_t)(uint32_t)(value >> 32) }
               : (struct object_state){ .count = (int32_t)(uint32_t)value };
}

/* Before what is known of the state already, the object's bytes were these. */
static void object_put(enum event_kind kind, uint64_t bytes, struct object_state *state)
{
    uint32_t low = (uint32_t)bytes, high = (uint32_t)(bytes >> 32);
    if (in(kind, KINDS_RDWRLOCK | KINDS_SEMAPHORE)) {
        *state = object_of_value(kind, bytes);
    } else if (in(kind, KINDS_RWMUTEX)) {
        if (!state->writer_known)
            state->owner = low;
        state->count += (int32_t)high;
    } else if (in(kind, KINDS_WAITGROUP)) {
        state->count += (int32_t)low;
    } else {
        state->owner = low == POSIX_ONCE_DONE ? 0 : low;
    }
}

/* What one operation within the set changed, the newest first. Returns whether the state before it
 * does not matter. */
static bool object_undo(const struct event *operation, struct object_state *state)
{
    switch (operation->kind) {
    case EVENT_LOCK:
    case EVENT_TRYLOCK:
    case EVENT_UNLOCK:
        state->owner = (uint32_t)operation->value_written;
        return true;
    case EVENT_RWLOCK:
    case EVENT_RWUNLOCK:
        if (!state->writer_known)
            state->owner = (uint32_t)(operation->value_written >> 32);
        state->writer_known = true;
        return false;
    case EVENT_RLOCK:
    case EVENT_RUNLOCK: /* nothing, if it was misuse */
    case EVENT_WAITGROUP_ADD:
        state->count += (int32_t)(operation->value_written - operation->value_read);
        return false;
    default:
        if (!in(operation->kind, KINDS_RDWRLOCK | KINDS_SEMAPHORE))
            return false;
        *state = object_of_value(operation->kind, operation->value_written);
        return true;
    }
}

/* The state before an operation that is the first one known of its object. */
static void object_begin(const struct event *operation, struct object_state *state)
{
    if (in(operation->kind, KINDS_RDWRLOCK | KINDS_SEMAPHORE)) {
        *state = object_of_value(operation->kind, operation->value_read);
    } else if (in(operation->kind, KINDS_RWMUTEX)) {
        if (!state->writer_known)
            state->owner = (uint32_t)(operation->value_read >> 32);
        state->count += (int32_t)(uint32_t)operation->value_read;
    } else if (in(operation->kind, KINDS_WAITGROUP)) {
        state->count += (int32_t)operation->value_read;
    } else {
        state->owner = (uint32_t)operation->value_read;
    }
}

/* The same before the event at `position`, by what lay there: all that touched these bytes before
 * it in the trace is in the set, or nothing was. */
static void object_read(const struct explore_trace *trace, uint32_t position,
                        const struct event *event, const int16_t *counts,
                        struct object_state *state)
{
    uint64_t bytes;
    if (explore_memory_before(trace, position, counts, event->address, event->size, &bytes))
        object_put(event->kind, bytes, state);
}

struct object_state explore_object_after(const struct explore_trace *trace, uint32_t position,
                                         const struct event *event, const int16_t *counts)
{
    struct object_state state = { 0 };
    struct walk walk = walk_from(trace, position);
    uint32_t first = EXPLORE_NONE;
    for (uint32_t i; (i = walk_next(trace, &walk)) != EXPLORE_NONE;) {
        const struct event *other = &execution.trace[i];
        bool operates = is_operation(event, other);
        if (!operates && !makes_anew(trace, event, other))
            continue;
        if (other->kind != EVENT_ALLOC)
            first = i;
        if (!explore_within(trace, i, counts) || !other->success)
            continue;
        if (!operates)
            object_read(trace, i + 1, event, counts, &state);
        if (!operates || object_undo(other, &state))
            return state;
    }
    if (first != EXPLORE_NONE && is_operation(event, &execution.trace[first]))
        object_begin(&execution.trace[first], &state);
    else if (first != EXPLORE_NONE)
        object_read(trace, first, event, counts, &state);
    else if (position < trace->count)
        object_begin(event, &state);
    else
        state = object_now(event);
    return state;
}

/* What an operation does to the object in that state. */
static void object_do(const struct event *operation, struct object_state *state)
{
    switch (operation->kind) {
    case EVENT_LOCK:
    case EVENT_RWLOCK:
    case EVENT_WRLOCK:
        state->owner = 1; /* whoever that is */
        break;
    case EVENT_TRYLOCK:
    case EVENT_TRYWRLOCK:
        state->owner = operation->success ? 1 : state->owner;
        break;
    case EVENT_TRYRDLOCK:
        state->count += (int32_t)operation->success;
        break;
    case EVENT_SEM_TRYWAIT:
        state->count -= (int32_t)operation->success;
        break;
    case EVENT_RLOCK:
    case EVENT_RDLOCK:
        state->count++;
        break;
    case EVENT_SEM_WAIT:
        state->count--;
        break;
    case EVENT_WAITGROUP_ADD:
        state->count += (int32_t)(operation->value_written - operation->value_read);
        break;
    default: /* no other stops anybody */
        break;
    }
}

bool explore_object_follow(const struct explore_trace *trace, const struct event *event,
                           const struct event *key, const int16_t *counts,
                           struct object_state *state)
{
    if (is_operation(event, key)) {
        object_do(key, state);
        return true;
    }
    uint64_t bytes;
    if (!makes_anew(trace, event, key)
        || !explore_memory_behind(trace, key, counts, event->address, event->size, &bytes))
        return false;
    *state = (struct object_state){ 0 };
    object_put(event->kind, bytes, state);
    return true;
}

/* ---- what is waited for ---------------------------------------------------------------------- */

static void note_object(struct explore_trace *trace, const struct event *event)
{
    if (!in(event->kind, KINDS_OBJECT) || !dependence_waits(event))
        return;
    for (uint32_t i = 0; i < trace->object_count; i++)
        if (trace->objects[i].address == event->address
            && trace->objects[i].bytes >= event->size)
            return;
    trace->objects[trace->object_count++] =
        (struct explore_object){ .address = event->address, .bytes = event->size };
}

void explore_objects_find(struct explore_trace *trace)
{
    trace->object_count = 0;
    for (uint32_t i = 0; trace->waits && i < trace->count; i++)
        note_object(trace, &execution.trace[i]);
    for (uint32_t id = scheduler.goroutine_first; id < scheduler.goroutine_count; id++)
        if (scheduler.goroutines[id].state == GOROUTINE_BLOCKED)
            note_object(trace, &scheduler.goroutines[id].pending);
}

bool explore_overwrites(const struct explore_trace *trace, const struct event *event)
{
    if (in(event->kind, KINDS_OBJECT)
        || !(event->kind == EVENT_ALLOC || (event_effect(event) & EVENT_WRITES)))
        return false;
    for (uint32_t i = 0; i < trace->object_count; i++) {
        const struct explore_object *object = &trace->objects[i];
        if (event->address - object->address < object->bytes
            || object->address - event->address < event->size)
            return true;
    }
    return false;
}
