/* abstract.h: abstract events: what an event is, whichever execution it is in: a place in the code,
 * and the role of the goroutine there (the target's name for what it does). As 16 bits that any two
 * processes agree on; others are taken for the same with a chance of 2^-16. */
#ifndef TREADLE_ABSTRACT_H
#define TREADLE_ABSTRACT_H

#include "event.h"

/* Hashes of goroutines' roles, by id; those of the open target, once abstract_begin was called. */
extern uint32_t abstract_roles[];

/* To be called before an execution whose events are to be named. */
void abstract_begin(void);

/* Who names places in the code by something that another build has, too; without, they are named by
 * where they lie in this program. */
extern uint32_t (*abstract_name_place)(uint64_t pc);

/* Places named before, by their address. */
#define ABSTRACT_PLACES 4096u
struct abstract_place {
    uint64_t pc;
    uint32_t name;
};
extern struct abstract_place abstract_places[ABSTRACT_PLACES];

uint32_t abstract_place_new(uint64_t pc);

static inline uint32_t abstract_place(uint64_t pc)
{
    const struct abstract_place *place = &abstract_places[(pc ^ pc >> 12) % ABSTRACT_PLACES];
    return __builtin_expect(place->pc == pc, 1) ? place->name : abstract_place_new(pc);
}

static inline uint16_t abstract_event(uint64_t pc, uint32_t goroutine)
{
    return (uint16_t)((abstract_place(pc) ^ abstract_roles[goroutine]) >> 16);
}

#endif
