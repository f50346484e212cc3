/* explored_finding.c: from a list of choices made while exploring to an execution as `replay` makes
 * it. What it shows is looked at each time: an order that ought to show the same is only tried. */
#include "explored_finding.h"

#include <stdlib.h>

#include "../scheduler/check.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "keep.h"
#include "linearisation.h"
#include "oracle.h"

/* The verdict of the current execution that breaks the same rule; NULL if none does. */
static const struct verdict_record *find_rule(enum treadle_verdict verdict, const char *rule)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (execution.verdicts[i].verdict == verdict && execution.verdicts[i].rule == rule)
            return &execution.verdicts[i];
    return NULL;
}

/* Opens the target, follows the steps, judges. Returns the finding's verdict, or that of its rule
 * (not NULL) in other events, or NULL. */
static const struct verdict_record *follow(const struct scheduler_options *options, uint32_t target,
                                           const struct finding *finding, const char *of_rule,
                                           const struct explore_step *steps, uint32_t count)
{
    const char *rule;
    if (steps == NULL || scheduler_open(target_at(target), options, &rule) != TREADLE_OK)
        return NULL;
    struct strategy strategy = strategy_steps(steps, count);
    scheduler_run(&strategy, 0);
    oracle_judge();
    if (strategy.steps.blocked)
        return NULL;
    const struct verdict_record *record = keep_find_record(finding);
    return record == NULL && of_rule != NULL ? find_rule(finding->verdict, of_rule) : record;
}

/* The goroutine that ended the program with that verdict, 0 if none did. */
static uint32_t who_ended(const struct verdict_record *record)
{
    for (uint32_t id = 1; id < scheduler.goroutine_count; id++) {
        const struct goroutine *goroutine = &scheduler.goroutines[id];
        if (goroutine->state == GOROUTINE_ENDED && goroutine->end_verdict == record->verdict
            && goroutine->end_rule == record->rule)
            return id;
    }
    return 0;
}

const struct verdict_record *explored_finding_execute(const void *context, uint32_t target,
                                                      const struct finding *finding)
{
    const struct scheduler_options *exploring = context;
    struct scheduler_options plain = *exploring;
    plain.exploring = false;
    struct explore_step *found = calloc(finding->choice_count + 1, sizeof *found);
    CHECK(found != NULL, ==, true);
    for (uint32_t i = 0; i < finding->choice_count; i++)
        found[i] = (struct explore_step){ .answer = finding->choices[i].answer,
                                          .data = finding->choices[i].kind == CHOICE_DATA };
    const struct verdict_record *record =
        follow(exploring, target, finding, NULL, found, finding->choice_count);
    plain.goroutines_max = scheduler.goroutines_max; /* so that drainers keep their ids */
    if (record != NULL && !scheduler_crashed()) {
        const char *rule = record->rule;
        uint32_t ended = who_ended(record), plain_count = 0, long_count = 0;
        struct explore_step *plainly = linearise(
            &(struct linearisation_wish){ .plain = true, .only_before = ended }, &plain_count);
        struct explore_step *longer = linearise(&(struct linearisation_wish){ 0 }, &long_count);
        record = follow(&plain, target, finding, rule, plainly, plain_count);
        if (record == NULL)
            record = follow(exploring, target, finding, NULL, longer, long_count);
        if (record == NULL)
            record = follow(exploring, target, finding, NULL, found, finding->choice_count);
        free(plainly);
        free(longer);
    }
    free(found);
    return record;
}
