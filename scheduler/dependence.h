/* dependence.h: which events of two goroutines do not commute, and which wait. Two executions are
 * equivalent (the same Mazurkiewicz trace) iff they order all such pairs alike.
 *
 * All of it follows from what is known of a pending event, but for one thing: a compare-and-swap or
 * trylock that fails is a read. Where two accesses overlap without being of the same bytes, one
 * that fails counts as a write all the same: so whether two events depend on each other never hangs
 * on the value of a third. Nor does a compare-and-swap that fails count as a read where stores are
 * buffered: there its success hangs on drains that a load of the same bytes does not depend on, as
 * it takes its value from its own goroutine's buffer. */
#ifndef TREADLE_DEPENDENCE_H
#define TREADLE_DEPENDENCE_H

#include "event.h"

/* dependence_of for any two events. */
bool dependence_of_any(const struct event *a, const struct event *b, bool reuses);

/* Whether two events of different goroutines depend on each other. reuses: freed blocks are handed
 * out again, so allocations of one size depend on each other, and on accesses to such blocks. */
static inline bool dependence_of(const struct event *a, const struct event *b, bool reuses)
{
    const uint64_t reading = UINT64_C(1) << EVENT_READ | UINT64_C(1) << EVENT_ATOMIC_LOAD;
    const uint64_t writing = UINT64_C(1) << EVENT_WRITE | UINT64_C(1) << EVENT_ATOMIC_STORE
                             | UINT64_C(1) << EVENT_ATOMIC_RMW;
    bool common = ((reading | writing) >> a->kind & (reading | writing) >> b->kind & 1)
                  && a->address == b->address && a->size == b->size
                  && !((a->order | b->order) & EVENT_BUFFERED);
    if (common)
        return (writing >> a->kind | writing >> b->kind) & 1;
    return dependence_of_any(a, b, reuses);
}

/* Whether an event waits for others (lock, join, a loop that awaits a value, ...). */
static inline bool dependence_waits(const struct event *event)
{
    const uint64_t waiting = UINT64_C(1) << EVENT_LOCK | UINT64_C(1) << EVENT_RWLOCK
                             | UINT64_C(1) << EVENT_RLOCK | UINT64_C(1) << EVENT_RWDRAIN
                             | UINT64_C(1) << EVENT_WAITGROUP_WAIT | UINT64_C(1) << EVENT_JOIN
                             | UINT64_C(1) << EVENT_RDLOCK | UINT64_C(1) << EVENT_WRLOCK
                             | UINT64_C(1) << EVENT_SEM_WAIT;
    return (waiting >> event->kind & 1) || event->await != 0;
}

/* Whether an event of this kind follows its goroutine's event before without a choice. */
static inline bool dependence_follows(enum event_kind kind)
{
    return kind == EVENT_EXIT || kind == EVENT_CHOOSE;
}

#endif
