/* wish.c: follows a list of runs as far as that is possible. */
#include "../wish.h"

#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "../store_buffer.h"

/* ---- wishes ---------------------------------------------------------------------------------- */

static void *room(void *memory, size_t count, size_t size)
{
    void *larger = reallocarray(memory, count, size);
    if (larger == NULL)
        check_limit("no memory for %zu parts of a schedule", count);
    return larger;
}

void wish_resize_runs(struct wish *wish, uint32_t count)
{
    if (count > wish->run_capacity) {
        wish->run_capacity = 2 * count;
        wish->runs = room(wish->runs, wish->run_capacity, sizeof *wish->runs);
    }
    wish->run_count = count;
}

void wish_resize_answers(struct wish *wish, uint32_t count)
{
    if (count > wish->answer_capacity) {
        wish->answer_capacity = 2 * count;
        wish->answers = room(wish->answers, wish->answer_capacity, sizeof *wish->answers);
    }
    wish->answer_count = count;
}

void wish_copy(struct wish *to, const struct wish *from)
{
    wish_resize_runs(to, from->run_count);
    wish_resize_answers(to, from->answer_count);
    for (uint32_t i = 0; i < from->run_count; i++)
        to->runs[i] = from->runs[i];
    for (uint32_t i = 0; i < from->answer_count; i++)
        to->answers[i] = from->answers[i];
    to->avoided = from->avoided;
}

void wish_clear(struct wish *wish)
{
    free(wish->runs);
    free(wish->answers);
    *wish = (struct wish){ 0 };
}

static struct wish_run run_of(uint32_t id, uint32_t until)
{
    bool drains = id >= scheduler.drainer_base;
    return (struct wish_run){ .goroutine = drains ? buffer_drainer_owner(id) : id,
                              .drainer = drains ? buffer_drainer_chain(id) + 1 : 0,
                              .until = until };
}

void wish_record(struct wish *wish)
{
    static uint32_t taken[GOROUTINES_MAX + DRAINERS_MAX];
    memset(taken, 0, sizeof taken);
    wish_resize_runs(wish, 0);
    wish_resize_answers(wish, 0);
    wish->avoided = WISH_NOBODY;
    uint32_t id = WISH_NOBODY;
    for (uint32_t i = 0; i < execution.choice_count; i++) {
        const struct choice *choice = &execution.choices[i];
        if (choice->kind == CHOICE_DATA) {
            wish_resize_answers(wish, wish->answer_count + 1);
            wish->answers[wish->answer_count - 1] =
                (struct wish_answer){ .goroutine = id, .answer = choice->answer };
            continue;
        }
        if (choice->answer != id)
            wish_resize_runs(wish, wish->run_count + 1);
        id = choice->answer;
        wish->runs[wish->run_count - 1] = run_of(id, ++taken[id]);
    }
}

/* ---- the strategy ---------------------------------------------------------------------------- */

static void wish_begin(struct strategy *self, uint64_t seed)
{
    (void)seed;
    struct wish_state *state = self->wish;
    state->run = 0;
    state->turns = (struct turns){ 0 };
    memset(state->taken, 0, sizeof state->taken);
    memset(state->answers_from, 0, sizeof state->answers_from);
    self->last = NULL;
}

static const struct goroutine *wish_runner(const struct wish_run *run)
{
    if (run->drainer > 0)
        return buffer_drainer(run->goroutine, run->drainer - 1);
    return run->goroutine < scheduler.goroutine_count ? &scheduler.goroutines[run->goroutine]
                                                      : NULL;
}

/* Whether its pending event is one that the wish does not know. */
static bool wish_ignores(const struct wish_state *state, const struct goroutine *goroutine)
{
    enum event_kind kind = goroutine->pending.kind;
    return state->plainly && (kind == EVENT_CALL || kind == EVENT_RETURN);
}

/* Who is to execute now; NULL behind the last run. */
static const struct goroutine *wish_next(struct wish_state *state)
{
    for (; state->run < state->wish->run_count; state->run++) {
        const struct wish_run *run = &state->wish->runs[state->run];
        const struct goroutine *runner = wish_runner(run);
        if (runner != NULL && runner->state == GOROUTINE_READY
            && (state->taken[runner->id] < run->until || wish_ignores(state, runner)))
            return runner;
    }
    return NULL;
}

/* Who executed last; else the first one; whom the wish avoids only if there is no other. */
static uint32_t wish_go_on(const struct strategy *self, struct goroutine *const *candidates,
                           uint32_t count)
{
    uint32_t avoided = self->wish->wish->avoided;
    uint32_t first = count > 1 && candidates[0]->id == avoided ? 1 : 0;
    for (uint32_t i = 0; i < count; i++)
        if (candidates[i] == self->last && candidates[i]->id != avoided)
            return i;
    return first;
}

static uint32_t wish_answer(struct strategy *self, uint32_t count)
{
    struct wish_state *state = self->wish;
    const struct wish *wish = state->wish;
    CHECK(self->last != NULL, ==, true);
    CHECK(self->last->id, <, GOROUTINES_MAX); /* no drainer */
    uint32_t *from = &state->answers_from[self->last->id];
    while (*from < wish->answer_count && wish->answers[*from].goroutine != self->last->id)
        ++*from;
    if (*from == wish->answer_count)
        return 0;
    uint32_t answer = wish->answers[(*from)++].answer;
    return answer < count ? answer : 0;
}

static uint32_t wish_choose(struct strategy *self, enum choice_kind kind,
                            struct goroutine *const *candidates, uint32_t count)
{
    struct wish_state *state = self->wish;
    if (kind == CHOICE_DATA)
        return wish_answer(self, count);
    const struct goroutine *next = wish_next(state);
    uint32_t picked = 0;
    while (next != NULL && candidates[picked] != next)
        picked++;
    if (next == NULL)
        picked = wish_go_on(self, candidates, count);
    turns_note(&state->turns, candidates, count, picked);
    self->last = candidates[picked];
    state->taken[self->last->id] += !wish_ignores(state, self->last);
    return picked;
}

struct strategy strategy_wish(struct wish_state *state)
{
    return (struct strategy){ .name = "wish",
                              .begin = wish_begin,
                              .choose = wish_choose,
                              .forced = true,
                              .wish = state };
}
