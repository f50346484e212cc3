/* night.c: a campaign that lasts. */
#include "night.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "report_page.h"
#include "resume.h"
#include "status_file.h"

/* All is written after the first of these, then after twice as long, and so on up to the other. */
#define WRITING_FIRST 0.5
#define WRITING_PERIOD 10.0
#define WRITING_SHARE 20.0 /* writing takes at most one part in so many of the time */

/* Writes all down: what a later run needs before what people look at, so that these never know
 * more. */
static void write_all(struct campaign *campaign, const char *state)
{
    double begin = tally_now();
    struct progress progress = progress_of(campaign, state);
    timeline_add(&campaign->timeline, &progress.now);
    bool written = resume_write(campaign);
    written = status_file_write(campaign, &progress) && written;
    written = report_page_write(campaign, &progress) && written;
    if (written && tally_now() >= campaign->keeper.retry_at)
        campaign->folder.troubled = false;
    double now = tally_now(), took = now - begin;
    campaign->writing_period *= 2;
    if (campaign->writing_period > WRITING_PERIOD)
        campaign->writing_period = WRITING_PERIOD;
    double pause = took * WRITING_SHARE > campaign->writing_period ? took * WRITING_SHARE
                                                                   : campaign->writing_period;
    campaign->next_writing = now + pause;
}

bool night_begin(struct campaign *campaign)
{
    if (!folder_open(&campaign->folder, campaign->options.directory))
        return false;
    if (campaign->folder.lock >= 0)
        resume_read(campaign);
    campaign->runs++;
    campaign->options.plan.start -= campaign->seconds_before;
    campaign->writing_period = WRITING_FIRST / 2;
    campaign->next_writing = tally_now() + WRITING_FIRST;
    for (uint32_t i = 0; i < campaign->result->target_count; i++)
        night_take(campaign, i); /* what was there before this campaign */
    return true;
}

void night_take(struct campaign *campaign, uint32_t position)
{
    const struct finding_list *list = &campaign->result->targets[position].findings;
    double now = tally_now() - campaign->options.plan.start;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].life.found_seconds == 0)
            list->items[i].life.found_seconds = now > 0 ? now : 0;
    keeper_choose(campaign, position);
}

void night_step(struct campaign *campaign)
{
    keeper_step(campaign);
    struct progress progress;
    if (status_is_due(&campaign->status)) {
        char line[256];
        progress = progress_of(campaign, "running");
        progress_line(&progress, line, sizeof line);
        status_line(&campaign->status, line);
    }
    double now = tally_now() - campaign->options.plan.start;
    if (timeline_is_due(&campaign->timeline, now)) {
        progress = progress_of(campaign, "running");
        timeline_add(&campaign->timeline, &progress.now);
    }
    if (tally_now() >= campaign->next_writing)
        write_all(campaign, "running");
}

void night_end(struct campaign *campaign, bool interrupted)
{
    keeper_finish(campaign);
    write_all(campaign, interrupted ? "interrupted" : "done");
    folder_close(&campaign->folder);
}
