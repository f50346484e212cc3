/* subject_options.c: the options that `trace` and `outcomes` share. */
#include "subject_options.h"

#include <getopt.h>

#include "../scheduler/target.h"

#define EXECUTIONS_DEFAULT 100000u

static const struct option trace_options[] = { { "variant", required_argument, NULL, 'v' },
                                               { "hash", required_argument, NULL, 'h' },
                                               { "dump", required_argument, NULL, 'd' },
                                               { 0 } };

static const struct option outcomes_options[] = { { "variant", required_argument, NULL, 'v' },
                                                  { "hash", required_argument, NULL, 'h' },
                                                  { "strategy", required_argument, NULL, 'S' },
                                                  { "executions", required_argument, NULL, 'n' },
                                                  { "seed", required_argument, NULL, 's' },
                                                  { "time", required_argument, NULL, 't' },
                                                  { "exhaustive", no_argument, NULL, 'x' },
                                                  { 0 } };

static int take(const struct command *command, struct subject_options *options, int option,
                const char *value)
{
    switch (option) { /* the subject knows its variants, hashes and dumps */
    case 'v':
        options->language.variant = value;
        return 0;
    case 'h':
        options->language.hash = value;
        return 0;
    case 'd':
        options->language.dump = value;
        return 0;
    case 'x':
        options->exhaustive = true;
        return 0;
    case 'S':
        options->sampling = "--strategy";
        return command_strategy(command, value, &options->portfolio);
    case 't':
        if (!command_duration(value, &options->seconds))
            return command_misuse(command, "--time %s is no time like 500ms, 60s, 8h", value);
        return 0;
    case 'n':
        if (!command_number(value, 1, UINT64_C(1) << 53, &options->executions))
            return command_misuse(command, "--executions %s is no number from 1 on", value);
        return 0;
    default:
        options->sampling = "--seed";
        if (!command_number(value, 0, INT64_MAX, &options->seed))
            return command_misuse(command, "--seed %s is no number from 0 to 2^63-1", value);
        return 0;
    }
}

int subject_options_parse(const struct command *command, int argument_count, char **arguments,
                          struct subject_options *ret_options)
{
    struct subject_options options = {
        .language = { .variant = "fast64", .hash = "mix", .dump = "full" },
        .seed = 1,
        .portfolio = portfolio_create(NULL),
    };
    const struct option *known = command == &command_trace ? trace_options : outcomes_options;
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argument_count, arguments, ":", known, NULL)) != -1;) {
        if (option == '?')
            return command_unknown_option(command, arguments);
        if (option == ':')
            return command_misuse(command, "%s wants a value", arguments[optind - 1]);
        int failed = take(command, &options, option, optarg);
        if (failed != 0)
            return failed;
    }
    if (options.exhaustive && options.sampling != NULL)
        return command_misuse(command, "%s says nothing where --exhaustive makes every execution",
                              options.sampling);
    if (!options.exhaustive && options.seconds > 0)
        return command_misuse(command, "--time is for --exhaustive; --executions says how many are "
                                       "made at random");
    if (!options.exhaustive && options.executions == 0)
        options.executions = EXECUTIONS_DEFAULT;
    if (optind + 1 != argument_count)
        return command_misuse(command, "wants one subject, such as gomap");
    options.subject = subject_find(arguments[optind]);
    if (options.subject == NULL)
        return command_misuse(command, "there is no subject %s", arguments[optind]);
    *ret_options = options;
    return 0;
}
