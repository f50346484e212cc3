/* hooks_test.c: what the compiler announces is recorded as what really happens: one event for each
 * access, of its size, with the values that are there. */
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "test_run.h"

#define PROGRAMS(...)                                                                              \
    .programs = (const struct treadle_program[]){ __VA_ARGS__ },                                   \
    .program_count = COUNT(((const struct treadle_program[]){ __VA_ARGS__ }))

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
    assert_int_equal(event->order, EVENT_PLAIN);
    assert_int_equal(event->goroutine, 1);
    assert_int_equal(event->success, 1);
    assert_true(event->pc != 0);
    assert_int_equal(event->index, event - execution.trace);
}

/* ---- scalars --------------------------------------------------------------------------------- */

static void peek_all(void *state, const void *argument)
{
    (void)argument;
    (void)peek8(state);
    (void)peek16(state);
    (void)peek32(state);
    (void)peek64(state);
    (void)peek128(state);
}

static void reads_of_each_size(void **state)
{
    (void)state;
    uint8_t *bytes = run_one(peek_all);
    assert_int_equal(own_events(), 5);
    for (uint32_t i = 0; i < 5; i++) {
        uint64_t value = 0;
        if (i < 4)
            memcpy(&value, bytes, 1u << i);
        else
            value = memory_hash((uint64_t)bytes, 16);
        expect_event(own_event(i), EVENT_READ, bytes, 1u << i, value, 0);
    }
}

static const unsigned __int128 wide = (unsigned __int128)0x1122334455667788 << 64 | 0x99;

static void poke_all(void *state, const void *argument)
{
    (void)argument;
    uint8_t *bytes = state;
    poke8(bytes, 0xab);
    poke16((uint16_t *)(bytes + 16), 0xabcd);
    poke32((uint32_t *)(bytes + 32), 0xabcdef01);
    poke64((uint64_t *)(bytes + 48), UINT64_C(0xabcdef0123456789));
    poke128((unsigned __int128 *)(bytes + 64), wide);
}

static void writes_of_each_size(void **state)
{
    (void)state;
    uint8_t *bytes = run_one(poke_all);
    static const uint64_t values[] = { 0xab, 0xabcd, 0xabcdef01, UINT64_C(0xabcdef0123456789) };
    assert_int_equal(own_events(), 5);
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t there = 0;
        memcpy(&there, bytes + 16 * i, 1u << i);
        assert_true(there == values[i]);
        expect_event(own_event(i), EVENT_WRITE, bytes + 16 * i, 1u << i, 0, values[i]);
    }
    assert_memory_equal(bytes + 64, &wide, 16);
    expect_event(own_event(4), EVENT_WRITE, bytes + 64, 16, 0, memory_hash((uint64_t)&wide, 16));
}

static void bump_all(void *state, const void *argument)
{
    (void)argument;
    bump8(state);
    bump16(state);
    bump32(state);
    bump64(state);
    bump128(state);
}

static void a_bump_is_a_read_and_a_write(void **state)
{
    (void)state;
    uint8_t *bytes = run_one(bump_all);
    assert_int_equal(own_events(), 10);
    for (uint32_t i = 0; i < 5; i++) {
        const struct event *read = own_event(2 * i), *write = own_event(2 * i + 1);
        assert_int_equal(read->kind, EVENT_READ);
        assert_int_equal(write->kind, EVENT_WRITE);
        assert_true(write->address == (uint64_t)bytes && read->address == write->address);
        assert_int_equal(read->size, 1u << i);
        assert_int_equal(write->size, 1u << i);
        if (i < 4)
            assert_true(write->value_written == read->value_read + 1); /* no carry in them */
    }
}

static void touch_packed(void *state, const void *argument)
{
    (void)argument;
    struct packed_record *record = state;
    (void)packed_half(record);
    (void)packed_word(record);
    (void)packed_wide(record);
    packed_set_half(record + 1, 0x1234);
    packed_set_word(record + 1, 0x12345678);
    packed_set_wide(record + 1, UINT64_C(0x123456789abcdef0));
}

static void unaligned_accesses_are_recorded_whole(void **state)
{
    (void)state;
    struct packed_record *record = (struct packed_record *)run_one(touch_packed);
    assert_int_equal(own_events(), 6);
    expect_event(own_event(0), EVENT_READ, (uint8_t *)record + 1, 2, record->half, 0);
    expect_event(own_event(1), EVENT_READ, (uint8_t *)record + 3, 4, record->word, 0);
    expect_event(own_event(2), EVENT_READ, (uint8_t *)record + 7, 8, record->wide, 0);
    record++;
    expect_event(own_event(3), EVENT_WRITE, (uint8_t *)record + 1, 2, 0, 0x1234);
    expect_event(own_event(4), EVENT_WRITE, (uint8_t *)record + 3, 4, 0, 0x12345678);
    expect_event(own_event(5), EVENT_WRITE, (uint8_t *)record + 7, 8, 0,
                 UINT64_C(0x123456789abcdef0));
}

/* ---- hooks that this compiler does not call -------------------------------------------------- */

#define DECLARE(size)                                                                              \
    void __tsan_unaligned_read##size(void *address);                                               \
    void __tsan_unaligned_write##size(void *address);                                              \
    void __tsan_volatile_read##size(void *address);                                                \
    void __tsan_volatile_write##size(void *address);                                               \
    void __tsan_unaligned_volatile_read##size(void *address);                                      \
    void __tsan_unaligned_volatile_write##size(void *address);                                     \
    void __tsan_read_write##size(void *address);
DECLARE(1)
DECLARE(2)
DECLARE(4)
DECLARE(8)
DECLARE(16)
void __tsan_read_range(void *address, unsigned long bytes);
void __tsan_write_range(void *address, unsigned long bytes);

static void call_others(void *state, const void *argument)
{
    (void)argument;
#define CALL(size)                                                                                 \
    __tsan_unaligned_read##size(state);                                                            \
    __tsan_volatile_read##size(state);                                                             \
    __tsan_unaligned_volatile_read##size(state);                                                   \
    __tsan_unaligned_write##size(state);                                                           \
    __tsan_volatile_write##size(state);                                                            \
    __tsan_unaligned_volatile_write##size(state);                                                  \
    __tsan_read_write##size(state);
    CALL(1)
    CALL(2)
    CALL(4)
    CALL(8)
    CALL(16)
    __tsan_read_range(state, 0);
    __tsan_write_range(state, 0);
}

static void other_compilers_hooks_do_the_same(void **state)
{
    (void)state;
    uint8_t *bytes = run_one(call_others);
    static const enum event_kind kinds[] = { EVENT_READ,  EVENT_READ,  EVENT_READ, EVENT_WRITE,
                                             EVENT_WRITE, EVENT_WRITE, EVENT_READ, EVENT_WRITE };
    assert_int_equal(own_events(), 40); /* ranges of no bytes are none */
    for (uint32_t i = 0; i < 40; i++) {
        const struct event *event = own_event(i);
        uint32_t size = 1u << i / 8;
        uint64_t value = memory_value((uint64_t)bytes, size);
        bool reads = kinds[i % 8] == EVENT_READ;
        expect_event(event, kinds[i % 8], bytes, size, reads ? value : 0, reads ? 0 : value);
    }
}

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

/* Reads and writes of plain words: the trace is what happened, in every schedule. */
static void bump_twice(void *state, const void *argument)
{
    (void)argument;
    bump64(&((struct cells *)state)->cell[0]);
    bump64(&((struct cells *)state)->cell[0]);
}

static void plain_accesses_happen_where_the_trace_says(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "bumps", .setup = setup_cells,
                                           PROGRAMS({ "a", bump_twice, NULL },
                                                    { "b", bump_twice, NULL }) };
    run_open(&target);
    struct every every = every_schedule();
    while (every_run(&every))
        expect_trace_is_true_to_memory();
    assert_int_equal(every.executions, 252); /* C(10, 5) */
}

/* ---- what a copy is about to do -------------------------------------------------------------- */

/* pos and replay look at pending events: where a copy reads counts for both. */
static uint32_t wrong_pending;

static uint32_t look_at_pending(struct strategy *self, enum choice_kind kind,
                                struct goroutine *const *candidates, uint32_t count)
{
    (void)self;
    (void)kind;
    for (uint32_t i = 0; i < count; i++)
        wrong_pending += candidates[i]->pending.kind == EVENT_WRITE;
    return 0;
}

static void no_begin(struct strategy *self, uint64_t seed)
{
    (void)self;
    (void)seed;
}

static void a_pending_copy_is_known_as_a_copy(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "pending", .setup = setup_words,
                                           PROGRAMS({ "a", copy_in_and_out, (const void *)1 },
                                                    { "b", copy_in_and_out, (const void *)2 }) };
    struct strategy strategy = { .name = "look", .begin = no_begin, .choose = look_at_pending,
                                 .forced = true };
    run_open(&target);
    wrong_pending = 0;
    scheduler_run(&strategy, 0);
    assert_int_equal(wrong_pending, 0);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

static uint64_t *shared_local;

static void lend_local(void *state, const void *argument)
{
    (void)argument;
    uint64_t local = 5;
    shared_local = &local;
    poke64(&local, 6);
    bump64(&((struct cells *)state)->cell[0]);
    (void)peek64(&local);
}

static void borrow_local(void *state, const void *argument)
{
    (void)argument;
    bump64(&((struct cells *)state)->cell[1]);
    poke64(shared_local, 7);
}

static struct treadle_target lending = {
    .name = "lending", .setup = setup_cells,
    PROGRAMS({ "lender", lend_local, NULL }, { "borrower", borrow_local, NULL }),
};

static void stacks_are_shared_memory(void **state)
{
    (void)state;
    lending.private_stacks = false;
    run_open(&lending);
    listed_run("11122222");
    expect_no_verdict();
    assert_int_equal(fiber_of_address(event_of(1, EVENT_WRITE, 0)->address), 1);
    assert_int_equal(event_of(1, EVENT_WRITE, 0)->value_written, 6);
    assert_int_equal(event_of(2, EVENT_WRITE, 1)->value_written, 7);
    assert_int_equal(event_of(1, EVENT_READ, 1)->value_read, 7);
}

static void private_stacks_have_no_events(void **state)
{
    (void)state;
    lending.private_stacks = true;
    run_open(&lending);
    listed_run("112222");
    (void)expect_verdict(TREADLE_WILD_ACCESS, "outside any live memory");
    assert_int_equal(execution.trace[execution.trace_run_count - 1].goroutine, 2);
    for (uint32_t i = 0; i + 1 < execution.trace_run_count; i++)
        assert_int_equal(fiber_of_address(execution.trace[i].address), -1);
}

/* ---- global data ----------------------------------------------------------------------------- */

static void touch_globals(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    bump64(&subject_global);
    (void)peek64(&subject_constant);
    copy24(&subject_global_words, (struct words3 *)subject_globals);
}

static void global_data_is_shared_memory(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        (void)run_one(touch_globals);
        expect_event(own_event(0), EVENT_READ, &subject_global, 8, 0, 0);
        expect_event(own_event(1), EVENT_WRITE, &subject_global, 8, 0, 1);
        expect_event(own_event(2), EVENT_READ, &subject_constant, 8, 42, 0);
        assert_int_equal(own_event(3)->kind, EVENT_COPY);
        scheduler_close();
        assert_int_equal(subject_global, 0);
    }
}

/* ---- set-up and final check ------------------------------------------------------------------ */

static void *setup_with_hooks(const void *argument)
{
    struct cells *cells = setup_cells(argument);
    poke64(&cells->cell[0], 3);
    copy24(&cells->words[0], (struct words3 *)cells->cell);
    return cells;
}

static void nothing(void *state, const void *argument)
{
    (void)state;
    (void)argument;
}

static void look_at_the_end(void *state)
{
    struct cells *cells = state;
    (void)peek64(&cells->cell[0]);
    poke64(&cells->cell[1], 9);
    copy24(&cells->words[1], &cells->words[0]);
}

static void the_final_check_is_recorded_the_setup_not(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "final", .setup = setup_with_hooks,
                                           PROGRAMS({ "n", nothing, NULL }),
                                           .final = look_at_the_end };
    run_open(&target);
    listed_run("");
    expect_no_verdict();
    assert_int_equal(execution.trace_run_count, 2);
    assert_int_equal(execution.trace_count, 5);
    assert_int_equal(event_of(0, EVENT_READ, 0)->value_read, 3);
    assert_int_equal(event_of(0, EVENT_WRITE, 0)->value_written, 9);
    assert_int_equal(event_of(0, EVENT_COPY, 0)->size, 24);
    assert_true(event_of(0, EVENT_COPY, 0)->value_read == event_of(0, EVENT_COPY, 0)->value_written);
}

static int close_target(void **state)
{
    (void)state;
    scheduler_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_of_each_size),
        cmocka_unit_test(writes_of_each_size),
        cmocka_unit_test(a_bump_is_a_read_and_a_write),
        cmocka_unit_test(unaligned_accesses_are_recorded_whole),
        cmocka_unit_test(other_compilers_hooks_do_the_same),
        cmocka_unit_test(a_struct_copy_is_one_event),
        cmocka_unit_test(a_copy_of_a_small_struct_is_one_event),
        cmocka_unit_test(neighbours_are_not_taken_for_a_copy),
        cmocka_unit_test(copies_are_never_seen_half),
        cmocka_unit_test(small_copies_happen_where_the_trace_says),
        cmocka_unit_test(plain_accesses_happen_where_the_trace_says),
        cmocka_unit_test(a_pending_copy_is_known_as_a_copy),
        cmocka_unit_test(stacks_are_shared_memory),
        cmocka_unit_test(private_stacks_have_no_events),
        cmocka_unit_test(global_data_is_shared_memory),
        cmocka_unit_test(the_final_check_is_recorded_the_setup_not),
    };
    return cmocka_run_group_tests(tests, NULL, close_target);
}
