/* session.h: the part of the scheduler that stands between executions. */
#ifndef TREADLE_SESSION_H
#define TREADLE_SESSION_H

#include "treadle.h"

/* What ended goroutine 0's work outside an execution. */
void session_note_alone(enum treadle_verdict verdict, const char *rule);

#endif
