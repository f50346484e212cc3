/* mutual_exclusion.h: what the algorithms for two goroutines that share nothing but variables have
 * in common (dekker.c, peterson.c, szymanski.c, bakery.c): each enters its critical section once.
 *
 * All are right where every access takes effect at once, and all rely on seeing the other's store
 * when the own one has been seen: a store buffer breaks them. So there is each once as it stands
 * and once with fences, which hold under TSO and PSO. */
#ifndef BENCH_MUTUAL_EXCLUSION_H
#define BENCH_MUTUAL_EXCLUSION_H

#include "treadle.h"

#include "bench/relaxed.h"

/* The critical section: asserts that the other is not in it. With fences nothing of it leaves it,
 * under any memory model. */
#define CRITICAL_SECTION(inside, fenced)                                                           \
    do {                                                                                           \
        FENCE(fenced);                                                                             \
        treadle_assert(LOAD(inside) == 0, "one goroutine at a time in the critical section");      \
        STORE(inside, 1);                                                                          \
        STORE(inside, 0);                                                                          \
        FENCE(fenced);                                                                             \
    } while (false)

/* The running goroutine, and the other, from 0. */
#define SELF (treadle_self() - 1)
#define OTHER (2 - treadle_self())

/* Targets bench/mutex-NAME and bench/mutex-NAME-fence: two goroutines run this function on a state
 * of this struct, zeroed. */
#define MUTUAL_EXCLUSION(algorithm, text, function, state)                                         \
    static void *mutual_exclusion_setup(const void *argument)                                      \
    {                                                                                              \
        (void)argument;                                                                            \
        return treadle_alloc(sizeof(struct state), #state);                                        \
    }                                                                                              \
    static const struct treadle_program programs[] = {                                             \
        { "first", function, UNFENCED },                                                           \
        { "second", function, UNFENCED },                                                          \
    };                                                                                             \
    static const struct treadle_program fenced_programs[] = {                                      \
        { "first", function, FENCED },                                                             \
        { "second", function, FENCED },                                                            \
    };                                                                                             \
    static const struct treadle_target target = {                                                  \
        .name = "bench/mutex-" algorithm,                                                          \
        .description = text ", relaxed accesses",                                                  \
        .setup = mutual_exclusion_setup,                                                           \
        .programs = programs,                                                                      \
        .program_count = 2,                                                                        \
        .private_stacks = true,                                                                    \
    };                                                                                             \
    static const struct treadle_target fenced_target = {                                           \
        .name = "bench/mutex-" algorithm "-fence",                                                 \
        .description = text ", with fences",                                                       \
        .setup = mutual_exclusion_setup,                                                           \
        .programs = fenced_programs,                                                               \
        .program_count = 2,                                                                        \
        .private_stacks = true,                                                                    \
    };                                                                                             \
    __attribute__((constructor)) static void mutual_exclusion_register(void)                       \
    {                                                                                              \
        treadle_register(&target);                                                                 \
        treadle_register(&fenced_target);                                                          \
    }

#endif
