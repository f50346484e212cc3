/* record_runs.c: one pass over the trace finds the touches, one over the touches the runs. The pass
 * over the trace is what an execution with nothing to say pays for. */
#include "record_runs.h"

#include "../scheduler/check.h"

#define KIND(name) (UINT32_C(1) << EVENT_##name)
#define KINDS_ATOMIC (KIND(ATOMIC_LOAD) | KIND(ATOMIC_STORE) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS))
#define KINDS_MEMORY (KIND(READ) | KIND(WRITE) | KIND(COPY) | KINDS_ATOMIC)
/* All but plain accesses and what the heap does: also kinds to come. */
#define KINDS_PARTING                                                                              \
    (~(KIND(NONE) | KIND(READ) | KIND(WRITE) | KIND(COPY) | KIND(ALLOC) | KIND(FREE)               \
       | KIND(CHOOSE)))
_Static_assert(EVENT_KIND_COUNT <= 32, "a set of kinds is 32 bits");

/* ---- touches --------------------------------------------------------------------------------- */

static inline struct lane *lane_find(struct watch *watch, uint16_t goroutine)
{
    for (uint32_t i = 0; i < watch->lane_count; i++)
        if (watch->lanes[i].goroutine == goroutine)
            return &watch->lanes[i];
    return NULL;
}

static struct lane *lane_add(struct watch *watch, uint16_t goroutine)
{
    if (watch->lane_count == RECORD_LANES_MAX)
        return NULL;
    struct lane *lane = &watch->lanes[watch->lane_count++];
    *lane = (struct lane){ .last = RECORD_NONE, .goroutine = goroutine };
    return lane;
}

static inline bool watch_overlaps(const struct watch *watch, uint64_t address, uint32_t size)
{
    return address < watch->end && address + size > watch->begin;
}

static void watch_touch(struct watch *watch, uint32_t position, uint64_t address, bool writes)
{
    const struct event *event = &execution.trace[position];
    uint64_t from = address > watch->begin ? address - watch->begin : 0;
    uint64_t to = address + event->size;
    to = (to < watch->end ? to : watch->end) - 1 - watch->begin;
    uint32_t first = (uint32_t)from >> watch->word_shift;
    uint32_t last = (uint32_t)to >> watch->word_shift;
    struct lane *lane = lane_find(watch, event->goroutine);
    if (lane == NULL)
        lane = lane_add(watch, event->goroutine);
    if (lane == NULL || watch->touch_count == RECORD_TOUCHES_MAX) {
        watch->cut = true;
        return;
    }
    uint32_t index = watch->touch_count++;
    if (lane->last != RECORD_NONE)
        watch->touches[lane->last].next = index;
    watch->touches[index] = (struct touch){
        .position = position,
        .words = (UINT32_C(2) << last) - (UINT32_C(1) << first),
        .next = RECORD_NONE,
        .run = RECORD_NONE,
        .lane = (uint16_t)(lane - watch->lanes),
        .writes = writes,
        .parted = lane->parted,
    };
    lane->last = index;
    lane->parted = false;
    watch->writes |= writes;
    watch->reads |= !writes;
}

/* A copy's read comes before its write. */
static void watch_access(struct watch *watch, uint32_t position)
{
    const struct event *event = &execution.trace[position];
    bool writes = event->kind == EVENT_WRITE || event->kind == EVENT_ATOMIC_STORE
                  || event->kind == EVENT_ATOMIC_RMW
                  || (event->kind == EVENT_ATOMIC_CAS && event->success);
    if (event->kind != EVENT_COPY) {
        watch_touch(watch, position, event->address, writes);
        return;
    }
    if (watch_overlaps(watch, event->source, event->size))
        watch_touch(watch, position, event->source, false);
    if (watch_overlaps(watch, event->address, event->size))
        watch_touch(watch, position, event->address, true);
}

/* Finds all touches of the record before the final check. */
static void watch_trace(struct watch *watch)
{
    const struct event *trace = execution.trace;
    uint32_t count = execution.trace_run_count;
    for (uint32_t position = 0; position < count; position++) {
        const struct event *event = &trace[position];
        uint32_t kind = UINT32_C(1) << event->kind;
        bool touches = watch_overlaps(watch, event->address, event->size)
                       || (event->kind == EVENT_COPY
                           && watch_overlaps(watch, event->source, event->size));
        if (touches && (kind & KINDS_MEMORY)) {
            watch_access(watch, position);
        } else if (kind & KINDS_PARTING) {
            struct lane *lane = lane_find(watch, event->goroutine);
            if (lane != NULL)
                lane->parted = true;
        }
    }
}

/* ---- runs ------------------------------------------------------------------------------------ */

uint32_t run_next(const struct watch *watch, uint32_t index)
{
    bool writes = watch->touches[index].writes;
    for (uint32_t next = watch->touches[index].next; next != RECORD_NONE;
         next = watch->touches[next].next) {
        if (watch->touches[next].parted)
            return RECORD_NONE;
        if (watch->touches[next].writes == writes)
            return next;
        if (!writes)
            return RECORD_NONE;
    }
    return RECORD_NONE;
}

/* Last touch of the run of all words that begins at touch `first`; RECORD_NONE if none does. */
static uint32_t run_full(const struct watch *watch, uint32_t first)
{
    uint32_t words = 0;
    for (uint32_t index = first; index != RECORD_NONE; index = run_next(watch, index)) {
        if (words & watch->touches[index].words)
            return RECORD_NONE;
        words |= watch->touches[index].words;
        if (words == watch->all)
            return index;
    }
    return RECORD_NONE;
}

static uint32_t run_partial(const struct watch *watch, uint32_t first)
{
    uint32_t words = watch->touches[first].words;
    uint32_t last = first;
    for (;;) {
        uint32_t next = run_next(watch, last);
        if (next == RECORD_NONE || (words & watch->touches[next].words)
            || run_full(watch, next) != RECORD_NONE)
            return last;
        words |= watch->touches[next].words;
        last = next;
    }
}

/* Whether nothing that its goroutine did later shows that the run was over. */
static bool run_in_progress(const struct watch *watch, uint32_t last)
{
    for (uint32_t next = watch->touches[last].next; next != RECORD_NONE;
         next = watch->touches[next].next)
        if (watch->touches[next].parted || watch->touches[next].writes)
            return false;
    return !watch->lanes[watch->touches[last].lane].parted && !watch->cut;
}

static void run_begin(struct watch *watch, uint32_t first)
{
    struct touch *touch = &watch->touches[first];
    uint32_t last = run_full(watch, first);
    touch->full = last != RECORD_NONE;
    if (!touch->full)
        last = run_partial(watch, first);
    touch->run_last = last;
    touch->progress = touch->writes && !touch->full && run_in_progress(watch, last);
    for (uint32_t index = first; index != last; index = run_next(watch, index))
        watch->touches[index].run = first;
    watch->touches[last].run = first;
}

bool record_watch(struct watch *watch, const struct record *record)
{
    CHECK(record->count, <=, RECORD_WORDS_MAX);
    watch->record = record;
    watch->word_shift = (uint32_t)__builtin_ctz(record->word_bytes);
    watch->begin = record->address;
    watch->end = record->address + (uint64_t)record->word_bytes * record->count;
    watch->all = (UINT32_C(1) << record->count) - 1;
    watch->touch_count = watch->lane_count = 0;
    watch->reads = watch->writes = watch->cut = false;
    watch_trace(watch);
    if (!watch->reads || !watch->writes || watch->lane_count < 2)
        return false;
    for (uint32_t index = 0; index < watch->touch_count; index++)
        if (watch->touches[index].run == RECORD_NONE)
            run_begin(watch, index);
    return true;
}
