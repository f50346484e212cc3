/* exploration.c: `treadle check`: in turn every target, as long as there is something left of it;
 * then its findings. */
#define _GNU_SOURCE
#include "exploration.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "checkpoint.h"
#include "exploration_run.h"
#include "explored_finding.h"
#include "keep.h"

#define ROUND_SECONDS 1.0 /* of one target, where there are several; doubled each round */
#define CHECKPOINT_SECONDS 10.0 /* the first ones come sooner, each after twice the time */
#define CHECKPOINT_SECONDS_FIRST 0.1
#define PROBE_SECONDS_END 0.5 /* for a target of which nothing is known at the end */

static volatile sig_atomic_t interrupted; /* how often, up to 2 */

static void exploration_interrupt(int number)
{
    (void)number;
    interrupted = interrupted == 0 ? 1 : 2;
}

bool run_is_hurried(void)
{
    return interrupted > 1;
}

bool run_is_over(const struct exploration_run *run)
{
    const struct exploration_options *options = run->options;
    return interrupted
           || (options->seconds > 0 && tally_now() - options->start >= options->seconds);
}

/* ---- checkpoints ----------------------------------------------------------------------------- */

/* Writes down a state from which all can go on: what has been given out has not been done. */
static void write_checkpoint(struct exploration_run *run)
{
    struct exploration *exploration = run->exploration;
    run->checkpoint_at = tally_now();
    run->checkpoint_after = 2 * run->checkpoint_after < CHECKPOINT_SECONDS
                                ? 2 * run->checkpoint_after
                                : CHECKPOINT_SECONDS;
    if (run->options->checkpoint == NULL || run->failed)
        return;
    struct frontier *frontier = run->target != NULL ? &run->target->frontier : NULL;
    size_t count = frontier != NULL ? frontier->count : 0;
    size_t byte_count = frontier != NULL ? frontier->byte_count : 0;
    for (uint32_t i = 0; frontier != NULL && i < run->options->jobs; i++)
        frontier_add_all(frontier, &run->processes[i].given);
    exploration->seconds = run->seconds_before + tally_now() - run->options->start;
    run->failed = checkpoint_write(run->options->checkpoint, exploration,
                                   &run->options->parameters, run->error,
                                   run->error_bytes) != 0;
    if (frontier != NULL) {
        frontier->count = count;
        frontier->byte_count = byte_count;
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* Explores one target until its turn is over. */
static void explore_target(struct exploration_run *run, struct exploration_target *target)
{
    double seconds_before = target->seconds, start = tally_now();
    run->target = target;
    run->deaths = 0;
    while (run_give_work(run)) {
        run_take_results(run);
        target->seconds = seconds_before + tally_now() - start;
        exploration_status_show(&run->status, target, run->options->start);
        if (tally_now() - run->checkpoint_at > run->checkpoint_after)
            write_checkpoint(run);
    }
    target->seconds = seconds_before + tally_now() - start;
    run->target = NULL;
    if (run->options->parameters.deepen && target->limited && exploration_is_complete(target)
        && !run_is_over(run)) {
        exploration_begin(target, target->preemptions + 1);
        target->seconds = 0;
    }
}

/* One turn of every target that is not done; in the next round they get twice the time. Returns
 * whether there will be a next round. */
static bool explore_round(struct exploration_run *run, double seconds)
{
    struct exploration *exploration = run->exploration;
    uint32_t left = 0;
    for (uint32_t i = 0; i < exploration->target_count; i++)
        left += run_has_work(run, &exploration->targets[i]);
    uint32_t more = 0;
    for (uint32_t i = 0; i < exploration->target_count && !run_is_over(run) && !run->failed; i++) {
        if (!run_has_work(run, &exploration->targets[i]))
            continue;
        double now = tally_now(), limit = run->options->seconds;
        double share = limit > 0 ? (run->options->start + limit - now) / left : seconds;
        run->round_end = left + more == 1 ? 0 : now + (share < seconds ? share : seconds);
        explore_target(run, &exploration->targets[i]);
        more += run_has_work(run, &exploration->targets[i]);
        left--;
    }
    return more > 0 && !run_is_over(run) && !run->failed;
}

/* Whether nothing is known of how large an unfinished target is that could be probed. */
static bool is_unknown(const struct exploration_target *target)
{
    double low, high;
    return target->frontier.count > 0 && target->tally.executions > 0
           && target->nondeterminism[0] == '\0' && target->error[0] == '\0'
           && target->preemptions < 0 && !exploration_range(target, &low, &high);
}

/* Something must be said of how much is left, even of what ended at once. */
static void probe_unfinished(struct exploration_run *run)
{
    struct explorer_process *process = &run->processes[0];
    for (uint32_t i = 0; i < run->exploration->target_count; i++) {
        double start = tally_now();
        run->target = &run->exploration->targets[i];
        run->deaths = 0;
        while (!interrupted && process->process.socket >= 0 && is_unknown(run->target)
               && tally_now() - start < PROBE_SECONDS_END) {
            run_give_probe(run, process);
            while (process->busy)
                run_take_results(run);
        }
    }
    run->target = NULL;
}

/* Says of which findings there is none with fewer preemptions: of all, where everything was
 * made. */
static void certify(struct exploration_target *target)
{
    bool complete = exploration_is_complete(target);
    for (uint32_t i = 0; i < target->findings.count; i++) {
        struct finding_kept *kept = &target->findings.items[i];
        kept->certified = complete && !kept->finding.uncertain
                          && kept->finding.preemptions != PREEMPTIONS_UNKNOWN;
    }
}

static void keep_findings_of(struct exploration_run *run, struct exploration_target *target)
{
    certify(target);
    finding_list_choose(&target->findings);
    if (target->findings.count == 0)
        return;
    exploration_status_keeping(&run->status, target);
    const struct keep_plan plan = { .execute = explored_finding_execute,
                                    .context = &run->options->parameters.scheduler,
                                    .directory = run->options->directory };
    if (keep_findings(&plan, target->index, &target->findings, target->keep_error,
                      sizeof target->keep_error) != 0)
        return;
    for (uint32_t i = 0; i < target->findings.count; i++)
        if (!target->findings.items[i].kept && target->nondeterminism[0] == '\0'
            && target->cut == 0) {
            snprintf(target->nondeterminism, sizeof target->nondeterminism,
                     "a fresh process does not show %s again by the same choices",
                     verdict_name(target->findings.items[i].finding.verdict));
            target->tally.verdicts[TREADLE_NONDETERMINISTIC]++;
        }
}

/* Nothing is under way any more. */
static void end_processes(struct exploration_run *run)
{
    for (uint32_t i = 0; i < run->options->jobs; i++)
        process_hang_up(&run->processes[i].process);
    for (uint32_t i = 0; i < run->options->jobs; i++) {
        struct process *process = &run->processes[i].process;
        char how[sizeof process->board->limit];
        if (process->board != NULL)
            process_end(process, how, sizeof how);
        frontier_deinit(&run->processes[i].given);
    }
}

static void run_all(struct exploration_run *run)
{
    double seconds = ROUND_SECONDS;
    run->checkpoint_at = tally_now();
    run->checkpoint_after = CHECKPOINT_SECONDS_FIRST;
    while (explore_round(run, seconds))
        seconds *= 2;
    write_checkpoint(run);
    probe_unfinished(run);
    end_processes(run);
    for (uint32_t i = 0; i < run->exploration->target_count; i++)
        keep_findings_of(run, &run->exploration->targets[i]);
    exploration_status_end(&run->status);
    frontier_deinit(&run->received);
    free(run->classes.items);
}

int exploration_run(struct exploration *exploration, const struct exploration_options *options,
                    char *error, size_t error_bytes)
{
    CHECK(options->jobs, >=, 1u);
    CHECK(options->jobs, <=, EXPLORATION_JOBS_MAX);
    struct exploration_run *run = calloc(1, sizeof *run);
    CHECK(run != NULL, ==, true);
    *run = (struct exploration_run){ .exploration = exploration,
                         .options = options,
                         .seconds_before = exploration->seconds,
                         .error = error,
                         .error_bytes = error_bytes };
    struct sigaction action = { .sa_handler = exploration_interrupt, .sa_flags = SA_RESTART };
    struct sigaction before_interrupt, before_terminate;
    sigaction(SIGINT, &action, &before_interrupt);
    sigaction(SIGTERM, &action, &before_terminate);
    interrupted = 0;
    uint32_t started = 0;
    for (uint32_t i = 0; i < options->jobs; i++)
        started += run_start_process(run, &run->processes[i]);
    if (started > 0)
        run_all(run);
    else
        snprintf(error, error_bytes, "no process could be started: %s", strerror(errno));
    if (!interrupted) { /* else the command only tells what it has: more signals change nothing */
        sigaction(SIGINT, &before_interrupt, NULL);
        sigaction(SIGTERM, &before_terminate, NULL);
    }
    exploration->seconds = run->seconds_before + tally_now() - options->start;
    exploration->interrupted = interrupted != 0;
    exploration->unsaved = run->failed;
    bool failed = run->failed || started == 0;
    free(run);
    return failed ? -1 : 0;
}
