/* oracle_keyed.c: the rules of single keys: what an access sees, and what is there at the end. Only
 * reached by what history_possible and history_absence_possible exclude, or, for what is there at
 * the end, by keys whose entry is missing, cannot be there, or has several values. */
#include "history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../scheduler/check.h"

#define VALUES_STACK_MAX 256u

static const char rule_missed[] = "a key present throughout an access is found";
static const char rule_invented[] = "a value that is seen was stored for that key";
static const char rule_removed[] = "an entry is not found after it was removed";
static const char rule_stale[] = "a value is not seen after another one was stored over it";
static const char rule_gone[] = "a key that was stored and not removed is there at the end";
static const char rule_overwritten[] = "the value at the end is one that was stored last";
static const char rule_returned[] = "a key that was removed is not there at the end";
static const char rule_unappended[] = "a value that was appended is there at the end";

static const struct operation *history_operation(const struct history *history, uint32_t link)
{
    return link != 0 ? &history->operations[link - 1] : NULL;
}

/* ---- what is seen ---------------------------------------------------------------------------- */

static void detail_seen(struct verdict_record *verdict, const struct operation *judged,
                        const struct operation *other)
{
    if (verdict == NULL || !execution.explain)
        return;
    bool next = judged->kind == TREADLE_NEXT;
    uint64_t key = next ? judged->result_key : judged->key;
    uint64_t value = judged->kind == TREADLE_CONTENT ? judged->value : judged->result_value;
    int used = snprintf(verdict->detail, sizeof verdict->detail, "key %" PRIu64 ": ", key);
    char *text = verdict->detail + used;
    size_t left = sizeof verdict->detail - (size_t)used;
    if (judged->kind == TREADLE_ACCESS && !judged->found)
        snprintf(text, left, "goroutine %u found nothing; goroutine %u had stored %" PRIu64,
                 judged->goroutine, other->goroutine, other->value);
    else if (other == NULL)
        snprintf(text, left, "goroutine %u saw value %" PRIu64, judged->goroutine, value);
    else if (operation_is(other, HISTORY_REMOVALS))
        snprintf(text, left, "goroutine %u saw value %" PRIu64 ", goroutine %u had removed it",
                 judged->goroutine, value, other->goroutine);
    else
        snprintf(text, left,
                 "goroutine %u saw value %" PRIu64 ", goroutine %u had stored %" PRIu64,
                 judged->goroutine, value, other->goroutine, other->value);
}

static void keyed_accuse(const struct history *history, uint32_t observer, const char *rule,
                         uint32_t kinds)
{
    const struct operation *judged = &history->operations[observer];
    const struct operation *other =
        history_operation(history, history_latest_before(history, observer, kinds));
    enum treadle_verdict verdict =
        rule == rule_missed ? TREADLE_MISSED_KEY : TREADLE_WRONG_VALUE;
    detail_seen(history_accuse(verdict, rule, judged, judged->call_event, other), judged, other);
}

void keyed_judge_absence(const struct history *history, uint32_t access)
{
    keyed_accuse(history, access, rule_missed, HISTORY_STORES);
}

void keyed_accuse_value(const struct history *history, uint32_t observer)
{
    uint64_t value = history->operations[observer].result_value;
    if (!history_possible(history, observer, &value, 0))
        keyed_accuse(history, observer, rule_invented, HISTORY_STORES);
    else
        keyed_accuse(history, observer, rule_stale, HISTORY_KIND(ASSIGN));
}

void keyed_judge_value(const struct history *history, uint32_t access)
{
    uint64_t value = history->operations[access].result_value;
    if (history_possible(history, access, &value, 0)
        && !history_possible(history, access, NULL, HISTORY_REMOVALS))
        keyed_accuse(history, access, rule_removed, HISTORY_REMOVALS);
    else
        keyed_accuse_value(history, access);
}

void keyed_judge_content(const struct history *history, uint32_t content)
{
    keyed_accuse(history, content, rule_invented, HISTORY_STORES);
}

/* ---- what is there at the end ---------------------------------------------------------------- */

/* When the latest of these kinds, but for `except`, can have taken effect at the latest. */
static uint32_t latest_end(const struct history *history, uint32_t slot, uint32_t kinds,
                           const struct operation *except)
{
    uint32_t latest = 0;
    for (uint32_t link = history->slots[slot].mutation; link != 0;
         link = history->nodes[link - 1].mutation) {
        const struct operation *operation = &history->operations[link - 1];
        if (operation_is(operation, kinds) && operation != except
            && operation_end(operation) > latest)
            latest = operation_end(operation);
    }
    for (uint32_t link = history->last_clear; link != 0; link = history->nodes[link - 1].chain)
        if (operation_end(&history->operations[link - 1]) > latest)
            latest = operation_end(&history->operations[link - 1]);
    return latest;
}

/* The latest store of the key that is complete; NULL if there is none. */
static const struct operation *latest_store(const struct history *history, uint32_t slot)
{
    uint32_t link = history->slots[slot].mutation;
    while (link != 0
           && (history->operations[link - 1].returned == 0
               || !operation_is(&history->operations[link - 1], HISTORY_STORES)))
        link = history->nodes[link - 1].mutation;
    return history_operation(history, link);
}

static void keyed_accuse_end(const struct history *history, const char *rule,
                             const struct operation *store, uint32_t content)
{
    struct verdict_record *verdict = history_accuse_lost(history, rule, store);
    if (verdict == NULL || !execution.explain)
        return;
    int used = snprintf(verdict->detail, sizeof verdict->detail,
                        "key %" PRIu64 ": goroutine %u ", store->key, store->goroutine);
    char *text = verdict->detail + used;
    size_t left = sizeof verdict->detail - (size_t)used;
    if (operation_is(store, HISTORY_REMOVALS))
        used = snprintf(text, left, "removed it");
    else
        used = snprintf(text, left, "stored %" PRIu64, store->value);
    if (content != 0)
        snprintf(text + used, left - (size_t)used, ", at the end it holds %" PRIu64,
                 history->operations[content - 1].value);
    else
        snprintf(text + used, left - (size_t)used, ", at the end there is no entry");
}

/* No value that the final check found can be there, though all were stored once: the latest
 * removal was lost if no store can come after it, else the latest store. */
static void judge_impossible(const struct history *history, uint32_t slot)
{
    uint32_t content = history->slots[slot].content;
    if (history_possible(history, content - 1, NULL, HISTORY_REMOVALS)) {
        const struct operation *store = latest_store(history, slot);
        if (store != NULL)
            keyed_accuse_end(history, rule_overwritten, store, content);
        return;
    }
    uint32_t removal = history_latest_before(history, content - 1, HISTORY_REMOVALS);
    if (removal != 0)
        keyed_accuse_end(history, rule_returned, &history->operations[removal - 1], content);
}

static int value_compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Collects the values of stores that are complete and that no other operation can have ended.
 * Returns how many. */
static uint32_t values_certain(const struct history *history, uint32_t slot, uint64_t *values)
{
    uint32_t count = 0;
    uint32_t ended = latest_end(history, slot, HISTORY_ENDINGS, NULL);
    for (uint32_t link = history->slots[slot].mutation; link != 0;
         link = history->nodes[link - 1].mutation) {
        const struct operation *operation = &history->operations[link - 1];
        uint32_t end = ended;
        if (operation->kind == TREADLE_ASSIGN)
            end = latest_end(history, slot, HISTORY_ENDINGS, operation);
        if (operation_is(operation, HISTORY_STORES) && operation->returned != 0
            && end < operation->called)
            values[count++] = operation->value;
        if (operation_is(operation, HISTORY_ENDINGS))
            return count; /* it can follow all that were called before it */
    }
    return count;
}

static uint32_t values_content(const struct history *history, uint32_t slot, uint64_t *values)
{
    uint32_t count = 0;
    for (uint32_t link = history->slots[slot].content; link != 0;
         link = history->nodes[link - 1].chain)
        values[count++] = history->operations[link - 1].value;
    return count;
}

static void accuse_unappended(const struct history *history, uint32_t slot, uint64_t value)
{
    uint32_t link = history->slots[slot].mutation;
    while (history->operations[link - 1].value != value
           || !operation_is(&history->operations[link - 1], HISTORY_STORES))
        link = history->nodes[link - 1].mutation;
    keyed_accuse_end(history, rule_unappended, &history->operations[link - 1],
                     history->slots[slot].content);
}

/* Each value that must be there is there as often as it was stored. */
static void judge_appended(const struct history *history, uint32_t slot)
{
    uint64_t stack[2 * VALUES_STACK_MAX];
    uint64_t *certain = stack;
    if (history->count > VALUES_STACK_MAX)
        certain = malloc(2 * history->count * sizeof *certain);
    CHECK(certain, !=, NULL);
    uint32_t certain_count = values_certain(history, slot, certain);
    uint64_t *content = certain + certain_count;
    uint32_t content_count = values_content(history, slot, content);
    qsort(certain, certain_count, sizeof *certain, value_compare);
    qsort(content, content_count, sizeof *content, value_compare);
    uint32_t there = 0;
    for (uint32_t i = 0; i < certain_count; i++) {
        while (there < content_count && content[there] < certain[i])
            there++;
        if (there == content_count || content[there] != certain[i]) {
            accuse_unappended(history, slot, certain[i]);
            break;
        }
        there++;
    }
    if (certain != stack)
        free(certain);
}

void keyed_judge_end(const struct history *history, uint32_t slot)
{
    const struct history_slot *key = &history->slots[slot];
    if (key->content == 0) {
        const struct operation *store = latest_store(history, slot);
        if (store != NULL
            && latest_end(history, slot, HISTORY_KIND(DELETE), NULL) < store->called)
            keyed_accuse_end(history, rule_gone, store, 0);
        return;
    }
    if (key->appended)
        judge_appended(history, slot);
    if (!key->possible && !key->invented)
        judge_impossible(history, slot);
}
