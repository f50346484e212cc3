/* announce.h: the path of every event: announced, chosen, executed, committed. Inlined into the
 * hooks; this is where Treadle spends its time. */
#ifndef TREADLE_ANNOUNCE_H
#define TREADLE_ANNOUNCE_H

#include "await.h"
#include "choice.h"
#include "memory.h"
#include "scheduler.h"
#include "store_buffer.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* Before the prototype of a hook that is called all the time. */
#define HOOK FIBER_RETURNS

/* The return address of the hook that this stands in, and the stack pointer of who called it. */
#define HOOK_PC ((uint64_t)__builtin_return_address(0))
#define HOOK_FRAME ((uint64_t)__builtin_dwarf_cfa())

/* Both, for who acts on behalf of that function. */
struct caller {
    uint64_t pc, frame;
};
#define HOOK_CALLER ((struct caller){ HOOK_PC, HOOK_FRAME })

/* Completes the record of a plain write, now that the goroutine has come back from it. */
ALWAYS_INLINE void announce_commit(struct goroutine *self)
{
    struct event *event = self->uncommitted;
    if (event == NULL)
        return;
    self->uncommitted = NULL;
    if (__builtin_expect(event->size == 8, 1)) {
        memcpy(&event->value_written, (const void *)event->address, 8); /* perhaps unaligned */
        return;
    }
    event->value_written = memory_value(event->address, event->size);
    execution_keep_written(event);
}

/* Writes down what the running goroutine is about to do; what is event_what's. */
ALWAYS_INLINE void announce_pending(struct goroutine *self, uint64_t what, uint64_t address,
                                    uint64_t pc)
{
    announce_commit(self);
    self->pending.address = address;
    self->pending.pc = pc;
    self->pending.what = what;
    self->priority = 0;
}

/* Lets the strategy choose who goes on in a running execution, and goes there; returns when self is
 * chosen. */
ALWAYS_INLINE void announce_switch(struct goroutine *self)
{
    if (__builtin_expect(scheduler_watches(), 0))
        scheduler_watch();
    if (__builtin_expect(scheduler.candidate_count == 0, 0))
        scheduler_deadlock();
    uint32_t count = scheduler.candidate_count;
    uint32_t index = choose(CHOICE_SCHEDULE, scheduler.candidates, count);
    struct goroutine *next = scheduler.candidates[index];
    if (count == 1 && next == self)
        return;
    /* Also when next is self: a branch that a random choice decides is mispredicted half of the
     * time, which costs more than the switch. */
    execution.switches += next != self;
    scheduler.running = next;
    fiber_switch(&self->fiber, &next->fiber);
}

/* The same at any time: outside RUN there is nobody else. frame: HOOK_FRAME of the subject's call,
 * 0 if it is known. */
ALWAYS_INLINE void announce_schedule_from(struct goroutine *self, uint64_t frame)
{
    if (__builtin_expect(scheduler.schedules_plainly, 1))
        announce_switch(self);
    else
        scheduler_schedule_specially(self, frame);
}

/* The same in a function that the subject calls itself. */
ALWAYS_INLINE void announce_schedule(struct goroutine *self)
{
    announce_schedule_from(self, HOOK_FRAME);
}

/* Appends the running goroutine's pending event to the trace: it happens now. The members come as
 * arguments, not from self->pending: reading back in one piece what was just written in several
 * stalls the processor. */
ALWAYS_INLINE struct event *announce_execute(struct goroutine *self, uint64_t what,
                                             uint64_t address, uint64_t pc)
{
    uint32_t position = execution.trace_count;
    if (__builtin_expect(position >= scheduler.trace_limit, 0))
        scheduler_end(TREADLE_TIMEOUT, "more events than an execution may have",
                      EVENT_INDEX_NONE);
    execution.trace_count = position + 1;
    struct event *event = &execution.trace[position];
    event->address = address;
    event->pc = pc;
    event->what = what;
    event->value_read = 0;
    event->value_written = 0;
    event->index = self->event_count++;
    event->success = 1;
    event->await = 0;
    return event;
}

/* Whether the pending event waits, where executions are explored. */
ALWAYS_INLINE void announce_await(struct goroutine *self)
{
    await_look(self);
    if (self->pending.await != 0 && scheduler.memory == MEMORY_SC)
        goroutine_update(self);
}

/* The rest of announce where executions are explored: the event may wait. */
ALWAYS_INLINE struct event *announce_exploring(struct goroutine *self, uint64_t what,
                                               uint64_t address, uint64_t pc, uint64_t frame)
{
    announce_await(self);
    announce_schedule_from(self, frame);
    struct event *event = announce_execute(self, what, address, pc);
    await_executed(self, event);
    return event;
}

/* All of it, for an event that is always possible. Its values are still 0, its success 1. */
ALWAYS_INLINE struct event *announce_from(enum event_kind kind, enum event_order order,
                                          uint64_t address, uint32_t size, struct caller caller)
{
    struct goroutine *self = scheduler.running;
    uint64_t what = event_what(kind, order, size, self->id);
    announce_pending(self, what, address, caller.pc);
    if (__builtin_expect(scheduler.exploring, 0))
        return announce_exploring(self, what, address, caller.pc, caller.frame);
    announce_schedule_from(self, caller.frame);
    return announce_execute(self, what, address, caller.pc);
}

/* The same in a function that the subject calls itself. */
ALWAYS_INLINE struct event *announce(enum event_kind kind, enum event_order order,
                                     uint64_t address, uint32_t size, uint64_t pc)
{
    return announce_from(kind, order, address, size, (struct caller){ pc, HOOK_FRAME });
}

/* The running goroutine, whose event this is, is about to store. */
ALWAYS_INLINE void announce_store(struct event *event)
{
    if (__builtin_expect(scheduler.memory != MEMORY_SC, 0) && event != NULL)
        buffer_store(scheduler.running, event);
}

/* Whether events are recorded now; else the operation just takes effect. */
ALWAYS_INLINE bool announce_records(void)
{
    return execution.phase >= PHASE_RUN;
}

/* Whether address is the running goroutine's own stack, in a target that declares it private. */
ALWAYS_INLINE bool announce_is_private(uint64_t address)
{
    return scheduler.private_stacks && (address ^ fiber_stack_pointer()) < FIBER_STRIDE;
}

#endif
