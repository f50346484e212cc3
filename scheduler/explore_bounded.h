/* explore_bounded.h: exploration of all schedules with few preemptions. Inside the engine.
 *
 * A *preemption* takes the turn from a goroutine that could go on; what a store buffer does in
 * between is none, and takes nobody's turn. Most bugs need one or two
 * (Musuvathi, Qadeer, PLDI 2007: iterative context bounding), and there are far fewer such
 * schedules than others. All of them are gone through, depth first; what begins alike up to
 * equivalence (the same partial order of the same events) and goes on with the same goroutine is
 * looked at once, as long as the table of what has been seen has room (happens-before caching, as
 * in CHESS: Musuvathi et al., OSDI 2008). So every equivalence class that has a linearisation with
 * at most so many preemptions is executed; some more than once.
 *
 * Moreover a goroutine that lost its turn *sleeps* until something is executed that its next event
 * depends on: to let it go on before would be the same as if that event had been executed before
 * the turn was lost, with no more preemptions. (But for events that let others go on: where those
 * were blocked, it cost nothing to leave them.) What is known of a state holds only for those who
 * come there with the same goroutines asleep, or more. (Sleep sets: Godefroid, LNCS 1032; that
 * partial-order reduction must not move preemptions: Coons, Musuvathi, McKinley, OOPSLA 2013.) */
#ifndef TREADLE_EXPLORE_BOUNDED_H
#define TREADLE_EXPLORE_BOUNDED_H

#include "explore_reverse.h"

/* Who could execute at each choice of an execution. */
struct explore_candidates {
    uint16_t *ids;   /* of all choices, one behind the other; data choices: how many answers */
    uint32_t *ends;  /* of each choice, in ids */
    uint32_t id_count, id_capacity;
    uint32_t choice_count, choice_capacity;
};

struct explore_bounded {
    uint32_t preemptions; /* at most */
    bool limited;         /* a schedule was left out because of that */
    struct explore_candidates candidates; /* of the last execution */
    struct explore_class class;           /* its own */
    struct event *next_events;            /* of those who sleep, by id */
    uint64_t *names; /* of its goroutines and drainers: by spawn path, as ids depend on the order */
    uint32_t name_capacity;
    struct bounded_seen *seen;
};

/* Notes the candidates of the choice that comes next. */
void explore_candidates_note(struct explore_candidates *candidates, enum choice_kind kind,
                             struct goroutine *const *goroutines, uint32_t count);

/* Finds what is to be executed beside the execution that trace was made of, whose first step_count
 * choices were given, with `used` preemptions among them. A child's `pending` is the number of
 * preemptions in its steps. */
void explore_bounded_children(struct explore_bounded *bounded, const struct explore_trace *trace,
                              uint32_t step_count, uint32_t used,
                              struct explore_children *children);

/* How many preemptions the execution that has just ended has, whose candidates those are. */
uint32_t explore_candidates_preemptions(const struct explore_candidates *candidates);
void explore_candidates_clear(struct explore_candidates *candidates);

void explore_bounded_clear(struct explore_bounded *bounded);

#endif
