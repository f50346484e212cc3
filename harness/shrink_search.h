/* shrink_search.h: whether a finding can be had with fewer preemptions, by exploring: among all
 * orders of its events first, then among all executions. */
#ifndef TREADLE_SHRINK_SEARCH_H
#define TREADLE_SHRINK_SEARCH_H

#include "finding.h"
#include "shrink.h"

/* What is shrunk. */
struct shrink_subject {
    uint32_t target; /* its index */
    enum memory_model memory;
    bool exploring; /* as scheduler_options has it */
    enum treadle_verdict verdict;
    uint64_t fingerprint;
};

/* Executes as wished, exploring or not; returns the verdict that is the subject's, or NULL. state
 * holds the preemptions then. The target is open, in that mode. */
const struct verdict_record *shrink_follow(const struct shrink_subject *subject,
                                           const struct wish *wish, struct wish_state *state,
                                           struct finding_notes *notes);

enum shrink_searched {
    SHRINK_SEARCHED_NOTHING,   /* nothing is known */
    SHRINK_SEARCHED_CERTIFIED, /* no execution with fewer preemptions shows it */
    SHRINK_SEARCHED_BETTER,    /* `execution` holds one that shows it, in the subject's mode */
};

/* Looks for executions with fewer preemptions than the wished one. All executions are gone through
 * only if those take no more than events_max events. For a process that does nothing else. */
enum shrink_searched shrink_search(const struct shrink_subject *subject,
                                   const struct shrink_execution *best, uint64_t events_max);

#endif
