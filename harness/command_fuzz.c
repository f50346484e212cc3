/* command_fuzz.c: `treadle fuzz`. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/target.h"
#include "campaign_turns.h"
#include "command.h"
#include "engine_afl_run.h"
#include "keep.h"
#include "report.h"
#include "table.h"

#define SECONDS_DEFAULT 60.0

struct fuzz_options {
    struct campaign_options campaign;
    const char *strategy; /* its name */
    char engines[32];     /* theirs, where there are others than our own */
    bool json, require;
};

/* ---- the result ------------------------------------------------------------------------------ */

static json_t *verdict_firsts(const struct tally *tally)
{
    json_t *firsts = json_object();
    for (uint32_t i = TREADLE_OK + 1; i < TREADLE_VERDICT_COUNT; i++)
        if (tally->first[i] > 0)
            json_object_set_new(firsts, verdict_name((enum treadle_verdict)i),
                                json_pack("{s:I, s:f}", "execution", (json_int_t)tally->first[i],
                                          "seconds", tally->first_seconds[i]));
    return firsts;
}

static json_t *target_json(const struct fuzz_options *options,
                           const struct campaign_target *target)
{
    const struct treadle_target *known = target_at(target->index);
    const struct tally *tally = &target->tally;
    double rate = tally->seconds > 0 ? (double)tally->executions / tally->seconds : 0;
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:I, s:f, s:f, s:I, s:o, s:o, s:o}", "target", known->name, "strategy",
        options->strategy, "memory", memory_model_name(options->campaign.plan.memory), "executions",
        (json_int_t)tally->executions, "seconds", tally->seconds, "executions_per_second", rate,
        "steps", (json_int_t)tally->steps, "verdicts", report_verdicts_json(tally), "first",
        verdict_firsts(tally), "findings",
        report_findings_json(options->campaign.directory, known, &target->findings));
    json_object_set_new(json, "detected", report_go_json(known, tally->detected));
    json_object_set_new(json, "silent", report_go_json(known, tally->silent));
    json_object_set_new(json, "error", report_error_json(target->error));
    return json;
}

static int print_json(const struct fuzz_options *options, const struct campaign_result *result)
{
    json_t *targets = json_array();
    for (uint32_t i = 0; i < result->target_count; i++)
        json_array_append_new(targets, target_json(options, &result->targets[i]));
    return command_print_json(json_pack("{s:I, s:f, s:o}", "seed",
                                        (json_int_t)options->campaign.plan.seed, "seconds",
                                        result->seconds, "targets", targets));
}

static void print_target(const struct campaign_target *target)
{
    const struct treadle_target *known = target_at(target->index);
    const struct tally *tally = &target->tally;
    char executions[16], rate[16];
    table_number((double)tally->executions, executions, sizeof executions);
    table_number(tally->seconds > 0 ? (double)tally->executions / tally->seconds : 0, rate,
                 sizeof rate);
    printf("%-28s %10s %10s  ", known->name, executions, rate);
    if (tally_seen(tally) == 0)
        puts(tally->executions > 0 ? "ok" : "-");
    else
        report_print_verdicts(known, tally);
    if (target->error[0] != '\0')
        printf("    error: %s\n", target->error);
}

/* What is missing of what the target must show. */
static void print_unmet(const struct campaign_target *target)
{
    const struct treadle_target *known = target_at(target->index);
    for (uint32_t i = 0; i < known->requirement_count; i++) {
        const struct treadle_requirement *requirement = &known->requires[i];
        if (target->tally.requirements[i] > 0)
            continue;
        printf("missing: %s must show %s%s", known->name, verdict_name(requirement->verdict),
               requirement->silent ? " silently" : "");
        if (requirement->rule != NULL)
            printf(" (%s)", requirement->rule);
        putchar('\n');
    }
}

static void print_table(const struct fuzz_options *options, const struct campaign_result *result)
{
    uint32_t kept = 0;
    const char *example = NULL;
    char path[4096];
    printf("%-28s %10s %10s  %s\n", "target", "executions", "per second",
           "verdicts (executions that showed them)");
    for (uint32_t i = 0; i < result->target_count; i++) {
        const struct campaign_target *target = &result->targets[i];
        print_target(target);
        for (uint32_t f = 0; f < target->findings.count; f++)
            if (target->findings.items[f].kept && ++kept == 1) {
                keep_path(options->campaign.directory, target_at(target->index),
                          &target->findings.items[f].finding, path, sizeof path);
                example = path;
            }
    }
    if (options->require)
        for (uint32_t i = 0; i < result->target_count; i++)
            print_unmet(&result->targets[i]);
    printf("\n%s after %.1f s, seed %llu.", result->interrupted ? "Interrupted" : "Done",
           result->seconds, (unsigned long long)options->campaign.plan.seed);
    if (kept > 0) {
        printf(" %u findings in %s/. See one:\n ", kept, options->campaign.directory);
        for (char *const *word = command_words(); *word != NULL; word++)
            printf(" %s", *word);
        printf(" replay --trace %s\n", example);
    } else {
        puts(" No findings.");
    }
    bool unexpected = false;
    for (uint32_t i = 0; i < result->target_count; i++)
        unexpected |= report_is_unexpected(target_at(result->targets[i].index),
                                           &result->targets[i].tally);
    if (unexpected)
        puts("A verdict marked ! is one that its target does not expect.");
}

static int exit_code(const struct fuzz_options *options, const struct campaign_result *result)
{
    int code = EXIT_AS_DECLARED;
    for (uint32_t i = 0; i < result->target_count; i++) {
        const struct campaign_target *target = &result->targets[i];
        bool missing = options->require
                       && tally_unmet(&target->tally, target_at(target->index)) > 0;
        if (target->error[0] != '\0') {
            if (!target->error_said)
                fprintf(stderr, "treadle fuzz: %s: %s\n", target_at(target->index)->name,
                        target->error);
            return EXIT_USAGE;
        }
        if (report_is_unexpected(target_at(target->index), &target->tally) || missing)
            code = EXIT_FINDING;
    }
    return code;
}

/* ---- the command line ------------------------------------------------------------------------ */

/* The package without which the engine was not built in; NULL if it is there. */
static const char *missing_package(enum campaign_engine engine)
{
    if (engine == ENGINE_LIBFUZZER && engine_libfuzzer_serve == NULL)
        return "libclang-rt-14-dev";
    return engine == ENGINE_AFL && !engine_afl_is_there() ? "afl++" : NULL;
}

/* Returns 0, or the exit code where there is no such engine in this program. */
static int add_engine(struct campaign_options *campaign, const char *name)
{
    enum campaign_engine engine = 0;
    if (strcmp(name, "all") == 0) {
        for (enum campaign_engine i = 0; i < ENGINE_COUNT; i++)
            campaign->engines |= (missing_package(i) == NULL ? 1u : 0u) << i;
        return 0;
    }
    while (engine < ENGINE_COUNT && strcmp(name, turns_engine_name(engine)) != 0)
        engine++;
    if (engine == ENGINE_COUNT)
        return command_misuse(&command_fuzz, "there is no engine %s (own, libfuzzer, afl, all)",
                              name);
    const char *package = missing_package(engine);
    if (package != NULL)
        return command_misuse(&command_fuzz, "--engine %s wants a program that was built where "
                                             "package %s was installed", name, package);
    campaign->engines |= 1u << engine;
    return 0;
}

static int parse_engines(struct fuzz_options *options, const char *value)
{
    struct campaign_options *campaign = &options->campaign;
    char text[64];
    campaign->engines = 0;
    if ((size_t)snprintf(text, sizeof text, "%s", value) >= sizeof text)
        return command_misuse(&command_fuzz, "--engine %.40s... is no list of engines", value);
    char *rest = text;
    int failed = 0;
    for (char *name; failed == 0 && (name = strsep(&rest, ",")) != NULL;)
        failed = add_engine(campaign, name);
    return failed;
}

static int parse_feedback(struct campaign_options *campaign, const char *value)
{
    static const struct {
        const char *name;
        uint32_t kinds;
    } known[] = { { "all", FEEDBACK_ALL },
                  { "none", 0 },
                  { "reads-from", FEEDBACK_READS_FROM },
                  { "conflicts", FEEDBACK_CONFLICTS },
                  { "sync", FEEDBACK_SYNCHRONISATION },
                  { "states", FEEDBACK_STATES } };
    char text[64];
    if ((size_t)snprintf(text, sizeof text, "%s", value) >= sizeof text)
        return command_misuse(&command_fuzz, "--feedback %.40s... is no list of feedback", value);
    campaign->plan.search.kinds = 0;
    char *rest = text;
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] && strcmp(known[i].name, name) != 0)
            i++;
        if (i == sizeof known / sizeof known[0])
            return command_misuse(&command_fuzz, "there is no feedback %s (reads-from, conflicts, "
                                                 "sync, states, all, none)", name);
        campaign->plan.search.kinds |= known[i].kinds;
    }
    campaign->plan.search.without_feedback = campaign->plan.search.kinds == 0;
    return 0;
}

static int parse_option(struct fuzz_options *options, int option, const char *value)
{
    struct campaign_options *campaign = &options->campaign;
    uint64_t number;
    switch (option) {
    case 't':
        if (!command_duration(value, &campaign->seconds))
            return command_misuse(&command_fuzz, "--time %s is no time like 500ms, 60s, 8h", value);
        return 0;
    case 'n':
        if (!command_number(value, 1, UINT64_C(1) << 53, &campaign->executions))
            return command_misuse(&command_fuzz, "--executions %s is no number from 1 on", value);
        return 0;
    case 's':
        if (!command_number(value, 0, INT64_MAX, &campaign->plan.seed))
            return command_misuse(&command_fuzz, "--seed %s is no number from 0 to 2^63-1", value);
        return 0;
    case 'J':
        if (!command_number(value, 1, 256, &number))
            return command_misuse(&command_fuzz, "--jobs %s is no number from 1 to 256", value);
        campaign->jobs = (uint32_t)number;
        return 0;
    case 'S':
        options->strategy = value;
        campaign->plan.greybox = false;
        return command_strategy(&command_fuzz, value, &campaign->plan.portfolio);
    case 'M':
        return command_memory(&command_fuzz, value, &campaign->plan.memory);
    case 'E':
        return parse_engines(options, value);
    case 'F':
        return parse_feedback(campaign, value);
    case 'o':
        if (value[0] == '\0')
            return command_misuse(&command_fuzz, "--out wants the name of a directory");
        campaign->directory = value;
        campaign->lasting = true;
        return 0;
    default:
        return EXIT_USAGE;
    }
}

/* Names the engines, if there are others than our own, in the strategy's place. */
static int check_engines(struct fuzz_options *options)
{
    struct campaign_options *campaign = &options->campaign;
    if (!campaign->plan.greybox && campaign->plan.search.kinds != FEEDBACK_ALL)
        return command_misuse(&command_fuzz, "--feedback is for the default strategy: others do "
                                             "not go by what is new");
    if (campaign->engines == 1u << ENGINE_OWN)
        return 0;
    if (campaign->plan.twice)
        return command_misuse(&command_fuzz, "--twice is for our own engine alone");
    if (!campaign->plan.greybox)
        return command_misuse(&command_fuzz, "--strategy is for our own engine alone: others have "
                                             "one of their own");
    for (enum campaign_engine i = 0; i < ENGINE_COUNT; i++)
        if (campaign->engines >> i & 1)
            snprintf(options->engines + strlen(options->engines),
                     sizeof options->engines - strlen(options->engines), "%s%s",
                     options->engines[0] != '\0' ? "," : "", turns_engine_name(i));
    options->strategy = options->engines;
    return 0;
}

static int parse(struct fuzz_options *options, int argument_count, char **arguments)
{
    static const struct option known[] = { { "time", required_argument, NULL, 't' },
                                           { "executions", required_argument, NULL, 'n' },
                                           { "seed", required_argument, NULL, 's' },
                                           { "strategy", required_argument, NULL, 'S' },
                                           { "engine", required_argument, NULL, 'E' },
                                           { "feedback", required_argument, NULL, 'F' },
                                           { "memory", required_argument, NULL, 'M' },
                                           { "jobs", required_argument, NULL, 'J' },
                                           { "out", required_argument, NULL, 'o' },
                                           { "stop-on-first", no_argument, NULL, 'f' },
                                           { "require", no_argument, NULL, 'r' },
                                           { "twice", no_argument, NULL, 'w' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argument_count, arguments, ":", known, NULL)) != -1;) {
        int failed = 0;
        if (option == '?')
            return command_unknown_option(&command_fuzz, arguments);
        if (option == ':')
            return command_misuse(&command_fuzz, "%s wants a value", arguments[optind - 1]);
        if (option == 'f')
            options->campaign.plan.stop_on_first = true;
        else if (option == 'r')
            options->require = true;
        else if (option == 'w')
            options->campaign.plan.twice = true;
        else if (option == 'j')
            options->json = true;
        else
            failed = parse_option(options, option, optarg);
        if (failed != 0)
            return failed;
    }
    if (options->campaign.seconds == 0 && options->campaign.executions == 0)
        options->campaign.seconds = SECONDS_DEFAULT;
    return check_engines(options);
}

static int run(int argument_count, char **arguments)
{
    struct fuzz_options options = { .campaign = { .plan = { .seed = 1,
                                                            .portfolio = portfolio_create(NULL),
                                                            .greybox = true,
                                                            .search = { .kinds = FEEDBACK_ALL } },
                                                  .jobs = command_jobs_default(),
                                                  .engines = 1u << ENGINE_OWN,
                                                  .directory = "findings/new" },
                                    .strategy = "portfolio" };
    int failed = parse(&options, argument_count, arguments);
    if (failed != 0)
        return failed;
    uint32_t *targets = command_targets(&command_fuzz, arguments + optind,
                                        argument_count - optind, &options.campaign.target_count);
    if (targets == NULL)
        return EXIT_USAGE;
    options.campaign.targets = targets;
    options.campaign.strategy = options.strategy;
    options.campaign.plan.start = tally_now();
    struct campaign_result *result = campaign_run(&options.campaign);
    free(targets);
    if (result == NULL && errno == EWOULDBLOCK) {
        fprintf(stderr, "treadle fuzz: another campaign is at work in %.200s\n",
                options.campaign.directory);
        return EXIT_USAGE;
    }
    if (result == NULL) {
        fprintf(stderr, "treadle fuzz: no process could be started, or no folder made: %s\n",
                strerror(errno));
        return EXIT_USAGE;
    }
    int code = exit_code(&options, result);
    if (!options.json)
        print_table(&options, result);
    else if (print_json(&options, result) != 0)
        code = EXIT_USAGE;
    campaign_destroy(result);
    return code;
}

const struct command command_fuzz = {
    .name = "fuzz",
    .usage = "[TARGET...] [OPTIONS]",
    .summary = "Executes targets under ever new interleavings and keeps what it finds",
    .help =
        "\nTARGET may be a glob; without one, every target but bench/* is fuzzed.\n\n"
        "  --time 60s         wall clock of the whole run, shared among the targets (ms s m h d)\n"
        "  --executions N     executions of each target, those of earlier runs on DIR among\n"
        "                     them (about so many, by AFL++); whichever ends first\n"
        "  --seed N           default 1; the same seed and --executions give the same counts\n"
        "  --strategy S       portfolio (default: what was new is varied), random, sticky, pos,\n"
        "                     pct (pct:5 for depth 5)\n"
        "  --memory M         sc (default), tso (x86's store buffers), pso\n"
        "  --engine E,...     own (default); libfuzzer, afl: where these were there when Treadle was\n"
        "                     built (packages libclang-rt-14-dev, afl++); all: each that there\n"
        "                     is. They share findings, corpus and time, by what each finds; what\n"
        "                     is executed then depends on time\n"
        "  --feedback K,...   what makes an execution worth varying: reads-from, conflicts, sync,\n"
        "                     states (default: all of them), none\n"
        "  --jobs N           processes; default: one for each core\n"
        "  --out DIR          a campaign that lasts: DIR holds its findings, saved as soon as\n"
        "                     they are found, its corpus, status.json and report.html; started\n"
        "                     again on DIR it goes on. Without --out findings alone are kept\n"
        "                     (findings/new)\n"
        "  --stop-on-first    leave a target at its first finding\n"
        "  --require          exit 1 also if a verdict that a target must show was not found\n"
        "  --twice            run each execution again and report any difference\n"
        "  --json             one JSON object on standard output\n\n"
        "A finding is shrunk as far as that is quickly done (`treadle shrink` goes to the end)\n"
        "and replayed twice, once in a new process, before it is saved. To keep one as a\n"
        "regression test, move its file to findings/TARGET/.\n\n"
        "Example:\n  treadle fuzz 'gomap/*' --time 30s --require\n"
        "  treadle fuzz --time 8h --out night     # in the morning: night/report.html\n",
    .run = run,
};
