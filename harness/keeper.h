/* keeper.h: a process that saves findings while a campaign goes on: it is started when there are
 * some, replays and saves those of one target, one after the other, and ends. */
#ifndef TREADLE_KEEPER_H
#define TREADLE_KEEPER_H

#include "process.h"

struct campaign;

struct keeper {
    struct process process;
    bool busy;
    uint32_t position;    /* of its target in the campaign */
    uint32_t deaths;      /* in a row: it was lost before it had saved anything */
    uint32_t next_target; /* whose turn it is */
    double retry_at;      /* nothing could be written: not before that (tally_now) */
    double improve_at;    /* better witnesses of what is saved wait for that */
};

/* Takes what the keeper has done, and starts one if there is something to save. */
void keeper_step(struct campaign *campaign);

/* Saves all that is left. What cannot be saved is an error of its target. */
void keeper_finish(struct campaign *campaign);

/* Leaves the best findings of a target; files of others get another name. */
void keeper_choose(struct campaign *campaign, uint32_t position);

#endif
