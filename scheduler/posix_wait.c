/* posix_wait.c: barriers, semaphores and pthread_once of POSIX. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>

#include "posix.h"
#include "posix_objects.h"
#include "posix_park.h"
#include "synchronisation.h"

_Static_assert(sizeof(struct posix_barrier) <= sizeof(pthread_barrier_t), "fits");
_Static_assert(sizeof(struct posix_semaphore) <= sizeof(sem_t), "fits");
_Static_assert(sizeof(struct posix_once) == sizeof(pthread_once_t), "fits");

/* ---- barriers -------------------------------------------------------------------------------- */

POSIX_WRAPS(int, pthread_barrier_init, pthread_barrier_t *object,
            const pthread_barrierattr_t *attributes, unsigned count)
{
    if (!posix_runs())
        return pthread_barrier_init(object, attributes, count);
    if (count == 0)
        return EINVAL;
    struct posix_barrier *barrier = (struct posix_barrier *)object;
    struct event *event = posix_write(barrier, sizeof *barrier, HOOK_CALLER);
    *barrier = (struct posix_barrier){ .count = count };
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, pthread_barrier_destroy, pthread_barrier_t *object)
{
    if (!posix_runs())
        return pthread_barrier_destroy(object);
    struct posix_barrier *barrier = (struct posix_barrier *)object;
    struct event *event = posix_write_as(EVENT_SEQ_CST, barrier, sizeof *barrier, HOOK_CALLER);
    posix_wrote(event);
    if (barrier->count == 0)
        synchronise_misuse("destroy of a barrier that is destroyed or was never initialised", NULL,
                           0);
    if (barrier->arrived != 0)
        synchronise_misuse("destroy of a barrier at which threads wait", NULL, 0);
    barrier->count = 0;
    posix_wrote(event);
    return 0;
}

static int barrier_wait(struct posix_barrier *barrier, struct caller caller)
{
    park_prepare(caller);
    struct event *event = posix_synchronise(EVENT_BARRIER, barrier, sizeof *barrier, caller);
    if (barrier->count == 0)
        synchronise_misuse("use of a barrier that is destroyed or was never initialised", event,
                           barrier->arrived);
    event->value_read = memory_value((uint64_t)barrier, sizeof *barrier);
    barrier->arrived++;
    park_wait_at((uint64_t)barrier, true);
    bool last = barrier->arrived == barrier->count;
    barrier->arrived = last ? 0 : barrier->arrived;
    event->value_written = memory_value((uint64_t)barrier, sizeof *barrier);
    if (!last) {
        park(caller);
        return 0;
    }
    uint32_t waiters[GOROUTINES_MAX];
    uint32_t count = park_waiters((uint64_t)barrier, waiters);
    park_let_go(waiters, count, caller); /* itself among them */
    return PTHREAD_BARRIER_SERIAL_THREAD;
}

POSIX_WRAPS(int, pthread_barrier_wait, pthread_barrier_t *object)
{
    if (!posix_runs())
        return pthread_barrier_wait(object);
    return barrier_wait((struct posix_barrier *)object, HOOK_CALLER);
}

/* ---- semaphores ------------------------------------------------------------------------------ */

POSIX_WRAPS(int, sem_init, sem_t *object, int shared, unsigned value)
{
    if (!posix_runs())
        return sem_init(object, shared, value);
    if (value > SEM_VALUE_MAX) {
        errno = EINVAL;
        return -1;
    }
    struct posix_semaphore *semaphore = (struct posix_semaphore *)object;
    struct event *event = posix_write(semaphore, sizeof *semaphore, HOOK_CALLER);
    semaphore->value = value;
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, sem_destroy, sem_t *object)
{
    if (!posix_runs())
        return sem_destroy(object);
    posix_wrote(posix_write_as(EVENT_SEQ_CST, object, sizeof(struct posix_semaphore), HOOK_CALLER));
    return 0;
}

POSIX_WRAPS(int, sem_wait, sem_t *object)
{
    if (!posix_runs())
        return sem_wait(object);
    struct posix_semaphore *semaphore = (struct posix_semaphore *)object;
    struct event *event = posix_synchronise(EVENT_SEM_WAIT, semaphore, sizeof *semaphore,
                                            HOOK_CALLER);
    semaphore->value--;
    synchronise_end(event, semaphore->value + 1, semaphore->value);
    return 0;
}

static int semaphore_try(struct posix_semaphore *semaphore, int otherwise, struct caller caller)
{
    struct event *event = posix_synchronise(EVENT_SEM_TRYWAIT, semaphore, sizeof *semaphore,
                                            caller);
    uint32_t before = semaphore->value;
    event->success = before > 0;
    semaphore->value -= before > 0;
    synchronise_end(event, before, semaphore->value);
    if (before > 0)
        return 0;
    errno = otherwise;
    return -1;
}

POSIX_WRAPS(int, sem_trywait, sem_t *object)
{
    if (!posix_runs())
        return sem_trywait(object);
    return semaphore_try((struct posix_semaphore *)object, EAGAIN, HOOK_CALLER);
}

POSIX_WRAPS(int, sem_timedwait, sem_t *object, const struct timespec *until)
{
    if (!posix_runs())
        return sem_timedwait(object, until);
    return semaphore_try((struct posix_semaphore *)object, ETIMEDOUT, HOOK_CALLER);
}

POSIX_WRAPS(int, sem_post, sem_t *object)
{
    if (!posix_runs())
        return sem_post(object);
    struct posix_semaphore *semaphore = (struct posix_semaphore *)object;
    struct event *event = posix_synchronise(EVENT_SEM_POST, semaphore, sizeof *semaphore,
                                            HOOK_CALLER);
    uint32_t before = semaphore->value;
    bool fits = before < SEM_VALUE_MAX;
    semaphore->value += fits;
    synchronise_end(event, before, semaphore->value);
    if (fits)
        return 0;
    errno = EOVERFLOW;
    return -1;
}

POSIX_WRAPS(int, sem_getvalue, sem_t *object, int *ret_value)
{
    if (!posix_runs())
        return sem_getvalue(object, ret_value);
    struct posix_semaphore *semaphore = (struct posix_semaphore *)object;
    struct event *event = announce_from(EVENT_ATOMIC_LOAD, EVENT_SEQ_CST, (uint64_t)semaphore,
                                   sizeof *semaphore, HOOK_CALLER);
    memory_check((uint64_t)semaphore, sizeof *semaphore, false);
    event->value_read = semaphore->value;
    int value = (int)semaphore->value;
    event = posix_write(ret_value, sizeof *ret_value, HOOK_CALLER);
    *ret_value = value;
    posix_wrote(event);
    return 0;
}

/* ---- once ------------------------------------------------------------------------------------ */

/* While it is being done it is a mutex, for which others wait. Once it is done, nobody who comes
 * looks any further. */
static void once_do(struct posix_once *once, void (*function)(void), struct caller caller)
{
    uint64_t address = (uint64_t)once;
    uint32_t bytes = sizeof *once, token = scheduler.running->id + 1;
    struct event *event = announce_from(EVENT_ATOMIC_LOAD, EVENT_ACQUIRE, address, bytes, caller);
    memory_check(address, bytes, false);
    event->value_read = once->state;
    if (once->state == POSIX_ONCE_DONE)
        return;
    event = posix_synchronise(EVENT_LOCK, once, bytes, caller);
    bool done = once->state == POSIX_ONCE_DONE;
    once->state = token;
    synchronise_end(event, 0, token);
    if (!done)
        function();
    event = posix_synchronise(EVENT_UNLOCK, once, bytes, caller);
    once->state = POSIX_ONCE_DONE;
    synchronise_end(event, token, 0);
}

POSIX_WRAPS(int, pthread_once, pthread_once_t *object, void (*function)(void))
{
    if (!posix_runs())
        return pthread_once(object, function);
    once_do((struct posix_once *)object, function, HOOK_CALLER);
    return 0;
}
