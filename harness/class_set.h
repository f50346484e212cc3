/* class_set.h: which classes of executions (explorer_class) have been counted; or whatever else is
 * told apart by a hash (in class.low). */
#ifndef TREADLE_CLASS_SET_H
#define TREADLE_CLASS_SET_H

#include "../scheduler/explore.h"

/* Empty where it is NULL. */
struct class_set;

/* Whether the class is new; then it is in the set. */
bool class_set_add(struct class_set **set, struct explore_class class);

uint32_t class_set_count(const struct class_set *set);

/* Goes through the set, from NULL to NULL. */
const struct class_set *class_set_next(const struct class_set *set,
                                       const struct class_set *before);
struct explore_class class_set_class(const struct class_set *at);

void class_set_clear(struct class_set **set);

#endif
