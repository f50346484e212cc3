/* explore_worker.h: a process that explores: it is given a slice, that is executions to be made and
 * limits, and sends back what it has counted, what is left of the slice, and findings. */
#ifndef TREADLE_EXPLORE_WORKER_H
#define TREADLE_EXPLORE_WORKER_H

#include "../scheduler/scheduler.h"
#include "finding.h"
#include "frontier.h"
#include "process.h"
#include "tally.h"

#define SLICE_PROBES_MAX 16u

/* Goes to the worker; its items follow. */
struct slice {
    uint32_t target;         /* its index in target.h's order */
    uint32_t probes;         /* 0: explore; else estimate what the items stand for, so often */
    int64_t preemptions;     /* explorer_bound; less than 0: no bound */
    double seconds;          /* ends it */
    uint64_t executions_max; /* ends it, too */
    uint64_t seed;           /* of the first probe */
    uint64_t item_bytes;
};

/* With a bound executions of the same class (explorer_class) are made more than once, maybe by
 * different workers: the coordinator counts each class once. */
struct explored_class {
    struct explore_class class;
    struct tally_entry entry;
    bool cut, crashed;
};

struct explored_classes {
    struct explored_class *items;
    uint32_t count, capacity;
};

/* Comes back; items, classes and findings follow. */
struct slice_result {
    struct tally tally;     /* without a bound */
    uint64_t blocked;       /* executions that could not be made */
    uint64_t cut;           /* of the tally: executions in which --unroll has stopped a goroutine */
    uint64_t crashed;       /* of the tally: executions that a signal has ended, or the watchdog */
    uint32_t class_count;   /* with a bound: executions made */
    bool limited;           /* the bound has left schedules out */
    bool over;              /* the process ends: the subject has crashed */
    uint32_t probe_count;   /* estimates of how many executions the items stood for */
    double probes[SLICE_PROBES_MAX];
    double probe_seconds; /* that they took */
    uint64_t item_bytes;
    uint32_t finding_count;
    char setup_error[160];    /* the target's set-up failed: why; else empty */
    char nondeterminism[480]; /* the target is nondeterministic: what differed; else empty */
};

/* Forks a worker that serves slices from its socket until that is closed. False with errno. options
 * outlive it. */
bool explore_worker_start(struct process *ret_process, const struct scheduler_options *options);

/* Sends a slice, or receives what came of it: what is left, classes, and findings, which go into
 * the list. False if the worker is gone; nothing has been taken then. */
bool explore_worker_send(int socket, const struct slice *slice, const struct frontier *items);
bool explore_worker_receive(int socket, struct slice_result *ret_result,
                            struct frontier *ret_items, struct explored_classes *ret_classes,
                            struct finding_list *list);

#endif
