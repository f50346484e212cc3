/* exploration_run.h: how one call of exploration_run stands, for the files that it consists of:
 * what it has given out to its workers, and what comes back. */
#ifndef TREADLE_EXPLORATION_RUN_H
#define TREADLE_EXPLORATION_RUN_H

#include "exploration.h"
#include "exploration_status.h"

struct explorer_process {
    struct process process; /* first, so that one leads to the other */
    bool busy;
    struct slice slice;
    struct frontier given; /* items being explored */
    double done_before;    /* when it began to probe: executions made and being made by others */
};

/* How one call of exploration_run stands. */
struct exploration_run {
    struct exploration *exploration;
    const struct exploration_options *options;
    struct explorer_process processes[EXPLORATION_JOBS_MAX];
    struct exploration_status status;
    struct exploration_target *target; /* the one being explored */
    uint32_t deaths;                   /* of processes over it in a row */
    double round_end;                  /* its turn is over then; 0 = never */
    double checkpoint_at;              /* when the last one was written */
    double checkpoint_after;           /* so long before the next one */
    double seconds_before;             /* the exploration's, when this run began */
    struct frontier received;
    struct explored_classes classes; /* received */
    char *error;
    size_t error_bytes;
    bool failed;
};

/* Whether the user or the clock wants it to end; whether the user wants that at once. */
bool run_is_over(const struct exploration_run *run);
bool run_is_hurried(void);

/* Whether there is something to be done for a target, now or in another round. */
bool run_has_work(const struct exploration_run *run, const struct exploration_target *target);

/* Starts a process in its place; false with errno. */
bool run_start_process(struct exploration_run *run, struct explorer_process *process);

/* Gives idle processes slices of run->target, as long as its turn lasts. Returns whether anything
 * is under way. */
bool run_give_work(struct exploration_run *run);

/* Lets a process, which is idle, estimate how much is left of run->target. */
void run_give_probe(struct exploration_run *run, struct explorer_process *process);

/* Waits (half a second at most) for what processes send, and adds it to run->target; if the run is
 * hurried, it kills them instead. */
void run_take_results(struct exploration_run *run);

#endif
