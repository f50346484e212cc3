/* explore_bounded.c: the schedules with few preemptions that begin like one that was executed. */
#include "explore_bounded.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_FUNCTION(key, key_bytes, value) memcpy(&(value), key, sizeof(value))
#include <uthash.h>

#include "check.h"

#define SEEN_MAX (2u << 20) /* about 200 MB; beyond, what is new is not remembered */

/* A set of executed events, in their partial order, and who goes on. */
struct state {
    XXH128_hash_t events; /* the sum of their hashes: in whatever order they were executed */
    uint64_t goroutine;
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

static XXH128_hash_t event_hash(const struct explore_trace *trace, uint32_t position)
{
    const struct event *event = &execution.trace[position];
    uint64_t answer = event->kind == EVENT_CHOOSE ? event->value_read : 0;
    return XXH3_128bits_withSeed(explore_clock(trace, position),
                                 trace->width * sizeof *trace->clocks,
                                 (uint64_t)event->goroutine << 32 ^ answer << 1 ^ 1);
}

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

/* The other goroutines that could have executed at this choice. */
static void push_others(struct explore_bounded *bounded, const struct explore_trace *trace,
                        uint32_t choice, const struct state *before, uint32_t last, uint32_t used,
                        struct explore_children *children)
{
    const struct explore_candidates *candidates = &bounded->candidates;
    const uint16_t *ids = candidates->ids + (choice == 0 ? 0 : candidates->ends[choice - 1]);
    uint32_t count = (uint32_t)(candidates->ids + candidates->ends[choice] - ids);
    bool preempts = false;
    for (uint32_t i = 0; i < count; i++)
        preempts |= ids[i] == last;
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] == trace->steps[choice].answer)
            continue;
        uint32_t total = used + (preempts && ids[i] != last);
        if (total > bounded->preemptions) {
            bounded->limited = true;
            continue;
        }
        struct state state = *before;
        state.goroutine = ids[i];
        if (!state_seen(bounded, &state, total))
            push(trace, choice, ids[i], total, children);
    }
}

void explore_bounded_children(struct explore_bounded *bounded, const struct explore_trace *trace,
                              uint32_t step_count, uint32_t used,
                              struct explore_children *children)
{
    struct state state;
    memset(&state, 0, sizeof state);
    uint32_t last = EXPLORE_NOBODY; /* who has executed the event before */
    for (uint32_t position = 0; position < trace->count; position++) {
        const struct event *event = &execution.trace[position];
        uint32_t choice = trace->events[position].choice;
        if (event->kind == EVENT_CHOOSE && choice >= step_count) {
            for (uint32_t answer = 1; answer < event->size; answer++)
                push(trace, choice, answer, used, children);
        } else if (event->kind != EVENT_EXIT && choice >= step_count) {
            push_others(bounded, trace, choice, &state, last, used, children);
            state.goroutine = event->goroutine;
            if (choice > step_count && state_seen(bounded, &state, used))
                return; /* from here on it is as another one was */
        }
        XXH128_hash_t hash = event_hash(trace, position);
        state.events.low64 += hash.low64;
        state.events.high64 += hash.high64;
        last = event->goroutine;
    }
}

void explore_bounded_clear(struct explore_bounded *bounded)
{
    struct bounded_seen *seen, *next;
    HASH_ITER(hh, bounded->seen, seen, next)
    {
        HASH_DEL(bounded->seen, seen);
        free(seen);
    }
    free(bounded->candidates.ids);
    free(bounded->candidates.ends);
    memset(bounded, 0, sizeof *bounded);
}
