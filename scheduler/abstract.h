/* abstract.h: abstract events: what an event is, whichever execution it is in: a place in the code,
 * and the role of the goroutine there (the target's name for what it does). As 16 bits that any two
 * processes of one program agree on; others are taken for the same with a chance of 2^-16. */
#ifndef TREADLE_ABSTRACT_H
#define TREADLE_ABSTRACT_H

#include "event.h"

/* Hashes of goroutines' roles, by id; those of the open target, once abstract_begin was called. */
extern uint32_t abstract_roles[];

/* To be called before an execution whose events are to be named. */
void abstract_begin(void);

/* Where the program's code begins. */
extern const char __executable_start[];

static inline uint16_t abstract_event(uint64_t pc, uint32_t goroutine)
{
    uint32_t place = (uint32_t)(pc - (uint64_t)__executable_start);
    return (uint16_t)((place * UINT32_C(0x9e3779b1) ^ abstract_roles[goroutine]) >> 16);
}

#endif
