/* resume.h: from what a campaign goes on when it is started again on the same folder: a file for
 * each target (TARGET/campaign.corpus: counts, findings, corpus, what was being executed) and one
 * for the campaign (campaign.state: its time). Each begins with a line in words and ends with a
 * checksum. Only the same program, called in the same way with the same seed and strategy, goes on
 * from them; others set them aside. */
#ifndef TREADLE_RESUME_H
#define TREADLE_RESUME_H

#include "campaign_run.h"

/* Reads what is there, saved findings included, into a campaign that has done nothing yet. Says in
 * one line on standard error what cannot be used, and gives it another name. */
void resume_read(struct campaign *campaign);

/* Writes everything down; false after folder_say_trouble. */
bool resume_write(struct campaign *campaign);

#endif
