/* posix_mutex.c: mutexes of POSIX threads: normal, recursive, error checking. What POSIX leaves
 * undefined is lock-misuse; what it defines as an error is returned. */
#define _GNU_SOURCE
#include "posix_mutex.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "posix.h"
#include "synchronisation.h"

_Static_assert(offsetof(struct posix_mutex, kind) == offsetof(pthread_mutex_t, __data.__kind),
               "where PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP puts it");
_Static_assert(sizeof(struct posix_mutex) <= sizeof(pthread_mutex_t), "fits");

static uint32_t self_token(void)
{
    return scheduler.running->id + 1;
}

/* Whether the running goroutine holds it. */
static bool mutex_is_own(const struct posix_mutex *mutex)
{
    return memory_known((uint64_t)mutex, sizeof *mutex) && mutex->owner == self_token();
}

/* Begins an operation; returns when it is chosen. */
static struct event *mutex_begin(enum event_kind kind, struct posix_mutex *mutex,
                                 struct caller caller)
{
    struct event *event = posix_synchronise(kind, mutex, sizeof mutex->owner, caller);
    if (mutex->kind < PTHREAD_MUTEX_TIMED_NP || mutex->kind > PTHREAD_MUTEX_ADAPTIVE_NP)
        synchronise_misuse("use of a mutex that is destroyed or was never initialised", event,
                           mutex->owner);
    return event;
}

void posix_mutex_acquire(struct posix_mutex *mutex, uint32_t count, struct caller caller)
{
    struct event *event = mutex_begin(EVENT_LOCK, mutex, caller);
    mutex->owner = self_token();
    mutex->count = count;
    synchronise_end(event, 0, mutex->owner);
}

/* What the owner does is not seen by others: no event. */
static int mutex_lock(struct posix_mutex *mutex, struct caller caller)
{
    bool again = mutex_is_own(mutex);
    if (again && mutex->kind == PTHREAD_MUTEX_ERRORCHECK_NP)
        return EDEADLK;
    if (again && mutex->kind == PTHREAD_MUTEX_RECURSIVE_NP) {
        mutex->count++;
        return 0;
    }
    posix_mutex_acquire(mutex, 0, caller); /* again: never */
    return 0;
}

/* otherwise: what to return if it is held. */
static int mutex_try(struct posix_mutex *mutex, int otherwise, struct caller caller)
{
    if (mutex_is_own(mutex) && mutex->kind == PTHREAD_MUTEX_RECURSIVE_NP) {
        mutex->count++;
        return 0;
    }
    struct event *event = mutex_begin(EVENT_TRYLOCK, mutex, caller);
    uint32_t owner = mutex->owner;
    if (owner == 0)
        mutex->owner = self_token();
    event->success = owner == 0;
    synchronise_end(event, owner, mutex->owner);
    return owner == 0 ? 0 : otherwise;
}

uint32_t posix_mutex_release(struct posix_mutex *mutex, const char *misuse, struct caller caller)
{
    struct event *event = mutex_begin(EVENT_UNLOCK, mutex, caller);
    if (mutex->owner != self_token())
        synchronise_misuse(misuse, event, mutex->owner);
    uint32_t count = mutex->count;
    mutex->owner = mutex->count = 0;
    synchronise_end(event, self_token(), 0);
    return count;
}

static int mutex_unlock(struct posix_mutex *mutex, struct caller caller)
{
    const char *misuse = "unlock of a mutex that the thread does not hold";
    if (!mutex_is_own(mutex)) {
        struct event *event = mutex_begin(EVENT_UNLOCK, mutex, caller);
        if (mutex->kind != PTHREAD_MUTEX_ERRORCHECK_NP && mutex->kind != PTHREAD_MUTEX_RECURSIVE_NP)
            synchronise_misuse(misuse, event, mutex->owner);
        synchronise_end(event, mutex->owner, mutex->owner);
        return EPERM;
    }
    if (mutex->count > 0)
        mutex->count--;
    else
        posix_mutex_release(mutex, misuse, caller);
    return 0;
}

/* ---- what programs call ---------------------------------------------------------------------- */

POSIX_WRAPS(int, pthread_mutex_init, pthread_mutex_t *object,
            const pthread_mutexattr_t *attributes)
{
    if (!posix_runs())
        return pthread_mutex_init(object, attributes);
    struct posix_mutex *mutex = (struct posix_mutex *)object;
    int kind = PTHREAD_MUTEX_NORMAL, robust = PTHREAD_MUTEX_STALLED;
    if (attributes != NULL) {
        pthread_mutexattr_gettype(attributes, &kind);
        pthread_mutexattr_getrobust(attributes, &robust);
    }
    if (robust != PTHREAD_MUTEX_STALLED)
        check_limit("pthread_mutex_init: robust mutexes are not supported");
    struct event *event = posix_write(mutex, sizeof *mutex, HOOK_CALLER);
    *mutex = (struct posix_mutex){ .kind = kind };
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, pthread_mutex_destroy, pthread_mutex_t *object)
{
    if (!posix_runs())
        return pthread_mutex_destroy(object);
    struct posix_mutex *mutex = (struct posix_mutex *)object;
    struct event *event = posix_write_as(EVENT_SEQ_CST, mutex, sizeof *mutex, HOOK_CALLER);
    posix_wrote(event);
    if (mutex->kind == POSIX_DESTROYED)
        synchronise_misuse("destroy of a mutex that is destroyed", NULL, 0);
    if (mutex->owner != 0)
        synchronise_misuse("destroy of a mutex that is locked", NULL, 0);
    mutex->kind = POSIX_DESTROYED;
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, pthread_mutex_lock, pthread_mutex_t *object)
{
    if (!posix_runs())
        return pthread_mutex_lock(object);
    return mutex_lock((struct posix_mutex *)object, HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_mutex_trylock, pthread_mutex_t *object)
{
    if (!posix_runs())
        return pthread_mutex_trylock(object);
    return mutex_try((struct posix_mutex *)object, EBUSY, HOOK_CALLER);
}

/* Time is no matter of the clock here: if it is chosen while the mutex is held, it has run out. */
POSIX_WRAPS(int, pthread_mutex_timedlock, pthread_mutex_t *object, const struct timespec *until)
{
    if (!posix_runs())
        return pthread_mutex_timedlock(object, until);
    return mutex_try((struct posix_mutex *)object, ETIMEDOUT, HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_mutex_unlock, pthread_mutex_t *object)
{
    if (!posix_runs())
        return pthread_mutex_unlock(object);
    return mutex_unlock((struct posix_mutex *)object, HOOK_CALLER);
}
