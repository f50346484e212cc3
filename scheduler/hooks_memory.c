/* hooks_memory.c: subjects' memcpy, memmove and memset. The build renames these calls in subjects'
 * objects to the names below (the engine's own keep libc's). Each is one event. */
#include "hooks_memory.h"

void *treadle_memcpy(void *to, const void *from, size_t bytes);
void *treadle_memmove(void *to, const void *from, size_t bytes);
void *treadle_memset(void *to, int value, size_t bytes);
void *treadle_memcpy_chk(void *to, const void *from, size_t bytes, size_t room);
void *treadle_memmove_chk(void *to, const void *from, size_t bytes, size_t room);
void *treadle_memset_chk(void *to, int value, size_t bytes, size_t room);

/* The length that an event records: longer than any block, the access ends in a verdict. */
static uint32_t hook_size(size_t bytes)
{
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* All of the range, whose end may lie beyond the end of memory. */
static void hook_check(const void *memory, size_t bytes, bool writes)
{
    const size_t enormous = (size_t)1 << 40;
    memory_check((uint64_t)memory, bytes < enormous ? bytes : enormous, writes);
}

void *hooks_copy(void *to, const void *from, size_t bytes, struct caller caller)
{
    if (bytes == 0) /* whatever the addresses are */
        return to;
    if (execution.phase == PHASE_NONE)
        return memmove(to, from, bytes);
    struct goroutine *self = scheduler.running;
    struct event *event = NULL;
    if (announce_records()) {
        uint64_t what = event_what(EVENT_COPY, EVENT_PLAIN, hook_size(bytes), self->id);
        announce_pending(self, what, (uint64_t)to, caller.pc);
        self->pending.source = (uint64_t)from;
        if (scheduler.exploring)
            announce_await(self);
        announce_schedule_from(self, caller.frame);
        event = announce_execute(self, what, (uint64_t)to, caller.pc);
        event->source = (uint64_t)from;
    }
    hook_check(to, bytes, true);
    hook_check(from, bytes, false);
    announce_store(event);
    memmove(to, from, bytes);
    if (event != NULL) {
        event->value_written = memory_value((uint64_t)to, (uint32_t)bytes);
        event->value_read = event->value_written;
    }
    return to;
}

static void *hook_set(void *to, int value, size_t bytes, uint64_t pc)
{
    if (bytes == 0)
        return to;
    if (execution.phase == PHASE_NONE)
        return memset(to, value, bytes);
    struct event *event = NULL;
    if (announce_records())
        event = announce(EVENT_WRITE, EVENT_PLAIN, (uint64_t)to, hook_size(bytes), pc);
    hook_check(to, bytes, true);
    if (event != NULL && bytes <= 8)
        event->source = memory_value((uint64_t)to, (uint32_t)bytes);
    announce_store(event);
    memset(to, value, bytes);
    if (event != NULL) {
        event->value_written = memory_value((uint64_t)to, (uint32_t)bytes);
        execution_keep_written(event);
    }
    return to;
}

void *treadle_memcpy(void *to, const void *from, size_t bytes)
{
    return hooks_copy(to, from, bytes, HOOK_CALLER);
}

void *treadle_memmove(void *to, const void *from, size_t bytes)
{
    return hooks_copy(to, from, bytes, HOOK_CALLER);
}

void *treadle_memset(void *to, int value, size_t bytes)
{
    return hook_set(to, value, bytes, HOOK_PC);
}

/* The forms of _FORTIFY_SOURCE; what exceeds the room is out of bounds by the same check. */
void *treadle_memcpy_chk(void *to, const void *from, size_t bytes, size_t room)
{
    (void)room;
    return hooks_copy(to, from, bytes, HOOK_CALLER);
}

void *treadle_memmove_chk(void *to, const void *from, size_t bytes, size_t room)
{
    (void)room;
    return hooks_copy(to, from, bytes, HOOK_CALLER);
}

void *treadle_memset_chk(void *to, int value, size_t bytes, size_t room)
{
    (void)room;
    return hook_set(to, value, bytes, HOOK_PC);
}
