/* posix_condition.c: condition variables of POSIX threads. A wait is: the thread becomes a waiter,
 * unlocks the mutex, is let go, locks the mutex. Which of several waiters a signal lets go is a
 * choice; nobody wakes without a signal. A wait that may time out is over whenever it is chosen,
 * which is a timeout if nobody has signalled by then. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "calls.h"
#include "posix.h"
#include "posix_mutex.h"
#include "posix_park.h"
#include "synchronisation.h"

_Static_assert(sizeof(struct posix_condition) <= sizeof(pthread_cond_t), "fits");

static struct event *condition_begin(enum event_kind kind, struct posix_condition *condition,
                                     struct caller caller)
{
    struct event *event = posix_synchronise(kind, condition, sizeof *condition, caller);
    if (condition->destroyed == POSIX_DESTROYED)
        synchronise_misuse("use of a condition variable that is destroyed", event,
                           memory_value((uint64_t)condition, sizeof *condition));
    event->value_read = memory_value((uint64_t)condition, sizeof *condition);
    return event;
}

static void condition_end(struct event *event, struct posix_condition *condition,
                          uint32_t waiters)
{
    condition->waiters = waiters;
    event->value_written = memory_value((uint64_t)condition, sizeof *condition);
}

/* Becomes a waiter, and unlocks the mutex; returns how often that was locked beyond once. */
static uint32_t wait_begin(struct posix_condition *condition, struct posix_mutex *mutex,
                           bool parks, struct caller caller)
{
    struct event *event = condition_begin(EVENT_COND_WAIT, condition, caller);
    condition_end(event, condition, condition->waiters + 1);
    park_wait_at((uint64_t)condition, parks);
    return posix_mutex_release(
        mutex, "wait at a condition variable with a mutex that the thread does not hold", caller);
}

static int condition_wait(struct posix_condition *condition, struct posix_mutex *mutex,
                          struct caller caller)
{
    park_prepare(caller);
    uint32_t count = wait_begin(condition, mutex, true, caller);
    park(caller);
    posix_mutex_acquire(mutex, count, caller);
    return 0;
}

/* Who has been signalled must not touch the condition variable: it may be destroyed. */
static int condition_timedwait(struct posix_condition *condition, struct posix_mutex *mutex,
                               struct caller caller)
{
    uint32_t count = wait_begin(condition, mutex, false, caller);
    struct event *event = announce_from(EVENT_COND_TIMEOUT, EVENT_SEQ_CST, (uint64_t)condition,
                                   sizeof *condition, caller);
    bool timeout = park_leave();
    event->success = timeout;
    if (timeout) {
        event->value_read = memory_value((uint64_t)condition, sizeof *condition);
        condition->waiters--;
        event->value_written = memory_value((uint64_t)condition, sizeof *condition);
    }
    posix_mutex_acquire(mutex, count, caller);
    return timeout ? ETIMEDOUT : 0;
}

static void condition_signal(struct posix_condition *condition, struct caller caller)
{
    struct event *event = condition_begin(EVENT_COND_SIGNAL, condition, caller);
    uint32_t waiters[GOROUTINES_MAX];
    uint32_t count = park_waiters((uint64_t)condition, waiters);
    condition_end(event, condition, count > 0 ? count - 1 : 0);
    if (count == 0)
        return;
    uint32_t woken = count > 1 ? calls_choose(count, "waiter that wakes", caller) : 0;
    park_let_go(&waiters[woken], 1, caller);
}

static void condition_broadcast(struct posix_condition *condition, struct caller caller)
{
    struct event *event = condition_begin(EVENT_COND_BROADCAST, condition, caller);
    uint32_t waiters[GOROUTINES_MAX];
    uint32_t count = park_waiters((uint64_t)condition, waiters);
    condition_end(event, condition, 0);
    park_let_go(waiters, count, caller);
}

/* ---- what programs call ---------------------------------------------------------------------- */

POSIX_WRAPS(int, pthread_cond_init, pthread_cond_t *object, const pthread_condattr_t *attributes)
{
    if (!posix_runs())
        return pthread_cond_init(object, attributes);
    struct posix_condition *condition = (struct posix_condition *)object;
    struct event *event = posix_write(condition, sizeof *condition, HOOK_CALLER);
    *condition = (struct posix_condition){ 0 };
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, pthread_cond_destroy, pthread_cond_t *object)
{
    if (!posix_runs())
        return pthread_cond_destroy(object);
    struct posix_condition *condition = (struct posix_condition *)object;
    struct event *event = posix_write_as(EVENT_SEQ_CST, condition, sizeof *condition, HOOK_CALLER);
    posix_wrote(event);
    if (condition->destroyed == POSIX_DESTROYED)
        synchronise_misuse("destroy of a condition variable that is destroyed", NULL, 0);
    if (condition->waiters > 0)
        synchronise_misuse("destroy of a condition variable at which threads wait", NULL, 0);
    condition->destroyed = POSIX_DESTROYED;
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, pthread_cond_wait, pthread_cond_t *object, pthread_mutex_t *mutex)
{
    if (!posix_runs())
        return pthread_cond_wait(object, mutex);
    return condition_wait((struct posix_condition *)object, (struct posix_mutex *)mutex,
                          HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_cond_timedwait, pthread_cond_t *object, pthread_mutex_t *mutex,
            const struct timespec *until)
{
    if (!posix_runs())
        return pthread_cond_timedwait(object, mutex, until);
    return condition_timedwait((struct posix_condition *)object, (struct posix_mutex *)mutex,
                               HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_cond_clockwait, pthread_cond_t *object, pthread_mutex_t *mutex,
            clockid_t clock, const struct timespec *until)
{
    if (!posix_runs())
        return pthread_cond_clockwait(object, mutex, clock, until);
    return condition_timedwait((struct posix_condition *)object, (struct posix_mutex *)mutex,
                               HOOK_CALLER);
}

POSIX_WRAPS(int, pthread_cond_signal, pthread_cond_t *object)
{
    if (!posix_runs())
        return pthread_cond_signal(object);
    condition_signal((struct posix_condition *)object, HOOK_CALLER);
    return 0;
}

POSIX_WRAPS(int, pthread_cond_broadcast, pthread_cond_t *object)
{
    if (!posix_runs())
        return pthread_cond_broadcast(object);
    condition_broadcast((struct posix_condition *)object, HOOK_CALLER);
    return 0;
}
