/* bench.c: small classics that measure the engine, in the shapes that other tools publish figures
 * for. Nothing is wrong with them: losing a count in counter-2x4 is what they may do. */
#include "treadle.h"

#include <stdatomic.h>

struct bench_state {
    _Atomic uint64_t a;
    _Atomic uint64_t b;
};

static void *bench_setup(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct bench_state), "bench_state");
}

static void counter(void *state, const void *argument)
{
    struct bench_state *bench = state;
    (void)argument;
    for (int round = 0; round < 4; round++)
        atomic_store(&bench->a, atomic_load(&bench->a) + 1);
}

static void atomics(void *state, const void *argument)
{
    struct bench_state *bench = state;
    (void)argument;
    uint64_t seen = atomic_load(&bench->a);
    atomic_store(&bench->b, seen + 1);
    atomic_fetch_add(&bench->a, 1);
    (void)atomic_load(&bench->b);
}

static void fetchadd(void *state, const void *argument)
{
    struct bench_state *bench = state;
    (void)argument;
    for (int round = 0; round < 50; round++)
        atomic_fetch_add(&bench->a, 1);
}

static const struct treadle_program counter_programs[] = {
    { "counter", counter, NULL },
    { "counter", counter, NULL },
};

static const struct treadle_program atomics_programs[] = {
    { "worker", atomics, NULL },
    { "worker", atomics, NULL },
    { "worker", atomics, NULL },
};

static const struct treadle_program fetchadd_programs[] = {
    { "adder", fetchadd, NULL },
    { "adder", fetchadd, NULL },
};

static const struct treadle_target targets[] = {
    {
        .name = "bench/counter-2x4",
        .description = "2 goroutines, 4 rounds of load and store of one atomic",
        .setup = bench_setup,
        .programs = counter_programs,
        .program_count = 2,
        .private_stacks = true,
    },
    {
        .name = "bench/atomics-3x4",
        .description = "3 goroutines: load, store, fetch_add, load on two atomics",
        .setup = bench_setup,
        .programs = atomics_programs,
        .program_count = 3,
        .private_stacks = true,
    },
    {
        .name = "bench/fetchadd-2x50",
        .description = "2 goroutines, 50 fetch_add each of one atomic",
        .setup = bench_setup,
        .programs = fetchadd_programs,
        .program_count = 2,
        .private_stacks = true,
    },
};

__attribute__((constructor)) static void bench_register(void)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        treadle_register(&targets[i]);
}
