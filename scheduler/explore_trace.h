/* explore_trace.h: what exploration knows of the last execution: its happens-before order and its
 * races. Inside the engine. Clocks and counts are rows of `width` numbers, one per goroutine:
 * number n of goroutine g stands for its first n events. Rows are worked on by eight numbers at a
 * time: what is too much of them is 0. */
#ifndef TREADLE_EXPLORE_TRACE_H
#define TREADLE_EXPLORE_TRACE_H

#include "dependence.h"
#include "explore.h"

#define EXPLORE_NONE UINT32_MAX

#define EXPLORE_LANES 8u
typedef int16_t explore_lanes __attribute__((vector_size(2 * EXPLORE_LANES), may_alias));

/* Two events of which the earlier one happens directly before the later one, and which are not
 * ordered otherwise. */
struct explore_race {
    uint32_t earlier, later; /* trace positions */
};

/* Of one event. */
struct explore_event {
    uint64_t place;     /* granule of 8 bytes that it touches, 0: none, or many */
    uint32_t same_place; /* event before it with the same place, or EXPLORE_NONE */
    uint32_t wide_before; /* events before it that touch many places, or need a look each */
    uint32_t choice;    /* choices made before its own (all but EXIT have one) */
    uint32_t race_end;  /* races whose later event is this or an earlier one */
    int16_t index;      /* its goroutine's index-th event, from 1 */
    uint8_t seen;       /* EXPLORE_SEEN_*: of this event or an earlier one */
};

enum {
    EXPLORE_SEEN_WAIT = 1,   /* an event that waits for others */
    EXPLORE_SEEN_ANSWER = 2, /* a data choice */
    EXPLORE_SEEN_AWAIT = 4,  /* a loop has waited for a value */
    EXPLORE_SEEN_STORE = 8,  /* a store was buffered */
    EXPLORE_SEEN_FREE = 16,   /* memory was freed */
};

/* Where an object lies that somebody waits for. */
struct explore_object {
    uint64_t address;
    uint32_t bytes;
};

struct explore_trace {
    uint32_t count;     /* events */
    uint32_t width;     /* goroutines, and as many more as make a multiple of EXPLORE_LANES */
    uint32_t capacity;  /* events that fit */
    bool reuses;        /* freed blocks are handed out again */
    uint8_t seen;       /* EXPLORE_SEEN_*, of all events */
    bool waits;         /* an event waits for others, or a goroutine did not end */
    struct explore_event *events;
    int16_t *clocks;    /* rows: events that happen before it, itself included */
    int16_t *counts;    /* rows, one more than events: events executed before it */
    uint32_t *positions; /* of goroutine g's (n+1)-th event: [n * width + g] */
    uint32_t *wide;      /* positions of events without one place */
    struct explore_object *objects;
    uint32_t object_count;
    struct explore_race *races;
    uint32_t race_capacity;
    int16_t *totals;     /* a row: events in all; the last one of counts */
    int16_t *needed;     /* a row: see explore_find_needed */
    int16_t *scratch;    /* a row */
    uint32_t *order;     /* goroutines in D's order */
    uint32_t order_count;
    struct explore_step *steps; /* the execution's choices */
    uint32_t step_count;
};

static inline int16_t *explore_clock(const struct explore_trace *trace, uint32_t position)
{
    return &trace->clocks[(size_t)position * trace->width];
}

static inline int16_t *explore_counts(const struct explore_trace *trace, uint32_t position)
{
    return &trace->counts[(size_t)position * trace->width];
}

/* Trace position of goroutine g's n-th event, n from 1. */
static inline uint32_t explore_position(const struct explore_trace *trace, uint32_t goroutine,
                                        uint32_t n)
{
    return trace->positions[(size_t)(n - 1) * trace->width + goroutine];
}

/* What the event at position is in the canonical order; of an EXIT, which no choice stands before,
 * it must not be asked. */
static inline enum explore_role explore_role_of(const struct explore_trace *trace,
                                                uint32_t position)
{
    return (enum explore_role)trace->steps[trace->events[position].choice].role;
}

static inline void explore_join(int16_t *row, const int16_t *other, uint32_t width)
{
    uint32_t i = 0;
    do {
        explore_lanes a = *(const explore_lanes *)(row + i);
        explore_lanes b = *(const explore_lanes *)(other + i);
        explore_lanes larger = a > b;
        *(explore_lanes *)(row + i) = (a & larger) | (b & ~larger);
    } while ((i += EXPLORE_LANES) < width);
}

/* Whether every number of a row is at least that of another one. */
static inline bool explore_covers(const int16_t *row, const int16_t *other, uint32_t width)
{
    for (uint32_t i = 0; i < width; i += EXPLORE_LANES) {
        explore_lanes less =
            *(const explore_lanes *)(row + i) < *(const explore_lanes *)(other + i);
        uint64_t words[2];
        _Static_assert(sizeof less == sizeof words, "eight numbers are two words");
        __builtin_memcpy(words, &less, sizeof words);
        if ((words[0] | words[1]) != 0)
            return false;
    }
    return true;
}

static inline void explore_copy(int16_t *row, const int16_t *other, uint32_t width)
{
    uint32_t i = 0;
    do {
        *(explore_lanes *)(row + i) = *(const explore_lanes *)(other + i);
    } while ((i += EXPLORE_LANES) < width);
}

static inline bool explore_within(const struct explore_trace *trace, uint32_t position,
                                  const int16_t *counts)
{
    return trace->events[position].index <= counts[execution.trace[position].goroutine];
}

/* Whether a, which waits in a loop, depends on b by what the loop has read. */
bool explore_await_depends(const struct explore_trace *trace, const struct event *a,
                           uint32_t a_before, const struct event *b);

/* Whether both touch one record (treadle_record), and one writes: its words are one value to the
 * oracle that judges what was read of it. */
bool explore_record_depends(const struct event *a, const struct event *b);

/* Whether an event of one goroutine depends on one of another. A loop that waits reads anew all
 * that it has read: a_before events of its goroutine came before a. */
static inline bool explore_depend(const struct explore_trace *trace, const struct event *a,
                                  uint32_t a_before, const struct event *b, uint32_t b_before)
{
    return dependence_of(a, b, trace->reuses)
           || (execution.record_count > 0 && explore_record_depends(a, b))
           || ((a->await | b->await) != 0
               && (explore_await_depends(trace, a, a_before, b)
                   || explore_await_depends(trace, b, b_before, a)));
}

/* Looks at the execution that has just ended, which began with these steps; what is as in the one
 * before is kept. */
void explore_trace_update(struct explore_trace *trace, const struct explore_step *steps,
                          uint32_t step_count);
void explore_trace_clear(struct explore_trace *trace);

/* What lies at address (up to 8 bytes of it) once the first counts[g] events of each goroutine g
 * have been executed; false if not all of that memory is there then. */
bool explore_memory_after(const struct explore_trace *trace, const int16_t *counts,
                          uint64_t address, uint32_t bytes, uint64_t *ret_value);

/* The same after those of these events that come before `position`, and after all of them and then
 * `key`. */
bool explore_memory_before(const struct explore_trace *trace, uint32_t position,
                           const int16_t *counts, uint64_t address, uint32_t bytes,
                           uint64_t *ret_value);
bool explore_memory_behind(const struct explore_trace *trace, const struct event *key,
                           const int16_t *counts, uint64_t address, uint32_t bytes,
                           uint64_t *ret_value);

/* Whether, once the first counts[g] events of each goroutine g have been executed, this one, which
 * is not among them, could execute. position is its own, or trace->count if it never executed. */
bool explore_can_execute(const struct explore_trace *trace, uint32_t position,
                         const struct event *event, const int16_t *counts);

/* Whether the event at position would do what it is to do: a compare-and-swap writes, a trylock
 * gets the lock; of others that wait whether there is an object. */
bool explore_succeeds(const struct explore_trace *trace, uint32_t position, const int16_t *counts);

/* Whether the event at position, which could execute then, would have to wait behind `key`. */
bool explore_stops(const struct explore_trace *trace, uint32_t position, const struct event *key,
                   const int16_t *counts);

/* The goroutine's event after its first n ones: executed, or what it was waiting with when the
 * execution ended (position trace->count); NULL if it had ended. */
const struct event *explore_next_event(const struct explore_trace *trace, uint32_t goroutine,
                                       uint32_t n, uint32_t *ret_position);

/* What D could do with the goroutine, once these events have been executed: nothing, as it has
 * ended or waits; execute the event that it executed here; or execute one that here came only after
 * others, or never. */
enum explore_next_step {
    EXPLORE_STEP_NONE,
    EXPLORE_STEP_WAITS,
    EXPLORE_STEP_EXECUTES,
    EXPLORE_STEP_OTHERWISE
};
enum explore_next_step explore_next_step(const struct explore_trace *trace, uint32_t goroutine,
                                         int16_t *counts);

/* Takes the event that the goroutine executes next, with those that follow it without a choice;
 * whether one that waited might go on then. And the same without taking it. */
bool explore_take_next(const struct explore_trace *trace, uint32_t goroutine, int16_t *counts);
bool explore_next_lets_go_on(const struct explore_trace *trace, uint32_t goroutine,
                             const int16_t *counts);

/* Finds what every set of events must hold from which the execution goes on by D. Where nothing
 * waits, to hold it is enough. */
void explore_find_needed(struct explore_trace *trace);

/* Whether goroutine a comes before b in D's order, that of spawn paths; a drainer comes directly
 * before its goroutine, so that D lets stores drain at once. */
bool explore_precedes(uint32_t a, uint32_t b);

/* The memory, or new memory (NULL), with room for so many of that size; ends the run if there is
 * none. */
void *explore_room(void *memory, size_t count, size_t size);

/* Whether the execution goes on by D once these events have been executed: counts is a row, a set
 * that with each event holds what happens before it. */
bool explore_goes_on(struct explore_trace *trace, const int16_t *counts);

#endif
