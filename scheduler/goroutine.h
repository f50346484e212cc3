/* goroutine.h: what the scheduler knows of each goroutine of the current execution.
 *
 * Invariants while the scheduler chooses: a READY goroutine stands in scheduler.candidates, which
 * is sorted by id; a BLOCKED one has a pending synchronisation event that cannot execute now; a
 * DONE one runs no more; an ENDED one neither (scheduler_options.exploring). Exactly the goroutines
 * scheduler.goroutine_first .. scheduler.goroutine_count - 1 exist: 0 is the main of a whole
 * program, else set-up and final check, and then the first is 1. Drainers (store_buffer.h) are
 * goroutines without a fiber, from id scheduler.drainer_base on; their parent is the goroutine
 * whose stores they drain; a DONE one has nothing to drain at present. */
#ifndef TREADLE_GOROUTINE_H
#define TREADLE_GOROUTINE_H

#include "event.h"
#include "fiber.h"
#include "treadle.h"

#define GOROUTINES_MAX FIBER_COUNT_MAX
#define DRAINERS_MAX 8192u

enum goroutine_state { GOROUTINE_READY, GOROUTINE_BLOCKED, GOROUTINE_DONE, GOROUTINE_ENDED };

/* What a goroutine that only reads has read, newest last; and its state at one of the reads. */
#define AWAIT_READS_MAX 32u
struct await {
    uint32_t count; /* reads in a row, as far as they fit: at least the last AWAIT_READS_MAX / 2 */
    uint32_t positions[AWAIT_READS_MAX];
    uint32_t armed_position; /* before the event here ... */
    uint64_t armed_state[2]; /* ... this was its state: registers and stack */
    bool armed;
    bool woken; /* its pending event waits no more */
};

struct goroutine {
    struct event pending; /* announced, not yet executed */
    struct fiber fiber;
    uint64_t priority;          /* a strategy's word; 0 whenever a new event is announced */
    struct event *uncommitted;  /* a plain write picked but perhaps not yet executed, or NULL */
    uint32_t event_count;       /* events executed */
    uint32_t allocation_count;  /* blocks allocated */
    uint64_t heap_used;         /* bytes of its sub-arena in use */
    uint32_t operation;         /* its open operation's number + 1; 0 = none */
    enum goroutine_state state;
    uint32_t id;
    uint32_t parent;      /* spawn path: the parent's */
    uint32_t child_index; /* child_index-th child, from 1 */
    uint32_t child_count;
    enum treadle_verdict end_verdict; /* ENDED: with which it ends the program, */
    const char *end_rule;             /* and the event that shows it */
    uint32_t end_event;
    struct await await;
    const char *role; /* NULL for one made by treadle_go */
    void (*run)(void *state, const void *argument);
    void *state_argument;
    const void *argument;
};

#endif
