/* lastzero.c: one goroutine looks for the last zero of an array while N others change it: an
 * access decides whether a later one is made at all. (N + 3) * 2^(N - 2) traces (Abdulla, Aronis,
 * Jonsson, Sagonas: "Optimal Dynamic Partial Order Reduction", POPL 2014: source sets without
 * wakeup trees need twice as many executions). */
#include "treadle.h"

#include <stdatomic.h>

enum { WRITERS_MAX = 18 };

struct lastzero_state {
    _Atomic uint64_t array[WRITERS_MAX + 1];
};

static void *lastzero_setup(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct lastzero_state), "lastzero_state");
}

/* From the top, which is the argument, down to a zero; nobody changes array[0]. */
static void reader(void *state, const void *argument)
{
    struct lastzero_state *lastzero = state;
    uint64_t i = (uint64_t)(uintptr_t)argument;
    while (atomic_load(&lastzero->array[i]) != 0)
        i--;
}

/* Writer j is goroutine j + 1: the reader is the first. */
static void writer(void *state, const void *argument)
{
    struct lastzero_state *lastzero = state;
    uint32_t j = treadle_self() - 1;
    (void)argument;
    atomic_store(&lastzero->array[j], atomic_load(&lastzero->array[j - 1]) + 1);
}

#define LASTZERO(n)                                                                                \
    {                                                                                              \
        .name = "bench/lastzero-" #n,                                                              \
        .description = "one looks for the last zero of an array that " #n " others change",        \
        .setup = lastzero_setup,                                                                   \
        .programs =                                                                                \
            (const struct treadle_program[]){                                                      \
                { "reader", reader, (const void *)n },                                             \
                [1 ... n] = { "writer", writer, NULL },                                            \
            },                                                                                     \
        .program_count = n + 1,                                                                    \
        .private_stacks = true,                                                                    \
    }

static const struct treadle_target targets[] = {
    LASTZERO(5), LASTZERO(10), LASTZERO(12), LASTZERO(15), LASTZERO(18),
};

__attribute__((constructor)) static void lastzero_register(void)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        treadle_register(&targets[i]);
}
