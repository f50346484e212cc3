/* choice.h: choose, the one function through which everything goes that could go differently. */
#ifndef TREADLE_CHOICE_H
#define TREADLE_CHOICE_H

#include "check.h"
#include "scheduler.h"
#include "strategy.h"

/* Answers and records one choice among count candidates (goroutines, or NULL for data). Returns an
 * index below count. */
static inline uint32_t choose(enum choice_kind kind, struct goroutine *const *candidates,
                              uint32_t count)
{
    struct strategy *strategy = scheduler.strategy;
    uint32_t index = 0;
    if (count > 1 || strategy->forced)
        index = strategy->choose(strategy, kind, candidates, count);
    CHECK(index, <, count);
    uint32_t answer = kind == CHOICE_SCHEDULE ? candidates[index]->id : index;
    execution.choices[execution.choice_count++] =
        (struct choice){ .kind_and_answer = (uint32_t)kind << 16 | answer };
    return index;
}

#endif
