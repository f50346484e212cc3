/* shrink_finding.c: makes the executions of a reduction: all in one process, or, where one of them
 * has crashed (which leaves a process that should run no more), each in a process of its own. */
#include "shrink_finding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "oracle.h"
#include "process.h"
#include "replay.h"
#include "shrink_search.h"
#include "tally.h"

/* What an execution costs beside its events: a process each time, or a second until the watchdog
 * bites. */
#define COST 50u
#define COST_APART 10000u
#define COST_ENDLESS 1000000u

/* What came of an execution. */
struct shown {
    bool shown, crashed, certified;
    int code; /* of writing */
    uint64_t cost;
    struct shrink_subject subject;
    struct shrink_execution execution;
};

struct shrinker {
    const struct shrink_request *request;
    const char *path;
    bool apart; /* every execution in a process of its own */
    struct process_board *board; /* its own */
    struct shrink_subject subject;
    struct finding_notes *notes;
    uint64_t cost;
    bool open; /* the target, as `replay` opens it */
    bool crashed, certified;
};

typedef void run_task(struct shrinker *shrinker, const struct wish *wish, struct shown *shown);

/* ---- what is executed ------------------------------------------------------------------------ */

static int write_schedule(const struct verdict_record *record, const char *path)
{
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return SHRINK_ERRNO + errno;
    struct schedule *schedule = replay_record(record);
    bool written = schedule_print(schedule, out) == 0 && fflush(out) == 0
                   && fsync(fileno(out)) == 0;
    int cause = errno;
    if (fclose(out) != 0 && written) {
        written = false;
        cause = errno;
    }
    schedule_destroy(schedule);
    return written ? SHRINK_WROTE : SHRINK_ERRNO + cause;
}

static uint32_t target_index(void)
{
    uint32_t index = 0;
    while (target_at(index) != execution.target)
        index++;
    return index;
}

/* Of the current execution: preemptions are counted by who made it. */
static struct shrink_size measure(uint32_t preemptions)
{
    static bool executes[GOROUTINES_MAX];
    struct shrink_size size = { .preemptions = preemptions,
                                .events = execution.trace_run_count };
    uint32_t last = WISH_NOBODY;
    for (uint32_t id = 0; id < GOROUTINES_MAX; id++)
        executes[id] = false;
    for (uint32_t i = 0; i < execution.choice_count; i++) {
        uint32_t answer = execution.choices[i].answer;
        if (execution.choices[i].kind == CHOICE_DATA) {
            size.answers += answer != 0;
            continue;
        }
        size.switches += last != WISH_NOBODY && last != answer;
        last = answer;
        if (answer >= scheduler.drainer_base || executes[answer])
            continue;
        executes[answer] = true;
        size.goroutines++;
    }
    return size;
}

/* As it was found: what it shows is looked for from now on. */
static void find(struct shrinker *shrinker, const struct wish *wish, struct shown *shown)
{
    (void)wish;
    const struct verdict_record *record = shrinker->request->execute(shrinker->request->context);
    shrinker->open = false;
    shown->crashed = scheduler_crashed();
    shown->shown = record != NULL;
    if (record == NULL)
        return;
    shown->subject = (struct shrink_subject){
        .target = target_index(),
        .memory = scheduler.memory,
        .exploring = scheduler.exploring,
        .verdict = record->verdict,
        .fingerprint = finding_notes_fingerprint(shrinker->notes, record),
    };
    wish_record(&shown->execution.wish);
}

/* As wished; returns the verdict. */
static const struct verdict_record *follow_wish(struct shrinker *shrinker, const struct wish *wish,
                                                struct shown *shown)
{
    static struct wish_state state;
    const struct scheduler_options options = { .exploring = shrinker->subject.exploring,
                                               .memory = shrinker->subject.memory };
    const char *rule;
    if (!shrinker->open
        && scheduler_open(target_at(shrinker->subject.target), &options, &rule) != TREADLE_OK)
        return NULL;
    shrinker->open = true;
    const struct verdict_record *record =
        shrink_follow(&shrinker->subject, wish, &state, shrinker->notes);
    shown->crashed = scheduler_crashed();
    shown->shown = record != NULL;
    shown->cost = COST + execution.trace_run_count;
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (execution.verdicts[i].verdict == TREADLE_TIMEOUT
            && execution.trace_run_count < scheduler.steps_max)
            shown->cost += COST_ENDLESS;
    if (record != NULL) {
        wish_record(&shown->execution.wish);
        shown->execution.size = measure(state.turns.preemptions);
    }
    return record;
}

static void follow(struct shrinker *shrinker, const struct wish *wish, struct shown *shown)
{
    follow_wish(shrinker, wish, shown);
}

static void write_wish(struct shrinker *shrinker, const struct wish *wish, struct shown *shown)
{
    const struct verdict_record *record = follow_wish(shrinker, wish, shown);
    shown->code = record != NULL ? write_schedule(record, shrinker->path) : SHRINK_DIFFERENT;
}

static void write_as_found(struct shrinker *shrinker, const struct wish *wish, struct shown *shown)
{
    (void)wish;
    const struct verdict_record *record = shrinker->request->execute(shrinker->request->context);
    shown->code = record != NULL ? write_schedule(record, shrinker->path) : SHRINK_DIFFERENT;
}

/* Puts a better execution's wish in, if there is one. */
static void search(struct shrinker *shrinker, const struct wish *wish, struct shown *shown)
{
    const struct shrink_execution best = { .wish = *wish, .size = shown->execution.size };
    enum shrink_searched searched =
        shrink_search(&shrinker->subject, &best, shrinker->request->budget.search_events);
    shown->certified = searched == SHRINK_SEARCHED_CERTIFIED;
    shown->shown = searched == SHRINK_SEARCHED_BETTER;
    if (shown->shown)
        wish_record(&shown->execution.wish);
}

/* ---- in a process of its own ----------------------------------------------------------------- */

struct job {
    struct shrinker *shrinker;
    run_task *task;
    const struct wish *wish;
    struct shown *shown;
};

static void serve_job(const void *plan, int socket, struct process_board *board)
{
    const struct job *job = plan;
    struct shown shown = { .execution.size = job->shown->execution.size };
    job->shrinker->board = board;
    job->task(job->shrinker, job->wish, &shown);
    const struct wish *wish = &shown.execution.wish;
    if (process_write(socket, &shown, sizeof shown)
        && process_write(socket, wish->runs, wish->run_count * sizeof *wish->runs))
        process_write(socket, wish->answers, wish->answer_count * sizeof *wish->answers);
}

/* Reads what serve_job has sent, in place of *shown. */
static bool receive_shown(int socket, struct shown *shown)
{
    struct shown sent;
    if (!process_read(socket, &sent, sizeof sent))
        return false;
    struct wish wish = shown->execution.wish;
    wish_resize_runs(&wish, sent.execution.wish.run_count);
    wish_resize_answers(&wish, sent.execution.wish.answer_count);
    wish.avoided = WISH_NOBODY;
    *shown = sent;
    shown->execution.wish = wish;
    return process_read(socket, wish.runs, wish.run_count * sizeof *wish.runs)
           && process_read(socket, wish.answers, wish.answer_count * sizeof *wish.answers);
}

/* Until it has sent something or is gone; false if it was given up. Who waits is not stuck. */
static bool wait_for(struct process *process, struct process_board *own)
{
    struct process *ready = process;
    while (process_await(&ready, 1) == 0)
        if (own != NULL)
            own->executions++;
    return !process->stuck;
}

/* What the task shows; nothing, with code SHRINK_FAILED, if its process came to an end. */
static void do_apart(struct shrinker *shrinker, run_task *task, const struct wish *wish,
                     struct shown *shown)
{
    const struct job job = { shrinker, task, wish, shown };
    struct process process;
    char how[400];
    bool started = process_start(&process, serve_job, &job);
    bool received = started && wait_for(&process, shrinker->board)
                    && receive_shown(process.socket, shown);
    if (started)
        process_end(&process, how, sizeof how);
    if (!received) {
        shown->shown = shown->certified = false;
        shown->code = SHRINK_FAILED;
    }
    shown->cost += COST_APART;
}

static void do_task(struct shrinker *shrinker, run_task *task, const struct wish *wish,
                    struct shown *shown)
{
    struct wish kept = shown->execution.wish;
    *shown = (struct shown){ .execution.wish = kept };
    if (shrinker->apart)
        do_apart(shrinker, task, wish, shown);
    else
        task(shrinker, wish, shown);
    shrinker->board->executions++;
    shrinker->crashed = !shrinker->apart && shown->crashed;
    shrinker->cost += shown->cost;
}

/* ---- the reduction's plan -------------------------------------------------------------------- */

static bool plan_is_over(void *context)
{
    const struct shrinker *shrinker = context;
    const struct shrink_budget *budget = &shrinker->request->budget;
    return shrinker->crashed || shrinker->cost > budget->events
           || (budget->until > 0 && tally_now() > budget->until);
}

static bool plan_execute(void *context, const struct wish *wish,
                         struct shrink_execution *executed)
{
    struct shown shown = { .execution = *executed };
    do_task(context, follow, wish, &shown);
    *executed = shown.execution;
    return shown.shown;
}

static bool plan_search(void *context, const struct shrink_execution *best, struct wish *ret_wish)
{
    struct shrinker *shrinker = context;
    struct shown shown = { .execution = { .wish = *ret_wish, .size = best->size } };
    do_apart(shrinker, search, &best->wish, &shown);
    shrinker->certified = shown.certified;
    *ret_wish = shown.execution.wish;
    return shown.shown;
}

/* Finds it, shrinks it, writes it. Returns a code. */
static int shrink_here(struct shrinker *shrinker, struct shrink_report *report)
{
    const struct shrink_plan plan = { .execute = plan_execute,
                                      .search = plan_search,
                                      .is_over = plan_is_over,
                                      .context = shrinker };
    struct shown found = { 0 }, best = { 0 }, last = { 0 };
    if (shrinker->request->budget.events > 0) {
        do_task(shrinker, find, NULL, &found);
        if (!found.shown)
            return shrinker->crashed ? SHRINK_CRASHED : SHRINK_DIFFERENT;
        shrinker->subject = found.subject;
        if (!shrinker->crashed)
            do_task(shrinker, follow, &found.execution.wish, &best);
    }
    if (best.shown && !shrinker->crashed) {
        report->before = best.execution.size;
        report->minimal = shrink(&plan, &best.execution);
        report->after = best.execution.size;
        report->certified = shrinker->certified;
    }
    if (shrinker->crashed)
        return SHRINK_CRASHED;
    if (best.shown)
        do_task(shrinker, write_wish, &best.execution.wish, &last);
    if (!best.shown || last.code == SHRINK_DIFFERENT) {
        *report = (struct shrink_report){ 0 };
        do_task(shrinker, write_as_found, NULL, &last);
    }
    wish_clear(&found.execution.wish);
    wish_clear(&best.execution.wish);
    wish_clear(&last.execution.wish);
    return last.code;
}

/* ---- for a process that runs no subject code ------------------------------------------------- */

struct call {
    const struct shrink_request *request;
    const char *path;
    bool apart;
};

struct answer {
    int code;
    struct shrink_report report;
};

static void serve_call(const void *plan, int socket, struct process_board *board)
{
    const struct call *call = plan;
    struct shrinker shrinker = { .request = call->request,
                                 .path = call->path,
                                 .apart = call->apart,
                                 .board = board,
                                 .notes = finding_notes_create() };
    struct answer answer = { 0 };
    answer.code = shrink_here(&shrinker, &answer.report);
    process_write(socket, &answer, sizeof answer);
}

int shrink_finding(const struct shrink_request *request, const char *path,
                   struct shrink_report *ret_report)
{
    struct answer answer = { .code = SHRINK_CRASHED };
    for (int apart = 0;
         apart <= 1 && (answer.code == SHRINK_CRASHED || answer.code == SHRINK_FAILED); apart++) {
        const struct call call = { request, path, apart != 0 };
        struct process process;
        char how[400];
        if (!process_start(&process, serve_call, &call))
            return SHRINK_FAILED;
        bool awaited = wait_for(&process, NULL);
        if (!awaited || !process_read(process.socket, &answer, sizeof answer))
            answer.code = awaited ? SHRINK_FAILED : SHRINK_STUCK;
        process_end(&process, how, sizeof how);
    }
    *ret_report = answer.report;
    return answer.code;
}
