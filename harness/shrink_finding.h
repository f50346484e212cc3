/* shrink_finding.h: executes a finding, shrinks it, and writes the smallest one down. */
#ifndef TREADLE_SHRINK_FINDING_H
#define TREADLE_SHRINK_FINDING_H

#include "shrink.h"

/* What a finding may cost: in events, as the clock must not decide what is saved. */
struct shrink_budget {
    uint64_t events;        /* of all executions together; 0: none are made */
    uint64_t search_events; /* to see whether any execution shows it with fewer preemptions */
    double until;           /* the clock may end it, too (tally_now); 0: it does not */
};

struct shrink_request {
    /* Executes it as it was found; returns its verdict's record, or NULL. Called once or twice. */
    const struct verdict_record *(*execute)(const void *context);
    const void *context;
    struct shrink_budget budget;
};

struct shrink_report {
    struct shrink_size before, after;
    bool minimal;   /* no single step makes it smaller */
    bool certified; /* no execution with fewer preemptions shows it */
};

/* How it went; above SHRINK_ERRNO it could not be written, and the rest is errno. */
enum {
    SHRINK_WROTE = 0,
    SHRINK_DIFFERENT = 1, /* the finding did not show again */
    SHRINK_FAILED = 2,    /* the process that did it came to an end, */
    SHRINK_STUCK = 3,     /* or had to be given up (patience.h) */
    SHRINK_CRASHED = 4,   /* inside: an execution crashed, which each is to do alone then */
    SHRINK_ERRNO = 64,
};

/* Shrinks the finding and writes it to path, in a new process, as the caller's never runs subject
 * code. Where it cannot be followed, it is written as it was found; the report is all zero then.
 * Returns a code. */
int shrink_finding(const struct shrink_request *request, const char *path,
                   struct shrink_report *ret_report);

#endif
