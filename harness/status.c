/* status.c: the live line of a campaign. */
#include "status.h"

#include <stdio.h>
#include <unistd.h>

#include "../scheduler/target.h"
#include "campaign.h"
#include "table.h"

#define STATUS_SECONDS 0.25
#define STATUS_COLUMNS 99

bool status_is_due(struct status *status)
{
    double now = tally_now();
    if (now - status->shown < STATUS_SECONDS || !isatty(STDERR_FILENO))
        return false;
    status->shown = now;
    return true;
}

void status_line(struct status *status, const char *text)
{
    status->visible = true;
    fprintf(stderr, "\r\033[K%.*s", STATUS_COLUMNS, text);
    fflush(stderr);
}

void status_show(struct status *status, const struct campaign_result *result,
                 const struct campaign_options *options)
{
    if (!status_is_due(status))
        return;
    uint64_t executions = 0, findings = 0;
    uint32_t wrong = 0;
    double busy = 0;
    for (uint32_t i = 0; i < result->target_count; i++) {
        executions += result->targets[i].tally.executions;
        findings += result->targets[i].findings.count;
        busy += result->targets[i].tally.seconds;
        wrong += tally_seen(&result->targets[i].tally) != 0;
    }
    char count[16], rate[16];
    table_number((double)executions, count, sizeof count);
    table_number(busy > 0 ? (double)executions / busy : 0, rate, sizeof rate);
    char limit[32] = "";
    if (options->seconds > 0)
        snprintf(limit, sizeof limit, " of %.0f", options->seconds);
    char text[256];
    snprintf(text, sizeof text,
             "%.0f%s s  %s executions  %s/s per core  %llu findings in %u of %u targets",
             tally_now() - options->plan.start, limit, count, rate, (unsigned long long)findings,
             wrong, result->target_count);
    status_line(status, text);
}

void status_keeping(struct status *status, const struct campaign_result *result,
                    uint32_t position)
{
    if (!status->visible || result->targets[position].findings.count == 0)
        return;
    fprintf(stderr, "\r\033[Kreplaying and saving findings of %s",
            target_at(result->targets[position].index)->name);
    fflush(stderr);
}

void status_end(struct status *status)
{
    if (status->visible)
        fputs("\r\033[K", stderr);
    status->visible = false;
}
