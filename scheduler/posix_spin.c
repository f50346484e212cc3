/* posix_spin.c: spin locks of POSIX threads. Nobody spins: who waits is not chosen. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "posix.h"
#include "synchronisation.h"

_Static_assert(sizeof(struct treadle_mutex) == sizeof(pthread_spinlock_t), "fits");

POSIX_WRAPS(int, pthread_spin_init, pthread_spinlock_t *object, int shared)
{
    if (!posix_runs())
        return pthread_spin_init(object, shared);
    struct event *event = posix_write(object, sizeof *object, HOOK_CALLER);
    *object = 0;
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, pthread_spin_destroy, pthread_spinlock_t *object)
{
    if (!posix_runs())
        return pthread_spin_destroy(object);
    posix_wrote(posix_write_as(EVENT_SEQ_CST, object, sizeof *object, HOOK_CALLER));
    return 0;
}

POSIX_WRAPS(int, pthread_spin_lock, pthread_spinlock_t *object)
{
    if (!posix_runs())
        return pthread_spin_lock(object);
    struct treadle_mutex *lock = (struct treadle_mutex *)object;
    struct event *event = posix_synchronise(EVENT_LOCK, lock, sizeof *lock, HOOK_CALLER);
    lock->owner = scheduler.running->id + 1;
    synchronise_end(event, 0, lock->owner);
    return 0;
}

POSIX_WRAPS(int, pthread_spin_trylock, pthread_spinlock_t *object)
{
    if (!posix_runs())
        return pthread_spin_trylock(object);
    struct treadle_mutex *lock = (struct treadle_mutex *)object;
    struct event *event = posix_synchronise(EVENT_TRYLOCK, lock, sizeof *lock, HOOK_CALLER);
    uint32_t owner = lock->owner;
    if (owner == 0)
        lock->owner = scheduler.running->id + 1;
    event->success = owner == 0;
    synchronise_end(event, owner, lock->owner);
    return owner == 0 ? 0 : EBUSY;
}

POSIX_WRAPS(int, pthread_spin_unlock, pthread_spinlock_t *object)
{
    if (!posix_runs())
        return pthread_spin_unlock(object);
    struct treadle_mutex *lock = (struct treadle_mutex *)object;
    struct event *event = posix_synchronise(EVENT_UNLOCK, lock, sizeof *lock, HOOK_CALLER);
    uint32_t owner = lock->owner;
    if (owner != scheduler.running->id + 1)
        synchronise_misuse("unlock of a spin lock that the thread does not hold", event, owner);
    lock->owner = 0;
    synchronise_end(event, owner, 0);
    return 0;
}
