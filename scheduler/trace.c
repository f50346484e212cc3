/* trace.c: the hash of an execution, and which write each read has read from. */
#include "trace.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fiber.h"
#include "heap.h"
#include "image.h"
#include "scheduler.h"
#include "thread_local.h"

extern char __executable_start[], __data_start[], _end[]; /* the linker's */

/* An address without what depends on where things are mapped. */
struct place {
    uint64_t region; /* what it lies in: the block, the stack, the data segment */
    uint64_t offset;
};

static struct place place_of(uint64_t address)
{
    const struct heap_block *block = heap_find(address);
    if (block != NULL)
        return (struct place){ UINT64_C(1) << 60 | (uint64_t)block->owner << 32 | block->serial,
                               address - block->start };
    int32_t fiber = fiber_of_address(address);
    if (fiber >= 0)
        return (struct place){ UINT64_C(2) << 60 | (uint64_t)fiber,
                               address - (FIBER_BASE + (uint64_t)fiber * FIBER_STRIDE) };
    int32_t thread = scheduler.whole_program ? thread_local_of_address(address, 1) : -1;
    if (thread >= 0)
        return (struct place){ UINT64_C(4) << 60 | (uint64_t)thread,
                               (uint64_t)thread_local_offset((uint32_t)thread, address) };
    if (scheduler.whole_program && image_is_foreign(address))
        return (struct place){ UINT64_C(5) << 60, 0 };
    if (address >= (uint64_t)__executable_start && address < (uint64_t)_end)
        return (struct place){ UINT64_C(3) << 60, address - (uint64_t)__data_start };
    return (struct place){ 0, address }; /* none, or wild: wherever this program's data lies */
}

/* A plain write's value is read when its goroutine next enters the engine: on a stack its frame may
 * be gone by then, and anything may lie there. */
static uint64_t hashed_value_written(const struct event *event)
{
    bool plain = event->kind == EVENT_WRITE || event->kind == EVENT_COPY
                 || event->kind == EVENT_DRAIN;
    return plain && fiber_of_address(event->address) >= 0 ? 0 : event->value_written;
}

/* A drainer's id depends on how many goroutines were allowed for. */
static uint16_t hashed_goroutine(uint32_t id)
{
    return (uint16_t)(id < scheduler.drainer_base ? id : 0x8000u | (id - scheduler.drainer_base));
}

/* Where foreign memory lies differs from process to process. */
static uint64_t hashed_value(const struct event *event, uint64_t value)
{
    bool foreign = scheduler.whole_program && event->size == 8 && image_is_foreign(value);
    return foreign ? 0 : value;
}

struct hashed_event {
    struct place place, source;
    uint64_t value_read, value_written;
    uint32_t size;
    uint16_t goroutine;
    uint8_t kind, success;
};

uint64_t trace_hash(void)
{
    XXH3_state_t hash;
    XXH3_64bits_reset(&hash);
    for (uint32_t i = 0; i < execution.trace_count; i++) {
        const struct event *event = &execution.trace[i];
        bool copies = event->kind == EVENT_COPY;
        struct hashed_event hashed = {
            .place = place_of(event->address),
            .source = place_of(copies ? event->source : 0),
            .value_read = hashed_value(event, event->value_read),
            .value_written = hashed_value(event, hashed_value_written(event)),
            .size = event->size,
            .goroutine = hashed_goroutine(event->goroutine),
            .kind = event->kind,
            .success = (uint8_t)event->success,
        };
        XXH3_64bits_update(&hash, &hashed, sizeof hashed);
    }
    for (uint32_t i = 0; i < execution.verdict_count; i++) {
        const char *name = verdict_name(execution.verdicts[i].verdict);
        XXH3_64bits_update(&hash, name, __builtin_strlen(name));
    }
    return XXH3_64bits_digest(&hash);
}

static bool writes_into(const struct event *write, uint64_t address, uint32_t size)
{
    return (event_effect(write) & EVENT_WRITES) && write->address < address + size
           && address < write->address + write->size;
}

/* The newest store to these bytes that is in the goroutine's own buffer when its event at position
 * reads them; EVENT_INDEX_NONE if there is none. */
static uint32_t own_buffered_store(uint32_t position, uint64_t address, uint32_t size)
{
    uint16_t goroutine = execution.trace[position].goroutine;
    for (uint32_t i = position; execution.memory != MEMORY_SC && i-- > 0;) {
        const struct event *store = &execution.trace[i];
        if (store->goroutine != goroutine || !(store->order & EVENT_BUFFERED)
            || store->address >= address + size || address >= store->address + store->size)
            continue;
        for (uint32_t drain = i + 1; drain < position; drain++)
            if (execution.trace[drain].kind == EVENT_DRAIN && execution.trace[drain].store == i)
                return EVENT_INDEX_NONE;
        return i;
    }
    return EVENT_INDEX_NONE;
}

void trace_link_reads(void)
{
    for (uint32_t i = 0; i < execution.trace_count; i++) {
        struct event *event = &execution.trace[i];
        bool copies = event->kind == EVENT_COPY;
        if (event->kind == EVENT_DRAIN)
            continue; /* the member says which store it drains */
        if (!(event->order & EVENT_BUFFERED))
            event->reads_from = EVENT_INDEX_NONE;
        if (!copies && !(event_effect(event) & EVENT_READS))
            continue;
        uint64_t address = copies ? event->source : event->address;
        if (copies && (event->order & EVENT_BUFFERED))
            continue;
        uint32_t own = own_buffered_store(i, address, event->size);
        if (own != EVENT_INDEX_NONE) {
            event->reads_from = own;
            continue;
        }
        for (uint32_t before = i; before-- > 0;)
            if (writes_into(&execution.trace[before], address, event->size)) {
                event->reads_from = before;
                break;
            }
    }
}
