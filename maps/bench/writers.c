/* writers.c: N goroutines write one variable. No two writes commute: N! traces. */
#include "treadle.h"

#include <stdatomic.h>

enum { WRITERS_MAX = 7 };

struct writers_state {
    _Atomic uint64_t variable;
};

static void *writers_setup(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct writers_state), "writers_state");
}

static void writer(void *state, const void *argument)
{
    struct writers_state *writers = state;
    (void)argument;
    atomic_store(&writers->variable, treadle_self());
}

static const struct treadle_program programs[] = {
    [0 ... WRITERS_MAX - 1] = { "writer", writer, NULL },
};

#define WRITERS(n)                                                                                 \
    {                                                                                              \
        .name = "bench/writers-" #n,                                                               \
        .description = #n " writers of one variable",                                              \
        .setup = writers_setup,                                                                    \
        .programs = programs,                                                                      \
        .program_count = n,                                                                        \
        .private_stacks = true,                                                                    \
    }

static const struct treadle_target targets[] = {
    WRITERS(2), WRITERS(3), WRITERS(4), WRITERS(5), WRITERS(6), WRITERS(7),
};

__attribute__((constructor)) static void writers_register(void)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        treadle_register(&targets[i]);
}
