/* campaign_engine.h: a campaign whose executions an embedded fuzzing engine chooses. */
#ifndef TREADLE_CAMPAIGN_ENGINE_H
#define TREADLE_CAMPAIGN_ENGINE_H

#include "campaign.h"

/* What an engine's process is to do. */
struct engine_run {
    struct worker_plan plan;
    uint32_t target;     /* its index in target.h's order */
    double seconds;      /* ends it */
    uint64_t executions; /* ends it, too; 0: no limit */
    uint32_t job;        /* of the processes of a target: which one, from 0 */
    const char *corpus;  /* the folder of inputs */
};

/* An engine's process, to be given to process_start with a struct engine_run: it sends struct
 * work_results with their findings, unasked, until it is over. */
typedef void engine_serve(const void *run, int socket, struct process_board *board);

/* libFuzzer's, if the program was built with it, else NULL. */
extern engine_serve *campaign_libfuzzer_serve;

/* As campaign_run, by an engine: one target after the other, each with its share of the time. The
 * executions depend on time and on the number of processes: the engine decides. */
struct campaign_result *campaign_run_engine(const struct campaign_options *options,
                                            engine_serve *serve);

#endif
