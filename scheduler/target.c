/* target.c: the table of registered targets and subjects, filled by constructors before main. */
#include "target.h"

#include <string.h>

#include "check.h"

#define TARGETS_MAX 1024u
#define SUBJECTS_MAX 64u

static const struct treadle_target *targets[TARGETS_MAX]; /* sorted by name */
static uint32_t targets_registered;
static const struct treadle_subject *subjects[SUBJECTS_MAX];
static uint32_t subjects_registered;

void treadle_register(const struct treadle_target *target)
{
    if (targets_registered == TARGETS_MAX)
        check_limit("more than %u targets are registered", TARGETS_MAX);
    uint32_t position = targets_registered++;
    while (position > 0 && strcmp(targets[position - 1]->name, target->name) > 0) {
        targets[position] = targets[position - 1];
        position--;
    }
    if (position > 0 && strcmp(targets[position - 1]->name, target->name) == 0)
        check_limit("two targets are called %s", target->name);
    targets[position] = target;
}

void treadle_register_subject(const struct treadle_subject *subject)
{
    if (subjects_registered == SUBJECTS_MAX)
        check_limit("more than %u subjects are registered", SUBJECTS_MAX);
    subjects[subjects_registered++] = subject;
}

uint32_t target_count(void)
{
    return targets_registered;
}

const struct treadle_target *target_at(uint32_t index)
{
    CHECK(index, <, targets_registered);
    return targets[index];
}

const struct treadle_target *target_find(const char *name)
{
    for (uint32_t i = 0; i < targets_registered; i++)
        if (strcmp(targets[i]->name, name) == 0)
            return targets[i];
    return NULL;
}

const struct treadle_subject *subject_find(const char *name)
{
    for (uint32_t i = 0; i < subjects_registered; i++)
        if (strcmp(subjects[i]->name, name) == 0)
            return subjects[i];
    return NULL;
}
