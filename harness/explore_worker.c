/* explore_worker.c: exploring slices. An execution is a function of its choices, or the target is
 * nondeterministic and cannot be explored: so now and then one is executed a second time, and one
 * that cannot be made as its parent foresaw tells the same. */
#include "explore_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "../scheduler/trace.h"
#include "describe.h"
#include "estimate.h"
#include "oracle.h"
#include "replay.h"

/* How many executions pass between looks at the clock, unless one is so long. */
#define LOOK 8u
#define LOOK_EVENTS 1000u
/* Among others each so manyth execution of a slice is made twice. */
#define TWICE 256u
/* A probe of a large tree is given up after so many executions. */
#define PROBE_EXECUTIONS_MAX 10000u
/* An execution that could not be made as foreseen is tried so often to see what differs. */
#define BLOCKED_TRIES 64u
/* More preemptions than any finding needs that can be searched for. */
#define FEWEST_MAX 1000u

struct explore_worker {
    const struct scheduler_options *options;
    int socket;
    struct process_board *board;
    int64_t target;      /* index of the open one, or -1 */
    int64_t preemptions; /* the explorer's bound */
    struct finding_notes *notes; /* of the open target */
    struct explorer *explorer;
    struct frontier items, planned;
    struct explored_classes classes; /* of this slice */
    struct choice *choices; /* of a witness */
    struct event *trace; /* of the first of two executions */
    struct explore_step *steps;
    uint32_t trace_capacity, step_capacity, choice_capacity;
};

/* ---- whether it is deterministic ------------------------------------------------------------- */

static void *larger(void *memory, uint32_t count, uint32_t *capacity, size_t bytes)
{
    if (count <= *capacity)
        return memory;
    *capacity = 2 * count;
    memory = realloc(memory, *capacity * bytes);
    CHECK(memory != NULL, ==, true);
    return memory;
}

static bool events_equal(const struct event *a, const struct event *b)
{
    return a->address == b->address && a->pc == b->pc && a->what == b->what
           && a->value_read == b->value_read && a->value_written == b->value_written
           && a->success == b->success && (a->kind != EVENT_COPY || a->source == b->source);
}

/* "g1 FUNCTION+2 ..." */
static void describe_step(const struct event *event, uint32_t position, char *text, size_t bytes)
{
    int used = snprintf(text, bytes, "g%u ", event->goroutine);
    describe_event(event, position, text + used, bytes - (size_t)used);
}

/* Says which of `count` events differs first from the current execution's. */
static void describe_difference(const struct event *events, uint32_t count, char *text,
                                size_t bytes)
{
    char first[DESCRIBE_BYTES + 8] = "nothing", second[DESCRIBE_BYTES + 8] = "nothing";
    uint32_t at = 0;
    while (at < count && at < execution.trace_count
           && events_equal(&events[at], &execution.trace[at]))
        at++;
    if (at < count)
        describe_step(&events[at], at, first, sizeof first);
    if (at < execution.trace_count)
        describe_step(&execution.trace[at], at, second, sizeof second);
    if (at == count && at == execution.trace_count)
        snprintf(text, bytes, "the same choices give the same %u events and other verdicts", count);
    else if (strcmp(first, second) == 0)
        snprintf(text, bytes, "the same choices end in different states after event %u: %s", at,
                 first);
    else
        snprintf(text, bytes, "the same choices give different events; first event %u: once %s, "
                              "then %s", at, first, second);
}

/* Keeps the current execution's trace; returns its length. */
static uint32_t keep_trace(struct explore_worker *worker)
{
    uint32_t events = execution.trace_count;
    worker->trace = larger(worker->trace, events + 1, &worker->trace_capacity,
                           sizeof *worker->trace);
    memcpy(worker->trace, execution.trace, events * sizeof *worker->trace);
    return events;
}

/* Executes the current execution a second time. */
static void execute_twice(struct explore_worker *worker, struct slice_result *result)
{
    uint32_t events = keep_trace(worker), choices = execution.choice_count;
    uint64_t hash = trace_hash();
    worker->steps = larger(worker->steps, choices + 1, &worker->step_capacity,
                           sizeof *worker->steps);
    for (uint32_t i = 0; i < choices; i++)
        worker->steps[i] =
            (struct explore_step){ .answer = execution.choices[i].answer,
                                   .data = execution.choices[i].kind == CHOICE_DATA };
    struct strategy strategy = strategy_steps(worker->steps, choices);
    scheduler_run(&strategy, 0);
    oracle_judge();
    if (!scheduler_crashed() && trace_hash() != hash)
        describe_difference(worker->trace, events, result->nondeterminism,
                            sizeof result->nondeterminism);
}

/* Says at which of its choices the current execution could not follow the item. The events that it
 * was to have are not known any more, only the choices. */
static void describe_block(const struct explore_item *item, char *text, size_t bytes)
{
    uint32_t at = 0;
    while (at < item->step_count && at < execution.choice_count
           && item->steps[at].answer == execution.choices[at].answer
           && item->steps[at].data == (execution.choices[at].kind == CHOICE_DATA))
        at++;
    uint32_t wanted = at < item->step_count ? item->steps[at].answer : item->pending;
    bool data = at < item->step_count && item->steps[at].data;
    char event[DESCRIBE_BYTES + 8] = "none";
    uint32_t before = replay_events_before(at);
    if (before > 0)
        describe_step(&execution.trace[before - 1], before - 1, event, sizeof event);
    snprintf(text, bytes, "behind %u events, the last of them %s, %s%u could %s before and cannot "
                          "now", before, event, data ? "answer " : "g", wanted,
             data ? "be chosen" : "go on");
}

/* Says how the current execution, which could not follow the item, differs from others with the
 * same choices: those that are made now, for lack of the one that had been made. */
static void explain_block(struct explore_worker *worker, const struct explore_item *item,
                          char *text, size_t bytes)
{
    describe_block(item, text, bytes);
    uint32_t events = keep_trace(worker);
    uint64_t hash = trace_hash();
    for (uint32_t i = 0; i < BLOCKED_TRIES && !scheduler_crashed(); i++) {
        struct strategy strategy = strategy_steps(item->steps, item->step_count);
        if (worker->preemptions < 0)
            strategy.steps.pending = item->pending;
        else
            strategy_steps_note(&strategy, NULL, true);
        scheduler_run(&strategy, 0);
        if (trace_hash() != hash) {
            describe_difference(worker->trace, events, text, bytes);
            return;
        }
    }
}

/* ---- exploring ------------------------------------------------------------------------------- */

static bool open_target(struct explore_worker *worker, uint32_t target,
                        struct slice_result *result)
{
    const char *rule = NULL;
    finding_notes_clear(worker->notes);
    enum treadle_verdict verdict = scheduler_open(target_at(target), worker->options, &rule);
    worker->target = verdict == TREADLE_OK ? (int64_t)target : -1;
    if (verdict != TREADLE_OK)
        snprintf(result->setup_error, sizeof result->setup_error, "%s: %s", verdict_name(verdict),
                 rule);
    return verdict == TREADLE_OK;
}

/* Makes ready for a slice. A bound's table of what has been seen stays as long as the worker goes
 * on with that target and bound. */
static bool prepare(struct explore_worker *worker, const struct slice *slice,
                    struct slice_result *result)
{
    bool same = worker->target == slice->target;
    if (same && worker->preemptions == slice->preemptions)
        return true;
    if (worker->explorer != NULL)
        explorer_destroy(worker->explorer);
    worker->explorer = NULL;
    if (!same && !open_target(worker, slice->target, result))
        return false;
    worker->explorer = explorer_create(true);
    worker->preemptions = slice->preemptions;
    if (slice->preemptions >= 0)
        explorer_bound(worker->explorer, (uint32_t)slice->preemptions);
    return true;
}

/* Whether execution number `number` (from 1) of a slice is made twice: the first, second, fourth,
 * eighth, ... and now and then. */
static bool is_checked(uint64_t number)
{
    return (number & (number - 1)) == 0 || number % TWICE == 0;
}

/* The steps as choices. */
static const struct choice *steps_to_choices(struct explore_worker *worker,
                                             const struct explore_step *steps, uint32_t count,
                                             uint32_t *ret_switches)
{
    uint32_t last = EXPLORE_NOBODY, switches = 0;
    worker->choices = larger(worker->choices, count + 1, &worker->choice_capacity,
                             sizeof *worker->choices);
    for (uint32_t i = 0; i < count; i++) {
        worker->choices[i] = explore_step_choice(steps[i]);
        switches += !steps[i].data && steps[i].answer != last;
        last = steps[i].data ? last : steps[i].answer;
    }
    *ret_switches = switches;
    return worker->choices;
}

/* Notes the findings of the current execution: without a bound with the fewest preemptions, unless
 * others are known that have fewer. */
static void note_findings(struct explore_worker *worker)
{
    struct witness witness = { .choices = execution.choices,
                               .choice_count = execution.choice_count,
                               .switches = execution.switches };
    if (worker->preemptions >= 0) {
        witness.preemptions = explorer_preemptions(worker->explorer);
    } else {
        const struct explore_step *steps;
        uint32_t limit = finding_notes_limit(worker->notes), count;
        limit = limit < FEWEST_MAX ? limit : FEWEST_MAX;
        witness.preemptions = explorer_fewest(worker->explorer, limit, &steps, &count);
        if (witness.preemptions <= limit) {
            witness.choices = steps_to_choices(worker, steps, count, &witness.switches);
            witness.choice_count = count;
        } else {
            witness.uncertain = witness.preemptions == EXPLORER_FEWEST_UNKNOWN;
            witness.preemptions = PREEMPTIONS_UNKNOWN;
        }
    }
    finding_notes_add(worker->notes, &witness);
}

/* Whether other executions of this class could show more: a loop was stopped; or torn-read judges a
 * record whose stores are buffered. What a goroutine reads there is a reading only behind its own
 * drain, though the two are independent. Without a bound drains come as early as they can. */
static bool is_cut_off(void)
{
    return execution.cut || (execution.memory != MEMORY_SC && execution.record_count > 0);
}

static void add_class(struct explored_classes *classes, const struct explorer *explorer)
{
    classes->items = larger(classes->items, classes->count + 1, &classes->capacity,
                            sizeof *classes->items);
    struct explored_class *class = &classes->items[classes->count++];
    memset(class, 0, sizeof *class);
    class->class = explorer_class(explorer);
    class->entry = tally_entry();
    class->cut = is_cut_off();
    class->crashed = scheduler_crashed();
}

/* number: of the execution in its slice, from 1. */
static void explore_one(struct explore_worker *worker, uint64_t number,
                        struct slice_result *result)
{
    struct explorer *explorer = worker->explorer;
    bool bounded = worker->preemptions >= 0;
    bool checked = is_checked(number);
    frontier_clear(&worker->planned);
    frontier_add(&worker->planned, explorer_item(explorer, explorer_item_count(explorer) - 1));
    explorer_next(explorer);
    worker->board->executions++;
    if (explorer_blocked(explorer)) {
        result->blocked++;
        explain_block(worker, frontier_next(&worker->planned, NULL), result->nondeterminism,
                      sizeof result->nondeterminism);
        return;
    }
    oracle_judge();
    if (bounded) {
        add_class(&worker->classes, explorer);
    } else {
        tally_count(&result->tally, result->tally.executions, 0);
        result->cut += execution.cut;
        result->crashed += scheduler_crashed();
    }
    if (execution.verdict_count > 0)
        note_findings(worker);
    if (checked && !scheduler_crashed())
        execute_twice(worker, result);
}

static void explore(struct explore_worker *worker, const struct slice *slice,
                    struct slice_result *result)
{
    double start = tally_now();
    uint64_t limit = slice->executions_max;
    for (uint64_t made = 0; made < limit && explorer_item_count(worker->explorer) > 0; made++) {
        explore_one(worker, made + 1, result);
        if (scheduler_crashed() || result->nondeterminism[0] != '\0')
            break;
        bool look = made % LOOK == 0 || execution.trace_count > LOOK_EVENTS;
        if (look && tally_now() - start > slice->seconds)
            break;
    }
    result->class_count = worker->classes.count;
    result->over = scheduler_crashed();
    result->limited = explorer_limited(worker->explorer);
    result->tally.seconds = tally_now() - start;
    frontier_clear(&worker->items);
    frontier_add_explorer(&worker->items, worker->explorer);
    result->finding_count = finding_notes_new_count(worker->notes);
}

static void probe(struct explore_worker *worker, const struct slice *slice,
                  struct slice_result *result)
{
    double start = tally_now();
    explorer_drop(worker->explorer, explorer_item_count(worker->explorer));
    uint64_t made = 0;
    for (uint32_t i = 0; i < slice->probes && tally_now() - start < slice->seconds; i++) {
        double total = estimate_probe(worker->explorer, &worker->items, slice->seed + i,
                                      PROBE_EXECUTIONS_MAX, &made);
        if (total < 0)
            break;
        result->probes[result->probe_count++] = total;
    }
    result->probe_seconds = tally_now() - start;
    result->over = scheduler_crashed();
    frontier_clear(&worker->items); /* the coordinator has them */
}

/* ---- serving --------------------------------------------------------------------------------- */

static bool receive_slice(struct explore_worker *worker, struct slice *slice)
{
    if (!process_read(worker->socket, slice, sizeof *slice))
        return false;
    void *room = frontier_room(&worker->items, slice->item_bytes);
    if (!process_read(worker->socket, room, slice->item_bytes))
        return false;
    bool filled = frontier_filled(&worker->items, slice->item_bytes);
    CHECK(filled, ==, true);
    return true;
}

static void explore_worker_serve(const void *options, int socket, struct process_board *board)
{
    struct explore_worker worker = { .options = options,
                                     .socket = socket,
                                     .board = board,
                                     .target = -1,
                                     .notes = finding_notes_create() };
    struct slice slice;
    while (receive_slice(&worker, &slice)) {
        struct slice_result result;
        memset(&result, 0, sizeof result);
        worker.classes.count = 0;
        if (prepare(&worker, &slice, &result)) {
            const struct explore_item *item = NULL;
            while ((item = frontier_next(&worker.items, item)) != NULL)
                explorer_add(worker.explorer, item);
            if (slice.probes > 0)
                probe(&worker, &slice, &result);
            else
                explore(&worker, &slice, &result);
            explorer_drop(worker.explorer, explorer_item_count(worker.explorer));
        }
        result.item_bytes = worker.items.byte_count;
        if (!process_write(socket, &result, sizeof result)
            || !process_write(socket, worker.items.bytes, worker.items.byte_count)
            || !process_write(socket, worker.classes.items,
                              result.class_count * sizeof *worker.classes.items)
            || (result.finding_count > 0 && !finding_notes_send(worker.notes, socket))
            || result.over)
            break;
    }
}

bool explore_worker_start(struct process *ret_process, const struct scheduler_options *options)
{
    return process_start(ret_process, explore_worker_serve, options);
}

/* ---- the coordinator's side ------------------------------------------------------------------ */

bool explore_worker_send(int socket, const struct slice *slice, const struct frontier *items)
{
    struct slice sent = *slice;
    sent.item_bytes = items->byte_count;
    return process_write(socket, &sent, sizeof sent)
           && process_write(socket, items->bytes, items->byte_count);
}

bool explore_worker_receive(int socket, struct slice_result *ret_result,
                            struct frontier *ret_items, struct explored_classes *ret_classes,
                            struct finding_list *list)
{
    struct slice_result result;
    if (!process_read(socket, &result, sizeof result))
        return false;
    void *room = frontier_room(ret_items, result.item_bytes);
    if (!process_read(socket, room, result.item_bytes))
        return false;
    bool filled = frontier_filled(ret_items, result.item_bytes);
    CHECK(filled, ==, true);
    ret_classes->items = larger(ret_classes->items, result.class_count, &ret_classes->capacity,
                                sizeof *ret_classes->items);
    ret_classes->count = result.class_count;
    if (!process_read(socket, ret_classes->items, result.class_count * sizeof *ret_classes->items))
        return false;
    struct finding_list received = { 0 };
    bool fine = true;
    for (uint32_t i = 0; i < result.finding_count && fine; i++) {
        struct finding finding;
        fine = finding_receive(socket, &finding);
        if (fine)
            finding_list_take(&received, &finding);
    }
    for (uint32_t i = 0; i < received.count && fine; i++) {
        finding_list_take(list, &received.items[i].finding);
        received.items[i].finding.choices = NULL;
    }
    finding_list_clear(&received);
    if (fine)
        *ret_result = result;
    return fine;
}
