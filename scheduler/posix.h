/* posix.h: how functions of the C library are replaced in a program that treadle-cc links. A file
 * posix_*.c defines __wrap_NAME; treadle-cc links programs with --wrap=NAME for each of these, and
 * the engine's own calls of NAME stay the library's. In an execution of the program the calls are
 * Treadle's; otherwise, so also in a program run without --treadle, they go to the library. */
#ifndef TREADLE_POSIX_H
#define TREADLE_POSIX_H

#include "announce.h"

/* Opens the definition of the program's own version of a function. */
#define POSIX_WRAPS(type, name, ...)                                                               \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

/* Whether it is the program under test that calls. */
static inline bool posix_runs(void)
{
    return execution.phase == PHASE_RUN;
}

/* scheduler_synchronise on behalf of a function that the program called. */
static inline struct event *posix_synchronise(enum event_kind kind, volatile void *object,
                                              uint32_t bytes, struct caller caller)
{
    return scheduler_synchronise(kind, object, bytes, 0, caller.pc, caller.frame);
}

/* A write of a whole object: the caller then writes it and calls posix_wrote. Plain for init
 * functions and results; seq_cst for who looks at what lies there first, which no store buffer must
 * keep from others. */
static inline struct event *posix_write_as(enum event_order order, volatile void *object,
                                           uint32_t bytes, struct caller caller)
{
    struct event *event = announce_from(EVENT_WRITE, order, (uint64_t)object, bytes, caller);
    memory_check((uint64_t)object, bytes, true);
    event->source = memory_value((uint64_t)object, bytes <= 8 ? bytes : 0);
    announce_store(event);
    return event;
}

static inline struct event *posix_write(volatile void *object, uint32_t bytes, struct caller caller)
{
    return posix_write_as(EVENT_PLAIN, object, bytes, caller);
}

static inline void posix_wrote(struct event *event)
{
    event->value_written = memory_value(event->address, event->size);
    execution_keep_written(event);
}

#endif
