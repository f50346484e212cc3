/* last_failures.h: which files of a folder failed when they were replayed last, so that they come
 * first the next time. Kept where caches are: $XDG_CACHE_HOME/treadle/ or ~/.cache/treadle/, a file
 * a folder. Nothing but the order depends on it: what cannot be read or written is done without. */
#ifndef TREADLE_LAST_FAILURES_H
#define TREADLE_LAST_FAILURES_H

#include "schedule_files.h"

/* Moves the files from number `from` on, which are those of the folder, that failed last time to
 * the front of them; otherwise their order stays. */
void last_failures_first(const char *folder, struct schedule_files *files, uint32_t from);

/* Remembers those of files from .. from + count - 1 that failed. */
void last_failures_keep(const char *folder, const struct schedule_files *files, uint32_t from,
                        uint32_t count, const bool *failed);

#endif
