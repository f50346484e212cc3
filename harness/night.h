/* night.h: what a campaign that lasts does besides executing: it goes on where the last run ended,
 * saves what is found at once, and writes down now and then how far it is. */
#ifndef TREADLE_NIGHT_H
#define TREADLE_NIGHT_H

#include "campaign_run.h"

/* Reads what earlier runs have left in the directory. False if another campaign is at work
 * there. */
bool night_begin(struct campaign *campaign);

/* New findings of a target may be there. */
void night_take(struct campaign *campaign, uint32_t position);

/* To be called all the time. */
void night_step(struct campaign *campaign);

/* Saves and writes down all; nothing of it goes on afterwards. */
void night_end(struct campaign *campaign, bool interrupted);

#endif
