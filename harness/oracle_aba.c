/* oracle_aba.c: a compare-and-swap that succeeded although its location had changed and changed
 * back since its goroutine learnt the value it compares with (the ABA problem: IBM System/370
 * Principles of Operation, appendix A; Treiber 1986). It is harmful, and only then a verdict, if
 * the value points to a block that was freed and allocated anew in between: what the goroutine
 * knows of the block's content is of its former life. A tag in the upper 16 bits is not part of
 * the pointer.
 *
 * A goroutine learns a value by the latest of its own events at that address, before the
 * compare-and-swap, that read or wrote just this value. */
#include "heap_life.h"

#include <inttypes.h>
#include <stdio.h>

#define BLOCKS_MAX (1u << 14) /* looked at in one execution; then nothing more is found */

#define KIND(name) (UINT64_C(1) << EVENT_##name)
#define KINDS_READING                                                                              \
    (KIND(READ) | KIND(ATOMIC_LOAD) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS))
#define KINDS_WRITING                                                                              \
    (KIND(WRITE) | KIND(COPY) | KIND(ATOMIC_STORE) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS)           \
     | KIND(DRAIN))

static const char rule_aba[] =
    "a compare-and-swap fails if its location changed and its block was reused in between";

static bool event_is(const struct event *event, uint64_t kinds)
{
    return kinds >> event->kind & 1;
}

/* Whether the event leaves another value than the expected one at the location. */
static bool event_changes(const struct event *event, const struct event *cas)
{
    if (!event_is(event, KINDS_WRITING) || !(event_effect(event) & EVENT_WRITES))
        return false;
    if (event->address >= cas->address + cas->size || event->address + event->size <= cas->address)
        return false;
    return event->address != cas->address || event->size != cas->size
           || event->value_written != cas->value_read;
}

/* Whether by this event its goroutine knows that the location holds the expected value. */
static bool event_learns(const struct event *event, const struct event *cas)
{
    if (event->address != cas->address || event->size != cas->size)
        return false;
    if (event_is(event, KINDS_READING) && event->value_read == cas->value_read)
        return true;
    return event_is(event, KINDS_WRITING) && event->value_written == cas->value_read
           && event->success;
}

static void aba_accuse(uint32_t load, uint32_t change, uint32_t cas,
                       const struct heap_block *block)
{
    struct verdict_record *verdict = execution_add_verdict(TREADLE_ABA, rule_aba);
    if (verdict == NULL)
        return;
    verdict->event_count = 3;
    verdict->events[0] = load;
    verdict->events[1] = change;
    verdict->events[2] = cas;
    if (execution.explain)
        snprintf(verdict->detail, sizeof verdict->detail,
                 "goroutine %u swapped 0x%" PRIx64 ", a pointer to %s whose life %u began after "
                 "it was loaded",
                 execution.trace[cas].goroutine, execution.trace[cas].value_read,
                 block->type != NULL ? block->type : "a block", block->generation + 1);
}

/* Goes back from a compare-and-swap to where its goroutine learnt the value. Only values that
 * point to a reused block come here, so that they were learnt not long ago. */
static void aba_judge(uint32_t cas, uint32_t *budget)
{
    const struct event *swap = &execution.trace[cas];
    uint32_t change = EVENT_INDEX_NONE; /* the first one after the load */
    for (uint32_t position = cas; position-- > 0;) {
        const struct event *event = &execution.trace[position];
        if (event_owner(event) != swap->goroutine) {
            if (event_changes(event, swap))
                change = position;
            continue;
        }
        if (!event_learns(event, swap))
            continue;
        if (change == EVENT_INDEX_NONE)
            return;
        const struct heap_block *block =
            heap_life_at(pointer_untagged(swap->value_read), cas, budget);
        if (block != NULL && block->generation > 0 && !heap_life_before(block, position))
            aba_accuse(position, change, cas, block);
        return;
    }
}

void oracle_aba(void)
{
    uint32_t budget = BLOCKS_MAX;
    for (uint32_t position = 0; position < execution.trace_run_count; position++) {
        const struct event *event = &execution.trace[position];
        if (event->kind != EVENT_ATOMIC_CAS || !event->success)
            continue;
        const struct heap_block *block = heap_find(pointer_untagged(event->value_read));
        if (block != NULL && block->generation > 0)
            aba_judge(position, &budget);
    }
}
