/* test_posix.h: what POSIX threads have, for tests' own targets, which are no whole programs: the
 * functions that programs call; and in place of thread_local.c the words by which they wait. */
#ifndef TREADLE_TEST_POSIX_H
#define TREADLE_TEST_POSIX_H

#include <pthread.h>
#include <semaphore.h>

#include "posix_objects.h"
#include "posix_park.h"
#include "scheduler.h"
#include "thread_local.h"

int __wrap_sem_init(sem_t *, int, unsigned), __wrap_sem_wait(sem_t *);
int __wrap_sem_trywait(sem_t *), __wrap_sem_post(sem_t *);
int __wrap_pthread_rwlock_init(pthread_rwlock_t *, const pthread_rwlockattr_t *);
int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *);
int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *);
int __wrap_pthread_rwlock_tryrdlock(pthread_rwlock_t *);
int __wrap_pthread_rwlock_trywrlock(pthread_rwlock_t *);
int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *);
int __wrap_pthread_mutex_init(pthread_mutex_t *, const pthread_mutexattr_t *);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *), __wrap_pthread_mutex_lock(pthread_mutex_t *);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *), __wrap_pthread_mutex_unlock(pthread_mutex_t *);
int __wrap_pthread_cond_init(pthread_cond_t *, const pthread_condattr_t *);
int __wrap_pthread_cond_wait(pthread_cond_t *, pthread_mutex_t *);
int __wrap_pthread_cond_timedwait(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
int __wrap_pthread_cond_signal(pthread_cond_t *), __wrap_pthread_cond_broadcast(pthread_cond_t *);
int __wrap_pthread_barrier_init(pthread_barrier_t *, const pthread_barrierattr_t *, unsigned);
int __wrap_pthread_barrier_wait(pthread_barrier_t *);

uint64_t thread_local_pointers[GOROUTINES_MAX];
bool thread_local_has_instruction;
static uint64_t thread_words[GOROUTINES_MAX];

void thread_local_open(void) {}
void thread_local_prepare(uint32_t id) { (void)id; }
void thread_local_leave(void) {}
void thread_local_switch(uint64_t pointer) { (void)pointer; }
void *thread_local_word(uint32_t id) { return &thread_words[id]; }

int32_t thread_local_of_address(uint64_t address, uint64_t bytes)
{
    (void)address;
    (void)bytes;
    return -1;
}

int64_t thread_local_offset(uint32_t id, uint64_t address)
{
    (void)id;
    return (int64_t)address;
}

const void *thread_local_block(uint32_t id, uint64_t *ret_bytes)
{
    *ret_bytes = 0;
    return &thread_words[id];
}

/* Nobody waits yet: to be called by each goroutine first. */
static inline void posix_begin(void)
{
    static uint64_t begun; /* the execution's number */
    for (uint32_t id = 0; begun != execution.number && id < GOROUTINES_MAX; id++)
        park_begin(id);
    begun = execution.number;
}

#endif
