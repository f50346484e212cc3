/* explore_stores.h: what store buffers add to the happens-before order of an execution. Inside the
 * engine. */
#ifndef TREADLE_EXPLORE_STORES_H
#define TREADLE_EXPLORE_STORES_H

#include "explore_trace.h"
#include "scheduler.h"

/* How many ids goroutines and drainers have: rows have a number for each. */
uint32_t explore_columns(void);

/* Whether the execution has drainers. */
static inline bool explore_buffers(void)
{
    return scheduler.memory != MEMORY_SC;
}

/* The goroutine whose stores that drainer drains; of a goroutine: itself. */
uint32_t explore_owner(uint32_t goroutine);

/* Whether some of the events before this one happen before it because of store buffers; cheap. */
bool explore_stores_order(const struct explore_trace *trace, const struct event *event,
                          uint32_t before);

/* Whether the event at `earlier` is one of them: the store of a drain; an older drain that must
 * come first; a drain that a later event of its goroutine has waited for. */
bool explore_store_precedes(uint32_t earlier, const struct event *event);

#endif
