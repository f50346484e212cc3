/* random.c: uniform at each step. The plain random walk: every candidate is as likely as any other
 * before every event. Good where two goroutines must meet in a narrow window at like depth, poor
 * where one must run far ahead of the other. */
#include "../strategy.h"

static void random_begin(struct strategy *self, uint64_t seed)
{
    rng_seed(&self->rng, seed);
}

static uint32_t random_choose(struct strategy *self, enum choice_kind kind,
                              struct goroutine *const *candidates, uint32_t count)
{
    (void)kind;
    (void)candidates;
    return rng_below(&self->rng, count);
}

struct strategy strategy_random(void)
{
    return (struct strategy){ .name = "random", .begin = random_begin, .choose = random_choose };
}
