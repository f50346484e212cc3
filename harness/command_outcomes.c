/* command_outcomes.c: `treadle outcomes`: what a concurrent program can end in. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "../scheduler/check.h"
#include "../scheduler/explore.h"
#include "../scheduler/scheduler.h"
#include "command.h"
#include "exploration_status.h"
#include "outcome.h"
#include "subject_options.h"
#include "worker.h"

struct outcome {
    uint64_t count;
    UT_hash_handle hh;
    char text[];
};

static void count_outcome(struct outcome **outcomes, const char *text)
{
    struct outcome *outcome;
    HASH_FIND_STR(*outcomes, text, outcome);
    if (outcome == NULL) {
        size_t bytes = strlen(text) + 1;
        outcome = calloc(1, sizeof *outcome + bytes);
        CHECK(outcome != NULL, ==, true);
        memcpy(outcome->text, text, bytes);
        HASH_ADD_STR(*outcomes, text, outcome);
    }
    outcome->count++;
}

static int outcome_order(const struct outcome *a, const struct outcome *b)
{
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return strcmp(a->text, b->text);
}

static int open_program(const struct treadle_target *target, bool exploring)
{
    const char *rule;
    struct scheduler_options limits = { .exploring = exploring };
    enum treadle_verdict verdict = scheduler_open(target, &limits, &rule);
    if (verdict == TREADLE_OK)
        return 0;
    fprintf(stderr, "treadle outcomes: the set-up ends with %s: %s\n", verdict_name(verdict), rule);
    return EXIT_USAGE;
}

/* Makes so many executions at random. */
static int sample(const struct subject_options *options, const struct treadle_target *target,
                  struct outcome_text *text, struct outcome **outcomes)
{
    if (open_program(target, false) != 0)
        return EXIT_USAGE;
    struct worker_plan plan = { .seed = options->seed, .portfolio = options->portfolio };
    uint64_t target_seed = worker_target_seed(&plan);
    for (uint64_t number = 0; number < options->executions; number++) {
        worker_run(&plan, target_seed, number);
        outcome_of_execution(options->subject, text);
        count_outcome(outcomes, text->bytes);
    }
    return 0;
}

static volatile sig_atomic_t interrupted;

static void outcomes_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* Why no more executions are made, though there are some; NULL if nothing speaks against it. */
static const char *what_ends(const struct subject_options *options, uint64_t made, double start)
{
    if (interrupted)
        return "interrupted";
    if (options->executions > 0 && made >= options->executions)
        return "so many executions were wanted";
    return options->seconds > 0 && tally_now() - start >= options->seconds ? "time is over" : NULL;
}

/* Makes every execution, once. */
static int exhaust(const struct subject_options *options, const struct treadle_target *target,
                   struct outcome_text *text, struct outcome **outcomes)
{
    if (open_program(target, true) != 0)
        return EXIT_USAGE;
    struct explorer *explorer = explorer_create(false);
    struct exploration_status status = { 0 };
    struct sigaction action = { .sa_handler = outcomes_interrupt }, before;
    sigaction(SIGINT, &action, &before);
    double start = tally_now();
    const char *end = NULL;
    for (uint64_t made = 0; end == NULL && explorer_item_count(explorer) > 0; made++) {
        end = what_ends(options, made, start);
        if (end != NULL)
            break;
        exploration_status_count(&status, "outcomes", made, start);
        explorer_next(explorer);
        bool cut = explorer_blocked(explorer) || scheduler_crashed();
        for (uint32_t i = 0; i < execution.verdict_count; i++)
            cut |= execution.verdicts[i].verdict == TREADLE_TIMEOUT;
        if (cut)
            end = "an execution was cut off";
        outcome_of_execution(options->subject, text);
        count_outcome(outcomes, text->bytes);
    }
    exploration_status_end(&status);
    sigaction(SIGINT, &before, NULL);
    if (end != NULL)
        fprintf(stderr, "treadle outcomes: incomplete: %s; there may be outcomes beyond those "
                        "found\n", end);
    explorer_destroy(explorer);
    return end == NULL ? 0 : EXIT_USAGE;
}

static int explore(const struct subject_options *options, const struct treadle_target *target,
                   struct outcome **outcomes)
{
    struct outcome_text text = { 0 };
    int code = options->exhaustive ? exhaust(options, target, &text, outcomes)
                                   : sample(options, target, &text, outcomes);
    outcome_text_deinit(&text);
    scheduler_close();
    return code;
}

/* The most frequent first. */
static void print_outcomes(struct outcome **outcomes)
{
    puts("outcomes:");
    HASH_SORT(*outcomes, outcome_order);
    for (const struct outcome *outcome = *outcomes; outcome != NULL; outcome = outcome->hh.next)
        printf("%llu %s\n", (unsigned long long)outcome->count, outcome->text);
}

static void free_outcomes(struct outcome *outcomes)
{
    struct outcome *outcome, *next;
    HASH_ITER(hh, outcomes, outcome, next)
    {
        HASH_DEL(outcomes, outcome);
        free(outcome);
    }
}

static int run(int argument_count, char **arguments)
{
    struct subject_options options;
    int code = subject_options_parse(&command_outcomes, argument_count, arguments, &options);
    if (code != 0)
        return code;
    if (options.subject->parse_program == NULL)
        return command_misuse(&command_outcomes, "%s has no programs", options.subject->name);
    struct treadle_target *target =
        options.subject->parse_program(&options.language, stdin, stderr);
    if (ferror(stdin))
        fprintf(stderr, "treadle outcomes: standard input cannot be read\n");
    if (target == NULL)
        return EXIT_USAGE;
    struct outcome *outcomes = NULL;
    code = explore(&options, target, &outcomes);
    if (code == 0) { /* else there may be others */
        options.subject->print_program(target, stdout);
        print_outcomes(&outcomes);
    }
    free_outcomes(outcomes);
    options.subject->free_program(target);
    return code;
}

const struct command command_outcomes = {
    .name = "outcomes",
    .usage = "SUBJECT [OPTIONS] < FILE",
    .summary = "Explores a concurrent program and counts what it ends in",
    .help = "\nFILE holds set-up operations and a line `par PROGRAM | PROGRAM`; what follows a line\n"
            "`outcomes:` is not read.\n\n"
            "  --variant V      fast64 (default), generic, float64 (see trace)\n"
            "  --hash H         mix (default), low, blk, table\n"
            "  --strategy S     portfolio (default), random, sticky, pos, pct\n"
            "  --executions N   default 100000\n"
            "  --seed N         default 1\n"
            "  --exhaustive     not at random, but every execution that matters, once; nothing is\n"
            "                   printed if --executions, --time or Ctrl-C ends that (exit code 2)\n"
            "  --time D         with --exhaustive: wall clock (ms s m h d)\n\n"
            "Outcomes other than results and entries, for gomap: FATAL, a check of the map's own;\n"
            "PANIC; WILD, an access outside live memory; ENDLESS, 20,000 events without an end: a\n"
            "loop, but also a range over some 2,500 entries.\n\n"
            "Example:\n  treadle outcomes gomap --executions 1000000 < insert-insert.txt\n",
    .run = run,
};
