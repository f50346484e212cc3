/* progress.c: a campaign in figures. */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../scheduler/target.h"
#include "command.h"
#include "keep.h"
#include "table.h"

#define LATELY_SECONDS 10.0
#define HOUR_SECONDS 3600.0

static void add_target(struct progress *progress, const struct campaign_target *target,
                       double *chances)
{
    const struct tally *tally = &target->tally;
    progress->now.executions += tally->executions;
    progress->now.findings += target->findings.count;
    progress->steps += tally->steps;
    progress->missing += tally_unmet(tally, target_at(target->index));
    for (uint32_t i = 0; i < target->findings.count; i++) {
        const struct finding_kept *item = &target->findings.items[i];
        progress->findings[item->finding.verdict]++;
        progress->unsaved += !item->life.saved;
    }
    if (target->greybox == NULL)
        return;
    progress->now.features += target->greybox->feature_count;
    *chances += (double)tally->executions * greybox_chance(target->greybox);
}

struct progress progress_of(const struct campaign *campaign, const char *state)
{
    const struct campaign_options *options = &campaign->options;
    struct progress progress = { .state = state, .chance = -1, .seconds_left = -1 };
    double chances = 0;
    double seconds = progress.now.seconds = tally_now() - options->plan.start;
    for (uint32_t i = 0; i < campaign->result->target_count; i++)
        add_target(&progress, &campaign->result->targets[i], &chances);
    if (options->plan.greybox && (options->engines >> ENGINE_OWN & 1))
        progress.chance =
            progress.now.executions > 0 ? chances / (double)progress.now.executions : 1;
    if (options->seconds > 0)
        progress.seconds_left = fmax(0, campaign->seconds_before + options->seconds - seconds);
    const struct timeline *timeline = &campaign->timeline;
    double period = fmax(LATELY_SECONDS, timeline->period);
    struct sample lately = timeline_before(timeline, seconds, period);
    if (lately.executions <= progress.now.executions && lately.seconds < seconds)
        progress.rate = (double)(progress.now.executions - lately.executions)
                        / (seconds - lately.seconds);
    struct sample hour = timeline_before(timeline, seconds, HOUR_SECONDS);
    if (hour.features <= progress.now.features)
        progress.features_last_hour = progress.now.features - hour.features;
    return progress;
}

/* "3.2e-06", "0": a chance. */
static void chance_text(double chance, char *text, size_t bytes)
{
    if (chance < 0)
        snprintf(text, bytes, "-");
    else
        snprintf(text, bytes, chance == 0 ? "0" : "%.1e", chance);
}

void progress_line(const struct progress *progress, char *text, size_t bytes)
{
    char executions[16], rate[16], left[48] = "", chance[16], time[32];
    table_number((double)progress->now.executions, executions, sizeof executions);
    table_number(progress->rate, rate, sizeof rate);
    table_duration(progress->seconds_left, time, sizeof time);
    if (progress->seconds_left >= 0)
        snprintf(left, sizeof left, "%s left  ", time);
    chance_text(progress->chance, chance, sizeof chance);
    size_t length = (size_t)snprintf(text, bytes, "%s%s executions  %s/s  new in 1 h: %llu  "
                                                  "chance of new: %s ",
                                     left, executions, rate,
                                     (unsigned long long)progress->features_last_hour, chance);
    for (uint32_t i = 0; i < TREADLE_VERDICT_COUNT && length < bytes; i++)
        if (progress->findings[i] > 0)
            length += (size_t)snprintf(text + length, bytes - length, " %s %llu",
                                       verdict_name((enum treadle_verdict)i),
                                       (unsigned long long)progress->findings[i]);
}

void progress_requirement(const struct treadle_requirement *requirement, char *text, size_t bytes)
{
    const char *rule = requirement->rule;
    snprintf(text, bytes, "%s%s%s%s%s", verdict_name(requirement->verdict),
             requirement->silent ? " silently" : "", rule != NULL ? " (" : "",
             rule != NULL ? rule : "", rule != NULL ? ")" : "");
}

/* Adds a word as a shell reads it. */
static void add_word(char *text, size_t bytes, const char *word)
{
    size_t at = strlen(text);
    bool plain = word[0] != '\0'
                 && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_./-+=:,@%")] == '\0';
    if (at > 0 && at + 1 < bytes)
        text[at++] = ' ';
    if (!plain && at + 1 < bytes)
        text[at++] = '\'';
    for (; *word != '\0' && at + 8 < bytes; word++) {
        if (*word == '\'') {
            memcpy(text + at, "'\\'", 3);
            at += 3;
        }
        text[at++] = *word;
    }
    if (!plain && at + 1 < bytes)
        text[at++] = '\'';
    text[at] = '\0';
}

void progress_replay(const struct campaign *campaign, const struct treadle_target *target,
                     const struct finding *finding, char *text, size_t bytes)
{
    char path[FOLDER_PATH_BYTES];
    keep_path(campaign->options.directory, target, finding, path, sizeof path);
    text[0] = '\0';
    for (char *const *word = command_words(); *word != NULL; word++)
        add_word(text, bytes, *word);
    add_word(text, bytes, "replay");
    add_word(text, bytes, "--trace");
    if (path[0] == '-')
        add_word(text, bytes, "--");
    add_word(text, bytes, path);
}
