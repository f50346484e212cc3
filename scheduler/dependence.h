/* dependence.h: which events of two goroutines do not commute, and which wait. Two executions are
 * equivalent (the same Mazurkiewicz trace) iff they order all such pairs alike.
 *
 * All of it follows from what is known of a pending event, but for one thing: a compare-and-swap or
 * trylock that fails is a read. Where two accesses overlap without being of the same bytes, one that
 * fails counts as a write all the same: so whether two events depend on each other never hangs on
 * the value of a third. */
#ifndef TREADLE_DEPENDENCE_H
#define TREADLE_DEPENDENCE_H

#include "event.h"

/* Whether two events of different goroutines depend on each other. reuses: freed blocks are handed
 * out again, so allocations of one size depend on each other, and on accesses to such blocks. */
bool dependence_of(const struct event *a, const struct event *b, bool reuses);

/* Whether an event of this kind waits for others (lock, join, ...). */
static inline bool dependence_waits(enum event_kind kind)
{
    const uint32_t waiting = UINT32_C(1) << EVENT_LOCK | UINT32_C(1) << EVENT_RWLOCK
                             | UINT32_C(1) << EVENT_RLOCK | UINT32_C(1) << EVENT_RWDRAIN
                             | UINT32_C(1) << EVENT_WAITGROUP_WAIT | UINT32_C(1) << EVENT_JOIN;
    return waiting >> kind & 1;
}

/* Whether an event of this kind follows its goroutine's event before without a choice. */
static inline bool dependence_follows(enum event_kind kind)
{
    return kind == EVENT_EXIT || kind == EVENT_CHOOSE;
}

#endif
