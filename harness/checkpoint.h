/* checkpoint.h: files from which an exploration goes on: what has been counted and found of each
 * target, and its frontier. The first line says in words what it is, the rest is binary and ends
 * with an XXH3-64 of all before. Only the very program that wrote one reads it: an execution
 * of a frontier means nothing to another build. */
#ifndef TREADLE_CHECKPOINT_H
#define TREADLE_CHECKPOINT_H

#include "exploration.h"

/* Writes path anew, in one step: whenever this process or the machine ends, the file is either as
 * it was or complete. Returns 0, or -1 with one line in error. */
int checkpoint_write(const char *path, const struct exploration *exploration,
                     const struct exploration_parameters *parameters, char *error,
                     size_t error_bytes);

/* Reads one that was written with the same parameters, by a program that was called in the same way
 * (program_call.h). Returns the exploration, to be freed with
 * exploration_destroy; NULL with one line in error. */
struct exploration *checkpoint_read(const char *path,
                                    const struct exploration_parameters *parameters, char *error,
                                    size_t error_bytes);

#endif
