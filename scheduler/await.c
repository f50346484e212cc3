/* await.c: finding loops that wait for a value, and ending their waiting. */
#include "await.h"

#include <string.h>
#include <unwind.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "announce.h"
#include "dependence.h"

/* ---- a goroutine's state --------------------------------------------------------------------- */

#define SAVED_REGISTERS 6
/* DWARF's numbers of the registers that a call preserves: rbx, rbp, r12 to r15. */
static const int saved_registers[SAVED_REGISTERS] = { 3, 6, 12, 13, 14, 15 };

struct walk {
    uint64_t pc; /* of the frame that is sought */
    uint64_t stack;
    uint64_t registers[SAVED_REGISTERS];
    bool found;
};

static _Unwind_Reason_Code walk_frame(struct _Unwind_Context *context, void *argument)
{
    struct walk *walk = argument;
    if (_Unwind_GetIP(context) != walk->pc)
        return _URC_NO_REASON;
    for (int i = 0; i < SAVED_REGISTERS; i++)
        walk->registers[i] = _Unwind_GetGR(context, saved_registers[i]);
    walk->stack = _Unwind_GetCFA(context); /* its stack pointer, where it calls */
    walk->found = true;
    return _URC_END_OF_STACK;
}

/* The state in which the subject's code called the hook at pc: what it can still see of its
 * registers, and its stack. False if that cannot be told. */
static bool goroutine_state(const struct goroutine *self, uint64_t pc, uint64_t *ret_state)
{
    struct walk walk = { .pc = pc };
    _Unwind_Backtrace(walk_frame, &walk);
    if (!walk.found)
        return false;
    uint64_t end = FIBER_BASE + ((uint64_t)self->id + 1) * FIBER_STRIDE;
    if (walk.stack > end || end - walk.stack > FIBER_STRIDE)
        return false;
    XXH3_state_t hash;
    XXH3_128bits_reset(&hash);
    XXH3_128bits_update(&hash, &walk.stack, sizeof walk.stack);
    XXH3_128bits_update(&hash, walk.registers, sizeof walk.registers);
    uint8_t piece[1024];
    for (uint64_t at = walk.stack; at < end; at += sizeof piece) {
        uint64_t bytes = end - at < sizeof piece ? end - at : sizeof piece;
        memory_copy(piece, at, bytes);
        XXH3_128bits_update(&hash, piece, bytes);
    }
    XXH128_hash_t digest = XXH3_128bits_digest(&hash);
    ret_state[0] = digest.low64;
    ret_state[1] = digest.high64;
    return true;
}

/* ---- loops ----------------------------------------------------------------------------------- */

#define KIND(name) (UINT64_C(1) << EVENT_##name)
#define KINDS_NEVER_WRITING (KIND(READ) | KIND(ATOMIC_LOAD) | KIND(YIELD))

static bool only_read(const struct event *event)
{
    return await_may_only_read(event)
           && ((KINDS_NEVER_WRITING >> event->kind & 1) || !event->success);
}

/* Notes the event that the goroutine has just executed: the newest of the trace. */
static void await_note(struct goroutine *self)
{
    struct await *await = &self->await;
    uint32_t position = execution.trace_count - 1;
    if (execution.trace_count == 0 || execution.trace[position].goroutine != self->id
        || !only_read(&execution.trace[position])) {
        await->count = 0;
        await->armed = false;
        return;
    }
    if (await->count == AWAIT_READS_MAX) /* rather seldom than a ring */
        memmove(await->positions, await->positions + AWAIT_READS_MAX / 2,
                (await->count = AWAIT_READS_MAX / 2) * sizeof await->positions[0]);
    await->positions[await->count++] = position;
}

/* How many reads ago the goroutine last stood where it stands now, if it was about to read the same
 * then; 0: it was not, or too many reads ago. */
static uint32_t await_loop(const struct await *await, const struct event *pending)
{
    for (uint32_t i = await->count; i-- > 0;) {
        const struct event *read = &execution.trace[await->positions[i]];
        if (read->pc == pending->pc)
            return read->address == pending->address ? await->count - i : 0;
    }
    return 0;
}

/* Whether the goroutine has executed what stands at pc as often as it may. At 0 stands what is not
 * the subject's. */
static bool unrolled(const struct goroutine *self, uint64_t pc)
{
    bool limited = scheduler.unroll > 0 && pc != 0;
    uint32_t times = 0;
    for (uint32_t i = 0; limited && i < execution.trace_count; i++)
        times += execution.trace[i].goroutine == self->id && execution.trace[i].pc == pc;
    return limited && times >= scheduler.unroll;
}

/* Whether what the goroutine has read in its loop depends on one of the events from there on. */
static bool await_over(const struct goroutine *self, uint32_t from)
{
    const struct await *await = &self->await;
    for (uint32_t i = await->count - self->pending.await; i < await->count; i++) {
        const struct event *read = &execution.trace[await->positions[i]];
        uint32_t first = await->positions[i] + 1 > from ? await->positions[i] + 1 : from;
        for (uint32_t later = first; later < execution.trace_count; later++)
            if (execution.trace[later].goroutine != self->id
                && (event_effect(&execution.trace[later]) & EVENT_WRITES)
                && dependence_of(read, &execution.trace[later], false))
                return true;
    }
    return false;
}

void await_wake(void)
{
    uint32_t from = scheduler.await_seen;
    scheduler.await_seen = execution.trace_count;
    for (uint32_t id = 0; from < execution.trace_count && id < scheduler.goroutine_count; id++) {
        struct goroutine *goroutine = &scheduler.goroutines[id];
        uint32_t await = goroutine->pending.await;
        if (goroutine->state != GOROUTINE_BLOCKED || await == 0 || await == AWAIT_FOR_EVER
            || !await_over(goroutine, from))
            continue;
        goroutine->await.woken = true;
        scheduler.await_count--;
        scheduler.watch_count--;
        goroutine_update(goroutine);
    }
}

/* The pending event waits until the loop that these last reads are of could read something new. */
static void await_begin(struct goroutine *self, uint32_t reads)
{
    self->pending.await = reads;
    self->await.woken = await_over(self, 0);
    if (self->await.woken)
        return;
    scheduler.watch_count++;
    if (scheduler.await_count++ == 0)
        scheduler.await_seen = execution.trace_count;
}

void await_look_closely(struct goroutine *self)
{
    struct await *await = &self->await;
    uint64_t pc = self->pending.pc;
    await_note(self);
    if (unrolled(self, pc)) {
        execution.cut = true;
        self->pending.await = AWAIT_FOR_EVER;
        self->await.woken = false;
        return;
    }
    uint32_t reads = await_may_only_read(&self->pending) ? await_loop(await, &self->pending) : 0;
    if (reads == 0)
        return;
    bool armed =
        await->armed && await->armed_position >= await->positions[await->count - reads];
    if (armed && execution.trace[await->armed_position].pc != pc)
        return; /* the loop is looked at where it was seen to be one first */
    uint64_t state[2];
    await->armed = goroutine_state(self, pc, state);
    if (armed && await->armed && memcmp(await->armed_state, state, sizeof state) == 0)
        await_begin(self, reads);
    memcpy(await->armed_state, state, sizeof state);
    await->armed_position = EVENT_INDEX_NONE;
}
