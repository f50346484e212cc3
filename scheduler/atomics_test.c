/* atomics_test.c: every atomic operation of every size does what C says, as one event that records
 * its order and its values. */
#include "test_run.h"

/* What the operations returned, in their order. */
static uint64_t returned[32];

#define A UINT64_C(0xf0f1f2f3f4f5f6f7)
#define B UINT64_C(0x1122334455667788)

/* What the goroutine of one size does: each operation on a cell of its own, which holds A. C11's
 * compare-and-swaps have their argument on the stack: the target declares stacks private. */
#define X(bits, type)                                                                              \
    static void all_of_##bits(void *state, const void *argument)                                   \
    {                                                                                              \
        (void)argument;                                                                            \
        _Atomic type *at = state;                                                                  \
        const uint32_t next = 64 / sizeof(type);                                                   \
        uint32_t n = 0;                                                                            \
        returned[n++] = atomic_load##bits(at);                                                     \
        returned[n++] = atomic_load_acquire##bits(at += next);                                     \
        atomic_store##bits(at += next, (type)B);                                                   \
        n++;                                                                                       \
        atomic_store_release##bits(at += next, (type)B);                                           \
        n++;                                                                                       \
        returned[n++] = atomic_exchange##bits(at += next, (type)B);                                \
        returned[n++] = atomic_add##bits(at += next, (type)B);                                     \
        returned[n++] = atomic_sub##bits(at += next, (type)B);                                     \
        returned[n++] = atomic_and##bits(at += next, (type)B);                                     \
        returned[n++] = atomic_or##bits(at += next, (type)B);                                      \
        returned[n++] = atomic_xor##bits(at += next, (type)B);                                     \
        returned[n++] = atomic_nand##bits(at += next, (type)B);                                    \
        returned[n++] = atomic_cas##bits(at += next, (type)A, (type)B);                            \
        returned[n++] = atomic_cas##bits(at += next, (type)B, (type)B);                            \
        returned[n++] = atomic_cas_weak_relaxed##bits(at += next, (type)A, (type)B);               \
        returned[n++] = atomic_cas_weak_relaxed##bits(at += next, (type)B, (type)A);               \
        returned[n++] = atomic_cas_sync##bits(at += next, (type)A, (type)B);                       \
        returned[n++] = atomic_cas_sync##bits(at += next, (type)B, (type)A);                       \
    }
SUBJECT_ATOMICS(X)
#undef X

/* What each of them must have done to A, in 64 bits. */
static const struct {
    enum event_kind kind;
    enum event_order order;
    bool reads, fails;
    uint64_t after;
} OPERATIONS[] = {
    { EVENT_ATOMIC_LOAD, EVENT_SEQ_CST, true, false, A },
    { EVENT_ATOMIC_LOAD, EVENT_ACQUIRE, true, false, A },
    { EVENT_ATOMIC_STORE, EVENT_SEQ_CST, false, false, B },
    { EVENT_ATOMIC_STORE, EVENT_RELEASE, false, false, B },
    { EVENT_ATOMIC_RMW, EVENT_SEQ_CST, true, false, B },
    { EVENT_ATOMIC_RMW, EVENT_SEQ_CST, true, false, A + B },
    { EVENT_ATOMIC_RMW, EVENT_SEQ_CST, true, false, A - B },
    { EVENT_ATOMIC_RMW, EVENT_SEQ_CST, true, false, A & B },
    { EVENT_ATOMIC_RMW, EVENT_SEQ_CST, true, false, A | B },
    { EVENT_ATOMIC_RMW, EVENT_SEQ_CST, true, false, A ^ B },
    { EVENT_ATOMIC_RMW, EVENT_SEQ_CST, true, false, ~(A & B) },
    { EVENT_ATOMIC_CAS, EVENT_SEQ_CST, true, false, B },
    { EVENT_ATOMIC_CAS, EVENT_SEQ_CST, true, true, A },
    { EVENT_ATOMIC_CAS, EVENT_RELAXED, true, false, B },
    { EVENT_ATOMIC_CAS, EVENT_RELAXED, true, true, A },
    { EVENT_ATOMIC_CAS, EVENT_SEQ_CST, true, false, B },
    { EVENT_ATOMIC_CAS, EVENT_SEQ_CST, true, true, A },
};

static void *setup_as(const void *argument)
{
    (void)argument;
    uint64_t *cells = treadle_alloc(64 * COUNT(OPERATIONS), NULL);
    for (size_t i = 0; i < 8 * COUNT(OPERATIONS); i++)
        cells[i] = A;
    return cells;
}

static void expect_operation(uint32_t number, uint32_t bytes)
{
    const struct event *event = &execution.trace[number + 1];
    const uint64_t mask = bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * bytes) - 1;
    const uint64_t *cell = (uint64_t *)execution.state + 8 * number;
    bool loads = OPERATIONS[number].kind == EVENT_ATOMIC_LOAD;
    bool reads = OPERATIONS[number].reads;
    assert_int_equal(event->kind, OPERATIONS[number].kind);
    assert_int_equal(event->order, OPERATIONS[number].order);
    assert_int_equal(event->size, bytes);
    assert_true(event->address == (uint64_t)cell);
    assert_int_equal(event->success, !OPERATIONS[number].fails);
    assert_true(event->value_read == (reads ? A & mask : 0));
    assert_true(event->value_written == (loads ? 0 : OPERATIONS[number].after & mask));
    /* the bytes beside it are as they were */
    assert_true(*cell == ((A & ~mask) | (OPERATIONS[number].after & mask)));
    if (reads)
        assert_true(returned[number] == (A & mask));
    unsigned effect = loads || OPERATIONS[number].fails ? EVENT_READS
                      : reads                           ? EVENT_READS | EVENT_WRITES
                                                        : EVENT_WRITES;
    assert_int_equal(event_effect(event), effect);
}

static void every_operation_of_every_size(void **state)
{
    (void)state;
    static const struct treadle_program programs[] = {
        { "8", all_of_8, NULL },
        { "16", all_of_16, NULL },
        { "32", all_of_32, NULL },
        { "64", all_of_64, NULL },
    };
    for (uint32_t i = 0; i < 4; i++) {
        const struct treadle_target target = { .name = "all", .setup = setup_as,
                                               .programs = &programs[i], .program_count = 1,
                                               .private_stacks = true };
        run_open(&target);
        listed_run("");
        expect_no_verdict();
        assert_int_equal(execution.trace_count, COUNT(OPERATIONS) + 2);
        for (uint32_t number = 0; number < COUNT(OPERATIONS); number++)
            expect_operation(number, 1u << i);
    }
}

/* ---- what only some show --------------------------------------------------------------------- */

#define DECLARE(bits)                                                                              \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                     \
        volatile uint##bits##_t *memory, uint##bits##_t expected, uint##bits##_t desired,          \
        int order, int failure_order);
DECLARE(8)
DECLARE(16)
DECLARE(32)
DECLARE(64)

static void cas_by_value(void *state, const void *argument)
{
    (void)argument;
    uint64_t *cell = state;
    returned[0] = __tsan_atomic64_compare_exchange_val(cell, A, B, EVENT_ACQ_REL, EVENT_RELAXED);
    returned[1] = __tsan_atomic64_compare_exchange_val(cell, A, A, EVENT_RELEASE, EVENT_RELAXED);
    returned[2] = __tsan_atomic32_compare_exchange_val((uint32_t *)(cell + 1), (uint32_t)A, 1,
                                                       EVENT_SEQ_CST, EVENT_SEQ_CST);
    returned[3] = __tsan_atomic16_compare_exchange_val((uint16_t *)(cell + 2), (uint16_t)A, 1,
                                                       EVENT_SEQ_CST, EVENT_SEQ_CST);
    returned[4] = __tsan_atomic8_compare_exchange_val((uint8_t *)(cell + 3), 0, 1,
                                                      EVENT_SEQ_CST, EVENT_SEQ_CST);
}

static void compare_exchange_may_return_the_value(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "by value", .setup = setup_as,
                                           PROGRAMS({ "c", cas_by_value, NULL }) };
    run_open(&target);
    listed_run("");
    expect_no_verdict();
    const uint64_t *cell = execution.state;
    static const uint64_t read[] = { A, B, (uint32_t)A, (uint16_t)A, (uint8_t)A };
    static const uint64_t written[] = { B, B, 1, 1, (uint8_t)A };
    static const uint32_t success[] = { 1, 0, 1, 1, 0 };
    static const enum event_order order[] = { EVENT_ACQ_REL, EVENT_RELEASE, EVENT_SEQ_CST,
                                              EVENT_SEQ_CST, EVENT_SEQ_CST };
    for (uint32_t i = 0; i < 5; i++) {
        const struct event *event = event_of(1, EVENT_ATOMIC_CAS, i);
        assert_true(returned[i] == read[i]);
        assert_true(event->value_read == read[i] && event->value_written == written[i]);
        assert_int_equal(event->success, success[i]);
        assert_int_equal(event->order, order[i]);
    }
    assert_true(cell[0] == B && cell[1] == ((A & ~UINT64_C(0xffffffff)) | 1) && cell[3] == A);
}

static void fence(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    subject_fence();
}

static void a_fence_is_an_event_without_memory(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "fence", .setup = setup_as,
                                           PROGRAMS({ "f", fence, NULL }) };
    run_open(&target);
    listed_run("");
    expect_no_verdict();
    const struct event *event = event_of(1, EVENT_FENCE, 0);
    assert_int_equal(event->order, EVENT_ACQUIRE);
    assert_int_equal(event->address, 0);
    assert_int_equal(event->size, 0);
    assert_int_equal(event_effect(event), 0);
}

/* In a target whose stacks are shared, an atomic on one is an event like any other. */
static void add_on_stack(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    _Atomic uint64_t local = 5;
    returned[0] = atomic_add64(&local, 2);
    returned[1] = atomic_load64(&local);
}

static void atomics_on_private_stacks_are_no_events(void **state)
{
    (void)state;
    struct treadle_target target = { .name = "stack", .setup = setup_as,
                                     PROGRAMS({ "s", add_on_stack, NULL }) };
    for (uint32_t private = 0; private < 2; private++) {
        target.private_stacks = private;
        run_open(&target);
        listed_run("");
        expect_no_verdict();
        assert_int_equal(returned[0], 5);
        assert_int_equal(returned[1], 7);
        assert_int_equal(execution.trace_count, private ? 2 : 4);
    }
}

/* ---- among goroutines ------------------------------------------------------------------------ */

static void add_twice(void *state, const void *argument)
{
    _Atomic uint64_t *cell = (_Atomic uint64_t *)state;
    atomic_add64(cell, (uint64_t)argument);
    atomic_add64(cell, (uint64_t)argument);
}

/* Nothing comes between the halves of one. */
static void additions_are_never_lost(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "adds", .setup = setup_cells,
                                           PROGRAMS({ "a", add_twice, (const void *)1 },
                                                    { "b", add_twice, (const void *)10 }) };
    run_open(&target);
    struct every every = every_schedule();
    while (every_run(&every)) {
        expect_no_verdict();
        assert_int_equal(((struct cells *)execution.state)->cell[0], 22);
        uint64_t there = 0;
        for (uint32_t i = 0; i < execution.trace_run_count; i++)
            if (execution.trace[i].kind == EVENT_ATOMIC_RMW) {
                assert_int_equal(execution.trace[i].value_read, there);
                there = execution.trace[i].value_written;
            }
    }
    assert_int_equal(every.executions, 20);
}

static void claim(void *state, const void *argument)
{
    (void)argument;
    returned[treadle_self()] = atomic_cas_sync64((_Atomic uint64_t *)state, 0, treadle_self());
}

static void one_of_two_wins(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "claims", .setup = setup_cells,
                                           PROGRAMS({ "a", claim, NULL }, { "b", claim, NULL }) };
    run_open(&target);
    struct every every = every_schedule();
    uint32_t won[3] = { 0 };
    while (every_run(&every)) {
        uint64_t winner = ((struct cells *)execution.state)->cell[0];
        assert_true(winner == 1 || winner == 2);
        assert_int_equal(returned[winner], 0);
        assert_int_equal(returned[3 - winner], winner);
        won[winner]++;
    }
    assert_int_equal(every.executions, 6);
    assert_int_equal(won[1], won[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_of_every_size),
        cmocka_unit_test(compare_exchange_may_return_the_value),
        cmocka_unit_test(a_fence_is_an_event_without_memory),
        cmocka_unit_test(atomics_on_private_stacks_are_no_events),
        cmocka_unit_test(additions_are_never_lost),
        cmocka_unit_test(one_of_two_wins),
    };
    return cmocka_run_group_tests(tests, NULL, run_close);
}
