/* invariants.h: what holds of every map of Go's between two operations, whatever they were, as long
 * as goroutines do not race. */
#ifndef GOMAP_INVARIANTS_H
#define GOMAP_INVARIANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gomap/interpreter.h"
#include "treadle.h"

/* The invariants for a target whose state is a struct program (program.h). */
extern const struct treadle_invariant map_invariants[];
extern const uint32_t map_invariant_count;

/* The rule that this state breaks first, with the details; NULL if it breaks none. */
const char *map_broken_rule(struct map_state *state, char *detail, size_t detail_bytes);

#endif
