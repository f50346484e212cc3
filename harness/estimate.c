/* estimate.c: probes of the tree of executions, and what many of them say. */
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "../scheduler/scheduler.h"

/* Kinds of items that are told apart on one level of the tree. */
#define STRATA 64u
#define PROBES_MIN 8u

/* Those of one kind: how many they stand for, and the one that represents them. */
struct stratum {
    double weight;
    struct frontier one;
};

struct probe {
    struct stratum levels[2][STRATA]; /* the present level, the next one */
    uint32_t level;
    struct rng rng;
    uint32_t steps_per_stratum;
};

static uint32_t stratum_of(const struct probe *probe, const struct explore_item *item)
{
    uint32_t stratum = item->step_count / probe->steps_per_stratum;
    return stratum < STRATA ? stratum : STRATA - 1;
}

/* An item of the next level, which stands for `weight` of them. */
static void probe_add(struct probe *probe, const struct explore_item *item, double weight)
{
    struct stratum *stratum = &probe->levels[!probe->level][stratum_of(probe, item)];
    stratum->weight += weight;
    double drawn = (double)(rng_next(&probe->rng) >> 11) * 0x1p-53;
    if (drawn * stratum->weight < weight) {
        frontier_clear(&stratum->one);
        frontier_add(&stratum->one, item);
    }
}

/* Goes down one level; false if that is empty. */
static bool probe_descend(struct probe *probe)
{
    bool any = false;
    for (uint32_t i = 0; i < STRATA; i++) {
        frontier_clear(&probe->levels[probe->level][i].one);
        probe->levels[probe->level][i].weight = 0;
        any |= probe->levels[!probe->level][i].weight > 0;
    }
    probe->level = !probe->level;
    return any;
}

/* Steps of the longest execution in sight. */
static uint32_t steps_in_sight(struct explorer *explorer, const struct frontier *frontier)
{
    uint32_t steps = 0;
    explorer_add(explorer, frontier_next(frontier, NULL));
    explorer_next(explorer);
    explorer_drop(explorer, explorer_item_count(explorer));
    steps = execution.choice_count;
    const struct explore_item *item = NULL;
    while ((item = frontier_next(frontier, item)) != NULL)
        steps = item->step_count > steps ? item->step_count : steps;
    return steps;
}

double estimate_probe(struct explorer *explorer, const struct frontier *frontier, uint64_t seed,
                      uint64_t executions_max, uint64_t *executions)
{
    if (frontier->count == 0)
        return 0;
    struct probe *probe = calloc(1, sizeof *probe);
    CHECK(probe != NULL, ==, true);
    rng_seed(&probe->rng, seed);
    probe->steps_per_stratum = steps_in_sight(explorer, frontier) / STRATA + 1;
    const struct explore_item *item = NULL;
    while ((item = frontier_next(frontier, item)) != NULL)
        probe_add(probe, item, 1);
    double total = 0;
    uint64_t made = 1;
    while (made < executions_max && !scheduler_crashed() && probe_descend(probe))
        for (uint32_t i = 0; i < STRATA && !scheduler_crashed(); i++) {
            const struct stratum *stratum = &probe->levels[probe->level][i];
            if (stratum->weight == 0)
                continue;
            explorer_add(explorer, frontier_next(&stratum->one, NULL));
            explorer_next(explorer);
            made++;
            total += stratum->weight;
            for (size_t child = 0; child < explorer_item_count(explorer); child++)
                probe_add(probe, explorer_item(explorer, child), stratum->weight);
            explorer_drop(explorer, explorer_item_count(explorer));
        }
    *executions += made;
    for (uint32_t i = 0; i < 2 * STRATA; i++)
        frontier_deinit(&probe->levels[i / STRATA][i % STRATA].one);
    free(probe);
    return made < executions_max && !scheduler_crashed() ? total : -1;
}

/* ---- what many say --------------------------------------------------------------------------- */

void estimate_add(struct estimate *estimate, double total)
{
    estimate->totals[estimate->count++ % ESTIMATES_KEPT] = total;
}

/* Probes are skewed: most are too low, a few much too high. So there is more room upwards: by trial
 * (estimate_test.c) the truth lies within in nine of ten cases. */
bool estimate_range(const struct estimate *estimate, double *ret_low, double *ret_high)
{
    uint32_t count = estimate->count < ESTIMATES_KEPT ? (uint32_t)estimate->count : ESTIMATES_KEPT;
    if (count < PROBES_MIN)
        return false;
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += estimate->totals[i];
    double mean = sum / count;
    for (uint32_t i = 0; i < count; i++)
        squares += (estimate->totals[i] - mean) * (estimate->totals[i] - mean);
    double spread = sqrt(squares / (count - 1) / count);
    *ret_low = mean - 2 * spread;
    *ret_high = mean + 6 * spread;
    return true;
}
