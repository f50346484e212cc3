/* event.h: the record of one executed step. One shape for every engine; see design.md, "Events".
 *
 * An event is announced at its hook, before the access: that fills the first 32 bytes, and a
 * goroutine's announced event is its pending one. When the scheduler picks the goroutine, the
 * event is appended to the execution's trace and its goroutine executes it; it is committed
 * (value_written known) at the goroutine's next entry into the runtime. */
#ifndef TREADLE_EVENT_H
#define TREADLE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* name, text, and what it does to [address, address + size): r reads, w writes, 0 neither. A
 * synchronisation operation counts as both, so that two on one object never commute by accident. */
#define EVENT_KINDS(X)                                                                             \
    X(NONE, "none", 0)                                                                             \
    X(START, "start", 0)             /* the goroutine's first step */                              \
    X(EXIT, "exit", 0)               /* its last one; no choice stands before it */                \
    X(GO, "go", EVENT_WRITES)        /* creates goroutine value_written; may write its handle */   \
    X(JOIN, "join", 0)               /* waits for goroutine value_read */                          \
    X(READ, "read", EVENT_READS)                                                                   \
    X(WRITE, "write", EVENT_WRITES)                                                                \
    X(COPY, "copy", EVENT_WRITES)    /* writes at address, reads at source */                      \
    X(ATOMIC_LOAD, "load", EVENT_READS)                                                            \
    X(ATOMIC_STORE, "store", EVENT_WRITES)                                                         \
    X(ATOMIC_RMW, "rmw", EVENT_READS | EVENT_WRITES)                                               \
    X(ATOMIC_CAS, "cas", EVENT_READS | EVENT_WRITES) /* success: whether it wrote */               \
    X(FENCE, "fence", 0)                                                                           \
    X(LOCK, "lock", EVENT_READS | EVENT_WRITES)                                                    \
    X(TRYLOCK, "trylock", EVENT_READS | EVENT_WRITES) /* success: whether it got the lock */       \
    X(UNLOCK, "unlock", EVENT_READS | EVENT_WRITES)                                                \
    X(RWLOCK, "rwlock", EVENT_READS | EVENT_WRITES)   /* a writer keeps new readers out */         \
    X(RWDRAIN, "rwdrain", EVENT_READS | EVENT_WRITES) /* the writer has waited for the readers */  \
    X(RWUNLOCK, "rwunlock", EVENT_READS | EVENT_WRITES)                                            \
    X(RLOCK, "rlock", EVENT_READS | EVENT_WRITES)                                                  \
    X(RUNLOCK, "runlock", EVENT_READS | EVENT_WRITES)                                              \
    X(WAITGROUP_ADD, "add", EVENT_READS | EVENT_WRITES)                                            \
    X(WAITGROUP_WAIT, "wait", EVENT_READS)                                                         \
    X(ALLOC, "alloc", 0) /* address, size: the new block */                                        \
    X(FREE, "free", EVENT_WRITES)                                                                  \
    X(CHOOSE, "choose", 0) /* answer value_read of size; source: its label */                      \
    X(CALL, "call", 0)     /* an operation of the history begins ... */                            \
    X(RETURN, "return", 0) /* ... or has ended: events only where scheduler_options says so */     \
    X(DRAIN, "drain", EVENT_WRITES) /* a buffered store reaches memory (store_buffer.h) */         \
    /* what POSIX threads have beyond that; the numbers above stand in every event hash */         \
    X(YIELD, "yield", 0)                                                                           \
    X(END, "end", EVENT_READS | EVENT_WRITES) /* the process ends: no access comes behind it */    \
    X(RDLOCK, "rdlock", EVENT_READS | EVENT_WRITES) /* value: readers << 32 | writer */            \
    X(WRLOCK, "wrlock", EVENT_READS | EVENT_WRITES) /* waits for writer and readers alike */       \
    X(TRYRDLOCK, "tryrdlock", EVENT_READS | EVENT_WRITES)                                          \
    X(TRYWRLOCK, "trywrlock", EVENT_READS | EVENT_WRITES)                                          \
    X(RDWRUNLOCK, "rdwrunlock", EVENT_READS | EVENT_WRITES)                                        \
    X(SEM_WAIT, "sem-wait", EVENT_READS | EVENT_WRITES)                                            \
    X(SEM_TRYWAIT, "sem-trywait", EVENT_READS | EVENT_WRITES)                                      \
    X(SEM_POST, "sem-post", EVENT_READS | EVENT_WRITES)                                            \
    X(COND_WAIT, "cond-wait", EVENT_READS | EVENT_WRITES) /* is a waiter from here on */           \
    X(COND_TIMEOUT, "cond-timeout", EVENT_READS | EVENT_WRITES) /* success: was not signalled */   \
    X(COND_SIGNAL, "signal", EVENT_READS | EVENT_WRITES)                                           \
    X(COND_BROADCAST, "broadcast", EVENT_READS | EVENT_WRITES)                                     \
    X(BARRIER, "barrier", EVENT_READS | EVENT_WRITES) /* arrives there */                          \
    X(GONE, "gone", EVENT_WRITES) /* a thread's stack and thread-locals; its exit follows */

enum { EVENT_READS = 1, EVENT_WRITES = 2 };

enum event_kind {
#define X(name, text, does) EVENT_##name,
    EVENT_KINDS(X)
#undef X
    EVENT_KIND_COUNT
};

/* C11's memory orders, in the numbering that compilers pass to __tsan_atomic*. */
enum event_order {
    EVENT_RELAXED,
    EVENT_CONSUME,
    EVENT_ACQUIRE,
    EVENT_RELEASE,
    EVENT_ACQ_REL,
    EVENT_SEQ_CST,
    EVENT_PLAIN, /* not atomic */
    EVENT_BUFFERED = 8, /* beside one of the above, of a store: it went into its goroutine's buffer
                           and writes nothing that others see; its DRAIN does */
    EVENT_HALVES = 16,  /* of a COPY, where stores are buffered: announced in two halves */
};

#define EVENT_INDEX_NONE UINT32_MAX

struct event {
    uint64_t address; /* first byte; the object of a synchronisation operation */
    uint64_t pc;      /* return address of the hook: just behind the call, before the access */
    union {
        struct {
            uint32_t size; /* bytes; of CHOOSE: the number of answers */
            uint16_t goroutine;
            uint8_t kind;
            uint8_t order;
        };
        uint64_t what; /* the four of them, as event_what makes it: written in one store */
    };
    uint64_t source; /* COPY: where it reads; CHOOSE: label; ALLOC: type; JOIN: whom; CAS: the
                        value sought; WRITE, STORE, DRAIN of 1, 2, 4 or 8 bytes: the value
                        overwritten; WRITE, DRAIN of other sizes, exploring: where in
                        execution.written its bytes are; of other kinds it is not set */
    /* filled in when it is picked and committed */
    uint64_t value_read;    /* size <= 8: the value, zero-extended; longer: XXH3-64 of the bytes */
    uint64_t value_written; /* the same */
    uint32_t index;         /* own number within its goroutine, from 0 */
    uint32_t success;       /* CAS, tries of locks: whether it wrote, got the lock; 1 elsewhere,
                               but 0 where exploring if the memory is not there */
    union {
        uint32_t reads_from; /* trace position of the last write to its bytes; EVENT_INDEX_NONE =
                                the set-up's state. Only after trace_link_reads */
        uint32_t store;      /* DRAIN: trace position of its store, at once; a store marked
                                EVENT_BUFFERED: id of its drainer */
    };
    uint32_t await;      /* exploring: a loop of so many events of its goroutine before it changed
                            nothing, and it waits until they could read something new; 0: none */
};

/* The four small members of an event as one word (little-endian). */
static inline uint64_t event_what(enum event_kind kind, enum event_order order, uint32_t size,
                                  uint32_t goroutine)
{
    return size | (uint64_t)goroutine << 32 | (uint64_t)kind << 48 | (uint64_t)order << 56;
}

_Static_assert(sizeof(struct event) == 64, "one cache line");

/* The stable name of a kind, for files and reports ("read"). */
const char *event_kind_name(enum event_kind kind);

/* The kinds that may do this to [address, address + size), one bit each. */
#define EVENT_KINDS_THAT(effect)                                                                   \
    (UINT64_C(0) EVENT_KINDS(EVENT_KIND_BIT_IF_##effect))
#define EVENT_KIND_BIT_IF_READS(name, text, does)                                                  \
    | (uint64_t)(((does) & EVENT_READS) != 0) << EVENT_##name
#define EVENT_KIND_BIT_IF_WRITES(name, text, does)                                                 \
    | (uint64_t)(((does) & EVENT_WRITES) != 0) << EVENT_##name

/* What the executed event did to memory: EVENT_READS | EVENT_WRITES. A CAS, or a try of a
 * lock, that failed only read; a buffered store did nothing. */
static inline unsigned event_effect(const struct event *event)
{
    if (event->order & EVENT_BUFFERED)
        return 0;
    const uint64_t may_fail = UINT64_C(1) << EVENT_ATOMIC_CAS | UINT64_C(1) << EVENT_TRYLOCK
                              | UINT64_C(1) << EVENT_TRYWRLOCK | UINT64_C(1) << EVENT_TRYRDLOCK
                              | UINT64_C(1) << EVENT_SEM_TRYWAIT
                              | UINT64_C(1) << EVENT_COND_TIMEOUT;
    if ((may_fail >> event->kind & 1) && !event->success)
        return EVENT_READS;
    return (EVENT_KINDS_THAT(READS) >> event->kind & 1 ? EVENT_READS : 0)
           | (EVENT_KINDS_THAT(WRITES) >> event->kind & 1 ? EVENT_WRITES : 0);
}

/* Whether two pieces of memory have bytes in common. Neither sum is computed, so wild addresses at
 * the end of memory are fine. */
static inline bool event_bytes_overlap(uint64_t a, uint32_t a_bytes, uint64_t b, uint32_t b_bytes)
{
    return a <= b ? b - a < a_bytes : a - b < b_bytes;
}

/* event_conflicts for two events of which one is a copy, or the end of the process. */
bool event_conflicts_specially(const struct event *a, const struct event *b);

/* Whether two events of different goroutines may touch common bytes and one of them may write.
 * Goes by what the kinds may do: whether a CAS or TRYLOCK will succeed is not known of a pending
 * one. */
static inline bool event_conflicts(const struct event *a, const struct event *b)
{
    const uint64_t writes = EVENT_KINDS_THAT(WRITES), touches = EVENT_KINDS_THAT(READS) | writes;
    if (!((writes >> a->kind | writes >> b->kind) & touches >> a->kind & touches >> b->kind & 1))
        return false;
    const uint64_t special = UINT64_C(1) << EVENT_COPY | UINT64_C(1) << EVENT_END;
    if ((special >> a->kind | special >> b->kind) & 1)
        return event_conflicts_specially(a, b);
    if ((a->order | b->order) & EVENT_BUFFERED)
        return false;
    return event_bytes_overlap(a->address, a->size, b->address, b->size);
}

#endif
