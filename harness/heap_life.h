/* heap_life.h: which block lay at an address at a moment of the trace. heap_find knows the newest
 * one; under reuse others lay there before. For the oracles aba and stale-pointer. */
#ifndef TREADLE_HEAP_LIFE_H
#define TREADLE_HEAP_LIFE_H

#include "oracle.h"

/* Whether the block was there before trace position `position` (also if freed by then). */
static inline bool heap_life_before(const struct heap_block *block, uint32_t position)
{
    return block->alloc_event == HEAP_EVENT_SETUP || block->alloc_event < position;
}

/* The newest block that was allocated before trace position `position` and holds address, or NULL.
 * *budget: blocks that may still be looked at; when it is used up, the answer is NULL too. */
const struct heap_block *heap_life_at(uint64_t address, uint32_t position, uint32_t *budget);

/* A pointer without the tag that may stand in its upper 16 bits. */
static inline uint64_t pointer_untagged(uint64_t value)
{
    return value & UINT64_C(0xffffffffffff);
}

#endif
