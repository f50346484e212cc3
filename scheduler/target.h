/* target.h: the targets and subjects that have been registered. */
#ifndef TREADLE_TARGET_H
#define TREADLE_TARGET_H

#include "treadle.h"

/* Targets in order of their names. */
uint32_t target_count(void);
const struct treadle_target *target_at(uint32_t index);

/* The target of that name; NULL if there is none. */
const struct treadle_target *target_find(const char *name);

/* The subject of that name; NULL if there is none. */
const struct treadle_subject *subject_find(const char *name);

#endif
