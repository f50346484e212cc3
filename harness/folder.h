/* folder.h: the folder of a campaign that goes on when it is started again. What is written there
 * is written in one step; where nothing can be written that is said once, and tried again. */
#ifndef TREADLE_FOLDER_H
#define TREADLE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "image.h"

#define FOLDER_PATH_BYTES 4096u

struct folder {
    const char *path;
    int lock;      /* keeps other campaigns out; -1: the folder is not there */
    bool troubled; /* something could not be written: that was said, and holds */
    char trouble[400]; /* what was said last; "" as long as there was nothing to say */
};

/* Makes the folder if that can be done, keeps other campaigns out, and removes what a killed one
 * left half written. False if another campaign is at work there. */
bool folder_open(struct folder *folder, const char *path);

/* Removes files that were left half written: nobody must be writing. */
void folder_sweep(const struct folder *folder);

/* "FOLDER/NAME", or "FOLDER/TARGET/NAME" with a target's name; false if it is too long. */
bool folder_path(const struct folder *folder, const char *target, const char *name, char *path);

/* Makes every folder above path. Returns 0 or -1 with errno. */
int folder_make_above(const char *path);

/* Writes a file anew, in one step; false after folder_say_trouble. */
bool folder_write(struct folder *folder, const char *target, const char *name,
                  const struct image *image);

/* Says in one line on standard error that something could not be written, unless that holds. */
void folder_say_trouble(struct folder *folder, const char *cause);

/* Gives a file another name: PATH.aside-1 or the next one that is free; says so with the reason. */
void folder_set_aside(const char *path, const char *reason);
/* The same without a word. Whether it could be done; then *ret_aside is the name. */
bool folder_rename_aside(const char *path, char ret_aside[FOLDER_PATH_BYTES]);

void folder_close(struct folder *folder);

#endif
