/* dependence.c: which pairs of events do not commute. */
#include "dependence.h"

#include "execution.h"
#include "heap_layout.h"
#include "memory.h"
#include "scheduler.h"

#define SET(name) (UINT64_C(1) << EVENT_##name)
_Static_assert(EVENT_KIND_COUNT <= 64, "a set of kinds is 64 bits");

#define KINDS_READING (SET(READ) | SET(ATOMIC_LOAD))
#define KINDS_MEMORY                                                                               \
    (KINDS_READING | SET(WRITE) | SET(COPY) | SET(ATOMIC_STORE) | SET(ATOMIC_RMW)                  \
     | SET(ATOMIC_CAS) | SET(ALLOC) | SET(FREE) | SET(DRAIN) | SET(GO))
#define KINDS_OBJECT                                                                               \
    (SET(LOCK) | SET(TRYLOCK) | SET(UNLOCK) | SET(RWLOCK) | SET(RWDRAIN) | SET(RWUNLOCK)           \
     | SET(RLOCK) | SET(RUNLOCK) | SET(WAITGROUP_ADD) | SET(WAITGROUP_WAIT) | SET(RDLOCK)          \
     | SET(WRLOCK) | SET(TRYRDLOCK) | SET(TRYWRLOCK) | SET(RDWRUNLOCK) | SET(SEM_WAIT)             \
     | SET(SEM_TRYWAIT) | SET(SEM_POST) | SET(COND_WAIT) | SET(COND_TIMEOUT) | SET(COND_SIGNAL)    \
     | SET(COND_BROADCAST) | SET(BARRIER))
#define KINDS_TRYING (SET(TRYLOCK) | SET(TRYRDLOCK) | SET(TRYWRLOCK) | SET(SEM_TRYWAIT))

static bool in(enum event_kind kind, uint64_t set)
{
    return set >> kind & 1;
}

/* Whether the event only reads [address, address + size), when it meets another access of just
 * these bytes or of others. */
static bool only_reads(const struct event *event, bool same_bytes)
{
    bool may_fail = in(event->kind, KINDS_TRYING)
                    || (event->kind == EVENT_ATOMIC_CAS && scheduler.memory == MEMORY_SC);
    bool fails = may_fail && !event->success;
    return in(event->kind, KINDS_READING | SET(WAITGROUP_WAIT)) || (fails && same_bytes);
}

/* Operations on one reader-writer mutex: readers come and go without each other, and a writer that
 * announces itself does not see who leaves. */
static bool readers_commute(enum event_kind a, enum event_kind b)
{
    const uint64_t readers = SET(RLOCK) | SET(RUNLOCK);
    return (in(a, readers) && in(b, readers)) || (a == EVENT_RWLOCK && b == EVENT_RUNLOCK)
           || (a == EVENT_RUNLOCK && b == EVENT_RWLOCK);
}

/* Whether a block is there decides also what an access behind its end is taken for. */
static uint32_t bytes_concerned(const struct event *event)
{
    return in(event->kind, SET(ALLOC) | SET(FREE))
               ? (uint32_t)heap_round(event->size) + HEAP_GRANULE_BYTES
               : event->size;
}

static bool places_depend(const struct event *a, const struct event *b)
{
    if (!event_bytes_overlap(a->address, bytes_concerned(a), b->address, bytes_concerned(b)))
        return false;
    bool same_bytes = a->address == b->address && a->size == b->size;
    return !(only_reads(a, same_bytes) && only_reads(b, same_bytes))
           && !(same_bytes && readers_commute(a->kind, b->kind));
}

/* A copy's source is read, too. */
static bool source_depends(const struct event *copy, const struct event *other)
{
    return copy->kind == EVENT_COPY
           && event_bytes_overlap(copy->source, copy->size, other->address, bytes_concerned(other))
           && !only_reads(other, false);
}

/* Which list of freed blocks what lies there goes to, from 1; 0: there was never a block. */
static uint32_t size_class(const struct event *event)
{
    const struct heap_block *block = heap_lookup(event->address);
    return block == &heap_blocks[0] ? 0 : 1 + heap_class(heap_round(block->bytes));
}

/* Blocks of one size change hands: who allocates or frees one and who touches one. */
static bool reuse_depends(const struct event *a, const struct event *b)
{
    const uint64_t changing = SET(ALLOC) | SET(FREE);
    if (!in(a->kind, changing) && !in(b->kind, changing))
        return false;
    uint32_t class = size_class(a);
    return class != 0 && class == size_class(b);
}

/* With a thread its stack and thread-locals go: no access of others may come later. */
static bool gone_depends(const struct event *gone, const struct event *other)
{
    if (gone->kind != EVENT_GONE || !in(other->kind, KINDS_MEMORY | KINDS_OBJECT))
        return false;
    int32_t id = gone->goroutine;
    return memory_owner(other->address, 1) == id
           || (other->kind == EVENT_COPY && memory_owner(other->source, 1) == id);
}

/* A buffered store needs its memory to be there; a copy reads its source at once. */
static bool buffered_depends(const struct event *a, const struct event *b)
{
    const uint64_t changing = SET(ALLOC) | SET(FREE);
    bool source = a->kind == EVENT_COPY && !(b->order & EVENT_BUFFERED) && source_depends(a, b);
    return source || ((a->order & EVENT_BUFFERED) && in(b->kind, changing) && places_depend(a, b));
}

bool dependence_of_any(const struct event *a, const struct event *b, bool reuses)
{
    const uint64_t places = KINDS_MEMORY | KINDS_OBJECT;
    bool drains = a->kind == EVENT_DRAIN || b->kind == EVENT_DRAIN;
    if (drains && event_owner(a) == event_owner(b))
        return false;
    if (!in(a->kind, places) || !in(b->kind, places))
        return gone_depends(a, b) || gone_depends(b, a)
               || (a->kind == EVENT_CALL && b->kind == EVENT_RETURN)
               || (a->kind == EVENT_RETURN && b->kind == EVENT_CALL);
    if ((a->order | b->order) & EVENT_BUFFERED)
        return buffered_depends(a, b) || buffered_depends(b, a)
               || (reuses && reuse_depends(a, b));
    return places_depend(a, b) || source_depends(a, b) || source_depends(b, a)
           || (reuses && reuse_depends(a, b));
}
