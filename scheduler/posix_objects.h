/* posix_objects.h: what the objects of <pthread.h> and <semaphore.h> hold during an execution. The
 * engine keeps their state in the objects' own bytes, so that it is the subject's memory like any
 * other: it vanishes with its block, and is put back with the program's data. Where glibc's static
 * initialisers put something, the same stands here (glibc 2.36, x86-64); all else starts as 0. */
#ifndef TREADLE_POSIX_OBJECTS_H
#define TREADLE_POSIX_OBJECTS_H

#include <stdint.h>

#define POSIX_DESTROYED INT32_MIN /* in `kind` and `destroyed` */

struct posix_mutex {
    uint32_t owner;  /* as in struct treadle_mutex: id + 1, 0 = free */
    uint32_t count;  /* how often a recursive one is locked beyond once */
    uint32_t unused[2];
    int32_t kind;    /* PTHREAD_MUTEX_NORMAL, ... */
};

struct posix_rwlock {
    uint32_t writer, readers; /* as in struct treadle_rwmutex */
    int32_t destroyed;
};

struct posix_condition {
    int32_t destroyed;
    uint32_t waiters; /* who they are is known to posix_park.c */
};

struct posix_barrier {
    uint32_t arrived; /* in this round; they wait */
    uint32_t count;   /* that many make a round; 0: not initialised, or destroyed */
};

struct posix_semaphore {
    uint32_t value;
};

/* A mutex while it is being done. */
struct posix_once {
    uint32_t state; /* 0: to be done; id + 1 of the goroutine that does it; POSIX_ONCE_DONE */
};
#define POSIX_ONCE_DONE UINT32_MAX

#endif
