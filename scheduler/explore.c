/* explore.c: the executions still to be made, and how each is made. */
#include "explore.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "explore_bounded.h"
#include "explore_fewest.h"
#include "explore_reverse.h"
#include "scheduler.h"
#include "trace.h"

/* Items lie one behind the other in `bytes`; starts says where each begins. */
struct explorer {
    struct explore_children children; /* first: `add` finds the explorer by it */
    struct explore_trace trace;
    uint8_t *bytes;
    size_t byte_count, byte_capacity;
    size_t *starts;
    size_t item_count, item_capacity;
    struct explore_item *current; /* a copy of the item being executed */
    size_t current_capacity;
    struct explore_steps aligned; /* its steps, one for each choice */
    bool blocked;
    bool is_bounded;
    struct explore_bounded bounded;
    struct explore_fewest fewest;
    struct explore_steps fewest_steps;
};

/* ---- items ----------------------------------------------------------------------------------- */

/* Multiples of 8, so that every item is aligned. */
static size_t item_bytes(uint32_t step_count)
{
    size_t bytes = sizeof(struct explore_item) + step_count * sizeof(struct explore_step);
    return (bytes + 7) & ~(size_t)7;
}

size_t explore_item_bytes(const struct explore_item *item)
{
    return item_bytes(item->step_count);
}

/* Room for one more item, as the newest. */
static struct explore_item *items_push(struct explorer *explorer, uint32_t step_count)
{
    size_t bytes = item_bytes(step_count);
    if (explorer->byte_count + bytes > explorer->byte_capacity) {
        explorer->byte_capacity = 2 * (explorer->byte_count + bytes);
        explorer->bytes = explore_room(explorer->bytes, explorer->byte_capacity, 1);
    }
    if (explorer->item_count == explorer->item_capacity) {
        explorer->item_capacity = explorer->item_capacity < 64 ? 64 : 2 * explorer->item_capacity;
        explorer->starts = explore_room(explorer->starts, explorer->item_capacity,
                                        sizeof *explorer->starts);
    }
    explorer->starts[explorer->item_count++] = explorer->byte_count;
    void *item = explorer->bytes + explorer->byte_count;
    explorer->byte_count += bytes;
    return item;
}

static struct explore_item *item_at(struct explorer *explorer, size_t index)
{
    return (void *)(explorer->bytes + explorer->starts[index]);
}

size_t explorer_item_count(const struct explorer *explorer)
{
    return explorer->item_count;
}

const struct explore_item *explorer_item(const struct explorer *explorer, size_t index)
{
    return (const void *)(explorer->bytes + explorer->starts[index]);
}

void explorer_add(struct explorer *explorer, const struct explore_item *item)
{
    struct explore_item *copy = items_push(explorer, item->step_count);
    memcpy(copy, item, sizeof *item + item->step_count * sizeof item->steps[0]);
}

void explorer_drop(struct explorer *explorer, size_t count)
{
    CHECK(count, <=, explorer->item_count);
    size_t bytes = count == explorer->item_count ? explorer->byte_count : explorer->starts[count];
    memmove(explorer->bytes, explorer->bytes + bytes, explorer->byte_count - bytes);
    explorer->byte_count -= bytes;
    explorer->item_count -= count;
    for (size_t i = 0; i < explorer->item_count; i++)
        explorer->starts[i] = explorer->starts[i + count] - bytes;
}

struct explore_step *explore_steps_make(struct explore_steps *steps, uint32_t count)
{
    if (count > steps->capacity) {
        steps->capacity = 2 * count;
        steps->steps = explore_room(steps->steps, steps->capacity, sizeof *steps->steps);
    }
    steps->count = count;
    return steps->steps;
}

void explore_steps_add(struct explore_steps *steps, struct explore_step step)
{
    explore_steps_make(steps, steps->count + 1)[steps->count - 1] = step;
}

static void add_child(struct explore_children *children, uint32_t pending)
{
    struct explorer *explorer = (struct explorer *)children;
    const struct explore_steps *steps = &children->steps;
    struct explore_item *item = items_push(explorer, steps->count);
    *item = (struct explore_item){ .step_count = steps->count, .pending = (uint16_t)pending };
    memcpy(item->steps, steps->steps, steps->count * sizeof item->steps[0]);
}

struct explorer *explorer_create(bool empty)
{
    struct explorer *explorer = calloc(1, sizeof *explorer);
    if (explorer == NULL)
        check_limit("no memory for an exploration");
    explorer->children.add = add_child;
    if (!empty)
        *items_push(explorer, 0) = (struct explore_item){ .pending = EXPLORE_NOBODY };
    return explorer;
}

void explorer_destroy(struct explorer *explorer)
{
    explore_trace_clear(&explorer->trace);
    explore_bounded_clear(&explorer->bounded);
    explore_fewest_clear(&explorer->fewest);
    free(explorer->fewest_steps.steps);
    free(explorer->children.steps.steps);
    free(explorer->aligned.steps);
    free(explorer->children.row);
    free(explorer->bytes);
    free(explorer->starts);
    free(explorer->current);
    free(explorer);
}

void explorer_bound(struct explorer *explorer, uint32_t preemptions)
{
    explorer->is_bounded = true;
    explorer->bounded.preemptions = preemptions;
    for (size_t i = 0; i < explorer->item_count; i++)
        item_at(explorer, i)->pending = 0;
}

bool explorer_limited(const struct explorer *explorer)
{
    return explorer->bounded.limited;
}

uint32_t explorer_preemptions(const struct explorer *explorer)
{
    return explorer->current->pending;
}

struct explore_class explorer_class(const struct explorer *explorer)
{
    return explorer->bounded.class;
}

uint32_t explorer_fewest(struct explorer *explorer, uint32_t limit,
                         const struct explore_step **ret_steps, uint32_t *ret_count)
{
    if (explorer->blocked || scheduler_crashed())
        return EXPLORER_FEWEST_UNKNOWN;
    uint32_t fewest =
        explore_fewest(&explorer->fewest, &explorer->trace, limit, &explorer->fewest_steps);
    *ret_steps = explorer->fewest_steps.steps;
    *ret_count = explorer->fewest_steps.count;
    return fewest;
}

bool explorer_blocked(const struct explorer *explorer)
{
    return explorer->blocked;
}

struct explore_step *explore_steps_of(const struct choice *choices, uint32_t count)
{
    struct explore_step *steps = explore_room(NULL, (size_t)count + 1, sizeof *steps);
    for (uint32_t i = 0; i < count; i++)
        steps[i] = (struct explore_step){ .answer = choices[i].answer,
                                          .data = choices[i].kind == CHOICE_DATA };
    return steps;
}

/* ---- one execution --------------------------------------------------------------------------- */

static __attribute__((noinline)) uint32_t first_by_path(struct goroutine *const *candidates,
                                                        uint32_t count)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++)
        if (explore_precedes(candidates[i]->id, candidates[best]->id))
            best = i;
    return best;
}

/* The candidate that D picks: candidates are sorted by id, which is the order of spawn paths as
 * long as only one goroutine creates others and there are no drainers. */
static uint32_t default_candidate(struct goroutine *const *candidates, uint32_t count)
{
    bool sorted = scheduler.goroutine_count <= execution.target->program_count + 1
                  && scheduler.memory == MEMORY_SC;
    return sorted ? 0 : first_by_path(candidates, count);
}

/* A data choice that is not among the steps gets the first answer: it was not there in the
 * execution that the steps were taken from, or nothing in them rests on it. */
static __attribute__((noinline)) uint32_t steps_answer(struct steps_state *state, uint32_t count)
{
    if (state->at >= state->count)
        return 0;
    if (!state->steps[state->at].data) {
        state->added = true;
        return 0;
    }
    uint32_t answer = state->steps[state->at++].answer;
    state->blocked |= answer >= count;
    return answer < count ? answer : 0;
}

/* The goroutine's index among them; count if it is none. */
static inline uint32_t candidate_index(struct goroutine *const *candidates, uint32_t count,
                                       uint32_t id)
{
    uint32_t i = 0;
    while (i < count && candidates[i]->id != id)
        i++;
    return i;
}

static uint32_t steps_choose(struct strategy *self, enum choice_kind kind,
                             struct goroutine *const *candidates, uint32_t count)
{
    struct steps_state *state = &self->steps;
    uint32_t at = state->at, wanted = EXPLORE_NOBODY;
    if (kind == CHOICE_DATA)
        return steps_answer(state, count);
    if (at < state->count) {
        state->at = at + 1;
        state->blocked |= state->steps[at].data;
        wanted = state->steps[at].answer;
    } else if (at == state->count) {
        state->at = at + 1;
        wanted = state->pending;
    }
    if (wanted == EXPLORE_NOBODY)
        return default_candidate(candidates, count);
    uint32_t index = candidate_index(candidates, count, wanted);
    if (index < count)
        return index;
    state->blocked = true;
    return default_candidate(candidates, count);
}

static uint32_t steps_choose_noting(struct strategy *self, enum choice_kind kind,
                                    struct goroutine *const *candidates, uint32_t count)
{
    const struct steps_state *state = &self->steps;
    if (state->candidates != NULL)
        explore_candidates_note(state->candidates, kind, candidates, count);
    if (kind == CHOICE_SCHEDULE && state->stays && state->at >= state->count
        && execution.choice_count > 0 && scheduler.running != NULL) {
        uint32_t index = candidate_index(candidates, count, scheduler.running->id);
        if (index < count)
            return index;
    }
    return steps_choose(self, kind, candidates, count);
}

void strategy_steps_note(struct strategy *strategy, struct explore_candidates *candidates,
                         bool stays)
{
    strategy->choose = steps_choose_noting;
    strategy->steps.candidates = candidates;
    strategy->steps.stays = stays;
}

static void steps_begin(struct strategy *self, uint64_t seed)
{
    (void)seed;
    self->steps.at = 0;
    self->steps.blocked = false;
    self->steps.added = false;
}

struct strategy strategy_steps(const struct explore_step *steps, uint32_t count)
{
    return (struct strategy){ .name = "steps",
                              .begin = steps_begin,
                              .choose = steps_choose,
                              .forced = true,
                              .steps = { .steps = steps,
                                         .count = count,
                                         .pending = EXPLORE_NOBODY } };
}

/* Whether the execution went as planned, all of it. */
static bool steps_were_possible(const struct steps_state *state)
{
    uint32_t planned = state->count + (state->pending != EXPLORE_NOBODY);
    return !state->blocked && state->at >= planned;
}

/* The steps, one for each choice: with the data choices that were not among them. */
static void add_answers(struct explorer *explorer, const struct explore_item *item)
{
    struct explore_steps *steps = &explorer->aligned;
    const struct explore_step *step = item->steps, *end = step + item->step_count;
    steps->count = 0;
    for (uint32_t i = 0; step < end; i++)
        if (execution.choices[i].kind == CHOICE_DATA && !step->data)
            explore_steps_add(steps, (struct explore_step){ .data = true });
        else
            explore_steps_add(steps, *step++);
}

/* Takes the newest item off; a copy of it stays as explorer->current. */
static void take_item(struct explorer *explorer)
{
    const struct explore_item *item = explorer_item(explorer, explorer->item_count - 1);
    size_t bytes = explore_item_bytes(item);
    if (bytes > explorer->current_capacity) {
        explorer->current_capacity = 2 * bytes;
        explorer->current = explore_room(explorer->current, explorer->current_capacity, 1);
    }
    memcpy(explorer->current, item, bytes);
    explorer->byte_count = explorer->starts[--explorer->item_count];
}

bool explorer_next(struct explorer *explorer)
{
    if (explorer->item_count == 0)
        return false;
    take_item(explorer);
    const struct explore_item *item = explorer->current;
    struct strategy strategy = strategy_steps(item->steps, item->step_count);
    if (explorer->is_bounded) {
        strategy_steps_note(&strategy, &explorer->bounded.candidates, true);
    } else {
        strategy.steps.pending = item->pending;
    }
    scheduler_run(&strategy, 0);
    bool crashed = scheduler_crashed(); /* there is nothing behind that */
    explorer->blocked = !crashed && !steps_were_possible(&strategy.steps);
    if (crashed)
        explorer->bounded.class = (struct explore_class){ trace_hash(), 0 };
    if (explorer->blocked || crashed)
        return true;
    uint32_t width = explorer->trace.width;
    if (strategy.steps.added) {
        add_answers(explorer, item);
        explore_trace_update(&explorer->trace, explorer->aligned.steps, explorer->aligned.count);
    } else {
        explore_trace_update(&explorer->trace, item->steps, item->step_count);
    }
    if (width != explorer->trace.width)
        explorer->children.row = explore_room(explorer->children.row, explorer->trace.width,
                                              sizeof *explorer->children.row);
    if (explorer->is_bounded)
        explore_bounded_children(&explorer->bounded, &explorer->trace, item->step_count,
                                 item->pending, &explorer->children);
    else
        explore_find_children(&explorer->trace, &explorer->children);
    return true;
}
