/* targets.h: the map's targets as programs, which rwmap registers once more, under a lock. */
#ifndef GOMAP_TARGETS_H
#define GOMAP_TARGETS_H

#include "gomap/program.h"

/* The programs in the trace language; how the targets use them stands in targets.c. */
enum targets_program {
    TARGETS_INSERT_INSERT,
    TARGETS_INSERT_INSERT_GROW,
    TARGETS_READ_GROW,
    TARGETS_ITERATE_GROW,
    TARGETS_ITERATE_CLEAR,
    TARGETS_ITERATE_MUTATE,
    TARGETS_NEXT_OVERFLOW,
    TARGETS_OVERFLOW_LIST_GC,
    TARGETS_PROGRAM_COUNT,
};

/* Makes one of them, not yet registered; its target still needs a name, a description, and what it
 * expects and requires. Never destroyed: targets live as long as the process. */
struct program *targets_program(enum targets_program which);

#endif
