/* linearisation.h: another order of an execution's events: equivalent to it, in long runs of one
 * goroutine each. An exploration comes upon an execution in an order of its own, full of switches;
 * and it explores in a mode (scheduler_options.exploring) that a schedule file does without
 * wherever it can. */
#ifndef TREADLE_LINEARISATION_H
#define TREADLE_LINEARISATION_H

#include "../scheduler/explore.h"

/* What is to hold in the order. */
struct linearisation_wish {
    /* For an execution that is not exploring: there operations of the history begin and end
     * together with their goroutine's event before, and no choice stands before that. */
    bool plain;
    /* Only what this goroutine's last event rests on, 0: everything. */
    uint32_t only_before;
    /* The order in which they were executed, but for what ends the program: that comes last. */
    bool as_executed;
};

/* The choices of an order of the current execution's events, which was made exploring, to be
 * freed. NULL if there is none as wished: a switch stands where there can be none. */
struct explore_step *linearise(const struct linearisation_wish *wish, uint32_t *ret_count);

#endif
