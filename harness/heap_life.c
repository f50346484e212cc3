/* heap_life.c: looks through the blocks, newest first, only where the newest one came too late. */
#include "heap_life.h"

const struct heap_block *heap_life_at(uint64_t address, uint32_t position, uint32_t *budget)
{
    const struct heap_block *newest = heap_find(address);
    if (newest == NULL || heap_life_before(newest, position))
        return newest;
    for (uint32_t number = heap_block_count() - 1; number > 0 && *budget > 0; number--) {
        const struct heap_block *block = heap_block_at(number);
        --*budget;
        if (address - block->start < block->bytes && heap_life_before(block, position))
            return block;
    }
    return NULL;
}
