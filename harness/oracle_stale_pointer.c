/* oracle_stale_pointer.c: a goroutine reaches a block through a pointer that it obtained before the
 * block's present life began. That the memory is valid again hides from every other check that
 * the pointer is not.
 *
 * A goroutine obtains a pointer to a block by an event of its own whose value_read lies in the
 * block or just behind it (a tag in the upper 16 bits taken off), or by allocating it. The access
 * is stale if the latest such event came before the block's present life. Nothing is said
 *   - if there is no such event (the pointer came as an argument or by arithmetic);
 *   - if the goroutine has since read more than 8 bytes at once, or copied memory: what pointers
 *     it got by that is not recorded. */
#include "heap_life.h"

#include <inttypes.h>
#include <stdio.h>

#define EVENTS_MAX (1u << 17) /* looked at for one execution; then nothing more is found */
#define BLOCKS_MAX (1u << 14)

#define KIND(name) (UINT64_C(1) << EVENT_##name)
#define KINDS_READING                                                                              \
    (KIND(READ) | KIND(ATOMIC_LOAD) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS))
#define KINDS_ACCESS                                                                               \
    (KINDS_READING | KIND(WRITE) | KIND(COPY) | KIND(ATOMIC_STORE) | KIND(FREE))

static const char rule_stale[] =
    "a block is reached through a pointer obtained in its present life";

static bool event_is(const struct event *event, uint64_t kinds)
{
    return kinds >> event->kind & 1;
}

static bool block_is_pointed_to(const struct heap_block *block, uint64_t value)
{
    return pointer_untagged(value) - block->start <= block->bytes;
}

/* Whether the event gave its goroutine a pointer to the block. */
static bool event_gives(const struct event *event, const struct heap_block *block)
{
    if (event->kind == EVENT_ALLOC)
        return event->address == block->start;
    return event_is(event, KINDS_READING) && event->size == 8
           && block_is_pointed_to(block, event->value_read);
}

/* Whether it may have given pointers that are not recorded. */
static bool event_may_give(const struct event *event)
{
    return event->kind == EVENT_COPY || (event->kind == EVENT_READ && event->size > 8);
}

/* The free that ended the block's former life; EVENT_INDEX_NONE if set-up did. */
static uint32_t former_free(const struct heap_block *block)
{
    for (uint32_t position = block->alloc_event; position-- > 0;)
        if (execution.trace[position].kind == EVENT_FREE
            && execution.trace[position].address == block->start)
            return position;
    return EVENT_INDEX_NONE;
}

static void stale_accuse(uint32_t load, uint32_t access, const struct heap_block *block)
{
    struct verdict_record *verdict = execution_add_verdict(TREADLE_STALE_POINTER, rule_stale);
    if (verdict == NULL)
        return;
    uint32_t freed = former_free(block);
    verdict->events[verdict->event_count++] = load;
    if (freed != EVENT_INDEX_NONE)
        verdict->events[verdict->event_count++] = freed;
    verdict->events[verdict->event_count++] = access;
    if (execution.explain)
        snprintf(verdict->detail, sizeof verdict->detail,
                 "goroutine %u reached %s at 0x%" PRIx64 ", allocated anew by goroutine %u, "
                 "through an older pointer",
                 execution.trace[access].goroutine, block->type != NULL ? block->type : "a block",
                 execution.trace[access].address, block->owner);
}

/* Judges one access to a block in a later life: goes back to where its goroutine got the pointer.
 * That is mostly a few events ago. */
static void stale_judge(uint32_t access, const struct heap_block *block, uint32_t *budget)
{
    uint16_t goroutine = execution.trace[access].goroutine;
    for (uint32_t position = access; position-- > 0 && *budget > 0; --*budget) {
        const struct event *event = &execution.trace[position];
        if (event->goroutine != goroutine)
            continue;
        if (event_gives(event, block)) {
            if (position < block->alloc_event)
                stale_accuse(position, access, block);
            return;
        }
        if (event_may_give(event) && position > block->alloc_event)
            return;
    }
}

static void stale_look(uint32_t access, uint64_t address, uint32_t *events_left,
                       uint32_t *blocks_left)
{
    const struct heap_block *block = heap_find(address);
    if (block == NULL || block->generation == 0)
        return;
    block = heap_life_at(address, access, blocks_left);
    bool later = block != NULL && block->generation > 0 && block->alloc_event != HEAP_EVENT_SETUP;
    if (later && (heap_block_live(block) || access <= block->free_event))
        stale_judge(access, block, events_left);
}

/* No access can be stale before the first block that lies where one has lain. */
static uint32_t first_reuse(void)
{
    for (uint32_t position = 0; position < execution.trace_run_count; position++) {
        const struct event *event = &execution.trace[position];
        if (event->kind != EVENT_ALLOC)
            continue;
        const struct heap_block *block = heap_find(event->address);
        if (block != NULL && block->generation > 0)
            return position;
    }
    return execution.trace_run_count;
}

void oracle_stale_pointer(void)
{
    uint32_t events_left = EVENTS_MAX;
    uint32_t blocks_left = BLOCKS_MAX;
    for (uint32_t position = first_reuse(); position < execution.trace_run_count; position++) {
        const struct event *event = &execution.trace[position];
        if (!event_is(event, KINDS_ACCESS))
            continue;
        stale_look(position, event->address, &events_left, &blocks_left);
        if (event->kind == EVENT_COPY)
            stale_look(position, event->source, &events_left, &blocks_left);
    }
}
