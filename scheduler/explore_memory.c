/* explore_memory.c: what lies in memory in states that an execution did not pass through: after any
 * set of events that with each one holds what happens before it. The events tell: in such a set all
 * that touch one byte come in the order of the trace. */
#include "explore_trace.h"

#include "memory.h"

enum byte_state { BYTE_ELSEWHERE, BYTE_KNOWN, BYTE_DEAD };

/* A byte that is sought: lies at address before the event at `position`. */
struct byte {
    uint64_t address;
    uint32_t position;
    uint8_t value;
};

/* The reader-writer mutex's value is its two halves, the other way round than in memory. */
static uint64_t written_number(const struct event *event)
{
    uint64_t value = event->value_written;
    bool rwmutex = event->kind >= EVENT_RWLOCK && event->kind <= EVENT_RUNLOCK;
    return rwmutex ? value >> 32 | value << 32 : value;
}

/* What the event, which touches the byte, made of it. A copy has it from elsewhere. */
static enum byte_state byte_made(const struct event *event, struct byte *byte)
{
    uint64_t offset = byte->address - event->address;
    bool number = event->size <= 8 && (event->size & (event->size - 1)) == 0;
    if (event->order & EVENT_BUFFERED)
        return BYTE_ELSEWHERE;
    if (event->kind == EVENT_FREE)
        return BYTE_DEAD;
    if (event->kind == EVENT_COPY) {
        byte->address = event->source + offset;
        return BYTE_ELSEWHERE;
    }
    if (event->kind == EVENT_ALLOC)
        byte->value = 0;
    else if (!(event_effect(event) & EVENT_WRITES))
        return BYTE_ELSEWHERE;
    else if (number)
        byte->value = (uint8_t)(written_number(event) >> 8 * offset);
    else
        byte->value = execution.written[event->source + offset];
    return BYTE_KNOWN;
}

/* What the set-up left. On a stack nothing is known of it: there each access has its event. */
static enum byte_state byte_at_first(struct byte *byte)
{
    byte->value = 0;
    if (byte->address - HEAP_BASE < HEAP_BYTES)
        return heap_setup_byte(byte->address, &byte->value) ? BYTE_KNOWN : BYTE_DEAD;
    if (memory_is_global(byte->address, 1, false))
        byte->value = memory_setup_global(byte->address);
    return BYTE_KNOWN;
}

static enum byte_state byte_after(const struct explore_trace *trace, const int16_t *counts,
                                  struct byte *byte)
{
    while (byte->position-- > 0) {
        const struct event *event = &execution.trace[byte->position];
        if (event->kind == EVENT_GONE && memory_owner(byte->address, 1) == event->goroutine
            && explore_within(trace, byte->position, counts))
            return BYTE_DEAD;
        if (byte->address - event->address >= event->size || !event->success
            || !explore_within(trace, byte->position, counts))
            continue;
        enum byte_state state = byte_made(event, byte);
        if (state != BYTE_ELSEWHERE)
            return state;
    }
    return byte_at_first(byte);
}

bool explore_memory_before(const struct explore_trace *trace, uint32_t position,
                           const int16_t *counts, uint64_t address, uint32_t bytes,
                           uint64_t *ret_value)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        struct byte byte = { .address = address + i, .position = position };
        if (byte_after(trace, counts, &byte) == BYTE_DEAD)
            return false;
        if (i < 8)
            value |= (uint64_t)byte.value << 8 * i;
    }
    *ret_value = value;
    return true;
}

bool explore_memory_after(const struct explore_trace *trace, const int16_t *counts,
                          uint64_t address, uint32_t bytes, uint64_t *ret_value)
{
    return explore_memory_before(trace, trace->count, counts, address, bytes, ret_value);
}

bool explore_memory_behind(const struct explore_trace *trace, const struct event *key,
                           const int16_t *counts, uint64_t address, uint32_t bytes,
                           uint64_t *ret_value)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        struct byte byte = { .address = address + i, .position = trace->count };
        bool made = byte.address - key->address < key->size;
        enum byte_state state = made ? byte_made(key, &byte) : BYTE_ELSEWHERE;
        if (state == BYTE_ELSEWHERE)
            state = byte_after(trace, counts, &byte);
        if (state == BYTE_DEAD)
            return false;
        if (i < 8)
            value |= (uint64_t)byte.value << 8 * i;
    }
    *ret_value = value;
    return true;
}
