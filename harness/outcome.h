/* outcome.h: what an execution of a subject's program ended in, as one line of text. */
#ifndef TREADLE_OUTCOME_H
#define TREADLE_OUTCOME_H

#include "../scheduler/treadle.h"

#define OUTCOME_BYTES_MAX 65536u

/* Writes the outcome of the execution that just ended, in the words of the trace language, to
 * text, which has OUTCOME_BYTES_MAX bytes. */
void outcome_of_execution(const struct treadle_subject *subject, char *text);

#endif
