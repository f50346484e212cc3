/* engine.c: executing inputs for fuzzing engines. */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "oracle.h"
#include "places.h"

#define PAIRS_MAX 1024u
#define PACE_EXECUTIONS 64u
#define PACE_MAX 1024u
#define FOLLOWS_SHARE 4u /* one execution in so many follows the input; others just have its seed */

struct engine {
    struct feedback feedback; /* knows the pairs that are kept */
    struct constrained constrained;
    struct input input;
    struct reads_from pairs[PAIRS_MAX];
    uint32_t pair_count;
    uint32_t executions;
    uint8_t *counters;
    uint32_t counter_count;
    struct portfolio portfolio;
    struct tally tally;
    uint64_t number; /* of the next execution */
    double start, since;
    struct finding_notes *notes;
    struct shown shown; /* since it was told last */
};

const char *engine_open(struct engine **ret_engine, const struct worker_plan *plan,
                        uint32_t target, uint32_t executions, uint8_t *counters,
                        uint32_t counter_count)
{
    const char *rule = NULL;
    places_use();
    struct scheduler_options options = worker_options(plan);
    enum treadle_verdict verdict = scheduler_open(target_at(target), &options, &rule);
    if (verdict != TREADLE_OK)
        return rule;
    struct engine *engine = calloc(1, sizeof *engine);
    CHECK(engine != NULL, ==, true);
    engine->feedback.kinds = plan->search.kinds;
    engine->executions = executions;
    engine->portfolio = plan->portfolio;
    engine->counters = counters;
    engine->counter_count = counter_count;
    engine->notes = finding_notes_create();
    engine->start = plan->start;
    engine->since = tally_now();
    execution.wants_states = plan->search.kinds & FEEDBACK_STATES;
    *ret_engine = engine;
    return NULL;
}

static void count_feature(void *context, uint16_t feature)
{
    struct engine *engine = context;
    engine->counters[1 + feature % (engine->counter_count - 1)] = 1;
}

/* What an input has shown: for the engine, for mutations, and for who collects. */
static void look(struct engine *engine, uint64_t number)
{
    struct feedback *feedback = &engine->feedback;
    feedback_each(feedback->kinds, count_feature, engine);
    shown_look(&engine->shown, feedback, number, &engine->input);
    for (uint32_t i = 0; i < feedback->pair_count && engine->pair_count < PAIRS_MAX; i++)
        engine->pairs[engine->pair_count++] = feedback->pairs[i];
}

bool engine_execute(struct engine *engine, const uint8_t *data, size_t bytes)
{
    engine->input = input_decode(data, bytes);
    engine->constrained.input = &engine->input;
    engine->counters[0] = 1;
    struct strategy strategy = strategy_constrained(&engine->constrained);
    for (uint32_t i = 0; i < engine->executions; i++) {
        uint64_t number = engine->number++;
        bool follows = i < (engine->executions + FOLLOWS_SHARE - 1) / FOLLOWS_SHARE;
        scheduler_run(follows ? &strategy : portfolio_pick(&engine->portfolio, i),
                      rng_mix(engine->input.seed + i));
        oracle_judge();
        tally_count(&engine->tally, number, engine->start);
        if (execution.verdict_count > 0)
            finding_notes_add(engine->notes,
                              &(struct witness){ .number = &number,
                                                 .choices = execution.choices,
                                                 .choice_count = execution.choice_count,
                                                 .switches = execution.switches,
                                                 .preemptions = PREEMPTIONS_UNKNOWN });
        if (scheduler_crashed())
            return false;
        if (i == 0)
            look(engine, number);
    }
    return true;
}

bool engine_set_pace(struct engine *engine, double seconds, uint32_t least)
{
    double start = 0;
    engine->executions = PACE_EXECUTIONS;
    for (int round = 0; round < 8; round++) { /* the last one counts: the first ones are slow */
        start = tally_now();
        if (!engine_execute(engine, NULL, 0))
            return false;
    }
    double wanted = seconds * PACE_EXECUTIONS / (tally_now() - start + 1e-9);
    engine->executions = wanted < least ? least : wanted > PACE_MAX ? PACE_MAX : (uint32_t)wanted;
    engine_forget(engine);
    return true;
}

size_t engine_mutate(struct engine *engine, uint8_t *data, size_t bytes, size_t bytes_max,
                     uint64_t seed)
{
    struct input input = input_decode(data, bytes);
    struct rng rng;
    rng_seed(&rng, seed);
    mutate(&input, &(struct mutation_material){ engine->pairs, engine->pair_count }, &rng);
    uint8_t encoded[INPUT_BYTES_MAX];
    size_t count = input_encode(&input, encoded);
    count = count < bytes_max ? count : bytes_max;
    memcpy(data, encoded, count);
    return count;
}

size_t engine_cross(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                    size_t second_bytes, uint8_t *data, size_t bytes_max, uint64_t seed)
{
    struct input a = input_decode(first, first_bytes), b = input_decode(second, second_bytes);
    struct rng rng;
    rng_seed(&rng, seed);
    struct input child = mutate_cross(&a, &b, &rng);
    uint8_t encoded[INPUT_BYTES_MAX];
    size_t count = input_encode(&child, encoded);
    count = count < bytes_max ? count : bytes_max;
    memcpy(data, encoded, count);
    return count;
}

void engine_write_pairs(const struct engine *engine, const char *path)
{
    struct stat status;
    size_t bytes = engine->pair_count * sizeof engine->pairs[0];
    char temporary[4096];
    if (stat(path, &status) == 0 && (size_t)status.st_size >= bytes)
        return;
    snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid());
    FILE *out = fopen(temporary, "wb");
    if (out == NULL)
        return;
    bool written = fwrite(engine->pairs, sizeof engine->pairs[0], engine->pair_count, out)
                   == engine->pair_count;
    if (fclose(out) != 0 || !written || rename(temporary, path) != 0)
        unlink(temporary);
}

static struct tally take_tally(struct engine *engine)
{
    struct tally tally = engine->tally;
    double now = tally_now();
    tally.seconds = now - engine->since;
    engine->tally = (struct tally){ 0 };
    engine->since = now;
    return tally;
}

void engine_forget(struct engine *engine)
{
    take_tally(engine);
    finding_notes_clear(engine->notes);
}

bool engine_tell(struct engine *engine, int socket, bool over)
{
    struct work_result result;
    memset(&result, 0, sizeof result);
    result.tally = take_tally(engine);
    result.done = result.tally.executions;
    result.over = over;
    result.finding_count = finding_notes_new_count(engine->notes);
    bool told = process_write(socket, &result, sizeof result)
                && finding_notes_send(engine->notes, socket)
                && shown_send(&engine->shown, socket);
    shown_begin(&engine->shown, 0);
    return told;
}

uint32_t engine_new_findings(const struct engine *engine)
{
    return finding_notes_new_count(engine->notes);
}
