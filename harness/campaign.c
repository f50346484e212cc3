/* campaign.c: gives out pieces of work to worker processes, adds up what comes back, keeps what was
 * found. Time decides only how much is executed, never what an execution does. */
#define _GNU_SOURCE
#include "campaign.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "campaign_run.h"
#include "campaign_turns.h"
#include "class_set.h"
#include "night.h"

#define PIECE_FIRST 256u      /* executions of a target's first piece */
#define PIECE_MAX 1000000u
#define DEATHS_MAX 3u /* of processes over one piece of work */

static volatile sig_atomic_t interrupted; /* how often, up to 2 */

static void campaign_interrupt(int number)
{
    (void)number;
    interrupted = interrupted == 0 ? 1 : 2;
}

/* ---- what to do next ------------------------------------------------------------------------- */

static bool campaign_time_over(const struct campaign *campaign)
{
    const struct campaign_options *options = &campaign->options;
    return interrupted
           || (options->seconds > 0
               && tally_now() - options->plan.start - campaign->seconds_before
                      >= options->seconds);
}

uint64_t campaign_executions_left(const struct campaign *campaign,
                                  const struct campaign_target *target)
{
    uint64_t limit = campaign->options.executions;
    uint64_t given = target->next + target->engine_executions + target->engine_granted;
    return limit == 0 ? UINT64_MAX : given < limit ? limit - given : 0;
}

static uint64_t piece_size(const struct campaign *campaign, const struct campaign_target *target)
{
    uint64_t left = campaign_executions_left(campaign, target);
    uint64_t size = PIECE_FIRST;
    if (target->tally.seconds > 0) {
        double rate = (double)target->tally.executions / target->tally.seconds;
        double wanted = rate * PIECE_SECONDS;
        size = wanted < 1 ? 1 : wanted > PIECE_MAX ? PIECE_MAX : (uint64_t)wanted;
    }
    size = size < left ? size : left;
    if (target->greybox == NULL)
        return size;
    left = greybox_generation(target->greybox, target->next)->end - target->next;
    return size < left ? size : left;
}

static bool target_has_work(const struct campaign *campaign, const struct campaign_target *target)
{
    return !target->stopped && target->error[0] == '\0'
           && campaign_executions_left(campaign, target) > 0
           && (target->greybox == NULL
               || greybox_generation(target->greybox, target->next) != NULL);
}

/* The target that has had the least time, counting what is under way; -1 if none has work. */
static int32_t next_target(const struct campaign *campaign)
{
    int32_t best = -1;
    double best_seconds = 0;
    for (uint32_t i = 0; i < campaign->result->target_count; i++) {
        const struct campaign_target *target = &campaign->result->targets[i];
        double seconds = target->tally.seconds + target->pieces_out * PIECE_SECONDS;
        if (target_has_work(campaign, target) && (best < 0 || seconds < best_seconds)) {
            best = (int32_t)i;
            best_seconds = seconds;
        }
    }
    return best;
}

/* The last piece left over whose target is still executed; false if there is none. */
static bool next_left_over(struct campaign *campaign, struct piece *ret_piece)
{
    for (uint32_t i = campaign->left_over_count; i-- > 0;) {
        const struct campaign_target *target =
            &campaign->result->targets[campaign->left_over[i].position];
        if (target->stopped || target->error[0] != '\0')
            continue;
        *ret_piece = campaign->left_over[i];
        campaign->left_over[i] = campaign->left_over[--campaign->left_over_count];
        return true;
    }
    return false;
}

/* The next piece of work; false if there is none now. */
static bool next_piece(struct campaign *campaign, struct piece *ret_piece)
{
    if (next_left_over(campaign, ret_piece)) {
        campaign->result->targets[ret_piece->position].pieces_out++;
        return true;
    }
    int32_t position = next_target(campaign);
    if (position < 0)
        return false;
    struct campaign_target *target = &campaign->result->targets[position];
    uint64_t count = piece_size(campaign, target);
    *ret_piece = (struct piece){
        .work = { .target = target->index, .from = target->next, .count = count },
        .position = (uint32_t)position,
    };
    target->next += count;
    target->pieces_out++;
    return true;
}

/* ---- what comes back ------------------------------------------------------------------------- */

void campaign_leave(struct campaign *campaign, struct piece piece, uint64_t done)
{
    if (done >= piece.work.count)
        return;
    piece.work.from += done;
    piece.work.count -= done;
    if (campaign->left_over_count == campaign->left_over_capacity) {
        campaign->left_over_capacity = 2 * campaign->left_over_capacity + 16;
        campaign->left_over = reallocarray(campaign->left_over, campaign->left_over_capacity,
                                           sizeof *campaign->left_over);
        CHECK(campaign->left_over != NULL, ==, true);
    }
    campaign->left_over[campaign->left_over_count++] = piece;
}

static bool start_worker(struct campaign *campaign, struct campaign_worker *worker)
{
    worker->busy = false;
    if (worker->sent != NULL)
        memset(worker->sent, 0, campaign->result->target_count * sizeof *worker->sent);
    return worker_start(&worker->process, &campaign->options.plan);
}

/* The worker is gone: in good order after a crash of the subject, or lost. */
static void replace_worker(struct campaign *campaign, struct campaign_worker *worker)
{
    struct piece *piece = &worker->piece;
    struct campaign_target *target = &campaign->result->targets[piece->position];
    char how[sizeof worker->process.board->limit];
    bool hopeless = process_end(&worker->process, how, sizeof how);
    campaign->died += worker->busy;
    if (worker->busy) {
        target->pieces_out--;
        piece->deaths++;
        campaign_leave(campaign, *piece, 0);
        if (hopeless)
            snprintf(target->error, sizeof target->error, "%s", how);
        else if (piece->deaths >= DEATHS_MAX)
            snprintf(target->error, sizeof target->error,
                     "its process ended %u times (%.64s) in executions %llu to %llu", DEATHS_MAX,
                     how, (unsigned long long)piece->work.from,
                     (unsigned long long)(piece->work.from + piece->work.count - 1));
    }
    if (!start_worker(campaign, worker))
        snprintf(target->error, sizeof target->error, "a process could not be started: %s",
                 strerror(errno));
}

bool campaign_receive(struct campaign *campaign, int socket, struct campaign_target *target,
                      struct work_result *ret_result, uint64_t *ret_new)
{
    struct finding_list received = { 0 };
    bool read = process_read(socket, ret_result, sizeof *ret_result);
    for (uint32_t i = 0; read && i < ret_result->finding_count; i++) {
        struct finding finding;
        read = finding_receive(socket, &finding);
        if (read)
            finding_list_take(&received, &finding);
    }
    if (campaign->options.plan.greybox)
        read = read && shown_receive(&campaign->shown, socket);
    for (uint32_t i = 0; i < received.count && read; i++) {
        struct finding *finding = &received.items[i].finding;
        *ret_new += class_set_add(&target->taken,
                                  (struct explore_class){ .low = finding->fingerprint });
        finding_list_take(&target->findings, finding);
        finding->choices = NULL;
    }
    finding_list_clear(&received);
    return read;
}

/* Which execution was first is a matter of numbers, but where engines number theirs apart. */
void campaign_add_tally(const struct campaign *campaign, struct campaign_target *target,
                        const struct tally *part)
{
    struct tally before = target->tally;
    tally_add(&target->tally, part);
    if (campaign->options.engines == 1u << ENGINE_OWN)
        return;
    for (uint32_t i = 0; i < TREADLE_VERDICT_COUNT; i++) {
        bool later = part->first[i] == 0 || before.first_seconds[i] <= part->first_seconds[i];
        bool earlier = before.first[i] != 0 && later;
        const struct tally *first = earlier ? &before : part;
        target->tally.first[i] = first->first[i];
        target->tally.first_seconds[i] = first->first_seconds[i];
    }
}

static void take_result(struct campaign *campaign, struct campaign_worker *worker)
{
    struct work_result result;
    struct campaign_target *target = &campaign->result->targets[worker->piece.position];
    struct turns_done done = { 0 };
    if (!campaign_receive(campaign, worker->process.socket, target, &result, &done.findings)) {
        replace_worker(campaign, worker);
        return;
    }
    worker->busy = false;
    worker->piece.deaths = 0;
    target->pieces_out--;
    campaign_add_tally(campaign, target, &result.tally);
    done.seconds = result.tally.seconds;
    done.executions = result.done;
    if (target->greybox != NULL) {
        uint64_t fresh_before = target->greybox->fresh_count;
        greybox_take(target->greybox,
                     greybox_generation(target->greybox, worker->piece.work.from),
                     &campaign->shown, result.done);
        done.behaviours = target->greybox->fresh_count - fresh_before;
    }
    turns_count(campaign, ENGINE_OWN, &done);
    if (result.setup_error[0] != '\0')
        snprintf(target->error, sizeof target->error, "its set-up ends with %.150s",
                 result.setup_error);
    else if (campaign->options.plan.stop_on_first && result.finding_count > 0)
        target->stopped = true;
    campaign_leave(campaign, worker->piece, result.done);
    if (campaign->options.lasting)
        night_take(campaign, worker->piece.position);
    if (result.over)
        replace_worker(campaign, worker);
}

/* Nobody waits for what the worker is doing. */
static void dismiss(struct campaign *campaign, struct campaign_worker *worker)
{
    char how[sizeof worker->process.board->limit];
    process_kill(&worker->process);
    process_end(&worker->process, how, sizeof how);
    campaign->result->targets[worker->piece.position].pieces_out--;
    campaign_leave(campaign, worker->piece, 0);
    worker->busy = false;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static bool send_work(struct campaign *campaign, struct campaign_worker *worker,
                      const struct work *work)
{
    uint32_t position = worker->piece.position;
    struct greybox *greybox = campaign->result->targets[position].greybox;
    return process_write(worker->process.socket, work, sizeof *work)
           && (greybox == NULL
               || greybox_send(greybox, greybox_generation(greybox, work->from),
                               &worker->sent[position], worker->process.socket));
}

/* The next piece of our own loop's work goes to the worker; false if there is none now. */
static bool begin_piece(struct campaign *campaign, struct campaign_worker *worker)
{
    if (worker->process.socket < 0 || !next_piece(campaign, &worker->piece))
        return false;
    worker->busy = true;
    worker->process.patience = (struct patience){ 0 };
    if (!send_work(campaign, worker, &worker->piece.work))
        replace_worker(campaign, worker); /* the next round gives the piece out again */
    return true;
}

/* Gives an idle worker to the engine whose turn it is, or to the next one that has work for it. */
static bool begin_work(struct campaign *campaign, struct campaign_worker *worker)
{
    enum campaign_engine first = turns_next(campaign);
    if (campaign_time_over(campaign))
        return false;
    for (uint32_t i = 0; i < ENGINE_COUNT; i++) {
        enum campaign_engine engine = (first + i) % ENGINE_COUNT;
        if ((campaign->options.engines >> engine & 1)
            && (engine == ENGINE_OWN ? begin_piece(campaign, worker)
                                     : turns_begin(campaign, worker, engine)))
            return true;
    }
    return false;
}

static bool give_work(struct campaign *campaign)
{
    bool busy = turns_wait(campaign) && !campaign_time_over(campaign);
    for (uint32_t i = 0; i < campaign->options.jobs; i++) {
        struct campaign_worker *worker = &campaign->workers[i];
        busy |= worker->busy || begin_work(campaign, worker);
    }
    return busy;
}

/* The worker that sends by this process. */
static struct campaign_worker *worker_of(struct campaign *campaign, const struct process *process)
{
    uint32_t i = 0;
    while (process != &campaign->workers[i].process && process != &campaign->workers[i].turn)
        CHECK(++i, <, campaign->options.jobs);
    return &campaign->workers[i];
}

static void take_results(struct campaign *campaign)
{
    struct process *busy[CAMPAIGN_JOBS_MAX];
    uint32_t count = 0;
    bool hurried = interrupted > 1;
    turns_hurry(campaign, interrupted != 0);
    for (uint32_t i = 0; i < campaign->options.jobs; i++) {
        struct campaign_worker *worker = &campaign->workers[i];
        if (worker->busy)
            busy[count++] = worker->engine == ENGINE_OWN ? &worker->process : &worker->turn;
    }
    uint32_t ready = hurried ? count : process_await(busy, count);
    for (uint32_t i = 0; i < ready; i++) {
        struct campaign_worker *worker = worker_of(campaign, busy[i]);
        if (worker->engine != ENGINE_OWN)
            turns_take(campaign, worker);
        else if (hurried)
            dismiss(campaign, worker);
        else
            take_result(campaign, worker);
    }
}

static void campaign_loop(struct campaign *campaign)
{
    while (give_work(campaign)) {
        take_results(campaign);
        if (campaign->options.lasting)
            night_step(campaign);
        else
            status_show(&campaign->status, campaign->result, &campaign->options);
    }
    turns_close(campaign);
    if (campaign->options.lasting) /* its processes have copies of the workers' sockets */
        night_end(campaign, interrupted != 0);
    for (uint32_t i = 0; i < campaign->options.jobs; i++)
        process_hang_up(&campaign->workers[i].process);
    for (uint32_t i = 0; i < campaign->options.jobs; i++) {
        struct process *process = &campaign->workers[i].process;
        char how[sizeof process->board->limit];
        if (process->board != NULL)
            process_end(process, how, sizeof how);
    }
    for (uint32_t i = 0; i < campaign->result->target_count && !campaign->options.lasting; i++) {
        status_keeping(&campaign->status, campaign->result, i);
        campaign_keep(&campaign->options, &campaign->result->targets[i]);
    }
    status_end(&campaign->status);
}

static struct campaign_result *result_create(const struct campaign_options *options)
{
    struct campaign_result *result = calloc(1, sizeof *result);
    CHECK(result != NULL, ==, true);
    result->target_count = options->target_count;
    result->targets = calloc(options->target_count, sizeof *result->targets);
    CHECK(result->targets != NULL || options->target_count == 0, ==, true);
    for (uint32_t i = 0; i < options->target_count; i++) {
        struct campaign_target *target = &result->targets[i];
        target->index = options->targets[i];
        if (!options->plan.greybox)
            continue;
        target->greybox = malloc(sizeof *target->greybox);
        CHECK(target->greybox != NULL, ==, true);
        greybox_init(target->greybox, &options->plan.search);
    }
    return result;
}

/* Starts the workers, where our own loop takes part; returns how many there are. */
static uint32_t start_workers(struct campaign *campaign)
{
    const struct campaign_options *options = &campaign->options;
    uint32_t started = 0;
    for (uint32_t i = 0; i < options->jobs; i++)
        campaign->workers[i].process.socket = -1;
    if (!(options->engines >> ENGINE_OWN & 1))
        return options->jobs;
    for (uint32_t i = 0; i < options->jobs && options->plan.greybox; i++) {
        campaign->workers[i].sent = calloc(options->target_count + 1,
                                           sizeof *campaign->workers[i].sent);
        CHECK(campaign->workers[i].sent != NULL, ==, true);
    }
    for (uint32_t i = 0; i < options->jobs; i++)
        started += start_worker(campaign, &campaign->workers[i]);
    if (started > 0 && started < options->jobs)
        fprintf(stderr, "treadle: only %u of %u processes could be started: %s\n", started,
                options->jobs, strerror(errno));
    return started;
}

/* Frees all but the result. */
static void campaign_free(struct campaign *campaign)
{
    for (uint32_t i = 0; i < campaign->options.jobs; i++)
        free(campaign->workers[i].sent);
    shown_clear(&campaign->shown);
    free(campaign->left_over);
    free(campaign);
}

struct campaign_result *campaign_run(const struct campaign_options *options)
{
    CHECK(options->jobs, >=, 1u);
    CHECK(options->jobs, <=, CAMPAIGN_JOBS_MAX);
    struct campaign *campaign = calloc(1, sizeof *campaign);
    CHECK(campaign != NULL, ==, true);
    campaign->options = *options;
    campaign->result = result_create(options);
    struct sigaction action = { .sa_handler = campaign_interrupt, .sa_flags = SA_RESTART };
    struct sigaction before_interrupt, before_terminate;
    sigaction(SIGINT, &action, &before_interrupt);
    sigaction(SIGTERM, &action, &before_terminate);
    interrupted = 0;
    bool alone = !options->lasting || night_begin(campaign);
    uint32_t started = alone && turns_open(campaign) ? start_workers(campaign) : 0;
    int cause = alone ? errno : EWOULDBLOCK;
    if (started > 0)
        campaign_loop(campaign);
    if (!interrupted) { /* else the command only tells what it has: more signals change nothing */
        sigaction(SIGINT, &before_interrupt, NULL);
        sigaction(SIGTERM, &before_terminate, NULL);
    }
    struct campaign_result *result = campaign->result;
    result->seconds = tally_now() - campaign->options.plan.start;
    result->interrupted = interrupted != 0;
    if (started == 0)
        turns_close(campaign);
    campaign_free(campaign);
    if (started > 0)
        return result;
    campaign_destroy(result);
    errno = cause;
    return NULL;
}

void campaign_destroy(struct campaign_result *result)
{
    if (result == NULL)
        return;
    for (uint32_t i = 0; i < result->target_count; i++) {
        finding_list_clear(&result->targets[i].findings);
        class_set_clear(&result->targets[i].taken);
        class_set_clear(&result->targets[i].exported);
        if (result->targets[i].greybox != NULL)
            greybox_deinit(result->targets[i].greybox);
        free(result->targets[i].greybox);
    }
    free(result->targets);
    free(result);
}
