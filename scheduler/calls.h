/* calls.h: what calls of other interfaces (POSIX threads) have in common with those of treadle.h.
 * caller: of the function that the subject called. */
#ifndef TREADLE_CALLS_H
#define TREADLE_CALLS_H

#include "announce.h"

/* As treadle_alloc; the block starts at a multiple of alignment (a power of two from 1 to
 * HEAP_GOROUTINE_BYTES; above 16 only where nothing is reused). */
void *calls_allocate(size_t bytes, size_t alignment, const char *type, struct caller caller);

/* As treadle_free; memory is not NULL. */
void calls_free(void *memory, struct caller caller);

/* As treadle_choose in a running execution. */
uint32_t calls_choose(uint32_t count, const char *label, struct caller caller);

/* The event that a subject's own check speaks of: the running goroutine's last one, whose values
 * are then known. EVENT_INDEX_NONE if there is none. frame: HOOK_FRAME. */
uint32_t calls_last_event(uint64_t frame);

#endif
