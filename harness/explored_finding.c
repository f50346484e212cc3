/* explored_finding.c: from a list of choices made while exploring to an execution as `replay` makes
 * it. What it shows is looked at each time: an order that ought to show the same is only tried. */
#include "explored_finding.h"

#include <stdlib.h>

#include "../scheduler/explore_bounded.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "keep.h"
#include "linearisation.h"
#include "oracle.h"

/* The verdict of the current execution that breaks the same rule (any, if NULL); NULL if none
 * does. */
static const struct verdict_record *find_rule(enum treadle_verdict verdict, const char *rule)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (execution.verdicts[i].verdict == verdict
            && (rule == NULL || execution.verdicts[i].rule == rule))
            return &execution.verdicts[i];
    return NULL;
}

/* A way to execute a finding again. */
struct attempt {
    const struct scheduler_options *options;
    const struct explore_step *steps;
    uint32_t count;
    bool other_events; /* those of the verdict may be others, if it is of the same rule */
};

/* Opens the target, follows the steps, judges. Returns the finding's verdict, or that of `rule` (if
 * the attempt allows that) in other events, or NULL. */
static const struct verdict_record *follow(const struct attempt *attempt, uint32_t target,
                                           const struct finding *finding, const char *rule,
                                           uint32_t *ret_preemptions)
{
    const char *broken;
    if (attempt->steps == NULL
        || scheduler_open(target_at(target), attempt->options, &broken) != TREADLE_OK)
        return NULL;
    struct strategy strategy = strategy_steps(attempt->steps, attempt->count);
    struct explore_candidates candidates = { 0 };
    strategy_steps_note(&strategy, &candidates, finding->preemptions != PREEMPTIONS_UNKNOWN);
    scheduler_run(&strategy, 0);
    oracle_judge();
    *ret_preemptions = explore_candidates_preemptions(&candidates);
    explore_candidates_clear(&candidates);
    if (strategy.steps.blocked)
        return NULL;
    const struct verdict_record *record = keep_find_record(finding);
    return record == NULL && attempt->other_events ? find_rule(finding->verdict, rule) : record;
}

/* Makes the attempts until one shows the finding with as few preemptions as it needs, else the
 * first that shows it. */
static const struct verdict_record *follow_best(const struct attempt *attempts, uint32_t count,
                                                uint32_t target, const struct finding *finding,
                                                const char *rule)
{
    uint32_t preemptions, first = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct verdict_record *record =
            follow(&attempts[i], target, finding, rule, &preemptions);
        if (record != NULL && preemptions <= finding->preemptions)
            return record;
        if (record != NULL && first == count)
            first = i;
    }
    return first < count ? follow(&attempts[first], target, finding, rule, &preemptions) : NULL;
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
    struct explore_step *found = explore_steps_of(finding->choices, finding->choice_count);
    /* Its choices may be those of another order of the events in which it was seen. */
    const struct attempt as_found = { exploring, found, finding->choice_count,
                                      finding->preemptions != PREEMPTIONS_UNKNOWN };
    uint32_t preemptions;
    const struct verdict_record *record = follow(&as_found, target, finding, NULL, &preemptions);
    plain.goroutines_max = scheduler.goroutines_max; /* so that drainers keep their ids */
    if (record != NULL && !scheduler_crashed()) {
        const char *rule = record->rule;
        uint32_t ended = who_ended(record), plain_count = 0, kept_count = 0, long_count = 0;
        struct explore_step *plainly = linearise(
            &(struct linearisation_wish){ .plain = true, .only_before = ended }, &plain_count);
        struct explore_step *kept = linearise(
            &(struct linearisation_wish){ .plain = true, .as_executed = true }, &kept_count);
        struct explore_step *longer = linearise(&(struct linearisation_wish){ 0 }, &long_count);
        const struct attempt attempts[] = {
            { &plain, plainly, plain_count, true },
            { &plain, kept, kept_count, true },
            { exploring, longer, long_count, false },
            as_found,
        };
        record = follow_best(attempts, sizeof attempts / sizeof attempts[0], target, finding, rule);
        free(plainly);
        free(kept);
        free(longer);
    }
    free(found);
    return record;
}
