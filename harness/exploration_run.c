/* exploration_run.c: gives out slices of a target's frontier to workers and adds up what comes
 * back. Time decides only who executes what, and when: any item gives the same executions below
 * it. */
#include "exploration_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SLICE_SECONDS 0.1
#define SLICE_SECONDS_SHORT 0.01 /* while a worker has nothing to do */
#define DEATHS_MAX 3u /* of processes in a row over one target */
/* Estimates begin after some time and take this share of it: more at first. */
#define PROBE_AFTER_SECONDS 0.5
#define PROBE_SHARE 0.04
#define PROBE_SHARE_FIRST 0.2
#define PROBES_FIRST 64u
#define PROBE_SECONDS 0.1

/* ---- what is left ---------------------------------------------------------------------------- */

static uint64_t executions_left(const struct exploration_run *run)
{
    const struct exploration_target *target = run->target;
    if (run->options->executions == 0)
        return UINT64_MAX;
    uint64_t promised = target->tally.executions;
    for (uint32_t i = 0; i < run->options->jobs; i++)
        if (run->processes[i].busy)
            promised += run->processes[i].slice.executions_max;
    return promised >= run->options->executions ? 0 : run->options->executions - promised;
}

bool run_has_work(const struct exploration_run *run, const struct exploration_target *target)
{
    uint64_t limit = run->options->executions;
    return target->frontier.count > 0 && target->nondeterminism[0] == '\0'
           && target->error[0] == '\0' && (limit == 0 || target->tally.executions < limit);
}

/* ---- processes ------------------------------------------------------------------------------- */

bool run_start_process(struct exploration_run *run, struct explorer_process *process)
{
    process->busy = false;
    return explore_worker_start(&process->process, &run->options->parameters.scheduler);
}

/* The process is gone, and has not done what it was given. */
static void take_back(struct exploration_run *run, struct explorer_process *process)
{
    frontier_add_all(&run->target->frontier, &process->given);
    frontier_clear(&process->given);
    process->busy = false;
}

/* The process is gone: in good order after a crash of the subject, or lost. */
static void replace_process(struct exploration_run *run, struct explorer_process *process)
{
    struct exploration_target *target = run->target;
    char how[sizeof process->process.board->limit];
    bool hopeless = process_end(&process->process, how, sizeof how);
    if (process->busy) {
        take_back(run, process);
        run->deaths++;
        if (hopeless)
            snprintf(target->error, sizeof target->error, "%s", how);
        else if (run->deaths == DEATHS_MAX)
            snprintf(target->error, sizeof target->error,
                     "its process ended %u times in a row (%.64s)", DEATHS_MAX, how);
    }
    if (!run_start_process(run, process))
        snprintf(target->error, sizeof target->error, "a process could not be started: %s",
                 strerror(errno));
}

/* Nobody waits for what the process is doing. */
static void dismiss(struct exploration_run *run, struct explorer_process *process)
{
    char how[sizeof process->process.board->limit];
    process_kill(&process->process);
    process_end(&process->process, how, sizeof how);
    take_back(run, process);
}

/* ---- giving out ------------------------------------------------------------------------------ */

static uint32_t idle_count(const struct exploration_run *run)
{
    uint32_t idle = 0;
    for (uint32_t i = 0; i < run->options->jobs; i++)
        idle += run->processes[i].process.socket >= 0 && !run->processes[i].busy;
    return idle;
}

/* Whether it is time to look how large the tree is. */
static bool wants_probe(const struct exploration_run *run)
{
    const struct exploration_target *target = run->target;
    for (uint32_t i = 0; i < run->options->jobs; i++)
        if (run->processes[i].busy && run->processes[i].slice.probes > 0)
            return false;
    if (target->preemptions >= 0)
        return false; /* what a bounded exploration has seen it does not see again */
    double share = target->probe_count < PROBES_FIRST ? PROBE_SHARE_FIRST : PROBE_SHARE;
    return target->seconds > PROBE_AFTER_SECONDS
           && target->probe_seconds < share * target->seconds;
}

void run_give_probe(struct exploration_run *run, struct explorer_process *process)
{
    struct exploration_target *target = run->target;
    struct frontier all = { 0 };
    frontier_add_all(&all, &target->frontier);
    for (uint32_t i = 0; i < run->options->jobs; i++)
        frontier_add_all(&all, &run->processes[i].given);
    process->slice = (struct slice){ .target = target->index,
                                     .probes = SLICE_PROBES_MAX,
                                     .preemptions = target->preemptions,
                                     .seconds = PROBE_SECONDS,
                                     .seed = target->probe_count };
    process->done_before = (double)target->tally.executions;
    process->busy = true;
    process->process.patience = (struct patience){ 0 };
    if (!explore_worker_send(process->process.socket, &process->slice, &all))
        replace_process(run, process);
    frontier_deinit(&all);
}

/* Gives a process the newest half of the items, or all if no other one may want any: the oldest
 * stand for the most executions. */
static void give_slice(struct exploration_run *run, struct explorer_process *process, uint64_t left)
{
    struct exploration_target *target = run->target;
    uint32_t idle = idle_count(run);
    size_t count = run->options->jobs == 1 ? target->frontier.count
                                           : (target->frontier.count + 1) / 2;
    frontier_move(&target->frontier, &process->given, count);
    bool hungry = idle > 1 && target->frontier.count == 0;
    process->slice = (struct slice){ .target = target->index,
                                     .preemptions = target->preemptions,
                                     .seconds = hungry ? SLICE_SECONDS_SHORT : SLICE_SECONDS,
                                     .executions_max =
                                         left == UINT64_MAX ? left : (left + idle - 1) / idle };
    process->busy = true;
    process->process.patience = (struct patience){ 0 };
    if (!explore_worker_send(process->process.socket, &process->slice, &process->given))
        replace_process(run, process); /* the next round gives the items out again */
}

bool run_give_work(struct exploration_run *run)
{
    bool busy = false;
    bool over = run_is_over(run) || run->failed
                || (run->round_end > 0 && tally_now() >= run->round_end);
    for (uint32_t i = 0; i < run->options->jobs; i++) {
        struct explorer_process *process = &run->processes[i];
        uint64_t left = executions_left(run);
        if (process->process.socket >= 0 && !process->busy && !over && left > 0
            && run_has_work(run, run->target)) {
            if (wants_probe(run))
                run_give_probe(run, process);
            else
                give_slice(run, process, left);
            busy = true;
        }
        busy |= process->busy;
    }
    return busy;
}

/* ---- taking back ----------------------------------------------------------------------------- */

static void take_probes(struct exploration_run *run, const struct explorer_process *process,
                        const struct slice_result *result)
{
    struct exploration_target *target = run->target;
    for (uint32_t i = 0; i < result->probe_count; i++)
        estimate_add(&target->estimate, process->done_before + result->probes[i]);
    target->probe_count += SLICE_PROBES_MAX;
    target->probe_seconds += result->probe_seconds;
}

static void take_classes(struct exploration_target *target,
                         const struct explored_classes *classes)
{
    for (uint32_t i = 0; i < classes->count; i++) {
        const struct explored_class *explored = &classes->items[i];
        if (class_set_add(&target->classes, explored->class)) {
            tally_add_entry(&target->tally, &explored->entry, target->tally.executions, 0);
            target->cut += explored->cut;
            target->crashed += explored->crashed;
        } else {
            target->repeated++;
        }
    }
}

static void take_result(struct exploration_run *run, struct explorer_process *process)
{
    struct exploration_target *target = run->target;
    struct slice_result result;
    if (!explore_worker_receive(process->process.socket, &result, &run->received, &run->classes,
                                &target->findings)) {
        replace_process(run, process);
        return;
    }
    run->deaths = 0;
    process->busy = false;
    frontier_clear(&process->given);
    frontier_add_all(&target->frontier, &run->received);
    tally_add(&target->tally, &result.tally);
    target->blocked += result.blocked;
    target->cut += result.cut;
    target->crashed += result.crashed;
    target->limited |= result.limited;
    take_classes(target, &run->classes);
    if (process->slice.probes > 0)
        take_probes(run, process, &result);
    if (result.setup_error[0] != '\0')
        snprintf(target->error, sizeof target->error, "its set-up ends with %.150s",
                 result.setup_error);
    if (result.nondeterminism[0] != '\0' && target->nondeterminism[0] == '\0') {
        memcpy(target->nondeterminism, result.nondeterminism, sizeof target->nondeterminism);
        target->tally.verdicts[TREADLE_NONDETERMINISTIC]++;
    }
    if (result.over)
        replace_process(run, process);
}

void run_take_results(struct exploration_run *run)
{
    struct process *busy[EXPLORATION_JOBS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->options->jobs; i++)
        if (run->processes[i].busy)
            busy[count++] = &run->processes[i].process;
    bool hurried = run_is_hurried();
    uint32_t ready = hurried ? count : process_await(busy, count);
    for (uint32_t i = 0; i < ready; i++)
        if (hurried)
            dismiss(run, (struct explorer_process *)busy[i]);
        else
            take_result(run, (struct explorer_process *)busy[i]);
}
