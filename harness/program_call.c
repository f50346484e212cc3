/* program_call.c: writes down and compares calls of programs. */
#define _GNU_SOURCE
#include "program_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/check.h"
#include "command.h"

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "NAME HASH\n" of "NAME=VALUE". */
static char *variable_line(const char *variable)
{
    size_t length = strcspn(variable, "=");
    char *line;
    int written = asprintf(&line, "%.*s %016llx\n", (int)length, variable,
                           (unsigned long long)XXH3_64bits(variable, strlen(variable)));
    CHECK(written, >, 0);
    for (size_t i = 0; i < length; i++)
        if (line[i] == '\n') /* it may be anything */
            line[i] = '?';
    return line;
}

static void print_environment(FILE *out)
{
    size_t count = 0, used = 0;
    while (environ != NULL && environ[count] != NULL)
        count++;
    char **lines = calloc(count + 1, sizeof *lines);
    CHECK(lines != NULL, ==, true);
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "_=", 2) != 0) /* a shell's: the path by which it was called */
            lines[used++] = variable_line(environ[i]);
    qsort(lines, used, sizeof *lines, compare_lines);
    for (size_t i = 0; i < used; i++) {
        fputs(lines[i], out);
        free(lines[i]);
    }
    free(lines);
}

char *program_call(void)
{
    char *const *word = command_words() + 1;
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    CHECK(out != NULL, ==, true);
    if (*word != NULL) { /* the last one is --treadle */
        uint64_t hash = 0;
        for (; *word != NULL; word++)
            hash = XXH3_64bits_withSeed(*word, strlen(*word) + 1, hash);
        fprintf(out, "arguments %016llx\n", (unsigned long long)hash);
        print_environment(out);
    }
    int failed = fclose(out);
    CHECK(failed, ==, 0);
    return text;
}

char *program_call_difference(const char *other, size_t other_bytes)
{
    char *now = program_call();
    size_t bytes = strlen(now), same = 0, line = 0;
    for (; same < bytes && same < other_bytes && now[same] == other[same]; same++)
        if (now[same] == '\n')
            line = same + 1;
    char *name = NULL;
    if (same < bytes || same < other_bytes) {
        /* Of two names the one that sorts first is missing in the other call. */
        bool ours = same < bytes && (same == other_bytes || now[same] < other[same]);
        const char *text = ours ? now : other;
        size_t end = line, limit = ours ? bytes : other_bytes;
        while (end < limit && text[end] != ' ')
            end++;
        int length = (int)(end - line);
        int written = line == 0
                          ? asprintf(&name, "other arguments")
                          : asprintf(&name, "another %.*s in the environment", length, text + line);
        CHECK(written, >, 0);
    }
    free(now);
    return name;
}
