/* explore_trace.h: what exploration knows of the last execution: its happens-before order and its
 * races. Inside the engine. Clocks and counts are rows of `width` numbers, one per goroutine:
 * number n of goroutine g stands for its first n events. */
#ifndef TREADLE_EXPLORE_TRACE_H
#define TREADLE_EXPLORE_TRACE_H

#include "explore.h"

#define EXPLORE_NONE UINT32_MAX

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
    uint16_t index;     /* its goroutine's index-th event, from 1 */
    uint8_t role;       /* enum explore_role */
};

struct explore_trace {
    uint32_t count;     /* events */
    uint32_t width;     /* goroutines */
    uint32_t capacity;  /* events that fit */
    bool reuses;        /* freed blocks are handed out again */
    bool waits;         /* an event waits for others, or a goroutine did not end */
    struct explore_event *events;
    uint16_t *clocks;   /* rows: events that happen before it, itself included */
    uint16_t *counts;   /* rows: events that were executed before it */
    uint32_t *positions; /* of goroutine g's (n+1)-th event: [n * width + g] */
    uint32_t *wide;      /* positions of events without one place */
    struct explore_race *races;
    uint32_t race_capacity;
    uint16_t *totals;    /* a row: events in all */
    uint16_t *needed;    /* a row: see explore_find_needed */
    uint16_t *scratch;   /* a row */
    uint32_t *order;     /* goroutines in D's order */
    uint32_t *choices;   /* choice_count words: the execution's, to find what stayed the same */
    uint32_t choice_count;
};

static inline uint16_t *explore_clock(const struct explore_trace *trace, uint32_t position)
{
    return &trace->clocks[(size_t)position * trace->width];
}

static inline uint16_t *explore_counts(const struct explore_trace *trace, uint32_t position)
{
    return &trace->counts[(size_t)position * trace->width];
}

/* Trace position of goroutine g's n-th event, n from 1. */
static inline uint32_t explore_position(const struct explore_trace *trace, uint32_t goroutine,
                                        uint32_t n)
{
    return trace->positions[(size_t)(n - 1) * trace->width + goroutine];
}

static inline bool explore_within(const struct explore_trace *trace, uint32_t position,
                                  const uint16_t *counts)
{
    return trace->events[position].index <= counts[execution.trace[position].goroutine];
}

/* Looks at the execution that has just ended; what is as in the one before is kept. Roles of its
 * events are those of the first step_count choices, else DEFAULT. */
void explore_trace_update(struct explore_trace *trace, const struct explore_step *steps,
                          uint32_t step_count);
void explore_trace_clear(struct explore_trace *trace);

/* Whether, once the first counts[g] events of each goroutine g have been executed, this one, which
 * is not among them, could execute. position is its own, or trace->count if it never executed. */
bool explore_can_execute(const struct explore_trace *trace, uint32_t position,
                         const struct event *event, const uint16_t *counts);

/* Whether the trylock at position would get the lock then. */
bool explore_trylock_succeeds(const struct explore_trace *trace, uint32_t position,
                              const uint16_t *counts);

/* The goroutine's event after its first n ones: executed, or what it was waiting with when the
 * execution ended (position trace->count); NULL if it had ended. */
const struct event *explore_next_event(const struct explore_trace *trace, uint32_t goroutine,
                                       uint32_t n, uint32_t *ret_position);

/* Finds what every set of events must hold from which the execution goes on by D. Where nothing
 * waits, to hold it is enough. */
void explore_find_needed(struct explore_trace *trace);

/* Whether goroutine a comes before b in D's order, that of spawn paths. */
bool explore_precedes(uint32_t a, uint32_t b);

/* Whether the execution goes on by D once these events have been executed: counts is a row, a set
 * that with each event holds what happens before it. */
bool explore_goes_on(struct explore_trace *trace, const uint16_t *counts);

#endif
