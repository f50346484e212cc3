/* oracle_history.c: the history of map operations is one that a map can have. Goes once through
 * all operations in the order of their calls, chains those of each key, and asks of each the
 * question that is answered at once if all is well; see history.h.
 *
 * This runs after every execution, and most of a history is the set-up's stores and what the final
 * check found: a few nanoseconds each. A walk along a key's chain ends at the first operation that
 * settles the question, which is nearly always the latest. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"

#define HISTORY_STACK_MAX 256u /* operations that need no malloc */
#define HISTORY_STACK_SLOTS_MAX 4096u

#define KINDS_WITH_KEY                                                                             \
    (HISTORY_STORES | HISTORY_KIND(DELETE) | HISTORY_KIND(ACCESS) | HISTORY_KIND(CONTENT))

/* Whether it is about one key, and which. */
static bool operation_key(const struct operation *operation, uint64_t *ret_key)
{
    if (operation_is(operation, KINDS_WITH_KEY)) {
        *ret_key = operation->key;
        return true;
    }
    *ret_key = operation->result_key;
    return operation->kind == TREADLE_NEXT && operation->found && operation->returned != 0;
}

static uint64_t operation_value(const struct operation *operation)
{
    return operation->kind == TREADLE_CONTENT ? operation->value : operation->result_value;
}

/* ---- what can have been ---------------------------------------------------------------------- */

bool history_possible(const struct history *history, uint32_t observer, const uint64_t *value,
                      uint32_t endings)
{
    const struct operation *operations = history->operations;
    const struct history_node *nodes = history->nodes;
    const struct operation *observes = &operations[observer];
    /* what was over before this tick is ended: call of the latest ending that was over itself */
    uint32_t ended = 0;
    uint32_t clear = endings & HISTORY_KIND(CLEAR) ? history->last_clear : 0;
    for (; clear != 0 && ended == 0; clear = nodes[clear - 1].chain)
        if (operation_before(&operations[clear - 1], observes->called))
            ended = operations[clear - 1].called;
    for (uint32_t link = nodes[observer].mutation; link != 0; link = nodes[link - 1].mutation) {
        const struct operation *operation = &operations[link - 1];
        if (operation_is(operation, HISTORY_STORES) && !operation_before(operation, ended)
            && (value == NULL || operation->value == *value))
            return true;
        if (operation_is(operation, endings) && operation->called > ended
            && operation_before(operation, observes->called))
            ended = operation->called;
    }
    uint64_t key;
    (void)operation_key(observes, &key);
    for (uint32_t i = observer + 1; i < history->count; i++) {
        const struct operation *operation = &operations[i];
        if (operation->called > observes->returned)
            return false;
        if (operation_is(operation, HISTORY_STORES) && operation->key == key
            && (value == NULL || operation->value == *value))
            return true;
    }
    return false;
}

bool history_absence_possible(const struct history *history, uint32_t mutation, uint32_t from,
                              uint32_t until)
{
    const struct operation *operations = history->operations;
    const struct operation *store = NULL; /* the latest one that was over before from */
    for (uint32_t link = mutation; link != 0; link = history->nodes[link - 1].mutation) {
        const struct operation *operation = &operations[link - 1];
        if (operation->called > until)
            continue;
        if (operation->kind == TREADLE_DELETE) {
            if (store == NULL || operation_end(operation) >= store->called)
                return true;
        } else if (store == NULL && operation_before(operation, from)) {
            store = operation;
        }
    }
    if (store == NULL)
        return true;
    for (uint32_t link = history->last_clear; link != 0; link = history->nodes[link - 1].chain) {
        const struct operation *clear = &operations[link - 1];
        if (clear->called < until && operation_end(clear) >= store->called)
            return true;
    }
    return false;
}

/* The same for an ACCESS that found nothing. */
static bool history_absence_of(const struct history *history, uint32_t access)
{
    const struct operation *observes = &history->operations[access];
    if (history_absence_possible(history, history->nodes[access].mutation, observes->called,
                                 observes->returned))
        return true;
    for (uint32_t i = access + 1; i < history->count; i++) {
        const struct operation *operation = &history->operations[i];
        if (operation->called > observes->returned)
            return false;
        if (operation->kind == TREADLE_CLEAR
            || (operation->kind == TREADLE_DELETE && operation->key == observes->key))
            return true;
    }
    return false;
}

uint32_t history_latest_before(const struct history *history, uint32_t observer, uint32_t kinds)
{
    const struct operation *operations = history->operations;
    const struct history_node *nodes = history->nodes;
    uint32_t called = operations[observer].called;
    uint32_t link = nodes[observer].mutation;
    while (link != 0
           && !(operation_is(&operations[link - 1], kinds)
                && operation_before(&operations[link - 1], called)))
        link = nodes[link - 1].mutation;
    uint32_t clear = kinds & HISTORY_KIND(CLEAR) ? history->last_clear : 0;
    while (clear != 0 && !operation_before(&operations[clear - 1], called))
        clear = nodes[clear - 1].chain;
    return link > clear ? link : clear;
}

/* ---- slots ----------------------------------------------------------------------------------- */

struct keyed_operation {
    uint64_t key;
    uint32_t number;
};

static int keyed_operation_compare(const void *left, const void *right)
{
    uint64_t a = ((const struct keyed_operation *)left)->key;
    uint64_t b = ((const struct keyed_operation *)right)->key;
    return (a > b) - (a < b);
}

/* Numbers the slots in the order of keys, which are far apart. */
static void history_sort_keys(struct history *history)
{
    struct keyed_operation stack[HISTORY_STACK_MAX];
    struct keyed_operation *keyed = stack;
    if (history->count > HISTORY_STACK_MAX)
        keyed = malloc(history->count * sizeof *keyed);
    CHECK(keyed, !=, NULL);
    uint32_t count = 0;
    for (uint32_t i = 0; i < history->count; i++)
        if (operation_key(&history->operations[i], &keyed[count].key))
            keyed[count++].number = i;
    qsort(keyed, count, sizeof *keyed, keyed_operation_compare);
    uint32_t slot = 0;
    for (uint32_t i = 0; i < count; i++) {
        slot += i > 0 && keyed[i].key != keyed[i - 1].key;
        history->nodes[keyed[i].number].slot = slot;
    }
    history->sorted = true;
    if (keyed != stack)
        free(keyed);
}

/* Makes slots by a key's distance from the smallest one, if that fits, else by its rank. */
static void history_open_slots(struct history *history, uint32_t slots_max)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    uint64_t key;
    for (uint32_t i = 0; i < history->count; i++) {
        if (!operation_key(&history->operations[i], &key))
            continue;
        least = key < least ? key : least;
        most = key > most ? key : most;
    }
    if (least > most)
        return;
    history->key_base = least;
    if (most - least >= slots_max)
        history_sort_keys(history);
    if (history->sorted || most - least < 4 * (uint64_t)history->count) {
        uint64_t used = history->sorted ? history->count : most - least + 1;
        memset(history->slots, 0, used * sizeof *history->slots);
        return;
    }
    for (uint32_t i = 0; i < history->count; i++)
        if (operation_key(&history->operations[i], &key))
            history->slots[key - least] = (struct history_slot){ 0 };
}

/* ---- the way through ------------------------------------------------------------------------- */

/* The iteration that a NEXT goes on with: the latest of its iterator by the same goroutine, or, if
 * that has started none, by any. */
static uint32_t history_iteration_of(const struct history *history, const struct operation *next)
{
    uint32_t foreign = 0;
    for (uint32_t link = history->last_iterate; link != 0;
         link = history->nodes[link - 1].chain) {
        const struct operation *iterate = &history->operations[link - 1];
        if (iterate->key != next->key)
            continue;
        if (iterate->goroutine == next->goroutine)
            return link;
        if (foreign == 0)
            foreign = link;
    }
    return foreign;
}

static void history_add_next(struct history *history, uint32_t number)
{
    uint32_t iteration = history_iteration_of(history, &history->operations[number]);
    history->nodes[number].chain = 0;
    if (iteration == 0)
        return;
    struct history_node *iterate = &history->nodes[iteration - 1];
    history->nodes[number].chain = iterate->last_next;
    iterate->last_next = number + 1;
}

static void history_add_chained(struct history *history, uint32_t number, uint32_t *last)
{
    history->nodes[number].chain = *last;
    history->nodes[number].last_next = 0;
    *last = number + 1;
}

/* Whether the value that operation `number` saw can have been its key's. */
static inline bool history_sees(const struct history *history, uint32_t number)
{
    uint64_t value = operation_value(&history->operations[number]);
    uint32_t link = history->nodes[number].mutation;
    if (link != 0 && history->last_clear == 0) {
        const struct operation *latest = &history->operations[link - 1];
        if (latest->value == value && operation_is(latest, HISTORY_STORES))
            return true;
    }
    return history_possible(history, number, &value, HISTORY_ENDINGS);
}

static void history_add_content(struct history *history, uint32_t number,
                                struct history_slot *slot)
{
    history->nodes[number].chain = slot->content;
    slot->content = number + 1;
    if (history_sees(history, number)) {
        slot->possible = true;
    } else if (!history_possible(history, number, &history->operations[number].value, 0)) {
        slot->invented = true;
        keyed_judge_content(history, number);
    }
}

/* An operation on one key. */
static void history_add_keyed(struct history *history, uint32_t number, uint64_t key)
{
    const struct operation *operation = &history->operations[number];
    struct history_node *node = &history->nodes[number];
    if (!history->sorted)
        node->slot = (uint32_t)(key - history->key_base);
    struct history_slot *slot = &history->slots[node->slot];
    node->mutation = slot->mutation;
    switch (operation->kind) {
    case TREADLE_CONTENT:
        if (operation->returned != 0)
            history_add_content(history, number, slot);
        break;
    case TREADLE_ACCESS:
        if (operation->returned == 0)
            break;
        if (!operation->found) {
            if (slot->mutation != 0 && !history_absence_of(history, number))
                keyed_judge_absence(history, number);
        } else if (!history_sees(history, number)) {
            keyed_judge_value(history, number);
        }
        break;
    case TREADLE_NEXT:
        if (!history_sees(history, number))
            iterator_judge_entry(history, number);
        break;
    default:
        slot->mutation = number + 1;
        slot->appended |= operation->kind == TREADLE_APPEND;
    }
}

static void history_add(struct history *history, uint32_t number)
{
    const struct operation *operation = &history->operations[number];
    uint64_t key;
    if (operation->kind == TREADLE_CLEAR)
        history_add_chained(history, number, &history->last_clear);
    else if (operation->kind == TREADLE_ITERATE)
        history_add_chained(history, number, &history->last_iterate);
    else if (operation->kind == TREADLE_NEXT)
        history_add_next(history, number);
    if (operation_key(operation, &key))
        history_add_keyed(history, number, key);
}

/* What was stored is there at the end. Each key once: at its first mutation. */
static void history_judge_end(const struct history *history)
{
    for (uint32_t i = 0; i < history->count; i++) {
        if (!operation_is(&history->operations[i], HISTORY_STORES | HISTORY_KIND(DELETE))
            || history->nodes[i].mutation != 0)
            continue;
        const struct history_slot *slot = &history->slots[history->nodes[i].slot];
        if (!slot->possible || slot->appended)
            keyed_judge_end(history, history->nodes[i].slot);
    }
}

static void history_judge(struct history *history)
{
    for (uint32_t i = 0; i < history->count; i++)
        history_add(history, i);
    if (history->last_iterate != 0)
        iterator_judge(history);
    /* only a final check can say what is there, and only of an execution that came to its end */
    if (!execution.ended_early && execution.target->final != NULL)
        history_judge_end(history);
}

static void history_judge_large(struct history *history)
{
    history->nodes = malloc(history->count * sizeof *history->nodes);
    CHECK(history->nodes, !=, NULL);
    uint32_t slots_max = 4 * history->count;
    history->slots = malloc(slots_max * sizeof *history->slots);
    CHECK(history->slots, !=, NULL);
    history_open_slots(history, slots_max);
    history_judge(history);
    free(history->slots);
    free(history->nodes);
}

void oracle_history(void)
{
    struct history history = { .operations = execution.operations,
                               .count = execution.operation_count };
    if (history.count > HISTORY_STACK_MAX) {
        history_judge_large(&history);
        return;
    }
    struct history_node nodes[HISTORY_STACK_MAX];
    struct history_slot slots[HISTORY_STACK_SLOTS_MAX];
    history.nodes = nodes;
    history.slots = slots;
    history_open_slots(&history, HISTORY_STACK_SLOTS_MAX);
    history_judge(&history);
}
