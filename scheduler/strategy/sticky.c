/* sticky.c: stays with the running goroutine and leaves it with a small probability before each
 * event. A random walk whose runs are as long as a real scheduler's slices: it reaches what needs
 * one goroutine to stop at one place while another does all its work. */
#include "../strategy.h"

#define STICKY_PERIOD 32

static void sticky_begin(struct strategy *self, uint64_t seed)
{
    rng_seed(&self->rng, seed);
    self->last = NULL;
}

static uint32_t sticky_choose(struct strategy *self, enum choice_kind kind,
                              struct goroutine *const *candidates, uint32_t count)
{
    if (kind == CHOICE_DATA)
        return rng_below(&self->rng, count);
    bool stay = self->last != NULL && rng_below(&self->rng, self->parameter) != 0;
    for (uint32_t i = 0; stay && i < count; i++)
        if (candidates[i] == self->last)
            return i;
    uint32_t index = rng_below(&self->rng, count);
    self->last = candidates[index];
    return index;
}

struct strategy strategy_sticky(uint32_t period)
{
    return (struct strategy){ .name = "sticky",
                              .begin = sticky_begin,
                              .choose = sticky_choose,
                              .parameter = period == 0 ? STICKY_PERIOD : period };
}
