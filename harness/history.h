/* history.h: the history of map operations (execution.h), ordered by key, for the oracle
 * `history`: oracle_history.c goes through it, oracle_keyed.c and oracle_iterator.c judge what
 * does not obviously hold, history_events.c says which events to name.
 *
 * An operation takes effect at one moment between its call and its return, and one that never
 * returned at any moment after its call or not at all. So a rule is broken only if it is under
 * every order that the ticks allow: x was before y for certain iff x.returned < y.called.
 *
 * Keys and values are 64-bit patterns: a key that does not equal itself (NaN) has no place here.
 * All operations are on one map; a target with several gives them different keys.
 *
 * Invariants: operations stand in the order of their calls, as the engine appends them. A link is
 * an operation's number + 1; 0 ends a chain. Chains run from newer to older. */
#ifndef TREADLE_HISTORY_H
#define TREADLE_HISTORY_H

#include "oracle.h"

#define HISTORY_KIND(name) (UINT32_C(1) << TREADLE_##name)
#define HISTORY_STORES (HISTORY_KIND(ASSIGN) | HISTORY_KIND(APPEND))
#define HISTORY_REMOVALS (HISTORY_KIND(DELETE) | HISTORY_KIND(CLEAR))
/* After which a value stored before is gone. */
#define HISTORY_ENDINGS (HISTORY_REMOVALS | HISTORY_KIND(ASSIGN))

/* What is known of an operation. */
struct history_node {
    uint32_t slot;      /* its key's; of CLEAR, ITERATE and a NEXT without entry: none */
    uint32_t mutation;  /* link: the key's latest ASSIGN, APPEND or DELETE called before it */
    uint32_t chain;     /* link to the one before: CLEAR, ITERATE: of all; NEXT: of its iteration;
                           CONTENT: of its key */
    uint32_t last_next; /* ITERATE: link to its last NEXT */
};

/* What is known of a key. */
struct history_slot {
    uint32_t mutation; /* link: latest ASSIGN, APPEND or DELETE */
    uint32_t content;  /* link: latest CONTENT */
    uint32_t iterate;  /* link: the iteration that was seen to produce it last, and */
    uint32_t producer; /* link: the NEXT */
    bool appended;     /* there is an APPEND */
    bool possible;     /* a CONTENT has a value that can be there */
    bool invented;     /* a CONTENT has a value that was never stored */
};

struct history {
    const struct operation *operations; /* execution's */
    uint32_t count;
    struct history_node *nodes; /* one for each operation */
    struct history_slot *slots;
    uint64_t key_base; /* a key's slot is key - key_base, unless */
    bool sorted;       /* the slots were numbered in the order of keys */
    uint32_t last_clear, last_iterate; /* links */
};

static inline bool operation_is(const struct operation *operation, uint32_t kinds)
{
    return kinds >> operation->kind & 1;
}

/* Whether a was over before tick `tick`. */
static inline bool operation_before(const struct operation *a, uint32_t tick)
{
    return a->returned != 0 && a->returned < tick;
}

/* When it can have taken effect at the latest. */
static inline uint32_t operation_end(const struct operation *a)
{
    return a->returned != 0 ? a->returned : UINT32_MAX;
}

/* ---- oracle_history.c ------------------------------------------------------------------------ */

/* Whether operation `observer`, which has returned, can have seen that its key held *value (NULL:
 * any value), if of all kinds that end an entry only those in `endings` do. */
bool history_possible(const struct history *history, uint32_t observer, const uint64_t *value,
                      uint32_t endings);

/* Whether a key can have been absent at a moment between the ticks from and until, by what
 * operations called before tick until did; mutation: link to the key's latest one to look at. */
bool history_absence_possible(const struct history *history, uint32_t mutation, uint32_t from,
                              uint32_t until);

/* Link to the latest operation of these kinds on the observer's key (or CLEAR) that was over when
 * the observer was called; 0 if there is none. */
uint32_t history_latest_before(const struct history *history, uint32_t observer, uint32_t kinds);

/* ---- oracle_keyed.c -------------------------------------------------------------------------- */

/* An ACCESS that found a value that history_possible excludes; one that found nothing although
 * the key cannot have been absent; such a value that the final check found. */
void keyed_judge_value(const struct history *history, uint32_t access);
void keyed_judge_absence(const struct history *history, uint32_t access);
void keyed_judge_content(const struct history *history, uint32_t content);

/* What is there at the end, for the key of this slot: lost-update. */
void keyed_judge_end(const struct history *history, uint32_t slot);

/* The rules of wrong-value for an entry that was seen, its key being there rightly. */
void keyed_accuse_value(const struct history *history, uint32_t observer);

/* ---- oracle_iterator.c ----------------------------------------------------------------------- */

/* A NEXT that produced an entry that history_possible excludes. */
void iterator_judge_entry(const struct history *history, uint32_t next);

/* All iterations, after the whole history was gone through: what they produced as a whole. */
void iterator_judge(const struct history *history);

/* ---- history_events.c ------------------------------------------------------------------------ */

/* Adds a verdict on `judged`, which `other` (either may be NULL) speaks against; names the last
 * events of both and, between them, the last write of another goroutine during judged (from
 * position `from` on) to memory that judged touched. NULL if the verdict is there already. */
struct verdict_record *history_accuse(enum treadle_verdict verdict, const char *rule,
                                      const struct operation *judged, uint32_t from,
                                      const struct operation *other);

/* The same for a store that is gone: its last write and the write of another goroutine that next
 * went over it; if there is none, the last two operations' events that were in each other's way. */
struct verdict_record *history_accuse_lost(const struct history *history, const char *rule,
                                           const struct operation *store);

#endif
