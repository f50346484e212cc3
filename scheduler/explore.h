/* explore.h: exhaustive exploration: executes a target once for each equivalence class of its
 * executions (Mazurkiewicz trace), never twice, never in vain.
 *
 * The aims are those of optimal dynamic partial order reduction (Abdulla, Aronis, Jonsson,
 * Sagonas, JACM 2017) with the memory of parsimonious race reversal (Abdulla, Atig, Das, Jonsson,
 * Sagonas, CAV 2024); the way there is another one, nearest to the maximal extensions of TruSt
 * (Kokologiannakis, Marmanis, Gladstein, Vafeiadis, POPL 2022), for any kind of event: a reverse
 * search. It needs neither sleep sets nor wakeup trees.
 *
 * Let D be a fixed rule that picks one of the goroutines that can execute (here: the first in the
 * order of spawn paths). Take a set of events E that has been executed and p, the next event of
 * the goroutine that D picks. The maximal executions that begin with E fall into classes by what
 * happens before p in them: nothing more than E; or some events that p depends on, with what
 * happens before those. Each class is again all maximal executions that begin with some larger
 * set. So every execution has one *canonical order*: at each point either p comes (a *default*
 * step), or, where something that p depends on must come first, a *detour*: a *key* x that depends
 * on p, preceded by just what happens before x (its *parts*). Several detours before one p come in
 * the order of their goroutines, where they are free. After a key that stops p (it took the lock
 * that p wants) D picks anew.
 *
 * A detour (E, p, parts, x) is found in one execution alone: in the one that begins with E, p,
 * parts, x, and goes on by D; there p and x are a race. For an x that p makes wait, in the one that
 * begins with E, p, parts. Whether an execution goes on by D from a given set of events follows
 * from its happens-before order. So executions form a tree; each is made from its parent's list of
 * choices, and what is to be kept are the children still to be executed: at most as many as the
 * tree's height, which is polynomial in the length of an execution, times the races of one. */
#ifndef TREADLE_EXPLORE_H
#define TREADLE_EXPLORE_H

#include <stddef.h>

#include "strategy.h"

/* Events of an execution that is to be explored; what would have more ends as a timeout. Numbers of
 * a row (explore_trace.h) are signed, which processors compare best. */
#define EXPLORE_EVENTS_MAX 32000u

/* What one step of an execution is in its canonical order. */
enum explore_role {
    EXPLORE_DEFAULT,
    EXPLORE_PART,
    EXPLORE_KEY,
    EXPLORE_KEY_STOPS, /* a key after which the goroutine that D had picked waits */
};

/* A choice to be taken: a goroutine's id, or the answer of a data choice. */
struct explore_step {
    union {
        struct {
            uint16_t answer;
            uint8_t data;
            uint8_t role; /* of a data choice: DEFAULT while other answers are still to be tried */
        };
        uint32_t word; /* all of it; but for the role a struct choice's kind_and_answer */
    };
};

#define EXPLORE_NOBODY UINT16_MAX

/* The step as what it records when it is taken. */
static inline struct choice explore_step_choice(struct explore_step step)
{
    return (struct choice){ .kind_and_answer = step.word & UINT32_C(0xffffff) };
}

/* An execution to be made: begins with these steps, then `pending` executes if it is a goroutine,
 * then D decides. Lies in explorer_items' memory, its steps behind it. */
struct explore_item {
    uint32_t step_count;
    uint16_t pending; /* with a bound: how many preemptions the steps have */
    uint16_t unused;
    struct explore_step steps[];
};

struct explorer;

/* An exploration of the open target, at its beginning (`empty`: without anything to be done, for
 * items added by explorer_add). */
struct explorer *explorer_create(bool empty);
void explorer_destroy(struct explorer *explorer);

/* Before the first explorer_next: only schedules with at most so many preemptions (a goroutine that
 * could go on loses its turn) are to be executed: each class that has such a one, some more than
 * once. See explore_bounded.h. */
void explorer_bound(struct explorer *explorer, uint32_t preemptions);
/* Whether the bound has left a schedule out: if not, what was explored is complete. */
bool explorer_limited(const struct explorer *explorer);

/* With a bound, of the last execution: how many preemptions it has; and what tells its class, that
 * is all executions with the same partial order of the same events, from others. */
uint32_t explorer_preemptions(const struct explorer *explorer);
struct explore_class {
    uint64_t low, high;
};
struct explore_class explorer_class(const struct explorer *explorer);

/* Makes the execution of the newest item and takes the item away; puts its children on. `execution`
 * holds it; no oracle has been asked yet. False if there was nothing to do. */
bool explorer_next(struct explorer *explorer);

/* How many items wait; the i-th, oldest first (valid until the next call). */
size_t explorer_item_count(const struct explorer *explorer);
const struct explore_item *explorer_item(const struct explorer *explorer, size_t index);
/* Bytes of an item with its steps. */
size_t explore_item_bytes(const struct explore_item *item);
/* Adds a copy of an item as the newest. */
void explorer_add(struct explorer *explorer, const struct explore_item *item);
/* Takes the oldest `count` items away. */
void explorer_drop(struct explorer *explorer, size_t count);

/* Without a bound, of the last execution: the fewest preemptions, at most `limit`, with which an
 * order of its events can do, and that order's choices (valid until the next call).
 * EXPLORER_FEWEST_MORE if it takes more, EXPLORER_FEWEST_UNKNOWN if that cannot be told. */
#define EXPLORER_FEWEST_MORE (UINT32_MAX - 1)
#define EXPLORER_FEWEST_UNKNOWN UINT32_MAX
uint32_t explorer_fewest(struct explorer *explorer, uint32_t limit,
                         const struct explore_step **ret_steps, uint32_t *ret_count);

/* Whether the last execution could not be made as planned: what the item named could not execute.
 * This happens only if the target is nondeterministic outside its choices, or Treadle is wrong. */
bool explorer_blocked(const struct explorer *explorer);

/* The steps that take these choices, to be freed. */
struct explore_step *explore_steps_of(const struct choice *choices, uint32_t count);

/* A strategy that follows steps, then lets D decide. steps outlive its use. */
struct strategy strategy_steps(const struct explore_step *steps, uint32_t count);
/* Lets it note in `candidates` (if not NULL) who could be chosen; and, if it `stays`, behind the
 * steps whoever executed last goes on where that is possible, instead of D's choice. */
void strategy_steps_note(struct strategy *strategy, struct explore_candidates *candidates,
                         bool stays);

#endif
