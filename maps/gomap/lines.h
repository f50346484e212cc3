/* lines.h: the trace language's input, line by line. A line has a limit, so that input without an
 * end does not take all memory. */
#ifndef GOMAP_LINES_H
#define GOMAP_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "gomap/operations.h"
#include "gomap/text.h"

enum { LINE_BYTES_MAX = 1 << 20 }; /* its newline not counted */

/* Begins as { .in = FILE }. */
struct lines {
    FILE *in;
    struct text line; /* the present one, with its newline if it has one */
    uint64_t number;  /* of the present one, from 1 */
};

/* Reads the next line. False at the end, where the input cannot be read (ferror tells), and, with a
 * cause, for a line that is too long. */
bool lines_next(struct lines *lines, char cause[OPERATION_CAUSE_BYTES]);
void lines_deinit(struct lines *lines);

#endif
