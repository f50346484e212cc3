/* program_main.c: where a program that treadle-cc has linked begins. `--treadle` among its
 * arguments parts its own from a command of Treadle's, which has one target: the program. Without
 * it the program runs as it would anywhere, on real threads. */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scheduler/check.h"
#include "../scheduler/posix.h"
#include "../scheduler/posix_memory.h"
#include "../scheduler/program.h"
#include "command.h"

int __real_main(int argument_count, char **arguments, char **environment);

/* What the executable is called, as a word: "prog". */
static char *program_name(const char *called)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        length = (ssize_t)strlen(strncpy(path, called, sizeof path - 1));
    path[length] = '\0';
    char *name = basename(path);
    for (char *byte = name; *byte != '\0'; byte++)
        if (!isalnum((unsigned char)*byte) && strchr("._+-", *byte) == NULL)
            *byte = '_';
    return name[0] != '\0' ? name : "program";
}

/* What the program reads from standard input, one execution would take away from the next. */
static void close_input(void)
{
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}

static int run_command(int own_count, int argument_count, char **arguments)
{
    char *name = program_name(arguments[0]);
    char **own = calloc((size_t)own_count + 2, sizeof *own);
    CHECK(own != NULL, ==, true);
    memcpy(own, arguments, (size_t)(own_count + 1) * sizeof *own);
    command_called_as(own); /* with --treadle */
    char **seen = calloc((size_t)own_count, sizeof *seen);
    CHECK(seen != NULL, ==, true);
    memcpy(seen, arguments, (size_t)own_count * sizeof *seen);
    seen[0] = name; /* however it was called */
    program_register(name, __real_main, own_count, seen);
    close_input();
    return command_main(argument_count - own_count, arguments + own_count);
}

POSIX_WRAPS(int, main, int argument_count, char **arguments, char **environment)
{
    for (int i = 1; i < argument_count; i++)
        if (strcmp(arguments[i], "--treadle") == 0) {
            posix_memory_begin_main(true);
            return run_command(i, argument_count, arguments);
        }
    posix_memory_begin_main(false);
    return __real_main(argument_count, arguments, environment);
}
