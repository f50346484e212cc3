/* replay_answer.c: executes a file, in this process or in a child. */
#define _GNU_SOURCE
#include "replay_answer.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "command.h"
#include "explain.h"
#include "process.h"
#include "replay.h"

#define ANSWER_BYTES_MAX (1u << 30) /* of a text: a trace of the most events fits */

/* ---- what is said ---------------------------------------------------------------------------- */

static char *json_of(const char *path, const struct replay_result *result)
{
    char fingerprint[20], hash[20];
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)result->fingerprint);
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)result->hash);
    const char *verdict = result->record != NULL ? verdict_name(result->record->verdict) : "ok";
    json_t *json =
        json_pack("{s:o, s:b, s:s, s:s, s:s, s:I}", "file", command_json_text(path), "matched",
                  result->matched, "verdict", verdict, "fingerprint", fingerprint, "hash", hash,
                  "steps", (json_int_t)execution.trace_run_count);
    json_object_set_new(json, "preemptions", json_integer((json_int_t)result->preemptions));
    json_object_set_new(json, "diverged_at",
                        result->diverged ? json_integer(result->diverged_at) : json_null());
    char *text = json_dumps(json, 0);
    CHECK(text != NULL, ==, true);
    json_decref(json);
    return text;
}

/* Why a replay does not match, one line. */
static void describe_mismatch(const struct schedule *schedule, const struct replay_result *result,
                              char *text, size_t bytes)
{
    if (result->diverged)
        snprintf(text, bytes, "line %u no longer matches at event %u: expected %s, found %s",
                 result->diverged_line, result->diverged_at, result->expected, result->found);
    else if (!result->same_goroutines)
        snprintf(text, bytes, "the execution's goroutines are not those that the file names");
    else if (result->record == NULL)
        snprintf(text, bytes, "expected %s, found no verdict", verdict_name(schedule->verdict));
    else if (result->record->verdict != schedule->verdict
             || result->fingerprint != schedule->fingerprint)
        snprintf(text, bytes, "expected %s %016llx, found %s %016llx",
                 verdict_name(schedule->verdict), (unsigned long long)schedule->fingerprint,
                 verdict_name(result->record->verdict), (unsigned long long)result->fingerprint);
    else
        snprintf(text, bytes, "%u events with hash %016llx, in the file %u with %016llx",
                 execution.trace_run_count, (unsigned long long)result->hash, schedule->events,
                 (unsigned long long)schedule->hash);
}

static void describe_found(const struct replay_result *result, char *text, size_t bytes)
{
    if (result->record == NULL)
        snprintf(text, bytes, "no verdict");
    else
        snprintf(text, bytes, "%s %016llx", verdict_name(result->record->verdict),
                 (unsigned long long)result->fingerprint);
}

static char *report_of(const struct replay_result *result, bool trace)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    CHECK(out != NULL, ==, true);
    explain_execution(out, result, trace);
    CHECK(fclose(out), ==, 0);
    return text;
}

void replay_answer_here(const char *path, const struct replay_wish *wish,
                        struct replay_answer *ret_answer)
{
    struct replay_answer answer = { .unreadable = true };
    struct replay_result result;
    struct schedule *schedule = schedule_load(path, answer.text, sizeof answer.text);
    if (schedule != NULL
        && replay_schedule(path, schedule, wish->resync, &result, answer.text, sizeof answer.text)
               == 0) {
        answer.unreadable = false;
        answer.matched = result.matched;
        answer.shown = result.shown;
        answer.diverged = result.diverged;
        answer.text[0] = '\0';
        if (!result.matched)
            describe_mismatch(schedule, &result, answer.text, sizeof answer.text);
        describe_found(&result, answer.found, sizeof answer.found);
        answer.json = json_of(path, &result);
        answer.report = wish->report ? report_of(&result, wish->trace) : NULL;
    }
    schedule_destroy(schedule);
    *ret_answer = answer;
}

/* ---- in a process of its own ----------------------------------------------------------------- */

struct replay_plan {
    const char *path;
    const struct replay_wish *wish;
};

/* NULL and "" are different. */
static bool send_text(int socket, const char *text)
{
    uint64_t bytes = text != NULL ? strlen(text) + 1 : 0;
    return process_write(socket, &bytes, sizeof bytes) && process_write(socket, text, bytes);
}

static bool receive_text(int socket, char **ret_text)
{
    uint64_t bytes;
    if (!process_read(socket, &bytes, sizeof bytes) || bytes > ANSWER_BYTES_MAX)
        return false;
    char *text = bytes > 0 ? malloc(bytes) : NULL;
    CHECK(text != NULL || bytes == 0, ==, true);
    if (bytes > 0 && (!process_read(socket, text, bytes) || text[bytes - 1] != '\0')) {
        free(text);
        return false;
    }
    *ret_text = text;
    return true;
}

static void serve(const void *argument, int socket, struct process_board *board)
{
    const struct replay_plan *plan = argument;
    struct replay_answer answer;
    (void)board;
    replay_answer_here(plan->path, plan->wish, &answer);
    if (process_write(socket, &answer, sizeof answer) && send_text(socket, answer.json))
        send_text(socket, answer.report);
}

static bool receive_answer(int socket, struct replay_answer *ret_answer)
{
    struct replay_answer answer;
    if (!process_read(socket, &answer, sizeof answer))
        return false;
    answer.text[sizeof answer.text - 1] = '\0';
    answer.json = answer.report = NULL; /* the child's addresses */
    if (!receive_text(socket, &answer.json) || !receive_text(socket, &answer.report)) {
        replay_answer_deinit(&answer);
        return false;
    }
    *ret_answer = answer;
    return true;
}

void replay_answer_apart(const char *path, const struct replay_wish *wish,
                         struct replay_answer *ret_answer)
{
    struct process process, *waited = &process;
    struct replay_answer answer = { .unreadable = true };
    if (!process_start(&process, serve, &(struct replay_plan){ path, wish })) {
        snprintf(answer.text, sizeof answer.text, "%.600s: no process could be started: %s", path,
                 strerror(errno));
        *ret_answer = answer;
        return;
    }
    while (process_await(&waited, 1) == 0)
        continue;
    bool told = receive_answer(process.socket, &answer);
    char how[sizeof process.board->limit];
    process_end(&process, how, sizeof how);
    if (!told)
        snprintf(answer.text, sizeof answer.text,
                 "%.500s: its process did not come to an end in good order: %.400s", path, how);
    *ret_answer = answer;
}

void replay_answer_deinit(struct replay_answer *answer)
{
    free(answer->json);
    free(answer->report);
    answer->json = answer->report = NULL;
}
