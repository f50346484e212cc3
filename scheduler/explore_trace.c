/* explore_trace.c: happens-before clocks and direct races of an execution. Executions that follow
 * each other mostly begin alike: what they share is not computed again. */
#include "explore_trace.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "dependence.h"
#include "scheduler.h"

#define KIND(name) (UINT32_C(1) << EVENT_##name)
/* Kinds that touch no memory that others touch. */
#define KINDS_PLACELESS                                                                            \
    (KIND(NONE) | KIND(START) | KIND(EXIT) | KIND(GO) | KIND(JOIN) | KIND(FENCE) | KIND(CHOOSE))
#define PLACE_HISTORY 1u /* of CALL and RETURN: no memory lies there */
#define PLACE_MANY 0u

/* ---- room ------------------------------------------------------------------------------------ */

static void *room(void *memory, size_t count, size_t size)
{
    void *larger = reallocarray(memory, count, size);
    if (larger == NULL)
        check_limit("no memory for the exploration of %zu events", count);
    return larger;
}

static void trace_reserve(struct explore_trace *trace, uint32_t events, uint32_t width)
{
    if (events <= trace->capacity && width <= trace->width)
        return;
    uint32_t capacity = trace->capacity < 64 ? 64 : trace->capacity;
    while (capacity < events)
        capacity *= 2;
    width = width > trace->width ? (width + 3) & ~UINT32_C(3) : trace->width;
    if (width != trace->width)
        trace->count = trace->choice_count = 0; /* rows change their length */
    trace->capacity = capacity;
    trace->width = width;
    size_t cells = (size_t)capacity * width;
    trace->events = room(trace->events, capacity, sizeof *trace->events);
    trace->clocks = room(trace->clocks, cells, sizeof *trace->clocks);
    trace->counts = room(trace->counts, cells, sizeof *trace->counts);
    trace->positions = room(trace->positions, cells, sizeof *trace->positions);
    trace->wide = room(trace->wide, capacity, sizeof *trace->wide);
    trace->totals = room(trace->totals, width, sizeof *trace->totals);
    trace->needed = room(trace->needed, width, sizeof *trace->needed);
    trace->scratch = room(trace->scratch, width, sizeof *trace->scratch);
    trace->order = room(trace->order, width, sizeof *trace->order);
    trace->choices = room(trace->choices, 2 * (size_t)capacity, sizeof *trace->choices);
}

void explore_trace_clear(struct explore_trace *trace)
{
    free(trace->events);
    free(trace->clocks);
    free(trace->counts);
    free(trace->positions);
    free(trace->wide);
    free(trace->races);
    free(trace->totals);
    free(trace->needed);
    free(trace->scratch);
    free(trace->order);
    free(trace->choices);
    *trace = (struct explore_trace){ 0 };
}

/* ---- what stayed the same -------------------------------------------------------------------- */

/* How many events at the beginning are those of the execution before. */
static uint32_t trace_common(const struct explore_trace *trace)
{
    uint32_t choices = trace->choice_count < execution.choice_count ? trace->choice_count
                                                                    : execution.choice_count;
    uint32_t same = 0;
    while (same < choices && trace->choices[same] == execution.choices[same].kind_and_answer)
        same++;
    uint32_t low = 0, high = trace->count; /* the first event whose choice is another */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (trace->events[middle].choice < same)
            low = middle + 1;
        else
            high = middle;
    }
    return low < execution.trace_run_count ? low : execution.trace_run_count;
}

/* ---- happens-before -------------------------------------------------------------------------- */

static void clock_join(uint16_t *clock, const uint16_t *other, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++)
        clock[i] = clock[i] > other[i] ? clock[i] : other[i];
}

static uint64_t event_place(const struct event *event)
{
    if (KINDS_PLACELESS >> event->kind & 1)
        return PLACE_MANY;
    if (event->kind == EVENT_CALL || event->kind == EVENT_RETURN)
        return PLACE_HISTORY;
    bool one = event->size <= 8 && (event->address & 7) + event->size <= 8
               && event->kind != EVENT_COPY && event->kind != EVENT_ALLOC
               && event->kind != EVENT_FREE && event->size != 0;
    return one ? event->address >> 3 : PLACE_MANY;
}

/* Whether whatever depends on `event` and comes before `earlier` happens before `earlier`, too. */
static bool event_hides(const struct event *earlier, const struct event *event)
{
    const uint32_t hiding = KIND(WRITE) | KIND(ATOMIC_STORE) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS)
                            | KIND(LOCK) | KIND(TRYLOCK) | KIND(UNLOCK);
    return (hiding >> earlier->kind & 1) && earlier->success && earlier->address <= event->address
           && earlier->address + earlier->size >= event->address + event->size;
}

static void race_add(struct explore_trace *trace, uint32_t earlier, uint32_t later)
{
    uint32_t end = trace->events[later].race_end++;
    if (end == trace->race_capacity) {
        trace->race_capacity = end < 64 ? 64 : 2 * end;
        trace->races = room(trace->races, trace->race_capacity, sizeof *trace->races);
    }
    trace->races[end] = (struct explore_race){ earlier, later };
}

/* Puts `earlier`, which depends on `later`, and all before it into later's clock. */
static inline void trace_order_pair(struct explore_trace *trace, uint32_t earlier, uint32_t later,
                                    uint16_t *clock)
{
    if (explore_within(trace, earlier, clock))
        return;
    clock_join(clock, explore_clock(trace, earlier), trace->width);
    race_add(trace, earlier, later);
}

/* Finds the events that `position` directly depends on, newest first: those that touch its place
 * are linked, those that touch many places must be looked at one by one. */
static void trace_find_dependences(struct explore_trace *trace, uint32_t position, uint16_t *clock)
{
    const struct event *event = &execution.trace[position];
    struct explore_event *known = &trace->events[position];
    uint32_t wide = known->wide_before;
    uint32_t narrow = known->same_place;
    for (;;) {
        uint32_t widest = wide > 0 ? trace->wide[wide - 1] : EXPLORE_NONE;
        bool take_wide = wide > 0 && (narrow == EXPLORE_NONE || widest > narrow);
        uint32_t earlier = take_wide ? widest : narrow;
        if (earlier == EXPLORE_NONE)
            return;
        const struct event *other = &execution.trace[earlier];
        if (other->goroutine != event->goroutine && dependence_of(other, event, trace->reuses))
            trace_order_pair(trace, earlier, position, clock);
        if (take_wide)
            wide--;
        else if (wide == 0 && event_hides(other, event))
            return;
        else
            narrow = trace->events[earlier].same_place;
    }
}

/* The same for an event that touches many places: every event before it is looked at. */
static void trace_look_at_all(struct explore_trace *trace, uint32_t position, uint16_t *clock)
{
    const struct event *event = &execution.trace[position];
    for (uint32_t earlier = position; earlier-- > 0;) {
        const struct event *other = &execution.trace[earlier];
        if (other->goroutine != event->goroutine && dependence_of(other, event, trace->reuses))
            trace_order_pair(trace, earlier, position, clock);
    }
}

/* What creation and end of goroutines order. */
static void trace_order_lives(struct explore_trace *trace, uint32_t position, uint16_t *clock)
{
    const struct event *event = &execution.trace[position];
    if (event->kind == EVENT_START) {
        for (uint32_t earlier = position; earlier-- > 0;) {
            const struct event *go = &execution.trace[earlier];
            if (go->kind == EVENT_GO && go->value_written == event->goroutine) {
                clock_join(clock, explore_clock(trace, earlier), trace->width);
                return;
            }
        }
    } else if (event->kind == EVENT_JOIN) {
        uint32_t joined = (uint32_t)event->source;
        uint32_t last = explore_position(trace, joined, explore_counts(trace, position)[joined]);
        clock_join(clock, explore_clock(trace, last), trace->width);
    }
}

/* The newest event before position with that place. */
static uint32_t trace_same_place(const struct explore_trace *trace, uint32_t position,
                                 uint64_t place)
{
    for (uint32_t earlier = position; earlier-- > 0;)
        if (trace->events[earlier].place == place)
            return earlier;
    return EXPLORE_NONE;
}

static void trace_add(struct explore_trace *trace, uint32_t position, uint32_t choice)
{
    const struct event *event = &execution.trace[position];
    struct explore_event *known = &trace->events[position];
    const struct explore_event *before = known - 1;
    uint32_t width = trace->width, self = event->goroutine;
    uint16_t *clock = explore_clock(trace, position);
    uint16_t *counts = explore_counts(trace, position);
    if (position == 0) {
        memset(counts, 0, width * sizeof *counts);
    } else {
        memcpy(counts, counts - width, width * sizeof *counts);
        counts[execution.trace[position - 1].goroutine]++;
    }
    known->index = (uint16_t)(counts[self] + 1);
    trace->positions[(size_t)counts[self] * width + self] = position;
    if (counts[self] == 0)
        memset(clock, 0, width * sizeof *clock);
    else
        memcpy(clock, explore_clock(trace, explore_position(trace, self, counts[self])),
               width * sizeof *clock);
    clock[self] = known->index;
    bool placeless = KINDS_PLACELESS >> event->kind & 1;
    known->choice = choice;
    known->place = event_place(event);
    known->wide_before = 0;
    known->race_end = 0;
    if (position > 0) {
        bool wide = before->place == PLACE_MANY
                    && !(KINDS_PLACELESS >> execution.trace[position - 1].kind & 1);
        known->wide_before = before->wide_before;
        known->race_end = before->race_end;
        if (wide)
            trace->wide[known->wide_before++] = position - 1;
    }
    known->same_place =
        known->place == PLACE_MANY ? EXPLORE_NONE : trace_same_place(trace, position, known->place);
    if (placeless)
        trace_order_lives(trace, position, clock);
    else if (known->place == PLACE_MANY)
        trace_look_at_all(trace, position, clock);
    else
        trace_find_dependences(trace, position, clock);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Length of a goroutine's spawn path. */
static uint32_t path_length(uint32_t goroutine)
{
    uint32_t length = 0;
    for (; goroutine != 0; goroutine = scheduler.goroutines[goroutine].parent)
        length++;
    return length;
}

static uint32_t path_ancestor(uint32_t goroutine, uint32_t generations)
{
    for (; generations > 0; generations--)
        goroutine = scheduler.goroutines[goroutine].parent;
    return goroutine;
}

bool explore_precedes(uint32_t a, uint32_t b)
{
    uint32_t a_length = path_length(a), b_length = path_length(b);
    uint32_t shorter = a_length < b_length ? a_length : b_length;
    uint32_t a_up = path_ancestor(a, a_length - shorter);
    uint32_t b_up = path_ancestor(b, b_length - shorter);
    if (a_up == b_up)
        return a_length < b_length;
    while (scheduler.goroutines[a_up].parent != scheduler.goroutines[b_up].parent) {
        a_up = scheduler.goroutines[a_up].parent;
        b_up = scheduler.goroutines[b_up].parent;
    }
    return scheduler.goroutines[a_up].child_index < scheduler.goroutines[b_up].child_index;
}

static void trace_find_order(struct explore_trace *trace)
{
    for (uint32_t i = 0; i < trace->width; i++) {
        uint32_t place = i;
        bool exists = i < scheduler.goroutine_count;
        for (; exists && place > 0 && explore_precedes(i, trace->order[place - 1]); place--)
            trace->order[place] = trace->order[place - 1];
        trace->order[place] = i;
    }
}

/* An EXIT, which no choice stands before, is like the event that it follows. */
static void trace_take_roles(struct explore_trace *trace, const struct explore_step *steps,
                             uint32_t step_count)
{
    uint8_t role = EXPLORE_DEFAULT;
    for (uint32_t i = 0; i < trace->count; i++) {
        uint32_t choice = trace->events[i].choice;
        if (execution.trace[i].kind != EVENT_EXIT)
            role = choice < step_count ? steps[choice].role : EXPLORE_DEFAULT;
        trace->events[i].role = role;
    }
}

void explore_trace_update(struct explore_trace *trace, const struct explore_step *steps,
                          uint32_t step_count)
{
    uint32_t count = execution.trace_run_count;
    if (count >= UINT16_MAX)
        check_limit("an execution that is to be explored has at most %u events", UINT16_MAX - 1);
    uint32_t width = trace->width;
    trace_reserve(trace, count + 1, scheduler.goroutine_count);
    trace->reuses = execution.target->reuse == TREADLE_REUSE_LIFO;
    uint32_t common = width == trace->width ? trace_common(trace) : 0;
    uint32_t choice = 0;
    if (common > 0)
        choice = trace->events[common - 1].choice
                 + (execution.trace[common - 1].kind != EVENT_EXIT);
    for (uint32_t i = common; i < count; i++) {
        trace_add(trace, i, choice);
        choice += execution.trace[i].kind != EVENT_EXIT;
    }
    trace->count = count;
    trace->choice_count = execution.choice_count;
    for (uint32_t i = 0; i < execution.choice_count; i++)
        trace->choices[i] = execution.choices[i].kind_and_answer;
    memset(trace->totals, 0, trace->width * sizeof *trace->totals);
    if (count > 0) {
        memcpy(trace->totals, explore_counts(trace, count - 1),
               trace->width * sizeof *trace->totals);
        trace->totals[execution.trace[count - 1].goroutine]++;
    }
    trace_find_order(trace);
    trace_take_roles(trace, steps, step_count);
    trace->waits = scheduler.blocked_count > 0;
    for (uint32_t i = 0; i < count && !trace->waits; i++)
        trace->waits = dependence_waits(execution.trace[i].kind);
    explore_find_needed(trace);
}
