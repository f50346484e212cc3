/* strategy.h: a strategy answers choices. It sees the candidates and their pending events, its
 * own random numbers, and nothing else: no map, no oracle, no clock. One file each in strategy/.
 */
#ifndef TREADLE_STRATEGY_H
#define TREADLE_STRATEGY_H

#include "execution.h"
#include "goroutine.h"
#include "rng.h"
#include "schedule.h"

struct replay;
struct constrained;
struct wish_state;
struct explore_step;
struct explore_candidates;

/* strategy_steps: what is to be followed. */
struct steps_state {
    const struct explore_step *steps;
    uint32_t count;
    uint32_t at;      /* the next one; count + 1 once `pending` has been picked, too */
    uint16_t pending; /* the goroutine that executes behind them, or EXPLORE_NOBODY */
    bool blocked;     /* a step was impossible */
    bool added;       /* a data choice that was not among them stood before the last one */
    bool stays;       /* as strategy_steps_note says */
    struct explore_candidates *candidates; /* likewise */
};

#define PCT_DEPTH_MAX 16u
#define PCT_FALLEN_MAX 64u
struct pct_state {
    uint64_t seed; /* of the priorities */
    uint32_t step; /* choices so far */
    uint32_t changes[PCT_DEPTH_MAX], change_count; /* at which steps somebody falls */
    uint16_t fallen[PCT_FALLEN_MAX]; /* ids of those who fell, the last one lowest */
    uint32_t fallen_count;
};

struct strategy {
    const char *name;
    /* A new execution begins. seed decides all that the strategy draws. */
    void (*begin)(struct strategy *self, uint64_t seed);
    /* Answers a choice among count (>= 1) candidates by an index below count. For CHOICE_DATA
     * candidates is NULL. */
    uint32_t (*choose)(struct strategy *self, enum choice_kind kind,
                       struct goroutine *const *candidates, uint32_t count);
    bool forced;        /* wants to be asked also where there is one candidate only */
    uint32_t parameter; /* sticky: it switches with probability 1 / parameter; pct: depth */
    struct rng rng;
    struct goroutine *last; /* who was picked last, in this execution */
    struct replay *replay;  /* replay: where it stands */
    struct constrained *constrained; /* constraints.h */
    struct pct_state pct;
    struct wish_state *wish; /* wish: likewise */
    struct steps_state steps;
};

/* Picks uniformly among the candidates at each step. */
struct strategy strategy_random(void);

/* Stays with the running goroutine and leaves it with probability 1 / period (32 if 0) before
 * each event. */
struct strategy strategy_sticky(uint32_t period);

/* Partial order sampling (Yuan, Yang, Gu, CAV 2018). */
struct strategy strategy_pos(void);

/* Probabilistic concurrency testing for bugs of that depth (3 if 0; at most PCT_DEPTH_MAX)
 * (Burckhardt et al., ASPLOS 2010). */
struct strategy strategy_pct(uint32_t depth);

/* A strategy by name ("random", "sticky", "pos", "pct", "pct:5"); false if there is none. */
bool strategy_find(const char *name, struct strategy *ret_strategy);

/* The default search: POS mostly, the others in between. */
#define PORTFOLIO_SIZE 16u
struct portfolio {
    struct strategy strategies[PORTFOLIO_SIZE];
};

/* A portfolio of that one strategy; the default one if strategy is NULL. */
struct portfolio portfolio_create(const struct strategy *strategy);

/* Which strategy takes execution number `number` (from 0): a function of the number alone, so that
 * any division of the work among processes gives the same executions. */
static inline struct strategy *portfolio_pick(struct portfolio *portfolio, uint64_t number)
{
    return &portfolio->strategies[number % PORTFOLIO_SIZE];
}

/* Whose turn it is, drainers left out, and how often a goroutine that could go on lost it: to be
 * asked of every scheduling choice. */
struct turns {
    const struct goroutine *turn;
    uint32_t preemptions;
};
void turns_note(struct turns *turns, struct goroutine *const *candidates, uint32_t count,
                uint32_t picked);

/* A replay: follows the steps of a schedule. The members up to context are the caller's. */
struct replay {
    const struct schedule *schedule;
    /* Whether an anchor names the event that a goroutine is about to execute. */
    bool (*matches)(const struct event *pending, const char *anchor);
    /* Goroutines run until they meet their anchors, not by count. */
    bool resync;
    /* Called once when the replay diverges: the pending events are still what they were. */
    void (*diverging)(const struct replay *replay);
    void *context; /* for it */
    uint32_t step;     /* of the schedule, the present one */
    uint32_t step_run; /* events of it that have run */
    struct turns turns;
    bool diverged;     /* the schedule could not be followed any further */
    uint32_t diverged_event; /* length of the trace then */
    uint32_t diverged_step;
};

/* The goroutine, or drainer, that a RUN step lets run; NULL if there is none at present. */
const struct goroutine *replay_runner(const struct schedule_step *step);

/* Answers as the schedule says. Where that is impossible, or an anchor does not match, the replay
 * has diverged: from there on the goroutine that ran last runs as long as it can. replay and what
 * it points to outlive the strategy's use. */
struct strategy strategy_replay(struct replay *replay);

#endif
