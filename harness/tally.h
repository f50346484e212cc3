/* tally.h: what is counted of a target's executions. Counts of parts add up to those of the whole,
 * however the executions are divided among processes. */
#ifndef TREADLE_TALLY_H
#define TREADLE_TALLY_H

#include "../scheduler/execution.h"

struct tally {
    uint64_t executions;
    uint64_t steps; /* events */
    uint64_t verdicts[TREADLE_VERDICT_COUNT]; /* executions with it; [OK]: with none */
    uint64_t detected; /* Go subjects: executions ended by go-fatal */
    uint64_t silent;   /* Go subjects: wrong, and no check ended it: executions with a verdict,
                          but none of go-fatal, panic, crash, wild-access */
    uint64_t first[TREADLE_VERDICT_COUNT];       /* number of the first such execution, from 1 */
    double first_seconds[TREADLE_VERDICT_COUNT]; /* when it ran, from the start of the campaign */
    uint64_t requirements[TREADLE_REQUIREMENTS_MAX]; /* executions that met it */
    double seconds; /* spent executing, over all processes */
};

/* What one execution adds to a tally. */
struct tally_entry {
    uint64_t verdicts;     /* a set; empty: none */
    uint64_t requirements; /* those that it met, as a set */
    uint32_t steps;
    bool detected, silent;
};

/* Of the current execution. */
struct tally_entry tally_entry(void);

/* Counts an execution, which has number `number` (from 0), of a campaign that began at `start`
 * (tally_now). */
void tally_add_entry(struct tally *tally, const struct tally_entry *entry, uint64_t number,
                     double start);

/* Counts the current execution, which has number `number` (from 0), of a campaign that began at
 * `start` (tally_now). */
void tally_count(struct tally *tally, uint64_t number, double start);

/* Seconds of the monotonic clock; for progress and figures only. */
double tally_now(void);

/* Adds part to sum. */
void tally_add(struct tally *sum, const struct tally *part);

/* Verdicts seen, as a set; OK is not among them. */
uint64_t tally_seen(const struct tally *tally);

/* How many of the target's requirements are not met. */
uint32_t tally_unmet(const struct tally *tally, const struct treadle_target *target);

#endif
