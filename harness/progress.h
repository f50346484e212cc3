/* progress.h: how far a campaign that lasts is, in figures: for its live line, status.json and
 * report.html. */
#ifndef TREADLE_PROGRESS_H
#define TREADLE_PROGRESS_H

#include "campaign_run.h"

struct progress {
    const char *state; /* "running", "done", "interrupted" */
    struct sample now;
    double seconds_left;  /* of this run; < 0: no limit of time */
    double rate;          /* executions per second, lately */
    uint64_t steps;
    uint64_t features_last_hour; /* new ones */
    double chance; /* that the next execution shows a new feature (greybox.h); < 0: unknown */
    uint64_t findings[TREADLE_VERDICT_COUNT];
    uint64_t unsaved; /* findings */
    uint32_t missing; /* verdicts that a target must show, and has not */
};

struct progress progress_of(const struct campaign *campaign, const char *state);

/* In one line for people. */
void progress_line(const struct progress *progress, char *text, size_t bytes);

/* What a target's requirement says: "iterator-skip silently (RULE)". */
void progress_requirement(const struct treadle_requirement *requirement, char *text, size_t bytes);

/* The command that replays a finding, for a shell. */
void progress_replay(const struct campaign *campaign, const struct treadle_target *target,
                     const struct finding *finding, char *text, size_t bytes);

#endif
