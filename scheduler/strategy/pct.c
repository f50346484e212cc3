/* pct.c: probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS
 * 2010). Goroutines have random priorities, all different; the highest that can goes on. At each of
 * depth - 1 steps drawn in advance whoever is about to execute falls below all others. A bug that
 * depth orderings between n goroutines show is found in an execution of k steps with a chance of at
 * least 1 / (n k^(depth - 1)).
 *
 * Deviation: k is not known, and an execution must not depend on those before. So k is drawn, too:
 * a power of two up to 4,096, each as likely. That costs a factor of about the number of powers.
 * And who yields falls back, and whoever is highest does now and then: a goroutine that spins would
 * starve the one that it waits for. */
#include "../strategy.h"

#include <string.h>

#define DEPTH 3u
#define STEPS_LOG_MIN 4u
#define STEPS_LOG_MAX 12u
#define SPIN_STEPS 4096u

static void pct_begin(struct strategy *self, uint64_t seed)
{
    rng_seed(&self->rng, seed);
    uint32_t logs = STEPS_LOG_MAX - STEPS_LOG_MIN + 1;
    uint32_t steps = 1u << (STEPS_LOG_MIN + rng_below(&self->rng, logs));
    memset(&self->pct, 0, sizeof self->pct);
    self->pct.seed = rng_next(&self->rng);
    self->pct.change_count = self->parameter - 1;
    for (uint32_t i = 0; i < self->pct.change_count; i++)
        self->pct.changes[i] = 1 + rng_below(&self->rng, steps);
}

/* Priorities of goroutines are pure functions of the execution's seed and their ids; one that has
 * fallen has a lower one, the later the lower. */
static uint64_t pct_priority(const struct strategy *self, const struct goroutine *goroutine)
{
    for (uint32_t i = self->pct.fallen_count; i-- > 0;)
        if (self->pct.fallen[i] == goroutine->id)
            return self->pct.fallen_count - i;
    return rng_mix(self->pct.seed ^ rng_mix(goroutine->id + UINT64_C(1))) | UINT64_C(1) << 63;
}

static uint32_t pct_highest(const struct strategy *self, struct goroutine *const *candidates,
                            uint32_t count)
{
    uint32_t best = 0;
    uint64_t best_priority = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t priority = pct_priority(self, candidates[i]);
        if (priority > best_priority) {
            best_priority = priority;
            best = i;
        }
    }
    return best;
}

static void pct_fall(struct strategy *self, const struct goroutine *goroutine)
{
    uint32_t count = self->pct.fallen_count;
    if (count == PCT_FALLEN_MAX) {
        memmove(self->pct.fallen, self->pct.fallen + 1, (count - 1) * sizeof self->pct.fallen[0]);
        count--;
    }
    self->pct.fallen[count] = (uint16_t)goroutine->id;
    self->pct.fallen_count = count + 1;
}

static uint32_t pct_choose(struct strategy *self, enum choice_kind kind,
                           struct goroutine *const *candidates, uint32_t count)
{
    if (kind == CHOICE_DATA)
        return rng_below(&self->rng, count);
    uint32_t step = ++self->pct.step;
    uint32_t best = pct_highest(self, candidates, count);
    bool falls = step % SPIN_STEPS == 0 || candidates[best]->pending.kind == EVENT_YIELD;
    for (uint32_t i = 0; i < self->pct.change_count; i++)
        falls |= self->pct.changes[i] == step;
    if (!falls)
        return best;
    pct_fall(self, candidates[best]);
    return pct_highest(self, candidates, count);
}

struct strategy strategy_pct(uint32_t depth)
{
    return (struct strategy){ .name = "pct",
                              .begin = pct_begin,
                              .choose = pct_choose,
                              .parameter = depth == 0               ? DEPTH
                                           : depth > PCT_DEPTH_MAX ? PCT_DEPTH_MAX
                                                                   : depth };
}
