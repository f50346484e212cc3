/* memory.c: what lies where, beyond the heap's fast path. */
#include "memory.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "check.h"

#define NIL_PAGE_BYTES 4096u
#define GLOBAL_WRITES_MAX 65536u

extern char __executable_start[], __data_start[], _end[]; /* the linker's */

/* Global data as it was before this execution wrote it, oldest first. */
static struct global_write {
    uint64_t address;
    uint64_t value;
    uint32_t bytes; /* 1 to 8 */
} global_writes[GLOBAL_WRITES_MAX];
static uint32_t global_write_count;

uint64_t memory_hash(uint64_t address, uint64_t bytes)
{
    return XXH3_64bits((const void *)address, bytes);
}

static void memory_remember_global(uint64_t address, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes; done += 8) {
        if (global_write_count == GLOBAL_WRITES_MAX)
            check_limit("an execution wrote global data more than %u times", GLOBAL_WRITES_MAX);
        struct global_write *write = &global_writes[global_write_count++];
        write->address = address + done;
        write->bytes = (uint32_t)(bytes - done < 8 ? bytes - done : 8);
        memcpy(&write->value, (const void *)write->address, write->bytes);
    }
}

void memory_restore_globals(void)
{
    while (global_write_count > 0) {
        const struct global_write *write = &global_writes[--global_write_count];
        memcpy((void *)write->address, &write->value, write->bytes);
    }
}

/* An access to memory that is not there: which verdict that is. */
static _Noreturn void memory_wild(uint64_t address)
{
    uint32_t event = execution.trace_count > 0 ? execution.trace_count - 1 : EVENT_INDEX_NONE;
    bool go = execution.target != NULL && execution.target->go_semantics;
    if (go && address < NIL_PAGE_BYTES)
        scheduler_end(TREADLE_PANIC, "nil dereference", event);
    const struct heap_block *block = heap_lookup(address);
    if (block->bytes > 0 && !heap_block_live(block))
        scheduler_end(TREADLE_USE_AFTER_FREE, "access to freed memory", event);
    const struct heap_block *before = heap_lookup(address - HEAP_GRANULE_BYTES);
    bool behind = (block->bytes > 0 && heap_block_live(block))
                  || (before->bytes > 0 && heap_block_live(before));
    if (behind && !go) /* Go cannot tell: whatever lies there is read or written */
        scheduler_end(TREADLE_OUT_OF_BOUNDS, "access beyond the end of a block", event);
    scheduler_end(TREADLE_WILD_ACCESS, "access outside any live memory", event);
}

void memory_forget_globals(void)
{
    global_write_count = 0;
}

enum memory_access memory_classify(uint64_t address, uint64_t bytes, bool writes, uint64_t pc)
{
    (void)pc;
    int32_t fiber = fiber_of_address(address);
    if (fiber >= 0) {
        bool private = execution.target != NULL && execution.target->private_stacks;
        if ((uint32_t)fiber == scheduler.running->id)
            return private ? MEMORY_PRIVATE : MEMORY_SHARED;
        if (!private && (uint32_t)fiber < scheduler.goroutine_count)
            return MEMORY_SHARED;
        memory_wild(address);
    }
    uint64_t low = (uint64_t)(writes ? __data_start : __executable_start);
    if (address >= low && address + bytes <= (uint64_t)_end) {
        if (writes && execution.phase != PHASE_SETUP)
            memory_remember_global(address, bytes);
        return MEMORY_SHARED;
    }
    memory_wild(address);
}
