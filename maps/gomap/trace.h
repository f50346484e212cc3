/* trace.h: the trace language as a whole: `treadle trace gomap`. */
#ifndef GOMAP_TRACE_H
#define GOMAP_TRACE_H

#include <stdio.h>

#include "treadle.h"

/* Reads operations from in, applies them to a map in one goroutine and writes the dump to out; as
 * struct treadle_subject wants it of `trace`. */
int trace_run(const struct treadle_options *options, FILE *in, FILE *out, FILE *error);

/* Takes variant and hash from options (the first of each by default). False, with one line on
 * error, if there is no such variant or hash. */
struct map_type;
bool trace_type(const struct treadle_options *options, struct map_type *ret_type, FILE *error);

#endif
