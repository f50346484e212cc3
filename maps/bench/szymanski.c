/* szymanski.c: Szymanski's mutual exclusion for two goroutines (Szymanski: "A Simple Solution to
 * Lamport's Concurrent Programming Problem with Linear Wait", 1988): a waiting room with two
 * doors. Each goroutine tells where it stands in one variable. */
#include "bench/mutual_exclusion.h"

enum {
    OUTSIDE,
    AT_DOOR,      /* wants to enter the waiting room */
    WAITS_INSIDE, /* in the waiting room, for the other that is still at the door */
    IN_DOOR,      /* on the way into the waiting room */
    DOOR_CLOSED,  /* behind it: nobody enters the waiting room any more */
};

struct szymanski {
    _Atomic uint64_t place[2];
    _Atomic uint64_t inside;
};

static bool in_waiting_room(uint64_t place)
{
    return place == WAITS_INSIDE || place == IN_DOOR;
}

static void enter_once(void *state, const void *fenced)
{
    struct szymanski *szymanski = state;
    uint32_t self = SELF, other = OTHER;
    STORE(szymanski->place[self], AT_DOOR);
    FENCE(fenced);
    while (LOAD(szymanski->place[other]) >= IN_DOOR)
        ;
    STORE(szymanski->place[self], IN_DOOR);
    FENCE(fenced);
    if (LOAD(szymanski->place[other]) == AT_DOOR) {
        STORE(szymanski->place[self], WAITS_INSIDE);
        FENCE(fenced);
        while (LOAD(szymanski->place[other]) != DOOR_CLOSED)
            ;
    }
    STORE(szymanski->place[self], DOOR_CLOSED);
    FENCE(fenced);
    while (self == 1 && LOAD(szymanski->place[other]) > AT_DOOR)
        ;
    CRITICAL_SECTION(szymanski->inside, fenced);
    while (self == 0 && in_waiting_room(LOAD(szymanski->place[other])))
        ; /* until the other has seen that the door is closed */
    STORE(szymanski->place[self], OUTSIDE);
}

MUTUAL_EXCLUSION("szymanski", "Szymanski's mutual exclusion", enter_once, szymanski)
