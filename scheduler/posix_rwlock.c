/* posix_rwlock.c: reader-writer locks of POSIX threads. Like glibc's by default, a waiting writer
 * does not keep new readers out. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "posix.h"
#include "posix_objects.h"
#include "synchronisation.h"

_Static_assert(sizeof(struct posix_rwlock) <= sizeof(pthread_rwlock_t), "fits");

#define POSIX_RWLOCK_BYTES 8u /* writer and readers */

static uint32_t self_token(void)
{
    return scheduler.running->id + 1;
}

static uint64_t rwlock_value(const struct posix_rwlock *rwlock)
{
    return (uint64_t)rwlock->readers << 32 | rwlock->writer; /* as they lie there */
}

static struct event *rwlock_begin(enum event_kind kind, struct posix_rwlock *rwlock,
                                  struct caller caller)
{
    struct event *event = posix_synchronise(kind, rwlock, POSIX_RWLOCK_BYTES, caller);
    if (rwlock->destroyed != 0)
        synchronise_misuse("use of a reader-writer lock that is destroyed", event,
                           rwlock_value(rwlock));
    return event;
}

static bool rwlock_is_own(const struct posix_rwlock *rwlock)
{
    return memory_known((uint64_t)rwlock, sizeof *rwlock) && rwlock->writer == self_token();
}

static int rwlock_lock(enum event_kind kind, struct posix_rwlock *rwlock, struct caller caller)
{
    if (rwlock_is_own(rwlock))
        return EDEADLK;
    struct event *event = rwlock_begin(kind, rwlock, caller);
    uint64_t before = rwlock_value(rwlock);
    if (kind == EVENT_WRLOCK)
        rwlock->writer = self_token();
    else
        rwlock->readers++;
    synchronise_end(event, before, rwlock_value(rwlock));
    return 0;
}

static int rwlock_try(bool writes, struct posix_rwlock *rwlock, int otherwise, struct caller caller)
{
    struct event *event = rwlock_begin(writes ? EVENT_TRYWRLOCK : EVENT_TRYRDLOCK, rwlock, caller);
    uint64_t before = rwlock_value(rwlock);
    bool free = rwlock->writer == 0 && (!writes || rwlock->readers == 0);
    if (free && writes)
        rwlock->writer = self_token();
    else if (free)
        rwlock->readers++;
    event->success = free;
    synchronise_end(event, before, rwlock_value(rwlock));
    return free ? 0 : otherwise;
}

static int rwlock_unlock(struct posix_rwlock *rwlock, struct caller caller)
{
    struct event *event = rwlock_begin(EVENT_RDWRUNLOCK, rwlock, caller);
    bool writes = rwlock_is_own(rwlock);
    uint64_t before = rwlock_value(rwlock);
    if (writes)
        rwlock->writer = 0;
    else if (rwlock->readers > 0)
        rwlock->readers--;
    else
        synchronise_misuse("unlock of a reader-writer lock that the thread does not hold", event,
                           before);
    synchronise_end(event, before, rwlock_value(rwlock));
    return 0;
}

/* ---- what programs call ---------------------------------------------------------------------- */

POSIX_WRAPS(int, pthread_rwlock_init, pthread_rwlock_t *object,
            const pthread_rwlockattr_t *attributes)
{
    if (!posix_runs())
        return pthread_rwlock_init(object, attributes);
    struct posix_rwlock *rwlock = (struct posix_rwlock *)object;
    struct event *event = posix_write(rwlock, sizeof *rwlock, HOOK_CALLER);
    *rwlock = (struct posix_rwlock){ 0 };
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, pthread_rwlock_destroy, pthread_rwlock_t *object)
{
    if (!posix_runs())
        return pthread_rwlock_destroy(object);
    struct posix_rwlock *rwlock = (struct posix_rwlock *)object;
    struct event *event = posix_write_as(EVENT_SEQ_CST, rwlock, sizeof *rwlock, HOOK_CALLER);
    posix_wrote(event);
    if (rwlock->destroyed != 0)
        synchronise_misuse("destroy of a reader-writer lock that is destroyed", NULL, 0);
    if (rwlock_value(rwlock) != 0)
        synchronise_misuse("destroy of a reader-writer lock that is locked", NULL, 0);
    rwlock->destroyed = POSIX_DESTROYED;
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, pthread_rwlock_rdlock, pthread_rwlock_t *object)
{
    if (!posix_runs())
        return pthread_rwlock_rdlock(object);
    return rwlock_lock(EVENT_RDLOCK, (struct posix_rwlock *)object, HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_rwlock_wrlock, pthread_rwlock_t *object)
{
    if (!posix_runs())
        return pthread_rwlock_wrlock(object);
    return rwlock_lock(EVENT_WRLOCK, (struct posix_rwlock *)object, HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_rwlock_tryrdlock, pthread_rwlock_t *object)
{
    if (!posix_runs())
        return pthread_rwlock_tryrdlock(object);
    return rwlock_try(false, (struct posix_rwlock *)object, EBUSY, HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_rwlock_trywrlock, pthread_rwlock_t *object)
{
    if (!posix_runs())
        return pthread_rwlock_trywrlock(object);
    return rwlock_try(true, (struct posix_rwlock *)object, EBUSY, HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_rwlock_timedrdlock, pthread_rwlock_t *object,
            const struct timespec *until)
{
    if (!posix_runs())
        return pthread_rwlock_timedrdlock(object, until);
    return rwlock_try(false, (struct posix_rwlock *)object, ETIMEDOUT, HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_rwlock_timedwrlock, pthread_rwlock_t *object,
            const struct timespec *until)
{
    if (!posix_runs())
        return pthread_rwlock_timedwrlock(object, until);
    return rwlock_try(true, (struct posix_rwlock *)object, ETIMEDOUT, HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_rwlock_unlock, pthread_rwlock_t *object)
{
    if (!posix_runs())
        return pthread_rwlock_unlock(object);
    return rwlock_unlock((struct posix_rwlock *)object, HOOK_CALLER);
}
