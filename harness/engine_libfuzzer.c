/* engine_libfuzzer.c: libFuzzer (LLVM), embedded: its driver runs in a process of ours and calls us
 * back. What an input has shown goes to it as extra counters; its mutations are ours. */
#define _GNU_SOURCE

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"
#include "engine_run.h"

#define EXECUTIONS 32u     /* of each input */
#define COUNTERS 8192u     /* libFuzzer goes over all of them for each input */
#define REPORT_SECONDS 0.2 /* what has been done is told so often */
#define PATH_BYTES 4200u

int LLVMFuzzerRunDriver(int *argument_count, char ***arguments,
                        int (*callback)(const uint8_t *data, size_t bytes));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                                 size_t second_bytes, uint8_t *out, size_t bytes_max,
                                 unsigned int seed);

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

/* The run of this process. */
static struct {
    struct engine *engine;
    const struct engine_run *plan;
    struct process_board *board;
    int socket;
    uint64_t executions;
    double reported, start;
} run;

/* Tells what has been done; ends the process if it is over. */
static void report(bool over)
{
    run.reported = tally_now();
    if (!engine_tell(run.engine, run.socket, over) || over)
        _exit(PROCESS_SERVED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    bool goes_on = engine_execute(run.engine, data, bytes);
    run.executions += EXECUTIONS;
    run.board->executions = run.executions;
    double now = tally_now();
    bool over = !goes_on || now - run.start > run.plan->seconds
                || (run.plan->executions > 0 && run.executions >= run.plan->executions);
    bool found = run.plan->plan.stop_on_first && engine_new_findings(run.engine) > 0;
    if (over || found || now - run.reported > REPORT_SECONDS)
        report(over || found);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned int seed)
{
    return engine_mutate(run.engine, data, bytes, bytes_max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                                 size_t second_bytes, uint8_t *out, size_t bytes_max,
                                 unsigned int seed)
{
    return engine_cross(first, first_bytes, second, second_bytes, out, bytes_max, seed);
}

static void serve(const void *plan, int socket, struct process_board *board)
{
    run.plan = plan;
    run.board = board;
    run.socket = socket;
    run.start = run.reported = tally_now();
    const char *rule = engine_open(&run.engine, &run.plan->plan, run.plan->target, EXECUTIONS,
                                   counters, COUNTERS);
    if (rule != NULL) {
        struct work_result result;
        memset(&result, 0, sizeof result);
        result.over = true;
        snprintf(result.setup_error, sizeof result.setup_error, "%s", rule);
        if (process_write(socket, &result, sizeof result))
            shown_send(&(struct shown){ 0 }, socket);
        return;
    }
    int null = open("/dev/null", O_WRONLY); /* it talks a lot */
    if (null >= 0)
        dup2(null, STDERR_FILENO);
    char seed[32], length[32], kept[PATH_BYTES], common[PATH_BYTES];
    snprintf(kept, sizeof kept, "%s/libfuzzer", run.plan->inputs);
    snprintf(common, sizeof common, "%s/" ENGINE_OWN_QUEUE, run.plan->inputs);
    mkdir(kept, 0777);
    snprintf(seed, sizeof seed, "-seed=%u", (unsigned)(run.plan->plan.seed % 1000000000 + 1));
    snprintf(length, sizeof length, "-max_len=%u", INPUT_BYTES_MAX);
    /* Its signal handlers, timer and thread stay away: crashes and endless executions are ours. */
    char *words[] = { (char[]){ "treadle" }, seed, length, (char[]){ "-len_control=0" },
                      (char[]){ "-handle_segv=0" }, (char[]){ "-handle_bus=0" },
                      (char[]){ "-handle_abrt=0" }, (char[]){ "-handle_ill=0" },
                      (char[]){ "-handle_fpe=0" }, (char[]){ "-handle_int=0" },
                      (char[]){ "-handle_term=0" }, (char[]){ "-handle_xfsz=0" },
                      (char[]){ "-handle_usr1=0" }, (char[]){ "-handle_usr2=0" },
                      (char[]){ "-rss_limit_mb=0" }, (char[]){ "-timeout=0" },
                      (char[]){ "-detect_leaks=0" }, (char[]){ "-reload=1" },
                      (char[]){ "-verbosity=0" }, kept, common, NULL };
    char **arguments = words;
    int count = (int)(sizeof words / sizeof words[0]) - 1;
    LLVMFuzzerRunDriver(&count, &arguments, LLVMFuzzerTestOneInput); /* never returns */
}

__attribute__((constructor)) static void register_engine(void)
{
    engine_libfuzzer_serve = serve;
}
