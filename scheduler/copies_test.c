/* copies_test.c: a struct copy, which the compiler announces as a write and a read, is one event of
 * its own, and happens where the trace has it. */
#include "memory.h"
#include "test_run.h"

/* A page of arena memory, each byte different from its neighbours. */
static void *setup_bytes(const void *argument)
{
    (void)argument;
    uint8_t *bytes = treadle_alloc(4096, NULL);
    for (uint32_t i = 0; i < 4096; i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    return bytes;
}

/* Runs one goroutine on such a page, without a verdict. */
static uint8_t *run_one(void (*run)(void *state, const void *argument))
{
    static struct treadle_program program;
    static struct treadle_target target;
    program = (struct treadle_program){ "one", run, NULL };
    target = (struct treadle_target){ .name = "one", .setup = setup_bytes, .programs = &program,
                                      .program_count = 1 };
    run_open(&target);
    listed_run("");
    expect_no_verdict();
    return execution.state;
}

/* The goroutine's events but for its start and exit. */
static const struct event *own_event(uint32_t number)
{
    assert_true(number + 2 < execution.trace_count);
    return &execution.trace[number + 1];
}

static uint32_t own_events(void)
{
    assert_int_equal(execution.trace[0].kind, EVENT_START);
    assert_int_equal(execution.trace[execution.trace_count - 1].kind, EVENT_EXIT);
    return execution.trace_count - 2;
}

static void expect_event(const struct event *event, enum event_kind kind, const void *address,
                         uint32_t size, uint64_t read, uint64_t written)
{
    assert_int_equal(event->kind, kind);
    assert_true(event->address == (uint64_t)address);
    assert_int_equal(event->size, size);
    assert_true(event->value_read == read);
    assert_true(event->value_written == written);
    assert_int_equal(event->order & ~EVENT_HALVES, EVENT_PLAIN);
    assert_int_equal(event->goroutine, 1);
    assert_int_equal(event->success, 1);
    assert_true(event->pc != 0);
    assert_int_equal(event->index, event - execution.trace);
}

static const unsigned __int128 wide = (unsigned __int128)0x1122334455667788 << 64 | 0x99;


/* ---- structs --------------------------------------------------------------------------------- */

static void copy_all(void *state, const void *argument)
{
    (void)argument;
    uint8_t *bytes = state;
    copy16((struct words2 *)bytes, (struct words2 *)(bytes + 1024));
    copy24((struct words3 *)(bytes + 128), (struct words3 *)(bytes + 1152));
    copy40((struct words5 *)(bytes + 256), (struct words5 *)(bytes + 1280));
    copy96((struct words12 *)(bytes + 384), (struct words12 *)(bytes + 1408));
}

static void a_struct_copy_is_one_event(void **state)
{
    (void)state;
    uint8_t *bytes = run_one(copy_all);
    static const uint32_t sizes[] = { 16, 24, 40, 96 };
    assert_int_equal(own_events(), 4);
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t *to = bytes + 128 * i, *from = to + 1024;
        assert_memory_equal(to, from, sizes[i]);
        uint64_t value = memory_hash((uint64_t)to, sizes[i]);
        expect_event(own_event(i), EVENT_COPY, to, sizes[i], value, value);
        assert_true(own_event(i)->source == (uint64_t)from);
    }
}

static void copy_small(void *state, const void *argument)
{
    (void)argument;
    uint8_t *bytes = state;
    copy8((struct words1 *)bytes, (struct words1 *)(bytes + 1024));
    copy8_of_halves((struct halves2 *)(bytes + 128), (struct halves2 *)(bytes + 1152));
}

static void a_copy_of_a_small_struct_is_one_event(void **state)
{
    (void)state;
    uint8_t *bytes = run_one(copy_small);
    assert_int_equal(own_events(), 2);
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t *to = bytes + 128 * i, *from = to + 1024;
        assert_memory_equal(to, from, 8);
        uint64_t value = memory_value((uint64_t)to, 8);
        expect_event(own_event(i), EVENT_COPY, to, 8, value, value);
        assert_true(own_event(i)->source == (uint64_t)from);
    }
}

/* A store and a load of like size that are no copy. */
static void store_and_load(void *state, const void *argument)
{
    (void)argument;
    unsigned __int128 *at = state;
    poke128(&at[0], wide);
    (void)peek128(&at[4]);
    copy24_twice((struct words3 *)&at[8], (struct words3 *)&at[12], (struct words3 *)&at[16],
                 (struct words3 *)&at[20]);
    clear24((struct words3 *)&at[24]);
    (void)sum24((struct words3 *)&at[24]);
}

static void neighbours_are_not_taken_for_a_copy(void **state)
{
    (void)state;
    uint8_t *bytes = run_one(store_and_load);
    static const enum event_kind kinds[] = {
        EVENT_WRITE, EVENT_READ, EVENT_COPY, EVENT_COPY, EVENT_WRITE, EVENT_READ,
        EVENT_READ,  EVENT_READ, EVENT_READ, /* the sum, on the stack */
    };
    assert_int_equal(own_events(), COUNT(kinds));
    for (uint32_t i = 0; i < COUNT(kinds); i++)
        assert_int_equal(own_event(i)->kind, kinds[i]);
    assert_true(own_event(3)->address == (uint64_t)bytes + 256);
    assert_true(own_event(3)->source == (uint64_t)bytes + 320);
    assert_int_equal(own_event(5)->size, 24);
    for (uint32_t i = 6; i < 9; i++)
        assert_int_equal(fiber_of_address(own_event(i)->address), 1);
}

/* ---- copies among goroutines ----------------------------------------------------------------- */

#define KEY UINT64_C(0x0101010101010101)

/* Source: 24 bytes of `goroutine` each. Copied by both to words[0] and read by copying from it. */
static void copy_in_and_out(void *state, const void *argument)
{
    struct cells *cells = state;
    uint64_t self = (uint64_t)argument;
    copy24(&cells->words[0], &cells->words[self]);
    copy24(&cells->words[self], &cells->words[0]);
}

static void *setup_words(const void *argument)
{
    struct cells *cells = setup_cells(argument);
    for (uint64_t i = 0; i < 4; i++)
        for (int word = 0; word < 3; word++)
            cells->words[i].word[word] = i * KEY;
    return cells;
}

static bool whole(const struct words3 *words)
{
    return words->word[0] == words->word[1] && words->word[1] == words->word[2];
}

static void copies_are_never_seen_half(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "copies", .setup = setup_words,
                                           PROGRAMS({ "a", copy_in_and_out, (const void *)1 },
                                                    { "b", copy_in_and_out, (const void *)2 }) };
    run_open(&target);
    struct every every = every_schedule();
    uint32_t crossed = 0;
    while (every_run(&every)) {
        expect_no_verdict();
        const struct cells *cells = execution.state;
        assert_int_equal(events_of_kind(EVENT_COPY), 4);
        assert_int_equal(events_of_kind(EVENT_READ), 0);
        assert_int_equal(events_of_kind(EVENT_WRITE), 0);
        for (int i = 0; i < 3; i++)
            assert_true(whole(&cells->words[i]));
        /* each copy out has what the last copy in had put there, by the order of the trace */
        uint64_t there = 0;
        for (uint32_t i = 0; i < execution.trace_run_count; i++) {
            const struct event *event = &execution.trace[i];
            if (event->kind != EVENT_COPY)
                continue;
            if (event->address == (uint64_t)&cells->words[0])
                there = event->value_written;
            else
                assert_true(event->value_read == there && event->value_written == there);
        }
        crossed += cells->words[1].word[0] != KEY || cells->words[2].word[0] != 2 * KEY;
    }
    assert_true(crossed > 0);
    assert_int_equal(every.executions, 20); /* C(6, 3): start, copy, copy */
}

/* The same for structs of one word. */
static void copy_one_word(void *state, const void *argument)
{
    struct cells *cells = state;
    uint64_t self = (uint64_t)argument;
    copy8((struct words1 *)&cells->cell[0], (struct words1 *)&cells->words[self]);
    (void)peek64(&cells->cell[0]);
}

static void expect_trace_is_true_to_memory(void)
{
    const struct cells *cells = execution.state;
    uint64_t there = 0;
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        if (event->address != (uint64_t)&cells->cell[0])
            continue;
        if (event_effect(event) & EVENT_WRITES)
            there = event->value_written;
        else
            assert_true(event->value_read == there);
    }
    assert_true(cells->cell[0] == there);
}

static void small_copies_happen_where_the_trace_says(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "small copies", .setup = setup_words,
                                           PROGRAMS({ "a", copy_one_word, (const void *)1 },
                                                    { "b", copy_one_word, (const void *)2 }) };
    run_open(&target);
    struct every every = every_schedule();
    while (every_run(&every)) {
        expect_no_verdict();
        expect_trace_is_true_to_memory();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_struct_copy_is_one_event),
        cmocka_unit_test(a_copy_of_a_small_struct_is_one_event),
        cmocka_unit_test(neighbours_are_not_taken_for_a_copy),
        cmocka_unit_test(copies_are_never_seen_half),
        cmocka_unit_test(small_copies_happen_where_the_trace_says),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
