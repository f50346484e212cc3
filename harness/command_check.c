#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../scheduler/explore.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "command.h"
#include "oracle.h"
#include "tally.h"
static int run(int argument_count, char **arguments)
{
    uint32_t count;
    uint32_t *targets = command_targets(&command_check, arguments + 1, argument_count - 1, &count);
    if (targets == NULL)
        return EXIT_USAGE;
    for (uint32_t i = 0; i < count; i++) {
        const char *rule;
        struct scheduler_options options = { .exploring = true };
        scheduler_open(target_at(targets[i]), &options, &rule);
        struct explorer *explorer = explorer_create(false);
        double start = tally_now();
        uint64_t executions = 0, blocked = 0, verdicts[TREADLE_VERDICT_COUNT] = { 0 }, steps = 0;
        size_t items = 0;
        while (explorer_next(explorer)) {
            executions++;
            blocked += explorer_blocked(explorer);
            steps += execution.trace_run_count;
            oracle_judge();
            for (uint32_t v = 0; v < execution.verdict_count; v++)
                verdicts[execution.verdicts[v].verdict]++;
            if (explorer_item_count(explorer) > items)
                items = explorer_item_count(explorer);
        }
        double seconds = tally_now() - start;
        printf("%-28s %10llu executions, %llu blocked, %.3f s, %.0f/s, %zu items, %.1f steps", target_at(targets[i])->name,
               (unsigned long long)executions, (unsigned long long)blocked, seconds,
               (double)executions / seconds, items, (double)steps / (double)executions);
        for (int v = 1; v < TREADLE_VERDICT_COUNT; v++)
            if (verdicts[v])
                printf(" %s %llu", verdict_name((enum treadle_verdict)v), (unsigned long long)verdicts[v]);
        putchar('\n');
        explorer_destroy(explorer);
    }
    return 0;
}
const struct command command_check = { .name = "check", .usage = "[TARGET...]", .summary = "Explores", .help = "", .run = run };
