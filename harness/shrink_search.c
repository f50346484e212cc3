/* shrink_search.c: explores what a finding's execution is one of. What is found there was made
 * exploring, with events and ends that a plain execution does not have (scheduler_options): so it
 * is executed again as `check` does it. */
#include "shrink_search.h"

#include <stdlib.h>

#include "../scheduler/check.h"
#include "../scheduler/explore.h"
#include "../scheduler/target.h"
#include "explored_finding.h"
#include "oracle.h"

/* An exploration costs more than its events. */
#define EXECUTION_COST 50u

struct search {
    const struct shrink_subject *subject;
    struct scheduler_options options; /* exploring */
    struct finding_notes *notes;
    uint64_t events, events_max;
};

static bool is_subject(const struct shrink_subject *subject, const struct verdict_record *record,
                       struct finding_notes *notes)
{
    return record->verdict == subject->verdict
           && finding_notes_fingerprint(notes, record) == subject->fingerprint;
}

static const struct verdict_record *find_subject(const struct shrink_subject *subject,
                                                 struct finding_notes *notes)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (is_subject(subject, &execution.verdicts[i], notes))
            return &execution.verdicts[i];
    return NULL;
}

const struct verdict_record *shrink_follow(const struct shrink_subject *subject,
                                           const struct wish *wish, struct wish_state *state,
                                           struct finding_notes *notes)
{
    state->wish = wish;
    state->plainly = scheduler.exploring && !subject->exploring;
    struct strategy strategy = strategy_wish(state);
    scheduler_run(&strategy, 0);
    oracle_judge();
    return find_subject(subject, notes);
}

static bool open_exploring(const struct search *search)
{
    const char *rule;
    return scheduler_open(target_at(search->subject->target), &search->options, &rule)
           == TREADLE_OK;
}

/* Makes an execution of the subject's own mode from choices made exploring. */
static enum shrink_searched execute_plainly(const struct search *search, struct choice *choices,
                                            uint32_t count, uint32_t preemptions)
{
    const struct finding finding = { .fingerprint = search->subject->fingerprint,
                                     .verdict = search->subject->verdict,
                                     .preemptions = preemptions,
                                     .choices = choices,
                                     .choice_count = count };
    const struct verdict_record *record =
        explored_finding_execute(&search->options, search->subject->target, &finding);
    bool same = record != NULL && scheduler.exploring == search->subject->exploring
                && is_subject(search->subject, record, search->notes);
    return same ? SHRINK_SEARCHED_BETTER : SHRINK_SEARCHED_NOTHING;
}

static struct choice *make_room(uint32_t count)
{
    struct choice *choices = calloc(count + 1, sizeof *choices);
    CHECK(choices != NULL, ==, true);
    return choices;
}

static enum shrink_searched take_current(const struct search *search, uint32_t preemptions)
{
    uint32_t count = execution.choice_count;
    struct choice *choices = make_room(count);
    for (uint32_t i = 0; i < count; i++)
        choices[i] = execution.choices[i];
    enum shrink_searched searched = execute_plainly(search, choices, count, preemptions);
    free(choices);
    return searched;
}

/* ---- orders of its events -------------------------------------------------------------------- */

/* Lets the explorer make the current execution its own. */
static bool adopt(struct explorer *explorer)
{
    uint32_t count = execution.choice_count;
    struct explore_item *item = calloc(1, sizeof *item + count * sizeof item->steps[0]);
    CHECK(item != NULL, ==, true);
    item->step_count = count;
    item->pending = EXPLORE_NOBODY;
    for (uint32_t i = 0; i < count; i++)
        item->steps[i] = (struct explore_step){ .answer = execution.choices[i].answer,
                                                .data = execution.choices[i].kind == CHOICE_DATA };
    explorer_add(explorer, item);
    free(item);
    return explorer_next(explorer) && !explorer_blocked(explorer) && !scheduler_crashed();
}

static enum shrink_searched search_orders(const struct search *search, uint32_t preemptions)
{
    struct explorer *explorer = explorer_create(true);
    enum shrink_searched searched = SHRINK_SEARCHED_NOTHING;
    const struct explore_step *steps;
    uint32_t count = 0, fewest = PREEMPTIONS_UNKNOWN;
    if (adopt(explorer))
        fewest = explorer_fewest(explorer, preemptions - 1, &steps, &count);
    if (fewest < preemptions) {
        struct choice *choices = make_room(count);
        for (uint32_t i = 0; i < count; i++)
            choices[i] = explore_step_choice(steps[i]);
        searched = execute_plainly(search, choices, count, fewest);
        free(choices);
    }
    explorer_destroy(explorer);
    return searched;
}

/* ---- all executions -------------------------------------------------------------------------- */

/* Goes through all executions with at most so many preemptions. CERTIFIED if none shows it;
 * *ret_limited: whether there are others with more. */
static enum shrink_searched search_bounded(struct search *search, uint32_t preemptions,
                                           bool *ret_limited)
{
    struct explorer *explorer = explorer_create(false);
    enum shrink_searched searched = SHRINK_SEARCHED_CERTIFIED;
    explorer_bound(explorer, preemptions);
    while (searched == SHRINK_SEARCHED_CERTIFIED && explorer_next(explorer)) {
        search->events += execution.trace_run_count + EXECUTION_COST;
        if (explorer_blocked(explorer) || scheduler_crashed() || execution.cut
            || search->events > search->events_max) {
            searched = SHRINK_SEARCHED_NOTHING;
            break;
        }
        oracle_judge();
        if (find_subject(search->subject, search->notes) != NULL)
            searched = SHRINK_SEARCHED_BETTER;
    }
    *ret_limited = explorer_limited(explorer);
    if (searched == SHRINK_SEARCHED_BETTER)
        searched = take_current(search, explorer_preemptions(explorer));
    explorer_destroy(explorer);
    return searched;
}

enum shrink_searched shrink_search(const struct shrink_subject *subject,
                                   const struct shrink_execution *best, uint64_t events_max)
{
    static struct wish_state state;
    uint32_t preemptions = best->size.preemptions;
    if (preemptions == 0)
        return SHRINK_SEARCHED_CERTIFIED;
    struct search search = { .subject = subject,
                             .options = { .exploring = true, .memory = subject->memory },
                             .notes = finding_notes_create(),
                             .events_max = events_max };
    if (!open_exploring(&search)
        || shrink_follow(subject, &best->wish, &state, search.notes) == NULL
        || scheduler_crashed())
        return SHRINK_SEARCHED_NOTHING; /* exploring does not show it */
    enum shrink_searched searched = search_orders(&search, preemptions);
    bool limited = true;
    for (uint32_t bound = 0; searched == SHRINK_SEARCHED_NOTHING && bound < preemptions; bound++) {
        if (events_max == 0 || !open_exploring(&search))
            return SHRINK_SEARCHED_NOTHING;
        enum shrink_searched bounded = search_bounded(&search, bound, &limited);
        if (bounded != SHRINK_SEARCHED_CERTIFIED || bound + 1 == preemptions || !limited)
            return bounded;
    }
    return searched;
}
