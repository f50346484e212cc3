/* engine_afl_run.c: a process that becomes afl-fuzz (AFL++) on `treadle-afl`. */
#define _GNU_SOURCE
#include "engine_afl_run.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scheduler/target.h"

#define PATH_BYTES 4096

/* Where a file lies that was built beside this program. */
static void beside(const char *name, char *path, size_t bytes)
{
    char own[PATH_BYTES - 64];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    own[length > 0 ? length : 0] = '\0';
    snprintf(path, bytes, "%s/%s", dirname(own), name);
}

/* Whether that program is in one of PATH's folders. */
static bool is_in_path(const char *name)
{
    const char *folders = getenv("PATH");
    for (const char *at = folders; at != NULL && *at != '\0';) {
        char path[PATH_BYTES];
        int length = (int)strcspn(at, ":");
        snprintf(path, sizeof path, "%.*s/%s", length, at, name);
        if (access(path, X_OK) == 0)
            return true;
        at += length + (at[length] == ':');
    }
    return false;
}

bool engine_afl_is_there(void)
{
    char path[PATH_BYTES];
    beside("treadle-afl", path, sizeof path);
    return access(path, X_OK) == 0 && is_in_path("afl-fuzz");
}

void engine_afl_serve(const void *plan, int socket, struct process_board *board)
{
    (void)board;
    const struct engine_run *run = plan;
    char program[PATH_BYTES], mutator[PATH_BYTES], seeds[PATH_BYTES], pairs[PATH_BYTES];
    char number[16], seconds[16], name[24], seed[24], kinds[16], start[32];
    beside("treadle-afl", program, sizeof program);
    beside("libtreadle-afl-mutator.so", mutator, sizeof mutator);
    snprintf(seeds, sizeof seeds, "%s/" ENGINE_OWN_QUEUE, run->inputs);
    snprintf(pairs, sizeof pairs, "%s/pairs", run->inputs);
    snprintf(number, sizeof number, "%d", socket);
    snprintf(seconds, sizeof seconds, "%.0f", run->seconds < 1e8 ? run->seconds + 1 : 1e8);
    snprintf(name, sizeof name, "job%u", run->job);
    snprintf(kinds, sizeof kinds, "%u", run->plan.search.kinds);
    snprintf(seed, sizeof seed, "%u", (unsigned)(run->plan.seed % 1000000000 + 1));
    setenv("TREADLE_AFL_SOCKET", number, 1);
    setenv("TREADLE_AFL_PAIRS", pairs, 1);
    snprintf(start, sizeof start, "%.6f", run->plan.start);
    setenv("TREADLE_AFL_START", start, 1);
    setenv("TREADLE_AFL_FEEDBACK", kinds, 1);
    setenv("TREADLE_AFL_MEMORY", memory_model_name(run->plan.memory), 1);
    setenv("AFL_CUSTOM_MUTATOR_LIBRARY", mutator, 1);
    static const char *const switches[] = {
        "AFL_CUSTOM_MUTATOR_ONLY", "AFL_DISABLE_TRIM", "AFL_SKIP_CPUFREQ", "AFL_NO_AFFINITY",
        "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "AFL_NO_UI", "AFL_NO_STARTUP_CALIBRATION",
        "AFL_AUTORESUME", "AFL_IMPORT_FIRST", /* it has had turns before, and so have others */
    };
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        setenv(switches[i], "1", 1);
    fcntl(socket, F_SETFD, 0); /* it goes through to treadle-afl */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    int null = open("/dev/null", O_RDWR);
    for (int file = 0; file < 3 && null >= 0; file++)
        dup2(null, file);
    execlp("afl-fuzz", "afl-fuzz", "-i", seeds, "-o", run->inputs, "-S", name, "-s", seed, "-V",
           seconds, "-t", "60000", "-m", "none", "--", program, target_at(run->target)->name,
           (char *)NULL);
    _exit(127);
}
