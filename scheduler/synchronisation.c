/* synchronisation.c: mutex, reader-writer mutex, wait group, join: objects in the subject's memory,
 * whose operations wait. An operation that cannot execute now keeps its goroutine from being
 * chosen; goroutine_can_execute says when it can. */
#include "synchronisation.h"

#include "announce.h"
#include "dependence.h"
#include "posix_objects.h"
#include "store_buffer.h"

bool object_lets(enum event_kind kind, const struct object_state *state)
{
    switch (kind) {
    case EVENT_LOCK:
    case EVENT_RWLOCK:
    case EVENT_RLOCK:
    case EVENT_RDLOCK:
        return state->owner == 0;
    case EVENT_RWDRAIN:
    case EVENT_WAITGROUP_WAIT:
        return state->count == 0;
    case EVENT_WRLOCK:
        return state->owner == 0 && state->count == 0;
    case EVENT_SEM_WAIT:
        return state->count > 0;
    default:
        return true;
    }
}

/* What pthread_once has done lies free, too. */
static uint32_t mutex_owner(const struct treadle_mutex *mutex)
{
    return mutex->owner == POSIX_ONCE_DONE ? 0 : mutex->owner;
}

struct object_state object_now(const struct event *pending)
{
    const void *object = (const void *)pending->address;
    switch (pending->kind) {
    case EVENT_LOCK:
        return (struct object_state){ .owner = mutex_owner(object) };
    case EVENT_RWLOCK:
    case EVENT_RLOCK:
    case EVENT_RDLOCK:
    case EVENT_WRLOCK:
    case EVENT_RWDRAIN: {
        const struct treadle_rwmutex *rwmutex = object;
        return (struct object_state){ .owner = rwmutex->writer,
                                      .count = (int32_t)rwmutex->readers };
    }
    case EVENT_WAITGROUP_WAIT:
        return (struct object_state){ .count = ((const struct treadle_waitgroup *)object)->count };
    case EVENT_SEM_WAIT:
        return (struct object_state){
            .count = (int32_t)((const struct posix_semaphore *)object)->value
        };
    default:
        return (struct object_state){ 0 };
    }
}

/* What has no object, or none that is there, can go on: to its verdict. */
bool goroutine_can_execute(const struct goroutine *goroutine)
{
    const struct event *pending = &goroutine->pending;
    if (__builtin_expect(scheduler.memory != MEMORY_SC, 0) && !buffer_lets(goroutine))
        return false;
    if (pending->await != 0)
        return goroutine->await.woken;
    if (pending->kind == EVENT_JOIN)
        return scheduler.goroutines[pending->source].state == GOROUTINE_DONE;
    if (!dependence_waits(pending))
        return true;
    if (!memory_known(pending->address, pending->size))
        return true;
    struct object_state state = object_now(pending);
    return object_lets(pending->kind, &state);
}

/* An operation on one object: announced, awaited, then performed between begin and end. Outside
 * RUN goroutine 0 is alone: what would wait for ever there is a deadlock. */
#define SYNCHRONISE(kind, object)                                                                  \
    scheduler_synchronise(kind, object, sizeof *(object), 0, HOOK_PC, HOOK_FRAME)

void synchronise_end(struct event *event, uint64_t before, uint64_t after)
{
    if (event == NULL)
        return;
    event->value_read = before;
    event->value_written = after;
    if (execution.phase == PHASE_RUN)
        scheduler_refresh(event->address);
}

/* The operation changes nothing. */
void synchronise_misuse(const char *rule, struct event *event, uint64_t value)
{
    uint32_t last = execution.trace_count > 0 ? execution.trace_count - 1 : EVENT_INDEX_NONE;
    if (event != NULL)
        event->value_read = event->value_written = value;
    scheduler_end(TREADLE_LOCK_MISUSE, rule, last);
}

static uint32_t self_token(void)
{
    return treadle_self() + 1;
}

void treadle_mutex_lock(struct treadle_mutex *mutex)
{
    struct event *event = SYNCHRONISE(EVENT_LOCK, mutex);
    mutex->owner = self_token();
    synchronise_end(event, 0, mutex->owner);
}

bool treadle_mutex_trylock(struct treadle_mutex *mutex)
{
    struct event *event = SYNCHRONISE(EVENT_TRYLOCK, mutex);
    uint32_t owner = mutex->owner;
    if (owner == 0)
        mutex->owner = self_token();
    if (event != NULL)
        event->success = owner == 0;
    synchronise_end(event, owner, mutex->owner);
    return owner == 0;
}

void treadle_mutex_unlock(struct treadle_mutex *mutex)
{
    struct event *event = SYNCHRONISE(EVENT_UNLOCK, mutex);
    if (mutex->owner != self_token())
        synchronise_misuse("unlock of a mutex that the goroutine does not hold", event, mutex->owner);
    mutex->owner = 0;
    synchronise_end(event, self_token(), 0);
}

static uint64_t rwmutex_value(const struct treadle_rwmutex *rwmutex)
{
    return (uint64_t)rwmutex->writer << 32 | rwmutex->readers;
}

/* Go's Lock: first announces the writer, which keeps new readers out, then waits for the readers
 * that are in. */
void treadle_rwmutex_lock(struct treadle_rwmutex *rwmutex)
{
    struct event *event = SYNCHRONISE(EVENT_RWLOCK, rwmutex);
    uint64_t before = rwmutex_value(rwmutex);
    rwmutex->writer = self_token();
    synchronise_end(event, before, rwmutex_value(rwmutex));
    event = SYNCHRONISE(EVENT_RWDRAIN, rwmutex);
    synchronise_end(event, rwmutex_value(rwmutex), rwmutex_value(rwmutex));
}

void treadle_rwmutex_unlock(struct treadle_rwmutex *rwmutex)
{
    struct event *event = SYNCHRONISE(EVENT_RWUNLOCK, rwmutex);
    uint64_t before = rwmutex_value(rwmutex);
    if (rwmutex->writer != self_token())
        synchronise_misuse("unlock of a read-write mutex that the goroutine does not hold", event, before);
    rwmutex->writer = 0;
    synchronise_end(event, before, rwmutex_value(rwmutex));
}

void treadle_rwmutex_rlock(struct treadle_rwmutex *rwmutex)
{
    struct event *event = SYNCHRONISE(EVENT_RLOCK, rwmutex);
    uint64_t before = rwmutex_value(rwmutex);
    rwmutex->readers++;
    synchronise_end(event, before, rwmutex_value(rwmutex));
}

/* Whether the running goroutine has locked it for reading, in this execution. */
static bool reads(const struct treadle_rwmutex *rwmutex)
{
    int32_t locked = 0;
    uint32_t self = scheduler.running->id;
    for (uint32_t i = execution.trace_count - 1; i-- > 0 && locked <= 0;) {
        const struct event *event = &execution.trace[i];
        if (event->goroutine == self && event->address == (uint64_t)rwmutex)
            locked += (event->kind == EVENT_RLOCK) - (event->kind == EVENT_RUNLOCK);
    }
    return locked > 0 || self == 0; /* set-up's and final check's locking may have no events */
}

void treadle_rwmutex_runlock(struct treadle_rwmutex *rwmutex)
{
    struct event *event = SYNCHRONISE(EVENT_RUNLOCK, rwmutex);
    uint64_t before = rwmutex_value(rwmutex);
    if (rwmutex->readers == 0 || (event != NULL && !reads(rwmutex)))
        synchronise_misuse("read unlock of a read-write mutex that the goroutine does not read", event, before);
    rwmutex->readers--;
    synchronise_end(event, before, rwmutex_value(rwmutex));
}

static void waitgroup_change(struct treadle_waitgroup *group, int32_t delta, struct event *event)
{
    int32_t before = group->count;
    if (delta > 0 ? before > INT32_MAX - delta : before + delta < 0)
        synchronise_misuse("a wait group's counter below zero or beyond its range", event, (uint32_t)before);
    group->count = before + delta;
    synchronise_end(event, (uint32_t)before, (uint32_t)group->count);
}

void treadle_waitgroup_add(struct treadle_waitgroup *group, int32_t delta)
{
    waitgroup_change(group, delta, SYNCHRONISE(EVENT_WAITGROUP_ADD, group));
}

void treadle_waitgroup_done(struct treadle_waitgroup *group)
{
    waitgroup_change(group, -1, SYNCHRONISE(EVENT_WAITGROUP_ADD, group));
}

void treadle_waitgroup_wait(struct treadle_waitgroup *group)
{
    synchronise_end(SYNCHRONISE(EVENT_WAITGROUP_WAIT, group), 0, 0);
}
