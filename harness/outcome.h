/* outcome.h: what an execution of a subject's program ended in, as one line of text. */
#ifndef TREADLE_OUTCOME_H
#define TREADLE_OUTCOME_H

#include <stddef.h>

#include "../scheduler/treadle.h"

/* Grows with the longest outcome. Zero-initialised is empty. */
struct outcome_text {
    char *bytes; /* ends with a zero byte */
    size_t capacity;
};

/* Writes the outcome of the execution that just ended, in the words of the trace language, to
 * text; all of it, however long it is. */
void outcome_of_execution(const struct treadle_subject *subject, struct outcome_text *text);
void outcome_text_deinit(struct outcome_text *text);

#endif
