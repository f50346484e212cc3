/* worker.h: a process that executes for a campaign: a struct work goes to the worker, a struct
 * work_result and its findings come back.
 *
 * Execution number n of a target is a pure function of (target, campaign's seed, n), and, in a
 * greybox search, of what its generation sees (greybox.h), which goes to the worker, too: so any
 * division of the work gives the same counts and findings. */
#ifndef TREADLE_WORKER_H
#define TREADLE_WORKER_H

#include "../scheduler/scheduler.h"
#include "finding.h"
#include "greybox.h"
#include "process.h"
#include "tally.h"

/* How a campaign executes. */
struct worker_plan {
    uint64_t seed;
    struct portfolio portfolio;
    enum memory_model memory;
    bool twice;           /* run each execution again and compare */
    bool stop_on_first;   /* end a piece of work at its first finding */
    bool greybox;         /* vary what executions have shown, */
    struct greybox_options search; /* like this */
    double start;         /* tally_now() at the campaign's start */
};

/* Executions from .. from + count - 1 of a target (its index in target.h's order); in a greybox
 * search greybox_send follows. */
struct work {
    uint32_t target;
    uint64_t from, count;
};

struct work_result {
    struct tally tally;
    uint64_t done; /* executions done; less than count after a crash, stop_on_first, or a time */
    bool over;     /* the process ends now, as after a crash of the subject */
    uint32_t finding_count; /* that many follow (finding_receive) */
    char setup_error[160];  /* the target's set-up failed: why; else empty */
}; /* in a greybox search shown_send comes behind the findings */

/* Forks a worker that serves work from its socket until that is closed. False with errno. */
bool worker_start(struct process *ret_process, const struct worker_plan *plan);

/* With what a campaign opens its targets. */
struct scheduler_options worker_options(const struct worker_plan *plan);

/* The seed of the open target's execution number 0; those of the others follow from it. */
uint64_t worker_target_seed(const struct worker_plan *plan);

/* Runs execution `number` of the open target, whose worker_target_seed is given, without a greybox
 * search. */
void worker_run(struct worker_plan *plan, uint64_t target_seed, uint64_t number);

#endif
