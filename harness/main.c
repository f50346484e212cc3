/* main.c: finds the command and runs it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scheduler/check.h"
#include "../scheduler/strategy.h"
#include "../scheduler/target.h"
#include "command.h"

const struct command *const commands[] = {
    &command_list,     &command_fuzz,  &command_replay, &command_shrink, &command_trace,
    &command_outcomes, &command_check, &command_bench,  &command_corpus, &command_help,
    NULL,
};

bool command_duration(const char *text, double *ret_seconds)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = { { "ms", 1e-3 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
    char *unit;
    size_t digits = strspn(text, "0123456789.");
    double number = strtod(text, &unit);
    if (digits == 0 || unit != text + digits) /* no sign, no exponent, no other base */
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].name) == 0) {
            double seconds = number * units[i].seconds;
            if (!(seconds > 0 && seconds <= 366 * 86400.0))
                return false;
            *ret_seconds = seconds;
            return true;
        }
    return false;
}

bool command_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret_number)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < minimum || number > maximum)
        return false;
    *ret_number = number;
    return true;
}

int command_misuse(const struct command *command, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *byte = text; *byte != '\0'; byte++) /* what the user gave may be anything */
        if ((unsigned char)*byte < ' ')
            *byte = '?';
    fprintf(stderr, "treadle %s: %s; see `treadle help %s`\n", command->name, text, command->name);
    return EXIT_USAGE;
}

int command_unknown_option(const struct command *command, char *const *arguments)
{
    const char *next = arguments[optind];
    bool in_cluster = optopt != 0 && next != NULL && next[0] == '-' && next[1] != '-'
                      && strchr(next, optopt) != NULL;
    return command_misuse(command, "unknown option %s",
                          in_cluster ? next : arguments[optind - 1]);
}

int command_strategy(const struct command *command, const char *name,
                     struct portfolio *ret_portfolio)
{
    struct strategy strategy;
    bool one = strcmp(name, "portfolio") != 0;
    if (one && !strategy_find(name, &strategy))
        return command_misuse(command, "there is no strategy %s; there are portfolio, random, "
                                       "sticky, pos", name);
    *ret_portfolio = portfolio_create(one ? &strategy : NULL);
    return 0;
}

uint32_t command_jobs_default(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > 64 ? 64 : (uint32_t)cores;
}

int command_memory(const struct command *command, const char *name, enum memory_model *ret_model)
{
    if (memory_model_find(name, ret_model))
        return 0;
    return command_misuse(command, "there is no memory model %s; there are sc, tso, pso", name);
}

struct json_t *command_json_text(const char *text)
{
    json_t *json = json_string(text);
    if (json != NULL)
        return json;
    char *ascii = strdup(text);
    CHECK(ascii != NULL, ==, true);
    for (char *byte = ascii; *byte != '\0'; byte++)
        if ((unsigned char)*byte >= 0x80)
            *byte = '?';
    json = json_string(ascii);
    free(ascii);
    return json;
}

int command_print_json(struct json_t *object)
{
    int failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(object);
    if (failed != 0 || putchar('\n') == EOF || fflush(stdout) != 0) {
        fprintf(stderr, "treadle: cannot write the result: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    return 0;
}

uint32_t *command_targets(const struct command *command, char **arguments, int count,
                          uint32_t *ret_count)
{
    bool *chosen = calloc(target_count() + 1, sizeof *chosen);
    CHECK(chosen != NULL, ==, true);
    for (uint32_t t = 0; count == 0 && t < target_count(); t++)
        chosen[t] = strncmp(target_at(t)->name, "bench/", 6) != 0;
    for (int i = 0; i < count; i++) {
        bool any = false;
        for (uint32_t t = 0; t < target_count(); t++)
            if (fnmatch(arguments[i], target_at(t)->name, 0) == 0)
                chosen[t] = any = true;
        if (!any) {
            command_misuse(command, "no target is called %s; `treadle list` names them",
                           arguments[i]);
            free(chosen);
            return NULL;
        }
    }
    uint32_t *targets = calloc(target_count() + 1, sizeof *targets);
    CHECK(targets != NULL, ==, true);
    *ret_count = 0;
    for (uint32_t t = 0; t < target_count(); t++)
        if (chosen[t])
            targets[(*ret_count)++] = t;
    free(chosen);
    return targets;
}

/* ---- help ------------------------------------------------------------------------------------ */

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static void print_overview(FILE *out)
{
    fputs("Treadle explores the interleavings of concurrent C and keeps what it finds as\n"
          "schedules that replay.\n\n",
          out);
    for (size_t i = 0; commands[i] != NULL; i++)
        fprintf(out, "  treadle %-9s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`treadle help COMMAND` says more. Exit codes: 0 as declared, 1 a finding that the\n"
          "target does not expect, 2 usage or input, 3 a replay that does not match.\n",
          out);
}

static int run_help(int argument_count, char **arguments)
{
    if (argument_count < 2) {
        print_overview(stdout);
        return 0;
    }
    const struct command *command = find_command(arguments[1]);
    if (argument_count > 2)
        return command_misuse(&command_help, "takes one command, not also %s", arguments[2]);
    if (command == NULL)
        return command_misuse(&command_help, "there is no command %s", arguments[1]);
    printf("treadle %s %s\n\n%s.\n%s", command->name, command->usage, command->summary,
           command->help);
    return 0;
}

const struct command command_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "Says what Treadle does, or how one command is used",
    .help = "\nExample:\n  treadle help fuzz\n",
    .run = run_help,
};

/* Standard streams that are closed would lend their numbers to files and sockets. */
static void open_standard_streams(void)
{
    int stream;
    do
        stream = open("/dev/null", O_RDWR);
    while (stream >= 0 && stream <= STDERR_FILENO);
    if (stream >= 0)
        close(stream);
}

static char *const *command_name = (char *const[]){ "treadle", NULL };

void command_called_as(char *const *words)
{
    command_name = words;
}

char *const *command_words(void)
{
    return command_name;
}

int command_main(int argument_count, char **arguments)
{
    open_standard_streams();
    if (argument_count < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0) {
        print_overview(stdout);
        return 0;
    }
    const struct command *command = find_command(arguments[1]);
    if (command == NULL) {
        fprintf(stderr, "treadle: there is no command %s; `treadle help` names them\n",
                arguments[1]);
        return EXIT_USAGE;
    }
    for (int i = 2; i < argument_count; i++)
        if (strcmp(arguments[i], "--help") == 0) {
            char *help[] = { "help", arguments[1], NULL };
            return run_help(2, help);
        }
    int code = command->run(argument_count - 1, arguments + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "treadle %s: standard output cannot be written\n", command->name);
        return EXIT_USAGE;
    }
    return code;
}
