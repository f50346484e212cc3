/* last_failures.c: a file of names below the folder, one a line. */
#include "last_failures.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/check.h"

#define NAMES_BYTES_MAX (1u << 20)

/* The folder's file; parents are made if make. False if there can be none. */
static bool memory_path(const char *folder, bool make, char *text, size_t bytes)
{
    char real[PATH_MAX];
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool own = cache != NULL && cache[0] == '/'; /* the specification wants it absolute */
    if ((!own && (home == NULL || home[0] != '/')) || realpath(folder, real) == NULL)
        return false;
    int length = snprintf(text, bytes, "%s%s", own ? cache : home, own ? "" : "/.cache");
    if (length >= (int)bytes)
        return false;
    if (make)
        mkdir(text, 0700);
    length += snprintf(text + length, bytes - (size_t)length, "/treadle");
    if (length >= (int)bytes)
        return false;
    if (make)
        mkdir(text, 0700);
    length += snprintf(text + length, bytes - (size_t)length, "/replay-%016llx",
                       (unsigned long long)XXH3_64bits(real, strlen(real)));
    return length < (int)bytes;
}

/* The names that are kept, each with a newline before and behind it: to be freed; "" if none. */
static char *read_names(const char *path)
{
    char *names = malloc(NAMES_BYTES_MAX + 2);
    CHECK(names != NULL, ==, true);
    size_t bytes = 0;
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        names[0] = '\n';
        bytes = fread(names + 1, 1, NAMES_BYTES_MAX, file) + 1;
        fclose(file);
    }
    names[bytes] = '\0';
    return names;
}

/* A file's name below the folder. */
static const char *name_below(const char *folder, const char *path)
{
    path += strlen(folder);
    return path + strspn(path, "/");
}

static bool holds_name(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; (at = strstr(at, name)) != NULL; at++)
        if (length > 0 && at > names && at[-1] == '\n' && at[length] == '\n')
            return true;
    return false;
}

void last_failures_first(const char *folder, struct schedule_files *files, uint32_t from)
{
    char path[PATH_MAX + 64];
    if (!memory_path(folder, false, path, sizeof path))
        return;
    char *names = read_names(path);
    uint32_t first = from;
    for (uint32_t i = from; i < files->count; i++) {
        if (!holds_name(names, name_below(folder, files->items[i].path)))
            continue;
        struct schedule_file failed = files->items[i];
        memmove(&files->items[first + 1], &files->items[first], (i - first) * sizeof failed);
        files->items[first++] = failed;
    }
    free(names);
}

void last_failures_keep(const char *folder, const struct schedule_files *files, uint32_t from,
                        uint32_t count, const bool *failed)
{
    char path[PATH_MAX + 64], fresh[PATH_MAX + 96];
    bool any = false;
    for (uint32_t i = from; i < from + count; i++)
        any |= failed[i];
    if (!memory_path(folder, any, path, sizeof path))
        return;
    if (!any) {
        unlink(path);
        return;
    }
    snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    FILE *file = fopen(fresh, "w");
    if (file == NULL)
        return;
    for (uint32_t i = from; i < from + count; i++)
        if (failed[i])
            fprintf(file, "%s\n", name_below(folder, files->items[i].path));
    bool written = !ferror(file);
    written &= fclose(file) == 0;
    if (!written || rename(fresh, path) != 0)
        unlink(fresh);
}
