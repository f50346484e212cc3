/* exploration.c: gives out slices of the targets' frontiers to workers and adds up what comes back.
 * Time decides only who executes what, and when: any item gives the same executions below it. */
#define _GNU_SOURCE
#include "exploration.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "checkpoint.h"
#include "exploration_status.h"
#include "explored_finding.h"
#include "keep.h"
#include "process.h"

#define SLICE_SECONDS 0.1
#define SLICE_SECONDS_SHORT 0.01 /* while a worker has nothing to do */
#define ROUND_SECONDS 1.0        /* of one target, where there are several; doubled each round */
#define CHECKPOINT_SECONDS 10.0 /* the first ones come sooner, each after twice the time */
#define CHECKPOINT_SECONDS_FIRST 0.1
#define DEATHS_MAX 3u /* of processes in a row over one target */
/* Estimates begin after some time and take this share of it: more at first. */
#define PROBE_AFTER_SECONDS 0.5
#define PROBE_SHARE 0.04
#define PROBE_SHARE_FIRST 0.2
#define PROBES_FIRST 64u
#define PROBE_SECONDS 0.1
#define PROBE_SECONDS_END 0.5 /* for a target of which nothing is known at the end */

struct explorer_process {
    pid_t pid;
    int socket;
    bool busy;
    struct slice slice;
    struct frontier given; /* items being explored */
    double done_before;    /* when it began to probe: executions made and being made by others */
};

/* How one call of exploration_run stands. */
struct run {
    struct exploration *exploration;
    const struct exploration_options *options;
    struct explorer_process processes[EXPLORATION_JOBS_MAX];
    struct exploration_status status;
    struct exploration_target *target; /* the one being explored */
    uint32_t deaths;                   /* of processes over it in a row */
    double round_end;                  /* its turn is over then; 0 = never */
    double checkpoint_at;              /* when the last one was written */
    double checkpoint_after;           /* so long before the next one */
    double seconds_before;             /* the exploration's, when this run began */
    struct frontier received;
    char *error;
    size_t error_bytes;
    bool failed;
};

static volatile sig_atomic_t interrupted;

static void exploration_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* ---- what is left ---------------------------------------------------------------------------- */

static uint64_t executions_left(const struct run *run)
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

static bool time_over(const struct run *run)
{
    const struct exploration_options *options = run->options;
    return interrupted
           || (options->seconds > 0 && tally_now() - options->start >= options->seconds);
}

/* Whether there is something to be done for a target, now or in another round. */
static bool has_work(const struct run *run, const struct exploration_target *target)
{
    uint64_t limit = run->options->executions;
    return target->frontier.count > 0 && target->nondeterminism[0] == '\0'
           && target->error[0] == '\0' && (limit == 0 || target->tally.executions < limit);
}

/* ---- processes ------------------------------------------------------------------------------- */

static bool start_process(struct run *run, struct explorer_process *process)
{
    process->busy = false;
    process->pid = explore_worker_start(&run->options->parameters.scheduler, &process->socket);
    if (process->pid < 0)
        process->socket = -1;
    return process->pid >= 0;
}

/* The process is gone: in good order after a crash of the subject, or killed. */
static void replace_process(struct run *run, struct explorer_process *process)
{
    struct exploration_target *target = run->target;
    close(process->socket);
    int status = 0;
    waitpid(process->pid, &status, 0);
    if (process->busy) {
        frontier_add_all(&target->frontier, &process->given);
        frontier_clear(&process->given);
        run->deaths += !process_served(status); /* it may have got its work too late */
        if (run->deaths == DEATHS_MAX) {
            char how[48];
            process_describe_end(status, how, sizeof how);
            snprintf(target->error, sizeof target->error,
                     "its process ended %u times in a row (%s)", DEATHS_MAX, how);
        }
    }
    if (!start_process(run, process))
        snprintf(target->error, sizeof target->error, "a process could not be started: %s",
                 strerror(errno));
}

/* ---- giving out ------------------------------------------------------------------------------ */

static uint32_t idle_count(const struct run *run)
{
    uint32_t idle = 0;
    for (uint32_t i = 0; i < run->options->jobs; i++)
        idle += run->processes[i].socket >= 0 && !run->processes[i].busy;
    return idle;
}

/* Whether it is time to look how large the tree is. */
static bool wants_probe(const struct run *run)
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

/* What stands for all that is still to be done, in process->given's place. */
static void give_probe(struct run *run, struct explorer_process *process)
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
    if (!explore_worker_send(process->socket, &process->slice, &all))
        replace_process(run, process);
    frontier_deinit(&all);
}

/* Gives a process the newest half of the items, or all if no other one may want any: the oldest
 * stand for the most executions. */
static void give_slice(struct run *run, struct explorer_process *process, uint64_t left)
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
    if (!explore_worker_send(process->socket, &process->slice, &process->given))
        replace_process(run, process); /* the next round gives the items out again */
}

/* Returns whether anything is under way. */
static bool give_work(struct run *run)
{
    bool busy = false;
    bool over = time_over(run) || run->failed
                || (run->round_end > 0 && tally_now() >= run->round_end);
    for (uint32_t i = 0; i < run->options->jobs; i++) {
        struct explorer_process *process = &run->processes[i];
        uint64_t left = executions_left(run);
        if (process->socket >= 0 && !process->busy && !over && left > 0
            && has_work(run, run->target)) {
            if (wants_probe(run))
                give_probe(run, process);
            else
                give_slice(run, process, left);
            busy = true;
        }
        busy |= process->busy;
    }
    return busy;
}

/* ---- taking back ----------------------------------------------------------------------------- */

static void take_probes(struct run *run, const struct explorer_process *process,
                        const struct slice_result *result)
{
    struct exploration_target *target = run->target;
    for (uint32_t i = 0; i < result->probe_count; i++)
        estimate_add(&target->estimate, process->done_before + result->probes[i]);
    target->probe_count += SLICE_PROBES_MAX;
    target->probe_seconds += result->probe_seconds;
}

static void take_result(struct run *run, struct explorer_process *process)
{
    struct exploration_target *target = run->target;
    struct slice_result result;
    if (!explore_worker_receive(process->socket, &result, &run->received, &target->findings)) {
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
    target->limited |= result.limited;
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

static void take_results(struct run *run)
{
    struct pollfd polls[EXPLORATION_JOBS_MAX];
    struct explorer_process *busy[EXPLORATION_JOBS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->options->jobs; i++) {
        struct explorer_process *process = &run->processes[i];
        if (!process->busy)
            continue;
        polls[count] = (struct pollfd){ .fd = process->socket, .events = POLLIN };
        busy[count++] = process;
    }
    if (count == 0 || poll(polls, count, 500) <= 0)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (polls[i].revents != 0)
            take_result(run, busy[i]);
}

/* ---- checkpoints ----------------------------------------------------------------------------- */

/* Writes down a state from which all can go on: what has been given out has not been done. */
static void write_checkpoint(struct run *run)
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
static void explore_target(struct run *run, struct exploration_target *target)
{
    double seconds_before = target->seconds, start = tally_now();
    run->target = target;
    run->deaths = 0;
    while (give_work(run)) {
        take_results(run);
        target->seconds = seconds_before + tally_now() - start;
        exploration_status_show(&run->status, target, run->options->start);
        if (tally_now() - run->checkpoint_at > run->checkpoint_after)
            write_checkpoint(run);
    }
    target->seconds = seconds_before + tally_now() - start;
    run->target = NULL;
    if (run->options->parameters.deepen && target->limited && exploration_is_complete(target)
        && !time_over(run)) {
        exploration_begin(target, target->preemptions + 1);
        target->seconds = 0;
    }
}

/* One turn of every target that is not done; in the next round they get twice the time. Returns
 * whether there will be a next round. */
static bool explore_round(struct run *run, double seconds)
{
    struct exploration *exploration = run->exploration;
    uint32_t left = 0;
    for (uint32_t i = 0; i < exploration->target_count; i++)
        left += has_work(run, &exploration->targets[i]);
    uint32_t more = 0;
    for (uint32_t i = 0; i < exploration->target_count && !time_over(run) && !run->failed; i++) {
        if (!has_work(run, &exploration->targets[i]))
            continue;
        double now = tally_now(), limit = run->options->seconds;
        double share = limit > 0 ? (run->options->start + limit - now) / left : seconds;
        run->round_end = left + more == 1 ? 0 : now + (share < seconds ? share : seconds);
        explore_target(run, &exploration->targets[i]);
        more += has_work(run, &exploration->targets[i]);
        left--;
    }
    return more > 0 && !time_over(run) && !run->failed;
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
static void probe_unfinished(struct run *run)
{
    struct explorer_process *process = &run->processes[0];
    for (uint32_t i = 0; i < run->exploration->target_count; i++) {
        double start = tally_now();
        run->target = &run->exploration->targets[i];
        while (!interrupted && process->socket >= 0 && is_unknown(run->target)
               && tally_now() - start < PROBE_SECONDS_END) {
            give_probe(run, process);
            while (process->busy)
                take_results(run);
        }
    }
    run->target = NULL;
}

static void keep_findings_of(struct run *run, struct exploration_target *target)
{
    finding_list_choose(&target->findings);
    if (target->findings.count == 0)
        return;
    exploration_status_keeping(&run->status, target);
    const struct keep_plan plan = { .execute = explored_finding_execute,
                                    .context = &run->options->parameters.scheduler,
                                    .directory = run->options->directory };
    char error[sizeof target->error] = "";
    if (keep_findings(&plan, target->index, &target->findings, error, sizeof error) != 0) {
        if (target->error[0] == '\0')
            memcpy(target->error, error, sizeof error);
        return;
    }
    for (uint32_t i = 0; i < target->findings.count; i++)
        if (!target->findings.items[i].kept && target->nondeterminism[0] == '\0'
            && target->cut == 0) {
            snprintf(target->nondeterminism, sizeof target->nondeterminism,
                     "a fresh process does not show %s again by the same choices",
                     verdict_name(target->findings.items[i].finding.verdict));
            target->tally.verdicts[TREADLE_NONDETERMINISTIC]++;
        }
}

static void run_all(struct run *run)
{
    double seconds = ROUND_SECONDS;
    run->checkpoint_at = tally_now();
    run->checkpoint_after = CHECKPOINT_SECONDS_FIRST;
    while (explore_round(run, seconds))
        seconds *= 2;
    write_checkpoint(run);
    run->exploration->out_of_time = !interrupted && time_over(run);
    probe_unfinished(run);
    for (uint32_t i = 0; i < run->options->jobs; i++)
        if (run->processes[i].socket >= 0)
            close(run->processes[i].socket);
    for (uint32_t i = 0; i < run->options->jobs; i++) {
        if (run->processes[i].pid > 0)
            waitpid(run->processes[i].pid, NULL, 0);
        frontier_deinit(&run->processes[i].given);
    }
    for (uint32_t i = 0; i < run->exploration->target_count; i++)
        keep_findings_of(run, &run->exploration->targets[i]);
    exploration_status_end(&run->status);
    frontier_deinit(&run->received);
}

int exploration_run(struct exploration *exploration, const struct exploration_options *options,
                    char *error, size_t error_bytes)
{
    CHECK(options->jobs, >=, 1u);
    CHECK(options->jobs, <=, EXPLORATION_JOBS_MAX);
    struct run *run = calloc(1, sizeof *run);
    CHECK(run != NULL, ==, true);
    *run = (struct run){ .exploration = exploration,
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
        started += start_process(run, &run->processes[i]);
    if (started > 0)
        run_all(run);
    else
        snprintf(error, error_bytes, "no process could be started: %s", strerror(errno));
    sigaction(SIGINT, &before_interrupt, NULL);
    sigaction(SIGTERM, &before_terminate, NULL);
    exploration->seconds = run->seconds_before + tally_now() - options->start;
    exploration->interrupted = interrupted != 0;
    bool failed = run->failed || started == 0;
    free(run);
    return failed ? -1 : 0;
}
