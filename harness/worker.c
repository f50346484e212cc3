/* worker.c: executing pieces of work, and noticing which executions are worth keeping. */
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Keys of the tables below are hashes themselves. */
#define HASH_FUNCTION(key, key_bytes, value) memcpy(&(value), key, sizeof(value))
#include <uthash.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/heap.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "../scheduler/trace.h"
#include "../scheduler/check.h"
#include "describe.h"
#include "oracle.h"

/* A worker keeps at most so many different findings of a target in mind. */
#define FINDINGS_MAX 4096u
/* A piece of work ends after this time, at the next look at the clock. */
#define PIECE_SECONDS_MAX 0.5
#define PIECE_LOOK 64u
/* It remembers the fingerprints of so many different verdicts; others are computed each time. */
#define KEYS_MAX 65536u

bool worker_read(int socket, void *data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = read(socket, (char *)data + done, bytes - done);
        if (got > 0)
            done += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return false;
    }
    return true;
}

bool worker_write(int socket, const void *data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t put = send(socket, (const char *)data + done, bytes - done, MSG_NOSIGNAL);
        if (put > 0)
            done += (size_t)put;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

bool finding_is_shorter(const struct finding *a, const struct finding *b)
{
    if (a->switches != b->switches)
        return a->switches < b->switches;
    return a->steps != b->steps ? a->steps < b->steps : a->number < b->number;
}

/* ---- one execution --------------------------------------------------------------------------- */

uint64_t worker_target_seed(const struct worker_plan *plan)
{
    const char *name = execution.target->name;
    return XXH3_64bits_withSeed(name, strlen(name), plan->seed);
}

void worker_run(struct worker_plan *plan, uint64_t target_seed, uint64_t number)
{
    scheduler_run(portfolio_pick(&plan->portfolio, number),
                  rng_mix(target_seed + number * UINT64_C(0x9e3779b97f4a7c15)));
}

/* Runs the execution a second time; any difference is a verdict of its own. */
static void worker_execute_again(struct worker_plan *plan, uint64_t target_seed, uint64_t number)
{
    uint64_t hash = trace_hash();
    worker_run(plan, target_seed, number);
    oracle_judge();
    if (trace_hash() != hash)
        execution_add_verdict(TREADLE_NONDETERMINISTIC, "the same choices give the same events");
}

void worker_execute(struct worker_plan *plan, uint64_t target_seed, uint64_t number)
{
    worker_run(plan, target_seed, number);
    oracle_judge();
    if (plan->twice && !scheduler_crashed())
        worker_execute_again(plan, target_seed, number);
}

/* ---- findings -------------------------------------------------------------------------------- */

/* Which fingerprint a verdict has, by what decides it: names are slow to look up. */
struct known_key {
    uint64_t key;
    uint64_t fingerprint;
    UT_hash_handle hh;
};

struct known_finding {
    struct finding finding;
    bool reported; /* this state of it has gone to the campaign */
    UT_hash_handle hh;
};

struct worker {
    struct worker_plan plan;
    int socket;
    int64_t target; /* index of the open one, or -1 */
    uint64_t target_seed;
    struct known_key *keys;
    struct known_finding *findings; /* of the open target */
};

static uint64_t verdict_key(const struct verdict_record *record)
{
    uint64_t words[2 + 3 * VERDICT_EVENTS_MAX] = { record->verdict, (uint64_t)record->rule };
    size_t count = 2;
    for (uint32_t i = 0; i < record->event_count; i++) {
        const struct event *event = &execution.trace[record->events[i]];
        const struct heap_block *block = heap_find_at(event->address, record->events[i]);
        bool labelled = event->kind == EVENT_CHOOSE || event->kind == EVENT_ALLOC;
        words[count++] = event->pc << 8 | event->kind;
        words[count++] = labelled ? event->source : block != NULL ? (uint64_t)block->type : 0;
        words[count++] = block != NULL ? event->address - block->start : event->address;
    }
    return XXH3_64bits(words, count * sizeof words[0]);
}

static uint64_t worker_fingerprint(struct worker *worker, const struct verdict_record *record)
{
    uint64_t key = verdict_key(record);
    struct known_key *known;
    HASH_FIND(hh, worker->keys, &key, sizeof key, known);
    if (known == NULL && HASH_COUNT(worker->keys) == KEYS_MAX)
        return describe_fingerprint(record);
    if (known == NULL) {
        known = calloc(1, sizeof *known);
        CHECK(known != NULL, ==, true);
        known->key = key;
        known->fingerprint = describe_fingerprint(record);
        HASH_ADD(hh, worker->keys, key, sizeof key, known);
    }
    return known->fingerprint;
}

static void worker_keep(struct worker *worker, const struct finding *finding)
{
    struct known_finding *known;
    HASH_FIND(hh, worker->findings, &finding->fingerprint, sizeof finding->fingerprint, known);
    if (known == NULL) {
        if (HASH_COUNT(worker->findings) == FINDINGS_MAX)
            return;
        known = calloc(1, sizeof *known);
        CHECK(known != NULL, ==, true);
        known->finding = *finding;
        HASH_ADD(hh, worker->findings, finding.fingerprint, sizeof finding->fingerprint, known);
    } else if (finding_is_shorter(finding, &known->finding)) {
        known->finding = *finding;
        known->reported = false;
    }
}

static void worker_note_findings(struct worker *worker, uint64_t number)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++) {
        const struct verdict_record *record = &execution.verdicts[i];
        worker_keep(worker, &(struct finding){ .fingerprint = worker_fingerprint(worker, record),
                                               .number = number,
                                               .verdict = record->verdict,
                                               .switches = execution.switches,
                                               .steps = execution.trace_run_count });
    }
}

/* ---- serving --------------------------------------------------------------------------------- */

static void worker_forget_findings(struct worker *worker)
{
    struct known_finding *known, *next;
    HASH_ITER(hh, worker->findings, known, next)
    {
        HASH_DEL(worker->findings, known);
        free(known);
    }
}

static bool worker_open(struct worker *worker, uint32_t target, struct work_result *result)
{
    if (worker->target == target)
        return true;
    worker_forget_findings(worker);
    const char *rule = NULL;
    struct scheduler_options options = { 0 };
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

/* Does a piece of work; true if the process must not go on afterwards. */
static bool worker_do(struct worker *worker, const struct work *work, struct work_result *result)
{
    memset(result, 0, sizeof *result);
    if (!worker_open(worker, work->target, result))
        return false;
    double start = tally_now();
    bool over = false;
    while (result->done < work->count && !over && !scheduler_crashed()) {
        uint64_t number = work->from + result->done++;
        worker_execute(&worker->plan, worker->target_seed, number);
        tally_count(&result->tally, number, worker->plan.start);
        if (execution.verdict_count > 0) {
            worker_note_findings(worker, number);
            over = worker->plan.stop_on_first;
        }
        over |= worker_piece_over(result, start);
    }
    result->tally.seconds = tally_now() - start;
    struct known_finding *known, *next;
    HASH_ITER(hh, worker->findings, known, next)
    result->finding_count += !known->reported;
    return scheduler_crashed();
}

static bool worker_send(struct worker *worker, const struct work_result *result)
{
    bool sent = worker_write(worker->socket, result, sizeof *result);
    struct known_finding *known, *next;
    HASH_ITER(hh, worker->findings, known, next)
    {
        if (sent && !known->reported)
            sent = worker_write(worker->socket, &known->finding, sizeof known->finding);
        known->reported = true;
    }
    return sent;
}

static _Noreturn void worker_serve(const struct worker_plan *plan, int socket)
{
    struct worker worker = { .plan = *plan, .socket = socket, .target = -1 };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the campaign ends in order, and its workers with it */
    signal(SIGTERM, SIG_IGN);
    int null = open("/dev/null", O_WRONLY); /* standard output is the command's alone */
    if (null >= 0)
        dup2(null, STDOUT_FILENO);
    struct work work;
    while (worker_read(socket, &work, sizeof work)) {
        struct work_result result;
        bool over = worker_do(&worker, &work, &result);
        if (!worker_send(&worker, &result) || over)
            break;
    }
    _exit(0);
}

pid_t worker_start(const struct worker_plan *plan, int *ret_socket)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(sockets[0]);
        worker_serve(plan, sockets[1]);
    }
    close(sockets[1]);
    if (pid < 0)
        close(sockets[0]);
    else
        *ret_socket = sockets[0];
    return pid;
}
