/* explore_bounded.c: the schedules with few preemptions that begin like one that was executed. */
#include "explore_bounded.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_FUNCTION(key, key_bytes, value) memcpy(&(value), key, sizeof(value))
#include <uthash.h>

#include "explore_stores.h"
#include "scheduler.h"
#include "store_buffer.h"

#define SEEN_MAX (2u << 20) /* about 200 MB; beyond, what is new is not remembered */

/* A set of executed events, in their partial order, and who goes on. */
struct state {
    struct explore_class events; /* the sum of their hashes: in whatever order they were executed */
    uint64_t runner; /* its name */
    uint64_t turn;   /* where a drainer goes on: the name of whose turn it is; else 0 */
};

/* Goroutines that sleep, as bits; those with larger ids never do. */
typedef uint64_t sleepers;
#define SLEEPERS_MAX 64u

struct bounded_seen {
    struct state state;
    sleepers asleep; /* it was met with these, */
    uint32_t used;   /* and with so many preemptions before */
    UT_hash_handle hh;
};

void explore_candidates_note(struct explore_candidates *candidates, enum choice_kind kind,
                             struct goroutine *const *goroutines, uint32_t count)
{
    uint32_t at = execution.choice_count;
    uint32_t ids = kind == CHOICE_DATA ? 1 : count;
    uint32_t first = at == 0 ? 0 : candidates->ends[at - 1];
    if (at >= candidates->choice_capacity) {
        candidates->choice_capacity = 2 * at + 64;
        candidates->ends =
            explore_room(candidates->ends, candidates->choice_capacity, sizeof *candidates->ends);
    }
    if (first + ids > candidates->id_capacity) {
        candidates->id_capacity = 2 * (first + ids) + 64;
        candidates->ids =
            explore_room(candidates->ids, candidates->id_capacity, sizeof *candidates->ids);
    }
    for (uint32_t i = 0; i < ids; i++)
        candidates->ids[first + i] =
            (uint16_t)(kind == CHOICE_DATA ? count - 1 : goroutines[i]->id);
    candidates->ends[at] = first + ids;
}

/* Whether it stands for a store buffer. */
static bool is_drainer(uint32_t id)
{
    return id != EXPLORE_NOBODY && id >= scheduler.drainer_base;
}

uint32_t explore_candidates_preemptions(const struct explore_candidates *candidates)
{
    uint32_t preemptions = 0, turn = EXPLORE_NOBODY;
    for (uint32_t at = 0; at < execution.choice_count; at++) {
        uint32_t answer = execution.choices[at].answer;
        if (execution.choices[at].kind == CHOICE_DATA || is_drainer(answer))
            continue;
        for (uint32_t i = at == 0 ? 0 : candidates->ends[at - 1]; i < candidates->ends[at]; i++)
            preemptions += candidates->ids[i] == turn && answer != turn;
        turn = answer;
    }
    return preemptions;
}

/* ---- classes --------------------------------------------------------------------------------- */

static uint64_t name_of(uint64_t parent, uint64_t number)
{
    return XXH3_64bits((uint64_t[]){ parent, number }, 2 * sizeof(uint64_t));
}

static void name_goroutines(struct explore_bounded *bounded)
{
    uint32_t columns = explore_columns();
    if (columns > bounded->name_capacity) {
        bounded->name_capacity = 2 * columns;
        bounded->names =
            explore_room(bounded->names, bounded->name_capacity, sizeof *bounded->names);
    }
    bounded->names[0] = 0;
    for (uint32_t id = 1; id < scheduler.goroutine_count; id++) {
        const struct goroutine *goroutine = &scheduler.goroutines[id];
        bounded->names[id] = name_of(bounded->names[goroutine->parent], goroutine->child_index);
    }
    for (uint32_t id = scheduler.drainer_base; explore_buffers() && id < columns; id++) {
        bounded->names[id] =
            ~name_of(bounded->names[explore_owner(id)], buffer_drainer_chain(id));
    }
}

static void class_add(struct explore_class *sum, const void *bytes, size_t count)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, count);
    sum->low += hash.low64;
    sum->high += hash.high64;
}

/* Adds an event: whose it is, and how many events of each goroutine happen before it, itself
 * included. */
static void class_add_event(struct explore_class *class, const struct explore_bounded *bounded,
                            const struct explore_trace *trace, uint32_t position)
{
    const struct event *event = &execution.trace[position];
    const int16_t *clock = explore_clock(trace, position);
    struct explore_class before = { 0 };
    for (uint32_t i = 0; i < explore_columns(); i++)
        if (clock[i] > 0)
            class_add(&before, (uint64_t[]){ bounded->names[i], (uint64_t)clock[i] },
                      2 * sizeof(uint64_t));
    uint64_t answer = event->kind == EVENT_CHOOSE ? event->value_read : 0;
    uint64_t all[] = { before.low, before.high, bounded->names[event->goroutine], answer };
    class_add(class, all, sizeof all);
}

/* ---- what is still to be executed ------------------------------------------------------------ */

/* Whether the state was met before, with no more preemptions and nobody asleep who is awake now;
 * notes that it is now. */
static bool state_seen(struct explore_bounded *bounded, const struct state *state, uint32_t used,
                       sleepers asleep)
{
    struct bounded_seen *seen;
    HASH_FIND(hh, bounded->seen, state, sizeof *state, seen);
    if (seen != NULL) {
        if (seen->used <= used && (seen->asleep & ~asleep) == 0)
            return true;
        if (used <= seen->used && (asleep & ~seen->asleep) == 0) {
            seen->used = used;
            seen->asleep = asleep;
        }
        return false;
    }
    if (HASH_COUNT(bounded->seen) >= SEEN_MAX)
        return false;
    seen = calloc(1, sizeof *seen);
    if (seen == NULL)
        return false;
    seen->state = *state;
    seen->used = used;
    seen->asleep = asleep;
    HASH_ADD(hh, bounded->seen, state, sizeof seen->state, seen);
    return false;
}

static void push(const struct explore_trace *trace, uint32_t choice, uint32_t answer,
                 uint32_t used, struct explore_children *children)
{
    struct explore_step *steps = explore_steps_make(&children->steps, choice + 1);
    memcpy(steps, trace->steps, choice * sizeof *steps);
    steps[choice] = trace->steps[choice];
    steps[choice].answer = (uint16_t)answer;
    children->add(children, used);
}

/* A point of the execution, before the event at `position`. */
struct point {
    uint32_t position, choice;
    uint32_t turn; /* whose it is */
    uint32_t used; /* preemptions of the execution's steps */
    sleepers asleep;
    struct explore_class events;
};

static struct state state_at(const struct explore_bounded *bounded, const struct point *point,
                             uint32_t runner)
{
    bool has_turn = is_drainer(runner) && point->turn != EXPLORE_NOBODY;
    return (struct state){ .events = point->events,
                           .runner = bounded->names[runner],
                           .turn = has_turn ? bounded->names[point->turn] : 0 };
}

static const uint16_t *candidates_at(const struct explore_bounded *bounded, uint32_t choice,
                                     uint32_t *ret_count)
{
    const struct explore_candidates *candidates = &bounded->candidates;
    uint32_t first = choice == 0 ? 0 : candidates->ends[choice - 1];
    *ret_count = candidates->ends[choice] - first;
    return candidates->ids + first;
}

/* Whether to let somebody else execute now is a preemption. */
static bool could_go_on(const struct explore_bounded *bounded, const struct point *point)
{
    uint32_t count;
    const uint16_t *ids = candidates_at(bounded, point->choice, &count);
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == point->turn)
            return true;
    return false;
}

/* Who sleeps when `runner` is to execute; notes the next event of who falls asleep. */
static sleepers asleep_for(const struct explore_bounded *bounded,
                           const struct explore_trace *trace, const struct point *point,
                           uint32_t runner, bool preempts)
{
    const int16_t *counts = explore_counts(trace, point->position);
    uint32_t position, turn = point->turn;
    if (!preempts || runner == turn || is_drainer(runner) || turn >= SLEEPERS_MAX
        || explore_buffers())
        return point->asleep;
    const struct event *next =
        explore_next_event(trace, turn, (uint32_t)counts[turn], &position);
    if (next == NULL || position == trace->count
        || explore_next_lets_go_on(trace, turn, counts))
        return point->asleep;
    bounded->next_events[turn] = *next;
    bounded->next_events[turn].success = 1; /* it may write */
    return point->asleep | UINT64_C(1) << turn;
}

/* Takes the event into account that has been executed. */
static void wake(const struct explore_bounded *bounded, const struct explore_trace *trace,
                 struct point *point)
{
    const struct event *event = &execution.trace[point->position];
    const int16_t *counts = explore_counts(trace, point->position);
    for (sleepers left = point->asleep; left != 0; left &= left - 1) {
        uint32_t id = (uint32_t)__builtin_ctzll(left);
        if (id == event->goroutine
            || explore_depend(trace, &bounded->next_events[id], (uint32_t)counts[id], event,
                              (uint32_t)counts[event->goroutine]))
            point->asleep &= ~(UINT64_C(1) << id);
    }
}

static bool is_asleep(const struct point *point, uint32_t id)
{
    return id < SLEEPERS_MAX && (point->asleep >> id & 1);
}

/* The other goroutines that could have executed at this point. */
static void push_others(struct explore_bounded *bounded, const struct explore_trace *trace,
                        const struct point *point, struct explore_children *children)
{
    uint32_t count;
    const uint16_t *ids = candidates_at(bounded, point->choice, &count);
    bool preempts = could_go_on(bounded, point);
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] == trace->steps[point->choice].answer || is_asleep(point, ids[i]))
            continue;
        uint32_t total =
            point->used + (preempts && ids[i] != point->turn && !is_drainer(ids[i]));
        if (total > bounded->preemptions) {
            bounded->limited = true;
            continue;
        }
        struct state state = state_at(bounded, point, ids[i]);
        if (!state_seen(bounded, &state, total,
                        asleep_for(bounded, trace, point, ids[i], preempts)))
            push(trace, point->choice, ids[i], total, children);
    }
}

/* What could be otherwise at this point. Returns false if there is no need to look at what comes
 * behind it: another execution has it, too. */
static bool look(struct explore_bounded *bounded, const struct explore_trace *trace,
                 struct point *point, uint32_t step_count, struct explore_children *children)
{
    const struct event *event = &execution.trace[point->position];
    if (event->kind == EVENT_CHOOSE) {
        for (uint32_t answer = 1; answer < event->size; answer++)
            push(trace, point->choice, answer, point->used, children);
        return true;
    }
    push_others(bounded, trace, point, children);
    if (is_asleep(point, event->goroutine))
        return false;
    struct state state = state_at(bounded, point, event->goroutine);
    return point->choice == step_count || !state_seen(bounded, &state, point->used, point->asleep);
}

void explore_bounded_children(struct explore_bounded *bounded, const struct explore_trace *trace,
                              uint32_t step_count, uint32_t used,
                              struct explore_children *children)
{
    struct point point = { .turn = EXPLORE_NOBODY, .used = used };
    bool looks = true;
    if (bounded->next_events == NULL)
        bounded->next_events = explore_room(NULL, SLEEPERS_MAX, sizeof *bounded->next_events);
    name_goroutines(bounded);
    for (uint32_t position = 0; position < trace->count; position++) {
        const struct event *event = &execution.trace[position];
        point.position = position;
        point.choice = trace->events[position].choice;
        bool chosen = event->kind != EVENT_EXIT;
        if (chosen && point.choice >= step_count && looks)
            looks = look(bounded, trace, &point, step_count, children);
        if (chosen && event->kind != EVENT_CHOOSE && looks)
            point.asleep = asleep_for(bounded, trace, &point, event->goroutine,
                                      could_go_on(bounded, &point));
        wake(bounded, trace, &point);
        class_add_event(&point.events, bounded, trace, position);
        if (!is_drainer(event->goroutine))
            point.turn = event->goroutine;
    }
    bounded->class = point.events;
}

void explore_candidates_clear(struct explore_candidates *candidates)
{
    free(candidates->ids);
    free(candidates->ends);
    *candidates = (struct explore_candidates){ 0 };
}

void explore_bounded_clear(struct explore_bounded *bounded)
{
    struct bounded_seen *seen, *next;
    HASH_ITER(hh, bounded->seen, seen, next)
    {
        HASH_DEL(bounded->seen, seen);
        free(seen);
    }
    explore_candidates_clear(&bounded->candidates);
    free(bounded->names);
    free(bounded->next_events);
    memset(bounded, 0, sizeof *bounded);
}
