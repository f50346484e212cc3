/* test_run.h: what the engine's tests run targets with: opening one, expecting verdicts, and two
 * strategies of their own: one that goes through every schedule there is, and one that follows a
 * list of goroutines. Also goroutines made by hand, to ask a strategy directly. */
#ifndef TREADLE_TEST_RUN_H
#define TREADLE_TEST_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "check.h"
#include "scheduler.h"
#include "strategy.h"
#include "test_subjects.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- targets --------------------------------------------------------------------------------- */

/* What the small targets work on: cleared by the set-up. */
struct cells {
    uint64_t cell[8];
    struct words3 words[4];
    struct treadle_mutex mutex[3];
    struct treadle_rwmutex rwmutex;
    struct treadle_waitgroup group;
};

/* The programs of a target: PROGRAMS({ "role", function, argument }, ...) */
#define PROGRAMS(...)                                                                              \
    .programs = (const struct treadle_program[]){ __VA_ARGS__ },                                   \
    .program_count = COUNT(((const struct treadle_program[]){ __VA_ARGS__ }))

static inline void *setup_cells(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct cells), "cells");
}

/* Opens a target whose set-up must not fail. */
static inline void run_open(const struct treadle_target *target)
{
    const char *rule = "";
    struct scheduler_options options = { 0 };
    enum treadle_verdict verdict = scheduler_open(target, &options, &rule);
    if (verdict != TREADLE_OK)
        print_error("set-up of %s: %s: %s\n", target->name, verdict_name(verdict), rule);
    assert_int_equal(verdict, TREADLE_OK);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

/* The execution's record of that verdict; NULL if there is none. */
static inline const struct verdict_record *run_verdict(enum treadle_verdict verdict)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (execution.verdicts[i].verdict == verdict)
            return &execution.verdicts[i];
    return NULL;
}

/* Exactly this verdict, its rule containing that text. */
static inline const struct verdict_record *expect_verdict(enum treadle_verdict verdict,
                                                          const char *rule)
{
    const struct verdict_record *record = run_verdict(verdict);
    if (record == NULL || execution.verdict_count != 1 || strstr(record->rule, rule) == NULL) {
        print_error("expected %s: %s\n", verdict_name(verdict), rule);
        for (uint32_t i = 0; i < execution.verdict_count; i++)
            print_error("     got %s: %s\n", verdict_name(execution.verdicts[i].verdict),
                        execution.verdicts[i].rule);
    }
    assert_non_null(record);
    assert_int_equal(execution.verdict_count, 1);
    assert_non_null(strstr(record->rule, rule));
    return record;
}

static inline void expect_no_verdict(void)
{
    if (execution.verdict_count > 0)
        print_error("unexpected %s: %s\n", verdict_name(execution.verdicts[0].verdict),
                    execution.verdicts[0].rule);
    assert_int_equal(execution.verdict_count, 0);
}

/* How many of that many executions of the open target show a verdict. */
static inline uint32_t verdicts_in(struct strategy strategy, uint32_t executions)
{
    uint32_t count = 0;
    for (uint32_t seed = 0; seed < executions; seed++) {
        scheduler_run(&strategy, seed);
        count += execution.verdict_count > 0;
    }
    return count;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* The goroutine's n-th event (from 0) of that kind; fails if there is none. */
static inline const struct event *event_of(uint32_t goroutine, enum event_kind kind, uint32_t n)
{
    for (uint32_t i = 0; i < execution.trace_count; i++) {
        const struct event *event = &execution.trace[i];
        if (event->goroutine == goroutine && event->kind == kind && n-- == 0)
            return event;
    }
    print_error("goroutine %u has not so many events %s\n", goroutine, event_kind_name(kind));
    assert_true(false);
    return NULL;
}

static inline uint32_t events_of_kind(enum event_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < execution.trace_count; i++)
        count += execution.trace[i].kind == kind;
    return count;
}

/* ---- another process ------------------------------------------------------------------------- */

/* Forks. In the child: 0, standard error or output goes to the pipe ret_end. In the parent: the
 * child's id, ret_end is to be read by child_text. */
static inline pid_t child_start(int stream, int *ret_end)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        dup2(ends[1], stream);
    close(ends[1]);
    *ret_end = ends[0];
    return child;
}

/* Waits for the child's end; what it wrote goes to text. Returns its wait status. */
static inline int child_text(pid_t child, int end, char *text, size_t bytes)
{
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < bytes - 1; length += (size_t)got)
        got = read(end, text + length, bytes - 1 - length);
    text[length] = '\0';
    close(end);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* ---- every schedule -------------------------------------------------------------------------- */

#define EVERY_DEPTH_MAX 256u

/* Goes through all answers to all choices, depth first. Where the target's events depend on
 * nothing but the choices, each schedule comes once. */
struct every {
    struct strategy strategy; /* first: the strategy is the whole */
    struct {
        uint32_t answer, count;
    } choices[EVERY_DEPTH_MAX];
    uint32_t depth;       /* choices of this execution */
    uint32_t length;      /* choices that are given */
    uint64_t executions;  /* done so far */
    double probability;   /* of this schedule, if each answer is as likely as any other */
};

static inline void every_begin(struct strategy *self, uint64_t seed)
{
    struct every *every = (struct every *)self;
    (void)seed;
    every->depth = 0;
    every->probability = 1;
}

static inline uint32_t every_choose(struct strategy *self, enum choice_kind kind,
                                    struct goroutine *const *candidates, uint32_t count)
{
    struct every *every = (struct every *)self;
    (void)kind;
    (void)candidates;
    CHECK(every->depth, <, EVERY_DEPTH_MAX);
    if (every->depth == every->length) {
        every->choices[every->length].answer = 0;
        every->choices[every->length++].count = count;
    }
    CHECK(every->choices[every->depth].count, ==, count);
    every->probability /= count;
    return every->choices[every->depth++].answer;
}

static inline struct every every_schedule(void)
{
    return (struct every){
        .strategy = { .name = "every", .begin = every_begin, .choose = every_choose },
    };
}

/* Runs the open target by the next schedule; false if there was none. */
static inline bool every_run(struct every *every)
{
    if (every->executions > 0) {
        while (every->length > 0
               && every->choices[every->length - 1].answer + 1
                      == every->choices[every->length - 1].count)
            every->length--;
        if (every->length == 0)
            return false;
        every->choices[every->length - 1].answer++;
    }
    scheduler_run(&every->strategy, 0);
    every->executions++;
    return true;
}

/* ---- goroutines made by hand ----------------------------------------------------------------- */

#define HANDS 4u

/* Candidates for a strategy that is asked directly; their pending events are the test's. */
struct hands {
    struct goroutine goroutines[HANDS];
    struct goroutine *candidates[HANDS];
};

static inline void hands_begin(struct hands *hands)
{
    memset(hands, 0, sizeof *hands);
    for (uint32_t i = 0; i < HANDS; i++) {
        hands->goroutines[i].id = i + 1;
        hands->candidates[i] = &hands->goroutines[i];
    }
}

static inline void hands_pending(struct hands *hands, uint32_t hand, enum event_kind kind,
                                 uint64_t address, uint32_t size)
{
    hands->goroutines[hand].pending.address = address;
    hands->goroutines[hand].pending.what = event_what(kind, EVENT_PLAIN, size, hand + 1);
    hands->goroutines[hand].pending.success = 1;
}

/* ---- one schedule ---------------------------------------------------------------------------- */

/* Picks the goroutines of a list of digits, one for each choice ("1122"); behind its end, and where
 * the one that it names cannot go on, the first candidate. */
struct listed {
    struct strategy strategy;
    const char *picks;
    uint32_t position;
    uint32_t missed; /* picks that were no candidates */
};

static inline void listed_begin(struct strategy *self, uint64_t seed)
{
    struct listed *listed = (struct listed *)self;
    (void)seed;
    listed->position = 0;
    listed->missed = 0;
}

static inline uint32_t listed_choose(struct strategy *self, enum choice_kind kind,
                                     struct goroutine *const *candidates, uint32_t count)
{
    struct listed *listed = (struct listed *)self;
    if (kind == CHOICE_DATA || listed->picks[listed->position] == '\0')
        return 0;
    uint32_t id = (uint32_t)(listed->picks[listed->position++] - '0');
    for (uint32_t i = 0; i < count; i++)
        if (candidates[i]->id == id)
            return i;
    listed->missed++;
    return 0;
}

/* Runs the open target by that list, all of whose goroutines must be able to go on. */
static inline void listed_run(const char *picks)
{
    struct listed listed = {
        .strategy = {
            .name = "listed", .begin = listed_begin, .choose = listed_choose, .forced = true,
        },
        .picks = picks,
    };
    scheduler_run(&listed.strategy, 0);
    assert_int_equal(listed.missed, 0);
    assert_int_equal(picks[listed.position], '\0');
}

/* What a group of tests does at its end. */
static inline int run_close(void **state)
{
    (void)state;
    scheduler_close();
    return 0;
}

#endif
