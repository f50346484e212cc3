/* readers.c: one goroutine writes a variable that N others read. Reads commute, so that each comes
 * before or after the write and nothing else matters: 2^N traces (Abdulla, Aronis, Jonsson,
 * Sagonas: "Optimal Dynamic Partial Order Reduction", POPL 2014). */
#include "treadle.h"

#include <stdatomic.h>

enum { READERS_MAX = 13 };

struct readers_state {
    _Atomic uint64_t variable;
};

static void *readers_setup(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct readers_state), "readers_state");
}

static void writer(void *state, const void *argument)
{
    struct readers_state *readers = state;
    (void)argument;
    atomic_store(&readers->variable, 1);
}

static void reader(void *state, const void *argument)
{
    struct readers_state *readers = state;
    (void)argument;
    (void)atomic_load(&readers->variable);
}

static const struct treadle_program programs[] = {
    { "writer", writer, NULL },
    [1 ... READERS_MAX] = { "reader", reader, NULL },
};

#define READERS(n)                                                                                 \
    {                                                                                              \
        .name = "bench/readers-" #n,                                                               \
        .description = "one writer and " #n " readers of one variable",                            \
        .setup = readers_setup,                                                                    \
        .programs = programs,                                                                      \
        .program_count = n + 1,                                                                    \
        .private_stacks = true,                                                                    \
    }

static const struct treadle_target targets[] = {
    READERS(2), READERS(3), READERS(4),  READERS(5),  READERS(6),  READERS(7),
    READERS(8), READERS(9), READERS(10), READERS(11), READERS(12), READERS(13),
};

__attribute__((constructor)) static void readers_register(void)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        treadle_register(&targets[i]);
}
