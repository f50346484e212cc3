/* synchronisation.h: when a pending operation can execute. */
#ifndef TREADLE_SYNCHRONISATION_H
#define TREADLE_SYNCHRONISATION_H

#include "scheduler.h"

/* Whether the goroutine's pending event could execute in the present state: a lock is free, the
 * awaited counter zero, the joined goroutine done. True for everything that never waits. */
bool goroutine_can_execute(const struct goroutine *goroutine);

/* What lies in a synchronisation object. */
struct object_state {
    uint32_t owner; /* of a mutex; of a reader-writer mutex the writer: id + 1, 0 = none */
    int32_t count;  /* of readers, of a wait group; a semaphore's value */
    bool writer_known; /* for who puts a state together */
};

/* Whether an operation of this kind can execute when its object is in that state. */
bool object_lets(enum event_kind kind, const struct object_state *state);

/* The state of the object of a pending operation, as it is in memory. */
struct object_state object_now(const struct event *pending);

/* Ends an operation that scheduler_synchronise has begun (event NULL: nothing is recorded): its
 * object was `before` and is `after`; who waits for the object is looked at anew. */
void synchronise_end(struct event *event, uint64_t before, uint64_t after);

/* Ends the execution: lock-misuse, by the event executed last. event, if it is not NULL, is of an
 * operation that has left its object at that value. */
_Noreturn void synchronise_misuse(const char *rule, struct event *event, uint64_t value);

#endif
