/* command_check.c: `treadle check`. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../scheduler/target.h"
#include "checkpoint.h"
#include "command.h"
#include "exploration.h"
#include "exploration_status.h"
#include "keep.h"
#include "report.h"
#include "table.h"

struct check_options {
    struct exploration_options exploration;
    const char *resume; /* file, or NULL */
    bool json;
};

/* ---- the result ------------------------------------------------------------------------------ */

/* Why a target is not complete; NULL if it is. */
static const char *what_is_missing(const struct check_options *options,
                                   const struct exploration *exploration,
                                   const struct exploration_target *target)
{
    uint64_t limit = options->exploration.executions;
    if (exploration_is_complete(target))
        return NULL;
    if (target->error[0] != '\0')
        return "an error";
    if (target->nondeterminism[0] != '\0')
        return "nondeterministic";
    if (target->frontier.count > 0 && limit > 0 && target->tally.executions >= limit)
        return "so many executions were wanted";
    if (target->frontier.count > 0)
        return exploration->interrupted ? "interrupted"
               : exploration->unsaved   ? "its checkpoint cannot be written"
                                        : "time is over";
    if (target->cut > 0)
        return target->preemptions < 0 || strcmp(options->exploration.parameters.memory, "sc") == 0
                   ? "--unroll cut executions off"
                   : "records (README, Limits) or --unroll";
    return target->tally.verdicts[TREADLE_TIMEOUT] > 0
               ? "timeouts cut executions off; try --unroll"
               : "crashes cut executions off";
}

/* What went wrong with a target, exploring it or keeping its findings; "" if nothing did. */
static const char *what_went_wrong(const struct exploration_target *target)
{
    return target->error[0] != '\0' ? target->error : target->keep_error;
}

static double rate_of(const struct exploration_target *target)
{
    return target->seconds > 0 ? (double)target->tally.executions / target->seconds : 0;
}

static json_t *estimate_json(const struct exploration_target *target)
{
    double low, high;
    if (!exploration_range(target, &low, &high))
        return json_null();
    return json_pack("{s:f, s:f}", "low", low, "high", high);
}

/* {PATH: {"preemptions": N, "certified": true}}; without N where no such execution was sought. */
static json_t *fewest_json(const struct check_options *options,
                           const struct exploration_target *target)
{
    json_t *all = json_object();
    for (uint32_t i = 0; i < target->findings.count; i++) {
        const struct finding_kept *kept = &target->findings.items[i];
        char path[4096];
        keep_path(options->exploration.directory, target_at(target->index), &kept->finding, path,
                  sizeof path);
        bool known = kept->finding.preemptions != PREEMPTIONS_UNKNOWN;
        if (kept->kept)
            json_object_set_new(
                all, path,
                json_pack("{s:o, s:b}", "preemptions",
                          known ? json_integer((json_int_t)kept->finding.preemptions) : json_null(),
                          "certified", kept->certified));
    }
    return all;
}

static json_t *target_json(const struct check_options *options,
                           const struct exploration *exploration,
                           const struct exploration_target *target)
{
    const struct treadle_target *known = target_at(target->index);
    const struct tally *tally = &target->tally;
    const char *missing = what_is_missing(options, exploration, target);
    json_t *json = json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:f, s:f, s:o, s:o, s:o, s:o}", "target", known->name,
        "memory", options->exploration.parameters.memory, "complete", missing == NULL,
        "executions", (json_int_t)tally->executions, "blocked",
        (json_int_t)target->blocked, "steps", (json_int_t)tally->steps, "seconds", target->seconds,
        "executions_per_second", rate_of(target), "verdicts", report_verdicts_json(tally),
        "detected", report_go_json(known, tally->detected), "silent",
        report_go_json(known, tally->silent), "findings",
        report_findings_json(options->exploration.directory, known, &target->findings));
    json_object_set_new(json, "preemptions", target->preemptions >= 0
                                                 ? json_integer((json_int_t)target->preemptions)
                                                 : json_null());
    json_object_set_new(json, "limited", json_boolean(target->limited));
    json_object_set_new(json, "repeated", json_integer((json_int_t)target->repeated));
    json_object_set_new(json, "fewest_preemptions", fewest_json(options, target));
    json_object_set_new(json, "incomplete",
                        missing != NULL ? json_string(missing) : json_null());
    json_object_set_new(json, "nondeterminism", target->nondeterminism[0] != '\0'
                                                    ? command_json_text(target->nondeterminism)
                                                    : json_null());
    json_object_set_new(json, "estimate", estimate_json(target));
    json_object_set_new(json, "error", report_error_json(what_went_wrong(target)));
    return json;
}

static int print_json(const struct check_options *options, const struct exploration *exploration)
{
    json_t *targets = json_array();
    for (uint32_t i = 0; i < exploration->target_count; i++)
        json_array_append_new(targets,
                              target_json(options, exploration, &exploration->targets[i]));
    return command_print_json(json_pack("{s:o}", "targets", targets));
}

static void print_fewest(const struct finding_kept *kept)
{
    uint32_t preemptions = kept->finding.preemptions;
    if (preemptions != PREEMPTIONS_UNKNOWN)
        printf("        needs %u preemption%s%s\n", preemptions, preemptions == 1 ? "" : "s",
               kept->certified ? ", no execution with fewer shows it"
                               : " at most; not all executions with fewer were made");
}

/* What stands below a target's row. */
static void print_details(const struct check_options *options,
                          const struct exploration_target *target)
{
    const struct treadle_target *known = target_at(target->index);
    const struct tally *tally = &target->tally;
    char total[96];
    exploration_status_total(target, total, sizeof total);
    if (total[0] != '\0')
        printf("%52sof %s executions\n", "", total);
    if (tally_seen(tally) != 0) {
        printf("%52s", "");
        report_print_verdicts(known, tally);
    }
    if (known->go_semantics && tally_seen(tally) != 0 && tally->executions > 0)
        printf("%52sdetected %.1f %%, silent %.1f %%\n", "",
               100 * (double)tally->detected / (double)tally->executions,
               100 * (double)tally->silent / (double)tally->executions);
    for (uint32_t i = 0; i < target->findings.count; i++) {
        char path[4096];
        keep_path(options->exploration.directory, known, &target->findings.items[i].finding, path,
                  sizeof path);
        if (target->findings.items[i].kept)
            printf("    %s\n", path);
        if (target->findings.items[i].kept)
            print_fewest(&target->findings.items[i]);
    }
    if (target->nondeterminism[0] != '\0')
        printf("    nondeterministic: %s\n", target->nondeterminism);
    if (what_went_wrong(target)[0] != '\0')
        printf("    error: %s\n", what_went_wrong(target));
}

static void print_table(const struct check_options *options, const struct exploration *exploration)
{
    bool unexpected = false, kept = false;
    printf("%-28s %12s %8s  %s\n", "target", "executions", "time",
           "verdicts (executions that showed them)");
    for (uint32_t i = 0; i < exploration->target_count; i++) {
        const struct exploration_target *target = &exploration->targets[i];
        const char *missing = what_is_missing(options, exploration, target);
        char executions[32], seconds[16];
        table_count((double)target->tally.executions, executions, sizeof executions);
        if (target->seconds < 100)
            snprintf(seconds, sizeof seconds, "%.2f s", target->seconds);
        else
            table_duration(target->seconds, seconds, sizeof seconds);
        char bound[48] = "";
        if (target->limited || (target->preemptions >= 0 && missing != NULL))
            snprintf(bound, sizeof bound, " up to %lld preemption%s",
                     (long long)target->preemptions, target->preemptions == 1 ? "" : "s");
        printf("%-28s %12s %8s  %s%s%s%s%s\n", target_at(target->index)->name, executions, seconds,
               missing == NULL ? "complete" : "incomplete", bound, missing == NULL ? "" : ": ",
               missing == NULL ? "" : missing,
               tally_seen(&target->tally) == 0 ? ", no finding" : "");
        print_details(options, target);
        unexpected |= report_is_unexpected(target_at(target->index), &target->tally);
        for (uint32_t f = 0; f < target->findings.count; f++)
            kept |= target->findings.items[f].kept;
    }
    if (unexpected)
        puts("\nA verdict marked ! is one that its target does not expect.");
    if (kept)
        puts("\n`treadle replay --trace FILE` shows what happens in a finding.");
}

static int exit_code(const struct exploration *exploration)
{
    int code = EXIT_AS_DECLARED;
    for (uint32_t i = 0; i < exploration->target_count; i++) {
        const struct exploration_target *target = &exploration->targets[i];
        const struct treadle_target *known = target_at(target->index);
        if (what_went_wrong(target)[0] != '\0') {
            fprintf(stderr, "treadle check: %s: %s\n", known->name, what_went_wrong(target));
            return EXIT_USAGE;
        }
        if (report_is_unexpected(known, &target->tally))
            code = EXIT_FINDING;
    }
    return code;
}

/* ---- the command line ------------------------------------------------------------------------ */

static int parse_memory(struct exploration_parameters *parameters, const char *value)
{
    if (strcmp(value, "rc11") == 0)
        return command_misuse(&command_check, "--memory rc11 is for fuzz only");
    int failed = command_memory(&command_check, value, &parameters->scheduler.memory);
    parameters->memory = memory_model_name(parameters->scheduler.memory);
    return failed;
}

static int parse_preemptions(struct exploration_parameters *parameters, const char *value)
{
    uint64_t number = 0;
    parameters->deepen = strcmp(value, "auto") == 0;
    if (!parameters->deepen && !command_number(value, 0, 1000, &number))
        return command_misuse(&command_check,
                              "--preemptions %s is no number from 0 to 1000, and not auto", value);
    parameters->preemptions = (int64_t)number;
    return 0;
}

/* What comes to light only when it is written, but for this, would do so after a while. */
static int parse_checkpoint(struct exploration_options *exploration, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return command_misuse(&command_check, "--checkpoint %s is a folder and no file", path);
    exploration->checkpoint = path;
    return 0;
}

static int parse_option(struct check_options *options, int option, const char *value)
{
    struct exploration_options *exploration = &options->exploration;
    uint64_t number;
    switch (option) {
    case 't':
        if (!command_duration(value, &exploration->seconds))
            return command_misuse(&command_check, "--time %s is no time like 500ms, 60s, 8h",
                                  value);
        return 0;
    case 'n':
        if (!command_number(value, 1, UINT64_C(1) << 53, &exploration->executions))
            return command_misuse(&command_check, "--executions %s is no number from 1 on", value);
        return 0;
    case 'J':
        if (!command_number(value, 1, EXPLORATION_JOBS_MAX, &number))
            return command_misuse(&command_check, "--jobs %s is no number from 1 to 256", value);
        exploration->jobs = (uint32_t)number;
        return 0;
    case 'M':
        return parse_memory(&exploration->parameters, value);
    case 'p':
        return parse_preemptions(&exploration->parameters, value);
    case 'u':
        if (!command_number(value, 1, UINT32_MAX, &number))
            return command_misuse(&command_check, "--unroll %s is no number from 1 on", value);
        exploration->parameters.scheduler.unroll = (uint32_t)number;
        return 0;
    case 'c':
    case 'R':
        if (value[0] == '\0')
            return command_misuse(&command_check, "%s wants the name of a file",
                                  option == 'c' ? "--checkpoint" : "--resume");
        if (option == 'c')
            return parse_checkpoint(exploration, value);
        options->resume = value;
        return 0;
    case 'o':
        if (value[0] == '\0')
            return command_misuse(&command_check, "--out wants the name of a directory");
        exploration->directory = value;
        return 0;
    default:
        options->json = true;
        return 0;
    }
}

static int parse(struct check_options *options, int argument_count, char **arguments)
{
    static const struct option known[] = { { "memory", required_argument, NULL, 'M' },
                                           { "preemptions", required_argument, NULL, 'p' },
                                           { "unroll", required_argument, NULL, 'u' },
                                           { "time", required_argument, NULL, 't' },
                                           { "executions", required_argument, NULL, 'n' },
                                           { "jobs", required_argument, NULL, 'J' },
                                           { "checkpoint", required_argument, NULL, 'c' },
                                           { "resume", required_argument, NULL, 'R' },
                                           { "out", required_argument, NULL, 'o' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argument_count, arguments, ":", known, NULL)) != -1;) {
        if (option == '?')
            return command_unknown_option(&command_check, arguments);
        if (option == ':')
            return command_misuse(&command_check, "%s wants a value", arguments[optind - 1]);
        int failed = parse_option(options, option, optarg);
        if (failed != 0)
            return failed;
    }
    return 0;
}

/* The exploration to go on with: that of the file, which must be of the targets named, if any. */
static struct exploration *resume(const struct check_options *options, const uint32_t *targets,
                                  uint32_t count, bool named)
{
    char error[300];
    struct exploration *exploration = checkpoint_read(
        options->resume, &options->exploration.parameters, error, sizeof error);
    if (exploration == NULL) {
        fprintf(stderr, "treadle check: %s\n", error);
        return NULL;
    }
    bool same = !named || exploration->target_count == count;
    for (uint32_t i = 0; same && named && i < count; i++)
        same = exploration->targets[i].index == targets[i];
    if (same)
        return exploration;
    const char *first = exploration->target_count > 0
                            ? target_at(exploration->targets[0].index)->name
                            : "nothing";
    fprintf(stderr, "treadle check: %.150s: it is a checkpoint of %s%s, not of what is named\n",
            options->resume, first, exploration->target_count > 1 ? " and others" : "");
    exploration_destroy(exploration);
    return NULL;
}

static int run(int argument_count, char **arguments)
{
    struct check_options options = {
        .exploration = { .parameters = { .scheduler = { .exploring = true },
                                         .memory = "sc",
                                         .preemptions = -1 },
                         .jobs = command_jobs_default(),
                         .directory = "findings/new" },
    };
    uint32_t count;
    int failed = parse(&options, argument_count, arguments);
    if (failed != 0)
        return failed;
    int named = argument_count - optind;
    uint32_t *targets = command_targets(&command_check, arguments + optind, named, &count);
    if (targets == NULL)
        return EXIT_USAGE;
    struct exploration *exploration = options.resume != NULL
                                          ? resume(&options, targets, count, named > 0)
                                          : exploration_create(targets, count,
                                                               &options.exploration.parameters);
    free(targets);
    if (exploration == NULL)
        return EXIT_USAGE;
    char error[300] = "";
    options.exploration.start = tally_now();
    failed = exploration_run(exploration, &options.exploration, error, sizeof error);
    int code = exit_code(exploration);
    if (!options.json)
        print_table(&options, exploration);
    else if (print_json(&options, exploration) != 0)
        code = EXIT_USAGE;
    if (failed != 0) {
        fprintf(stderr, "treadle check: %s\n", error);
        code = EXIT_USAGE;
    }
    exploration_destroy(exploration);
    return code;
}

const struct command command_check = {
    .name = "check",
    .usage = "[TARGET...] [OPTIONS]",
    .summary = "Executes targets in every way that matters, once, and says when that is all",
    .help =
        "\nTARGET may be a glob; without one, every target but bench/* is checked. Of executions\n"
        "that differ only in the order of steps that do not touch each other, one is made.\n"
        "\"complete\" means that there is no other one.\n\n"
        "  --memory M         sc (default), tso (x86's store buffers), pso\n"
        "  --preemptions N    only schedules in which a goroutine that could go on loses its turn\n"
        "                     at most N times; auto: 0, then 1, then 2, ... as long as it limits\n"
        "  --unroll N         nobody executes one place of the code more than N times: for loops\n"
        "                     without end; what that cuts off is never complete\n"
        "  --time D           wall clock of the whole run, shared among the targets (ms s m h d)\n"
        "  --executions N     executions of each target; whichever ends first; without either, it\n"
        "                     goes on until all is done or Ctrl-C ends it\n"
        "  --jobs N           processes; default: one for each core\n"
        "  --checkpoint F     write down every 10 seconds, and at the end, how far it is\n"
        "  --resume F         go on from there, with the same program and options (one that\n"
        "                     treadle-cc has linked: in the same environment, too)\n"
        "  --out DIR          where findings go; default findings/new\n"
        "  --json             one JSON object on standard output\n\n"
        "What is not complete says why, and how many executions there are, as a range in which\n"
        "the number lies most of the time. Findings are kept as `fuzz` keeps them.\n\n"
        "Example:\n  treadle check gomap/insert-insert --checkpoint insert.checkpoint\n",
    .run = run,
};
