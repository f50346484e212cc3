/* keep.c: from the number of an execution to a schedule file that is known to replay. The campaign
 * itself never runs subject code: a forked child executes the findings again and writes them
 * down; then the program's own `replay --json` reads the files, in a new process. */
#define _GNU_SOURCE
#include "keep.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "../scheduler/check.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "describe.h"
#include "replay.h"

#define PATH_BYTES 4096

enum { CHILD_WROTE = 0, CHILD_CANNOT_WRITE = 4 };

void keep_path(const char *directory, const struct treadle_target *target,
               const struct finding *finding, char *path, size_t bytes)
{
    snprintf(path, bytes, "%s/%s/%s-%016llx.sched", directory, target->name,
             verdict_name(finding->verdict), (unsigned long long)finding->fingerprint);
}

static void temporary_path(const char *directory, uint32_t target, const struct finding *finding,
                           char *path, size_t bytes)
{
    char final_path[PATH_BYTES - 32];
    keep_path(directory, target_at(target), finding, final_path, sizeof final_path);
    snprintf(path, bytes, "%s.%d.new", final_path, (int)getpid());
}

/* Makes every directory above path. */
static int make_directories(const char *path)
{
    char part[PATH_BYTES];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return 0;
}

/* ---- the child that executes again ------------------------------------------------------------ */

static const struct verdict_record *find_record(const struct finding *finding)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (describe_fingerprint(&execution.verdicts[i]) == finding->fingerprint)
            return &execution.verdicts[i];
    return NULL;
}

static int write_schedule(const struct verdict_record *record, const char *path)
{
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return -1;
    struct schedule *schedule = replay_record(record);
    int failed = schedule_print(schedule, out);
    schedule_destroy(schedule);
    if (fflush(out) != 0 || fsync(fileno(out)) != 0)
        failed = -1;
    return fclose(out) != 0 || failed != 0 ? -1 : 0;
}

/* Writes what it can; a finding that does not come again leaves no file. */
static int execute_findings(const struct worker_plan *plan, uint32_t target,
                            const struct campaign_finding *findings, uint32_t count,
                            char (*paths)[PATH_BYTES])
{
    const char *rule;
    struct scheduler_options options = { 0 };
    struct worker_plan once = *plan;
    once.twice = false;
    if (scheduler_open(target_at(target), &options, &rule) != TREADLE_OK)
        return CHILD_WROTE;
    execution.explain = true;
    uint64_t target_seed = worker_target_seed(&once);
    for (uint32_t i = 0; i < count; i++) {
        worker_execute(&once, target_seed, findings[i].finding.number);
        const struct verdict_record *record = find_record(&findings[i].finding);
        if (record != NULL && write_schedule(record, paths[i]) != 0)
            return CHILD_CANNOT_WRITE;
    }
    return CHILD_WROTE;
}

/* Waits; -1 unless the child exited in good order. */
static int wait_for(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_executions(const struct worker_plan *plan, uint32_t target,
                          const struct campaign_finding *findings, uint32_t count,
                          char (*paths)[PATH_BYTES])
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0 ? -1 : wait_for(pid);
    signal(SIGINT, SIG_IGN);
    _exit(execute_findings(plan, target, findings, count, paths));
}

/* ---- the new process that replays --------------------------------------------------------------- */

/* What `treadle replay --json` says of the files that exist; NULL if it could not be run. */
static json_t *run_replay(char (*paths)[PATH_BYTES], uint32_t count)
{
    char *arguments[CAMPAIGN_FINDINGS_MAX + 4] = { "treadle", "replay", "--json" };
    uint32_t used = 3;
    for (uint32_t i = 0; i < count; i++)
        if (access(paths[i], F_OK) == 0)
            arguments[used++] = paths[i];
    int pipes[2];
    if (used == 3 || pipe(pipes) != 0)
        return NULL;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_IGN);
        dup2(pipes[1], STDOUT_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    close(pipes[1]);
    json_t *answer = pid > 0 ? json_loadfd(pipes[0], 0, NULL) : NULL;
    close(pipes[0]);
    if (pid > 0)
        wait_for(pid);
    return answer;
}

static bool replay_said_matched(const json_t *answer, const char *path)
{
    size_t index;
    json_t *replay;
    json_array_foreach(json_object_get(answer, "replays"), index, replay)
    {
        const char *file = json_string_value(json_object_get(replay, "file"));
        if (file != NULL && strcmp(file, path) == 0)
            return json_is_true(json_object_get(replay, "matched"));
    }
    return false;
}

/* ---- both -------------------------------------------------------------------------------------- */

int keep_findings(const struct worker_plan *plan, const char *directory, uint32_t target,
                  struct campaign_finding *findings, uint32_t count, char *error,
                  size_t error_bytes)
{
    CHECK(count, <=, CAMPAIGN_FINDINGS_MAX);
    char(*paths)[PATH_BYTES] = calloc(CAMPAIGN_FINDINGS_MAX, PATH_BYTES);
    CHECK(paths != NULL, ==, true);
    int failed = 0;
    for (uint32_t i = 0; i < count; i++) {
        temporary_path(directory, target, &findings[i].finding, paths[i], PATH_BYTES);
        findings[i].kept = false;
        if (failed == 0 && (failed = make_directories(paths[i])) != 0)
            snprintf(error, error_bytes, "%.200s: cannot make its directory: %s", paths[i],
                     strerror(errno));
    }
    if (failed == 0 && run_executions(plan, target, findings, count, paths) == CHILD_CANNOT_WRITE) {
        snprintf(error, error_bytes, "findings cannot be written below %.200s; is the disk full?",
                 directory);
        failed = -1;
    }
    json_t *answer = failed == 0 ? run_replay(paths, count) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        char path[PATH_BYTES];
        keep_path(directory, target_at(target), &findings[i].finding, path, sizeof path);
        findings[i].kept = replay_said_matched(answer, paths[i]) && rename(paths[i], path) == 0;
        unlink(paths[i]);
    }
    json_decref(answer);
    free(paths);
    return failed;
}
