/* shrink.h: from an execution that shows a finding to a smaller one that shows it, too. Knows only
 * lists of runs and how large what came of them was; what a finding is, others know. */
#ifndef TREADLE_SHRINK_H
#define TREADLE_SHRINK_H

#include "../scheduler/wish.h"

/* In the order of importance. */
struct shrink_size {
    uint32_t goroutines;  /* that execute */
    uint32_t preemptions; /* as explore_bounded.h defines them */
    uint32_t switches;
    uint32_t events;
    uint32_t answers; /* of data choices, that are not the first one */
};

/* Whether a is the smaller one; one with more preemptions never is. */
bool shrink_is_smaller(const struct shrink_size *a, const struct shrink_size *b);

/* An execution: it is what its wish says exactly. */
struct shrink_execution {
    struct wish wish;
    struct shrink_size size;
};

struct shrink_plan {
    /* Executes as wished, as far as possible. Returns whether that shows the finding, and what was
     * executed, in place of what *execution held. */
    bool (*execute)(void *context, const struct wish *wish, struct shrink_execution *execution);
    /* Looks for an execution with fewer preemptions among many: returns false if it has none to
     * propose. NULL: nobody looks. */
    bool (*search)(void *context, const struct shrink_execution *best, struct wish *ret_wish);
    /* Whether no more is to be executed. */
    bool (*is_over)(void *context);
    void *context;
};

/* Makes *best smaller until no single step does any more. Returns false if the plan was over before
 * that was known. The steps: a goroutine comes last, or not at all; a run is left out (its events
 * come with the goroutine's next run, or what follows comes earlier); it is merged with the
 * goroutine's next one; it goes on as long as it can; it is the last one that is given; it is
 * shorter; a data choice has its first answer. */
bool shrink(const struct shrink_plan *plan, struct shrink_execution *best);

#endif
