/* campaign_run.h: a campaign while it runs: what its files share. */
#ifndef TREADLE_CAMPAIGN_RUN_H
#define TREADLE_CAMPAIGN_RUN_H

#include "campaign.h"
#include "folder.h"
#include "keeper.h"
#include "status.h"
#include "timeline.h"

#define CAMPAIGN_JOBS_MAX 256u
#define PIECE_SECONDS 0.1 /* a piece of work should last so long */

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
    uint64_t turn_executions;      /* that it may still make, of a campaign with a limit */
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
    double turns_retry_at; /* tally_now(): there was no room for their inputs */
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

/* Receives a result with its findings, which the target takes, and what was shown (in a greybox
 * search), which campaign->shown holds then: all of it, or nothing; false if the other end is gone.
 * ret_new: how many findings have a fingerprint that was not there before in this run. */
bool campaign_receive(struct campaign *campaign, int socket, struct campaign_target *target,
                      struct work_result *ret_result, uint64_t *ret_new);

/* Adds what a piece of work or a turn has done. */
void campaign_add_tally(const struct campaign *campaign, struct campaign_target *target,
                        const struct tally *part);

/* Executions that may still be given out for a target; UINT64_MAX without a limit. */
uint64_t campaign_executions_left(const struct campaign *campaign,
                                  const struct campaign_target *target);

/* Adds what is left of a piece of work of which so much is done. */
void campaign_leave(struct campaign *campaign, struct piece piece, uint64_t done);

#endif
