/* folder.c: the folder of a campaign. */
#define _GNU_SOURCE
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../scheduler/target.h"

/* The processes of a campaign that was killed end a moment after it. */
#define LOCK_TRIES 300
#define LOCK_PAUSE_NS 10000000
#define ASIDE_MAX 1000

/* What may be left half written. */
static const char *const half_written[] = {
    "*.sched.[0-9]*.new", "campaign.corpus.new", "campaign.state.new", "status.json.new",
    "report.html.new", "inputs.new",
};

bool folder_path(const struct folder *folder, const char *target, const char *name, char *path)
{
    int length = target != NULL ? snprintf(path, FOLDER_PATH_BYTES, "%s/%s/%s", folder->path,
                                           target, name)
                                : snprintf(path, FOLDER_PATH_BYTES, "%s/%s", folder->path, name);
    return length < (int)FOLDER_PATH_BYTES - 64;
}

int folder_make_above(const char *path)
{
    char part[FOLDER_PATH_BYTES];
    if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return 0;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static bool is_half_written(const char *name)
{
    for (size_t i = 0; i < sizeof half_written / sizeof half_written[0]; i++)
        if (fnmatch(half_written[i], name, 0) == 0)
            return true;
    return false;
}

static void sweep(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (is_half_written(entry->d_name))
            unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
}

void folder_sweep(const struct folder *folder)
{
    char path[FOLDER_PATH_BYTES];
    sweep(folder->path);
    for (uint32_t i = 0; i < target_count(); i++)
        if (folder_path(folder, target_at(i)->name, "", path))
            sweep(path);
}

/* Keeps others out. False if one is in. */
static bool folder_lock(struct folder *folder)
{
    folder->lock = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->lock < 0)
        return true;
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(folder->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            return true;
        nanosleep(&(struct timespec){ .tv_nsec = LOCK_PAUSE_NS }, NULL);
    }
    close(folder->lock);
    folder->lock = -1;
    return false;
}

bool folder_open(struct folder *folder, const char *path)
{
    *folder = (struct folder){ .path = path, .lock = -1 };
    char inside[FOLDER_PATH_BYTES];
    if (!folder_path(folder, NULL, "", inside) || folder_make_above(inside) != 0)
        return true;
    if (!folder_lock(folder))
        return false;
    folder_sweep(folder);
    return true;
}

void folder_close(struct folder *folder)
{
    if (folder->path == NULL)
        return;
    folder_sweep(folder);
    if (folder->lock >= 0)
        close(folder->lock);
    folder->lock = -1;
}

/* ---- writing --------------------------------------------------------------------------------- */

void folder_say_trouble(struct folder *folder, const char *cause)
{
    if (folder->troubled)
        return;
    folder->troubled = true;
    snprintf(folder->trouble, sizeof folder->trouble, "%s", cause);
    fprintf(stderr, "treadle fuzz: %s; fuzzing goes on, writing is tried again\n", cause);
}

bool folder_write(struct folder *folder, const char *target, const char *name,
                  const struct image *image)
{
    char path[FOLDER_PATH_BYTES], temporary[FOLDER_PATH_BYTES + 8], cause[400];
    errno = ENAMETOOLONG;
    bool written = folder_path(folder, target, name, path) && folder_make_above(path) == 0;
    if (written) {
        snprintf(temporary, sizeof temporary, "%s.new", path);
        written = image_write(image, path, temporary);
    }
    if (!written) {
        snprintf(cause, sizeof cause, "%s cannot be written below %.120s: %s", name, folder->path,
                 strerror(errno));
        folder_say_trouble(folder, cause);
    }
    return written;
}

bool folder_rename_aside(const char *path, char ret_aside[FOLDER_PATH_BYTES])
{
    char aside[FOLDER_PATH_BYTES];
    for (int i = 1; i <= ASIDE_MAX; i++) {
        int length = snprintf(aside, sizeof aside, "%s.aside-%d", path, i);
        if (length >= (int)sizeof aside)
            return false;
        if (access(aside, F_OK) == 0 || errno != ENOENT)
            continue;
        memcpy(ret_aside, aside, (size_t)length + 1);
        return rename(path, aside) == 0;
    }
    return false;
}

void folder_set_aside(const char *path, const char *reason)
{
    char aside[FOLDER_PATH_BYTES];
    if (folder_rename_aside(path, aside))
        fprintf(stderr, "treadle fuzz: %s: %s; it is now %s\n", path, reason, aside);
    else
        fprintf(stderr, "treadle fuzz: %s: %s; it cannot be set aside\n", path, reason);
}
