/* posix_thread.c: POSIX threads as goroutines: create, join, detach, exit, thread-specific data. A
 * pthread_t is the goroutine's id, but that of main, which would be 0. */
#define _GNU_SOURCE
#include "posix_thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "posix.h"
#include "posix_park.h"
#include "synchronisation.h"
#include "thread_local.h"

#define POSIX_KEYS_MAX 128u
#define POSIX_THREAD_MAIN ((pthread_t)GOROUTINES_MAX)

static struct posix_thread {
    void *result; /* what it returned, or gave to pthread_exit */
    bool detached, joined;
    bool has_values; /* it has ever set one */
    void *values[POSIX_KEYS_MAX]; /* of pthread_setspecific */
} threads[GOROUTINES_MAX];

/* The keys of pthread_key_create, of this execution. */
static struct {
    bool used;
    void (*destructor)(void *);
} keys[POSIX_KEYS_MAX];
static uint32_t key_count; /* those that were ever used */

/* All threads see the same keys: who makes or deletes one is ordered with who uses any. */
static void touch_keys(enum event_kind kind, struct caller caller)
{
    announce_from(kind, EVENT_SEQ_CST, (uint64_t)&key_count, sizeof key_count, caller);
}

void posix_thread_begin(uint32_t id)
{
    if (id == 0) {
        memset(keys, 0, key_count * sizeof keys[0]);
        memset(threads[0].values, 0, key_count * sizeof(void *));
        key_count = 0;
    }
    thread_local_prepare(id);
    park_begin(id);
    struct posix_thread *thread = &threads[id];
    thread->result = NULL;
    thread->detached = thread->joined = thread->has_values = false;
    memset(thread->values, 0, key_count * sizeof(void *));
}

void posix_thread_roots(uint32_t id,
                        void (*visit)(void *context, uint64_t begin, uint64_t end),
                        void *context)
{
    const struct posix_thread *thread = &threads[id];
    if (!thread->joined)
        visit(context, (uint64_t)&thread->result, (uint64_t)(&thread->result + 1));
    visit(context, (uint64_t)thread->values, (uint64_t)(thread->values + key_count));
}

/* ---- life ------------------------------------------------------------------------------------ */

/* The next key from `first` on whose destructor is to be called, POSIX_KEYS_MAX: none. */
static uint32_t find_destructor(const struct posix_thread *self, uint32_t first)
{
    touch_keys(EVENT_ATOMIC_LOAD, (struct caller){ 0, 0 });
    for (uint32_t i = first; i < key_count; i++)
        if (keys[i].used && keys[i].destructor != NULL && self->values[i] != NULL)
            return i;
    return POSIX_KEYS_MAX;
}

/* Destructors may set values anew: as often as the library, they are called again. */
static void run_destructors(struct posix_thread *self)
{
    for (uint32_t round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
        uint32_t key = find_destructor(self, 0);
        if (key == POSIX_KEYS_MAX)
            return;
        for (; key < POSIX_KEYS_MAX; key = find_destructor(self, key + 1)) {
            void *value = self->values[key];
            self->values[key] = NULL;
            keys[key].destructor(value);
        }
    }
}

static void thread_finish(void *result)
{
    struct posix_thread *self = &threads[scheduler.running->id];
    if (self->has_values)
        run_destructors(self);
    self->result = result;
}

static void thread_run(void *state, const void *argument)
{
    void *(*function)(void *) = (void *(*)(void *))(uint64_t)argument;
    thread_local_enter(scheduler.running->id);
    thread_finish(function(state));
}

POSIX_WRAPS(int, pthread_create, pthread_t *handle, const pthread_attr_t *attributes,
            void *(*function)(void *), void *argument)
{
    if (!posix_runs())
        return pthread_create(handle, attributes, function, argument);
    struct event *event = announce_from(EVENT_GO, EVENT_SEQ_CST, (uint64_t)handle, sizeof *handle,
                                   HOOK_CALLER);
    memory_check((uint64_t)handle, sizeof *handle, true);
    struct goroutine *child = scheduler_spawn(scheduler.running, NULL, thread_run, argument,
                                              (const void *)(uint64_t)function);
    int detached = PTHREAD_CREATE_JOINABLE;
    if (attributes != NULL)
        pthread_attr_getdetachstate(attributes, &detached);
    posix_thread_begin(child->id);
    threads[child->id].detached = detached == PTHREAD_CREATE_DETACHED;
    event->value_read = *handle;
    *handle = child->id;
    event->value_written = child->id;
    return 0;
}

POSIX_WRAPS(_Noreturn void, pthread_exit, void *result)
{
    if (!posix_runs())
        pthread_exit(result);
    thread_finish(result);
    scheduler_exit();
}

POSIX_WRAPS(pthread_t, pthread_self, void)
{
    if (!posix_runs())
        return pthread_self();
    return scheduler.running->id != 0 ? scheduler.running->id : POSIX_THREAD_MAIN;
}

/* ---- join ------------------------------------------------------------------------------------ */

/* The id of the thread of that handle, if it can be joined or detached. */
static uint32_t find_thread(pthread_t handle)
{
    if (handle == 0 || (handle >= scheduler.goroutine_count && handle != POSIX_THREAD_MAIN))
        synchronise_misuse("join or detach of a thread that does not exist", NULL, 0);
    uint32_t id = handle != POSIX_THREAD_MAIN ? (uint32_t)handle : 0;
    if (threads[id].detached || threads[id].joined)
        synchronise_misuse("join or detach of a thread that is detached or joined already", NULL,
                           0);
    return id;
}

POSIX_WRAPS(int, pthread_join, pthread_t handle, void **ret_result)
{
    if (!posix_runs())
        return pthread_join(handle, ret_result);
    uint32_t id = find_thread(handle);
    if (id == scheduler.running->id)
        return EDEADLK;
    struct event *event = scheduler_synchronise(EVENT_JOIN, NULL, 0, id, HOOK_PC, HOOK_FRAME);
    event->value_read = id;
    find_thread(handle); /* meanwhile another one may have joined it */
    threads[id].joined = true;
    if (ret_result == NULL)
        return 0;
    event = posix_write(ret_result, sizeof *ret_result, HOOK_CALLER);
    *ret_result = threads[id].result;
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(int, pthread_detach, pthread_t handle)
{
    if (!posix_runs())
        return pthread_detach(handle);
    threads[find_thread(handle)].detached = true;
    return 0;
}

/* Nothing is ever cancelled; what a thread says of it has no effect. */
POSIX_WRAPS(int, pthread_setcancelstate, int state, int *ret_before)
{
    if (!posix_runs())
        return pthread_setcancelstate(state, ret_before);
    if (ret_before != NULL)
        *ret_before = PTHREAD_CANCEL_ENABLE;
    return 0;
}

POSIX_WRAPS(int, pthread_setname_np, pthread_t handle, const char *name)
{
    return posix_runs() ? 0 : pthread_setname_np(handle, name);
}

/* ---- thread-specific data -------------------------------------------------------------------- */

POSIX_WRAPS(int, pthread_key_create, pthread_key_t *ret_key, void (*destructor)(void *))
{
    if (!posix_runs())
        return pthread_key_create(ret_key, destructor);
    touch_keys(EVENT_ATOMIC_RMW, HOOK_CALLER);
    uint32_t key = 0;
    while (key < key_count && keys[key].used)
        key++;
    if (key == POSIX_KEYS_MAX)
        return EAGAIN;
    if (key == key_count) {
        key_count++;
        for (uint32_t id = 0; id < scheduler.goroutine_count; id++)
            threads[id].values[key] = NULL;
    }
    keys[key].used = true;
    keys[key].destructor = destructor;
    struct event *event = posix_write(ret_key, sizeof *ret_key, HOOK_CALLER);
    *ret_key = key;
    posix_wrote(event);
    return 0;
}

static bool key_is_valid(pthread_key_t key)
{
    return key < key_count && keys[key].used;
}

POSIX_WRAPS(int, pthread_key_delete, pthread_key_t key)
{
    if (!posix_runs())
        return pthread_key_delete(key);
    touch_keys(EVENT_ATOMIC_RMW, HOOK_CALLER);
    if (!key_is_valid(key))
        return EINVAL;
    keys[key].used = false;
    for (uint32_t id = 0; id < scheduler.goroutine_count; id++)
        threads[id].values[key] = NULL;
    return 0;
}

POSIX_WRAPS(int, pthread_setspecific, pthread_key_t key, const void *value)
{
    if (!posix_runs())
        return pthread_setspecific(key, value);
    touch_keys(EVENT_ATOMIC_LOAD, HOOK_CALLER);
    if (!key_is_valid(key))
        return EINVAL;
    threads[scheduler.running->id].has_values = true;
    threads[scheduler.running->id].values[key] = (void *)(uint64_t)value;
    return 0;
}

POSIX_WRAPS(void *, pthread_getspecific, pthread_key_t key)
{
    if (!posix_runs())
        return pthread_getspecific(key);
    touch_keys(EVENT_ATOMIC_LOAD, HOOK_CALLER);
    return key_is_valid(key) ? threads[scheduler.running->id].values[key] : NULL;
}
