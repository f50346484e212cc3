/* command.h: the commands of the program, one file each (command_NAME.c). */
#ifndef TREADLE_COMMAND_H
#define TREADLE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "../scheduler/memory_model.h"

/* Exit codes, promised. */
enum {
    EXIT_AS_DECLARED = 0, /* nothing unexpected was found; all replays match */
    EXIT_FINDING = 1,     /* a verdict outside `expects`, or a required one is missing */
    EXIT_USAGE = 2,       /* usage, input, or a failure of the world */
    EXIT_MISMATCH = 3,    /* a replay does not match */
};

struct command {
    const char *name;
    const char *usage;   /* what stands behind the name */
    const char *summary; /* one line */
    const char *help;    /* the rest, with an example */
    int (*run)(int argument_count, char **arguments); /* arguments[0] is the name */
};

extern const struct command command_list, command_fuzz, command_replay, command_trace,
    command_outcomes, command_check, command_shrink, command_bench, command_corpus,
    command_help;

/* All commands, in the order of help; ends with NULL. */
extern const struct command *const commands[];

/* Runs the command that arguments[1] names; returns the exit code. */
int command_main(int argument_count, char **arguments);

/* With which words this program's commands are called: "treadle", or "./program" "--treadle". NULL
 * stands behind the last; they are kept. */
void command_called_as(char *const *words);
char *const *command_words(void);

/* Reads "60s", "500ms", "2m", "8h", "1d" as seconds. False if it is nothing of the kind. */
bool command_duration(const char *text, double *ret_seconds);

/* Reads a whole number from minimum to maximum. False if it is none. */
bool command_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret_number);

/* How many processes a command uses: one for each core. */
uint32_t command_jobs_default(void);

struct portfolio;

/* Reads the value of --strategy. Returns 0, or EXIT_USAGE after a message. */
int command_strategy(const struct command *command, const char *name,
                     struct portfolio *ret_portfolio);

/* Reads the value of --memory. Returns 0, or EXIT_USAGE after a message. */
int command_memory(const struct command *command, const char *name, enum memory_model *ret_model);

/* After getopt_long has refused an option: says which. Returns EXIT_USAGE. */
int command_unknown_option(const struct command *command, char *const *arguments);

/* Prints "treadle NAME: MESSAGE; see `treadle help NAME`" to standard error. Returns EXIT_USAGE. */
int command_misuse(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct json_t;

/* Text as a JSON string; bytes that are no UTF-8 become '?'. */
struct json_t *command_json_text(const char *text);

/* Prints a JSON object on standard output, ends the line, and releases it. A struct json_t of
 * jansson. Returns 0, or EXIT_USAGE with a message if it could not be written. */
int command_print_json(struct json_t *object);

/* The targets that arguments name, each a name or a glob ("gomap" + "/" + "*"); every target but
 * bench's if count is 0. Returns an array to be freed, sorted and without repeats, or NULL after
 * a message when one names none. */
uint32_t *command_targets(const struct command *command, char **arguments, int count,
                          uint32_t *ret_count);

#endif
