/* exploration_status.c: how far an exploration is, said honestly: as a range. */
#include "exploration_status.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "../scheduler/target.h"
#include "table.h"

#define TERMINAL_SECONDS 0.25
#define LINES_SECONDS 30.0

void exploration_status_total(const struct exploration_target *target, char *text, size_t bytes)
{
    double low, high;
    char from[32], to[32];
    text[0] = '\0';
    if (!exploration_range(target, &low, &high))
        return;
    table_count_rounded(low, from, sizeof from);
    table_count_rounded(high, to, sizeof to);
    snprintf(text, bytes, "about %s to %s", from, to);
}

/* "2 to 15 s" at the present rate. */
static void describe_left(const struct exploration_target *target, char *text, size_t bytes)
{
    double low, high;
    double done = (double)target->tally.executions;
    text[0] = '\0';
    if (done == 0 || target->seconds <= 0 || !exploration_range(target, &low, &high))
        return;
    char from[24], to[24];
    table_duration((low - done) * target->seconds / done, from, sizeof from);
    table_duration((high - done) * target->seconds / done, to, sizeof to);
    snprintf(text, bytes, ", %s to %s left", from, to);
}

/* Whether it is time for a line, which then begins. */
static bool begin_line(struct exploration_status *status, const char *command, double start)
{
    double now = tally_now();
    if (status->shown == 0)
        status->shown = start;
    if (now - status->shown < TERMINAL_SECONDS) /* isatty is a system call */
        return false;
    bool terminal = isatty(STDERR_FILENO);
    if (!terminal && now - status->shown < LINES_SECONDS)
        return false;
    status->shown = now;
    status->visible = terminal;
    if (terminal)
        fputs("\r\033[K", stderr);
    else
        fprintf(stderr, "treadle %s: ", command);
    return true;
}

static void end_line(const struct exploration_status *status)
{
    if (!status->visible)
        fputc('\n', stderr);
    fflush(stderr);
}

void exploration_status_show(struct exploration_status *status,
                             const struct exploration_target *target,
                             double start)
{
    if (!begin_line(status, "check", start))
        return;
    char done[32], total[96], left[64], rate[16];
    table_count((double)target->tally.executions, done, sizeof done);
    exploration_status_total(target, total, sizeof total);
    describe_left(target, left, sizeof left);
    table_number(target->seconds > 0 ? (double)target->tally.executions / target->seconds : 0, rate,
                 sizeof rate);
    fprintf(stderr, "%s: %s executions%s%s, %s/s%s", target_at(target->index)->name, done,
            total[0] != '\0' ? " of " : "", total, rate, left);
    end_line(status);
}

void exploration_status_count(struct exploration_status *status, const char *command,
                              uint64_t executions, double start)
{
    if (!begin_line(status, command, start))
        return;
    char done[32], rate[16];
    table_count((double)executions, done, sizeof done);
    table_number((double)executions / (status->shown - start), rate, sizeof rate);
    fprintf(stderr, "%s executions, %s/s", done, rate);
    end_line(status);
}

void exploration_status_keeping(struct exploration_status *status,
                                const struct exploration_target *target)
{
    if (!status->visible)
        return;
    fprintf(stderr, "\r\033[Kreplaying and saving findings of %s", target_at(target->index)->name);
    fflush(stderr);
}

void exploration_status_end(struct exploration_status *status)
{
    if (status->visible)
        fputs("\r\033[K", stderr);
    status->visible = false;
}
