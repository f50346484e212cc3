/* oracle_iterator.c: what an iteration over a map may produce, by the specification of Go ("For
 * statements with range clause", maps), in numbered rules:
 *   1. Each entry that is present throughout the iteration is produced exactly once.
 *   2. An entry that is removed before it was reached is not produced.
 *   3. An entry that is added during the iteration may be produced or may be skipped.
 *   4. No entry is produced twice. (A key that was removed and stored again is another entry.)
 *   5. No entry is produced that never was.
 * An iteration lasts from the call of ITERATE to the return of the first NEXT that found nothing;
 * one that was abandoned before has skipped nothing. The value that comes with an entry is judged
 * like an access's. */
#include "history.h"

#include <inttypes.h>
#include <stdio.h>

static const char rule_1[] = "iteration rule 1: an entry present throughout is produced";
static const char rule_2[] = "iteration rule 2: a removed entry is not produced after its removal";
static const char rule_4[] = "iteration rule 4: no entry is produced twice";
static const char rule_5[] = "iteration rule 5: no entry is produced that never was";

static void iterator_accuse(const struct history *history, enum treadle_verdict verdict,
                            const char *rule, uint32_t next, const struct operation *other)
{
    const struct operation *judged = &history->operations[next];
    struct verdict_record *record =
        history_accuse(verdict, rule, judged, judged->call_event, other);
    if (record == NULL || !execution.explain)
        return;
    const char *what = verdict == TREADLE_ITERATOR_REPEAT ? " a second time"
                       : other != NULL                    ? " after its removal"
                                                          : "";
    snprintf(record->detail, sizeof record->detail,
             "goroutine %u's iteration produced key %" PRIu64 ", value %" PRIu64 "%s",
             judged->goroutine, judged->result_key, judged->result_value, what);
}

void iterator_judge_entry(const struct history *history, uint32_t next)
{
    if (!history_possible(history, next, NULL, 0)) {
        iterator_accuse(history, TREADLE_ITERATOR_GHOST, rule_5, next, NULL);
        return;
    }
    if (history_possible(history, next, NULL, HISTORY_REMOVALS)) {
        keyed_accuse_value(history, next);
        return;
    }
    uint32_t removal = history_latest_before(history, next, HISTORY_REMOVALS);
    iterator_accuse(history, TREADLE_ITERATOR_GHOST, rule_2, next,
                    removal != 0 ? &history->operations[removal - 1] : NULL);
}

/* Whether the entry that `first` produced can have been removed before `second` produced one, and
 * the key stored again. */
static bool iterator_entry_changed(const struct history *history, uint32_t first, uint32_t second)
{
    const struct operation *operations = history->operations;
    uint32_t from = operations[first].called;
    uint32_t until = operations[second].returned;
    uint32_t removed = UINT32_MAX; /* call of the earliest removal in between */
    uint32_t link = history->slots[history->nodes[second].slot].mutation;
    for (uint32_t i = link; i != 0; i = history->nodes[i - 1].mutation)
        if (operations[i - 1].kind == TREADLE_DELETE && operations[i - 1].called < until
            && operation_end(&operations[i - 1]) >= from && operations[i - 1].called < removed)
            removed = operations[i - 1].called;
    for (uint32_t i = history->last_clear; i != 0; i = history->nodes[i - 1].chain)
        if (operations[i - 1].called < until && operation_end(&operations[i - 1]) >= from
            && operations[i - 1].called < removed)
            removed = operations[i - 1].called;
    for (uint32_t i = link; i != 0 && removed != UINT32_MAX; i = history->nodes[i - 1].mutation)
        if (operation_is(&operations[i - 1], HISTORY_STORES) && operations[i - 1].called < until
            && operation_end(&operations[i - 1]) >= removed
            && operation_end(&operations[i - 1]) >= from)
            return true;
    return false;
}

/* Notes which keys the iteration produced, from its last NEXT to its first. Returns the first NEXT
 * that found nothing, as a link; 0 if it was abandoned. */
static uint32_t iterator_collect(const struct history *history, uint32_t iterate)
{
    uint32_t end = 0;
    for (uint32_t next = history->nodes[iterate - 1].last_next; next != 0;
         next = history->nodes[next - 1].chain) {
        const struct operation *operation = &history->operations[next - 1];
        if (operation->returned == 0)
            continue;
        if (!operation->found) {
            end = next;
            continue;
        }
        struct history_slot *slot = &history->slots[history->nodes[next - 1].slot];
        if (slot->iterate == iterate
            && !iterator_entry_changed(history, next - 1, slot->producer - 1))
            iterator_accuse(history, TREADLE_ITERATOR_REPEAT, rule_4, slot->producer - 1,
                            operation);
        slot->iterate = iterate;
        slot->producer = next;
    }
    return end;
}

static void iterator_accuse_skip(const struct history *history, uint32_t iterate, uint32_t end,
                                 const struct operation *store)
{
    const struct operation *judged = &history->operations[end - 1];
    struct verdict_record *record =
        history_accuse(TREADLE_ITERATOR_SKIP, rule_1, judged,
                       history->operations[iterate - 1].call_event, store);
    if (record != NULL && execution.explain)
        snprintf(record->detail, sizeof record->detail,
                 "goroutine %u's iteration ended without key %" PRIu64 ", value %" PRIu64,
                 judged->goroutine, store->key, store->value);
}

/* Looks for a key that was stored before the iteration, not removed, and not produced. */
static void iterator_judge_skips(const struct history *history, uint32_t iterate, uint32_t end)
{
    const struct operation *operations = history->operations;
    for (uint32_t i = 0; i + 1 < iterate; i++) {
        if (!operation_is(&operations[i], HISTORY_STORES))
            continue;
        uint32_t slot = history->nodes[i].slot;
        if (history->slots[slot].iterate == iterate
            || !operation_before(&operations[i], operations[iterate - 1].called)
            || history_absence_possible(history, history->slots[slot].mutation,
                                        operations[iterate - 1].called,
                                        operations[end - 1].returned))
            continue;
        iterator_accuse_skip(history, iterate, end, &operations[i]);
        return;
    }
}

void iterator_judge(const struct history *history)
{
    for (uint32_t iterate = history->last_iterate; iterate != 0;
         iterate = history->nodes[iterate - 1].chain) {
        uint32_t end = iterator_collect(history, iterate);
        if (end != 0)
            iterator_judge_skips(history, iterate, end);
    }
}
