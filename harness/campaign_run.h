/* campaign_run.h: a campaign while it runs: what its files share. */
#ifndef TREADLE_CAMPAIGN_RUN_H
#define TREADLE_CAMPAIGN_RUN_H

#include "campaign.h"
#include "folder.h"
#include "keeper.h"
#include "status.h"
#include "timeline.h"

#define CAMPAIGN_JOBS_MAX 256u

/* Work, and what has come of it. */
struct piece {
    struct work work;
    uint32_t position; /* of the work's target in the campaign */
    uint32_t deaths;   /* workers that died over it */
};

struct campaign_worker {
    struct process process; /* of our own loop */
    bool busy;
    struct piece piece; /* where our own loop is at work */
    struct greybox_sent *sent; /* in a greybox search: of each target's */
    enum campaign_engine engine; /* that is at work; of an idle one: our own */
    struct process turn;         /* another engine's */
    struct campaign_target *turn_target;
    double turn_end, turn_counted; /* tally_now(); up to when its time is in the account */
};

/* What an engine has done in the campaign. */
struct engine_account {
    double seconds; /* of our own loop: spent executing; of others: with beginning and end */
    uint64_t executions;
    uint64_t behaviours, findings;       /* new ones */
    double lately_seconds, lately_found; /* what was long ago counts less */
};

struct campaign {
    struct campaign_options options;
    struct campaign_result *result;
    struct campaign_worker workers[CAMPAIGN_JOBS_MAX];
    struct status status;
    struct piece *left_over; /* to be done again or finished: workers died over them, or time was */
    uint32_t left_over_count, left_over_capacity;
    struct shown shown; /* received */
    struct engine_account engines[ENGINE_COUNT];
    uint64_t turns; /* of other engines, so far in this run */
    char inputs[64]; /* a folder for inputs, where the campaign's own is not to keep them; or "" */
    /* of one that goes on in its folder: */
    struct folder folder;
    struct keeper keeper;
    struct timeline timeline;
    double seconds_before; /* of earlier runs */
    double next_writing;   /* when all is written down next: tally_now() */
    double writing_period;
    uint64_t runs, died; /* this one included; workers that were lost */
};

/* Takes a finding, with its choices, for the target; returns whether its like was never taken before
 * in this run. */
bool campaign_take_finding(struct campaign_target *target, struct finding *finding);

/* Adds what is left of a piece of work of which so much is done. */
void campaign_leave(struct campaign *campaign, struct piece piece, uint64_t done);

#endif
