/* campaign_turns.c: turns of engines. */
#define _GNU_SOURCE
#include "campaign_turns.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/target.h"
#include "class_set.h"
#include "engine_afl_run.h"
#include "engine_run.h"
#include "night.h"

#define SHARE_LEAST 0.1      /* of the time, whatever an engine has found */
#define LATELY_SECONDS 60.0  /* for each process: then what was counts half */
#define FINDING_WORTH 10.0   /* a new finding counts like so many new behaviours */
#define DEATHS_MAX 3u /* of processes in a row that told nothing of a target */
#define GRACE_SECONDS 10.0 /* behind a turn's end: then it is killed */
#define RETRY_SECONDS 5.0  /* when there was no room */

engine_serve *engine_libfuzzer_serve;

static const char *const names[ENGINE_COUNT] = { "own", "libfuzzer", "afl" };
/* Another engine's turn at most and at least: AFL++ takes a second or two to begin. */
static const double turn_seconds_max[ENGINE_COUNT] = { [ENGINE_LIBFUZZER] = 5, [ENGINE_AFL] = 20 };
static const double turn_seconds_min[ENGINE_COUNT] = { [ENGINE_LIBFUZZER] = 1, [ENGINE_AFL] = 4 };

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
        double left = worker->turn_end - worker->turn_counted;
        if (worker->busy && worker->engine == engine)
            seconds += engine == ENGINE_OWN ? PIECE_SECONDS : left;
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

/* What an input file is called: AFL++ goes by the number, we by the hash. */
#define INPUT_NAME "id:%06u,hash:%016llx"

/* Finds out which inputs are there. */
static void find_exported(struct campaign_target *target, const char *folder)
{
    char path[FOLDER_PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/" ENGINE_OWN_QUEUE, folder);
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        unsigned number;
        unsigned long long hash;
        if (sscanf(entry->d_name, INPUT_NAME, &number, &hash) != 2)
            continue;
        class_set_add(&target->exported, (struct explore_class){ .low = hash });
        target->next_input = number >= target->next_input ? number + 1 : target->next_input;
    }
    if (directory != NULL)
        closedir(directory);
}

/* In one step; when it reaches the disk is the system's affair. */
static bool write_input(struct campaign_target *target, const char *folder,
                        const struct input *input)
{
    uint8_t bytes[INPUT_BYTES_MAX];
    char path[FOLDER_PATH_BYTES + 64], temporary[FOLDER_PATH_BYTES + 8];
    size_t count = input_encode(input, bytes);
    uint64_t hash = XXH3_64bits(bytes, count);
    if (!class_set_add(&target->exported, (struct explore_class){ .low = hash }))
        return true;
    snprintf(path, sizeof path, "%s/" ENGINE_OWN_QUEUE "/" INPUT_NAME, folder,
             target->next_input, (unsigned long long)hash);
    snprintf(temporary, sizeof temporary, "%s.new", folder);
    if (folder_make_above(path) != 0)
        return false;
    FILE *out = fopen(temporary, "wb");
    if (out == NULL)
        return false;
    bool written = fwrite(bytes, 1, count, out) == count;
    written = fclose(out) == 0 && written;
    if (!written || rename(temporary, path) != 0)
        return false;
    target->next_input++;
    return true;
}

/* Writes down the entries of our own loop's corpus that are not there yet, behind an empty
 * input. */
static bool export_corpus(const struct campaign *campaign, struct campaign_target *target,
                          char *folder)
{
    const struct input nothing = { .seed = 1 };
    if (!inputs_path(campaign, target->index, folder)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (target->exported == NULL)
        find_exported(target, folder);
    bool written = write_input(target, folder, &nothing);
    uint32_t count = target->greybox != NULL ? target->greybox->corpus.entry_count : 0;
    for (; written && target->exported_entries < count; target->exported_entries++)
        written = write_input(target, folder,
                              &target->greybox->corpus.entries[target->exported_entries].input);
    if (!written) { /* what is there is to be looked at again */
        class_set_clear(&target->exported);
        target->exported_entries = 0;
    }
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

/* Whether the target is not to be executed any more, or not by that engine. */
static bool is_over(const struct campaign_target *target, enum campaign_engine engine)
{
    return target->stopped || target->error[0] != '\0' || (target->engines_over >> engine & 1);
}

/* The engine cannot go on with the target: that is the target's error if there is no other one. */
static void give_up(const struct campaign *campaign, struct campaign_target *target,
                    enum campaign_engine engine, const char *why)
{
    target->engines_over |= 1u << engine;
    if ((campaign->options.engines & ~target->engines_over) == 0)
        snprintf(target->error, sizeof target->error, "%.300s", why);
    else
        fprintf(stderr, "treadle fuzz: %s goes on without %s: %.300s\n",
                target_at(target->index)->name, names[engine], why);
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
        if (is_over(target, engine) || campaign_executions_left(campaign, target) == 0 || !less)
            continue;
        best = target;
        best_seconds = seconds;
        best_all = all;
    }
    return best;
}

bool turns_wait(const struct campaign *campaign)
{
    return tally_now() < campaign->turns_retry_at;
}

/* The inputs could not be written: they can perhaps later. */
static void wait_for_room(struct campaign *campaign)
{
    if (campaign->options.lasting)
        folder_say_trouble(&campaign->folder, strerror(errno));
    else if (campaign->turns_retry_at == 0)
        fprintf(stderr, "treadle fuzz: inputs cannot be written below %s: %s; tried again later\n",
                campaign->inputs, strerror(errno));
    campaign->turns_retry_at = tally_now() + RETRY_SECONDS;
}

static bool start(struct campaign_worker *worker, enum campaign_engine engine,
                  const struct engine_run *run)
{
    return process_start(&worker->turn,
                         engine == ENGINE_AFL ? engine_afl_serve : engine_libfuzzer_serve, run);
}

bool turns_begin(struct campaign *campaign, struct campaign_worker *worker,
                 enum campaign_engine engine)
{
    const struct campaign_options *options = &campaign->options;
    struct campaign_target *target = next_target(campaign, engine);
    char folder[FOLDER_PATH_BYTES];
    if (target == NULL || turns_wait(campaign))
        return false;
    if (!export_corpus(campaign, target, folder)) {
        wait_for_room(campaign);
        return false;
    }
    double now = tally_now(); /* before the process's own clock begins */
    double seconds = turn_seconds(campaign, engine);
    double left = options->plan.start + campaign->seconds_before + options->seconds - now;
    if (options->seconds > 0 && left < seconds)
        seconds = left;
    uint64_t executions = options->executions == 0 ? 0 : campaign_executions_left(campaign, target);
    struct engine_run run = {
        .plan = options->plan,
        .target = target->index,
        .seconds = seconds,
        .executions = (executions + options->jobs - 1) / options->jobs,
        .job = (uint32_t)(worker - campaign->workers),
        .inputs = folder,
    };
    run.plan.seed += (campaign->runs << 32) + (campaign->turns++ << 8) + run.job;
    if (!start(worker, engine, &run)) {
        give_up(campaign, target, engine, "a process could not be started");
        return false;
    }
    target->engine_seconds[engine] += seconds;
    target->engine_granted += run.executions;
    worker->busy = true;
    worker->engine = engine;
    worker->turn_target = target;
    worker->turn_counted = now;
    worker->turn_end = now + seconds;
    worker->turn_executions = run.executions;
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
    char how[sizeof worker->turn.board->limit], why[sizeof how + 32];
    struct campaign_target *target = worker->turn_target;
    bool early = !in_order && tally_now() < worker->turn_end && !is_over(target, worker->engine);
    process_kill(&worker->turn);
    bool hopeless = process_end(&worker->turn, how, sizeof how);
    turns_count(campaign, worker->engine, &(struct turns_done){ .seconds = uncounted(worker) });
    campaign->died += early;
    target->engine_deaths += early && !campaign->folder.troubled;
    target->engine_granted -= worker->turn_executions;
    snprintf(why, sizeof why, "its process ended (%s)", how);
    if (early && (hopeless || target->engine_deaths >= DEATHS_MAX))
        give_up(campaign, target, worker->engine, why);
    worker->busy = false;
    worker->engine = ENGINE_OWN;
}

/* What a result adds to the target. */
static void take_result(struct campaign *campaign, struct campaign_worker *worker,
                        const struct work_result *result, uint64_t new_findings)
{
    struct campaign_target *target = worker->turn_target;
    struct turns_done done = { .seconds = uncounted(worker),
                               .executions = result->done,
                               .findings = new_findings };
    uint64_t granted = result->done < worker->turn_executions ? result->done
                                                              : worker->turn_executions;
    worker->turn_executions -= granted;
    target->engine_granted -= granted;
    target->engine_executions += result->done;
    target->engine_deaths = 0;
    campaign_add_tally(campaign, target, &result->tally);
    if (target->greybox != NULL) {
        done.behaviours = target->greybox->fresh_count;
        greybox_import(target->greybox, &campaign->shown);
        done.behaviours = target->greybox->fresh_count - done.behaviours;
    }
    target->stopped |= campaign->options.plan.stop_on_first && result->finding_count > 0;
    turns_count(campaign, worker->engine, &done);
    if (campaign->options.lasting)
        night_take(campaign, (uint32_t)(target - campaign->result->targets));
}

void turns_take(struct campaign *campaign, struct campaign_worker *worker)
{
    struct work_result result;
    struct campaign_target *target = worker->turn_target;
    uint64_t new_findings = 0;
    if (!campaign_receive(campaign, worker->turn.socket, target, &result, &new_findings)) {
        end_turn(campaign, worker, false);
        return;
    }
    if (result.setup_error[0] != '\0')
        snprintf(target->error, sizeof target->error, "its set-up ends with %.150s",
                 result.setup_error);
    else
        take_result(campaign, worker, &result, new_findings);
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
        worker->turn.patience = (struct patience){ 0 }; /* it has an end */
        bool unwanted = interrupted || is_over(worker->turn_target, worker->engine);
        bool done = campaign->options.executions > 0 && worker->turn_executions == 0;
        if (unwanted || done)
            worker->turn_end = unwanted ? 0 : fmin(worker->turn_end, now);
        if (unwanted || now >= worker->turn_end + GRACE_SECONDS)
            process_kill(&worker->turn);
        else if (now >= worker->turn_end && worker->engine == ENGINE_AFL) /* its clock is coarse */
            kill(worker->turn.pid, SIGINT);
    }
}
