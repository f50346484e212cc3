/* heap.c: the arena. See heap.h for its invariants. Freed memory is handed out again only under
 * TREADLE_REUSE_LIFO, newest first, among blocks of one rounded size. */
#define _GNU_SOURCE
#include "heap_layout.h"

#include <string.h>
#include <sys/mman.h>

#include "check.h"

#define HEAP_BLOCKS_MAX (8u << 20)
#define HEAP_ROOM_FACTOR 3u  /* how many times its size a roomy heap leaves free behind a block, */
#define HEAP_ROOM_MAX 65536u /* up to so many bytes */
#define HEAP_COPY_BYTES 64u /* copying so much costs as much as looking at an event */

struct heap_block *heap_blocks;
uint32_t *heap_map;

static struct {
    enum treadle_reuse reuse;
    bool roomy;
    uint32_t block_count; /* block 0 included */
    uint32_t setup_count; /* block_count at the snapshot */
    uint32_t reused_count;
    uint32_t free_list[HEAP_CLASSES]; /* newest freed block of each class, 0 = none */
    uint32_t setup_free_list[HEAP_CLASSES];
    uint32_t *freed_setup; /* set-up blocks freed, or covered anew, since the snapshot */
    uint32_t freed_setup_count;
    uint8_t *snapshot; /* the set-up's bytes, from HEAP_BASE on */
    uint64_t snapshot_bytes;
    uint64_t snapshot_capacity;
    uint32_t setup_allocation_count;
} heap;

static void *heap_reserve(uint64_t address, uint64_t bytes, const char *what)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (address ? MAP_FIXED_NOREPLACE : 0);
    void *base = mmap((void *)address, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == MAP_FAILED || (address != 0 && base != (void *)address))
        check_limit("cannot reserve %llu MiB of address space for %s; is it limited (ulimit -v)?",
                    (unsigned long long)(bytes >> 20), what);
    return base;
}

void heap_open(void)
{
    if (heap_map != NULL)
        return;
    heap_reserve(HEAP_BASE, HEAP_BYTES, "the arena");
    heap_map = heap_reserve(0, HEAP_BYTES / HEAP_GRANULE_BYTES * sizeof *heap_map, "its map");
    heap_blocks = heap_reserve(0, HEAP_BLOCKS_MAX * sizeof *heap_blocks, "its blocks");
    heap.freed_setup = heap_reserve(0, HEAP_BLOCKS_MAX * sizeof(uint32_t), "its freed blocks");
    heap.block_count = 1;
}

static void heap_mark(uint32_t number, uint32_t mark)
{
    const struct heap_block *block = &heap_blocks[number];
    uint32_t *map = &heap_map[(block->start - HEAP_BASE) / HEAP_GRANULE_BYTES];
    uint64_t granules = heap_round(block->bytes) / HEAP_GRANULE_BYTES;
    if (mark == 0) {
        memset(map, 0, granules * sizeof *map);
        return;
    }
    for (uint64_t i = 0; i < granules; i++)
        map[i] = mark;
}

/* Takes the newest freed block of that size off its list; 0 if there is none. */
static uint32_t heap_reuse_block(uint64_t rounded)
{
    uint32_t *link = &heap.free_list[heap_class(rounded)];
    if (*link == 0 || heap_round(heap_blocks[*link].bytes) != rounded)
        return 0; /* in the list of large blocks only the newest may fit */
    uint32_t number = *link;
    *link = heap_blocks[number].next_free;
    return number;
}

/* How many bytes that belong to nothing lie behind a block. */
static uint64_t heap_room(uint64_t rounded)
{
    if (!heap.roomy)
        return HEAP_GRANULE_BYTES;
    return rounded < HEAP_ROOM_MAX / HEAP_ROOM_FACTOR ? rounded * HEAP_ROOM_FACTOR : HEAP_ROOM_MAX;
}

/* A multiple of HEAP_GOROUTINE_BYTES. */
static uint64_t heap_sub_arena(const struct goroutine *goroutine)
{
    return goroutine->id == 0 ? HEAP_BASE
                              : HEAP_BASE + HEAP_SETUP_BYTES + goroutine->id * HEAP_GOROUTINE_BYTES;
}

void heap_align(struct goroutine *goroutine, uint64_t alignment)
{
    CHECK(alignment, <=, HEAP_GOROUTINE_BYTES);
    goroutine->heap_used = (goroutine->heap_used + alignment - 1) & ~(alignment - 1);
}

static uint64_t heap_bump(struct goroutine *goroutine, uint64_t rounded)
{
    uint64_t base = heap_sub_arena(goroutine);
    uint64_t limit = goroutine->id == 0 ? HEAP_SETUP_BYTES : HEAP_GOROUTINE_BYTES;
    uint64_t start = goroutine->heap_used;
    uint64_t room = heap_room(rounded);
    if (rounded > limit - room || start > limit - room - rounded)
        check_limit("goroutine %u has used up its arena of %llu MiB", goroutine->id,
                    (unsigned long long)(limit >> 20));
    goroutine->heap_used = start + rounded + room;
    return base + start;
}

struct heap_block *heap_allocate(struct goroutine *goroutine, uint64_t bytes, const char *type,
                                 uint32_t event)
{
    uint64_t rounded = heap_round(bytes);
    uint32_t former = heap.reuse == TREADLE_REUSE_LIFO ? heap_reuse_block(rounded) : 0;
    if (heap.block_count == HEAP_BLOCKS_MAX)
        check_limit("more than %u blocks were allocated", HEAP_BLOCKS_MAX);
    uint32_t number = heap.block_count++;
    struct heap_block *block = &heap_blocks[number];
    *block = (struct heap_block){
        .start = former != 0 ? heap_blocks[former].start : heap_bump(goroutine, rounded),
        .accessible = bytes,
        .bytes = bytes,
        .type = type,
        .owner = goroutine->id,
        .serial = goroutine->allocation_count++,
        .generation = former != 0 ? heap_blocks[former].generation + 1 : 0,
        .alloc_event = event,
        .free_event = HEAP_EVENT_NONE,
    };
    if (former != 0) {
        heap.reused_count++;
        if (former < heap.setup_count && heap_blocks[former].free_event == HEAP_EVENT_SETUP)
            heap.freed_setup[heap.freed_setup_count++] = former;
    }
    heap_mark(number, number);
    memset((void *)block->start, 0, rounded);
    return block;
}

void heap_free(struct heap_block *block, uint32_t event)
{
    uint32_t number = (uint32_t)(block - heap_blocks);
    bool looked = event == HEAP_EVENT_SETUP && number < heap.setup_count;
    block->free_event = looked ? HEAP_EVENT_LOOK : event;
    block->accessible = 0;
    if (heap.reuse == TREADLE_REUSE_LIFO) {
        uint32_t *list = &heap.free_list[heap_class(heap_round(block->bytes))];
        block->next_free = *list;
        *list = number;
    }
    if (number < heap.setup_count)
        heap.freed_setup[heap.freed_setup_count++] = number;
}

struct heap_block *heap_block_starting(uint64_t address)
{
    struct heap_block *block = &heap_blocks[heap_lookup(address) - heap_blocks];
    return block != &heap_blocks[0] && block->start == address && heap_block_live(block) ? block
                                                                                         : NULL;
}

const struct heap_block *heap_find(uint64_t address)
{
    if (heap_map == NULL)
        return NULL;
    const struct heap_block *block = heap_lookup(address);
    return block != &heap_blocks[0] && address - block->start < block->bytes ? block : NULL;
}

const struct heap_block *heap_find_at(uint64_t address, uint32_t position)
{
    if (heap_map == NULL)
        return NULL;
    /* not heap_find: the newest block there may be shorter than the one of then */
    const struct heap_block *block = heap_lookup(address);
    for (; block != &heap_blocks[0]; block--) {
        bool was_there = block->alloc_event == HEAP_EVENT_SETUP || block->alloc_event < position;
        if (was_there && address - block->start < block->bytes)
            return block;
    }
    return NULL;
}

const struct heap_block *heap_block_at(uint32_t number)
{
    CHECK(number, <, heap.block_count);
    return &heap_blocks[number];
}

uint32_t heap_block_count(void)
{
    return heap.block_count;
}

bool heap_block_is_setup(uint32_t number)
{
    return number < heap.setup_count;
}

uint32_t heap_reused_count(void)
{
    return heap.reused_count;
}

void heap_set_policy(enum treadle_reuse reuse, bool roomy)
{
    heap.reuse = reuse;
    heap.roomy = roomy;
}

void heap_clear(struct goroutine *goroutine_0)
{
    for (uint32_t number = 1; number < heap.block_count; number++)
        heap_mark(number, 0);
    memset(heap.free_list, 0, sizeof heap.free_list);
    heap.block_count = 1;
    heap.setup_count = 0;
    heap.freed_setup_count = 0;
    heap.reused_count = 0;
    goroutine_0->heap_used = 0;
    goroutine_0->allocation_count = 0;
}

void heap_snapshot(const struct goroutine *goroutine_0)
{
    heap.setup_count = heap.block_count;
    heap.setup_allocation_count = goroutine_0->allocation_count;
    memcpy(heap.setup_free_list, heap.free_list, sizeof heap.free_list);
    heap.freed_setup_count = 0;
    heap.reused_count = 0;
    if (goroutine_0->heap_used > heap.snapshot_capacity) {
        if (heap.snapshot != NULL)
            munmap(heap.snapshot, heap.snapshot_capacity);
        heap.snapshot = heap_reserve(0, goroutine_0->heap_used, "the set-up's snapshot");
        heap.snapshot_capacity = goroutine_0->heap_used;
    }
    heap.snapshot_bytes = goroutine_0->heap_used;
    if (heap.snapshot_bytes > 0)
        memcpy(heap.snapshot, (const void *)HEAP_BASE, heap.snapshot_bytes);
}

/* Puts back the part of [address, address + bytes) that lies in the set-up's memory. */
static void heap_restore_bytes(uint64_t address, uint64_t bytes)
{
    uint64_t offset = address - HEAP_BASE;
    if (offset >= heap.snapshot_bytes)
        return;
    if (bytes == 8 && offset % 8 == 0) { /* nearly all are: not worth a call */
        *(uint64_t *)address = *(const uint64_t *)(const void *)(heap.snapshot + offset);
        return;
    }
    if (bytes > heap.snapshot_bytes - offset)
        bytes = heap.snapshot_bytes - offset;
    memcpy((void *)address, heap.snapshot + offset, bytes);
}

bool heap_setup_byte(uint64_t address, uint8_t *ret_value)
{
    const struct heap_block *block = heap_find_at(address, 0);
    if (block == NULL || block->free_event == HEAP_EVENT_SETUP)
        return false;
    *ret_value = heap.snapshot[address - HEAP_BASE];
    return true;
}

void heap_restore(struct goroutine *goroutine_0, const struct event *trace, uint32_t trace_count,
                  bool everything)
{
    for (uint32_t number = heap.setup_count; number < heap.block_count; number++)
        heap_mark(number, 0);
    heap.block_count = heap.setup_count;
    heap.reused_count = 0;
    for (uint32_t i = 0; i < heap.freed_setup_count; i++) {
        struct heap_block *block = &heap_blocks[heap.freed_setup[i]];
        if (block->free_event != HEAP_EVENT_SETUP) {
            block->accessible = block->bytes;
            block->free_event = HEAP_EVENT_NONE;
        }
        heap_mark(heap.freed_setup[i], heap.freed_setup[i]);
    }
    if (heap.reuse == TREADLE_REUSE_LIFO)
        memcpy(heap.free_list, heap.setup_free_list, sizeof heap.free_list);
    heap.freed_setup_count = 0;
    goroutine_0->heap_used = heap.snapshot_bytes;
    goroutine_0->allocation_count = heap.setup_allocation_count;
    if (heap.snapshot_bytes == 0)
        return;
    if (everything || heap.snapshot_bytes <= (uint64_t)trace_count * HEAP_COPY_BYTES) {
        memcpy((void *)HEAP_BASE, heap.snapshot, heap.snapshot_bytes);
        return;
    }
    const uint64_t writing = EVENT_KINDS_THAT(WRITES) | UINT64_C(1) << EVENT_ALLOC;
    for (uint32_t i = 0; i < trace_count; i++)
        if (writing >> trace[i].kind & 1)
            heap_restore_bytes(trace[i].address, trace[i].size);
}
