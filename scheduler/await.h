/* await.h: loops that only read until a value changes. Where executions are explored such a loop
 * waits, like for a lock, until somebody writes what it has read: else it could go on for ever.
 *
 * A goroutine is found in such a loop when it comes to the same place in the code, with the same
 * registers and the same stack, and has done nothing but read since: from there it would do again
 * what it did, as long as it reads the same values. */
#ifndef TREADLE_AWAIT_H
#define TREADLE_AWAIT_H

#include "execution.h"
#include "goroutine.h"
#include "scheduler.h"

#define AWAIT_FOR_EVER UINT32_MAX /* event.await: stopped by scheduler_options.unroll */

/* Whether an event of this kind can be one that only read. */
static inline bool await_may_only_read(const struct event *event)
{
    const uint64_t kinds = UINT64_C(1) << EVENT_READ | UINT64_C(1) << EVENT_ATOMIC_LOAD
                           | UINT64_C(1) << EVENT_YIELD | UINT64_C(1) << EVENT_ATOMIC_CAS
                           | UINT64_C(1) << EVENT_TRYLOCK | UINT64_C(1) << EVENT_TRYRDLOCK
                           | UINT64_C(1) << EVENT_TRYWRLOCK | UINT64_C(1) << EVENT_SEM_TRYWAIT;
    return kinds >> event->kind & 1;
}

/* The running goroutine has learnt something otherwise than by reading memory: what it has read so
 * far is no loop that waits. */
static inline void await_forget(struct goroutine *self)
{
    self->await.count = 0;
    self->await.armed = false;
}

/* await_look for an event that may be one of a loop's, or where loops are limited. */
void await_look_closely(struct goroutine *self);

/* To be called when the running goroutine has announced an event: its pending event's `await` is
 * then as it must be. Whoever calls must be called by the subject's code, directly or inlined. */
static inline void await_look(struct goroutine *self)
{
    self->pending.await = 0;
    if (scheduler.unroll == 0) {
        if (!await_may_only_read(&self->pending))
            return; /* a loop begins anew behind it, which is noticed then */
        uint32_t count = execution.trace_count;
        if (count == 0 || execution.trace[count - 1].goroutine != self->id
            || !await_may_only_read(&execution.trace[count - 1])) {
            await_forget(self);
            return;
        }
    }
    await_look_closely(self);
}

/* To be called when that event has been executed. */
static inline void await_executed(struct goroutine *self, struct event *event)
{
    event->await = self->pending.await;
    if (self->await.armed && self->await.armed_position == EVENT_INDEX_NONE)
        self->await.armed_position = (uint32_t)(event - execution.trace);
}

/* Lets those go on that have read what events since the last call have written. */
void await_wake(void);

#endif
