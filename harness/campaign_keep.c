/* campaign_keep.c: the findings of a campaign, made again and kept. */
#include "campaign.h"

#include <stdlib.h>

#include "../scheduler/explore.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "keep.h"
#include "oracle.h"

const struct verdict_record *campaign_execute_again(const void *context, uint32_t target,
                                                  const struct finding *finding)
{
    const struct worker_plan *plan = context;
    const char *rule;
    struct scheduler_options options = worker_options(plan);
    if (scheduler_open(target_at(target), &options, &rule) != TREADLE_OK)
        return NULL;
    struct explore_step *steps = explore_steps_of(finding->choices, finding->choice_count);
    struct strategy strategy = strategy_steps(steps, finding->choice_count);
    scheduler_run(&strategy, 0);
    oracle_judge();
    free(steps);
    return strategy.steps.blocked ? NULL : keep_find_record(finding);
}

/* Keeps the chosen findings and drops the rest of the list. */
void campaign_keep(const struct campaign_options *options, struct campaign_target *target)
{
    struct finding_list *list = &target->findings;
    finding_list_choose(list);
    if (list->count == 0 || options->directory == NULL)
        return;
    const struct keep_plan plan = { .execute = campaign_execute_again,
                                    .context = &options->plan,
                                    .directory = options->directory };
    int failed = keep_findings(&plan, target->index, list, target->error, sizeof target->error);
    for (uint32_t i = 0; failed == 0 && i < list->count; i++)
        target->tally.verdicts[TREADLE_NONDETERMINISTIC] += !list->items[i].kept;
}
