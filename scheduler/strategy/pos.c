/* pos.c: partial order sampling (Yuan, Yang, Gu: "Partial Order Aware Concurrency Sampling",
 * CAV 2018). Every pending event has a random priority, drawn when it appears; the highest runs;
 * after an event the pending events that race with it draw anew. So every partial order has a
 * fair chance, however long the goroutines between their conflicts are.
 *
 * Deviation: now and then every pending event draws anew. As published, a goroutine that spins
 * draws for each of its loads, while the one that it waits for keeps a low priority drawn once:
 * one in n such loops would go on for n rounds.
 *
 * priority 0 means "not drawn yet": the engine sets it when a goroutine announces an event. */
#include "../strategy.h"

#define REDRAW_PERIOD 1024u /* choices */

static void pos_begin(struct strategy *self, uint64_t seed)
{
    rng_seed(&self->rng, seed);
}

/* The candidate with the highest priority; the first of equals (2^-64). */
static uint32_t pos_highest(struct strategy *self, struct goroutine *const *candidates,
                            uint32_t count)
{
    uint32_t best = 0;
    uint64_t best_priority = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct goroutine *candidate = candidates[i];
        if (candidate->priority == 0)
            candidate->priority = rng_next(&self->rng) | 1;
        if (candidate->priority > best_priority) {
            best_priority = candidate->priority;
            best = i;
        }
    }
    return best;
}

static uint32_t pos_choose(struct strategy *self, enum choice_kind kind,
                           struct goroutine *const *candidates, uint32_t count)
{
    if (kind == CHOICE_DATA)
        return rng_below(&self->rng, count);
    if (execution.choice_count % REDRAW_PERIOD == REDRAW_PERIOD - 1)
        for (uint32_t i = 0; i < count; i++)
            candidates[i]->priority = 0;
    uint32_t best = pos_highest(self, candidates, count);
    const struct event *executed = &candidates[best]->pending;
    for (uint32_t i = 0; i < count; i++)
        if (i != best && event_conflicts(executed, &candidates[i]->pending))
            candidates[i]->priority = 0;
    return best;
}

struct strategy strategy_pos(void)
{
    return (struct strategy){ .name = "pos", .begin = pos_begin, .choose = pos_choose };
}
