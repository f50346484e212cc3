/* fuzz_target.c: the targets as ClusterFuzzLite and OSS-Fuzz run them: a program that fuzzes the
 * target after which it is called, with '_' for '/' ("gomap_read-grow"). It is linked with
 * whatever $LIB_FUZZING_ENGINE is (.clusterfuzzlite/build.sh). An input is one execution. What the
 * target does not expect ends the process with a message, and with TREADLE_FUZZ_ANY in the
 * environment whatever is found. */
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/crash.h"
#include "../scheduler/target.h"
#include "engine.h"
#include "replay.h"

#define COUNTERS 8192u

int LLVMFuzzerInitialize(int *argument_count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                                 size_t second_bytes, uint8_t *out, size_t bytes_max,
                                 unsigned int seed);

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static struct {
    struct engine *engine;
    uint64_t reported; /* verdicts that end the process */
    bool started;
} fuzz;

/* ---- which target ---------------------------------------------------------------------------- */

static bool is_called(const char *program, const char *target)
{
    for (; *program != '\0' && *target != '\0'; program++, target++)
        if (*program != (*target == '/' ? '_' : *target))
            return false;
    return *program == *target;
}

static uint32_t find_target(const char *program)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", program);
    const char *name = basename(path);
    for (uint32_t i = 0; i < target_count(); i++)
        if (is_called(name, target_at(i)->name))
            return i;
    fprintf(stderr, "treadle: no target is called %s (with / for _); call this program after one "
                    "of:\n", name);
    for (uint32_t i = 0; i < target_count(); i++)
        fprintf(stderr, "  %s\n", target_at(i)->name);
    exit(2);
}

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
    (void)argument_count;
    uint32_t target = find_target((*arguments)[0]);
    const struct worker_plan plan = { .portfolio = portfolio_create(NULL),
                                      .search = { .kinds = FEEDBACK_ALL },
                                      .start = tally_now() };
    const char *rule = engine_open(&fuzz.engine, &plan, target, 1, counters, COUNTERS);
    if (rule != NULL) {
        fprintf(stderr, "treadle: the set-up of %s fails: %s\n", target_at(target)->name, rule);
        exit(2);
    }
    bool any = getenv("TREADLE_FUZZ_ANY") != NULL;
    fuzz.reported = any ? ~UINT64_C(0) : ~target_at(target)->expects;
    crash_handler_remove(); /* a crash is to be the fuzzer's: it saves the input */
    return 0;
}

/* ---- executing ------------------------------------------------------------------------------- */

/* libFuzzer's handlers would run on the stack of the goroutine that crashes: it may be used up. */
static void use_signal_stack(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction action;
        if (sigaction(signals[i], NULL, &action) != 0 || action.sa_handler == SIG_DFL)
            continue;
        action.sa_flags |= SA_ONSTACK;
        sigaction(signals[i], &action, NULL);
    }
}

/* Says what was found, with the schedule that `treadle replay` takes, and ends the process. */
static _Noreturn void report(const struct verdict_record *record)
{
    fprintf(stderr, "treadle: %s shows %s: %s%s%s\n", execution.target->name,
            verdict_name(record->verdict), record->rule, record->detail[0] != '\0' ? ": " : "",
            record->detail);
    fputs("To see how, save this as a file for `treadle replay --trace`:\n\n", stderr);
    struct schedule *schedule = replay_record(record);
    schedule_print(schedule, stderr);
    schedule_destroy(schedule);
    fflush(stderr);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (!fuzz.started)
        use_signal_stack();
    fuzz.started = true;
    bool goes_on = engine_execute(fuzz.engine, data, bytes);
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (!goes_on || fuzz.reported >> execution.verdicts[i].verdict & 1)
            report(&execution.verdicts[i]);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned int seed)
{
    return engine_mutate(fuzz.engine, data, bytes, bytes_max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                                 size_t second_bytes, uint8_t *out, size_t bytes_max,
                                 unsigned int seed)
{
    return engine_cross(first, first_bytes, second, second_bytes, out, bytes_max, seed);
}
