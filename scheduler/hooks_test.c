/* hooks_test.c: what the compiler announces is recorded as what really happens: one event for each
 * access, of its size, with the values that are there. */
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
    __tsan_unaligned_volatile_write##size(state);
    CALL(1)
    CALL(2)
    CALL(4)
    CALL(8)
    CALL(16)
    __tsan_read_range(state, 0);
    __tsan_write_range(state, 0);
    __tsan_read_write1(state);
    __tsan_read_write2(state);
    __tsan_read_write4(state);
    __tsan_read_write8(state);
    __tsan_read_write16(state);
}

/* That number's event reads (or writes) so many bytes, which nobody changes. */
static void expect_untouched(uint32_t number, enum event_kind kind, uint32_t size)
{
    uint64_t value = memory_value((uint64_t)execution.state, size);
    bool reads = kind == EVENT_READ;
    expect_event(own_event(number), kind, execution.state, size, reads ? value : 0,
                 reads ? 0 : value);
}

static void other_compilers_hooks_do_the_same(void **state)
{
    (void)state;
    (void)run_one(call_others);
    assert_int_equal(own_events(), 40); /* ranges of no bytes are none */
    for (uint32_t i = 0; i < 30; i++)
        expect_untouched(i, i % 6 < 3 ? EVENT_READ : EVENT_WRITE, 1u << i / 6);
    for (uint32_t i = 0; i < 10; i++)
        expect_untouched(30 + i, i % 2 == 0 ? EVENT_READ : EVENT_WRITE, 1u << i / 2);
}

/* ---- among goroutines ------------------------------------------------------------------------ */

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
    listed_run("1112222");
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
    const struct event *copy = event_of(0, EVENT_COPY, 0);
    assert_int_equal(copy->size, 24);
    assert_true(copy->value_read == copy->value_written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_of_each_size),
        cmocka_unit_test(writes_of_each_size),
        cmocka_unit_test(a_bump_is_a_read_and_a_write),
        cmocka_unit_test(unaligned_accesses_are_recorded_whole),
        cmocka_unit_test(other_compilers_hooks_do_the_same),
        cmocka_unit_test(plain_accesses_happen_where_the_trace_says),
        cmocka_unit_test(stacks_are_shared_memory),
        cmocka_unit_test(private_stacks_have_no_events),
        cmocka_unit_test(global_data_is_shared_memory),
        cmocka_unit_test(the_final_check_is_recorded_the_setup_not),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
