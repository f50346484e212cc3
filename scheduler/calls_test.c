/* calls_test.c: calls in the wrong place or with arguments out of range end the program with one
 * line that names the call, and exit code 2: they are errors of who wrote the target, no findings.
 * What subjects say themselves ends the execution. */
#include "test_run.h"

/* ---- errors ---------------------------------------------------------------------------------- */

static void choose_of_none(void)
{
    (void)treadle_choose(0, "none");
}

static void choose_of_too_many(void)
{
    (void)treadle_choose(65537, "too many");
}

static void allocate_too_much(void)
{
    (void)treadle_alloc((size_t)1 << 32, NULL);
}

static void return_without_call(void)
{
    treadle_return(true, 1, 1);
}

static void record_in_program(void)
{
    treadle_record(execution.state, 8, 2, "late");
}

static void add_one(void *argument)
{
    bump64(argument);
}

static void go_in_setup(void)
{
    (void)treadle_go(add_one, NULL);
}

static void join_in_setup(void)
{
    treadle_join(1);
}

static void record_of_17_words(void)
{
    treadle_record(treadle_alloc(17 * 8, NULL), 8, 17, "long");
}

static void record_of_odd_words(void)
{
    treadle_record(treadle_alloc(24, NULL), 3, 8, "odd");
}

static void nine_records(void)
{
    for (int i = 0; i < 9; i++)
        treadle_record(treadle_alloc(16, NULL), 8, 2, "one of nine");
}

static void call(void *state, const void *argument)
{
    (void)state;
    if (argument != NULL)
        (*(void (*const *)(void))argument)();
}

static void *setup_calling(const void *argument)
{
    call(NULL, argument);
    return setup_cells(NULL);
}

static void errors_name_the_call(void **state)
{
    (void)state;
    static const struct {
        void (*call)(void);
        bool in_setup;
        const char *text;
    } cases[] = {
        { choose_of_none, false, "treadle_choose(0)" },
        { choose_of_too_many, false, "treadle_choose(65537)" },
        { allocate_too_much, false, "treadle_alloc(4294967296)" },
        { allocate_too_much, true, "treadle_alloc(4294967296)" },
        { return_without_call, false, "treadle_return" },
        { record_in_program, false, "treadle_record" },
        { record_of_17_words, true, "17 words of 8 bytes" },
        { record_of_odd_words, true, "8 words of 3 bytes" },
        { nine_records, true, "at most 8 records" },
        { go_in_setup, true, "treadle_go" },
        { join_in_setup, true, "treadle_join" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int end;
        pid_t child = child_start(STDERR_FILENO, &end);
        if (child == 0) {
            const struct treadle_target target = {
                .name = "calls", .setup = setup_calling,
                .argument = cases[i].in_setup ? &cases[i].call : NULL,
                PROGRAMS({ "c", call, cases[i].in_setup ? NULL : &cases[i].call }),
            };
            run_open(&target);
            listed_run("");
            _exit(0);
        }
        char text[512];
        int status = child_text(child, end, text, sizeof text);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 2 || strstr(text, cases[i].text) == NULL)
            print_error("expected %s; wait status %d: %s\n", cases[i].text, status, text);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 2);
        assert_memory_equal(text, "treadle: ", 9);
        assert_non_null(strstr(text, cases[i].text));
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
    }
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void end_by_fatal(void)
{
    treadle_go_fatal("concurrent map writes");
}

static void end_by_panic(void)
{
    treadle_panic("assignment to entry in nil map");
}

static void end_by_assert(void)
{
    treadle_assert(true, "what holds ends nothing");
    treadle_assert(false, "what does not hold ends it");
}

static void poke_and_call(void *state, const void *argument)
{
    poke64(&((struct cells *)state)->cell[0], 7);
    call(state, argument);
    poke64(&((struct cells *)state)->cell[1], 7);
}

static void poke_only(void *state, const void *argument)
{
    (void)argument;
    poke64(&((struct cells *)state)->cell[2], 7);
}

/* The verdict names the goroutine's own last event, whose value is known. */
static void subjects_may_end_it(void **state)
{
    (void)state;
    static const struct {
        void (*call)(void);
        enum treadle_verdict verdict;
        const char *rule;
    } cases[] = {
        { end_by_fatal, TREADLE_GO_FATAL, "concurrent map writes" },
        { end_by_panic, TREADLE_PANIC, "assignment to entry in nil map" },
        { end_by_assert, TREADLE_ASSERT, "what does not hold ends it" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct treadle_target target = { .name = "ends", .setup = setup_cells,
                                               PROGRAMS({ "e", poke_and_call, &cases[i].call },
                                                        { "p", poke_only, NULL }) };
        run_open(&target);
        listed_run("122");
        const struct verdict_record *record = expect_verdict(cases[i].verdict, cases[i].rule);
        assert_int_equal(record->event_count, 1);
        assert_true(&execution.trace[record->events[0]] == event_of(1, EVENT_WRITE, 0));
        assert_int_equal(event_of(1, EVENT_WRITE, 0)->value_written, 7);
        assert_true(execution.ended_early);
        assert_int_equal(((struct cells *)execution.state)->cell[1], 0);
    }
}

/* ---- who runs -------------------------------------------------------------------------------- */

static uint32_t selves[4];

static void note_self(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    selves[treadle_self()]++;
}

static void note_self_at_the_end(void *state)
{
    note_self(state, NULL);
}

static void *setup_noting_self(const void *argument)
{
    note_self(NULL, NULL);
    return setup_cells(argument);
}

static void goroutines_know_who_they_are(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "self", .setup = setup_noting_self,
                                           .final = note_self_at_the_end,
                                           PROGRAMS({ "a", note_self, NULL },
                                                    { "b", note_self, NULL },
                                                    { "c", note_self, NULL }) };
    memset(selves, 0, sizeof selves);
    run_open(&target);
    listed_run("321");
    assert_int_equal(selves[0], 2);
    for (uint32_t id = 1; id <= 3; id++)
        assert_int_equal(selves[id], 1);
}

/* ---- logs ------------------------------------------------------------------------------------ */

static void poke_and_log(void *state, const void *argument)
{
    treadle_log("first");
    poke64(&((struct cells *)state)->cell[(uint64_t)argument], 1);
    treadle_log("second");
}

static void logs_stand_at_their_place(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "logs", .setup = setup_cells,
                                           PROGRAMS({ "a", poke_and_log, (const void *)1 },
                                                    { "b", poke_and_log, (const void *)2 }) };
    run_open(&target);
    for (int round = 0; round < 2; round++) {
        listed_run("1221");
        static const struct log_line expected[] = {
            { 1, 1, "first" }, { 2, 2, "first" }, { 3, 2, "second" }, { 5, 1, "second" }
        };
        assert_int_equal(execution.log_count, COUNT(expected));
        for (uint32_t i = 0; i < COUNT(expected); i++) {
            assert_int_equal(execution.logs[i].event, expected[i].event);
            assert_int_equal(execution.logs[i].goroutine, expected[i].goroutine);
            assert_string_equal(execution.logs[i].text, expected[i].text);
        }
    }
}

/* ---- running alone --------------------------------------------------------------------------- */

static void allocate_and_add(void *argument)
{
    uint64_t *cell = treadle_alloc(8, NULL);
    bump64(cell);
    *(uint64_t *)argument += peek64(cell);
}

static void panic_alone(void *argument)
{
    (void)argument;
    treadle_panic("alone");
}

static void runs_alone_outside_any_execution(void **state)
{
    (void)state;
    uint64_t sum = 0;
    const char *rule = NULL;
    for (int round = 0; round < 3; round++) {
        scheduler_close();
        /* sum lies on this stack, which is no memory of the subject's: plain C may write it */
        assert_int_equal(treadle_run_alone(allocate_and_add, &sum, &rule), TREADLE_OK);
        assert_int_equal(treadle_run_alone(panic_alone, NULL, &rule), TREADLE_PANIC);
        assert_string_equal(rule, "alone");
        assert_int_equal(heap_block_count(), 2);
        treadle_free_all();
        assert_int_equal(heap_block_count(), 1);
    }
    assert_int_equal(sum, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_name_the_call),
        cmocka_unit_test(subjects_may_end_it),
        cmocka_unit_test(goroutines_know_who_they_are),
        cmocka_unit_test(logs_stand_at_their_place),
        cmocka_unit_test(runs_alone_outside_any_execution),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
