/* keep.h: from an execution that shows a verdict to a schedule file that is known to replay. */
#ifndef TREADLE_KEEP_H
#define TREADLE_KEEP_H

#include "finding.h"

struct keep_plan {
    /* Executes a finding again and judges it, in a fresh process that does nothing else. Returns
     * the record of its verdict in what has been executed last, or NULL. Its fingerprint may be
     * another: then the finding is kept under that. */
    const struct verdict_record *(*execute)(const void *context, uint32_t target,
                                            const struct finding *finding);
    const void *context; /* for it */
    const char *directory;
    /* Moves a file that has replayed to where it belongs; false with errno if it cannot. NULL: to
     * keep_path, whatever is there. */
    bool (*move)(const struct keep_plan *plan, uint32_t target, struct finding *finding,
                 const char *temporary);
};

/* The verdict of the current execution that has the finding's fingerprint; NULL if none. */
const struct verdict_record *keep_find_record(const struct finding *finding);

/* Where a finding is kept: DIR/TARGET/VERDICT-FINGERPRINT.sched, or -1.sched and so on if it has
 * that place. */
void keep_path(const char *directory, const struct treadle_target *target,
               const struct finding *finding, char *path, size_t bytes);

/* Executes the findings of one target (at most FINDINGS_KEPT_MAX) again in fresh processes, shrinks
 * them as far as that is quickly done (shrink.h), writes them down, replays the files in another
 * fresh process, and moves each that matched to keep_path(...) in one step. Sets `kept` of each
 * finding, and of one that is kept the preemptions, if they were known; one that did not show the
 * same again stays unkept (its target is nondeterministic outside `choose`); of those that turn out
 * to be one and the same the first stays in the list. Returns 0, or -1 with one line in error if
 * files could not be written. */
int keep_findings(const struct keep_plan *plan, uint32_t target, struct finding_list *list,
                  char *error, size_t error_bytes);

#endif
