/* explore_bounded.c: the schedules with few preemptions that begin like one that was executed. */
#include "explore_bounded.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_FUNCTION(key, key_bytes, value) memcpy(&(value), key, sizeof(value))
#include <uthash.h>

#include "check.h"
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

struct bounded_seen {
    struct state state;
    uint32_t used; /* with the fewest preemptions that it was met with */
    UT_hash_handle hh;
};

static void *room(void *memory, size_t count, size_t size)
{
    void *larger = reallocarray(memory, count, size);
    if (larger == NULL)
        check_limit("no memory for the candidates of %zu choices", count);
    return larger;
}

void explore_candidates_note(struct explore_candidates *candidates, enum choice_kind kind,
                             struct goroutine *const *goroutines, uint32_t count)
{
    uint32_t at = execution.choice_count;
    uint32_t ids = kind == CHOICE_DATA ? 1 : count;
    uint32_t first = at == 0 ? 0 : candidates->ends[at - 1];
    if (at >= candidates->choice_capacity) {
        candidates->choice_capacity = 2 * at + 64;
        candidates->ends =
            room(candidates->ends, candidates->choice_capacity, sizeof *candidates->ends);
    }
    if (first + ids > candidates->id_capacity) {
        candidates->id_capacity = 2 * (first + ids) + 64;
        candidates->ids =
            room(candidates->ids, candidates->id_capacity, sizeof *candidates->ids);
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
        bounded->names = room(bounded->names, bounded->name_capacity, sizeof *bounded->names);
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

/* Whether the state was met before, with no more preemptions; notes that it is now. */
static bool state_seen(struct explore_bounded *bounded, const struct state *state, uint32_t used)
{
    struct bounded_seen *seen;
    HASH_FIND(hh, bounded->seen, state, sizeof *state, seen);
    if (seen != NULL) {
        if (seen->used <= used)
            return true;
        seen->used = used;
        return false;
    }
    if (HASH_COUNT(bounded->seen) >= SEEN_MAX)
        return false;
    seen = calloc(1, sizeof *seen);
    if (seen == NULL)
        return false;
    seen->state = *state;
    seen->used = used;
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

/* turn: whose it is before that. */
static struct state state_before(const struct explore_bounded *bounded,
                                 const struct explore_class *events, uint32_t runner, uint32_t turn)
{
    bool has_turn = is_drainer(runner) && turn != EXPLORE_NOBODY;
    return (struct state){ .events = *events,
                           .runner = bounded->names[runner],
                           .turn = has_turn ? bounded->names[turn] : 0 };
}

/* The other goroutines that could have executed at this choice. */
static void push_others(struct explore_bounded *bounded, const struct explore_trace *trace,
                        uint32_t choice, const struct explore_class *events, uint32_t turn,
                        uint32_t used, struct explore_children *children)
{
    const struct explore_candidates *candidates = &bounded->candidates;
    const uint16_t *ids = candidates->ids + (choice == 0 ? 0 : candidates->ends[choice - 1]);
    uint32_t count = (uint32_t)(candidates->ids + candidates->ends[choice] - ids);
    bool could_go_on = false;
    for (uint32_t i = 0; i < count; i++)
        could_go_on |= ids[i] == turn;
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] == trace->steps[choice].answer)
            continue;
        uint32_t total = used + (could_go_on && ids[i] != turn && !is_drainer(ids[i]));
        if (total > bounded->preemptions) {
            bounded->limited = true;
            continue;
        }
        struct state state = state_before(bounded, events, ids[i], turn);
        if (!state_seen(bounded, &state, total))
            push(trace, choice, ids[i], total, children);
    }
}

void explore_bounded_children(struct explore_bounded *bounded, const struct explore_trace *trace,
                              uint32_t step_count, uint32_t used,
                              struct explore_children *children)
{
    struct explore_class events = { 0 };
    uint32_t turn = EXPLORE_NOBODY;
    bool known = false; /* from here on it is as another one was */
    name_goroutines(bounded);
    for (uint32_t position = 0; position < trace->count; position++) {
        const struct event *event = &execution.trace[position];
        uint32_t choice = trace->events[position].choice;
        bool chosen = event->kind != EVENT_EXIT && choice >= step_count && !known;
        if (chosen && event->kind == EVENT_CHOOSE) {
            for (uint32_t answer = 1; answer < event->size; answer++)
                push(trace, choice, answer, used, children);
        } else if (chosen) {
            push_others(bounded, trace, choice, &events, turn, used, children);
            struct state state = state_before(bounded, &events, event->goroutine, turn);
            known = choice > step_count && state_seen(bounded, &state, used);
        }
        class_add_event(&events, bounded, trace, position);
        if (!is_drainer(event->goroutine))
            turn = event->goroutine;
    }
    bounded->class = events;
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
    memset(bounded, 0, sizeof *bounded);
}
