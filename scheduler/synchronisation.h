/* synchronisation.h: when a pending operation can execute. */
#ifndef TREADLE_SYNCHRONISATION_H
#define TREADLE_SYNCHRONISATION_H

#include "goroutine.h"

/* Whether the goroutine's pending event could execute in the present state: a lock is free, the
 * awaited counter zero, the joined goroutine done. True for everything that never waits. */
bool goroutine_can_execute(const struct goroutine *goroutine);

#endif
