/* peterson.c: Peterson's mutual exclusion (Peterson: "Myths About the Mutual Exclusion Problem",
 * 1981). Who wants in says so, then lets the other go first. The order of these two stores matters
 * as well: hence a fence between them. */
#include "bench/mutual_exclusion.h"

struct peterson {
    _Atomic uint64_t wants[2];
    _Atomic uint64_t turn;
    _Atomic uint64_t inside;
};

static void enter_once(void *state, const void *fenced)
{
    struct peterson *peterson = state;
    uint32_t self = SELF, other = OTHER;
    STORE(peterson->wants[self], 1);
    FENCE(fenced);
    STORE(peterson->turn, other);
    FENCE(fenced);
    while (LOAD(peterson->wants[other]) != 0 && LOAD(peterson->turn) == other)
        ;
    CRITICAL_SECTION(peterson->inside, fenced);
    STORE(peterson->wants[self], 0);
}

MUTUAL_EXCLUSION("peterson", "Peterson's mutual exclusion", enter_once, peterson)
