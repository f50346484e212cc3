/* memory.c: what lies where, beyond the heap's fast path. */
#include "memory.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "check.h"
#include "image.h"
#include "thread_local.h"

#define NIL_PAGE_BYTES 4096u
#define GLOBAL_WRITES_MAX (1u << 20)
#define MEMORY_HASH_WORDS 64u

extern char __executable_start[], __data_start[], _end[]; /* the linker's */

/* Global data as it was before set-up and this execution wrote it, oldest first. */
static struct global_write {
    uint64_t address;
    uint64_t value;
    uint32_t bytes; /* 1 to 8 */
} global_writes[GLOBAL_WRITES_MAX];
static uint32_t global_write_count;
static uint32_t global_write_setup_count; /* the first ones are the set-up's */

#ifdef __SANITIZE_ADDRESS__
__attribute__((no_sanitize_address)) void memory_copy(void *to, uint64_t from, uint64_t bytes)
{
    volatile uint8_t *out = to; /* volatile: else this becomes a call of memcpy, which asks */
    for (uint64_t i = 0; i < bytes; i++)
        out[i] = *(const volatile uint8_t *)(from + i);
}

static uint64_t memory_hash_bytes(uint64_t address, uint64_t bytes)
{
    uint8_t piece[1024];
    XXH3_state_t hash;
    XXH3_64bits_reset(&hash);
    for (uint64_t done = 0; done < bytes; done += sizeof piece) {
        uint64_t size = bytes - done < sizeof piece ? bytes - done : sizeof piece;
        memory_copy(piece, address + done, size);
        XXH3_64bits_update(&hash, piece, size);
    }
    return XXH3_64bits_digest(&hash);
}
#else
void memory_copy(void *to, uint64_t from, uint64_t bytes)
{
    memcpy(to, (const void *)from, bytes);
}

static uint64_t memory_hash_bytes(uint64_t address, uint64_t bytes)
{
    return XXH3_64bits((const void *)address, bytes);
}
#endif

/* Pointers into foreign memory are all the same: where that lies differs from process to
 * process. */
static uint64_t memory_hash_words(uint64_t address, uint64_t bytes)
{
    uint64_t words[MEMORY_HASH_WORDS], hash = 0;
    for (uint64_t done = 0; done < bytes; done += sizeof words) {
        uint64_t part = bytes - done < sizeof words ? bytes - done : sizeof words;
        memory_copy(words, address + done, part);
        for (uint64_t i = 0; i < part / 8; i++)
            words[i] = image_is_foreign(words[i]) ? 0 : words[i];
        hash = XXH3_64bits_withSeed(words, part, hash);
    }
    return hash;
}

uint64_t memory_hash(uint64_t address, uint64_t bytes)
{
    return scheduler.whole_program ? memory_hash_words(address, bytes)
                                   : memory_hash_bytes(address, bytes);
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

static void memory_undo_globals(uint32_t count)
{
    while (global_write_count > count) {
        const struct global_write *write = &global_writes[--global_write_count];
        memcpy((void *)write->address, &write->value, write->bytes);
    }
}

/* The event of an access that must not happen. */
static uint32_t memory_last_event(void)
{
    if (execution.trace_count == 0)
        return EVENT_INDEX_NONE;
    uint32_t event = execution.trace_count - 1;
    if (scheduler.exploring)
        execution.trace[event].success = 0; /* others go on, to whom it did not happen */
    if (scheduler.memory != MEMORY_SC && (scheduler.running->pending.order & EVENT_BUFFERED)) {
        execution.trace[event].order |= EVENT_BUFFERED; /* it has not waited for older ones */
        execution.trace[event].store = scheduler.running->id; /* no drainer will take it */
    }
    return event;
}

/* An access to memory that is not there: which verdict that is. */
static _Noreturn void memory_wild(uint64_t address)
{
    uint32_t event = memory_last_event();
    bool go = execution.target != NULL && execution.target->go_semantics;
    if (go && address < NIL_PAGE_BYTES)
        scheduler_end(TREADLE_PANIC, "nil dereference", event);
    const struct heap_block *block = heap_lookup(address);
    const struct heap_block *none = &heap_blocks[0];
    if (block != none && !heap_block_live(block))
        scheduler_end(TREADLE_USE_AFTER_FREE, "access to freed memory", event);
    const struct heap_block *before = heap_lookup(address - HEAP_GRANULE_BYTES);
    bool behind = (block != none && heap_block_live(block))
                  || (before != none && heap_block_live(before));
    if (behind && !go) /* Go cannot tell: whatever lies there is read or written */
        scheduler_end(TREADLE_OUT_OF_BOUNDS, "access beyond the end of a block", event);
    scheduler_end(TREADLE_WILD_ACCESS, "access outside any live memory", event);
}

void memory_keep_globals(void)
{
    global_write_setup_count = global_write_count;
}

void memory_restore_globals(void)
{
    memory_undo_globals(global_write_setup_count);
}

uint8_t memory_setup_global(uint64_t address)
{
    if (scheduler.whole_program)
        return image_initial(address);
    for (uint32_t i = global_write_setup_count; i < global_write_count; i++)
        if (address - global_writes[i].address < global_writes[i].bytes)
            return (uint8_t)(global_writes[i].value >> 8 * (address - global_writes[i].address));
    return *(const uint8_t *)address;
}

void memory_restore_setup_globals(void)
{
    memory_undo_globals(0);
    global_write_setup_count = 0;
}

/* Which goroutine's stack holds all of [address, address + bytes); -1 if none does. */
static int32_t memory_stack(uint64_t address, uint64_t bytes)
{
    int32_t fiber = fiber_of_address(address);
    uint64_t end = FIBER_BASE + ((uint64_t)fiber + 1) * FIBER_STRIDE;
    return fiber >= 0 && bytes <= end - address ? fiber : -1;
}

int32_t memory_owner(uint64_t address, uint64_t bytes)
{
    int32_t fiber = memory_stack(address, bytes);
    return fiber >= 0 || !scheduler.whole_program ? fiber
                                                  : thread_local_of_address(address, bytes);
}

bool memory_is_global(uint64_t address, uint64_t bytes, bool writes)
{
    uint64_t low = (uint64_t)(writes ? __data_start : __executable_start);
    return address >= low && address < (uint64_t)_end && bytes <= (uint64_t)_end - address;
}

bool memory_known(uint64_t address, uint64_t bytes)
{
    if (heap_accessible(address, bytes))
        return true;
    int32_t owner = memory_owner(address, bytes);
    if (owner >= 0)
        return !scheduler.whole_program || scheduler.goroutines[owner].state != GOROUTINE_DONE;
    return scheduler.whole_program ? image_holds(address, bytes)
                                   : memory_is_global(address, bytes, true);
}

/* The same as below in a whole program, whose stacks are shared and whose libraries' memory is
 * theirs to touch. */
static void memory_check_program(uint64_t address, uint64_t bytes, bool writes)
{
    int32_t thread = memory_owner(address, bytes);
    if (thread < 0 && image_permits(address, bytes, writes))
        return;
    if (thread < 0 || (uint32_t)thread >= scheduler.goroutine_count)
        memory_wild(address);
    if (scheduler.goroutines[thread].state == GOROUTINE_DONE)
        scheduler_end(TREADLE_USE_AFTER_FREE, "access to the stack of a thread that has ended",
                      memory_last_event());
}

void memory_check_elsewhere(uint64_t address, uint64_t bytes, bool writes)
{
    if (scheduler.whole_program) {
        memory_check_program(address, bytes, writes);
        return;
    }
    int32_t fiber = memory_stack(address, bytes);
    bool private = execution.target != NULL && execution.target->private_stacks;
    if (fiber >= 0 && (uint32_t)fiber == scheduler.running->id)
        return;
    if (fiber >= 0 && !private && (uint32_t)fiber < scheduler.goroutine_count)
        return;
    if (fiber >= 0 || !memory_is_global(address, bytes, writes))
        memory_wild(address);
    if (writes && execution.target != NULL)
        memory_remember_global(address, bytes);
}
