/* exploration_target.c: how an exploration stands: at its beginning, later, and when it is done. */
#include "exploration.h"

#include <stdlib.h>

#include "../scheduler/check.h"

void exploration_begin(struct exploration_target *target, int64_t preemptions)
{
    struct explorer *beginning = explorer_create(false);
    if (preemptions >= 0)
        explorer_bound(beginning, (uint32_t)preemptions);
    frontier_clear(&target->frontier);
    frontier_add_explorer(&target->frontier, beginning);
    explorer_destroy(beginning);
    target->tally = (struct tally){ 0 };
    class_set_clear(&target->classes);
    target->repeated = target->blocked = target->cut = target->crashed = 0;
    target->preemptions = preemptions;
    target->limited = false;
    target->estimate.count = 0;
}

bool exploration_is_complete(const struct exploration_target *target)
{
    return target->frontier.count == 0 && target->cut == 0 && target->crashed == 0
           && target->tally.verdicts[TREADLE_TIMEOUT] == 0 && target->nondeterminism[0] == '\0'
           && target->error[0] == '\0';
}

bool exploration_range(const struct exploration_target *target, double *ret_low,
                       double *ret_high)
{
    double low, high;
    double least = (double)target->tally.executions + (double)target->frontier.count;
    if (target->frontier.count == 0 || !estimate_range(&target->estimate, &low, &high))
        return false;
    *ret_low = low > least ? low : least;
    *ret_high = high > *ret_low ? high : *ret_low;
    return true;
}

struct exploration *exploration_create(const uint32_t *targets, uint32_t count,
                                       const struct exploration_parameters *parameters)
{
    struct exploration *exploration = calloc(1, sizeof *exploration);
    CHECK(exploration != NULL, ==, true);
    exploration->target_count = count;
    exploration->targets = calloc(count + 1, sizeof *exploration->targets);
    CHECK(exploration->targets != NULL, ==, true);
    for (uint32_t i = 0; i < count; i++) {
        exploration->targets[i].index = targets != NULL ? targets[i] : 0;
        exploration_begin(&exploration->targets[i], parameters->preemptions);
    }
    return exploration;
}

void exploration_target_deinit(struct exploration_target *target)
{
    frontier_deinit(&target->frontier);
    class_set_clear(&target->classes);
    finding_list_clear(&target->findings);
}

void exploration_destroy(struct exploration *exploration)
{
    if (exploration == NULL)
        return;
    for (uint32_t i = 0; i < exploration->target_count; i++) {
        exploration_target_deinit(&exploration->targets[i]);
    }
    free(exploration->targets);
    free(exploration);
}
