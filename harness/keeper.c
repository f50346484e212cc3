/* keeper.c: saving findings while a campaign goes on. */
#include "keeper.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "campaign_run.h"
#include "saved.h"

#define RETRY_SECONDS 5.0
#define IMPROVE_SECONDS 10.0
#define DEATHS_MAX 5u

/* What becomes of one finding. */
struct kept_message {
    uint64_t fingerprint, number; /* as it was asked for */
    struct finding finding;       /* as it was kept; without choices */
    struct finding_life life;     /* what its file tells */
    bool kept;
    bool stuck;      /* executed again, it blocks */
    char error[200]; /* nothing could be written, or it is stuck: why; else empty */
};

/* ---- in the process that saves --------------------------------------------------------------- */

static void save(const struct campaign *campaign, uint32_t target, const struct finding_kept *item,
                 struct kept_message *message)
{
    const struct finding *finding = &item->finding;
    /* Where executions alone end the run, what it saves depends on nothing but them. */
    bool shorter_stays = campaign->options.seconds > 0 || item->life.earlier;
    const struct keep_plan plan = { .execute = campaign_execute_again,
                                    .context = &campaign->options.plan,
                                    .directory = campaign->options.directory,
                                    .move = shorter_stays ? saved_move : saved_replace };
    struct finding_list one = { 0 };
    struct finding copy = *finding;
    copy.choices = malloc(finding->choice_count * sizeof *finding->choices + 1);
    CHECK(copy.choices != NULL, ==, true);
    memcpy(copy.choices, finding->choices, finding->choice_count * sizeof *finding->choices);
    finding_list_take(&one, &copy);
    keep_findings(&plan, target, &one, message->error, sizeof message->error);
    if (one.count > 0 && one.items[0].kept) {
        message->kept = true;
        message->finding = one.items[0].finding;
        message->finding.choices = NULL;
        saved_describe(campaign->options.directory, target, &message->finding, &message->life);
    }
    message->stuck = strstr(message->error, PATIENCE_OVER) != NULL;
    finding_list_clear(&one);
}

static bool wants_saving(const struct campaign *campaign, const struct finding_kept *item)
{
    bool new = !item->life.saved;
    return !item->kept && item->finding.choices != NULL
           && (new || tally_now() >= campaign->keeper.improve_at);
}

static void keeper_serve(const void *context, int socket, struct process_board *board)
{
    const struct campaign *campaign = context;
    const struct campaign_target *target =
        &campaign->result->targets[campaign->keeper.position];
    for (uint32_t i = 0; i < target->findings.count; i++) {
        const struct finding_kept *item = &target->findings.items[i];
        if (!wants_saving(campaign, item))
            continue;
        struct kept_message message;
        memset(&message, 0, sizeof message);
        message.fingerprint = item->finding.fingerprint;
        message.number = item->finding.number;
        save(campaign, target->index, item, &message);
        board->executions++;
        if (!process_write(socket, &message, sizeof message))
            return;
    }
}

/* ---- in the campaign ------------------------------------------------------------------------- */

/* Nothing more is to be done for this witness; a better one may come. */
static void forget_choices(struct finding_kept *item)
{
    free(item->finding.choices);
    item->finding.choices = NULL;
    item->finding.choice_count = 0;
}

static void take_message(struct campaign *campaign, const struct kept_message *message)
{
    struct campaign_target *target = &campaign->result->targets[campaign->keeper.position];
    campaign->keeper.deaths = 0;
    if (message->error[0] != '\0' && !message->stuck) {
        campaign->keeper.retry_at = tally_now() + RETRY_SECONDS;
        folder_say_trouble(&campaign->folder, message->error);
        return;
    }
    for (uint32_t i = 0; i < target->findings.count; i++) {
        struct finding_kept *item = &target->findings.items[i];
        if (item->finding.fingerprint != message->fingerprint)
            continue;
        bool same = item->finding.number == message->number;
        if (message->stuck) { /* so do others: the target is left */
            snprintf(target->error, sizeof target->error, "%s", message->error);
        } else if (message->kept) {
            item->life.saved = true;
            item->finding.fingerprint = message->finding.fingerprint;
            item->finding.place = message->finding.place;
            item->life.switches = message->life.switches;
            item->life.events = message->life.events;
            memcpy(item->life.rule, message->life.rule, sizeof item->life.rule);
        } else if (!item->life.saved && !item->life.counted) {
            item->life.counted = true;
            target->tally.verdicts[TREADLE_NONDETERMINISTIC]++;
        }
        item->kept |= message->kept && same;
        if (same)
            forget_choices(item);
        return;
    }
    if (message->kept) /* it is no longer among the best */
        saved_retire(campaign->options.directory, target->index, &message->finding);
}

/* Takes what the keeper sends within so many milliseconds; false when it has ended. */
static bool keeper_take(struct campaign *campaign, int milliseconds)
{
    struct keeper *keeper = &campaign->keeper;
    struct kept_message message;
    struct pollfd ready = { .fd = keeper->process.socket, .events = POLLIN };
    while (poll(&ready, 1, milliseconds) > 0) {
        if (!process_read(keeper->process.socket, &message, sizeof message))
            return false;
        take_message(campaign, &message);
    }
    return true;
}

/* Whether any finding of a target is to be saved now. */
static bool target_wants_saving(const struct campaign *campaign,
                                const struct campaign_target *target)
{
    for (uint32_t i = 0; i < target->findings.count; i++)
        if (wants_saving(campaign, &target->findings.items[i]))
            return true;
    return false;
}

/* The next target whose findings are to be saved; false if there is none. */
static bool next_target(struct campaign *campaign)
{
    struct keeper *keeper = &campaign->keeper;
    uint32_t count = campaign->result->target_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = (keeper->next_target + i) % count;
        if (target_wants_saving(campaign, &campaign->result->targets[position])) {
            keeper->position = position;
            keeper->next_target = position + 1;
            return true;
        }
    }
    return false;
}

/* The keeper is gone: it has done all that it was to do, or was lost. */
static void keeper_end(struct campaign *campaign)
{
    struct keeper *keeper = &campaign->keeper;
    char how[sizeof keeper->process.board->limit];
    bool nothing = keeper->process.board->executions == 0;
    process_end(&keeper->process, how, sizeof how);
    keeper->busy = false;
    keeper->deaths = nothing ? keeper->deaths + 1 : 0;
    if (nothing && keeper->deaths >= DEATHS_MAX) {
        char cause[256];
        snprintf(cause, sizeof cause,
                 "findings could not be saved below %.120s: a process ended (%.60s)",
                 campaign->options.directory, how);
        folder_say_trouble(&campaign->folder, cause);
        keeper->retry_at = tally_now() + RETRY_SECONDS;
        keeper->deaths = 0;
    }
    folder_sweep(&campaign->folder); /* what it was writing when it was lost */
}

void keeper_step(struct campaign *campaign)
{
    struct keeper *keeper = &campaign->keeper;
    if (keeper->busy && !keeper_take(campaign, 0))
        keeper_end(campaign);
    if (keeper->busy || tally_now() < keeper->retry_at)
        return;
    if (!next_target(campaign)) {
        if (tally_now() >= keeper->improve_at)
            keeper->improve_at = tally_now() + IMPROVE_SECONDS;
        return;
    }
    keeper->busy = process_start(&keeper->process, keeper_serve, campaign);
    if (!keeper->busy)
        keeper->retry_at = tally_now() + RETRY_SECONDS;
}

/* Waits for the keeper, if there is one. */
static void keeper_await(struct campaign *campaign)
{
    while (campaign->keeper.busy)
        if (!keeper_take(campaign, -1))
            keeper_end(campaign);
}

void keeper_finish(struct campaign *campaign)
{
    struct keeper *keeper = &campaign->keeper;
    keeper_await(campaign);
    keeper->improve_at = keeper->retry_at = 0;
    while (next_target(campaign) && tally_now() >= keeper->retry_at) {
        status_keeping(&campaign->status, campaign->result, keeper->position);
        keeper->busy = process_start(&keeper->process, keeper_serve, campaign);
        if (!keeper->busy)
            break;
        keeper_await(campaign);
    }
    for (uint32_t i = 0; i < campaign->result->target_count; i++) {
        struct campaign_target *target = &campaign->result->targets[i];
        if (target_wants_saving(campaign, target) && target->error[0] == '\0') {
            bool said = campaign->folder.trouble[0] != '\0';
            snprintf(target->error, sizeof target->error, "%s",
                     said ? campaign->folder.trouble : "no process to save findings was there");
            target->error_said = said;
        }
        for (uint32_t f = 0; f < target->findings.count; f++)
            target->findings.items[f].kept |= target->findings.items[f].life.saved;
        if (target->findings.count > 0)
            finding_list_choose(&target->findings);
    }
}

void keeper_choose(struct campaign *campaign, uint32_t position)
{
    struct campaign_target *target = &campaign->result->targets[position];
    struct finding_list *list = &target->findings;
    if (list->count <= FINDINGS_KEPT_MAX)
        return;
    struct finding_kept *before = calloc(list->count, sizeof *before);
    CHECK(before != NULL, ==, true);
    uint32_t count = list->count;
    memcpy(before, list->items, count * sizeof *before);
    finding_list_choose(list);
    for (uint32_t i = 0; i < count; i++) {
        bool chosen = false;
        for (uint32_t k = 0; k < list->count && !chosen; k++)
            chosen = list->items[k].finding.fingerprint == before[i].finding.fingerprint;
        if (!chosen && before[i].life.saved)
            saved_retire(campaign->options.directory, target->index, &before[i].finding);
    }
    free(before);
}
