/* keep.h: from the number of an execution to a schedule file that is known to replay. */
#ifndef TREADLE_KEEP_H
#define TREADLE_KEEP_H

#include "campaign.h"

/* Where a finding is kept: DIR/TARGET/VERDICT-FINGERPRINT.sched. */
void keep_path(const char *directory, const struct treadle_target *target,
               const struct finding *finding, char *path, size_t bytes);

/* Executes the findings of one target again in a fresh process, writes them down, replays the
 * files in another fresh process, and moves each that matched to keep_path(...) in one step. Sets
 * `kept` of each finding; one that did not show the same again stays unkept (its target is
 * nondeterministic outside `choose`). Returns 0, or -1 with one line in error if files could not
 * be written. */
int keep_findings(const struct worker_plan *plan, const char *directory, uint32_t target,
                  struct campaign_finding *findings, uint32_t count, char *error,
                  size_t error_bytes);

#endif
