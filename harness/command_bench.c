/* command_bench.c: `treadle bench`: where speed is proved. Each bench runs in a process of its own,
 * on one core, as `fuzz` would run it: choices recorded, oracles asked, state put back. */
#include <fnmatch.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "../scheduler/explore.h"
#include "../scheduler/fiber.h"
#include "../scheduler/rng.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "bench_search.h"
#include "campaign.h"
#include "command.h"
#include "oracle.h"
#include "process.h"
#include "table.h"
#include "worker.h"

#define BENCH_SAMPLES 9
#define BENCH_SAMPLE_SECONDS 0.2
#define OWN_SAMPLES 3
#define OWN_SECONDS 1.0
#define SWITCHES (4u << 20)

#define OWN "own"

/* A bench is a target under a strategy or explored whole, or fiber/switch. */
struct bench {
    const char *name;
    const char *target;   /* NULL: fiber/switch */
    const char *strategy; /* NULL: explored; OWN: the greybox loop */
};

static const struct bench benches[] = {
    { "fiber/switch", NULL, NULL },
    { "bench/counter-2x4", "bench/counter-2x4", "random" },
    { "bench/atomics-3x4", "bench/atomics-3x4", "random" },
    { "bench/fetchadd-2x50", "bench/fetchadd-2x50", "random" },
    { "bench/fetchadd-2x50/pos", "bench/fetchadd-2x50", "pos" },
    { "slice/torn-header", "slice/torn-header", "random" },
    { "slice/torn-header/pos", "slice/torn-header", "pos" },
    { "slice/torn-header/own", "slice/torn-header", OWN },
    { "gomap/insert-insert-grow", "gomap/insert-insert-grow", "random" },
    { "gomap/insert-insert-grow/pos", "gomap/insert-insert-grow", "pos" },
    { "gomap/insert-insert-grow/own", "gomap/insert-insert-grow", OWN },
    { "gomap/iterate-grow/pos", "gomap/iterate-grow", "pos" },
    { "overflowcas/aba/pos", "overflowcas/aba", "pos" },
    { "rwmap/iterate-grow/pos", "rwmap/iterate-grow", "pos" },
    { "check/fib_bench-5", "bench/fib_bench-5", NULL },
    { "check/lastzero-12", "bench/lastzero-12", NULL },
    { "check/indexer-15", "bench/indexer-15", NULL },
};
#define BENCH_COUNT (sizeof benches / sizeof benches[0])

struct bench_result {
    double executions_per_second, steps_per_second, ns; /* 0 where it does not apply */
    uint64_t bytes_max;
};

/* ---- fibers ---------------------------------------------------------------------------------- */

#define FIBERS 4u

static struct {
    struct fiber fibers[FIBERS], main;
    uint32_t left;
    uint64_t random;
    bool ping_pong;
} loop;

/* One fiber of the loop: picks the next, goes there. Each has code of its own, as goroutines stand
 * at different places: the processor cannot predict where a switch goes. */
#define LOOP_FIBER(self)                                                                           \
    static void loop_fiber_##self(void)                                                            \
    {                                                                                              \
        fiber_started();                                                                           \
        for (;;) {                                                                                 \
            uint32_t next = self ^ 1;                                                              \
            if (!loop.ping_pong) {                                                                 \
                loop.random ^= loop.random << 13;                                                  \
                loop.random ^= loop.random >> 7;                                                   \
                loop.random ^= loop.random << 17;                                                  \
                next = (uint32_t)loop.random % FIBERS;                                             \
            }                                                                                      \
            if (loop.left-- == 0)                                                                  \
                fiber_switch(&loop.fibers[self], &loop.main);                                      \
            if (next != self)                                                                      \
                fiber_switch(&loop.fibers[self], &loop.fibers[next]);                              \
        }                                                                                          \
    }

LOOP_FIBER(0)
LOOP_FIBER(1)
LOOP_FIBER(2)
LOOP_FIBER(3)

static double loop_ns(bool ping_pong)
{
    loop.ping_pong = ping_pong;
    loop.random = 88172645463325252u;
    loop.left = SWITCHES;
    void (*const entries[FIBERS])(void) = { loop_fiber_0, loop_fiber_1, loop_fiber_2,
                                            loop_fiber_3 };
    for (uint32_t i = 0; i < FIBERS; i++)
        fiber_prepare(&loop.fibers[i], i + 1, entries[i]);
    double start = tally_now();
    fiber_switch(&loop.main, &loop.fibers[0]);
    return (tally_now() - start) / SWITCHES * 1e9;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, ascending);
    return samples[count / 2];
}

static double loop_median_ns(bool ping_pong)
{
    double samples[BENCH_SAMPLES];
    for (size_t i = 0; i < BENCH_SAMPLES; i++)
        samples[i] = loop_ns(ping_pong);
    return median(samples, BENCH_SAMPLES);
}

/* ---- targets --------------------------------------------------------------------------------- */

static bool sample_target(int socket, struct work *work, double *ret_rate, double *ret_steps)
{
    struct work_result result;
    if (!process_write(socket, work, sizeof *work) || !process_read(socket, &result, sizeof result))
        return false;
    for (uint32_t i = 0; i < result.finding_count; i++) {
        struct finding finding;
        if (!finding_receive(socket, &finding))
            return false;
    }
    work->from += work->count;
    if (result.tally.seconds <= 0)
        return false;
    *ret_rate = (double)result.tally.executions / result.tally.seconds;
    *ret_steps = (double)result.tally.steps / result.tally.seconds;
    double wanted = *ret_rate * BENCH_SAMPLE_SECONDS;
    work->count = wanted < 1 ? 1 : (uint64_t)wanted;
    return true;
}

/* Returns `fine`; says how the process ended if all is not. */
static bool end_process(struct process *process, bool fine)
{
    char how[sizeof process->board->limit];
    process_end(process, how, sizeof how);
    if (!fine)
        fprintf(stderr, "treadle bench: its process ended: %s\n", how);
    return fine;
}

static bool bench_target(const struct bench *bench, uint32_t target, struct bench_result *result)
{
    struct strategy strategy;
    bool known = strategy_find(bench->strategy, &strategy);
    CHECK(known, ==, true);
    struct worker_plan plan = { .seed = 1,
                                .portfolio = portfolio_create(&strategy),
                                .start = tally_now() };
    struct process process;
    if (!worker_start(&process, &plan))
        return false;
    struct work work = { .target = target, .count = 1000 };
    double rates[BENCH_SAMPLES], steps[BENCH_SAMPLES];
    bool fine = true;
    for (size_t i = 0; i < 2 && fine; i++) /* finds the sample's size */
        fine = sample_target(process.socket, &work, &rates[0], &steps[0]);
    for (size_t i = 0; i < BENCH_SAMPLES && fine; i++)
        fine = sample_target(process.socket, &work, &rates[i], &steps[i]);
    if (!end_process(&process, fine))
        return false;
    result->executions_per_second = median(rates, BENCH_SAMPLES);
    result->steps_per_second = median(steps, BENCH_SAMPLES);
    result->bytes_max = process.bytes_max;
    return true;
}

/* A campaign in one process, as `fuzz` has it, but that it keeps nothing. */
static bool bench_own(uint32_t target, struct bench_result *result)
{
    double rates[OWN_SAMPLES], steps[OWN_SAMPLES];
    for (size_t i = 0; i < OWN_SAMPLES; i++) {
        const struct campaign_options options = {
            .targets = &target,
            .target_count = 1,
            .seconds = OWN_SECONDS,
            .plan = { .seed = 1 + i,
                      .portfolio = portfolio_create(NULL),
                      .greybox = true,
                      .search = { .kinds = FEEDBACK_ALL },
                      .start = tally_now() },
            .jobs = 1,
            .engines = 1u << ENGINE_OWN,
        };
        struct campaign_result *campaign = campaign_run(&options);
        if (campaign == NULL)
            return false;
        rates[i] = (double)campaign->targets[0].tally.executions / campaign->seconds;
        steps[i] = (double)campaign->targets[0].tally.steps / campaign->seconds;
        bool interrupted = campaign->interrupted;
        campaign_destroy(campaign);
        if (interrupted)
            return false;
    }
    result->executions_per_second = median(rates, OWN_SAMPLES);
    result->steps_per_second = median(steps, OWN_SAMPLES);
    return true;
}

/* One exploration of a target, as `check` makes it. */
struct sweep {
    double seconds;
    uint64_t executions, steps;
};

static bool sweep(uint32_t target, struct sweep *ret_sweep)
{
    const char *rule;
    struct scheduler_options options = { .exploring = true };
    struct sweep result = { 0 };
    if (scheduler_open(target_at(target), &options, &rule) != TREADLE_OK)
        return false;
    double start = tally_now();
    struct explorer *explorer = explorer_create(false);
    while (explorer_next(explorer)) {
        oracle_judge();
        result.executions++;
        result.steps += execution.trace_run_count;
    }
    explorer_destroy(explorer);
    result.seconds = tally_now() - start;
    *ret_sweep = result;
    return true;
}

static void sweep_serve(const void *target, int socket, struct process_board *board)
{
    (void)board;
    for (size_t i = 0; i < BENCH_SAMPLES; i++) {
        struct sweep result;
        if (!sweep(*(const uint32_t *)target, &result)
            || !process_write(socket, &result, sizeof result))
            return;
    }
}

static bool bench_check(uint32_t target, struct bench_result *result)
{
    struct process process;
    if (!process_start(&process, sweep_serve, &target))
        return false;
    double seconds[BENCH_SAMPLES];
    struct sweep sample = { 0 };
    bool fine = true;
    for (size_t i = 0; i < BENCH_SAMPLES && fine; i++) {
        fine = process_read(process.socket, &sample, sizeof sample);
        seconds[i] = sample.seconds;
    }
    if (!end_process(&process, fine))
        return false;
    double middle = median(seconds, BENCH_SAMPLES);
    result->ns = 1e9 * middle;
    result->executions_per_second = (double)sample.executions / middle;
    result->steps_per_second = (double)sample.steps / middle;
    result->bytes_max = process.bytes_max;
    return true;
}

static bool bench_run(const struct bench *bench, struct bench_result *result)
{
    *result = (struct bench_result){ 0 };
    if (bench->target == NULL) {
        result->ns = loop_median_ns(true);
        return true;
    }
    for (uint32_t i = 0; i < target_count(); i++)
        if (strcmp(target_at(i)->name, bench->target) == 0)
            return bench->strategy == NULL              ? bench_check(i, result)
                   : strcmp(bench->strategy, OWN) == 0 ? bench_own(i, result)
                                                        : bench_target(bench, i, result);
    return false;
}
/* ---- the command ----------------------------------------------------------------------------- */

static json_t *number_or_null(double number)
{
    return number > 0 ? json_real(number) : json_null();
}

static void print_row(const struct bench *bench, const struct bench_result *result)
{
    char rate[16] = "-", steps[16] = "-", ns[16] = "-", memory[16] = "-";
    if (result->executions_per_second > 0) {
        table_number(result->executions_per_second, rate, sizeof rate);
        table_number(result->steps_per_second, steps, sizeof steps);
        table_number((double)result->bytes_max, memory, sizeof memory);
    }
    if (result->ns >= 1e6)
        table_number(result->ns, ns, sizeof ns);
    else if (result->ns > 0)
        snprintf(ns, sizeof ns, "%.2f", result->ns);
    printf("%-32s %14s %12s %10s %10s\n", bench->name, rate, steps, ns, memory);
    fflush(stdout);
}

static json_t *bench_json(const struct bench *bench, const struct bench_result *result)
{
    json_t *json = json_pack("{s:s}", "name", bench->name);
    json_object_set_new(json, "executions_per_second",
                        number_or_null(result->executions_per_second));
    json_object_set_new(json, "steps_per_second", number_or_null(result->steps_per_second));
    json_object_set_new(json, "ns", number_or_null(result->ns));
    json_object_set_new(json, "bytes_max", result->bytes_max > 0
                                               ? json_integer((json_int_t)result->bytes_max)
                                               : json_null());
    return json;
}

static bool is_wanted(const struct bench *bench, char **names, int count)
{
    for (int i = 0; i < count; i++)
        if (fnmatch(names[i], bench->name, 0) == 0)
            return true;
    return count == 0;
}

static int check_names(char **names, int count)
{
    for (int i = 0; i < count; i++) {
        bool any = false;
        for (size_t b = 0; b < BENCH_COUNT; b++)
            any |= fnmatch(names[i], benches[b].name, 0) == 0;
        if (!any)
            return command_misuse(&command_bench, "there is no bench %s", names[i]);
    }
    return 0;
}

static int run_benches(bool json, char **names, int count)
{
    json_t *rows = json_array();
    double calibrations[BENCH_COUNT + 1];
    size_t calibrated = 0;
    int code = 0;
    if (!json)
        printf("%-32s %14s %12s %10s %10s\n", "bench", "executions/s", "steps/s", "ns",
               "bytes max");
    for (size_t b = 0; b < BENCH_COUNT; b++) {
        struct bench_result result;
        if (!is_wanted(&benches[b], names, count))
            continue;
        calibrations[calibrated++] = loop_median_ns(false); /* the core's speed may drift */
        if (!bench_run(&benches[b], &result)) {
            fprintf(stderr, "treadle bench: %s could not be run\n", benches[b].name);
            code = EXIT_USAGE;
            continue;
        }
        if (!json)
            print_row(&benches[b], &result);
        json_array_append_new(rows, bench_json(&benches[b], &result));
    }
    double calibration = median(calibrations, calibrated);
    json_t *object = json_pack("{s:f, s:o}", "calibration_ns", calibration, "benches", rows);
    if (!json) {
        printf("calibration: %.2f ns a step (10 on the reference core)\n", calibration);
        json_decref(object);
    } else if (command_print_json(object) != 0) {
        code = EXIT_USAGE;
    }
    return code;
}

static int run(int argument_count, char **arguments)
{
    static const struct option known[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
    bool json = false;
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argument_count, arguments, "", known, NULL)) != -1;) {
        if (option != 'j')
            return command_unknown_option(&command_bench, arguments);
        json = true;
    }
    char **names = arguments + optind;
    if (optind < argument_count && strcmp(names[0], "search") == 0)
        return bench_search(json, names + 1, argument_count - optind - 1);
    int failed = check_names(arguments + optind, argument_count - optind);
    return failed != 0 ? failed : run_benches(json, arguments + optind, argument_count - optind);
}

const struct command command_bench = {
    .name = "bench",
    .usage = "[NAME... | search [TARGET...]] [--json]",
    .summary = "Measures the speed of switches and of whole executions, on one core",
    .help =
        "\nNAME may be a glob. Each figure is the median of nine samples; ns of check/* is the time\n"
        "of a whole exploration. calibration is the time of a step of a bare loop that picks one of\n"
        "four fibers at random and switches to it: 10 ns on the core that the promised figures are\n"
        "for; compare figures scaled by it.\n\n"
        "`bench search` compares searches: executions up to the first finding, of 20 seeds, with\n"
        "and without feedback and constraints. It takes some minutes.\n\n"
        "Example:\n  treadle bench 'gomap/*' --json\n",
    .run = run,
};
