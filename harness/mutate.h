/* mutate.h: from one input to another one: RFF's mutations of a constraint (insert, delete, swap,
 * negate), and such of the answers to data choices. A function of the random numbers. */
#ifndef TREADLE_MUTATE_H
#define TREADLE_MUTATE_H

#include "../scheduler/feedback.h"
#include "../scheduler/rng.h"
#include "input.h"

#define MUTATE_CONSTRAINTS_MAX 8u /* that mutations make: more only stand in each other's way */

/* What executions of the target have shown: constraints are made of that. */
struct mutation_material {
    const struct reads_from *pairs;
    uint32_t pair_count;
};

/* Changes an input in one to a few places and gives it another seed. */
void mutate(struct input *input, const struct mutation_material *material, struct rng *rng);

/* The constraints of the one, a part of those of the other, the answers of either. */
struct input mutate_cross(const struct input *a, const struct input *b, struct rng *rng);

#endif
