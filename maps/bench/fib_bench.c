/* fib_bench.c: two goroutines add two variables to one another, and a third looks on: nearly every
 * event conflicts with nearly all of the others. After fib_bench of the software verification
 * competition (SV-COMP), whose main waits for the two; here it does not, and asserts nothing. */
#include "treadle.h"

#include <stdatomic.h>

struct fib_bench_state {
    _Atomic uint64_t i;
    _Atomic uint64_t j;
};

static void *fib_bench_setup(const void *argument)
{
    struct fib_bench_state *fib = treadle_alloc(sizeof(*fib), "fib_bench_state");
    (void)argument;
    atomic_store(&fib->i, 1);
    atomic_store(&fib->j, 1);
    return fib;
}

/* The rounds are the argument; the order of the loads is part of the bench. */
static void add_to_i(void *state, const void *argument)
{
    struct fib_bench_state *fib = state;
    for (uint64_t round = 0; round < (uint64_t)(uintptr_t)argument; round++) {
        uint64_t i = atomic_load(&fib->i);
        uint64_t j = atomic_load(&fib->j);
        atomic_store(&fib->i, i + j);
    }
}

static void add_to_j(void *state, const void *argument)
{
    struct fib_bench_state *fib = state;
    for (uint64_t round = 0; round < (uint64_t)(uintptr_t)argument; round++) {
        uint64_t j = atomic_load(&fib->j);
        uint64_t i = atomic_load(&fib->i);
        atomic_store(&fib->j, j + i);
    }
}

static void look(void *state, const void *argument)
{
    struct fib_bench_state *fib = state;
    (void)argument;
    (void)atomic_load(&fib->i);
    (void)atomic_load(&fib->j);
}

#define FIB_BENCH(n)                                                                               \
    {                                                                                              \
        .name = "bench/fib_bench-" #n,                                                             \
        .description = "i += j against j += i, " #n " times each, and a third that reads both",    \
        .setup = fib_bench_setup,                                                                  \
        .programs =                                                                                \
            (const struct treadle_program[]){                                                      \
                { "adder to i", add_to_i, (const void *)n },                                       \
                { "adder to j", add_to_j, (const void *)n },                                       \
                { "main", look, NULL },                                                            \
            },                                                                                     \
        .program_count = 3,                                                                        \
        .private_stacks = true,                                                                    \
    }

static const struct treadle_target targets[] = {
    FIB_BENCH(2), FIB_BENCH(3), FIB_BENCH(4), FIB_BENCH(5),
};

__attribute__((constructor)) static void fib_bench_register(void)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        treadle_register(&targets[i]);
}
