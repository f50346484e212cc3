/* calls.c: what subjects call by name: goroutines, data choices, memory, and their own ends. */
#include "calls.h"

#include "announce.h"

/* treadle_go's functions take one argument; it travels as the state. */
static void goroutine_call(void *state, const void *argument)
{
    void (*function)(void *) = (void (*)(void *))(uint64_t)argument;
    function(state);
}

/* For calls that belong into a goroutine of a running execution. */
static void must_run(const char *call)
{
    if (execution.phase != PHASE_RUN)
        check_limit("%s was called outside the programs of a target", call);
}

uint32_t treadle_go(void (*function)(void *argument), void *argument)
{
    must_run("treadle_go");
    struct event *event = announce(EVENT_GO, EVENT_SEQ_CST, 0, 0, HOOK_PC);
    struct goroutine *child = scheduler_spawn(scheduler.running, NULL, goroutine_call, argument,
                                              (const void *)(uint64_t)function);
    event->value_written = child->id;
    return child->id;
}

void treadle_join(uint32_t goroutine)
{
    must_run("treadle_join");
    if (goroutine == 0 || goroutine >= scheduler.goroutine_count
        || goroutine == scheduler.running->id)
        scheduler_end(TREADLE_LOCK_MISUSE, "join of a goroutine that does not exist",
                      EVENT_INDEX_NONE);
    struct event *event =
        scheduler_synchronise(EVENT_JOIN, NULL, 0, goroutine, HOOK_PC, HOOK_FRAME);
    event->value_read = goroutine;
}

uint32_t treadle_self(void)
{
    return scheduler.running == NULL ? 0 : scheduler.running->id;
}

uint32_t treadle_choose(uint32_t count, const char *label)
{
    if (count < 1 || count > 65536)
        check_limit("treadle_choose(%u): a choice has 1 to 65536 answers", count);
    return execution.phase == PHASE_RUN ? calls_choose(count, label, HOOK_CALLER) : 0;
}

uint32_t calls_choose(uint32_t count, const char *label, struct caller caller)
{
    struct goroutine *self = scheduler.running;
    uint64_t what = event_what(EVENT_CHOOSE, EVENT_PLAIN, count, self->id);
    announce_pending(self, what, 0, caller.pc);
    struct event *event = announce_execute(self, what, 0, caller.pc);
    event->source = (uint64_t)label;
    event->value_read = choose(CHOICE_DATA, NULL, count);
    return (uint32_t)event->value_read;
}

void *calls_allocate(size_t bytes, size_t alignment, const char *type, struct caller caller)
{
    if (scheduler.running == NULL)
        check_limit("treadle_alloc was called outside set-up, programs and final check");
    if (bytes > UINT32_MAX)
        check_limit("treadle_alloc(%zu): a block has less than 4 GiB", bytes);
    if (!announce_records())
        return (void *)heap_allocate(scheduler.running, bytes, type, HEAP_EVENT_SETUP)->start;
    struct goroutine *self = scheduler.running;
    uint64_t what = event_what(EVENT_ALLOC, EVENT_PLAIN, (uint32_t)bytes, self->id);
    announce_pending(self, what, 0, caller.pc);
    self->pending.source = (uint64_t)type;
    if (scheduler.exploring)
        announce_await(self);
    announce_schedule_from(self, caller.frame);
    struct event *event = announce_execute(self, what, 0, caller.pc);
    event->source = (uint64_t)type;
    uint32_t position = (uint32_t)(event - execution.trace);
    if (alignment > HEAP_GRANULE_BYTES)
        heap_align(self, alignment);
    struct heap_block *block = heap_allocate(self, bytes, type, position);
    CHECK(block->start & (alignment - 1), ==, 0u);
    event->address = block->start;
    return (void *)block->start;
}

void *treadle_alloc(size_t bytes, const char *type)
{
    return calls_allocate(bytes, HEAP_GRANULE_BYTES, type, HOOK_CALLER);
}

void treadle_free(void *memory)
{
    if (memory != NULL)
        calls_free(memory, HOOK_CALLER);
}

void calls_free(void *memory, struct caller caller)
{
    uint64_t address = (uint64_t)memory;
    struct event *event = NULL;
    if (scheduler.running == NULL)
        check_limit("treadle_free was called outside set-up, programs and final check");
    if (announce_records()) {
        const struct heap_block *block = heap_find(address);
        uint32_t bytes = block != NULL ? (uint32_t)block->bytes : 1;
        event = announce_from(EVENT_FREE, EVENT_PLAIN, address, bytes, caller);
    }
    uint32_t position = event != NULL ? (uint32_t)(event - execution.trace) : EVENT_INDEX_NONE;
    struct heap_block *block = heap_block_starting(address);
    if (block != NULL) {
        heap_free(block, event != NULL ? position : HEAP_EVENT_SETUP);
        if (execution.phase == PHASE_RUN && scheduler.blocked_count > 0)
            scheduler_refresh(0); /* who waits for a lock in there goes on, to a verdict */
        return;
    }
    if (event != NULL && scheduler.exploring)
        event->success = 0;
    const struct heap_block *former = heap_lookup(address); /* also one of no bytes */
    if (former != &heap_blocks[0] && former->start == address)
        scheduler_end(TREADLE_DOUBLE_FREE, "free of freed memory", position);
    scheduler_end(TREADLE_WILD_ACCESS, "free of an address that is no block's start", position);
}

bool treadle_readable(const volatile void *address, size_t bytes)
{
    return bytes == 0 || (bytes >> 63 == 0 && heap_accessible((uint64_t)address, bytes));
}

bool treadle_block(const volatile void *address, void **ret_start, size_t *ret_bytes)
{
    const struct heap_block *block = heap_find((uint64_t)address);
    if (block == NULL || !heap_block_live(block))
        return false;
    *ret_start = (void *)block->start;
    *ret_bytes = block->bytes;
    return true;
}

uint32_t calls_last_event(uint64_t frame)
{
    if (scheduler.running == NULL || execution.trace_count == 0)
        return EVENT_INDEX_NONE;
    if (scheduler.memory != MEMORY_SC)
        buffer_note_frame(frame);
    announce_commit(scheduler.running);
    uint32_t position = execution.trace_count - 1;
    while (position > 0 && execution.trace[position].goroutine != scheduler.running->id)
        position--;
    return position;
}

void treadle_go_fatal(const char *message)
{
    scheduler_end(TREADLE_GO_FATAL, message, calls_last_event(HOOK_FRAME));
}

void treadle_panic(const char *message)
{
    scheduler_end(TREADLE_PANIC, message, calls_last_event(HOOK_FRAME));
}

void treadle_assert(bool condition, const char *rule)
{
    if (!condition)
        scheduler_end(TREADLE_ASSERT, rule, calls_last_event(HOOK_FRAME));
}
