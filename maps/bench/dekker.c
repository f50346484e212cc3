/* dekker.c: Dekker's mutual exclusion (Dijkstra: "Cooperating Sequential Processes", 1965). Who
 * wants in says so and looks; if both want, the one whose turn it is not withdraws until it is. */
#include "bench/mutual_exclusion.h"

struct dekker {
    _Atomic uint64_t wants[2];
    _Atomic uint64_t turn;
    _Atomic uint64_t inside;
};

static void enter_once(void *state, const void *fenced)
{
    struct dekker *dekker = state;
    uint32_t self = SELF, other = OTHER;
    STORE(dekker->wants[self], 1);
    FENCE(fenced);
    while (LOAD(dekker->wants[other]) != 0) {
        if (LOAD(dekker->turn) == self)
            continue;
        STORE(dekker->wants[self], 0);
        while (LOAD(dekker->turn) != self)
            ;
        STORE(dekker->wants[self], 1);
        FENCE(fenced);
    }
    CRITICAL_SECTION(dekker->inside, fenced);
    STORE(dekker->turn, other);
    STORE(dekker->wants[self], 0);
}

MUTUAL_EXCLUSION("dekker", "Dekker's mutual exclusion", enter_once, dekker)
