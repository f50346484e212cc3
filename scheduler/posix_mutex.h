/* posix_mutex.h: what a wait at a condition variable does with its mutex. */
#ifndef TREADLE_POSIX_MUTEX_H
#define TREADLE_POSIX_MUTEX_H

#include "announce.h"

#include "posix_objects.h"

/* Unlocks the running goroutine's mutex whole; returns how often it was locked beyond once. Any
 * other goroutine's is lock-misuse, for which `misuse` is the rule. */
uint32_t posix_mutex_release(struct posix_mutex *mutex, const char *misuse, struct caller caller);

/* Locks it, count times beyond once. */
void posix_mutex_acquire(struct posix_mutex *mutex, uint32_t count, struct caller caller);

#endif
