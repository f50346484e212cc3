/* record_runs.c: one pass over the trace finds the touches and, where that can be said without a
 * look ahead, their runs. It is what an execution with nothing to say pays for. */
#include "record_runs.h"

#include <string.h>

#include "../scheduler/check.h"

#define KIND(name) (UINT32_C(1) << EVENT_##name)
#define KINDS_ATOMIC (KIND(ATOMIC_LOAD) | KIND(ATOMIC_STORE) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS))
#define KINDS_SINGLE (KIND(READ) | KIND(WRITE) | KINDS_ATOMIC)
#define KINDS_WRITING (KIND(WRITE) | KIND(ATOMIC_STORE) | KIND(ATOMIC_RMW))
/* All but plain accesses and what the heap does: also kinds to come. */
#define KINDS_PARTING                                                                              \
    (~(KIND(NONE) | KIND(READ) | KIND(WRITE) | KIND(COPY) | KIND(ALLOC) | KIND(FREE)               \
       | KIND(CHOOSE)))
_Static_assert(EVENT_KIND_COUNT <= 32, "a set of kinds is 32 bits");

/* ---- touches --------------------------------------------------------------------------------- */

static inline struct lane *lane_find(struct watch *watch, uint16_t goroutine)
{
    if (goroutine < RECORD_LANES_MAX) { /* no search: its branches would be mispredicted */
        uint8_t lane = watch->lane_of[goroutine];
        return lane != RECORD_LANE_NONE ? &watch->lanes[lane] : NULL;
    }
    for (uint32_t i = 0; i < watch->lane_count; i++)
        if (watch->lanes[i].goroutine == goroutine)
            return &watch->lanes[i];
    return NULL;
}

static struct lane *lane_add(struct watch *watch, uint16_t goroutine)
{
    if (watch->lane_count == RECORD_LANES_MAX)
        return NULL;
    if (goroutine < RECORD_LANES_MAX)
        watch->lane_of[goroutine] = (uint8_t)watch->lane_count;
    struct lane *lane = &watch->lanes[watch->lane_count++];
    *lane = (struct lane){ .goroutine = goroutine };
    return lane;
}

static inline bool watch_overlaps(const struct watch *watch, uint64_t address, uint32_t size)
{
    return address < watch->end && address + size > watch->begin;
}

/* The words of the record that [address, address + size) has bytes of; it has some. */
static inline uint16_t watch_words(const struct watch *watch, uint64_t address, uint32_t size)
{
    uint64_t from = address > watch->begin ? address - watch->begin : 0;
    uint64_t to = address + size;
    to = (to < watch->end ? to : watch->end) - 1 - watch->begin;
    return (uint16_t)((UINT32_C(2) << (to >> watch->word_shift))
                      - (UINT32_C(1) << (from >> watch->word_shift)));
}

/* Puts the newest touch into a run, as long as that needs no look ahead: all words of a run occur,
 * or it ends before one occurs again. Notes whether a reading sees different assignments. Whether
 * a touch writes is as random as the schedule: it selects values here, not branches. */
static inline void watch_run(struct watch *watch, struct lane *lane, struct touch *touch,
                             uint16_t index)
{
    bool writes = touch->writes;
    uint16_t words = touch->words;
    lane->run_words[0] = touch->parted || writes ? 0 : lane->run_words[0];
    lane->run_words[1] = touch->parted ? 0 : lane->run_words[1];
    uint16_t before = lane->run_words[writes];
    if (before & words) {
        watch->ambiguous = true;
        before = 0;
    }
    uint16_t run = before != 0 ? lane->run[writes] : index;
    bool full = (before | words) == watch->all;
    lane->run[writes] = run;
    lane->run_words[writes] = full ? 0 : before | words;
    touch->run = run;
    watch->touches[run].run_last = index;
    watch->touches[run].full = full;
    uint16_t reads_run = before == 0 ? watch->word_run[__builtin_ctz(words)] : lane->reads_run;
    lane->reads_run = writes ? lane->reads_run : reads_run;
    bool mixed = false;
    for (; words != 0; words &= (uint16_t)(words - 1)) {
        uint16_t *word_run = &watch->word_run[__builtin_ctz(words)];
        mixed |= *word_run != reads_run;
        *word_run = writes ? run : *word_run;
    }
    watch->mixed |= mixed & !writes;
}

static inline void watch_touch(struct watch *watch, uint32_t position, uint64_t address,
                               bool writes)
{
    const struct event *event = &execution.trace[position];
    struct lane *lane = lane_find(watch, event->goroutine);
    if (lane == NULL)
        lane = lane_add(watch, event->goroutine);
    if (lane == NULL || watch->touch_count == RECORD_TOUCHES_MAX) {
        watch->cut = true;
        return;
    }
    uint16_t index = (uint16_t)watch->touch_count++;
    uint32_t word_bytes = UINT32_C(1) << watch->word_shift;
    struct touch *touch = &watch->touches[index];
    *touch = (struct touch){
        .value = writes ? event->value_written : event->value_read,
        .position = position,
        .words = watch_words(watch, address, event->size),
        .lane = (uint8_t)(lane - watch->lanes),
        .exact = event->size == word_bytes && ((address - watch->begin) & (word_bytes - 1)) == 0,
        .writes = writes,
        .parted = lane->parted,
    };
    lane->parted = false;
    watch_run(watch, lane, touch, index);
}

/* A copy's read comes before its write. */
static void watch_copy(struct watch *watch, uint32_t position)
{
    const struct event *event = &execution.trace[position];
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
        if ((kind & KINDS_SINGLE) && watch_overlaps(watch, event->address, event->size)) {
            bool writes = (kind & KINDS_WRITING)
                          || (event->kind == EVENT_ATOMIC_CAS && event->success);
            watch_touch(watch, position, event->address, writes);
        } else if (kind & KIND(COPY)) {
            watch_copy(watch, position);
        } else if (kind & KINDS_PARTING) {
            struct lane *lane = lane_find(watch, event->goroutine);
            if (lane != NULL)
                lane->parted = true;
        }
    }
}

/* ---- runs that need a look ahead ------------------------------------------------------------- */

/* The touch that would continue the run that touch `index` is in; RECORD_NONE where it must end. */
static uint16_t run_next(const struct watch *watch, uint16_t index)
{
    const struct touch *touch = &watch->touches[index];
    for (uint32_t i = index + 1u; i < watch->touch_count; i++) {
        const struct touch *next = &watch->touches[i];
        if (next->lane != touch->lane)
            continue;
        if (next->parted)
            return RECORD_NONE;
        if (next->writes == touch->writes)
            return (uint16_t)i;
        if (!touch->writes)
            return RECORD_NONE;
    }
    return RECORD_NONE;
}

/* Last touch of the run of all words that begins at touch `first`; RECORD_NONE if none does. */
static uint16_t run_full(const struct watch *watch, uint16_t first)
{
    uint16_t words = 0;
    for (uint16_t index = first; index != RECORD_NONE; index = run_next(watch, index)) {
        if (words & watch->touches[index].words)
            return RECORD_NONE;
        words |= watch->touches[index].words;
        if (words == watch->all)
            return index;
    }
    return RECORD_NONE;
}

static uint16_t run_partial(const struct watch *watch, uint16_t first)
{
    uint16_t words = watch->touches[first].words;
    uint16_t last = first;
    for (;;) {
        uint16_t next = run_next(watch, last);
        if (next == RECORD_NONE || (words & watch->touches[next].words)
            || run_full(watch, next) != RECORD_NONE)
            return last;
        words |= watch->touches[next].words;
        last = next;
    }
}

static void run_begin(struct watch *watch, uint16_t first)
{
    struct touch *touch = &watch->touches[first];
    uint16_t last = run_full(watch, first);
    touch->full = last != RECORD_NONE;
    touch->run_last = touch->full ? last : run_partial(watch, first);
    for (uint16_t index = first; index != touch->run_last; index = run_next(watch, index))
        watch->touches[index].run = first;
    watch->touches[touch->run_last].run = first;
}

static void watch_look_ahead(struct watch *watch)
{
    for (uint32_t index = 0; index < watch->touch_count; index++)
        watch->touches[index].run = RECORD_NONE;
    for (uint32_t index = 0; index < watch->touch_count; index++)
        if (watch->touches[index].run == RECORD_NONE)
            run_begin(watch, (uint16_t)index);
}

/* Finds the assignments that nothing their goroutine did later shows to be over. */
static void watch_progress(struct watch *watch)
{
    for (uint32_t i = 0; i < watch->lane_count && !watch->cut; i++) {
        if (watch->lanes[i].parted)
            continue;
        for (uint32_t index = watch->touch_count; index-- > 0;) {
            const struct touch *touch = &watch->touches[index];
            if (touch->lane != i)
                continue;
            if (touch->writes)
                watch->touches[touch->run].progress = !watch->touches[touch->run].full;
            if (touch->writes || touch->parted)
                break;
        }
    }
}

bool record_watch(struct watch *watch, const struct record *record)
{
    CHECK(record->count, <=, RECORD_WORDS_MAX);
    watch->record = record;
    watch->begin = record->address;
    watch->end = record->address + (uint64_t)record->word_bytes * record->count;
    watch->word_shift = (uint32_t)__builtin_ctz(record->word_bytes);
    watch->all = (uint16_t)((UINT32_C(1) << record->count) - 1);
    watch->touch_count = watch->lane_count = 0;
    watch->cut = watch->mixed = watch->ambiguous = false;
    memset(watch->word_run, 0xff, sizeof watch->word_run); /* RECORD_NONE */
    memset(watch->lane_of, RECORD_LANE_NONE, sizeof watch->lane_of);
    watch_trace(watch);
    if (watch->ambiguous)
        watch_look_ahead(watch);
    if (!watch->mixed && !watch->ambiguous)
        return false;
    watch_progress(watch);
    return true;
}
