/* explore_reverse.c: the children of an execution: the detours and the data answers that are found
 * in it and in no other. explore.h says why. */
#include "explore_reverse.h"

#include <string.h>

#include "check.h"
#include "dependence.h"
#include "explore_objects.h"
#include "explore_renaming.h"
#include "explore_stores.h"
#include "scheduler.h"

#define KIND(name) (UINT64_C(1) << EVENT_##name)
#define KINDS_TRYING (KIND(TRYLOCK) | KIND(TRYWRLOCK) | KIND(TRYRDLOCK) | KIND(SEM_TRYWAIT))
/* Kinds that make others wait. */
#define KINDS_STOPPING                                                                             \
    (KIND(LOCK) | KIND(RWLOCK) | KIND(RLOCK) | KIND(WAITGROUP_ADD) | KIND(RDLOCK) | KIND(WRLOCK)   \
     | KIND(SEM_WAIT) | KINDS_TRYING)

/* A detour that has been found: before event `position` (p), goroutine `goroutine` executes `key`,
 * after those of the first parts[g] events of each goroutine g that have not been executed yet. */
struct detour {
    uint32_t position;
    uint32_t goroutine;
    struct event key; /* as it will be */
    const int16_t *parts;
};

static bool is_default_step(const struct explore_trace *trace, uint32_t position)
{
    return !dependence_follows(execution.trace[position].kind)
           && explore_role_of(trace, position) == EXPLORE_DEFAULT;
}

/* ---- the key, in its new place --------------------------------------------------------------- */

/* The event as it will be when it is executed after its parts. */
static struct event key_event(const struct explore_trace *trace, uint32_t position,
                              const int16_t *parts)
{
    struct event key = execution.trace[position];
    key.success = explore_succeeds(trace, position, parts);
    return key;
}

/* ---- the order of detours before one p ------------------------------------------------------- */

/* Adds to the row what happens before this event because of store buffers: of the events within
 * the set, and, for an event that follows its goroutine's first `before` ones, of their stores. */
static void join_stores(const struct explore_trace *trace, const int16_t *set,
                        const struct event *event, uint32_t before, int16_t *row)
{
    if (!(trace->seen & EXPLORE_SEEN_STORE) || !explore_stores_order(trace, event, before))
        return;
    for (uint32_t i = 0; i < trace->count; i++) {
        const struct event *earlier = &execution.trace[i];
        if (!explore_within(trace, i, set) || explore_within(trace, i, row)
            || !explore_store_precedes(i, event))
            continue;
        bool later_store = event->kind != EVENT_DRAIN && event->kind != EVENT_JOIN
                           && (uint32_t)trace->events[earlier->store].index > before;
        if (!later_store)
            explore_join(row, explore_clock(trace, i), trace->width);
    }
}

/* What happens before the key in its new place. */
static void key_clock(const struct explore_trace *trace, const struct detour *detour,
                      int16_t *clock)
{
    uint32_t before = (uint32_t)detour->parts[detour->goroutine];
    memset(clock, 0, trace->width * sizeof *clock);
    if (before > 0)
        explore_join(clock,
                   explore_clock(trace, explore_position(trace, detour->goroutine, before)),
                   trace->width);
    for (uint32_t i = 0; i < trace->count; i++)
        if (execution.trace[i].goroutine != detour->goroutine
            && explore_within(trace, i, detour->parts) && !explore_within(trace, i, clock)
            && explore_depend(trace, &execution.trace[i], (uint32_t)trace->events[i].index - 1,
                              &detour->key, before))
            explore_join(clock, explore_clock(trace, i), trace->width);
    if (explore_buffers())
        join_stores(trace, detour->parts, &detour->key, before, clock);
}

/* Whether the detour is in its order behind those that stand before the same p already: wherever
 * it was free to come before another one, that one's goroutine is the earlier. One that stops p is
 * free to come before none: what it leaves behind it comes before p, too. */
static bool detour_in_order(struct explore_trace *trace, const struct detour *detour, bool stops)
{
    int16_t *clock = trace->scratch;
    bool clock_known = false;
    for (uint32_t i = detour->position; i-- > 0;) {
        if (dependence_follows(execution.trace[i].kind))
            continue;
        enum explore_role role = explore_role_of(trace, i);
        if (role == EXPLORE_PART)
            continue;
        if (role != EXPLORE_KEY)
            return true;
        if (!clock_known)
            key_clock(trace, detour, clock);
        clock_known = true;
        bool free = !explore_within(trace, i, clock); /* to come before this one */
        if (!free && !stops)
            return true;
        if (free && (stops || !explore_precedes(execution.trace[i].goroutine, detour->goroutine)))
            return false;
    }
    return true;
}

/* ---- making a child -------------------------------------------------------------------------- */

static void add_step(struct explore_steps *steps, uint32_t answer, enum explore_role role,
                     bool data)
{
    explore_steps_add(steps, (struct explore_step){ .answer = (uint16_t)answer,
                                                    .role = (uint8_t)role,
                                                    .data = data });
}

/* The execution's own choices up to that event. Data answers that the detour now rests on are
 * settled: those of detours before the same p may still be free. */
static void copy_steps(const struct explore_trace *trace, struct explore_steps *steps,
                       uint32_t position, const int16_t *settled)
{
    uint32_t count =
        position < trace->count ? trace->events[position].choice : trace->step_count;
    memcpy(explore_steps_make(steps, count), trace->steps, count * sizeof *steps->steps);
    if (settled == NULL || !(trace->seen & EXPLORE_SEEN_ANSWER))
        return;
    for (uint32_t i = position; i-- > 0;) {
        uint32_t choice = trace->events[i].choice;
        if (execution.trace[i].kind == EVENT_CHOOSE && explore_within(trace, i, settled))
            steps->steps[choice].role = EXPLORE_PART;
        else if (!dependence_follows(execution.trace[i].kind)
                 && explore_role_of(trace, i) != EXPLORE_PART
                 && explore_role_of(trace, i) != EXPLORE_KEY)
            return;
    }
}

static void make_detour(struct explore_trace *trace, const struct detour *detour,
                        struct explore_children *children)
{
    bool stops = explore_stops(trace, detour->position, &detour->key, detour->parts);
    if (!detour_in_order(trace, detour, stops))
        return;
    static struct renaming renaming;
    struct explore_steps *steps = &children->steps;
    renaming_begin(&renaming);
    for (uint32_t i = 0; renaming.needed && i < detour->position; i++)
        renaming_note(&renaming, &execution.trace[i]);
    copy_steps(trace, steps, detour->position, detour->parts);
    for (uint32_t i = detour->position; i < trace->count; i++) {
        const struct event *event = &execution.trace[i];
        if (event->kind == EVENT_EXIT || !explore_within(trace, i, detour->parts))
            continue;
        bool data = event->kind == EVENT_CHOOSE;
        add_step(steps, data ? (uint32_t)event->value_read : renamed(&renaming, event->goroutine),
                 EXPLORE_PART, data);
        renaming_note(&renaming, event);
    }
    add_step(steps, renamed(&renaming, detour->goroutine),
             stops ? EXPLORE_KEY_STOPS : EXPLORE_KEY, false);
    uint32_t pending = execution.trace[detour->position].goroutine;
    children->add(children, stops ? EXPLORE_NOBODY : renamed(&renaming, pending));
}

/* ---- finding them ---------------------------------------------------------------------------- */

/* A race of p with an event that could as well have come first. */
static void reverse_race(struct explore_trace *trace, const struct explore_race *race,
                         struct explore_children *children)
{
    if (!is_default_step(trace, race->earlier))
        return;
    int16_t *row = children->row;
    const int16_t *before = explore_counts(trace, race->earlier);
    const int16_t *clock = explore_clock(trace, race->later);
    const struct event *p = &execution.trace[race->earlier];
    const struct event *key = &execution.trace[race->later];
    explore_copy(row, before, trace->width);
    explore_join(row, clock, trace->width);
    if (!explore_goes_on(trace, row))
        return;
    row[p->goroutine]--;
    row[key->goroutine]--;
    if (!explore_can_execute(trace, race->later, key, row))
        return;
    struct detour detour = { .position = race->earlier,
                             .goroutine = key->goroutine,
                             .key = key_event(trace, race->later, row),
                             .parts = row };
    make_detour(trace, &detour, children);
}

/* An event that did not execute before p, which might make it wait: its goroutine's event after the
 * first n ones. */
struct stopped {
    const struct event *key;
    uint32_t position; /* trace->count if it never executed */
    uint32_t goroutine, n;
    uint32_t behind; /* an event that it is to come behind, or EXPLORE_NONE */
};

/* What must have been executed before the key, if p comes behind it: into row. */
static void stopped_parts(const struct explore_trace *trace, uint32_t position,
                          const struct stopped *stopped, int16_t *row)
{
    uint32_t goroutine = stopped->goroutine, n = stopped->n;
    explore_copy(row, explore_counts(trace, position), trace->width);
    if (stopped->behind != EXPLORE_NONE)
        explore_join(row, explore_clock(trace, stopped->behind), trace->width);
    if (n > (uint32_t)row[goroutine]) {
        uint32_t last = explore_position(trace, goroutine, n);
        explore_join(row, explore_clock(trace, last), trace->width);
    }
    if (explore_buffers())
        join_stores(trace, trace->totals, stopped->key, n, row);
}

/* Whether the key waits because of p, and would not have had to wait before it. Leaves the parts in
 * children->row. */
static bool waits_for(struct explore_trace *trace, uint32_t position,
                      const struct stopped *stopped, struct explore_children *children)
{
    const struct event *p = &execution.trace[position];
    int16_t *row = children->row;
    stopped_parts(trace, position, stopped, row);
    if (row[p->goroutine] >= trace->events[position].index
        || row[stopped->goroutine] > (int16_t)stopped->n
        || !explore_can_execute(trace, stopped->position, stopped->key, row))
        return false;
    row[p->goroutine]++;
    bool waits = !explore_can_execute(trace, stopped->position, stopped->key, row)
                 && explore_goes_on(trace, row);
    row[p->goroutine]--;
    return waits;
}

static void reverse_waiting(struct explore_trace *trace, uint32_t position,
                            const struct stopped *stopped, struct explore_children *children)
{
    if (!waits_for(trace, position, stopped, children))
        return;
    struct detour detour = { .position = position,
                             .goroutine = stopped->goroutine,
                             .key = *stopped->key,
                             .parts = children->row };
    make_detour(trace, &detour, children);
}

/* A drain is independent of its own goroutine's events. So those of them that the key depends on
 * may come before both. */
static void reverse_waiting_for_drain(struct explore_trace *trace, uint32_t position,
                                      struct stopped *stopped, struct explore_children *children)
{
    const struct event *drain = &execution.trace[position];
    uint32_t owner = event_owner(drain);
    uint32_t n = (uint32_t)explore_counts(trace, position)[owner];
    while (n++ < (uint32_t)trace->totals[owner]) {
        uint32_t behind = explore_position(trace, owner, n);
        if (explore_clock(trace, behind)[drain->goroutine] >= trace->events[position].index)
            return;
        if (!explore_depend(trace, &execution.trace[behind], n - 1, stopped->key, stopped->n))
            continue;
        stopped_parts(trace, position, stopped, children->row);
        stopped->behind = behind;
        if (!explore_within(trace, behind, children->row)) /* else that detour has been made */
            reverse_waiting(trace, position, stopped, children);
    }
}

/* The detours before p whose keys p makes wait. */
static void reverse_stop(struct explore_trace *trace, uint32_t position,
                         struct explore_children *children)
{
    const struct event *p = &execution.trace[position];
    int16_t p_index = trace->events[position].index;
    for (uint32_t goroutine = 0; goroutine < trace->width; goroutine++) {
        uint32_t first = (uint32_t)explore_counts(trace, position)[goroutine];
        uint32_t total = (uint32_t)trace->totals[goroutine];
        for (uint32_t n = first; goroutine != p->goroutine && n <= total; n++) {
            if (n > first
                && explore_clock(trace, explore_position(trace, goroutine, n))[p->goroutine]
                       >= p_index)
                break;
            struct stopped stopped = { .goroutine = goroutine, .n = n, .behind = EXPLORE_NONE };
            stopped.key = explore_next_event(trace, goroutine, n, &stopped.position);
            const struct event *key = stopped.key;
            if (key == NULL || !dependence_waits(key) || key->await != 0 || key->kind == EVENT_JOIN
                || !dependence_of(p, key, trace->reuses))
                continue;
            reverse_waiting(trace, position, &stopped, children);
            if (p->kind == EVENT_DRAIN)
                reverse_waiting_for_drain(trace, position, &stopped, children);
        }
    }
}

/* What the event is, or the one that it follows. */
static enum explore_role role_of(const struct explore_trace *trace, uint32_t position)
{
    while (dependence_follows(execution.trace[position].kind))
        position--;
    return explore_role_of(trace, position);
}

/* Where the detours before one p end of which one holds the data choice at position; behind that
 * itself if none does. ret_pending: whether p comes next. */
static uint32_t detours_end(const struct explore_trace *trace, uint32_t position, bool *ret_pending)
{
    enum explore_role role = role_of(trace, position);
    uint32_t end = position + 1;
    for (; role != EXPLORE_DEFAULT && end < trace->count; end++) {
        enum explore_role next = role_of(trace, end);
        bool follows = dependence_follows(execution.trace[end].kind);
        if (next == EXPLORE_DEFAULT || (role == EXPLORE_KEY_STOPS && !follows))
            break;
        role = next;
    }
    *ret_pending = role == EXPLORE_KEY && end < trace->count;
    return end;
}

/* Data choices of detours come behind the p that these were made for, in the order in which they
 * were executed; those that a detour rests on are settled with it. So the next answer is found
 * where D goes on behind all that, and all later free answers are the first ones. */
static void next_answer(struct explore_trace *trace, uint32_t position,
                        struct explore_children *children)
{
    bool pending;
    uint32_t end = detours_end(trace, position, &pending);
    for (uint32_t i = position + 1; i < end; i++)
        if (execution.trace[i].kind == EVENT_CHOOSE && execution.trace[i].value_read != 0
            && explore_role_of(trace, i) == EXPLORE_DEFAULT)
            return;
    explore_copy(children->row, explore_counts(trace, pending ? end + 1 : end), trace->width);
    if (!explore_goes_on(trace, children->row))
        return;
    struct explore_steps *steps = &children->steps;
    copy_steps(trace, steps, end, NULL);
    uint32_t answered = trace->events[position].choice + 1;
    steps->steps[answered - 1].answer++;
    uint32_t further = 0; /* data choices that may not be there after another answer */
    while (position + 1 + further < end
           && execution.trace[position + 1 + further].kind == EVENT_CHOOSE)
        further++;
    steps->count -= further;
    memmove(&steps->steps[answered], &steps->steps[answered + further],
            (steps->count - answered) * sizeof *steps->steps);
    children->add(children, pending ? execution.trace[end].goroutine : EXPLORE_NOBODY);
}

void explore_find_children(struct explore_trace *trace, struct explore_children *children)
{
    uint32_t races = trace->count == 0 ? 0 : trace->events[trace->count - 1].race_end;
    for (uint32_t i = 0; i < races; i++)
        reverse_race(trace, &trace->races[i], children);
    bool more = trace->waits || (trace->seen & EXPLORE_SEEN_ANSWER);
    for (uint32_t i = 0; more && i < trace->count; i++) {
        const struct event *event = &execution.trace[i];
        bool stops = (KINDS_STOPPING >> event->kind & 1) || explore_overwrites(trace, event);
        if (trace->waits && stops && is_default_step(trace, i) && event->success)
            reverse_stop(trace, i, children);
        if (event->kind == EVENT_CHOOSE && explore_role_of(trace, i) == EXPLORE_DEFAULT
            && event->value_read + 1 < event->size)
            next_answer(trace, i, children);
    }
}
