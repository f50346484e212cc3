/* hooks_memory_test.c: subjects' memcpy, memmove and memset: they do what libc's do, as one event
 * each, and only where all of it is live memory. */
#include "memory.h"
#include "test_run.h"

#define BYTES 200u

static void *setup_bytes(const void *argument)
{
    (void)argument;
    uint8_t *bytes = treadle_alloc(BYTES, NULL);
    for (uint32_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i + 1);
    return bytes;
}

static uint8_t *run_one(void (*run)(void *state, const void *argument))
{
    static struct treadle_program program;
    static struct treadle_target target;
    program = (struct treadle_program){ "one", run, NULL };
    target = (struct treadle_target){ .name = "one", .setup = setup_bytes, .programs = &program,
                                      .program_count = 1 };
    run_open(&target);
    listed_run("");
    return execution.state;
}

static bool returned_to;

static void copy_50(void *state, const void *argument)
{
    (void)argument;
    uint8_t *bytes = state;
    returned_to = subject_memcpy(bytes + 100, bytes, 50) == bytes + 100;
}

static void memcpy_is_one_copy(void **state)
{
    (void)state;
    uint8_t *bytes = run_one(copy_50);
    expect_no_verdict();
    assert_true(returned_to);
    assert_memory_equal(bytes + 100, bytes, 50);
    assert_int_equal(bytes[150], 151);
    assert_int_equal(execution.trace_count, 3);
    const struct event *event = event_of(1, EVENT_COPY, 0);
    assert_true(event->address == (uint64_t)bytes + 100);
    assert_true(event->source == (uint64_t)bytes);
    assert_int_equal(event->size, 50);
    assert_true(event->value_read == memory_hash((uint64_t)bytes, 50));
    assert_true(event->value_written == event->value_read);
    assert_int_equal(event->order, EVENT_PLAIN);
}

static void move_overlapping(void *state, const void *argument)
{
    (void)argument;
    uint8_t *bytes = state;
    returned_to = subject_memmove(bytes + 10, bytes, 100) == bytes + 10;
    returned_to &= subject_memmove(bytes, bytes + 5, 100) == bytes;
}

static void memmove_may_overlap(void **state)
{
    (void)state;
    uint8_t expected[BYTES];
    for (uint32_t i = 0; i < BYTES; i++)
        expected[i] = (uint8_t)(i + 1);
    uint64_t hash_first = memory_hash((uint64_t)expected, 100);
    memmove(expected + 10, expected, 100);
    uint64_t hash_second = memory_hash((uint64_t)expected + 5, 100);
    memmove(expected, expected + 5, 100);
    uint8_t *bytes = run_one(move_overlapping);
    expect_no_verdict();
    assert_true(returned_to);
    assert_memory_equal(bytes, expected, BYTES);
    assert_int_equal(events_of_kind(EVENT_COPY), 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct event *event = event_of(1, EVENT_COPY, i);
        assert_true(event->value_read == (i == 0 ? hash_first : hash_second));
        assert_true(event->value_written == event->value_read);
    }
}

static void set_various(void *state, const void *argument)
{
    (void)argument;
    uint8_t *bytes = state;
    returned_to = subject_memset(bytes + 1, 0x1a5, 7) == bytes + 1; /* its low byte counts */
    (void)subject_memset(bytes + 16, 0xff, 8);
    (void)subject_memset(bytes + 32, 0, 33);
}

static void memset_is_one_write(void **state)
{
    (void)state;
    uint8_t *bytes = run_one(set_various);
    expect_no_verdict();
    assert_true(returned_to);
    assert_int_equal(events_of_kind(EVENT_WRITE), 3);
    static const uint8_t a5[] = { 1, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 9 };
    assert_memory_equal(bytes, a5, sizeof a5);
    assert_true(event_of(1, EVENT_WRITE, 0)->value_written == memory_hash((uint64_t)bytes + 1, 7));
    assert_true(event_of(1, EVENT_WRITE, 1)->value_written == UINT64_MAX);
    assert_int_equal(event_of(1, EVENT_WRITE, 2)->size, 33);
    assert_int_equal(bytes[64], 0);
    assert_int_equal(bytes[65], 66);
}

/* Values of 1, 2, 4 and 8 bytes stand in the event as they are. */
static void copy_words(void *state, const void *argument)
{
    (void)argument;
    uint8_t *bytes = state;
    for (size_t size = 1; size <= 8; size *= 2)
        (void)subject_memcpy(bytes + 64, bytes, size);
}

static void short_copies_record_their_value(void **state)
{
    (void)state;
    (void)run_one(copy_words);
    static const uint64_t values[] = { 0x01, 0x0201, 0x04030201, UINT64_C(0x0807060504030201) };
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(event_of(1, EVENT_COPY, i)->value_read == values[i]);
        assert_true(event_of(1, EVENT_COPY, i)->value_written == values[i]);
    }
}

static void copy_nothing(void *state, const void *argument)
{
    (void)argument;
    returned_to = subject_memcpy(state, NULL, 0) == state && subject_memmove(NULL, state, 0) == NULL
                  && subject_memset(NULL, 1, 0) == NULL;
}

static void no_bytes_are_no_event(void **state)
{
    (void)state;
    (void)run_one(copy_nothing);
    expect_no_verdict();
    assert_true(returned_to);
    assert_int_equal(execution.trace_count, 2);
}

/* ---- checks ---------------------------------------------------------------------------------- */

static void copy_beyond_target(void *state, const void *argument)
{
    (void)argument;
    uint8_t *bytes = state;
    (void)subject_memcpy(bytes + BYTES - 10, bytes, 11);
}

static void copy_beyond_source(void *state, const void *argument)
{
    (void)argument;
    uint8_t *bytes = state;
    (void)subject_memmove(bytes, bytes + BYTES - 10, 11);
}

static void set_beyond(void *state, const void *argument)
{
    (void)argument;
    (void)subject_memset((uint8_t *)state + 1, 0, BYTES);
}

static void copy_from_null(void *state, const void *argument)
{
    (void)argument;
    (void)subject_memcpy(state, NULL, 8);
}

static void copy_to_constant(void *state, const void *argument)
{
    (void)argument;
    (void)subject_memcpy((void *)&subject_constant, state, 8);
}

static void what_exceeds_is_a_verdict(void **state)
{
    (void)state;
    static const struct {
        void (*run)(void *state, const void *argument);
        enum treadle_verdict verdict;
        enum event_kind kind;
    } cases[] = {
        { copy_beyond_target, TREADLE_OUT_OF_BOUNDS, EVENT_COPY },
        { copy_beyond_source, TREADLE_OUT_OF_BOUNDS, EVENT_COPY },
        { set_beyond, TREADLE_OUT_OF_BOUNDS, EVENT_WRITE },
        { copy_from_null, TREADLE_WILD_ACCESS, EVENT_COPY },
        { copy_to_constant, TREADLE_WILD_ACCESS, EVENT_COPY },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t *bytes = run_one(cases[i].run);
        const struct verdict_record *record = expect_verdict(cases[i].verdict, "");
        assert_int_equal(record->event_count, 1);
        assert_int_equal(execution.trace[record->events[0]].kind, cases[i].kind);
        for (uint32_t k = 0; k < BYTES; k++) /* nothing has happened */
            assert_int_equal(bytes[k], (uint8_t)(k + 1));
    }
    assert_int_equal(subject_constant, 42);
}

/* ---- among goroutines ------------------------------------------------------------------------ */

static void fill(void *state, const void *argument)
{
    (void)subject_memset(state, (int)(uint64_t)argument, 64);
}

static void take(void *state, const void *argument)
{
    (void)argument;
    (void)subject_memcpy((uint8_t *)state + 64, state, 64);
}

static bool uniform(const uint8_t *bytes)
{
    return memcmp(bytes, bytes + 1, 63) == 0;
}

static void they_are_never_seen_half_done(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "half", .setup = setup_cells,
                                           PROGRAMS({ "1", fill, (const void *)1 },
                                                    { "2", fill, (const void *)2 },
                                                    { "t", take, NULL }) };
    run_open(&target);
    struct every every = every_schedule();
    uint32_t taken[3] = { 0 };
    while (every_run(&every)) {
        expect_no_verdict();
        const uint8_t *bytes = execution.state;
        assert_true(uniform(bytes) && uniform(bytes + 64));
        taken[bytes[64]]++;
    }
    assert_int_equal(every.executions, 90); /* 6! / 2!^3 */
    assert_int_equal(taken[1], taken[2]);
    assert_int_equal(taken[0], 30); /* one of three comes first */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memcpy_is_one_copy),
        cmocka_unit_test(memmove_may_overlap),
        cmocka_unit_test(memset_is_one_write),
        cmocka_unit_test(short_copies_record_their_value),
        cmocka_unit_test(no_bytes_are_no_event),
        cmocka_unit_test(what_exceeds_is_a_verdict),
        cmocka_unit_test(they_are_never_seen_half_done),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
