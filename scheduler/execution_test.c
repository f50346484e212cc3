/* execution_test.c: the history that goroutines write: who called what when, and what came back.
 * The records of verdicts. */
#include "test_run.h"

static void *setup_history(const void *argument)
{
    treadle_note(TREADLE_ITERATE, 9, 0);
    treadle_call(TREADLE_ASSIGN, 1, 100);
    treadle_return(false, 0, 0);
    return setup_cells(argument);
}

/* assign(key, key * 10) around a write, then access(key) around a read. */
static void operate(void *state, const void *argument)
{
    struct cells *cells = state;
    uint64_t key = (uint64_t)argument;
    treadle_call(TREADLE_ASSIGN, key, key * 10);
    poke64(&cells->cell[key], key * 10);
    treadle_return(false, 0, 0);
    treadle_call(TREADLE_ACCESS, key, 0);
    uint64_t value = peek64(&cells->cell[key]);
    treadle_return(true, key, value);
}

static void note_content(void *state)
{
    (void)state;
    treadle_note(TREADLE_CONTENT, 2, 20);
}

static const struct treadle_target history = {
    .name = "history", .setup = setup_history, .final = note_content,
    PROGRAMS({ "a", operate, (const void *)2 }, { "b", operate, (const void *)3 }),
};

static void expect_operation(uint32_t number, enum treadle_operation_kind kind,
                             uint32_t goroutine, uint32_t called, uint32_t back)
{
    const struct operation *operation = &execution.operations[number];
    assert_int_equal(operation->kind, kind);
    assert_int_equal(operation->goroutine, goroutine);
    assert_int_equal(operation->called, called);
    assert_int_equal(operation->returned, back);
}

static void calls_and_returns_share_one_clock(void **state)
{
    (void)state;
    run_open(&history);
    assert_int_equal(execution.operation_setup_count, 2);
    for (int round = 0; round < 2; round++) {
        /* 1 starts and calls; 2 runs to its end; 1 goes on */
        listed_run("122211");
        expect_no_verdict();
        assert_int_equal(execution.operation_count, 7);
        expect_operation(0, TREADLE_ITERATE, 0, 1, 2);
        expect_operation(1, TREADLE_ASSIGN, 0, 3, 4);
        expect_operation(2, TREADLE_ASSIGN, 1, 5, 10);
        expect_operation(3, TREADLE_ASSIGN, 2, 6, 7);
        expect_operation(4, TREADLE_ACCESS, 2, 8, 9);
        expect_operation(5, TREADLE_ACCESS, 1, 11, 12);
        expect_operation(6, TREADLE_CONTENT, 0, 13, 14);
    }
}

static void arguments_and_results_are_kept(void **state)
{
    (void)state;
    run_open(&history);
    listed_run("122211");
    const struct operation *assign = &execution.operations[3];
    assert_int_equal(assign->key, 3);
    assert_int_equal(assign->value, 30);
    assert_false(assign->found);
    const struct operation *access = &execution.operations[4];
    assert_int_equal(access->key, 3);
    assert_true(access->found);
    assert_int_equal(access->result_key, 3);
    assert_int_equal(access->result_value, 30);
    const struct operation *content = &execution.operations[6];
    assert_int_equal(content->key, 2);
    assert_int_equal(content->value, 20);
    assert_true(content->found);
}

/* The events of an operation are those from its call_event to its return_event. */
static void operations_know_their_events(void **state)
{
    (void)state;
    run_open(&history);
    struct every every = every_schedule();
    while (every_run(&every)) {
        assert_int_equal(execution.operation_count, 7);
        uint32_t tick = 4;
        for (uint32_t i = 2; i < 6; i++) {
            const struct operation *operation = &execution.operations[i];
            uint32_t own = 0;
            for (uint32_t k = operation->call_event; k < operation->return_event; k++) {
                const struct event *event = &execution.trace[k];
                own += event->goroutine == operation->goroutine;
                if (event->goroutine == operation->goroutine)
                    assert_int_equal(event->kind, operation->kind == TREADLE_ASSIGN
                                                      ? EVENT_WRITE
                                                      : EVENT_READ);
            }
            assert_int_equal(own, 1);
            assert_true(operation->called < operation->returned);
            assert_true(operation->called > tick); /* in the order of their calls */
            tick = operation->called;
        }
    }
    assert_int_equal(every.executions, 20);
}

static void call_and_end(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    treadle_call(TREADLE_DELETE, 7, 0);
    treadle_panic("no more");
}

static void what_never_returned_says_so(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "endless", .setup = setup_history,
                                           PROGRAMS({ "e", call_and_end, NULL }) };
    run_open(&target);
    for (int round = 0; round < 2; round++) {
        listed_run("");
        (void)expect_verdict(TREADLE_PANIC, "no more");
        assert_int_equal(execution.operation_count, 3);
        expect_operation(2, TREADLE_DELETE, 1, 5, 0);
    }
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void verdicts_are_told_apart_by_their_rules(void **state)
{
    (void)state;
    static const char one[] = "one rule", other[] = "another rule";
    execution_reset();
    assert_non_null(execution_add_verdict(TREADLE_ASSERT, one));
    assert_null(execution_add_verdict(TREADLE_ASSERT, one));
    assert_non_null(execution_add_verdict(TREADLE_ASSERT, other));
    assert_non_null(execution_add_verdict(TREADLE_PANIC, one));
    assert_int_equal(execution.verdict_count, 3);
    assert_int_equal(execution.verdicts[0].event_count, 0);
    static char rules[EXECUTION_VERDICTS_MAX][8];
    for (uint32_t i = 0; i < EXECUTION_VERDICTS_MAX; i++)
        assert_non_null(execution_add_verdict(TREADLE_CORRUPT, rules[i]));
    assert_int_equal(execution.verdict_count, EXECUTION_VERDICTS_MAX);
    execution_reset();
    assert_int_equal(execution.verdict_count, 0);
}

static void verdicts_have_stable_names(void **state)
{
    (void)state;
    for (int verdict = 0; verdict < TREADLE_VERDICT_COUNT; verdict++)
        assert_int_equal(verdict_from_name(verdict_name((enum treadle_verdict)verdict)), verdict);
    assert_string_equal(verdict_name(TREADLE_USE_AFTER_FREE), "use-after-free");
    assert_int_equal(verdict_from_name("use_after_free"), -1);
    assert_int_equal(verdict_from_name(""), -1);
}

/* ---- invariants ------------------------------------------------------------------------------ */

static bool second_cell_is_larger(void *state, char *detail, size_t bytes)
{
    struct cells *cells = state;
    if (cells->cell[3] > cells->cell[2])
        return true;
    strncpy(detail, "it is not", bytes);
    treadle_breach(&cells->cell[2]);
    treadle_breach(&cells->cell[3]);
    treadle_breach(&cells->cell[5]); /* the set-up's: names no event */
    return false;
}

static void raise_second(void *state, const void *argument)
{
    (void)argument;
    struct cells *cells = state;
    poke64(&cells->cell[2], 5);
    poke64(&cells->cell[3], 4);
}

static void breaches_name_the_last_writers(void **state)
{
    (void)state;
    static const struct treadle_invariant invariant = { TREADLE_CORRUPT, "3 is above 2",
                                                        second_cell_is_larger };
    const struct treadle_target target = { .name = "breach", .setup = setup_cells,
                                           .invariants = &invariant, .invariant_count = 1,
                                           PROGRAMS({ "r", raise_second, NULL },
                                                    { "r", raise_second, NULL }) };
    run_open(&target);
    listed_run("112221");
    const struct verdict_record *record = expect_verdict(TREADLE_CORRUPT, "3 is above 2");
    assert_string_equal(record->detail, "it is not");
    assert_int_equal(record->event_count, 2);
    assert_true(&execution.trace[record->events[0]] == event_of(2, EVENT_WRITE, 0));
    assert_true(&execution.trace[record->events[1]] == event_of(1, EVENT_WRITE, 1));
    assert_false(execution.ended_early);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_returns_share_one_clock),
        cmocka_unit_test(arguments_and_results_are_kept),
        cmocka_unit_test(operations_know_their_events),
        cmocka_unit_test(what_never_returned_says_so),
        cmocka_unit_test(verdicts_are_told_apart_by_their_rules),
        cmocka_unit_test(verdicts_have_stable_names),
        cmocka_unit_test(breaches_name_the_last_writers),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
