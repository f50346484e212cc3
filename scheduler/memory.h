/* memory.h: which memory a subject may touch, and what values lie there. Known regions are live
 * blocks of the arena, the goroutines' stacks and the program's own data; an access elsewhere is a
 * verdict before it happens. */
#ifndef TREADLE_MEMORY_H
#define TREADLE_MEMORY_H

#include <string.h>

#include "heap_layout.h"
#include "scheduler.h"

/* What an address that is in no live block is. */
enum memory_access {
    MEMORY_SHARED, /* an event */
    MEMORY_PRIVATE /* the goroutine's own stack, which the target declares private: no event */
};

/* Classifies an access outside the heap's live blocks; one to unknown memory ends the execution.
 * Remembers what lies in global data before it is written first in this execution. */
enum memory_access memory_classify(uint64_t address, uint64_t bytes, bool writes, uint64_t pc);

/* Puts global data back as it was before the execution. */
void memory_restore_globals(void);

/* What was written so far is what to go back to. */
void memory_forget_globals(void);

/* XXH3-64 of a range; bytes > 0. */
uint64_t memory_hash(uint64_t address, uint64_t bytes);

/* The value of size bytes at address, as events record it. */
static inline uint64_t memory_value(uint64_t address, uint32_t size)
{
    uint64_t value = 0;
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)address;
    case 2:
        memcpy(&value, (const void *)address, 2);
        return value;
    case 4:
        memcpy(&value, (const void *)address, 4);
        return value;
    case 8:
        memcpy(&value, (const void *)address, 8);
        return value;
    case 0:
        return 0;
    default:
        return memory_hash(address, size);
    }
}

/* True if the access is an event. */
static inline bool memory_check(uint64_t address, uint64_t bytes, bool writes, uint64_t pc)
{
    if (__builtin_expect(heap_accessible(address, bytes), 1))
        return true;
    return memory_classify(address, bytes, writes, pc) == MEMORY_SHARED;
}

#endif
