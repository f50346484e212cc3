/* subject_options.h: the options that `trace` and `outcomes` share. */
#ifndef TREADLE_SUBJECT_OPTIONS_H
#define TREADLE_SUBJECT_OPTIONS_H

#include <stdint.h>

#include "../scheduler/treadle.h"
#include "../scheduler/strategy.h"
#include "command.h"

struct subject_options {
    const struct treadle_subject *subject;
    struct treadle_options language;
    struct portfolio portfolio; /* outcomes only, as the next three */
    uint64_t executions; /* exhaustive: at most; 0 = no limit */
    uint64_t seed;
    const char *sampling; /* an option given that decides which executions are made, or NULL */
    bool exhaustive; /* all executions, once each, instead of these three */
    double seconds;  /* exhaustive: wall clock; 0 = no limit */
};

/* Reads the command line of trace or outcomes (the latter takes strategy, executions and seed
 * too). Returns 0, or EXIT_USAGE after a message. */
int subject_options_parse(const struct command *command, int argument_count, char **arguments,
                          struct subject_options *ret_options);

#endif
