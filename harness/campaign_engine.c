/* campaign_engine.c: processes that run an engine's loop tell what they have done until they are
 * over; one that ends early, as the subject has crashed, is started again. */
#define _GNU_SOURCE
#include "campaign_engine.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scheduler/check.h"
#include "engine.h"
#include "status.h"

#define JOBS_MAX 256u
#define DEATHS_MAX 3u /* of processes in a row that told nothing */

struct engine_campaign {
    engine_serve *serve;
    const struct campaign_options *options;
    struct campaign_result *result;
    struct campaign_target *target; /* the one that is fuzzed */
    struct process processes[JOBS_MAX];
    struct status status;
    char corpus[64]; /* the folder of inputs */
    double end;      /* of the target's turn */
    uint32_t deaths;
};

static volatile sig_atomic_t interrupted;

static void engine_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

engine_serve *campaign_libfuzzer_serve;

static bool start(struct engine_campaign *campaign, uint32_t job)
{
    const struct campaign_options *options = campaign->options;
    uint64_t done = campaign->target->tally.executions;
    uint64_t left = options->executions > done ? options->executions - done : 1;
    struct engine_run run = {
        .plan = options->plan,
        .target = campaign->target->index,
        .seconds = campaign->end - tally_now(),
        .executions = options->executions == 0 ? 0 : (left + options->jobs - 1) / options->jobs,
        .job = job,
        .corpus = campaign->corpus,
    };
    run.plan.seed += job;
    return process_start(&campaign->processes[job], campaign->serve, &run);
}

/* One result with its findings; false if there is none, as the process has ended. */
static bool take(struct engine_campaign *campaign, struct process *process, bool *ret_crashed)
{
    struct work_result result;
    struct campaign_target *target = campaign->target;
    if (!process_read(process->socket, &result, sizeof result))
        return false;
    for (uint32_t i = 0; i < result.finding_count; i++) {
        struct finding finding;
        if (!finding_receive(process->socket, &finding))
            return false;
        finding_list_take(&target->findings, &finding);
    }
    tally_add(&target->tally, &result.tally);
    campaign->deaths = 0;
    *ret_crashed = result.over;
    if (result.setup_error[0] != '\0')
        snprintf(target->error, sizeof target->error, "its set-up ends with %.150s",
                 result.setup_error);
    target->stopped |= campaign->options->plan.stop_on_first && result.finding_count > 0;
    return true;
}

static bool is_over(const struct engine_campaign *campaign)
{
    const struct campaign_target *target = campaign->target;
    uint64_t limit = campaign->options->executions;
    return interrupted || tally_now() >= campaign->end || target->error[0] != '\0'
           || target->stopped || (limit > 0 && target->tally.executions >= limit);
}

/* A process has ended: starts another one in its place, unless the target's turn is over. */
static void replace(struct engine_campaign *campaign, uint32_t job, bool crashed)
{
    char how[sizeof campaign->processes[job].board->limit];
    struct campaign_target *target = campaign->target;
    bool hopeless = process_end(&campaign->processes[job], how, sizeof how);
    campaign->deaths += !crashed;
    if (!is_over(campaign) && (hopeless || campaign->deaths >= DEATHS_MAX))
        snprintf(target->error, sizeof target->error, "its process ended (%.150s)", how);
    if (!is_over(campaign) && !start(campaign, job))
        snprintf(target->error, sizeof target->error, "a process could not be started: %s",
                 strerror(errno));
}

static void take_results(struct engine_campaign *campaign, struct process **busy, uint32_t count)
{
    uint32_t ready = process_await(busy, count);
    for (uint32_t i = 0; i < ready; i++) {
        bool crashed = false;
        bool taken = take(campaign, busy[i], &crashed);
        if (!taken || crashed)
            replace(campaign, (uint32_t)(busy[i] - campaign->processes), crashed);
    }
}

/* Whether processes are under way; those that have no more time are told to end. */
static uint32_t busy_processes(struct engine_campaign *campaign, struct process **busy)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < campaign->options->jobs; i++) {
        struct process *process = &campaign->processes[i];
        if (process->board == NULL)
            continue;
        if (is_over(campaign)) /* they end by themselves, but for those that have other limits */
            kill(process->pid, interrupted ? SIGKILL : SIGINT);
        busy[count++] = process;
    }
    return count;
}

static void fuzz_target(struct engine_campaign *campaign, struct campaign_target *target,
                        double seconds)
{
    struct process *busy[JOBS_MAX];
    campaign->target = target;
    campaign->end = tally_now() + seconds;
    campaign->deaths = 0;
    for (uint32_t i = 0; i < campaign->options->jobs; i++)
        if (!start(campaign, i))
            snprintf(target->error, sizeof target->error, "a process could not be started: %s",
                     strerror(errno));
    for (uint32_t count; (count = busy_processes(campaign, busy)) > 0;) {
        take_results(campaign, busy, count);
        status_show(&campaign->status, campaign->result, campaign->options);
    }
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void fuzz_all(struct engine_campaign *campaign)
{
    const struct campaign_options *options = campaign->options;
    double end = options->seconds > 0 ? options->plan.start + options->seconds : 1e18;
    for (uint32_t i = 0; i < options->target_count && !interrupted; i++) {
        double left = end - tally_now();
        if (left <= 0)
            return;
        snprintf(campaign->corpus, sizeof campaign->corpus, "/tmp/treadle-inputs-XXXXXX");
        if (mkdtemp(campaign->corpus) == NULL) {
            snprintf(campaign->result->targets[i].error, sizeof campaign->result->targets[i].error,
                     "no folder for inputs can be made in /tmp: %s", strerror(errno));
            continue;
        }
        fuzz_target(campaign, &campaign->result->targets[i], left / (options->target_count - i));
        nftw(campaign->corpus, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

struct campaign_result *campaign_run_engine(const struct campaign_options *options,
                                            engine_serve *serve)
{
    CHECK(options->jobs, <=, JOBS_MAX);
    struct engine_campaign *campaign = calloc(1, sizeof *campaign);
    CHECK(campaign != NULL, ==, true);
    campaign->serve = serve;
    campaign->options = options;
    campaign->result = campaign_result_create(options);
    struct sigaction action = { .sa_handler = engine_interrupt, .sa_flags = SA_RESTART };
    struct sigaction before_interrupt, before_terminate;
    sigaction(SIGINT, &action, &before_interrupt);
    sigaction(SIGTERM, &action, &before_terminate);
    interrupted = 0;
    fuzz_all(campaign);
    struct campaign_result *result = campaign->result;
    for (uint32_t i = 0; i < result->target_count; i++) {
        status_keeping(&campaign->status, result, i);
        campaign_keep(options, &result->targets[i]);
    }
    status_end(&campaign->status);
    if (!interrupted) { /* else the command only tells what it has: more signals change nothing */
        sigaction(SIGINT, &before_interrupt, NULL);
        sigaction(SIGTERM, &before_terminate, NULL);
    }
    result->seconds = tally_now() - options->plan.start;
    result->interrupted = interrupted != 0;
    free(campaign);
    return result;
}
