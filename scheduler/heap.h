/* heap.h: the arena. Subjects' memory at fixed addresses, so that every process sees the same:
 * each goroutine allocates from its own sub-arena, bump by bump, and an address depends only on
 * that goroutine's history (under TREADLE_REUSE_LIFO also on who freed what). The heap knows
 * every block: owner, generation, alloc and free event, life.
 *
 * Invariants: blocks never overlap while live; between two blocks lie at least 16 bytes that
 * belong to neither, and in Go's targets three times the size of the first (up to 64 KiB), so that
 * an index into an array by the mask of a grown one hits nothing; heap_map[granule] is the number
 * of the newest block that covers the granule, dead or alive, and 0 where there was none in this
 * execution. */
#ifndef TREADLE_HEAP_H
#define TREADLE_HEAP_H

#include "treadle.h"

#define HEAP_BASE UINT64_C(0x200000000000)
#define HEAP_SETUP_BYTES (UINT64_C(16) << 30) /* goroutine 0's sub-arena */
#define HEAP_GOROUTINE_BYTES (UINT64_C(16) << 20)

#define HEAP_EVENT_SETUP UINT32_MAX       /* alloc_event of a block that set-up made */
#define HEAP_EVENT_NONE (UINT32_MAX - 1)  /* free_event of a live block */
#define HEAP_EVENT_LOOK (UINT32_MAX - 2)  /* free_event of one that scheduler_look freed */

struct heap_block {
    uint64_t start;
    uint64_t accessible; /* bytes while it lives, 0 when it is freed */
    uint64_t bytes;
    const char *type;      /* C struct's name, NULL = unknown */
    uint32_t owner;        /* goroutine that allocated it */
    uint32_t serial;       /* the owner's n-th allocation, from 0 */
    uint32_t generation;   /* how many blocks have lain here before, in this execution */
    uint32_t alloc_event;  /* trace position, HEAP_EVENT_SETUP, or */
    uint32_t free_event;   /* HEAP_EVENT_NONE */
    uint32_t next_free;    /* lifo: the block of this size class freed before it; 0 = none */
};

/* How many blocks of this execution lie where another one has lain. */
uint32_t heap_reused_count(void);

/* The newest block, live or freed, that holds address; NULL if there is none. */
const struct heap_block *heap_find(uint64_t address);

/* The block that held address, live or freed, when the trace was `position` events long. */
const struct heap_block *heap_find_at(uint64_t address, uint32_t position);

/* Block number i, 1 <= i < heap_block_count(), oldest first (also dead and superseded ones). */
const struct heap_block *heap_block_at(uint32_t number);
uint32_t heap_block_count(void);

/* Whether number is a block of the set-up (they come first). */
bool heap_block_is_setup(uint32_t number);

static inline bool heap_block_live(const struct heap_block *block)
{
    return block->free_event == HEAP_EVENT_NONE;
}

#endif
