/* campaign.h: `treadle fuzz`: executions of many targets, by any number of processes, for a time
 * or a number, with what they find kept as schedule files. */
#ifndef TREADLE_CAMPAIGN_H
#define TREADLE_CAMPAIGN_H

#include "worker.h"

struct class_set;

enum campaign_engine { ENGINE_OWN, ENGINE_LIBFUZZER, ENGINE_AFL, ENGINE_COUNT };

struct campaign_options {
    const uint32_t *targets; /* indices in target.h's order */
    uint32_t target_count;
    double seconds;      /* wall clock of all; 0 = no limit */
    uint64_t executions; /* per target; 0 = no limit */
    struct worker_plan plan;
    uint32_t jobs;
    uint32_t engines; /* a set of enum campaign_engine; with others than our own, what is executed
                         depends on time */
    const char *directory; /* findings go there; NULL: nothing is kept */
    bool lasting; /* it goes on where earlier runs in the directory have ended; findings are saved
                     as soon as they are found */
    const char *strategy; /* its name, in a campaign that lasts */
};

struct campaign_target {
    uint32_t index; /* in target.h's order */
    struct tally tally;
    struct finding_list findings;
    struct class_set *taken; /* fingerprints of all findings, also of those that were given up */
    uint64_t next;       /* number of our own loop's first execution not yet given out */
    uint64_t engine_executions; /* by other engines */
    uint64_t engine_granted;    /* that their turns under way may still make */
    double engine_seconds[ENGINE_COUNT]; /* that other engines were given */
    uint32_t engine_deaths; /* of their processes, in a row, without a word */
    uint32_t engines_over;  /* a set of those that cannot go on with it */
    struct class_set *exported; /* hashes of inputs that were written down for them */
    uint32_t exported_entries;  /* of the corpus, in this run */
    uint32_t next_input;        /* number of the next one */
    uint32_t pieces_out; /* pieces of work being done */
    struct greybox *greybox; /* in a greybox search */
    bool stopped;        /* --stop-on-first: it has one */
    bool error_said;     /* on standard error */
    char error[400];     /* it could not be run or its findings not be kept: why; else empty */
};

struct verdict_record;

struct campaign_result {
    struct campaign_target *targets; /* as in the options */
    uint32_t target_count;
    double seconds;
    bool interrupted;
};

/* Runs the campaign; returns its result, to be freed with campaign_destroy. NULL if no worker
 * process could be started (errno says why); errno is EWOULDBLOCK if another campaign is at work in
 * the directory.
 * If interrupted, its handlers of SIGINT and SIGTERM stay: more signals change nothing. */
struct campaign_result *campaign_run(const struct campaign_options *options);

/* Makes a finding's choices again, in a process that does nothing else, as struct keep_plan wants
 * it; context: the worker plan. */
const struct verdict_record *campaign_execute_again(const void *context, uint32_t target,
                                                    const struct finding *finding);

/* Keeps the chosen findings of a target and drops the rest. */
void campaign_keep(const struct campaign_options *options, struct campaign_target *target);

void campaign_destroy(struct campaign_result *result);

#endif
