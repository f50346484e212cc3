/* explore_trace.c: happens-before clocks and direct races of an execution. Executions that follow
 * each other mostly begin alike: what they share is not computed again. */
#include "explore_trace.h"

#include <stdlib.h>
#include <string.h>

#include "await.h"
#include "check.h"
#include "dependence.h"
#include "explore_objects.h"
#include "explore_stores.h"
#include "scheduler.h"

#define KIND(name) (UINT64_C(1) << EVENT_##name)
/* Kinds that touch no memory that others touch. */
#define KINDS_PLACELESS                                                                            \
    (KIND(NONE) | KIND(START) | KIND(EXIT) | KIND(GO) | KIND(JOIN) | KIND(FENCE) | KIND(CHOOSE))
#define PLACE_HISTORY 1u /* of CALL and RETURN: no memory lies there */
#define PLACE_MANY 0u

/* ---- room ------------------------------------------------------------------------------------ */

void *explore_room(void *memory, size_t count, size_t size)
{
    void *larger = reallocarray(memory, count, size);
    if (larger == NULL)
        check_limit("no memory for an exploration: %zu times %zu bytes", count, size);
    return larger;
}

/* A row's memory is aligned as malloc does. */
static void trace_reserve(struct explore_trace *trace, uint32_t events, uint32_t goroutines)
{
    if (events < trace->capacity && goroutines <= trace->width)
        return;
    uint32_t capacity = trace->capacity < 64 ? 64 : trace->capacity;
    while (capacity <= events)
        capacity *= 2;
    uint32_t width = (goroutines + EXPLORE_LANES - 1) & ~(EXPLORE_LANES - 1);
    if (width > trace->width) {
        trace->count = trace->step_count = trace->order_count = 0; /* rows change their length */
        trace->width = width;
    }
    width = trace->width;
    trace->capacity = capacity;
    size_t cells = (size_t)capacity * width;
    trace->events = explore_room(trace->events, capacity, sizeof *trace->events);
    trace->clocks = explore_room(trace->clocks, cells, sizeof *trace->clocks);
    trace->counts = explore_room(trace->counts, cells, sizeof *trace->counts);
    trace->positions = explore_room(trace->positions, cells, sizeof *trace->positions);
    trace->wide = explore_room(trace->wide, capacity, sizeof *trace->wide);
    trace->objects = explore_room(trace->objects, capacity + width, sizeof *trace->objects);
    trace->needed = explore_room(trace->needed, width, sizeof *trace->needed);
    trace->scratch = explore_room(trace->scratch, width, sizeof *trace->scratch);
    trace->order = explore_room(trace->order, width, sizeof *trace->order);
    trace->steps = explore_room(trace->steps, 2 * (size_t)capacity, sizeof *trace->steps);
    memset(trace->counts, 0, width * sizeof *trace->counts);
}

void explore_trace_clear(struct explore_trace *trace)
{
    free(trace->events);
    free(trace->clocks);
    free(trace->counts);
    free(trace->positions);
    free(trace->wide);
    free(trace->objects);
    free(trace->races);
    free(trace->needed);
    free(trace->scratch);
    free(trace->order);
    free(trace->steps);
    *trace = (struct explore_trace){ 0 };
}

/* ---- what stayed the same -------------------------------------------------------------------- */

_Static_assert(EXPLORE_DEFAULT == 0, "the role of a bare choice");

/* Writes down the choices; returns how many at the beginning are those of the execution before. */
static uint32_t trace_take_steps(struct explore_trace *trace, const struct explore_step *steps,
                                 uint32_t step_count)
{
    uint32_t count = execution.choice_count;
    uint32_t same = 0, former = trace->step_count < count ? trace->step_count : count;
    while (same < former
           && execution.choices[same].kind_and_answer
                  == explore_step_choice(trace->steps[same]).kind_and_answer)
        same++;
    uint32_t given = step_count < count ? step_count : count;
    if (given > 0)
        memcpy(trace->steps, steps, given * sizeof *steps);
    for (uint32_t i = same > given ? same : given; i < count; i++)
        trace->steps[i].word = execution.choices[i].kind_and_answer;
    for (uint32_t i = given; i < same; i++)
        trace->steps[i].role = EXPLORE_DEFAULT;
    trace->step_count = count;
    return same;
}

/* How many events come of choices that are the same. */
static uint32_t trace_common(const struct explore_trace *trace, uint32_t same)
{
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

static bool touches_record(const struct event *event, const struct record *record)
{
    uint64_t end = record->address + (uint64_t)record->word_bytes * record->count;
    bool memory = event_effect(event) != 0 || event->kind == EVENT_ALLOC;
    return memory
           && ((event->address < end && event->address + event->size > record->address)
               || (event->kind == EVENT_COPY && event->source < end
                   && event->source + event->size > record->address));
}

/* As in dependence.h, a compare-and-swap that fails counts as a read only where its success hangs
 * on nothing but events that all that touches the record depends on. */
static bool writes_record(const struct event *event, const struct record *record)
{
    uint64_t bytes = (uint64_t)record->word_bytes * record->count;
    uint64_t offset = event->address - record->address;
    bool inside = offset < bytes && event->size <= bytes - offset;
    if (event->kind == EVENT_ATOMIC_CAS && (scheduler.memory != MEMORY_SC || !inside))
        return true;
    return event_effect(event) & EVENT_WRITES;
}

bool explore_record_depends(const struct event *a, const struct event *b)
{
    if (event_owner(a) == event_owner(b))
        return false;
    for (uint32_t i = 0; i < execution.record_count; i++) {
        const struct record *record = &execution.records[i];
        if (touches_record(a, record) && touches_record(b, record)
            && (writes_record(a, record) || writes_record(b, record)))
            return true;
    }
    return false;
}

static bool touches_a_record(const struct event *event)
{
    for (uint32_t i = 0; i < execution.record_count; i++)
        if (touches_record(event, &execution.records[i]))
            return true;
    return false;
}

bool explore_await_depends(const struct explore_trace *trace, const struct event *a,
                           uint32_t a_before, const struct event *b)
{
    for (uint32_t i = 0; i < a->await && a->await != AWAIT_FOR_EVER; i++) {
        uint32_t read = explore_position(trace, a->goroutine, a_before - i);
        if (dependence_of(&execution.trace[read], b, trace->reuses))
            return true;
    }
    return false;
}

/* explore_depend for two executed events. */
static inline bool positions_depend(const struct explore_trace *trace, uint32_t a, uint32_t b)
{
    return explore_depend(trace, &execution.trace[a], (uint32_t)trace->events[a].index - 1,
                          &execution.trace[b], (uint32_t)trace->events[b].index - 1);
}

/* Creation may write a handle. */
static bool is_placeless(const struct event *event)
{
    return (KINDS_PLACELESS >> event->kind & 1) && !(event->kind == EVENT_GO && event->size > 0);
}

static uint64_t event_place(const struct event *event)
{
    if (is_placeless(event))
        return PLACE_MANY;
    if (event->kind == EVENT_CALL || event->kind == EVENT_RETURN)
        return PLACE_HISTORY;
    bool one = event->size <= 8 && (event->address & 7) + event->size <= 8
               && event->kind != EVENT_COPY && event->kind != EVENT_ALLOC
               && event->kind != EVENT_FREE && event->size != 0 && event->await == 0;
    return one && !touches_a_record(event) ? event->address >> 3 : PLACE_MANY;
}

/* Whether whatever depends on `event` and comes before `earlier` happens before `earlier`, too. */
static bool event_hides(const struct event *earlier, const struct event *event)
{
    const uint64_t hiding = KIND(WRITE) | KIND(ATOMIC_STORE) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS)
                            | KIND(LOCK) | KIND(TRYLOCK) | KIND(UNLOCK);
    return (hiding >> earlier->kind & 1) && earlier->success
           && !(earlier->order & EVENT_BUFFERED) && earlier->address <= event->address
           && earlier->address + earlier->size >= event->address + event->size;
}

static void race_add(struct explore_trace *trace, uint32_t earlier, uint32_t later)
{
    uint32_t end = trace->events[later].race_end++;
    if (end == trace->race_capacity) {
        trace->race_capacity = end < 64 ? 64 : 2 * end;
        trace->races = explore_room(trace->races, trace->race_capacity, sizeof *trace->races);
    }
    trace->races[end] = (struct explore_race){ earlier, later };
}

/* Puts `earlier`, which depends on `later`, and all before it into later's clock. */
static inline void trace_order_pair(struct explore_trace *trace, uint32_t earlier, uint32_t later,
                                    int16_t *clock)
{
    if (explore_within(trace, earlier, clock))
        return;
    explore_join(clock, explore_clock(trace, earlier), trace->width);
    race_add(trace, earlier, later);
}

/* Finds the events that `position` directly depends on, newest first: those that touch its place
 * are linked, those that touch many places must be looked at one by one. */
static void trace_find_dependences(struct explore_trace *trace, uint32_t position, int16_t *clock)
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
        if (other->goroutine != event->goroutine && positions_depend(trace, earlier, position))
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
static void trace_look_at_all(struct explore_trace *trace, uint32_t position, int16_t *clock)
{
    const struct event *event = &execution.trace[position];
    for (uint32_t earlier = position; earlier-- > 0;) {
        const struct event *other = &execution.trace[earlier];
        if (other->goroutine != event->goroutine && positions_depend(trace, earlier, position))
            trace_order_pair(trace, earlier, position, clock);
    }
}

/* What creation and end of goroutines order. */
static void trace_order_lives(struct explore_trace *trace, uint32_t position, int16_t *clock)
{
    const struct event *event = &execution.trace[position];
    if (event->kind == EVENT_START) {
        for (uint32_t earlier = position; earlier-- > 0;) {
            const struct event *go = &execution.trace[earlier];
            if (go->kind == EVENT_GO && go->value_written == event->goroutine) {
                explore_join(clock, explore_clock(trace, earlier), trace->width);
                return;
            }
        }
    } else if (event->kind == EVENT_JOIN) {
        uint32_t joined = (uint32_t)event->source;
        uint32_t last = 
            explore_position(trace, joined, (uint32_t)explore_counts(trace, position)[joined]);
        explore_join(clock, explore_clock(trace, last), trace->width);
    }
}

/* What store buffers order. */
static void trace_order_stores(struct explore_trace *trace, uint32_t position, int16_t *clock)
{
    const struct event *event = &execution.trace[position];
    uint32_t before = (uint32_t)trace->events[position].index - 1;
    if (!(trace->events[position].seen & EXPLORE_SEEN_STORE)
        || !explore_stores_order(trace, event, before))
        return;
    for (uint32_t earlier = position; earlier-- > 0;)
        if (!explore_within(trace, earlier, clock)
            && explore_store_precedes(earlier, event))
            explore_join(clock, explore_clock(trace, earlier), trace->width);
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

static uint8_t event_seen(const struct event *event)
{
    return (uint8_t)((dependence_waits(event) ? EXPLORE_SEEN_WAIT : 0)
                     | (event->await != 0 ? EXPLORE_SEEN_AWAIT : 0)
                     | (event->order & EVENT_BUFFERED ? EXPLORE_SEEN_STORE : 0)
                     | (event->kind == EVENT_FREE ? EXPLORE_SEEN_FREE : 0)
                     | (event->kind == EVENT_CHOOSE ? EXPLORE_SEEN_ANSWER : 0));
}

static void trace_add(struct explore_trace *trace, uint32_t position, uint32_t choice)
{
    static const struct explore_event nothing = { 0 };
    const struct event *event = &execution.trace[position];
    struct explore_event *known = &trace->events[position];
    const struct explore_event *before = position > 0 ? known - 1 : &nothing;
    uint32_t width = trace->width, self = event->goroutine;
    int16_t *clock = explore_clock(trace, position);
    int16_t *counts = explore_counts(trace, position);
    uint32_t own = (uint32_t)counts[self];
    explore_copy(counts + width, counts, width);
    counts[width + self]++;
    trace->positions[(size_t)own * width + self] = position;
    if (own == 0)
        memset(clock, 0, width * sizeof *clock);
    else
        explore_copy(clock, explore_clock(trace, explore_position(trace, self, own)), width);
    clock[self] = known->index = (int16_t)(own + 1);
    known->choice = choice;
    known->seen = before->seen | event_seen(event);
    known->race_end = before->race_end;
    known->wide_before = before->wide_before;
    if (position > 0 && before->place == PLACE_MANY
        && !is_placeless(&execution.trace[position - 1]))
        trace->wide[known->wide_before++] = position - 1;
    known->place = event_place(event);
    known->same_place = EXPLORE_NONE;
    if (explore_buffers())
        trace_order_stores(trace, position, clock);
    if (is_placeless(event)) {
        trace_order_lives(trace, position, clock);
    } else if (known->place == PLACE_MANY) {
        trace_look_at_all(trace, position, clock);
    } else {
        known->same_place = trace_same_place(trace, position, known->place);
        trace_find_dependences(trace, position, clock);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

bool explore_precedes(uint32_t a, uint32_t b)
{
    uint32_t a_owner = explore_owner(a), b_owner = explore_owner(b);
    if (a_owner == b_owner) /* numbers of one goroutine's drainers grow */
        return b == b_owner || (a != a_owner && a < b);
    return goroutine_precedes(a_owner, b_owner);
}

static bool column_exists(uint32_t id)
{
    return id < scheduler.goroutine_count
           || (explore_buffers() && id >= scheduler.drainer_base && id < explore_columns());
}

/* Goroutines of the target come in the order of their ids, and so do those that one goroutine
 * creates: only what several of them create must be looked at each time. */
static void trace_find_order(struct explore_trace *trace)
{
    bool created = scheduler.goroutine_count > execution.target->program_count + 1
                   || explore_buffers();
    if (!created && trace->order_count == scheduler.goroutine_count)
        return;
    trace->order_count = created ? 0 : scheduler.goroutine_count;
    for (uint32_t i = 0; i < trace->width; i++) {
        uint32_t place = i;
        for (; place > 0 && column_exists(i)
               && (!column_exists(trace->order[place - 1])
                   || explore_precedes(i, trace->order[place - 1]));
             place--)
            trace->order[place] = trace->order[place - 1];
        trace->order[place] = i;
    }
}

void explore_trace_update(struct explore_trace *trace, const struct explore_step *steps,
                          uint32_t step_count)
{
    uint32_t count = execution.trace_run_count;
    CHECK(count, <=, EXPLORE_EVENTS_MAX);
    trace_reserve(trace, count, explore_columns());
    trace->reuses = execution.target->reuse == TREADLE_REUSE_LIFO;
    uint32_t same = trace_take_steps(trace, steps, step_count);
    uint32_t common = trace_common(trace, same);
    uint32_t choice = 0;
    if (common > 0)
        choice = trace->events[common - 1].choice
                 + (execution.trace[common - 1].kind != EVENT_EXIT);
    for (uint32_t i = common; i < count; i++) {
        trace_add(trace, i, choice);
        choice += execution.trace[i].kind != EVENT_EXIT;
    }
    trace->count = count;
    trace->totals = explore_counts(trace, count);
    trace_find_order(trace);
    trace->seen = count > 0 ? trace->events[count - 1].seen : 0;
    trace->waits = scheduler.blocked_count > 0 || (trace->seen & EXPLORE_SEEN_WAIT);
    explore_objects_find(trace);
    explore_find_needed(trace);
}
