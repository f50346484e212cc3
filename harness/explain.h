/* explain.h: what happened in the current execution, for people. */
#ifndef TREADLE_EXPLAIN_H
#define TREADLE_EXPLAIN_H

#include <stdio.h>

#include "replay.h"

/* Writes the verdicts with their rules and events, with_trace every event, and at the end the
 * subject's state and what each goroutine was about to do. */
void explain_execution(FILE *out, const struct replay_result *result, bool with_trace);

#endif
