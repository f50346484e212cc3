/* pos.h: priorities of partial order sampling, for the strategies that build on it (pos.c says what
 * they are). */
#ifndef TREADLE_STRATEGY_POS_H
#define TREADLE_STRATEGY_POS_H

#include "../strategy.h"

#define POS_REDRAW_PERIOD 1024u /* choices */

/* The candidate's priority, drawn now if it was not yet. */
static inline uint64_t pos_priority(struct strategy *self, struct goroutine *candidate)
{
    if (candidate->priority == 0)
        candidate->priority = rng_next(&self->rng) | 1;
    return candidate->priority;
}

/* Lets all draw anew, now and then. */
static inline void pos_redraw(struct goroutine *const *candidates, uint32_t count)
{
    if (execution.choice_count % POS_REDRAW_PERIOD == POS_REDRAW_PERIOD - 1)
        for (uint32_t i = 0; i < count; i++)
            candidates[i]->priority = 0;
}

/* The candidate with the highest priority; the first of equals (2^-64). */
static inline uint32_t pos_highest(struct strategy *self, struct goroutine *const *candidates,
                                   uint32_t count)
{
    uint32_t best = 0;
    uint64_t best_priority = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t priority = pos_priority(self, candidates[i]);
        if (priority > best_priority) {
            best_priority = priority;
            best = i;
        }
    }
    return best;
}

/* Lets those draw anew whose pending events race with the one that is executed. */
static inline void pos_executed(struct goroutine *const *candidates, uint32_t count,
                                uint32_t picked)
{
    const struct event *executed = &candidates[picked]->pending;
    for (uint32_t i = 0; i < count; i++)
        if (i != picked && event_conflicts(executed, &candidates[i]->pending))
            candidates[i]->priority = 0;
}

#endif
