/* strategy.c: strategies by name, the default portfolio, and what several strategies count. */
#include "strategy.h"

#include <stdlib.h>
#include <string.h>

#include "scheduler.h"

bool strategy_find(const char *name, struct strategy *ret_strategy)
{
    const struct strategy known[] = { strategy_random(), strategy_sticky(0), strategy_pos(),
                                      strategy_pct(0) };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0) {
            *ret_strategy = known[i];
            return true;
        }
    char *end;
    if (strncmp(name, "pct:", 4) != 0 || name[4] < '1' || name[4] > '9')
        return false;
    unsigned long depth = strtoul(name + 4, &end, 10);
    if (*end != '\0' || depth > PCT_DEPTH_MAX)
        return false;
    *ret_strategy = strategy_pct((uint32_t)depth);
    return true;
}

struct portfolio portfolio_create(const struct strategy *strategy)
{
    struct portfolio portfolio;
    for (uint32_t i = 0; i < PORTFOLIO_SIZE; i++)
        portfolio.strategies[i] = strategy != NULL ? *strategy : strategy_pos();
    if (strategy == NULL) {
        portfolio.strategies[1] = portfolio.strategies[9] = strategy_sticky(0);
        portfolio.strategies[3] = portfolio.strategies[11] = strategy_random();
        portfolio.strategies[5] = strategy_sticky(8);
        portfolio.strategies[13] = strategy_pct(0);
    }
    return portfolio;
}

/* As explore_bounded.h defines them. */
void turns_note(struct turns *turns, struct goroutine *const *candidates, uint32_t count,
                uint32_t picked)
{
    if (candidates[picked]->id >= scheduler.drainer_base)
        return;
    for (uint32_t i = 0; i < count; i++)
        turns->preemptions += candidates[i] == turns->turn && i != picked;
    turns->turn = candidates[picked];
}
