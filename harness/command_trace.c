/* command_trace.c: `treadle trace`: a subject driven by its own language, in one goroutine. */
#include <stdio.h>

#include "../scheduler/target.h"
#include "command.h"
#include "subject_options.h"

static int run(int argument_count, char **arguments)
{
    struct subject_options options;
    int failed = subject_options_parse(&command_trace, argument_count, arguments, &options);
    if (failed != 0)
        return failed;
    if (options.subject->trace == NULL)
        return command_misuse(&command_trace, "%s has no trace language", options.subject->name);
    int code = options.subject->trace(&options.language, stdin, stdout, stderr);
    if (!ferror(stdin))
        return code;
    fprintf(stderr, "treadle trace: standard input cannot be read\n");
    return EXIT_USAGE;
}

const struct command command_trace = {
    .name = "trace",
    .usage = "SUBJECT [--variant V] [--hash H] [--dump D]",
    .summary = "Applies operations from standard input to a subject, prints its states",
    .help = "\nFor gomap:\n"
            "  --variant V   fast64 (default), generic: map[uint64]uint64 by the functions for such\n"
            "                keys, or by those for all; float64: map[float64]uint64, keys as bits\n"
            "  --hash H      mix (default), low, blk, table\n"
            "  --dump D      full (default), digest, sum, none; sparse: sum, and a digest behind\n"
            "                every 5,000th operation\n\n"
            "Exit code 1: the trace ended inside an operation, and its last line says how:\n"
            "R FATAL by a check of the map's own, R PANIC by a panic, R WILD by an access outside\n"
            "live memory, R ENDLESS in a loop without an end. Exit code 2: a line is wrong.\n\n"
            "Example:\n  printf 'new 0\\na 1 10\\ng 1\\n' | treadle trace gomap --dump sum\n",
    .run = run,
};
