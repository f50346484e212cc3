/* exploration.h: `treadle check`: every execution of a target that matters, once, by any number of
 * processes. This one holds the frontiers; what it has given to a worker stays in its hands until
 * the worker's answer is here as a whole. So a worker may be killed at any moment, and so may this
 * process, whose checkpoint is such a state: nothing is counted twice, nothing is lost. */
#ifndef TREADLE_EXPLORATION_H
#define TREADLE_EXPLORATION_H

#include "class_set.h"
#include "estimate.h"
#include "explore_worker.h"

#define EXPLORATION_JOBS_MAX 256u

/* What decides which executions there are. */
struct exploration_parameters {
    struct scheduler_options scheduler;
    const char *memory;  /* the memory model's name */
    int64_t preemptions; /* only schedules with at most so many; less than 0: all */
    bool deepen;         /* from that bound on, one more after the other */
};

struct exploration_options {
    struct exploration_parameters parameters;
    double seconds;          /* wall clock of all; 0 = no limit */
    uint64_t executions;     /* per target; 0 = no limit */
    uint32_t jobs;
    const char *checkpoint;  /* file to be written now and then, or NULL */
    const char *directory;   /* findings go there */
    double start;            /* tally_now() when all began */
};

struct exploration_target {
    uint32_t index; /* in target.h's order */
    struct frontier frontier; /* without what has been given out */
    struct tally tally; /* with a bound every class is counted once */
    struct class_set *classes; /* with a bound: those counted */
    uint64_t repeated; /* with a bound: executions made of classes that had been counted */
    uint64_t blocked;
    uint64_t cut;        /* executions in which --unroll has stopped a goroutine */
    uint64_t crashed;    /* executions that a signal has ended: what may follow is not known */
    int64_t preemptions; /* the bound of this pass; less than 0: none */
    bool limited;        /* the bound has left schedules out */
    struct finding_list findings;
    double seconds; /* wall clock that it took */
    struct estimate estimate; /* of all its executions */
    double probe_seconds; /* spent on that */
    uint64_t probe_count;
    char nondeterminism[480]; /* why it cannot be explored; else empty */
    char error[400];          /* it could not be run: why; else empty */
    char keep_error[400];     /* its findings could not be kept: why; else empty */
};

struct exploration {
    struct exploration_target *targets;
    uint32_t target_count;
    double seconds; /* wall clock, of what was resumed too */
    bool interrupted;
    bool unsaved; /* it has ended because a checkpoint could not be written */
};

/* An exploration of these targets (NULL: the caller says of which) at its beginning; to be freed
 * with exploration_destroy. */
struct exploration *exploration_create(const uint32_t *targets, uint32_t count,
                                       const struct exploration_parameters *parameters);
void exploration_destroy(struct exploration *exploration);

/* A target back at its beginning, with a bound or (less than 0) without; its findings stay. */
void exploration_begin(struct exploration_target *target, int64_t preemptions);

/* Gives back what a target holds. */
void exploration_target_deinit(struct exploration_target *target);

/* Explores until all is done or a limit is met, then keeps the findings. Returns 0, or -1 with one
 * line in error if no process could be started or a checkpoint not be written.
 * If interrupted, its handlers of SIGINT and SIGTERM stay: more signals change nothing. */
int exploration_run(struct exploration *exploration, const struct exploration_options *options,
                    char *error, size_t error_bytes);

/* Whether nothing is left of a target (within its bound) and nothing was cut off. */
bool exploration_is_complete(const struct exploration_target *target);

/* How many executions a target has in most cases, where something is left of it. False if nothing
 * is known. */
bool exploration_range(const struct exploration_target *target, double *ret_low,
                       double *ret_high);

#endif
