/* command_replay.c: `treadle replay`. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../scheduler/check.h"
#include "command.h"
#include "explain.h"
#include "junit.h"
#include "replay.h"

struct replay_options {
    bool json, trace, resync;
    const char *junit;
};

struct replay_run {
    const struct replay_options *options;
    json_t *replays;
    struct junit *junit;
    uint32_t file_count;
    int code; /* the worst so far: EXIT_USAGE before EXIT_MISMATCH */
};

static void run_code(struct replay_run *run, int code)
{
    if (run->code != EXIT_USAGE)
        run->code = code == EXIT_USAGE || run->code == 0 ? code : run->code;
}

static void add_json(struct replay_run *run, const char *path, const struct replay_result *result)
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
    json_array_append_new(run->replays, json);
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

/* A file that cannot be replayed at all; text says why, with its name. */
static void refuse(struct replay_run *run, const char *path, const char *text)
{
    fprintf(stderr, "%s\n", text);
    junit_add(run->junit, path, text, true);
    run_code(run, EXIT_USAGE);
}

static void replay_file(struct replay_run *run, const char *path)
{
    char text[1024];
    run->file_count++;
    struct schedule *schedule = schedule_load(path, text, sizeof text);
    struct replay_result result;
    int failed = schedule == NULL ? -2
                                  : replay_schedule(path, schedule, run->options->resync, &result,
                                                    text, sizeof text);
    if (failed != 0) {
        refuse(run, path, text);
        schedule_destroy(schedule);
        return;
    }
    text[0] = '\0';
    if (!result.matched) {
        describe_mismatch(schedule, &result, text, sizeof text);
        run_code(run, EXIT_MISMATCH);
    }
    junit_add(run->junit, path, result.matched ? NULL : text, false);
    if (run->options->json) {
        add_json(run, path, &result);
        if (!result.matched)
            fprintf(stderr, "%s: %s\n", path, text);
    } else {
        printf("%s: %s\n", path, result.matched ? "matches" : text);
        if (!result.matched && result.diverged && !run->options->resync)
            puts("  the subject or the file was edited since; --resync goes on at the nearest "
                 "anchors");
        explain_execution(stdout, &result, run->options->trace);
    }
    schedule_destroy(schedule);
}

/* ---- folders --------------------------------------------------------------------------------- */

static int ends_with_sched(const char *name)
{
    size_t length = strlen(name);
    return length > 6 && strcmp(name + length - 6, ".sched") == 0;
}

static void replay_path(struct replay_run *run, const char *path, uint32_t depth);

static void replay_folder(struct replay_run *run, const char *path, uint32_t depth)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0 || depth > 32) {
        char text[4400];
        snprintf(text, sizeof text, "%.4096s: cannot be read: %s", path,
                 count < 0 ? strerror(errno) : "too many folders in one another");
        refuse(run, path, text);
        return;
    }
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char part[4096];
        int length = snprintf(part, sizeof part, "%s/%s", path, name);
        struct stat status;
        bool fits = length < (int)sizeof part;
        bool folder = fits && lstat(part, &status) == 0 && S_ISDIR(status.st_mode); /* no links */
        bool found = fits && stat(part, &status) == 0;
        bool other = found && !S_ISREG(status.st_mode);
        if (name[0] != '.' && (folder || (ends_with_sched(name) && !other)))
            replay_path(run, part, depth + 1);
        free(entries[i]);
    }
    free(entries);
}

static void replay_path(struct replay_run *run, const char *path, uint32_t depth)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        char text[4400];
        snprintf(text, sizeof text, "%.4096s: cannot be read: %s", path[0] != '\0' ? path : "''",
                 strerror(errno));
        refuse(run, path, text);
    } else if (S_ISDIR(status.st_mode)) {
        replay_folder(run, path, depth);
    } else if (!S_ISREG(status.st_mode)) { /* a pipe would be waited for */
        char text[4400];
        snprintf(text, sizeof text, "%.4096s: is no regular file", path);
        refuse(run, path, text);
    } else {
        replay_file(run, path);
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

static int parse(struct replay_options *options, int argument_count, char **arguments)
{
    static const struct option known[] = { { "trace", no_argument, NULL, 't' },
                                           { "resync", no_argument, NULL, 'r' },
                                           { "junit", required_argument, NULL, 'u' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argument_count, arguments, ":", known, NULL)) != -1;) {
        if (option == '?')
            return command_unknown_option(&command_replay, arguments);
        if (option == ':')
            return command_misuse(&command_replay, "%s wants a value", arguments[optind - 1]);
        options->trace |= option == 't';
        options->resync |= option == 'r';
        options->json |= option == 'j';
        if (option == 'u')
            options->junit = optarg;
    }
    if (optind == argument_count)
        return command_misuse(&command_replay, "wants a schedule file or a folder of them");
    return 0;
}

static int run(int argument_count, char **arguments)
{
    struct replay_options options = { 0 };
    int failed = parse(&options, argument_count, arguments);
    if (failed != 0)
        return failed;
    struct replay_run run = { .options = &options, .replays = json_array() };
    if (options.junit != NULL && (run.junit = junit_create(options.junit)) == NULL) {
        fprintf(stderr, "treadle replay: %s: cannot be written: %s\n", options.junit,
                strerror(errno));
        return EXIT_USAGE;
    }
    for (int i = optind; i < argument_count; i++)
        replay_path(&run, arguments[i], 0);
    if (run.file_count == 0 && run.code == 0) {
        fprintf(stderr, "treadle replay: no schedule (*.sched) in what was named\n");
        run.code = EXIT_USAGE;
    }
    if (junit_finish(run.junit) != 0) {
        fprintf(stderr, "treadle replay: %s: cannot be written: %s\n", options.junit,
                strerror(errno));
        run.code = EXIT_USAGE;
    }
    json_t *object = json_pack("{s:o}", "replays", run.replays);
    if (!options.json)
        json_decref(object);
    else if (command_print_json(object) != 0)
        run.code = EXIT_USAGE;
    return run.code;
}

const struct command command_replay = {
    .name = "replay",
    .usage = "FILE|DIR... [OPTIONS]",
    .summary = "Executes saved schedules again: the same verdict, fingerprint and event hash",
    .help = "\nA folder stands for every .sched file below it.\n\n"
            "  --trace      one line per event: goroutine, function, source line, access, value\n"
            "  --resync     after the subject was edited: go on at the nearest matching anchors\n"
            "  --junit F    also write the results as JUnit XML\n"
            "  --json       one JSON object on standard output\n\n"
            "Exit code 0: every one matches; 3: one does not (it says where it left the\n"
            "schedule); 2: one could not be read.\n\n"
            "Example:\n  treadle replay --trace findings/slice/torn-header/*.sched\n",
    .run = run,
};
