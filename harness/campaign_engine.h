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
    const char *corpus;  /* the folder of inputs */
};

/* libFuzzer's process, if the program was built with it, else NULL: to be given to process_start with
 * a struct engine_run. It sends struct work_results with their findings, unasked, until it is
 * over. */
extern void (*campaign_libfuzzer_serve)(const void *run, int socket, struct process_board *board);

/* As campaign_run, by libFuzzer: one target after the other, each with its share of the time. The
 * executions depend on time and on the number of processes: the engine decides. */
struct campaign_result *campaign_run_libfuzzer(const struct campaign_options *options);

#endif
