/* rng.h: the pseudo-random numbers of strategies: splitmix64 (Steele, Lea, Flood, OOPSLA 2014). The
 * same seed gives the same numbers everywhere. */
#ifndef TREADLE_RNG_H
#define TREADLE_RNG_H

#include <stdint.h>

/* next is drawn ahead of its use: a choice waits for the number's load only, not for its
 * multiplications. */
struct rng {
    uint64_t state, next;
};

static inline uint64_t rng_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t number = rng->next;
    rng->state += UINT64_C(0x9e3779b97f4a7c15);
    rng->next = rng_mix(rng->state);
    return number;
}

static inline void rng_seed(struct rng *rng, uint64_t seed)
{
    rng->state = seed;
    rng_next(rng);
}

/* A number below count (1 <= count <= 2^32): the high word of a product, whose bias of
 * count / 2^32 matters to no search. */
static inline uint32_t rng_below(struct rng *rng, uint32_t count)
{
    return (uint32_t)(((rng_next(rng) >> 32) * count) >> 32);
}

#endif
