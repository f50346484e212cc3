/* bakery.c: Lamport's bakery for two goroutines (Lamport: "A New Solution of Dijkstra's Concurrent
 * Programming Problem", 1974). Each draws a number above the other's; the lower one goes first. */
#include "bench/mutual_exclusion.h"

struct bakery {
    _Atomic uint64_t draws[2];
    _Atomic uint64_t number[2]; /* 0 = does not want in */
    _Atomic uint64_t inside;
};

static void enter_once(void *state, const void *fenced)
{
    struct bakery *bakery = state;
    uint32_t self = SELF, other = OTHER;
    STORE(bakery->draws[self], 1);
    FENCE(fenced);
    uint64_t number = LOAD(bakery->number[other]) + 1;
    STORE(bakery->number[self], number);
    FENCE(fenced);
    STORE(bakery->draws[self], 0);
    FENCE(fenced);
    while (LOAD(bakery->draws[other]) != 0)
        ;
    for (uint64_t others; (others = LOAD(bakery->number[other])) != 0;)
        if (others > number || (others == number && other > self))
            break;
    CRITICAL_SECTION(bakery->inside, fenced);
    STORE(bakery->number[self], 0);
}

MUTUAL_EXCLUSION("bakery", "Lamport's bakery", enter_once, bakery)
