/* worker.c: executing pieces of work. */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/check.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "../scheduler/trace.h"
#include "oracle.h"
#include "places.h"

/* A piece of work ends after this time, at the next look at the clock. */
#define PIECE_SECONDS_MAX 0.5
#define PIECE_LOOK 64u
/* Stores in a buffer at most: about what processors have. */
#define BUFFERED_MAX 64u

/* ---- one execution --------------------------------------------------------------------------- */

struct scheduler_options worker_options(const struct worker_plan *plan)
{
    return (struct scheduler_options){ .memory = plan->memory, .buffered_max = BUFFERED_MAX };
}

uint64_t worker_target_seed(const struct worker_plan *plan)
{
    const char *name = execution.target->name;
    return XXH3_64bits_withSeed(name, strlen(name), plan->seed);
}

static uint64_t execution_seed(uint64_t target_seed, uint64_t number)
{
    return rng_mix(target_seed + number * UINT64_C(0x9e3779b97f4a7c15));
}

void worker_run(struct worker_plan *plan, uint64_t target_seed, uint64_t number)
{
    scheduler_run(portfolio_pick(&plan->portfolio, number), execution_seed(target_seed, number));
}

struct worker {
    struct worker_plan plan;
    struct process_board *board;
    int64_t target; /* index of the open one, or -1 */
    uint64_t target_seed;
    struct finding_notes *notes; /* of the open target */
    struct greybox_target *greyboxes; /* in a greybox search, of all targets */
    struct shown shown;               /* by this piece of work */
};

/* ---- one execution in a campaign ------------------------------------------------------------- */

/* Runs an execution; varied, if not NULL, is what its generation sees. */
static void run(struct worker *worker, struct greybox_target *varied, uint64_t number)
{
    uint64_t seed = execution_seed(worker->target_seed, number);
    struct strategy strategy;
    if (varied == NULL)
        worker_run(&worker->plan, worker->target_seed, number);
    else if (greybox_draw(varied, number, seed, &strategy))
        scheduler_run(&strategy, varied->input.seed);
    else
        scheduler_run(portfolio_pick(&worker->plan.portfolio, rng_mix(number)), seed);
}

/* Runs the execution a second time; any difference is a verdict of its own. */
static void run_again(struct worker *worker, struct greybox_target *varied, uint64_t number)
{
    uint64_t hash = trace_hash();
    run(worker, varied, number);
    oracle_judge();
    if (trace_hash() != hash)
        execution_add_verdict(TREADLE_NONDETERMINISTIC, "the same choices give the same events");
}

static void execute(struct worker *worker, struct greybox_target *varied, uint64_t number)
{
    run(worker, varied, number);
    oracle_judge();
    if (worker->plan.twice && !scheduler_crashed())
        run_again(worker, varied, number);
    if (varied != NULL && !scheduler_crashed())
        greybox_look(varied, number, &worker->shown);
}

/* ---- pieces of work -------------------------------------------------------------------------- */

static bool worker_open(struct worker *worker, uint32_t target, struct work_result *result)
{
    if (worker->target == target)
        return true;
    finding_notes_clear(worker->notes);
    const char *rule = NULL;
    struct scheduler_options options = worker_options(&worker->plan);
    enum treadle_verdict verdict = scheduler_open(target_at(target), &options, &rule);
    worker->target = target;
    worker->target_seed = worker_target_seed(&worker->plan);
    if (verdict == TREADLE_OK)
        return true;
    worker->target = -1;
    snprintf(result->setup_error, sizeof result->setup_error, "%s: %s", verdict_name(verdict),
             rule);
    return false;
}

/* Whether a piece of work that began at `start` has lasted long enough. The clock is looked at now
 * and then only; what is left of the piece is given out again. */
static bool worker_piece_over(const struct work_result *result, double start)
{
    bool slow = result->tally.verdicts[TREADLE_TIMEOUT] > 0;
    return (slow || result->done % PIECE_LOOK == 0) && tally_now() - start > PIECE_SECONDS_MAX;
}

/* Does a piece of work. */
static void worker_do(struct worker *worker, const struct work *work, struct work_result *result)
{
    memset(result, 0, sizeof *result);
    if (!worker_open(worker, work->target, result))
        return;
    struct greybox_target *varied =
        worker->plan.greybox ? &worker->greyboxes[work->target] : NULL;
    double start = tally_now();
    bool over = false;
    while (result->done < work->count && !over && !scheduler_crashed()) {
        uint64_t number = work->from + result->done++;
        execute(worker, varied, number);
        worker->board->executions++;
        tally_count(&result->tally, number, worker->plan.start);
        if (execution.verdict_count > 0) {
            finding_notes_add(worker->notes,
                              &(struct witness){ .number = &number,
                                                 .choices = execution.choices,
                                                 .choice_count = execution.choice_count,
                                                 .switches = execution.switches,
                                                 .preemptions = PREEMPTIONS_UNKNOWN });
            over = worker->plan.stop_on_first;
        }
        over |= worker_piece_over(result, start);
    }
    result->tally.seconds = tally_now() - start;
    result->finding_count = finding_notes_new_count(worker->notes);
    result->over = scheduler_crashed();
}

/* What a piece of work is to see. */
static bool receive_view(struct worker *worker, const struct work *work, int socket)
{
    if (!worker->plan.greybox)
        return true;
    struct greybox_target *greybox = &worker->greyboxes[work->target];
    greybox->feedback.kinds = worker->plan.search.kinds;
    execution.wants_states = worker->plan.search.kinds & FEEDBACK_STATES;
    if (!greybox_receive(greybox, socket))
        return false;
    shown_begin(&worker->shown, greybox->view.entry_count);
    return true;
}

static void worker_serve(const void *plan, int socket, struct process_board *board)
{
    struct worker worker = { .plan = *(const struct worker_plan *)plan,
                             .board = board,
                             .target = -1,
                             .notes = finding_notes_create() };
    if (worker.plan.greybox) {
        worker.greyboxes = calloc(target_count(), sizeof *worker.greyboxes);
        CHECK(worker.greyboxes != NULL, ==, true);
    }
    struct work work;
    while (process_read(socket, &work, sizeof work) && receive_view(&worker, &work, socket)) {
        struct work_result result;
        worker_do(&worker, &work, &result);
        if (!process_write(socket, &result, sizeof result)
            || !finding_notes_send(worker.notes, socket)
            || (worker.plan.greybox && !shown_send(&worker.shown, socket)) || result.over)
            break;
    }
}

bool worker_start(struct process *ret_process, const struct worker_plan *plan)
{
    if (plan->greybox)
        places_use();
    return process_start(ret_process, worker_serve, plan);
}
