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
#include "pos.h"

static void pos_begin(struct strategy *self, uint64_t seed)
{
    rng_seed(&self->rng, seed);
}

static uint32_t pos_choose(struct strategy *self, enum choice_kind kind,
                           struct goroutine *const *candidates, uint32_t count)
{
    if (kind == CHOICE_DATA)
        return rng_below(&self->rng, count);
    pos_redraw(candidates, count);
    uint32_t best = pos_highest(self, candidates, count);
    pos_executed(candidates, count, best);
    return best;
}

struct strategy strategy_pos(void)
{
    return (struct strategy){ .name = "pos", .begin = pos_begin, .choose = pos_choose };
}
