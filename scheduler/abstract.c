/* abstract.c: the roles of the open target's goroutines. */
#include "abstract.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "scheduler.h"

uint32_t abstract_roles[GOROUTINES_MAX + DRAINERS_MAX];

/* The target's own programs have roles; whoever is spawned by them is called after the one role. */
void abstract_begin(void)
{
    static const struct treadle_target *named;
    const struct treadle_target *target = execution.target;
    if (named == target)
        return;
    named = target;
    for (uint32_t id = 0; id < GOROUTINES_MAX + DRAINERS_MAX; id++) {
        const char *role = "";
        if (id > 0 && id <= target->program_count && target->programs[id - 1].role != NULL)
            role = target->programs[id - 1].role;
        abstract_roles[id] = (uint32_t)XXH3_64bits(role, strlen(role));
    }
}
