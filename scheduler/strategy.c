/* strategy.c: strategies by name, and the default portfolio. */
#include "strategy.h"

#include <string.h>

bool strategy_find(const char *name, struct strategy *ret_strategy)
{
    const struct strategy known[] = { strategy_random(), strategy_sticky(0), strategy_pos() };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0) {
            *ret_strategy = known[i];
            return true;
        }
    return false;
}

struct portfolio portfolio_create(const struct strategy *strategy)
{
    struct portfolio portfolio;
    for (uint32_t i = 0; i < PORTFOLIO_SIZE; i++)
        portfolio.strategies[i] = strategy != NULL ? *strategy : strategy_pos();
    if (strategy == NULL) {
        portfolio.strategies[1] = strategy_sticky(0);
        portfolio.strategies[3] = strategy_random();
        portfolio.strategies[5] = strategy_sticky(8);
    }
    return portfolio;
}
