/* keep.c: from an execution that shows a verdict to a schedule file that is known to replay. The
 * caller itself never runs subject code: a forked child executes each finding again, shrinks it and
 * writes it down; then the program's own `replay --json` reads the files, in a new process. */
#include "keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "describe.h"
#include "folder.h"
#include "patience.h"
#include "replay_apart.h"
#include "shrink_finding.h"

#define PATH_BYTES 4096
#define ATTEMPTS 3u /* to have something done by a process that may be killed */

/* What shrinking a finding may cost: a few hundredths of a second. */
static const struct shrink_budget shrinks = { .events = 2000000 };
static const struct shrink_budget leaves_as_found = { .events = 0 };

void keep_path(const char *directory, const struct treadle_target *target,
               const struct finding *finding, char *path, size_t bytes)
{
    char place[16] = "";
    if (finding->place > 0)
        snprintf(place, sizeof place, "-%u", finding->place);
    snprintf(path, bytes, "%s/%s/%s-%016llx%s.sched", directory, target->name,
             verdict_name(finding->verdict), (unsigned long long)finding->fingerprint, place);
}

static void temporary_path(const char *directory, uint32_t target, const struct finding *finding,
                           char *path, size_t bytes)
{
    char final_path[PATH_BYTES - 32];
    keep_path(directory, target_at(target), finding, final_path, sizeof final_path);
    snprintf(path, bytes, "%s.%d.new", final_path, (int)getpid());
}

/* ---- the child that executes again ----------------------------------------------------------- */

const struct verdict_record *keep_find_record(const struct finding *finding)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (describe_fingerprint(&execution.verdicts[i]) == finding->fingerprint)
            return &execution.verdicts[i];
    return NULL;
}

/* What is to be kept. */
struct keep_item {
    const struct keep_plan *plan;
    uint32_t target;
    const struct finding *finding;
};

static const struct verdict_record *execute_item(const void *context)
{
    const struct keep_item *item = context;
    return item->plan->execute(item->plan->context, item->target, item->finding);
}

/* Writes it to path: shrunk, or as it was found if that fails, tried again if somebody killed the
 * process. Returns a code of shrink_finding. */
static int write_finding(const struct keep_plan *plan, uint32_t target,
                         const struct finding *finding, const char *path)
{
    const struct keep_item item = { plan, target, finding };
    struct shrink_request request = { .execute = execute_item,
                                      .context = &item,
                                      .budget = shrinks };
    struct shrink_report report;
    int code = shrink_finding(&request, path, &report);
    request.budget = leaves_as_found;
    for (uint32_t i = 0; i < ATTEMPTS && (code == SHRINK_FAILED || code == SHRINK_STUCK); i++)
        code = shrink_finding(&request, path, &report);
    return code;
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
        int code = folder_make_above(path) != 0
                       ? SHRINK_ERRNO + errno
                       : write_finding(plan, target, &finding.finding, path);
        if (code == SHRINK_WROTE) {
            list->items[i] = list->items[written];
            list->items[written++] = finding;
        } else if (code != SHRINK_DIFFERENT) {
            snprintf(error, error_bytes, "findings cannot be written below %.120s: %s",
                     plan->directory,
                     code > SHRINK_ERRNO    ? strerror(code - SHRINK_ERRNO)
                     : code == SHRINK_STUCK ? PATIENCE_OVER
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

/* Moves a file to where the plan wants it. */
static bool move_file(const struct keep_plan *plan, uint32_t target, struct finding *finding,
                      const char *temporary)
{
    if (plan->move != NULL)
        return plan->move(plan, target, finding, temporary);
    char path[PATH_BYTES];
    keep_path(plan->directory, target_at(target), finding, path, sizeof path);
    return rename(temporary, path) == 0;
}

/* Moves the files of the first `written` findings, as far as they matched, to their places. Returns
 * 0, or the errno of a file that could not be moved. */
static int keep_replayed(const struct keep_plan *plan, uint32_t target, struct finding_list *list,
                         uint32_t written, char (*paths)[PATH_BYTES], const json_t *answer)
{
    uint32_t count = 0;
    int failed = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        struct finding_kept item = list->items[i];
        uint64_t fingerprint;
        uint32_t preemptions;
        if (i < written && replay_apart_matched(answer, i, &fingerprint, &preemptions)) {
            if (is_kept(list, count, fingerprint)) {
                free(item.finding.choices);
                continue;
            }
            item.finding.fingerprint = fingerprint;
            if (item.finding.preemptions != PREEMPTIONS_UNKNOWN)
                item.finding.preemptions = preemptions;
            item.kept = move_file(plan, target, &item.finding, paths[i]);
            failed = item.kept ? failed : errno;
        }
        list->items[count++] = item;
    }
    list->count = count;
    return failed;
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
    int moved = 0;
    char *files[FINDINGS_KEPT_MAX];
    for (uint32_t i = 0; i < FINDINGS_KEPT_MAX; i++)
        files[i] = paths[i];
    int code;
    for (uint32_t i = 0; i < ATTEMPTS && written > 0 && answer == NULL; i++)
        answer = replay_apart(files, (uint32_t)written, &code);
    if (answer != NULL)
        moved = keep_replayed(plan, target, list, (uint32_t)written, paths, answer);
    else if (written > 0)
        snprintf(error, error_bytes, "findings could not be replayed in a new process");
    if (moved != 0)
        snprintf(error, error_bytes, "findings cannot be written below %.120s: %s",
                 plan->directory, strerror(moved));
    for (uint32_t i = 0; i < FINDINGS_KEPT_MAX; i++)
        if (paths[i][0] != '\0')
            unlink(paths[i]); /* gone already where it was kept */
    bool failed = written < 0 || (written > 0 && answer == NULL) || moved != 0;
    json_decref(answer);
    free(paths);
    return failed ? -1 : 0;
}
