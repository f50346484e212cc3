/* engine.h: what a fuzzing engine calls: executions of an input, with counters for what they have
 * shown, and mutations. Engines deal in inputs by the hundred thousand a second at best, schedules
 * are executed by the million: so each input is executed several times. A part of these executions
 * follows it, with several seeds; the others, which cost less, are the portfolio's. What counts as
 * shown is what the first one has. */
#ifndef TREADLE_ENGINE_H
#define TREADLE_ENGINE_H

#include "worker.h"

struct engine;

/* Opens a target: of its setup's end NULL, or why that failed. executions: of each input; counters:
 * of features, modulo their number; the first one is always set (libFuzzer wants one that is). */
const char *engine_open(struct engine **ret_engine, const struct worker_plan *plan,
                        uint32_t target, uint32_t executions, uint8_t *counters,
                        uint32_t counter_count);

/* Executes an input. Returns false if the process must not go on: the subject has crashed. */
bool engine_execute(struct engine *engine, const uint8_t *data, size_t bytes);

/* How many executions of each input take about so long, from `least` on: found out by making some.
 * False if one of them crashes. */
bool engine_set_pace(struct engine *engine, double seconds, uint32_t least);

/* Mutates an input in place, or crosses two; each returns the number of bytes, at most
 * bytes_max. */
size_t engine_mutate(struct engine *engine, uint8_t *data, size_t bytes, size_t bytes_max,
                     uint64_t seed);
size_t engine_cross(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                    size_t second_bytes, uint8_t *data, size_t bytes_max, uint64_t seed);

/* Writes the pairs that mutations are made of to a file, as struct reads_from, if there are more of
 * them than in the file. */
void engine_write_pairs(const struct engine *engine, const char *path);

/* Forgets what has been done so far. */
void engine_forget(struct engine *engine);

/* Tells what has been done since it was told last, with new findings and what was shown: a struct
 * work_result and what follows it in a greybox search. over: the process ends now. False if nobody
 * listens any more. */
bool engine_tell(struct engine *engine, int socket, bool over);

/* How many findings have not been told yet. */
uint32_t engine_new_findings(const struct engine *engine);

#endif
