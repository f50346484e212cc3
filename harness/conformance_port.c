/* conformance_port.c: single executions of a concurrent program on the port, as schedules that the
 * recorder of the real map code (maps/gomap/conformance/concurrent) can follow, and the other way
 * round. For the conformance tests.
 *
 *   conformance_port [OPTIONS] explore EXECUTIONS SEED FILE   one schedule for each outcome
 *   conformance_port [OPTIONS] follow FILE < SCHEDULES        what they end in
 *   conformance_port [OPTIONS] trace FILE < SCHEDULES         and their accesses
 *
 * OPTIONS are --variant V and --hash H.
 *
 * FILE is a program as `treadle outcomes` reads it. A schedule is a line
 *
 *   OUTCOME <tab> DIGEST <tab> GOROUTINExCOUNT GOROUTINExCOUNT ...
 *
 * where COUNT is a number of memory accesses. DIGEST covers all accesses of the execution, with
 * what they read and wrote; blocks are numbered as the execution first meets them. follow takes
 * schedules only, and prints such lines. The recorder computes the same digest of the real code:
 * where outcome and digest agree, so does every access. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "../scheduler/check.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "outcome.h"
#include "worker.h"

enum { NIL_BYTES = 4096, USAGE = 2 };

/* ---- following a schedule -------------------------------------------------------------------- */

struct stretch {
    uint32_t goroutine;
    uint32_t count;
};

struct plan {
    struct stretch *stretches;
    size_t count;
    size_t capacity;
    size_t next;        /* the stretch that comes after the present one */
    uint32_t goroutine; /* of the present one */
    uint32_t remaining; /* accesses of it */
};

static struct plan plan; /* of the strategy below */

static bool is_access(uint8_t kind)
{
    return kind == EVENT_READ || kind == EVENT_WRITE || kind == EVENT_COPY
        || kind == EVENT_ATOMIC_LOAD || kind == EVENT_ATOMIC_STORE || kind == EVENT_ATOMIC_RMW
        || kind == EVENT_ATOMIC_CAS;
}

static void follow_begin(struct strategy *self, uint64_t seed)
{
    (void)self;
    (void)seed;
    plan.next = 0;
    plan.remaining = 0;
}

/* What is no access happens at once; accesses go by the plan. Where the plan does not fit, any
 * goroutine goes on: outcome and digest will tell. */
static uint32_t follow_choose(struct strategy *self, enum choice_kind kind,
                              struct goroutine *const *candidates, uint32_t count)
{
    (void)self;
    if (kind == CHOICE_DATA)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (!is_access(candidates[i]->pending.kind))
            return i;
    if (plan.remaining == 0 && plan.next < plan.count) {
        plan.goroutine = plan.stretches[plan.next].goroutine;
        plan.remaining = plan.stretches[plan.next].count;
        plan.next++;
    }
    if (plan.remaining > 0)
        plan.remaining--;
    for (uint32_t i = 0; i < count; i++)
        if (candidates[i]->id == plan.goroutine)
            return i;
    return 0;
}

static struct strategy strategy_follow(void)
{
    return (struct strategy){ .name = "follow", .begin = follow_begin, .choose = follow_choose,
                              .forced = true };
}

static void plan_append(struct stretch stretch)
{
    if (plan.count == plan.capacity) {
        plan.capacity = plan.capacity == 0 ? 256 : 2 * plan.capacity;
        plan.stretches = realloc(plan.stretches, plan.capacity * sizeof *plan.stretches);
        CHECK(plan.stretches != NULL, ==, true);
    }
    plan.stretches[plan.count++] = stretch;
}

static bool plan_parse(const char *text)
{
    plan.count = 0;
    for (;;) {
        unsigned goroutine, count;
        int bytes;
        if (sscanf(text, " %ux%u%n", &goroutine, &count, &bytes) < 2)
            return text[strspn(text, " \n")] == 0;
        plan_append((struct stretch){ goroutine, count });
        text += bytes;
    }
}

/* ---- the accesses of an execution ------------------------------------------------------------ */

/* Blocks in the order in which the execution first meets them, from 1. */
struct block_number {
    uint64_t start;
    uint64_t number;
    UT_hash_handle hh;
};

struct digest {
    struct block_number *blocks;
    uint64_t value;
};

struct named {
    uint64_t block; /* ~0: word is a number */
    uint64_t word;
};

static void digest_word(struct digest *digest, uint64_t word)
{
    digest->value = (digest->value ^ word) * UINT64_C(1099511628211); /* FNV-1a, by words */
}

/* An address, or a value that may be one, as block and offset. */
static struct named digest_name(struct digest *digest, uint64_t word)
{
    const struct heap_block *block = word >= NIL_BYTES ? heap_find(word) : NULL;
    if (block == NULL && word >= NIL_BYTES)
        block = heap_find(word - 1); /* right behind a block */
    if (block == NULL)
        return (struct named){ UINT64_MAX, word };
    struct block_number *known;
    HASH_FIND(hh, digest->blocks, &block->start, sizeof block->start, known);
    if (known == NULL) {
        known = calloc(1, sizeof *known);
        CHECK(known != NULL, ==, true);
        known->start = block->start;
        HASH_ADD(hh, digest->blocks, start, sizeof known->start, known);
        known->number = HASH_COUNT(digest->blocks);
    }
    return (struct named){ known->number, word - block->start };
}

static void print_named(const char *before, struct named name)
{
    if (name.block == UINT64_MAX)
        printf("%s0x%llx", before, (unsigned long long)name.word);
    else
        printf("%sblock %llu+%llu", before, (unsigned long long)name.block,
               (unsigned long long)name.word);
}

static void digest_event(struct digest *digest, const struct event *event, bool print)
{
    enum { READ = 1, WRITE, MODIFY, MOVE };
    static const char *const names[] = { NULL, "read", "write", "modify", "copy" };
    uint64_t kind = event->kind == EVENT_READ ? READ
        : event->kind == EVENT_WRITE          ? WRITE
        : event->kind == EVENT_COPY           ? MOVE
                                              : MODIFY;
    struct named address = digest_name(digest, event->address);
    struct named value = { UINT64_MAX, kind == READ ? event->value_read : event->value_written };
    if (kind == MOVE)
        value = digest_name(digest, event->source);
    else if (event->size > 8)
        value.word = 0;
    else if (event->size == 8 && kind != MODIFY)
        value = digest_name(digest, value.word);
    digest_word(digest, event->goroutine | kind << 8 | (uint64_t)event->size << 16);
    digest_word(digest, address.block << 32 | address.word);
    digest_word(digest, value.block);
    digest_word(digest, value.word);
    digest_word(digest, kind == MODIFY ? event->value_read : 0);
    if (!print)
        return;
    printf("g%u %s %u bytes", event->goroutine, names[kind], event->size);
    print_named(" at ", address);
    print_named(" = ", value);
    putchar('\n');
}

/* Whether the last event of the trace is an access that did not happen. */
static bool last_failed(void)
{
    if (!execution.ended_early || execution.verdicts[0].event_count == 0)
        return false;
    const struct verdict_record *record = &execution.verdicts[0];
    return record->verdict == TREADLE_WILD_ACCESS
        || (record->verdict == TREADLE_PANIC && strstr(record->rule, "nil") != NULL);
}

static uint64_t execution_digest(bool print)
{
    struct digest digest = { .value = UINT64_C(14695981039346656037) };
    uint32_t end = execution.trace_run_count - last_failed();
    for (uint32_t i = 0; i < end; i++)
        if (is_access(execution.trace[i].kind))
            digest_event(&digest, &execution.trace[i], print);
    struct block_number *block, *next;
    HASH_ITER(hh, digest.blocks, block, next)
    {
        HASH_DEL(digest.blocks, block);
        free(block);
    }
    return digest.value;
}

static void print_execution(const char *outcome)
{
    printf("%s\t%016llx\t", outcome, (unsigned long long)execution_digest(false));
    struct stretch stretch = { 0, 0 };
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        if (!is_access(event->kind))
            continue;
        if (event->goroutine != stretch.goroutine && stretch.count > 0) {
            printf("%ux%u ", stretch.goroutine, stretch.count);
            stretch.count = 0;
        }
        stretch.goroutine = event->goroutine;
        stretch.count++;
    }
    printf("%ux%u\n", stretch.goroutine, stretch.count);
}

/* ---- the two commands ------------------------------------------------------------------------ */

struct seen {
    UT_hash_handle hh;
    char outcome[];
};

static const struct treadle_subject *gomap;
static struct outcome_text outcome;

static void explore(uint64_t executions, uint64_t seed)
{
    struct seen *all = NULL;
    struct worker_plan worker = { .seed = seed, .portfolio = portfolio_create(NULL) };
    uint64_t target_seed = worker_target_seed(&worker);
    for (uint64_t number = 0; number < executions; number++) {
        worker_run(&worker, target_seed, number);
        outcome_of_execution(gomap, &outcome);
        struct seen *seen;
        HASH_FIND_STR(all, outcome.bytes, seen);
        if (seen != NULL)
            continue;
        seen = calloc(1, sizeof *seen + strlen(outcome.bytes) + 1);
        CHECK(seen != NULL, ==, true);
        strcpy(seen->outcome, outcome.bytes);
        HASH_ADD_STR(all, outcome, seen);
        print_execution(outcome.bytes);
    }
    struct seen *seen, *next;
    HASH_ITER(hh, all, seen, next)
    {
        HASH_DEL(all, seen);
        free(seen);
    }
}

static int follow(bool trace)
{
    struct strategy strategy = strategy_follow();
    char *line = NULL;
    size_t capacity = 0;
    int code = 0;
    for (uint64_t number = 1; code == 0 && getline(&line, &capacity, stdin) >= 0; number++) {
        const char *schedule = strrchr(line, '\t');
        if (!plan_parse(schedule != NULL ? schedule + 1 : line)) {
            fprintf(stderr, "conformance_port: line %llu: no schedule\n",
                    (unsigned long long)number);
            code = USAGE;
            break;
        }
        scheduler_run(&strategy, 0);
        outcome_of_execution(gomap, &outcome);
        if (trace)
            execution_digest(true);
        print_execution(outcome.bytes);
    }
    free(line);
    free(plan.stretches);
    return code;
}

static int run(const struct treadle_target *target, int argument_count, char **arguments)
{
    const char *rule;
    struct scheduler_options limits = { 0 };
    if (scheduler_open(target, &limits, &rule) != TREADLE_OK) {
        fprintf(stderr, "conformance_port: the set-up fails: %s\n", rule);
        return USAGE;
    }
    int code = 0;
    if (argument_count == 4)
        explore(strtoull(arguments[1], NULL, 10), strtoull(arguments[2], NULL, 10));
    else
        code = follow(strcmp(arguments[0], "trace") == 0);
    outcome_text_deinit(&outcome);
    scheduler_close();
    return code;
}

int main(int argument_count, char **arguments)
{
    static const struct option known[] = { { "variant", required_argument, NULL, 'v' },
                                           { "hash", required_argument, NULL, 'h' },
                                           { 0 } };
    struct treadle_options options = { .variant = "fast64", .hash = "mix", .dump = "full" };
    for (int option; (option = getopt_long(argument_count, arguments, "", known, NULL)) != -1;) {
        if (option == 'v')
            options.variant = optarg;
        else if (option == 'h')
            options.hash = optarg;
        else
            return USAGE;
    }
    arguments += optind;
    argument_count -= optind;
    bool explores = argument_count == 4 && strcmp(arguments[0], "explore") == 0;
    bool follows = argument_count == 2
        && (strcmp(arguments[0], "follow") == 0 || strcmp(arguments[0], "trace") == 0);
    if (!explores && !follows) {
        fputs("usage: conformance_port [--variant V] [--hash H] explore EXECUTIONS SEED FILE\n"
              "       conformance_port [--variant V] [--hash H] follow|trace FILE < SCHEDULES\n",
              stderr);
        return USAGE;
    }
    gomap = subject_find("gomap");
    CHECK(gomap != NULL, ==, true);
    FILE *file = fopen(arguments[argument_count - 1], "r");
    if (file == NULL) {
        perror(arguments[argument_count - 1]);
        return USAGE;
    }
    struct treadle_target *target = gomap->parse_program(&options, file, stderr);
    if (ferror(file))
        perror(arguments[argument_count - 1]);
    fclose(file);
    if (target == NULL)
        return USAGE;
    int code = run(target, argument_count, arguments);
    gomap->free_program(target);
    return code;
}
