/* heap_layout.h: how the heap finds the block of an address, for the hooks' fast path. */
#ifndef TREADLE_HEAP_LAYOUT_H
#define TREADLE_HEAP_LAYOUT_H

#include "goroutine.h"
#include "heap.h"

#define HEAP_BYTES (HEAP_SETUP_BYTES + GOROUTINES_MAX * HEAP_GOROUTINE_BYTES)
#define HEAP_GRANULE_BYTES 16u
#define HEAP_CLASSES 64u /* one per 16 bytes up to 1024; larger blocks share the last list */

/* Block 0 stands for "no block": nothing of it is accessible. */
extern struct heap_block *heap_blocks;
/* One block number per granule of the arena. */
extern uint32_t *heap_map;

static inline const struct heap_block *heap_lookup(uint64_t address)
{
    uint64_t offset = address - HEAP_BASE;
    return offset < HEAP_BYTES ? &heap_blocks[heap_map[offset / HEAP_GRANULE_BYTES]]
                               : &heap_blocks[0];
}

/* Whether [address, address + bytes) lies inside one live block; 0 < bytes < 2^63. (Without the
 * - 1 the sum is 0, and less than what block 0 has, where address + bytes is 2^64.) */
static inline bool heap_accessible(uint64_t address, uint64_t bytes)
{
    const struct heap_block *block = heap_lookup(address);
    return address - block->start + (bytes - 1) < block->accessible;
}

/* What a block takes up, but for the gap behind it. */
static inline uint64_t heap_round(uint64_t bytes)
{
    return bytes == 0 ? HEAP_GRANULE_BYTES
                      : (bytes + HEAP_GRANULE_BYTES - 1) & ~(uint64_t)(HEAP_GRANULE_BYTES - 1);
}

/* Which of the lists of freed blocks such a one is in: below HEAP_CLASSES. */
static inline uint32_t heap_class(uint64_t rounded)
{
    uint64_t class = rounded / HEAP_GRANULE_BYTES - 1;
    return class < HEAP_CLASSES - 1 ? (uint32_t)class : HEAP_CLASSES - 1;
}

/* Maps arena and tables, once per process. */
void heap_open(void);

/* Allocates zeroed memory for goroutine; the block's alloc_event is event. */
struct heap_block *heap_allocate(struct goroutine *goroutine, uint64_t bytes, const char *type,
                                 uint32_t event);

/* Lets the goroutine's next fresh block start at a multiple of alignment: a power of two, at most
 * HEAP_GOROUTINE_BYTES. */
void heap_align(struct goroutine *goroutine, uint64_t alignment);

/* Frees a live block. */
void heap_free(struct heap_block *block, uint32_t event);

/* The live block that starts at address, or NULL. */
struct heap_block *heap_block_starting(uint64_t address);

/* From here on: how freed memory is reused, and how much room lies behind a block (heap.h). */
void heap_set_policy(enum treadle_reuse reuse, bool roomy);

/* Forgets every block; goroutine 0's sub-arena starts anew. */
void heap_clear(struct goroutine *goroutine_0);

/* Takes everything there is for the set-up: its bytes and blocks are put back by heap_restore. */
void heap_snapshot(const struct goroutine *goroutine_0);

/* What lay at address when the set-up had ended; false if no live block held it. */
bool heap_setup_byte(uint64_t address, uint8_t *ret_value);

/* Puts arena and blocks back as they were at the snapshot. trace holds every write to the arena
 * since then, unless everything is to be put back. */
void heap_restore(struct goroutine *goroutine_0, const struct event *trace, uint32_t trace_count,
                  bool everything);

#endif
