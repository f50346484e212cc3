/* bench_search.c: each search looks for each verdict that a target requires, with twenty seeds.
 * Means are of executions, which are the same on every machine. */
#include "bench_search.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "campaign.h"
#include "command.h"

#define SEEDS 20u
#define EXECUTIONS_MAX 20000u /* a search that has not found it by then has not found it */

/* A search. */
struct searcher {
    const char *name, *head;
    const char *strategy; /* or NULL: the portfolio */
    bool greybox;
    struct greybox_options options;
};

static const struct searcher searchers[] = {
    { "random", "random", "random", false, { 0 } },
    { "pct", "pct", "pct", false, { 0 } },
    { "pos", "pos", "pos", false, { 0 } },
    { "portfolio", "portf.", NULL, false, { 0 } },
    { "own", "own", NULL, true, { .kinds = FEEDBACK_ALL } },
    { "own, no feedback", "-feedb.", NULL, true,
      { .kinds = FEEDBACK_ALL, .without_feedback = true } },
    { "own, no constraints", "-constr", NULL, true,
      { .kinds = FEEDBACK_ALL, .without_constraints = true } },
};
#define SEARCHER_COUNT (sizeof searchers / sizeof searchers[0])

/* How one searcher found one verdict. */
struct search_sum {
    uint32_t found;
    double executions; /* of the searches that found it, up to then */
};

/* Returns whether it came to its end. */
static bool search(uint32_t target, const struct searcher *searcher, uint64_t seed,
                   struct search_sum *sums)
{
    struct strategy strategy;
    struct campaign_options options = {
        .targets = &target,
        .target_count = 1,
        .executions = EXECUTIONS_MAX,
        .plan = { .seed = seed,
                  .portfolio = portfolio_create(NULL),
                  .greybox = searcher->greybox,
                  .search = searcher->options,
                  .start = tally_now() },
        .jobs = command_jobs_default(),
        .engines = 1u << ENGINE_OWN,
    };
    if (searcher->strategy != NULL) {
        bool known = strategy_find(searcher->strategy, &strategy);
        CHECK(known, ==, true);
        options.plan.portfolio = portfolio_create(&strategy);
    }
    struct campaign_result *result = campaign_run(&options);
    if (result == NULL)
        return false;
    for (uint32_t i = 0; i < TREADLE_VERDICT_COUNT; i++) {
        uint64_t first = result->targets[0].tally.first[i];
        sums[i].found += first > 0;
        sums[i].executions += (double)first;
    }
    bool interrupted = result->interrupted;
    campaign_destroy(result);
    return !interrupted;
}

static bool is_required(const struct treadle_target *target, uint32_t verdict)
{
    for (uint32_t i = 0; i < target->requirement_count; i++)
        if (target->requires[i].verdict == verdict)
            return true;
    return false;
}

static void report(const struct treadle_target *target, uint32_t verdict,
                   struct search_sum (*sums)[TREADLE_VERDICT_COUNT], json_t *rows, bool json)
{
    const char *name = verdict_name((enum treadle_verdict)verdict);
    if (!json)
        printf("%-24s %-14s", target->name, name);
    for (size_t s = 0; s < SEARCHER_COUNT; s++) {
        const struct search_sum *sum = &sums[s][verdict];
        double mean = sum->found > 0 ? sum->executions / sum->found : 0;
        json_t *row = json_pack("{s:s, s:s, s:s, s:i, s:i}", "target", target->name, "verdict",
                                name, "strategy", searchers[s].name, "runs", (int)SEEDS, "found",
                                (int)sum->found);
        json_object_set_new(row, "mean", sum->found > 0 ? json_real(mean) : json_null());
        json_array_append_new(rows, row);
        char cell[32] = "-";
        if (sum->found == SEEDS)
            snprintf(cell, sizeof cell, "%.0f", mean);
        else if (sum->found > 0)
            snprintf(cell, sizeof cell, "%.0f/%u", mean, sum->found);
        if (!json)
            printf(" %7s", cell);
    }
    if (!json) {
        putchar('\n');
        fflush(stdout);
    }
}

static bool is_wanted(const struct treadle_target *target, char **globs, int count)
{
    for (int i = 0; i < count; i++)
        if (fnmatch(globs[i], target->name, 0) == 0)
            return target->requirement_count > 0;
    return count == 0 && target->requirement_count > 0;
}

int bench_search(bool json, char **globs, int count)
{
    static struct search_sum sums[SEARCHER_COUNT][TREADLE_VERDICT_COUNT];
    json_t *rows = json_array();
    if (!json) {
        printf("Mean executions up to the first one with the verdict, in %u searches of %u; /n: only n\n"
               "searches have found it, -: none has. own: the greybox loop; without feedback; without\n"
               "constraints.\n\n%-24s %-14s", SEEDS, EXECUTIONS_MAX, "target", "verdict");
        for (size_t s = 0; s < SEARCHER_COUNT; s++)
            printf(" %7s", searchers[s].head);
        putchar('\n');
    }
    for (uint32_t i = 0; i < target_count(); i++) {
        const struct treadle_target *target = target_at(i);
        if (!is_wanted(target, globs, count))
            continue;
        memset(sums, 0, sizeof sums);
        for (size_t s = 0; s < SEARCHER_COUNT; s++)
            for (uint64_t seed = 1; seed <= SEEDS; seed++)
                if (!search(i, &searchers[s], seed, sums[s]))
                    return EXIT_USAGE;
        for (uint32_t verdict = 0; verdict < TREADLE_VERDICT_COUNT; verdict++)
            if (is_required(target, verdict))
                report(target, verdict, sums, rows, json);
    }
    json_t *object = json_pack("{s:o}", "searches", rows);
    if (json)
        return command_print_json(object) != 0 ? EXIT_USAGE : EXIT_AS_DECLARED;
    json_decref(object);
    return EXIT_AS_DECLARED;
}
