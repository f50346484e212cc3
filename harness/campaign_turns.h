/* campaign_turns.h: who has the next turn in a campaign of engines: our own loop for a piece of
 * work, or libFuzzer or AFL++ for some seconds. Engines share findings and corpus: what they show
 * goes into the corpus of our own loop, whose inputs they begin with. Each gets time by what it has
 * found lately, but none less than a tenth. */
#ifndef TREADLE_CAMPAIGN_TURNS_H
#define TREADLE_CAMPAIGN_TURNS_H

#include "campaign_run.h"

/* The engine whose turn it is. */
enum campaign_engine turns_next(const struct campaign *campaign);

/* Gives the worker, which is idle, to another engine than our own for a turn; false if there is no
 * target for it, or no room for its inputs for now. */
bool turns_begin(struct campaign *campaign, struct campaign_worker *worker,
                 enum campaign_engine engine);

/* Takes what the worker's turn has sent; or its end. */
void turns_take(struct campaign *campaign, struct campaign_worker *worker);

/* Whether there was no room for inputs, and turns may begin again later. */
bool turns_wait(const struct campaign *campaign);

/* Ends turns whose time is over; all of them at once if the campaign is interrupted. */
void turns_hurry(struct campaign *campaign, bool interrupted);

/* Adds what an engine has done. */
struct turns_done {
    double seconds;
    uint64_t executions, behaviours, findings; /* the last two new */
};
void turns_count(struct campaign *campaign, enum campaign_engine engine,
                 const struct turns_done *done);

/* Before the first turn and after the last one: where inputs are kept. */
bool turns_open(struct campaign *campaign);
void turns_close(struct campaign *campaign);

const char *turns_engine_name(enum campaign_engine engine);

#endif
