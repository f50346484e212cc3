/* exploration_status.h: the live line of an exploration on standard error: on a terminal rewritten
 * again and again, elsewhere a new line now and then. */
#ifndef TREADLE_EXPLORATION_STATUS_H
#define TREADLE_EXPLORATION_STATUS_H

#include "exploration.h"

struct exploration_status {
    double shown; /* when the line was written last */
    bool visible; /* a line stands there, to be rewritten */
};

/* Shows how far the target that is being explored is, if it is time to; start: tally_now() when all
 * began. */
void exploration_status_show(struct exploration_status *status,
                             const struct exploration_target *target,
                             double start);

/* The same of executions that all belong to one program, without an estimate. */
void exploration_status_count(struct exploration_status *status, const char *command,
                              uint64_t executions, double start);

/* Says that the findings of a target are being replayed and saved. */
void exploration_status_keeping(struct exploration_status *status,
                                const struct exploration_target *target);

/* Wipes the line. */
void exploration_status_end(struct exploration_status *status);

/* How many executions there are in all: "about 12,000 to 90,000", two digits each; "" if nothing
 * is known. */
void exploration_status_total(const struct exploration_target *target, char *text, size_t bytes);

#endif
