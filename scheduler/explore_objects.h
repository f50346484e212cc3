/* explore_objects.h: synchronisation objects in states that an execution did not pass through.
 * An object changes by the operations on it, and by whatever else writes where it lies: it is made
 * anew (sem_init), overwritten, its memory is used for another one. Inside the engine. */
#ifndef TREADLE_EXPLORE_OBJECTS_H
#define TREADLE_EXPLORE_OBJECTS_H

#include "explore_trace.h"
#include "synchronisation.h"

/* The state of the object of `event` after a set of events that does not hold it; position is its
 * own, or the trace's length if it has not been executed. What happened to the object behind it
 * either depends on it, and so is not in the set, or does not matter to it. */
struct object_state explore_object_after(const struct explore_trace *trace, uint32_t position,
                                         const struct event *event, const int16_t *counts);

/* Changes the state of the object of `event`, that after the set, as `key` does when it comes next.
 * False if the key does nothing to it, or it is then no more. */
bool explore_object_follow(const struct explore_trace *trace, const struct event *event,
                           const struct event *key, const int16_t *counts,
                           struct object_state *state);

/* Notes the objects that somebody waits for in this execution; for what follows. */
void explore_objects_find(struct explore_trace *trace);

/* Whether the event writes where such an object lies, and is no operation on objects itself. */
bool explore_overwrites(const struct explore_trace *trace, const struct event *event);

#endif
