/* command_shrink.c: `treadle shrink`. This process never runs subject code: one replays the file,
 * one shrinks, one replays the result. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "patience.h"
#include "replay.h"
#include "replay_apart.h"
#include "shrink_finding.h"
#include "tally.h"

#define PATH_BYTES 4096

/* About a second at most. */
#define SEARCH_EVENTS 2000000u

struct shrink_options {
    const char *file, *output; /* output: NULL without -o */
    double seconds;            /* 0: no limit */
    bool json;
};

/* What is to be done, and what came of it. */
struct shrink_run {
    const struct shrink_options *options;
    const struct schedule *schedule;
    char path[PATH_BYTES];           /* where the result goes */
    char temporary[PATH_BYTES + 32]; /* where it is until it has replayed */
    double until;
    bool written; /* path holds it */
    struct shrink_report report;
    uint64_t bytes_before, bytes_after;
};

static const struct verdict_record *execute_file(const void *context)
{
    const struct shrink_run *run = context;
    struct replay_result result;
    char error[1024];
    if (replay_schedule(run->options->file, run->schedule, false, &result, error, sizeof error)
        != 0)
        return NULL;
    return result.matched ? result.record : NULL;
}

/* Shrinks the file into the temporary one. Returns 0, or an exit code after a message. */
static int make_smaller(struct shrink_run *run)
{
    const char *file = run->options->file;
    const struct shrink_request request = {
        .execute = execute_file,
        .context = run,
        .budget = { .events = UINT64_MAX, .search_events = SEARCH_EVENTS, .until = run->until },
    };
    int code = shrink_finding(&request, run->temporary, &run->report);
    if (code == SHRINK_WROTE && run->report.before.goroutines > 0)
        return 0;
    if (code > SHRINK_ERRNO) {
        fprintf(stderr, "treadle shrink: %s: cannot be written: %s\n", run->path,
                strerror(code - SHRINK_ERRNO));
        return EXIT_USAGE;
    }
    if (code == SHRINK_FAILED || code == SHRINK_STUCK) {
        fprintf(stderr, "treadle shrink: %s: %s\n", file,
                code == SHRINK_STUCK ? PATIENCE_OVER
                                     : "the process that executes it came to an end");
        return EXIT_USAGE;
    }
    fprintf(stderr, "treadle shrink: %s: it matches once, and then no more\n", file);
    return EXIT_MISMATCH;
}

/* ---- files ----------------------------------------------------------------------------------- */

static uint64_t file_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* Reads the file and replays it in a new process. Returns 0, or an exit code after one line. */
static int load(const char *file, struct schedule **ret_schedule)
{
    char error[1024];
    struct stat status;
    if (stat(file, &status) == 0 && !S_ISREG(status.st_mode)) {
        fprintf(stderr, "treadle shrink: %s: is no regular file\n", file);
        return EXIT_USAGE;
    }
    struct schedule *schedule = schedule_load(file, error, sizeof error);
    if (schedule == NULL) {
        fprintf(stderr, "%s\n", error);
        return EXIT_USAGE;
    }
    int code;
    json_decref(replay_apart((char *[]){ (char *)file }, 1, &code));
    if (code == 0) {
        *ret_schedule = schedule;
        return 0;
    }
    if (code != EXIT_USAGE && code != EXIT_MISMATCH) { /* else it has said why */
        fprintf(stderr, "treadle shrink: %s: a process that replays it came to an end\n", file);
        code = EXIT_USAGE;
    }
    schedule_destroy(schedule);
    return code;
}

/* Where the result goes: what a link leads to, not the link. Returns 0, or EXIT_USAGE. */
static int choose_path(struct shrink_run *run)
{
    const char *wanted = run->options->output != NULL ? run->options->output : run->options->file;
    char *real = realpath(wanted, NULL);
    int length = snprintf(run->path, sizeof run->path, "%s", real != NULL ? real : wanted);
    free(real);
    if (length >= (int)sizeof run->path)
        return command_misuse(&command_shrink, "the name of the output is too long");
    snprintf(run->temporary, sizeof run->temporary, "%s.%d.new", run->path, (int)getpid());
    return 0;
}

/* Replays the temporary file in a new process and puts it into its place, if it is wanted. Returns
 * 0, or an exit code after one line. */
static int put_in_place(struct shrink_run *run)
{
    uint64_t fingerprint;
    uint32_t preemptions;
    int code;
    json_t *answer = replay_apart((char *[]){ run->temporary }, 1, &code);
    bool matched = replay_apart_matched(answer, 0, &fingerprint, &preemptions)
                   && fingerprint == run->schedule->fingerprint;
    json_decref(answer);
    if (!matched) {
        fprintf(stderr, "treadle shrink: %s: what it shrank to does not replay; it is as it was\n",
                run->options->file);
        return EXIT_MISMATCH;
    }
    run->bytes_before = run->bytes_after = file_bytes(run->options->file);
    if (run->options->output == NULL
        && !shrink_is_smaller(&run->report.after, &run->report.before))
        return 0;
    run->bytes_after = file_bytes(run->temporary);
    run->written = rename(run->temporary, run->path) == 0;
    if (run->written)
        return 0;
    fprintf(stderr, "treadle shrink: %s: cannot be written: %s\n", run->path, strerror(errno));
    return EXIT_USAGE;
}

/* ---- the result ------------------------------------------------------------------------------ */

static void print_row(const char *name, uint64_t before, uint64_t after)
{
    printf("  %-12s %8llu %8llu\n", name, (unsigned long long)before, (unsigned long long)after);
}

static void print_table(const struct shrink_run *run)
{
    const struct shrink_size *before = &run->report.before, *after = &run->report.after;
    printf("  %-12s %8s %8s\n", "", "before", "after");
    print_row("goroutines", before->goroutines, after->goroutines);
    print_row("events", before->events, after->events);
    print_row("preemptions", before->preemptions, after->preemptions);
    print_row("switches", before->switches, after->switches);
    print_row("bytes", run->bytes_before, run->bytes_after);
    puts(run->report.minimal
             ? "1-minimal: no run of a goroutine can be left out, merged or shortened,\n"
               "no goroutine done without, no data choice have its first answer"
             : "not known to be 1-minimal: time is over");
    if (run->report.certified)
        puts("no execution with fewer preemptions shows it");
    printf("%s: %s\n", run->written ? run->path : run->options->file,
           run->written ? "written" : "as it was");
}

static json_t *size_json(const struct shrink_size *size, uint64_t bytes)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "goroutines", (json_int_t)size->goroutines,
                     "events", (json_int_t)size->events, "preemptions",
                     (json_int_t)size->preemptions, "switches", (json_int_t)size->switches,
                     "answers", (json_int_t)size->answers, "bytes", (json_int_t)bytes);
}

static int print_json(const struct shrink_run *run)
{
    const char *file = run->options->output != NULL ? run->options->output : run->options->file;
    return command_print_json(json_pack(
        "{s:o, s:o, s:o, s:b, s:b, s:b}", "file", command_json_text(file), "before",
        size_json(&run->report.before, run->bytes_before), "after",
        size_json(&run->report.after, run->bytes_after), "minimal", run->report.minimal,
        "certified", run->report.certified, "written", run->written));
}

/* ---- the command ----------------------------------------------------------------------------- */

static int parse(struct shrink_options *options, int argument_count, char **arguments)
{
    static const struct option known[] = { { "output", required_argument, NULL, 'o' },
                                           { "time", required_argument, NULL, 't' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argument_count, arguments, ":o:", known, NULL)) != -1;) {
        if (option == '?')
            return command_unknown_option(&command_shrink, arguments);
        if (option == ':')
            return command_misuse(&command_shrink, "%s wants a value", arguments[optind - 1]);
        options->json |= option == 'j';
        if (option == 't' && !command_duration(optarg, &options->seconds))
            return command_misuse(&command_shrink, "--time %s is no time like 500ms, 60s, 8h",
                                  optarg);
        if (option == 'o')
            options->output = optarg;
        if (option == 'o' && optarg[0] == '\0')
            return command_misuse(&command_shrink, "-o wants the name of a file");
    }
    if (optind + 1 != argument_count)
        return command_misuse(&command_shrink, "wants one schedule file");
    options->file = arguments[optind];
    return 0;
}

static int shrink_file(struct shrink_run *run)
{
    int failed = choose_path(run);
    if (failed == 0)
        failed = make_smaller(run);
    if (failed == 0)
        failed = put_in_place(run);
    if (run->temporary[0] != '\0')
        unlink(run->temporary); /* gone already where it is in its place */
    if (failed != 0)
        return failed;
    if (run->options->json)
        return print_json(run);
    print_table(run);
    return 0;
}

static int run(int argument_count, char **arguments)
{
    struct shrink_options options = { 0 };
    struct schedule *schedule = NULL;
    int failed = parse(&options, argument_count, arguments);
    double start = tally_now();
    if (failed == 0)
        failed = load(options.file, &schedule);
    if (failed != 0)
        return failed;
    struct shrink_run run = { .options = &options,
                              .schedule = schedule,
                              .until = options.seconds > 0 ? start + options.seconds : 0 };
    int code = shrink_file(&run);
    schedule_destroy(schedule);
    return code;
}

const struct command command_shrink = {
    .name = "shrink",
    .usage = "FILE [-o FILE] [OPTIONS]",
    .summary = "Makes a saved schedule smaller: the same finding in fewer steps",
    .help = "\nLooks for an execution with the same verdict and fingerprint that has fewer\n"
            "goroutines, preemptions (a goroutine that could go on loses its turn; never more of\n"
            "them), switches and events, in this order, until no single step makes it smaller:\n"
            "1-minimal. FILE is written anew if it got smaller, once the result has replayed in a\n"
            "new process. The same FILE always gives the same result.\n\n"
            "  -o FILE      write the result there, and leave the input as it is\n"
            "  --time D     stop after that time (ms s m h d), with what it has then\n"
            "  --json       one JSON object on standard output\n\n"
            "Exit code 0: done; 3: the file does not match when it is replayed; 2: it cannot be\n"
            "read, or the result not be written.\n\n"
            "Example:\n  treadle shrink findings/new/slice/torn-header/*.sched -o small.sched\n",
    .run = run,
};
