/* engine_afl_run.c: a process that becomes afl-fuzz (AFL++) on `treadle-afl`. */
#define _GNU_SOURCE
#include "engine_afl_run.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scheduler/target.h"
#include "engine.h"

#define PATH_BYTES 4096
#define FOLDER_BYTES 128u /* below the folder of inputs, whose name is short */

/* Where a file lies that was built beside this program. */
static void beside(const char *name, char *path, size_t bytes)
{
    char own[PATH_BYTES - 64];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    own[length > 0 ? length : 0] = '\0';
    snprintf(path, bytes, "%s/%s", dirname(own), name);
}

bool engine_afl_is_there(void)
{
    char path[PATH_BYTES];
    beside("treadle-afl", path, sizeof path);
    return access(path, X_OK) == 0;
}

/* afl-fuzz wants a first input. */
static void make_seed(const char *folder)
{
    char path[FOLDER_BYTES + 8];
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/first", folder);
    const struct input nothing = { .seed = 1 };
    uint8_t bytes[INPUT_BYTES_MAX];
    size_t count = input_encode(&nothing, bytes);
    FILE *out = fopen(path, "wb");
    if (out == NULL)
        return;
    fwrite(bytes, 1, count, out);
    fclose(out);
}

void engine_afl_serve(const void *plan, int socket, struct process_board *board)
{
    (void)board;
    const struct engine_run *run = plan;
    char program[PATH_BYTES], mutator[PATH_BYTES];
    char seeds[FOLDER_BYTES], out[FOLDER_BYTES], pairs[FOLDER_BYTES];
    char number[16], seconds[16], name[24], seed[24];
    beside("treadle-afl", program, sizeof program);
    beside("libtreadle-afl-mutator.so", mutator, sizeof mutator);
    snprintf(seeds, sizeof seeds, "%s/seeds", run->corpus);
    snprintf(out, sizeof out, "%s/afl", run->corpus);
    snprintf(pairs, sizeof pairs, "%s/pairs", run->corpus);
    snprintf(number, sizeof number, "%d", socket);
    snprintf(seconds, sizeof seconds, "%.0f", run->seconds < 1e8 ? run->seconds + 1 : 1e8);
    snprintf(name, sizeof name, run->job == 0 ? "main" : "job%u", run->job);
    snprintf(seed, sizeof seed, "%u", (unsigned)(run->plan.seed % 1000000000 + 1));
    make_seed(seeds);
    setenv("TREADLE_AFL_SOCKET", number, 1);
    setenv("TREADLE_AFL_PAIRS", pairs, 1);
    setenv("AFL_CUSTOM_MUTATOR_LIBRARY", mutator, 1);
    static const char *const switches[] = {
        "AFL_CUSTOM_MUTATOR_ONLY", "AFL_DISABLE_TRIM", "AFL_SKIP_CPUFREQ", "AFL_NO_AFFINITY",
        "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "AFL_NO_UI", "AFL_NO_STARTUP_CALIBRATION",
    };
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        setenv(switches[i], "1", 1);
    fcntl(socket, F_SETFD, 0); /* it goes through to treadle-afl */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    int null = open("/dev/null", O_RDWR);
    for (int file = 0; file < 3 && null >= 0; file++)
        dup2(null, file);
    execlp("afl-fuzz", "afl-fuzz", "-i", seeds, "-o", out, run->job == 0 ? "-M" : "-S", name, "-s",
           seed, "-V", seconds, "-t", "60000", "-m", "none", "--", program,
           target_at(run->target)->name, (char *)NULL);
}
