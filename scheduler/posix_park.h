/* posix_park.h: how threads wait at a condition variable or barrier: each at a word of its own, a
 * wait group that lies with its thread-locals. So one that has been let go touches nothing that may
 * have been destroyed since. Only the running goroutine parks; it is a waiter of an object from
 * park_wait_at on until another one takes it off, or it leaves. */
#ifndef TREADLE_POSIX_PARK_H
#define TREADLE_POSIX_PARK_H

#include "announce.h"

/* The thread's life begins: it waits nowhere. */
void park_begin(uint32_t goroutine);

/* From here on park() waits. To be called before park_wait_at. */
void park_prepare(struct caller caller);

/* The running goroutine is a waiter of that object (no event: part of the caller's). parks: it will
 * call park, and not just look whether it is still a waiter. */
void park_wait_at(uint64_t object, bool parks);

/* Waits until it is let go. */
void park(struct caller caller);

/* The waiters of an object, in the order of their spawn paths: writes them to ret_waiters (room for
 * GOROUTINES_MAX) and returns how many. */
uint32_t park_waiters(uint64_t object, uint32_t *ret_waiters);

/* The running goroutine waits no longer; whether it was still a waiter (part of the caller's
 * event). */
bool park_leave(void);

/* Takes these off (part of the caller's event), then lets those of them go that park. */
void park_let_go(const uint32_t *waiters, uint32_t count, struct caller caller);

#endif
