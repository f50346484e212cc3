/* engine_afl.c: `treadle-afl TARGET`: what afl-fuzz runs (AFL++): one target, in AFL's persistent
 * mode with its inputs in shared memory. Built by gcc: what an input has shown goes into the map of
 * counters by hand. `treadle fuzz --engine afl` starts afl-fuzz on it and hears of what is found by
 * the file number in TREADLE_AFL_SOCKET; without that it only runs. TREADLE_AFL_MEMORY: the memory
 * model (sc); TREADLE_AFL_FEEDBACK: enum feedback_kind that it goes by (all);
 * TREADLE_AFL_START: when the campaign began (tally_now). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../scheduler/target.h"
#include "engine.h"

#define EXECUTIONS_MIN 16u   /* of each input; or as many as take */
#define INPUT_SECONDS 150e-6 /* so long: afl-fuzz itself takes a fifth of that */
#define COUNTERS 8192u
#define INPUTS 10000u      /* before afl-fuzz starts another process */
#define REPORT_SECONDS 0.2

/* Of AFL++'s run-time part (afl-compiler-rt.o); the macros that use it are for its own
 * compilers. */
extern unsigned char *__afl_area_ptr;
extern unsigned char *__afl_fuzz_ptr;
extern unsigned int *__afl_fuzz_len;
extern unsigned int __afl_final_loc;
int __afl_persistent_loop(unsigned int count);
void __afl_manual_init(void);
int __afl_sharedmem_fuzzing = 1;

/* afl-fuzz looks for these in the program. */
static const char *volatile persistent = "##SIG_AFL_PERSISTENT##";
static const char *volatile deferred = "##SIG_AFL_DEFER_FORKSRV##";

/* The map's size, before AFL's own constructor sees it. */
__attribute__((constructor(2))) static void claim_counters(void)
{
    __afl_final_loc = COUNTERS;
}

/* ---- telling what is done -------------------------------------------------------------------- */

static struct {
    struct engine *engine;
    int socket;
    double reported;
    const char *pairs; /* the file where pairs go, for mutations, or NULL */
} run = { .socket = -1 };

static void report(void)
{
    run.reported = tally_now();
    if (run.pairs != NULL)
        engine_write_pairs(run.engine, run.pairs);
    if (run.socket >= 0 && !engine_tell(run.engine, run.socket, false))
        run.socket = -1;
}

/* ---- the target ------------------------------------------------------------------------------ */

/* The counters are where AFL says, anew each time. */
static bool execute(uint8_t *counters)
{
    bool goes_on = engine_execute(run.engine, __afl_fuzz_ptr, *__afl_fuzz_len);
    for (uint32_t i = 0; i < COUNTERS; i++)
        __afl_area_ptr[i] |= counters[i];
    memset(counters, 0, COUNTERS);
    return goes_on;
}

int main(int argument_count, char **arguments)
{
    static uint8_t counters[COUNTERS];
    const char *name = argument_count == 2 ? arguments[1] : "";
    uint32_t target = 0;
    while (target < target_count() && strcmp(target_at(target)->name, name) != 0)
        target++;
    if (target == target_count()) {
        fprintf(stderr, "treadle-afl: usage: treadle-afl TARGET (`treadle list` names them)\n");
        return 2;
    }
    const char *socket = getenv("TREADLE_AFL_SOCKET");
    run.socket = socket != NULL ? atoi(socket) : -1;
    run.pairs = getenv("TREADLE_AFL_PAIRS");
    const char *kinds = getenv("TREADLE_AFL_FEEDBACK"), *memory = getenv("TREADLE_AFL_MEMORY");
    const char *start = getenv("TREADLE_AFL_START");
    struct worker_plan plan = {
        .portfolio = portfolio_create(NULL),
        .search = { .kinds = kinds != NULL ? (uint32_t)atoi(kinds) & FEEDBACK_ALL : FEEDBACK_ALL },
        .start = start != NULL ? strtod(start, NULL) : tally_now(),
    };
    if (memory != NULL && !memory_model_find(memory, &plan.memory)) {
        fprintf(stderr, "treadle-afl: TREADLE_AFL_MEMORY: there is no model %s\n", memory);
        return 2;
    }
    const char *rule = engine_open(&run.engine, &plan, target, EXECUTIONS_MIN, counters,
                                   COUNTERS);
    if (rule != NULL || persistent == NULL || deferred == NULL) {
        fprintf(stderr, "treadle-afl: the set-up of %s fails: %s\n", name, rule);
        return 2;
    }
    if (!engine_set_pace(run.engine, INPUT_SECONDS, EXECUTIONS_MIN)) {
        fprintf(stderr, "treadle-afl: %s crashes: AFL++ cannot begin\n", name);
        return 2;
    }
    memset(counters, 0, sizeof counters);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* AFL's forks wait for each other, stopped */
    __afl_manual_init();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* in the fork */
    engine_forget(run.engine); /* time passes from here on: this may be another process */
    while (__afl_persistent_loop(INPUTS)) {
        bool goes_on = execute(counters);
        if (!goes_on || engine_new_findings(run.engine) > 0
            || tally_now() - run.reported > REPORT_SECONDS)
            report();
        if (!goes_on)
            _exit(0); /* afl-fuzz starts another one */
    }
    report();
    _exit(0);
}
