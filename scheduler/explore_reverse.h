/* explore_reverse.h: from an execution to its children. Inside the engine. */
#ifndef TREADLE_EXPLORE_REVERSE_H
#define TREADLE_EXPLORE_REVERSE_H

#include "explore_trace.h"

struct explore_steps {
    struct explore_step *steps;
    uint32_t count, capacity;
};

/* Where children go: `add` gets each one, as steps and pending goroutine. */
struct explore_children {
    struct explore_steps steps; /* of the one being made */
    int16_t *row;              /* a row of the trace's, to work with */
    void (*add)(struct explore_children *children, uint32_t pending);
};

/* Makes room for `count` steps, and for more of them to be added; returns it. */
struct explore_step *explore_steps_make(struct explore_steps *steps, uint32_t count);
void explore_steps_add(struct explore_steps *steps, struct explore_step step);

/* Finds the children of the execution that trace was made of. */
void explore_find_children(struct explore_trace *trace, struct explore_children *children);

#endif
