/* command_replay.c: `treadle replay`. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "command.h"
#include "junit.h"
#include "last_failures.h"
#include "replay_answer.h"

struct replay_options {
    bool json, trace, resync, expect_fixed;
    const char *junit;
};

struct replay_run {
    const struct replay_options *options;
    json_t *replays;
    struct junit *junit;
    bool apart; /* each file is executed in a process of its own */
    int code;   /* the worst so far: EXIT_USAGE before EXIT_MISMATCH */
};

static void run_code(struct replay_run *run, int code)
{
    if (run->code != EXIT_USAGE)
        run->code = code == EXIT_USAGE || run->code == 0 ? code : run->code;
}

/* ---- one file -------------------------------------------------------------------------------- */

static void execute(const struct replay_run *run, const char *path, bool resync,
                    struct replay_answer *ret_answer)
{
    const struct replay_options *options = run->options;
    struct replay_wish wish = { .resync = resync, .trace = options->trace };
    wish.report = !options->json && (options->trace || !options->expect_fixed);
    if (run->apart)
        replay_answer_apart(path, &wish, ret_answer);
    else
        replay_answer_here(path, &wish, ret_answer);
}

/* Adds what the answer says to JSON or prints it, and to JUnit. Where the file failed `line` says
 * why. */
static void tell(struct replay_run *run, const char *path, const struct replay_answer *answer,
                 bool failed, const char *line)
{
    const struct replay_options *options = run->options;
    junit_add(run->junit, path, failed ? line : NULL, false);
    if (options->json) {
        json_t *json = json_loads(answer->json, 0, NULL);
        CHECK(json != NULL, ==, true);
        if (options->expect_fixed)
            json_object_set_new(json, "fixed", json_boolean(!failed));
        json_array_append_new(run->replays, json);
        if (failed)
            fprintf(stderr, "%s: %s\n", path, line);
        return;
    }
    printf("%s: %s\n", path, line);
    if (!options->expect_fixed && answer->diverged && !options->resync)
        puts("  the subject or the file was edited since; --resync goes on at the nearest "
             "anchors");
    if (answer->report != NULL)
        fputs(answer->report, stdout);
}

/* It must match what the file says. Returns whether it does. */
static bool must_match(struct replay_run *run, const char *path,
                       const struct replay_answer *answer)
{
    tell(run, path, answer, !answer->matched, answer->matched ? "matches" : answer->text);
    return answer->matched;
}

/* What the file says must no longer appear. */
static bool must_be_fixed(struct replay_run *run, const char *path,
                          const struct replay_answer *answer)
{
    char line[128];
    if (answer->shown)
        snprintf(line, sizeof line, "not fixed: still shows %s", answer->found);
    else
        snprintf(line, sizeof line, "fixed: shows %s", answer->found);
    tell(run, path, answer, answer->shown, line);
    return !answer->shown;
}

/* Returns whether all is as it should be. */
static bool replay_file(struct replay_run *run, const struct schedule_file *file)
{
    struct replay_answer answer = { .unreadable = true };
    if (file->error == NULL) {
        bool resync = run->options->resync;
        execute(run, file->path, resync, &answer);
        if (run->options->expect_fixed && answer.diverged && !answer.shown && !resync) {
            replay_answer_deinit(&answer);
            execute(run, file->path, true, &answer);
        }
    }
    bool right = false;
    if (answer.unreadable) {
        const char *text = file->error != NULL ? file->error : answer.text;
        fprintf(stderr, "%s\n", text);
        junit_add(run->junit, file->path, text, true);
        run_code(run, EXIT_USAGE);
    } else {
        right = run->options->expect_fixed ? must_be_fixed(run, file->path, &answer)
                                           : must_match(run, file->path, &answer);
        run_code(run, right ? 0 : EXIT_MISMATCH);
    }
    replay_answer_deinit(&answer);
    return right;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* The files of one argument. */
struct replay_part {
    const char *path;
    bool folder;
    uint32_t from, count;
};

static void find_files(struct schedule_files *files, struct replay_part *parts, char **paths,
                       uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct replay_part part = { .path = paths[i], .from = files->count };
        part.folder = schedule_files_add(files, part.path);
        part.count = files->count - part.from;
        if (part.folder)
            last_failures_first(part.path, files, part.from);
        parts[i] = part;
    }
}

static void replay_paths(struct replay_run *run, char **paths, uint32_t count)
{
    struct schedule_files files = { 0 };
    struct replay_part *parts = calloc(count, sizeof *parts);
    CHECK(parts != NULL, ==, true);
    find_files(&files, parts, paths, count);
    bool *failed = calloc(files.count + 1, sizeof *failed);
    CHECK(failed != NULL, ==, true);
    run->apart = files.count > 1 || run->options->expect_fixed;
    for (uint32_t i = 0; i < files.count; i++)
        failed[i] = !replay_file(run, &files.items[i]);
    for (uint32_t i = 0; i < count; i++)
        if (parts[i].folder)
            last_failures_keep(parts[i].path, &files, parts[i].from, parts[i].count, failed);
    if (files.count == 0) {
        fprintf(stderr, "treadle replay: no schedule (*.sched) in what was named\n");
        run->code = EXIT_USAGE;
    }
    free(failed);
    free(parts);
    schedule_files_deinit(&files);
}

/* ---- the command ----------------------------------------------------------------------------- */

static int parse(struct replay_options *options, int argument_count, char **arguments)
{
    static const struct option known[] = { { "trace", no_argument, NULL, 't' },
                                           { "resync", no_argument, NULL, 'r' },
                                           { "expect-fixed", no_argument, NULL, 'f' },
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
        options->expect_fixed |= option == 'f';
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
    replay_paths(&run, &arguments[optind], (uint32_t)(argument_count - optind));
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
    .help = "\nA folder stands for every .sched file below it; those come first that failed last\n"
            "time. Each of several files is executed in a process of its own.\n\n"
            "  --trace         one line per event: goroutine, function, source line, access,\n"
            "                  value\n"
            "  --resync        after the subject was edited: go on at the nearest matching\n"
            "                  anchors\n"
            "  --expect-fixed  the findings were mended: none may appear any more, --resync\n"
            "                  included where its schedule no longer fits\n"
            "  --junit F       also write the results as JUnit XML\n"
            "  --json          one JSON object on standard output\n\n"
            "Exit code 0: every one matches, or with --expect-fixed none appears; 3: one does not\n"
            "(it says where it left the schedule), or still appears; 2: one could not be read.\n\n"
            "Example:\n  treadle replay --trace findings/slice/torn-header/*.sched\n"
            "  treadle replay findings/ --junit out.xml\n",
    .run = run,
};
