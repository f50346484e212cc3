/* campaign_turns.c: turns of engines. */
#define _GNU_SOURCE
#include "campaign_turns.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "engine_afl_run.h"
#include "engine_run.h"
#include "night.h"

#define SHARE_LEAST 0.1      /* of the time, whatever an engine has found */
#define LATELY_SECONDS 60.0  /* for each process: then what was counts half */
#define FINDING_WORTH 10.0   /* a new finding counts like so many new behaviours */
#define PIECE_SECONDS 0.1    /* of our own loop */
#define DEATHS_MAX 3u /* of processes in a row that told nothing of a target */

engine_serve *engine_libfuzzer_serve;

static const char *const names[ENGINE_COUNT] = { "own", "libfuzzer", "afl" };
/* A turn at most and at least: AFL++ takes a second or two to begin. */
static const double turn_seconds_max[ENGINE_COUNT] = { PIECE_SECONDS, 5, 20 };
static const double turn_seconds_min[ENGINE_COUNT] = { PIECE_SECONDS, 1, 4 };

const char *turns_engine_name(enum campaign_engine engine)
{
    return names[engine];
}

static bool takes_part(const struct campaign *campaign, enum campaign_engine engine)
{
    return campaign->options.engines >> engine & 1;
}

/* ---- whose turn it is ------------------------------------------------------------------------ */

/* How long a turn is to last: so that each engine has two at least with each target. */
static double turn_seconds(const struct campaign *campaign, enum campaign_engine engine)
{
    const struct campaign_options *options = &campaign->options;
    uint32_t turns = 2 * options->target_count * (uint32_t)__builtin_popcount(options->engines);
    double seconds = turn_seconds_max[engine];
    if (options->seconds > 0 && options->seconds * options->jobs / turns < seconds)
        seconds = options->seconds * options->jobs / turns;
    return seconds > turn_seconds_min[engine] ? seconds : turn_seconds_min[engine];
}

/* An engine's seconds lately, with those of turns under way. */
static double seconds_lately(const struct campaign *campaign, enum campaign_engine engine)
{
    double seconds = campaign->engines[engine].lately_seconds;
    for (uint32_t i = 0; i < campaign->options.jobs; i++) {
        const struct campaign_worker *worker = &campaign->workers[i];
        if (worker->busy && worker->engine == engine)
            seconds += engine == ENGINE_OWN ? PIECE_SECONDS : turn_seconds(campaign, engine);
    }
    return seconds;
}

/* What an engine finds in a second: never quite nothing. */
static double yield_of(const struct campaign *campaign, enum campaign_engine engine)
{
    const struct engine_account *account = &campaign->engines[engine];
    return (account->lately_found + 1) / (account->lately_seconds + LATELY_SECONDS);
}

enum campaign_engine turns_next(const struct campaign *campaign)
{
    double all = 0, least = 0;
    enum campaign_engine next = ENGINE_COUNT;
    for (enum campaign_engine i = 0; i < ENGINE_COUNT; i++)
        all += takes_part(campaign, i) ? yield_of(campaign, i) : 0;
    for (enum campaign_engine i = 0; i < ENGINE_COUNT; i++) {
        if (!takes_part(campaign, i))
            continue;
        double share = yield_of(campaign, i) / all;
        double behind =
            seconds_lately(campaign, i) / (share > SHARE_LEAST ? share : SHARE_LEAST);
        if (next == ENGINE_COUNT || behind < least) {
            next = i;
            least = behind;
        }
    }
    return next;
}

void turns_count(struct campaign *campaign, enum campaign_engine engine,
                 const struct turns_done *done)
{
    struct engine_account *account = &campaign->engines[engine];
    account->seconds += done->seconds;
    account->executions += done->executions;
    account->behaviours += done->behaviours;
    account->findings += done->findings;
    account->lately_seconds += done->seconds;
    account->lately_found += (double)done->behaviours + FINDING_WORTH * (double)done->findings;
    double all = 0;
    for (uint32_t i = 0; i < ENGINE_COUNT; i++)
        all += campaign->engines[i].lately_seconds;
    for (uint32_t i = 0; i < ENGINE_COUNT && all > LATELY_SECONDS * campaign->options.jobs; i++) {
        campaign->engines[i].lately_seconds /= 2;
        campaign->engines[i].lately_found /= 2;
    }
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* Where a target's inputs are. */
static bool inputs_path(const struct campaign *campaign, uint32_t target, char *path)
{
    struct folder temporary = { .path = campaign->inputs };
    return folder_path(campaign->inputs[0] != '\0' ? &temporary : &campaign->folder,
                       target_at(target)->name, "inputs", path);
}

/* In one step, but no later than the system likes: it can be made again. */
static bool write_input(const char *folder, uint32_t number, const struct input *input)
{
    uint8_t bytes[INPUT_BYTES_MAX];
    char path[FOLDER_PATH_BYTES + 64], temporary[FOLDER_PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s/" ENGINE_OWN_QUEUE "/id:%06u", folder, number);
    snprintf(temporary, sizeof temporary, "%s.new", folder);
    if (access(path, F_OK) == 0)
        return true;
    if (folder_make_above(path) != 0)
        return false;
    size_t count = input_encode(input, bytes);
    FILE *out = fopen(temporary, "wb");
    if (out == NULL)
        return false;
    bool written = fwrite(bytes, 1, count, out) == count;
    written = fclose(out) == 0 && written;
    return written && rename(temporary, path) == 0;
}

/* Writes down the entries of our own loop's corpus that are not there yet, behind an empty
 * input. */
static bool export_corpus(const struct campaign *campaign, const struct campaign_target *target,
                          char *folder)
{
    const struct input nothing = { .seed = 1 };
    if (!inputs_path(campaign, target->index, folder)) {
        errno = ENAMETOOLONG;
        return false;
    }
    bool written = write_input(folder, 0, &nothing);
    for (uint32_t i = 0; written && target->greybox != NULL
                         && i < target->greybox->corpus.entry_count; i++)
        written = write_input(folder, i + 1, &target->greybox->corpus.entries[i].input);
    return written;
}

bool turns_open(struct campaign *campaign)
{
    bool keeps = campaign->options.lasting && campaign->folder.lock >= 0;
    if (campaign->options.engines == 1u << ENGINE_OWN || keeps)
        return true;
    snprintf(campaign->inputs, sizeof campaign->inputs, "/tmp/treadle-inputs-XXXXXX");
    return mkdtemp(campaign->inputs) != NULL;
}

void turns_close(struct campaign *campaign)
{
    char folder[FOLDER_PATH_BYTES];
    if (campaign->inputs[0] != '\0')
        nftw(campaign->inputs, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    else if (campaign->turns > 0)
        for (uint32_t i = 0; i < campaign->result->target_count; i++)
            export_corpus(campaign, &campaign->result->targets[i], folder);
}

/* ---- turns ----------------------------------------------------------------------------------- */

static bool is_over(const struct campaign *campaign, const struct campaign_target *target)
{
    uint64_t limit = campaign->options.executions;
    return target->stopped || target->error[0] != '\0'
           || (limit > 0 && target->tally.executions >= limit);
}

/* The target with which the engine has had the least time, among those all such engines; NULL if
 * none is left. */
static struct campaign_target *next_target(const struct campaign *campaign,
                                           enum campaign_engine engine)
{
    struct campaign_target *best = NULL;
    double best_seconds = 0, best_all = 0;
    for (uint32_t i = 0; i < campaign->result->target_count; i++) {
        struct campaign_target *target = &campaign->result->targets[i];
        double seconds = target->engine_seconds[engine], all = 0;
        for (enum campaign_engine other = 0; other < ENGINE_COUNT; other++)
            all += target->engine_seconds[other];
        bool less = best == NULL || seconds < best_seconds
                    || (seconds <= best_seconds && all < best_all);
        if (is_over(campaign, target) || !less)
            continue;
        best = target;
        best_seconds = seconds;
        best_all = all;
    }
    return best;
}

bool turns_begin(struct campaign *campaign, struct campaign_worker *worker,
                 enum campaign_engine engine)
{
    const struct campaign_options *options = &campaign->options;
    struct campaign_target *target = next_target(campaign, engine);
    char folder[FOLDER_PATH_BYTES];
    if (target == NULL)
        return false;
    double seconds = turn_seconds(campaign, engine);
    double left = options->plan.start + campaign->seconds_before + options->seconds - tally_now();
    if (options->seconds > 0 && left < seconds)
        seconds = left;
    if (!export_corpus(campaign, target, folder)) {
        snprintf(target->error, sizeof target->error, "its inputs cannot be written: %s",
                 strerror(errno));
        return false;
    }
    uint64_t wanted = options->executions > target->tally.executions
                          ? options->executions - target->tally.executions
                          : 0;
    struct engine_run run = {
        .plan = options->plan,
        .target = target->index,
        .seconds = seconds,
        .executions = (wanted + options->jobs - 1) / options->jobs,
        .job = (uint32_t)(worker - campaign->workers),
        .inputs = folder,
    };
    run.plan.seed += (campaign->turns++ << 8) + run.job;
    double now = tally_now(); /* before its own clock begins */
    if (!process_start(&worker->turn,
                       engine == ENGINE_AFL ? engine_afl_serve : engine_libfuzzer_serve, &run)) {
        snprintf(target->error, sizeof target->error, "a process could not be started: %s",
                 strerror(errno));
        return false;
    }
    target->engine_seconds[engine] += seconds;
    worker->busy = true;
    worker->engine = engine;
    worker->turn_target = target;
    worker->turn_counted = now;
    worker->turn_end = now + seconds;
    return true;
}

/* The seconds of the turn that have not been counted yet; counts them. */
static double uncounted(struct campaign_worker *worker)
{
    double seconds = tally_now() - worker->turn_counted;
    worker->turn_counted += seconds;
    return seconds;
}

/* The turn's process is gone, or is to go. */
static void end_turn(struct campaign *campaign, struct campaign_worker *worker, bool in_order)
{
    char how[sizeof worker->turn.board->limit];
    struct campaign_target *target = worker->turn_target;
    bool over = tally_now() >= worker->turn_end || is_over(campaign, target);
    bool hopeless = process_end(&worker->turn, how, sizeof how);
    turns_count(campaign, worker->engine, &(struct turns_done){ .seconds = uncounted(worker) });
    target->engine_deaths += !in_order && !over;
    campaign->died += !in_order && !over;
    if (!over && (hopeless || target->engine_deaths >= DEATHS_MAX))
        snprintf(target->error, sizeof target->error, "its process ended (%.150s)", how);
    worker->busy = false;
    worker->engine = ENGINE_OWN;
}

/* One result with what follows it; false if there is none, as the process has ended. ret_new: how
 * many findings are. */
static bool receive(struct campaign *campaign, struct campaign_worker *worker,
                    struct work_result *result, uint64_t *ret_new)
{
    int socket = worker->turn.socket;
    if (!process_read(socket, result, sizeof *result))
        return false;
    for (uint32_t i = 0; i < result->finding_count; i++) {
        struct finding finding;
        if (!finding_receive(socket, &finding))
            return false;
        *ret_new += campaign_take_finding(worker->turn_target, &finding);
    }
    return result->setup_error[0] != '\0' || shown_receive(&campaign->shown, socket);
}

void turns_take(struct campaign *campaign, struct campaign_worker *worker)
{
    struct work_result result;
    struct campaign_target *target = worker->turn_target;
    uint64_t new_findings = 0;
    uint64_t fresh_before = target->greybox != NULL ? target->greybox->fresh_count : 0;
    if (!receive(campaign, worker, &result, &new_findings)) {
        end_turn(campaign, worker, false);
        return;
    }
    if (result.setup_error[0] != '\0') {
        snprintf(target->error, sizeof target->error, "its set-up ends with %.150s",
                 result.setup_error);
        end_turn(campaign, worker, true);
        return;
    }
    target->engine_deaths = 0;
    worker->turn.board->executions += result.done; /* it goes on, says the patience */
    tally_add(&target->tally, &result.tally);
    target->engine_executions += result.done;
    if (target->greybox != NULL)
        greybox_import(target->greybox, &campaign->shown);
    target->stopped |= campaign->options.plan.stop_on_first && result.finding_count > 0;
    turns_count(campaign, worker->engine,
                &(struct turns_done){
                    .seconds = uncounted(worker),
                    .executions = result.done,
                    .behaviours =
                        target->greybox != NULL ? target->greybox->fresh_count - fresh_before : 0,
                    .findings = new_findings });
    if (campaign->options.lasting)
        night_take(campaign, (uint32_t)(target - campaign->result->targets));
    if (result.over)
        end_turn(campaign, worker, true);
}

void turns_hurry(struct campaign *campaign, bool interrupted)
{
    double now = tally_now();
    for (uint32_t i = 0; i < campaign->options.jobs; i++) {
        struct campaign_worker *worker = &campaign->workers[i];
        if (!worker->busy || worker->engine == ENGINE_OWN)
            continue;
        bool over = now >= worker->turn_end || is_over(campaign, worker->turn_target);
        if (interrupted)
            process_kill(&worker->turn);
        else if (over) /* libFuzzer ends by itself, which AFL++ does only by its own clock */
            kill(worker->turn.pid, SIGINT);
    }
}
