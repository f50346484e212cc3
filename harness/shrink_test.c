/* shrink_test.c: the reduction, of executions of a machine that is made up: goroutines execute a
 * number of events each, one of them may be stopped for ever by an order of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shrink.h"

#define GOROUTINES 4u
#define EVENTS 20u /* of each */
#define TRACE (GOROUTINES * EVENTS)

struct machine {
    bool (*shows)(const struct machine *machine);
    uint8_t trace[TRACE]; /* who executed */
    uint32_t count;
    uint32_t done[GOROUTINES];
    uint32_t executions, executions_max;
    uint32_t searches;
    const struct wish *proposal; /* of the search; NULL: none */
};

/* When a goroutine executed its n-th event, from 1; TRACE if never. */
static uint32_t when(const struct machine *machine, uint32_t goroutine, uint32_t n)
{
    for (uint32_t i = 0; i < machine->count; i++)
        if (machine->trace[i] == goroutine && --n == 0)
            return i;
    return TRACE;
}

static void step(struct machine *machine, uint32_t goroutine)
{
    machine->trace[machine->count++] = (uint8_t)goroutine;
    machine->done[goroutine]++;
}

/* What was executed, as a wish; with its size. */
static void record(const struct machine *machine, struct shrink_execution *executed)
{
    struct wish *wish = &executed->wish;
    uint32_t done[GOROUTINES] = { 0 };
    executed->size = (struct shrink_size){ .events = machine->count };
    wish_resize_runs(wish, 0);
    wish->avoided = WISH_NOBODY;
    for (uint32_t i = 0; i < machine->count; i++) {
        uint32_t id = machine->trace[i];
        executed->size.goroutines += done[id]++ == 0;
        if (i == 0 || machine->trace[i - 1] != id) {
            wish_resize_runs(wish, wish->run_count + 1);
            executed->size.switches += i > 0;
            executed->size.preemptions += i > 0 && done[machine->trace[i - 1]] < EVENTS;
        }
        wish->runs[wish->run_count - 1] = (struct wish_run){ .goroutine = id, .until = done[id] };
    }
}

/* Goes on as wished, then with one goroutine after the other; ends when it shows. */
static bool execute(void *context, const struct wish *wish, struct shrink_execution *executed)
{
    struct machine *machine = context;
    machine->executions++;
    machine->count = 0;
    memset(machine->done, 0, sizeof machine->done);
    bool shown = false;
    for (uint32_t i = 0; i < wish->run_count && !shown; i++) {
        const struct wish_run *run = &wish->runs[i];
        while (!shown && machine->done[run->goroutine] < run->until
               && machine->done[run->goroutine] < EVENTS) {
            step(machine, run->goroutine);
            shown = machine->shows(machine);
        }
    }
    for (uint32_t k = 0; k < 2 * GOROUTINES && !shown; k++) {
        uint32_t id = k % GOROUTINES;
        while (!shown && machine->done[id] < EVENTS && (k >= GOROUTINES || id != wish->avoided)) {
            step(machine, id);
            shown = machine->shows(machine);
        }
    }
    if (shown)
        record(machine, executed);
    return shown;
}

static bool search(void *context, const struct shrink_execution *best, struct wish *ret_wish)
{
    struct machine *machine = context;
    (void)best;
    machine->searches++;
    if (machine->proposal != NULL)
        wish_copy(ret_wish, machine->proposal);
    return machine->proposal != NULL;
}

static bool is_over(void *context)
{
    const struct machine *machine = context;
    return machine->executions >= machine->executions_max;
}

/* Starts from everybody executing one event each, round and round. Returns what shrink does. */
static bool reduce(struct machine *machine, struct shrink_execution *best)
{
    struct wish round = { .avoided = WISH_NOBODY };
    wish_resize_runs(&round, TRACE);
    for (uint32_t i = 0; i < TRACE; i++)
        round.runs[i] = (struct wish_run){ .goroutine = i % GOROUTINES,
                                           .until = i / GOROUTINES + 1 };
    if (machine->executions_max == 0)
        machine->executions_max = 1000000;
    bool shown = execute(machine, &round, best);
    assert_true(shown);
    wish_clear(&round);
    return shrink(&(struct shrink_plan){ .execute = execute,
                                         .search = search,
                                         .is_over = is_over,
                                         .context = machine }, best);
}

static void expect_size(const struct shrink_size *size, uint32_t goroutines, uint32_t preemptions,
                        uint32_t switches, uint32_t events)
{
    assert_int_equal(size->goroutines, goroutines);
    assert_int_equal(size->preemptions, preemptions);
    assert_int_equal(size->switches, switches);
    assert_int_equal(size->events, events);
}

/* 1 comes between two events of 2. */
static bool comes_between(const struct machine *machine)
{
    uint32_t one = when(machine, 1, 6);
    return when(machine, 2, 5) < one && one < when(machine, 2, 6)
           && when(machine, 2, 6) < machine->count;
}

static void finds_the_two_that_matter(void **state)
{
    (void)state;
    struct machine machine = { .shows = comes_between };
    struct shrink_execution best = { 0 };
    assert_true(reduce(&machine, &best));
    expect_size(&best.size, 2, 1, 2, 5 + EVENTS + 1); /* 1 goes on to its end: no preemption */
    assert_int_equal(machine.searches, 1);
    wish_clear(&best.wish);
}

/* The last event of 3, whatever was before. */
static bool is_alone(const struct machine *machine)
{
    return when(machine, 3, EVENTS) < TRACE;
}

static void needs_no_preemption(void **state)
{
    (void)state;
    struct machine machine = { .shows = is_alone };
    struct shrink_execution best = { 0 };
    assert_true(reduce(&machine, &best));
    expect_size(&best.size, 1, 0, 0, EVENTS);
    wish_clear(&best.wish);
}

/* A chain through all goroutines, twice. */
static bool is_a_chain(const struct machine *machine)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < 2 * GOROUTINES; i++) {
        uint32_t here = when(machine, i % GOROUTINES, i < GOROUTINES ? 2 : 4);
        if (here >= machine->count || here < before)
            return false;
        before = here;
    }
    return true;
}

static void keeps_what_is_needed(void **state)
{
    (void)state;
    struct machine machine = { .shows = is_a_chain };
    struct shrink_execution best = { 0 };
    assert_true(reduce(&machine, &best));
    /* Each must wait once, and then goes on to its end; but the last shows it at its fourth. */
    expect_size(&best.size, GOROUTINES, GOROUTINES, 2 * GOROUTINES - 1,
                (GOROUTINES - 1) * EVENTS + 4);
    wish_clear(&best.wish);
}

static void says_when_it_was_over(void **state)
{
    (void)state;
    struct machine machine = { .shows = is_a_chain };
    struct shrink_execution best = { 0 }, part = { 0 };
    assert_true(reduce(&machine, &best));
    for (uint32_t limit = 1; limit < machine.executions; limit += 7) {
        struct machine hurried = { .shows = is_a_chain, .executions_max = limit };
        assert_false(reduce(&hurried, &part));
        assert_int_equal(hurried.executions, limit);
        assert_false(shrink_is_smaller(&part.size, &best.size));
    }
    wish_clear(&part.wish);
    wish_clear(&best.wish);
}

/* Either a chain, or 3 alone if it begins. */
static bool has_another_way(const struct machine *machine)
{
    return is_a_chain(machine) || (machine->trace[0] == 3 && when(machine, 3, 2) == 1);
}

static void takes_what_the_search_proposes(void **state)
{
    (void)state;
    struct wish proposal = { .runs = (struct wish_run[]){ { 3, 0, 3 } },
                             .run_count = 1,
                             .avoided = WISH_NOBODY };
    struct machine machine = { .shows = has_another_way, .proposal = &proposal };
    struct shrink_execution best = { 0 };
    assert_true(reduce(&machine, &best));
    expect_size(&best.size, 1, 0, 0, 2);
    wish_clear(&best.wish);
}

static void never_takes_more_preemptions(void **state)
{
    (void)state;
    const struct shrink_size size = { 3, 1, 9, 50, 2 };
    assert_false(shrink_is_smaller(&size, &size));
    assert_true(shrink_is_smaller(&(struct shrink_size){ 2, 1, 99, 99, 9 }, &size));
    assert_false(shrink_is_smaller(&(struct shrink_size){ 2, 2, 1, 1, 0 }, &size));
    assert_true(shrink_is_smaller(&(struct shrink_size){ 3, 0, 99, 99, 9 }, &size));
    assert_false(shrink_is_smaller(&(struct shrink_size){ 4, 0, 1, 1, 0 }, &size));
    assert_true(shrink_is_smaller(&(struct shrink_size){ 3, 1, 8, 99, 9 }, &size));
    assert_true(shrink_is_smaller(&(struct shrink_size){ 3, 1, 9, 49, 9 }, &size));
    assert_true(shrink_is_smaller(&(struct shrink_size){ 3, 1, 9, 50, 1 }, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_two_that_matter),
        cmocka_unit_test(needs_no_preemption),
        cmocka_unit_test(keeps_what_is_needed),
        cmocka_unit_test(says_when_it_was_over),
        cmocka_unit_test(takes_what_the_search_proposes),
        cmocka_unit_test(never_takes_more_preemptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
