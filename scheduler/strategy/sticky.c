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
    uint32_t last = 0;
    while (last < count && candidates[last] != self->last)
        last++;
    uint32_t index = last;
    if (last == count) {
        index = rng_below(&self->rng, count); /* it waits, or has ended */
    } else if (count > 1 && rng_below(&self->rng, self->parameter) == 0) {
        index = rng_below(&self->rng, count - 1); /* any but the last */
        index += index >= last;
    }
    self->last = candidates[index];
    return index;
}

struct strategy strategy_sticky(uint32_t period)
{
    return (struct strategy){ .name = "sticky",
                              .begin = sticky_begin,
                              .choose = sticky_choose,
                              .forced = true, /* to know who ran alone */
                              .parameter = period == 0 ? STICKY_PERIOD : period };
}
