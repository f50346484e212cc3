/* linearisation.c: a topological order of the happens-before relation that stays with one goroutine
 * as long as it can. What happens before what is found by looking at all pairs: this is done once
 * for a finding. */
#include "linearisation.h"

#include <stdlib.h>

#include "../scheduler/check.h"
#include "../scheduler/dependence.h"
#include "../scheduler/explore_stores.h"
#include "../scheduler/scheduler.h"

/* Above this the pairs are too many to look at. */
#define EVENTS_MAX 20000u

/* Events that one scheduling choice executes: the first one and those that follow it without a
 * choice. */
struct unit {
    uint32_t first, last;     /* trace positions; between them other goroutines' events may stand */
    uint32_t next;            /* its goroutine's next unit, or UINT32_MAX */
    uint32_t waits_for;       /* pairs of events that keep it waiting */
    uint16_t goroutine;
    bool needed;
    bool ends; /* behind it its goroutine ends the program */
};

struct linearisation {
    const struct linearisation_wish *wish;
    uint32_t event_count;
    uint32_t *unit_of; /* by trace position */
    struct unit *units;
    uint32_t unit_count;
    bool *begins; /* by trace position: a store that brings a drainer into being */
    uint32_t heads[GOROUTINES_MAX + DRAINERS_MAX]; /* each one's next unit, or UINT32_MAX */
};

static void *array(size_t count, size_t bytes)
{
    void *memory = calloc(count + 1, bytes);
    CHECK(memory != NULL, ==, true);
    return memory;
}

static bool is_history(const struct event *event)
{
    return event->kind == EVENT_CALL || event->kind == EVENT_RETURN;
}

/* Whether b, which stands behind a in the trace, must stay behind it. Goroutines and drainers keep
 * their ids, which are given in the order of creation. */
static bool must_follow(const struct linearisation *linearisation, const struct event *a,
                        const struct event *b)
{
    if (a->goroutine == b->goroutine)
        return true;
    uint32_t a_position = (uint32_t)(a - execution.trace);
    if (explore_buffers()
        && ((linearisation->begins[a_position] && linearisation->begins[b - execution.trace])
            || explore_store_precedes(a_position, b)))
        return true;
    if (is_history(a) || is_history(b))
        return linearisation->wish->only_before == 0
               && dependence_of(a, b, execution.target->reuse == TREADLE_REUSE_LIFO);
    if (a->kind == EVENT_GO)
        return b->kind == EVENT_GO
               || (b->kind == EVENT_START && a->value_written == b->goroutine);
    if (b->kind == EVENT_JOIN)
        return a->kind == EVENT_EXIT && b->source == a->goroutine;
    return dependence_of(a, b, execution.target->reuse == TREADLE_REUSE_LIFO);
}

/* ---- units ----------------------------------------------------------------------------------- */

static void make_units(struct linearisation *linearisation)
{
    static uint32_t latest[GOROUTINES_MAX + DRAINERS_MAX];
    for (uint32_t i = 0; i < GOROUTINES_MAX + DRAINERS_MAX; i++)
        latest[i] = linearisation->heads[i] = UINT32_MAX;
    for (uint32_t i = 0; i < linearisation->event_count; i++) {
        const struct event *event = &execution.trace[i];
        uint32_t *last = &latest[event->goroutine];
        bool follows = dependence_follows(event->kind)
                       || (linearisation->wish->plain && is_history(event));
        if (!follows || *last == UINT32_MAX) {
            uint32_t added = linearisation->unit_count++;
            linearisation->units[added] = (struct unit){ .first = i,
                                                         .next = UINT32_MAX,
                                                         .goroutine = event->goroutine,
                                                         .needed = true };
            if (*last != UINT32_MAX)
                linearisation->units[*last].next = added;
            else
                linearisation->heads[event->goroutine] = added;
            *last = added;
        }
        linearisation->units[*last].last = i;
        linearisation->unit_of[i] = *last;
    }
    for (uint32_t id = 0; id < scheduler.goroutine_count; id++)
        if (latest[id] != UINT32_MAX)
            linearisation->units[latest[id]].ends =
                scheduler.goroutines[id].state == GOROUTINE_ENDED;
}

/* Leaves as needed what the goroutine's last event rests on. */
static void drop_others(struct linearisation *linearisation, uint32_t goroutine)
{
    bool *rests = array(linearisation->event_count, sizeof *rests);
    bool found = false;
    for (uint32_t i = linearisation->event_count; i-- > 0;) {
        const struct event *event = &execution.trace[i];
        rests[i] = !found && event->goroutine == goroutine;
        found |= rests[i];
        for (uint32_t j = i + 1; found && !rests[i] && j < linearisation->event_count; j++)
            rests[i] = rests[j] && must_follow(linearisation, event, &execution.trace[j]);
    }
    for (uint32_t u = 0; u < linearisation->unit_count; u++)
        linearisation->units[u].needed = false;
    for (uint32_t i = 0; i < linearisation->event_count; i++)
        if (rests[i])
            linearisation->units[linearisation->unit_of[i]].needed = true;
    free(rests);
}

/* Adds change to the number of pairs that later units wait for because of this one. */
static void count_waiting(struct linearisation *linearisation, uint32_t unit, uint32_t change)
{
    const struct unit *self = &linearisation->units[unit];
    for (uint32_t i = self->first; i <= self->last; i++) {
        if (linearisation->unit_of[i] != unit)
            continue;
        for (uint32_t j = i + 1; j < linearisation->event_count; j++) {
            struct unit *other = &linearisation->units[linearisation->unit_of[j]];
            if (other->goroutine != self->goroutine && other->needed
                && must_follow(linearisation, &execution.trace[i], &execution.trace[j]))
                other->waits_for += change;
        }
    }
}

/* ---- the order ------------------------------------------------------------------------------- */

static bool is_ready(const struct linearisation *linearisation, uint32_t goroutine, bool ends)
{
    uint32_t head = linearisation->heads[goroutine];
    if (head == UINT32_MAX)
        return false;
    const struct unit *unit = &linearisation->units[head];
    return unit->needed && unit->waits_for == 0 && unit->ends == ends;
}

/* Who executes next: who did before, if possible; one that then ends the program only when no
 * other one can. UINT32_MAX if nobody can. */
static uint32_t pick(const struct linearisation *linearisation, uint32_t before)
{
    for (int ends = 0; ends <= 1; ends++) {
        if (before != UINT32_MAX && is_ready(linearisation, before, ends))
            return before;
        for (uint32_t id = 0; id < explore_columns(); id++)
            if (is_ready(linearisation, id, ends))
                return id;
    }
    return UINT32_MAX;
}

static uint32_t add_steps(const struct linearisation *linearisation, uint32_t unit,
                          struct explore_step *steps, uint32_t count)
{
    const struct unit *self = &linearisation->units[unit];
    steps[count++] = (struct explore_step){ .answer = self->goroutine };
    for (uint32_t i = self->first; i <= self->last; i++)
        if (linearisation->unit_of[i] == unit && execution.trace[i].kind == EVENT_CHOOSE)
            steps[count++] = (struct explore_step){
                .answer = (uint16_t)execution.trace[i].value_read,
                .data = true,
            };
    return count;
}

static uint32_t keep_order(const struct linearisation *linearisation, struct explore_step *steps)
{
    uint32_t count = 0;
    for (int ends = 0; ends <= 1; ends++)
        for (uint32_t u = 0; u < linearisation->unit_count; u++)
            if (linearisation->units[u].needed && linearisation->units[u].ends == ends)
                count = add_steps(linearisation, u, steps, count);
    return count;
}

static bool make_order(struct linearisation *linearisation, struct explore_step *steps,
                       uint32_t *ret_count)
{
    uint32_t left = 0, count = 0, goroutine = UINT32_MAX;
    for (uint32_t u = 0; u < linearisation->unit_count; u++) {
        if (!linearisation->units[u].needed)
            continue;
        left++;
        count_waiting(linearisation, u, 1);
    }
    for (; left > 0; left--) {
        goroutine = pick(linearisation, goroutine);
        if (goroutine == UINT32_MAX)
            return false;
        uint32_t unit = linearisation->heads[goroutine];
        count = add_steps(linearisation, unit, steps, count);
        linearisation->heads[goroutine] = linearisation->units[unit].next;
        count_waiting(linearisation, unit, UINT32_MAX); /* takes 1 away each */
    }
    *ret_count = count;
    return true;
}

struct explore_step *linearise(const struct linearisation_wish *wish, uint32_t *ret_count)
{
    struct linearisation linearisation = { .wish = wish,
                                           .event_count = execution.trace_run_count };
    if (linearisation.event_count > EVENTS_MAX)
        return NULL;
    linearisation.unit_of = array(linearisation.event_count, sizeof *linearisation.unit_of);
    linearisation.units = array(linearisation.event_count, sizeof *linearisation.units);
    struct explore_step *steps = array(2 * (size_t)linearisation.event_count, sizeof *steps);
    linearisation.begins = array(linearisation.event_count, sizeof *linearisation.begins);
    bool *known = array(GOROUTINES_MAX + DRAINERS_MAX, sizeof *known);
    for (uint32_t i = 0; i < linearisation.event_count; i++) {
        const struct event *event = &execution.trace[i];
        if (!(event->order & EVENT_BUFFERED) || known[event->store])
            continue;
        known[event->store] = linearisation.begins[i] = true;
    }
    free(known);
    make_units(&linearisation);
    if (wish->only_before != 0)
        drop_others(&linearisation, wish->only_before);
    bool made = true;
    if (wish->as_executed)
        *ret_count = keep_order(&linearisation, steps);
    else
        made = make_order(&linearisation, steps, ret_count);
    free(linearisation.begins);
    free(linearisation.unit_of);
    free(linearisation.units);
    if (made)
        return steps;
    free(steps);
    return NULL;
}
