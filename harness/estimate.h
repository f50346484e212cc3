/* estimate.h: how many executions an exploration has still to make, found by probing.
 *
 * A probe follows P. C. Chen, "Heterogeneous sampling: the efficiency of backtrack search"
 * (SIAM J. Comput. 21, 1992), after Knuth (Math. Comp. 29, 1975): from one level of the tree of
 * executions to the next, those that are alike (here: have taken equally many steps for sure) are
 * represented by one of them, chosen at random, with their number as its weight. The sum of weights
 * is, in the mean over all probes, the size of the tree: whatever its shape. How far probes
 * differ tells how far to trust them. */
#ifndef TREADLE_ESTIMATE_H
#define TREADLE_ESTIMATE_H

#include "../scheduler/rng.h"
#include "frontier.h"

/* Estimates how many executions the items of a frontier stand for, in the open target; explorer has
 * nothing to do before and after. Returns less than 0 if it did not get to the end within that many
 * executions; adds those made to *executions. */
double estimate_probe(struct explorer *explorer, const struct frontier *frontier, uint64_t seed,
                      uint64_t executions_max, uint64_t *executions);

/* The last so many estimates of a total. */
#define ESTIMATES_KEPT 256u
struct estimate {
    double totals[ESTIMATES_KEPT];
    uint64_t count; /* ever added */
};

void estimate_add(struct estimate *estimate, double total);

/* Where the total lies in most cases. False if too little is known. */
bool estimate_range(const struct estimate *estimate, double *ret_low, double *ret_high);

#endif
