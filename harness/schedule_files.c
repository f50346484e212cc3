/* schedule_files.c: looks into folders. */
#include "schedule_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../scheduler/check.h"

#define FOLDERS_MAX 32u /* in one another */

/* cause NULL: nothing is wrong with it. */
static void add_file(struct schedule_files *files, const char *path, const char *cause)
{
    struct schedule_file file = { .path = strdup(path) };
    CHECK(file.path != NULL, ==, true);
    if (cause != NULL) {
        char text[4400];
        snprintf(text, sizeof text, "%.4096s: %s", path[0] != '\0' ? path : "''", cause);
        file.error = strdup(text);
        CHECK(file.error != NULL, ==, true);
    }
    files->items = realloc(files->items, (files->count + 1) * sizeof *files->items);
    CHECK(files->items != NULL, ==, true);
    files->items[files->count++] = file;
}

static void add_unreadable(struct schedule_files *files, const char *path, const char *cause)
{
    char text[200];
    snprintf(text, sizeof text, "cannot be read: %s", cause);
    add_file(files, path, text);
}

static bool ends_with_sched(const char *name)
{
    size_t length = strlen(name);
    return length > 6 && strcmp(name + length - 6, ".sched") == 0;
}

static bool add_path(struct schedule_files *files, const char *path, uint32_t depth);

static void add_folder(struct schedule_files *files, const char *path, uint32_t depth)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0 || depth > FOLDERS_MAX) {
        add_unreadable(files, path,
                       count < 0 ? strerror(errno) : "too many folders in one another");
        count = count < 0 ? 0 : count;
    }
    bool slash = path[strlen(path) - 1] == '/';
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char part[4096];
        int length = snprintf(part, sizeof part, slash ? "%s%s" : "%s/%s", path, name);
        struct stat status;
        bool fits = length < (int)sizeof part && depth <= FOLDERS_MAX;
        bool folder = fits && lstat(part, &status) == 0 && S_ISDIR(status.st_mode); /* no links */
        bool found = fits && stat(part, &status) == 0;
        bool other = found && !S_ISREG(status.st_mode);
        if (name[0] != '.' && fits && (folder || (ends_with_sched(name) && !other)))
            add_path(files, part, depth + 1);
        free(entries[i]);
    }
    if (count > 0)
        free(entries);
}

static bool add_path(struct schedule_files *files, const char *path, uint32_t depth)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        add_unreadable(files, path, strerror(errno));
    } else if (S_ISDIR(status.st_mode)) {
        add_folder(files, path, depth);
        return true;
    } else if (!S_ISREG(status.st_mode)) { /* a pipe would be waited for */
        add_file(files, path, "is no regular file");
    } else {
        add_file(files, path, NULL);
    }
    return false;
}

bool schedule_files_add(struct schedule_files *files, const char *path)
{
    return add_path(files, path, 0);
}

void schedule_files_deinit(struct schedule_files *files)
{
    for (uint32_t i = 0; i < files->count; i++) {
        free(files->items[i].path);
        free(files->items[i].error);
    }
    free(files->items);
    *files = (struct schedule_files){ 0 };
}
