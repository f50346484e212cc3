/* keep.c: from an execution that shows a verdict to a schedule file that is known to replay. The
 * caller itself never runs subject code: a forked child executes each finding again and writes it
 * down; then the program's own `replay --json` reads the files, in a new process. */
#define _GNU_SOURCE
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
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
#include "command.h"
#include "describe.h"
#include "patience.h"
#include "replay.h"

#define PATH_BYTES 4096
#define ATTEMPTS 3u /* to have something done by a process that may be killed */
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* How the child that executes a finding again ends, or CHILD_STUCK if it does not; above
 * CHILD_ERRNO it could not write, and the rest is errno. */
enum { CHILD_WROTE = 0, CHILD_DIFFERENT = 1, CHILD_STUCK = 63, CHILD_ERRNO = 64 };

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

/* ---- the child that executes again ----------------------------------------------------------- */

const struct verdict_record *keep_find_record(const struct finding *finding)
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
    bool written = schedule_print(schedule, out) == 0 && fflush(out) == 0
                   && fsync(fileno(out)) == 0;
    int cause = errno;
    if (fclose(out) != 0 && written) {
        written = false;
        cause = errno;
    }
    schedule_destroy(schedule);
    errno = cause;
    return written ? 0 : -1;
}

/* Executes one finding again and writes it down; returns one of the codes above. */
static int execute_finding(const struct keep_plan *plan, uint32_t target,
                           const struct finding *finding, const char *path)
{
    execution.explain = true;
    const struct verdict_record *record = plan->execute(plan->context, target, finding);
    if (record == NULL)
        return CHILD_DIFFERENT;
    return write_schedule(record, path) == 0 ? CHILD_WROTE : CHILD_ERRNO + errno;
}

/* Runs execute_finding in a process of its own: a crash of the subject must not reach the next one.
 * Returns its code, or another one if the process could not be started or was killed. */
static int run_once(const struct keep_plan *plan, uint32_t target, const struct finding *finding,
                    const char *path)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        int null = open("/dev/null", O_WRONLY); /* standard output is the command's alone */
        if (null >= 0)
            dup2(null, STDOUT_FILENO);
        _exit(execute_finding(plan, target, finding, path));
    }
    int status;
    struct rusage usage;
    int waited = pid < 0 ? -1 : patience_wait(pid, &status, &usage);
    if (waited == 0 && WIFEXITED(status))
        return WEXITSTATUS(status);
    return waited > 0 ? CHILD_STUCK : -1;
}

/* The same, tried again if somebody killed the process. */
static int run_execution(const struct keep_plan *plan, uint32_t target,
                         const struct finding *finding, const char *path)
{
    int code = -1;
    for (uint32_t i = 0; i < ATTEMPTS && code < 0; i++)
        code = run_once(plan, target, finding, path);
    return code;
}

/* ---- the new process that replays ------------------------------------------------------------ */

/* The JSON that a child prints; NULL if it is none. */
static json_t *read_answer(pid_t pid, int file)
{
    struct patience patience = { 0 };
    char block[4096];
    ssize_t got;
    size_t bytes = 0;
    char *text = NULL;
    while ((got = patience_read(pid, &patience, file, block, sizeof block)) > 0) {
        text = realloc(text, bytes + (size_t)got);
        CHECK(text != NULL, ==, true);
        memcpy(text + bytes, block, (size_t)got);
        bytes += (size_t)got;
    }
    json_t *answer = text != NULL ? json_loadb(text, bytes, 0, NULL) : NULL;
    free(text);
    return answer;
}

/* Runs this program with these arguments; returns the JSON that it prints, or NULL. */
static json_t *run_program(char *const *arguments)
{
    int pipes[2];
    if (pipe(pipes) != 0)
        return NULL;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        dup2(pipes[1], STDOUT_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    close(pipes[1]);
    json_t *answer = pid > 0 ? read_answer(pid, pipes[0]) : NULL;
    close(pipes[0]);
    int status;
    struct rusage usage;
    if (pid > 0)
        patience_wait(pid, &status, &usage);
    return answer;
}

/* What `treadle replay --json` says of these files; NULL if it could not be run. */
static json_t *run_replay(char (*paths)[PATH_BYTES], uint32_t count)
{
    static char *const replay[] = { "replay", "--json", "--" };
    uint32_t word_count = 0;
    while (command_words()[word_count] != NULL)
        word_count++;
    char **arguments = calloc(word_count + COUNT(replay) + count + 1, sizeof *arguments);
    CHECK(arguments != NULL, ==, true);
    memcpy(arguments, command_words(), word_count * sizeof *arguments);
    memcpy(arguments + word_count, replay, sizeof replay);
    for (uint32_t i = 0; i < count; i++)
        arguments[word_count + COUNT(replay) + i] = paths[i];
    json_t *answer = run_program(arguments);
    free(arguments);
    return answer;
}

/* Whether file number `index` of those that were replayed matched, and its fingerprint. */
static bool replay_said_matched(const json_t *answer, uint32_t index, uint64_t *ret_fingerprint)
{
    const json_t *replay = json_array_get(json_object_get(answer, "replays"), index);
    const char *fingerprint = json_string_value(json_object_get(replay, "fingerprint"));
    if (fingerprint == NULL || !json_is_true(json_object_get(replay, "matched")))
        return false;
    *ret_fingerprint = strtoull(fingerprint, NULL, 16);
    return true;
}

/* ---- both ------------------------------------------------------------------------------------ */

/* Writes the findings to their temporary files. Those that came again are moved to the front, their
 * paths likewise; returns how many, or -1 with one line in error. */
static int write_findings(const struct keep_plan *plan, uint32_t target,
                          struct finding_list *list, char (*paths)[PATH_BYTES], char *error,
                          size_t error_bytes)
{
    int written = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        struct finding_kept finding = list->items[i];
        char *path = paths[written];
        temporary_path(plan->directory, target, &finding.finding, path, PATH_BYTES);
        int code = make_directories(path) != 0
                       ? CHILD_ERRNO + errno
                       : run_execution(plan, target, &finding.finding, path);
        if (code == CHILD_WROTE) {
            list->items[i] = list->items[written];
            list->items[written++] = finding;
        } else if (code != CHILD_DIFFERENT) {
            snprintf(error, error_bytes, "findings cannot be written below %.120s: %s",
                     plan->directory,
                     code > CHILD_ERRNO    ? strerror(code - CHILD_ERRNO)
                     : code == CHILD_STUCK ? PATIENCE_OVER
                                           : "a process failed");
            return -1;
        }
    }
    return written;
}

/* Whether one of the first `count` findings is kept already under this fingerprint. */
static bool is_kept(const struct finding_list *list, uint32_t count, uint64_t fingerprint)
{
    for (uint32_t i = 0; i < count; i++)
        if (list->items[i].kept && list->items[i].finding.fingerprint == fingerprint)
            return true;
    return false;
}

/* Moves the files of the first `written` findings, as far as they matched, to their places. */
static void keep_replayed(const char *directory, uint32_t target, struct finding_list *list,
                          uint32_t written, char (*paths)[PATH_BYTES], const json_t *answer)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        struct finding_kept item = list->items[i];
        uint64_t fingerprint;
        if (i < written && replay_said_matched(answer, i, &fingerprint)) {
            if (is_kept(list, count, fingerprint)) {
                free(item.finding.choices);
                continue;
            }
            char path[PATH_BYTES];
            item.finding.fingerprint = fingerprint;
            keep_path(directory, target_at(target), &item.finding, path, sizeof path);
            item.kept = rename(paths[i], path) == 0;
        }
        list->items[count++] = item;
    }
    list->count = count;
}

int keep_findings(const struct keep_plan *plan, uint32_t target, struct finding_list *list,
                  char *error, size_t error_bytes)
{
    CHECK(list->count, <=, FINDINGS_KEPT_MAX);
    if (strlen(plan->directory) > PATH_BYTES / 2) {
        snprintf(error, error_bytes, "the name of the directory for findings is too long");
        return -1;
    }
    char(*paths)[PATH_BYTES] = calloc(FINDINGS_KEPT_MAX, PATH_BYTES);
    CHECK(paths != NULL, ==, true);
    for (uint32_t i = 0; i < list->count; i++)
        list->items[i].kept = false;
    int written = write_findings(plan, target, list, paths, error, error_bytes);
    json_t *answer = NULL;
    for (uint32_t i = 0; i < ATTEMPTS && written > 0 && answer == NULL; i++)
        answer = run_replay(paths, (uint32_t)written);
    if (answer != NULL)
        keep_replayed(plan->directory, target, list, (uint32_t)written, paths, answer);
    else if (written > 0)
        snprintf(error, error_bytes, "findings could not be replayed in a new process");
    for (uint32_t i = 0; i < FINDINGS_KEPT_MAX; i++)
        if (paths[i][0] != '\0')
            unlink(paths[i]); /* gone already where it was kept */
    bool failed = written < 0 || (written > 0 && answer == NULL);
    json_decref(answer);
    free(paths);
    return failed ? -1 : 0;
}
