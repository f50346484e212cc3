/* abstract.c: the names of places, and the roles of the open target's goroutines. */
#include "abstract.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "scheduler.h"

/* Where the program's code begins. */
extern const char __executable_start[];

uint32_t abstract_roles[GOROUTINES_MAX + DRAINERS_MAX];
struct abstract_place abstract_places[ABSTRACT_PLACES];
uint32_t (*abstract_name_place)(uint64_t pc);

uint32_t abstract_place_new(uint64_t pc)
{
    struct abstract_place *place = &abstract_places[(pc ^ pc >> 12) % ABSTRACT_PLACES];
    uint64_t offset = pc - (uint64_t)__executable_start;
    place->pc = pc;
    place->name = abstract_name_place != NULL ? abstract_name_place(pc)
                                              : (uint32_t)XXH3_64bits(&offset, sizeof offset);
    return place->name;
}

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
