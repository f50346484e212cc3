/* schedule_files.h: which files are meant by the paths that a command was given. */
#ifndef TREADLE_SCHEDULE_FILES_H
#define TREADLE_SCHEDULE_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct schedule_file {
    char *path;
    char *error; /* one line with the path: why it is not to be opened; else NULL */
};

struct schedule_files {
    struct schedule_file *items;
    uint32_t count;
};

/* Appends a file, or every .sched file below a folder, sorted; what cannot be read, with an
 * error. Returns whether the path is a folder's. */
bool schedule_files_add(struct schedule_files *files, const char *path);

void schedule_files_deinit(struct schedule_files *files);

#endif
