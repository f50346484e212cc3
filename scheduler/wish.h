/* wish.h: an execution as one would like to have it. Unlike a schedule it can always be followed:
 * as far as possible. What is executed then may be wished again, and is followed exactly. */
#ifndef TREADLE_WISH_H
#define TREADLE_WISH_H

#include "scheduler.h"
#include "strategy.h"

/* A goroutine is to go on until it was chosen so often in all; drainer as in struct
 * schedule_step. */
struct wish_run {
    uint32_t goroutine, drainer, until;
};

/* The answer to a data choice: the next one of that goroutine. */
struct wish_answer {
    uint32_t goroutine, answer;
};

#define WISH_NOBODY UINT32_MAX

struct wish {
    struct wish_run *runs;
    struct wish_answer *answers;
    uint32_t run_count, run_capacity;
    uint32_t answer_count, answer_capacity;
    uint32_t avoided; /* a goroutine that goes on only where nobody else can, or WISH_NOBODY */
};

/* The current execution, in place of what the wish held. */
void wish_record(struct wish *wish);

/* Makes `to` the same as `from`. */
void wish_copy(struct wish *to, const struct wish *from);

/* Lets it have that many runs, or answers; what is new is not yet set. */
void wish_resize_runs(struct wish *wish, uint32_t count);
void wish_resize_answers(struct wish *wish, uint32_t count);

/* Frees its arrays; all is 0 then. */
void wish_clear(struct wish *wish);

/* ---- following it ---------------------------------------------------------------------------- */

/* Where an execution stands that follows a wish. The first two are the caller's. */
struct wish_state {
    const struct wish *wish;
    bool plainly; /* the wish is of an execution without exploring, this one is exploring: where
                     operations of the history begin and end counts as nothing */
    uint32_t run; /* the present one */
    struct turns turns;
    uint32_t taken[GOROUTINES_MAX + DRAINERS_MAX]; /* how often each was chosen, by id */
    uint32_t answers_from[GOROUTINES_MAX]; /* its next answer stands here or behind */
};

/* Passes over runs whose goroutine cannot go on; behind the last one, whoever executed last goes
 * on, if it can. Answers that are missing are the first ones. state and what it points to outlive
 * the strategy's use. */
struct strategy strategy_wish(struct wish_state *state);

#endif
