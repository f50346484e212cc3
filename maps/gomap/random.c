/* random.c: the random generator that maps draw from. INSTRUMENTED. Ports fastrand and fastrand64
 * of Go 1.19's runtime/stubs.go (a wyrand). There each M has its own state; here all goroutines
 * share one, so that a draw must be a single atomic step. */
#include "gomap/map.h"

#define WYRAND_STEP UINT64_C(0xa0761d6478bd642f)
#define WYRAND_MASK UINT64_C(0xe7037ed1a0b428db)

uint64_t map_fastrand64(const struct map_type *t)
{
    struct map_random *random = map_type_random(t);
    uint64_t state = __atomic_fetch_add(&random->state, WYRAND_STEP, __ATOMIC_RELAXED);
    state += WYRAND_STEP;
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)state * (state ^ WYRAND_MASK);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

uint32_t map_fastrand(const struct map_type *t)
{
    return (uint32_t)map_fastrand64(t);
}
