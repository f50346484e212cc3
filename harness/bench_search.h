/* bench_search.h: how soon the searches find what there is to be found: `treadle bench search`. */
#ifndef TREADLE_BENCH_SEARCH_H
#define TREADLE_BENCH_SEARCH_H

#include <stdbool.h>

/* Of the targets that the globs name (none: all that require verdicts). Prints a table, or one JSON
 * object. Returns an exit code. */
int bench_search(bool json, char **globs, int count);

#endif
