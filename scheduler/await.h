/* await.h: loops that only read until a value changes. Where executions are explored such a loop
 * waits, like for a lock, until somebody writes what it has read: else it could go on for ever.
 *
 * A goroutine is found in such a loop when it comes to the same place in the code, with the same
 * registers and the same stack, and has done nothing but read since: from there it would do again
 * what it did, as long as it reads the same values. */
#ifndef TREADLE_AWAIT_H
#define TREADLE_AWAIT_H

#include "goroutine.h"

#define AWAIT_FOR_EVER UINT32_MAX /* event.await: stopped by scheduler_options.unroll */

/* To be called when the running goroutine has announced an event: its pending event's `await` is
 * then as it must be. Whoever calls must be called by the subject's code, directly or inlined. */
void await_look(struct goroutine *self);

/* To be called when that event has been executed. */
void await_executed(struct goroutine *self, struct event *event);

/* The running goroutine has learnt something otherwise than by reading memory: what it has read so
 * far is no loop that waits. */
void await_forget(struct goroutine *self);

/* Lets those go on that have read what events since the last call have written. */
void await_wake(void);

#endif
