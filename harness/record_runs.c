/* record_runs.c: one pass over the trace finds the touches and links them to chains; then each
 * chain is divided into runs. Every execution pays for it, by the instruction. */
#include "record_runs.h"

#include "../scheduler/check.h"

#define KIND(name) (UINT64_C(1) << EVENT_##name)
#define KINDS_ATOMIC (KIND(ATOMIC_LOAD) | KIND(ATOMIC_STORE) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS))
#define KINDS_SINGLE (KIND(READ) | KIND(WRITE) | KINDS_ATOMIC)
#define KINDS_WRITING (KIND(WRITE) | KIND(ATOMIC_STORE) | KIND(ATOMIC_RMW))
/* All but plain accesses and what the heap does: also kinds to come. */
#define KINDS_PARTING                                                                              \
    (~(KIND(NONE) | KIND(READ) | KIND(WRITE) | KIND(COPY) | KIND(ALLOC) | KIND(FREE)               \
       | KIND(CHOOSE) | KIND(DRAIN) | KIND(YIELD)))
_Static_assert(EVENT_KIND_COUNT <= 64, "a set of kinds is 64 bits");

static inline uint64_t kind_of(const struct event *event)
{
    return UINT64_C(1) << event->kind;
}

/* ---- touches --------------------------------------------------------------------------------- */

static inline bool watch_overlaps(const struct watch *watch, uint64_t address, uint32_t size)
{
    uint64_t offset = address - watch->begin;
    return offset < watch->bytes || -offset < size;
}

/* The words of the record that [address, address + size) has bytes of; it has some. */
static uint16_t watch_words(const struct watch *watch, uint64_t address, uint32_t size)
{
    uint64_t from = address > watch->begin ? address - watch->begin : 0;
    uint64_t to = address + size - watch->begin;
    to = (to < watch->bytes ? to : watch->bytes) - 1;
    return (uint16_t)((UINT32_C(2) << (to >> watch->word_shift))
                      - (UINT32_C(1) << (from >> watch->word_shift)));
}

/* Fills in the words of a touch that is not of just one. */
static void touch_inexact(struct watch *watch, uint16_t index, uint64_t address, uint32_t size)
{
    struct touch *touch = &watch->touches[index];
    touch->words = watch_words(watch, address, size);
    touch->before = 0;
    for (uint32_t words = touch->words; words != 0; words &= words - 1) {
        uint16_t *write = &watch->memory[__builtin_ctz(words)];
        touch->before = *write > touch->before ? *write : touch->before;
        *write = touch->kind & TOUCH_WRITES ? index : *write;
    }
}

/* Appends the touch to its goroutine's chain, or begins one with it. */
static inline void chain_add(struct watch *watch, uint16_t goroutine, uint16_t index, bool writes)
{
    struct lane *lane = &watch->lanes[goroutine];
    uint16_t last = lane->last[writes];
    watch->touches[last].next = index; /* of touch 0, if there is no chain: nobody asks for it */
    watch->chains[watch->chain_count] = index;
    watch->chain_count += last == 0;
    lane->last[false] &= (uint16_t)-!writes;
    lane->last[writes] = index;
}

/* Adds a touch: the access to address of the event at that position, which is that goroutine's. */
static inline void watch_touch(struct watch *watch, uint32_t position, uint16_t goroutine,
                               uint64_t address, uint32_t size, bool writes)
{
    uint32_t number = watch->touch_count;
    if (number == watch->touches_max) {
        watch->cut = true;
        return;
    }
    watch->touch_count = number + 1;
    uint16_t index = (uint16_t)number;
    struct touch *touch = &watch->touches[number];
    uint64_t offset = address - watch->begin;
    bool exact = ((size ^ watch->word_bytes) | (offset & (size - 1))) == 0;
    touch->position = position;
    touch->next = 0;
    touch->kind = (uint16_t)(writes * TOUCH_WRITES + exact * TOUCH_EXACT);
    if (exact) {
        uint64_t word = offset >> watch->word_shift;
        uint16_t before = watch->memory[word];
        touch->words = (uint16_t)(UINT32_C(1) << word);
        touch->before = before;
        watch->memory[word] = writes ? index : before;
    } else {
        touch_inexact(watch, index, address, size);
    }
    watch->writes[watch->write_count] = index;
    watch->write_count += writes;
    chain_add(watch, goroutine, index, writes);
}

/* A copy's read comes before its write. */
static void watch_copy(struct watch *watch, uint32_t position, const struct event *event)
{
    if (watch_overlaps(watch, event->source, event->size))
        watch_touch(watch, position, event->goroutine, event->source, event->size, false);
    if (watch_overlaps(watch, event->address, event->size))
        watch_touch(watch, position, event->goroutine, event->address, event->size, true);
}

/* Whether the goroutine has synchronised between those two events of its own. */
static bool has_parted(uint16_t goroutine, uint32_t from, uint32_t to)
{
    for (uint32_t i = from + 1; i < to; i++)
        if (execution.trace[i].goroutine == goroutine
            && (kind_of(&execution.trace[i]) & KINDS_PARTING)
            && !(execution.trace[i].order & EVENT_BUFFERED))
            return true;
    return false;
}

/* Where the goroutine itself stood when it made that write. */
static uint32_t write_position(uint32_t position)
{
    const struct event *event = &execution.trace[position];
    return event->kind == EVENT_DRAIN ? event->store : position;
}

/* Ends the goroutine's assignment if it synchronised before the trace was `to` events long. */
static void lane_part(struct watch *watch, uint16_t goroutine, uint32_t to)
{
    struct lane *lane = &watch->lanes[goroutine];
    uint16_t last = lane->last[true];
    if (last != 0 && has_parted(goroutine, write_position(watch->touches[last].position), to))
        lane->last[true] = 0;
}

/* An access under tso, where stores are buffered. */
static void watch_buffered(struct watch *watch, uint32_t position, const struct event *event)
{
    uint16_t goroutine = event_owner(event);
    struct lane *lane = &watch->lanes[goroutine];
    if (event->order & EVENT_BUFFERED) {
        lane->buffered++;
        lane->last[false] = 0;
        return;
    }
    bool reads = event_effect(event) == EVENT_READS;
    if (reads && lane->buffered > 0) {
        lane->last[false] = 0;
        return;
    }
    if (!reads)
        lane_part(watch, goroutine, write_position(position));
    if (event->kind == EVENT_DRAIN)
        lane->buffered--;
    watch_touch(watch, position, goroutine, event->address, event->size, !reads);
}

/* watch_trace under tso. A copy's source is no reading there. */
static void watch_trace_buffered(struct watch *watch)
{
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        uint64_t kind = kind_of(event);
        bool single = (kind & (KINDS_SINGLE | KIND(DRAIN) | KIND(COPY))) != 0;
        if (single && watch_overlaps(watch, event->address, event->size))
            watch_buffered(watch, i, event);
        else if ((kind & KINDS_PARTING) || kind == KIND(COPY))
            watch->lanes[event->goroutine].last[false] = 0;
    }
    for (uint32_t goroutine = 0; goroutine < execution.goroutine_count; goroutine++)
        lane_part(watch, (uint16_t)goroutine, execution.trace_run_count);
}

static void watch_trace(struct watch *watch)
{
    const struct event *event = execution.trace;
    for (uint32_t i = 0, count = execution.trace_run_count; i < count; i++, event++) {
        uint64_t kind = kind_of(event);
        if ((kind & KINDS_SINGLE) && watch_overlaps(watch, event->address, event->size)) {
            bool writes = kind == KIND(ATOMIC_CAS) ? event->success : (kind & KINDS_WRITING) != 0;
            watch_touch(watch, i, event->goroutine, event->address, event->size, writes);
        } else if (kind & KINDS_PARTING) {
            watch->lanes[event->goroutine] = (struct lane){ .last = { 0, 0 } };
        } else if (kind == KIND(COPY)) {
            watch_copy(watch, i, event);
        }
    }
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* Last touch of the run of all words that begins at touch `first`; 0 if none does. Marks the
 * touches that it looks at as that run's, also in vain: the last mark counts. */
static inline uint16_t run_find_full(struct watch *watch, uint16_t first)
{
    uint16_t words = 0;
    for (uint16_t index = first; index != 0; index = watch->touches[index].next) {
        struct touch *touch = &watch->touches[index];
        if (words & touch->words)
            return 0;
        words |= touch->words;
        touch->run = first;
        if (words == watch->all)
            return index;
    }
    return 0;
}

/* Last touch of the run that begins at touch `first`, if that is not one of all words. */
static uint16_t run_find_partial(struct watch *watch, uint16_t first)
{
    uint16_t words = watch->touches[first].words;
    uint16_t last = first;
    for (;;) {
        uint16_t next = watch->touches[last].next;
        if (next == 0 || (words & watch->touches[next].words) || run_find_full(watch, next) != 0)
            return last;
        words |= watch->touches[next].words;
        watch->touches[next].run = first;
        last = next;
    }
}

static inline void chain_divide(struct watch *watch, uint16_t first)
{
    while (first != 0) {
        uint16_t last = run_find_full(watch, first);
        if (last == 0)
            last = run_find_partial(watch, first);
        else
            watch->touches[first].kind |= TOUCH_FULL;
        watch->touches[first].run_last = last;
        first = watch->touches[last].next;
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Nothing but the set-up has touched the record. */
static inline void watch_begin(struct watch *watch, const struct record *record)
{
    CHECK(record->count, <=, RECORD_WORDS_MAX);
    CHECK(execution.goroutine_count, <=, GOROUTINES_MAX);
    watch->record = record;
    watch->begin = record->address;
    watch->word_bytes = record->word_bytes;
    watch->word_shift = (uint32_t)__builtin_ctz(record->word_bytes);
    watch->bytes = (uint64_t)record->count << watch->word_shift;
    watch->all = (uint16_t)((UINT32_C(1) << record->count) - 1);
    watch->cut = false;
    watch->touch_count = record->count;
    watch->touches_max = record->count + RECORD_TOUCHES_MAX;
    watch->write_count = watch->chain_count = 0;
    for (uint16_t word = 0; word < record->count; word++) {
        watch->memory[word] = word;
        watch->touches[word].run = 0;
    }
    watch->touches[0].kind = TOUCH_FULL;
    watch->touches[0].run_last = (uint16_t)(record->count - 1);
    for (uint32_t i = 0; i < execution.goroutine_count; i++)
        watch->lanes[i] = (struct lane){ .last = { 0, 0 } };
}

void record_watch(struct watch *watch, const struct record *record)
{
    watch_begin(watch, record);
    if (execution.memory == MEMORY_SC)
        watch_trace(watch);
    else if (execution.memory == MEMORY_TSO)
        watch_trace_buffered(watch);
    for (uint32_t i = 0; i < watch->chain_count; i++)
        chain_divide(watch, watch->chains[i]);
}
