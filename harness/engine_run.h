/* engine_run.h: a process that runs a fuzzing engine's own loop, for a turn. */
#ifndef TREADLE_ENGINE_RUN_H
#define TREADLE_ENGINE_RUN_H

#include "worker.h"

/* What an engine's process is to do. */
struct engine_run {
    struct worker_plan plan;
    uint32_t target;     /* its index in target.h's order */
    double seconds;      /* ends it */
    uint64_t executions; /* ends it, too; 0: no limit */
    uint32_t job;        /* which of a campaign's processes it is, from 0 */
    const char *inputs;  /* the target's folder of inputs: ENGINE_OWN_QUEUE below it holds those of
                            the common corpus, the rest is the engines' */
};

/* As AFL++ has it: a folder for each instance, with its inputs in "queue", called id:000000 and so
 * on. There is always one. */
#define ENGINE_OWN_QUEUE "own/queue"

/* An engine's process, to be given to process_start with a struct engine_run: it sends struct
 * work_results and what follows them in a greybox search, unasked, until it is over. */
typedef void engine_serve(const void *run, int socket, struct process_board *board);

/* libFuzzer's, if the program was built with it, else NULL. */
extern engine_serve *engine_libfuzzer_serve;

#endif
