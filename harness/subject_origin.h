/* subject_origin.h: of which build the subjects in this program are. */
#ifndef TREADLE_SUBJECT_ORIGIN_H
#define TREADLE_SUBJECT_ORIGIN_H

#include <stdint.h>

struct subject_origin {
    const char *compiler; /* "gcc-12.2.0" */
    const char *flags;    /* NULL if they are not known */
    uint64_t hash;        /* of the code: the same code executes the same events */
};

/* Of the targets in maps/ (subject_origin.c), or of the one program that treadle-cc has linked
 * (program_origin.c). */
const struct subject_origin *subject_origin(void);

#endif
