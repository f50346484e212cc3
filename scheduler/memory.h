/* memory.h: which memory a subject may touch, and what values lie there. Known regions are live
 * blocks of the arena, the goroutines' stacks and the program's own data; an access elsewhere is a
 * verdict before it happens. */
#ifndef TREADLE_MEMORY_H
#define TREADLE_MEMORY_H

#include <string.h>

#include "heap_layout.h"
#include "scheduler.h"

/* memory_check for what is in no live block of the heap. */
void memory_check_elsewhere(uint64_t address, uint64_t bytes, bool writes);

/* Puts global data back as it was before the execution, or even before the set-up. */
void memory_restore_globals(void);
void memory_restore_setup_globals(void);

/* What was written so far is the set-up's: memory_restore_globals keeps it. */
void memory_keep_globals(void);

/* The byte of global data that lay at address when the set-up had ended. */
uint8_t memory_setup_global(uint64_t address);

/* Whether a synchronisation object may lie there: live, writable memory. */
bool memory_known(uint64_t address, uint64_t bytes);

/* Whose stack, or in a whole program thread-locals, hold all of it; -1 if nobody's do. */
int32_t memory_owner(uint64_t address, uint64_t bytes);

/* Whether it is the program's own data. */
bool memory_is_global(uint64_t address, uint64_t bytes, bool writes);

/* XXH3-64 of a range; bytes > 0. */
uint64_t memory_hash(uint64_t address, uint64_t bytes);

/* Copies subject memory wherever it is; AddressSanitizer, which knows of the frames on a fiber's
 * stack but not that their goroutine is away, is not asked. */
void memory_copy(void *to, uint64_t from, uint64_t bytes);

/* The value of size bytes at address, as events record it. */
static inline __attribute__((no_sanitize_address)) uint64_t memory_value(uint64_t address, uint32_t size)
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

/* Ends the execution with a verdict if a subject may not touch [address, address + bytes).
 * Remembers what lies in global data before it is written. */
static inline void memory_check(uint64_t address, uint64_t bytes, bool writes)
{
    if (__builtin_expect(!heap_accessible(address, bytes), 0))
        memory_check_elsewhere(address, bytes, writes);
}

#endif
