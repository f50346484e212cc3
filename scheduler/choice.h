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
    execution.choices[execution.choice_count++] = (struct choice){
        .answer = (uint16_t)(kind == CHOICE_SCHEDULE ? candidates[index]->id : index),
        .kind = (uint16_t)kind,
    };
    return index;
}

#endif
