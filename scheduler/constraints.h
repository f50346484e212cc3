/* constraints.h: wishes about the order of events, to be followed while an execution is made: the
 * abstract schedules of RFF (Wolff et al., ASPLOS 2024). A constraint names a write and a read
 * (abstract.h) and says that the read is, or is not, to see what the write has written. */
#ifndef TREADLE_CONSTRAINTS_H
#define TREADLE_CONSTRAINTS_H

#include "strategy.h"

#define CONSTRAINTS_MAX 32u
#define ANSWERS_MAX 64u

struct constraint {
    uint16_t write, read; /* abstract events */
    uint8_t occurrence;   /* of the read, in the execution: from 0 on */
    bool negative;        /* the read is not to see it */
};

/* An execution as it is wished. */
struct input {
    uint64_t seed; /* of all that nothing else decides */
    uint8_t answers[ANSWERS_MAX]; /* to the first data choices, modulo the number of answers */
    uint32_t answer_count;
    struct constraint constraints[CONSTRAINTS_MAX];
    uint32_t constraint_count;
};

/* How far the constraints are followed. */
struct constrained {
    const struct input *input;
    uint32_t answers_given;
    struct {
        uint64_t address; /* of the write, once it was executed */
        uint8_t reads;    /* how often the read was executed */
        bool written;     /* the write is the last one there */
        bool over;
    } states[CONSTRAINTS_MAX];
    uint64_t named[1024 / 64]; /* abstract events that a constraint names, modulo 1024, as bits */
    uint32_t written_count;    /* states with `written` */
    uint32_t decisions;        /* in which they had a say, in this execution */
    /* By goroutine: its pending event, abstract, and whether a constraint names it. As long as it
     * has a priority the event is the same. */
    struct {
        uint16_t abstract;
        bool named;
    } pending[GOROUTINES_MAX + DRAINERS_MAX];
};

/* Partial order sampling among those that no constraint speaks against. constrained outlives the
 * strategy's use; its input may change between executions. */
struct strategy strategy_constrained(struct constrained *constrained);

#endif
