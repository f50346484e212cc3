/* engine_afl_run.h: AFL++ as an engine of engine_run.h. */
#ifndef TREADLE_ENGINE_AFL_RUN_H
#define TREADLE_ENGINE_AFL_RUN_H

#include "engine_run.h"

/* Whether treadle-afl was built, and AFL++ is there now. */
bool engine_afl_is_there(void);

/* An engine's process. */
void engine_afl_serve(const void *run, int socket, struct process_board *board);

#endif
