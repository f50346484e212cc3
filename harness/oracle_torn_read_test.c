/* oracle_torn_read_test.c: readings that mix assignments are torn; those that do not, or whose
 * values were the record's once, are not, whoever interleaves. */
#include "oracle_fake.h"

#include "../scheduler/rng.h"

#define ALL "words read in a row"
#define NO EVENT_INDEX_NONE

/* A slice header: pointer, length, capacity, which set-up made 10, 1, 4. */
static uint64_t header[3];
#define WORD(i) ((uint64_t)&header[i])

static int begin(void **state)
{
    (void)state;
    fake_reset();
    execution.record_count = 1;
    execution.records[0] = (struct record){ .address = WORD(0),
                                            .word_bytes = 8,
                                            .count = 3,
                                            .name = "header",
                                            .setup_values = { 10, 1, 4 } };
    header[0] = 10;
    header[1] = 1;
    header[2] = 4;
    return 0;
}

static uint32_t put(uint16_t goroutine, uint32_t word, uint64_t value)
{
    header[word] = value;
    return fake_write(goroutine, WORD(word), value);
}

static uint32_t get(uint16_t goroutine, uint32_t word)
{
    return fake_read(goroutine, WORD(word), header[word]);
}

static void put_all(uint16_t goroutine, uint64_t pointer, uint64_t length, uint64_t capacity)
{
    put(goroutine, 0, pointer);
    put(goroutine, 1, length);
    put(goroutine, 2, capacity);
}

static void get_all(uint16_t goroutine)
{
    get(goroutine, 0);
    get(goroutine, 1);
    get(goroutine, 2);
}

static void judge(bool torn)
{
    oracle_torn_read();
    assert_int_equal(execution.verdict_count, torn);
    assert_int_equal(fake_verdict(TREADLE_TORN_READ, ALL) != NULL, torn);
}

static void test_write_between_reads(void **state)
{
    (void)state;
    uint32_t first = get(1, 1);
    put(2, 0, 20);
    uint32_t write = put(2, 1, 2);
    put(2, 2, 8);
    uint32_t second = get(1, 0);
    fake_event(2, EVENT_EXIT, 0);
    judge(true);
    (void)write;
    fake_assert_events(fake_verdict(TREADLE_TORN_READ, ALL), first, 1, second);
}

static void test_read_within_assignment(void **state)
{
    (void)state;
    uint32_t write = put(2, 0, 20);
    uint32_t first = get(1, 0);
    uint32_t second = get(1, 1);
    put(2, 1, 2);
    put(2, 2, 8);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_TORN_READ, ALL), write, first, second);
}

static void test_whole_readings(void **state)
{
    (void)state;
    get_all(1);
    put_all(2, 20, 2, 8);
    get_all(1);
    get(1, 1); /* a loop's condition */
    put_all(2, 30, 3, 8);
    get_all(1);
    judge(false);
}

static void test_words_of_one_assignment_in_progress(void **state)
{
    (void)state;
    put(2, 0, 20);
    put(2, 1, 2);
    get(1, 0);
    get(1, 1);
    put(2, 2, 8);
    judge(false);
}

/* The length is the same before and after: no one can tell. Its twin differs. */
static void test_equal_values(void **state)
{
    (void)state;
    get(1, 1);
    put_all(2, 20, 1, 8);
    get(1, 0);
    judge(false);
}

static void test_unequal_values(void **state)
{
    (void)state;
    get(1, 1);
    put_all(2, 20, 2, 8);
    get(1, 0);
    judge(true);
}

/* Two critical sections are two readings. Its twin forgets the lock. */
static void test_locked_reader_that_reads_on_later(void **state)
{
    (void)state;
    fake_event(1, EVENT_LOCK, 0x100);
    get(1, 1);
    fake_event(1, EVENT_UNLOCK, 0x100);
    fake_event(2, EVENT_LOCK, 0x100);
    put_all(2, 20, 2, 8);
    fake_event(2, EVENT_UNLOCK, 0x100);
    fake_event(1, EVENT_LOCK, 0x100);
    get(1, 0);
    fake_event(1, EVENT_UNLOCK, 0x100);
    judge(false);
}

static void test_reader_without_lock(void **state)
{
    (void)state;
    get(1, 1);
    fake_event(2, EVENT_LOCK, 0x100);
    put_all(2, 20, 2, 8);
    fake_event(2, EVENT_UNLOCK, 0x100);
    get(1, 0);
    judge(true);
}

/* A locked writer that sets the length alone, then everything: the reader sees both in part. */
static void test_partial_assignments(void **state)
{
    (void)state;
    fake_event(2, EVENT_LOCK, 0x100);
    put(2, 1, 0);
    fake_event(2, EVENT_UNLOCK, 0x100);
    get_all(1);
    put(2, 1, 3);
    put_all(2, 20, 2, 8);
    put(2, 1, 1);
    get_all(1);
    fake_event(2, EVENT_EXIT, 0);
    judge(false);
}

static void test_condition_then_reading(void **state)
{
    (void)state;
    get(1, 1);
    put_all(2, 20, 2, 8);
    get_all(1);
    judge(false);
}

/* An execution that ended while the writer was at work. */
static void test_abandoned_assignment(void **state)
{
    (void)state;
    put(2, 0, 20);
    get(1, 0);
    get(1, 1);
    execution.ended_early = true;
    judge(true);
}

static void test_partial_assignment_that_is_over(void **state)
{
    (void)state;
    put(2, 0, 20);
    fake_event(2, EVENT_EXIT, 0);
    get(1, 0);
    get(1, 1);
    judge(false);
}

static void test_own_assignment(void **state)
{
    (void)state;
    put(2, 2, 8);
    put(1, 0, 20);
    get(1, 0);
    get(1, 1);
    put(1, 1, 2);
    put(1, 2, 8);
    judge(false);
}

/* Struct copies: one event for three words, whose values the trace does not have. */
static void test_copied_assignment(void **state)
{
    (void)state;
    uint32_t first = get(1, 1);
    uint32_t copy = fake_copy(2, WORD(0), 0x5000, 24);
    header[0] = 20;
    header[1] = 2;
    header[2] = 8;
    uint32_t second = get(1, 0);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_TORN_READ, ALL), first, copy, second);
}

static void test_copied_reading(void **state)
{
    (void)state;
    fake_copy(1, 0x5000, WORD(0), 24);
    put(2, 0, 20);
    put(2, 1, 2);
    fake_event(2, EVENT_LOCK, 0x100);
    put(2, 2, 8);
    fake_event(2, EVENT_EXIT, 0);
    fake_copy(1, 0x5000, WORD(0), 24);
    judge(false);
}

static void test_copied_reading_within_assignment(void **state)
{
    (void)state;
    uint32_t write = put(2, 0, 20);
    uint32_t copy = fake_copy(1, 0x5000, WORD(0), 24);
    put(2, 1, 2);
    put(2, 2, 8);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_TORN_READ, ALL), write, copy, NO);
}

/* What a copy reads of a word may have been written long before the others. */
static void test_copied_reading_of_old_word(void **state)
{
    (void)state;
    put_all(2, 20, 2, 8);
    put(2, 0, 30);
    get(3, 0);
    uint32_t write = put(2, 2, 9);
    uint32_t copy = fake_copy(1, 0x5000, WORD(1), 16);
    put(2, 1, 3);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_TORN_READ, ALL), write, copy, NO);
}

/* Of two torn readings the one that was over first is named; any goroutine's is judged. */
static void test_first_of_torn_readings(void **state)
{
    (void)state;
    get(1, 1);
    uint32_t first = get(1000, 1);
    uint32_t write = put(2, 0, 20);
    put(2, 1, 2);
    put(2, 2, 8);
    uint32_t second = get(1000, 0);
    get(1, 0);
    fake_event(1000, EVENT_EXIT, 0);
    fake_event(1, EVENT_EXIT, 0);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_TORN_READ, ALL), first, write, second);
}

static void test_unknown_value(void **state)
{
    (void)state;
    get(1, 1);
    fake_copy(2, WORD(0), 0x5000, 24); /* its length is never seen */
    uint64_t seen = 20;
    fake_read(1, WORD(0), seen);
    put_all(2, 30, 3, 8);
    judge(false);
}

/* The canary: writers and readers at random, the readers' lock left out. */
static void random_execution(struct rng *rng, bool locked)
{
    uint32_t at[4] = { 0 };
    uint32_t owner = 0;
    uint64_t value = 100;
    for (uint32_t step = 0; step < 80; step++) {
        uint16_t self = (uint16_t)(1 + rng_below(rng, 3));
        bool locks = locked || self != 3;
        if (at[self] == 0) {
            if (locks && owner != 0)
                continue;
            owner = locks ? self : owner;
            fake_event(self, locks ? EVENT_LOCK : EVENT_READ, 0x100);
            at[self] = 1 + (uint32_t)rng_below(rng, 3);
        } else if (at[self] < 4) {
            bool writes = self == 1 || (self == 2 && rng_below(rng, 4) == 0);
            if (writes)
                put(self, at[self] - 1, ++value / 5);
            else
                get(self, at[self] - 1);
            at[self]++;
        } else {
            fake_event(self, locks ? EVENT_UNLOCK : EVENT_READ, 0x100);
            owner = locks ? 0 : owner;
            at[self] = 0;
        }
    }
}

static void test_random_executions(void **state)
{
    struct rng rng;
    rng_seed(&rng, 1);
    uint32_t torn = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        begin(state);
        random_execution(&rng, true);
        judge(false);
        begin(state);
        random_execution(&rng, false);
        oracle_torn_read();
        torn += execution.verdict_count;
    }
    assert_true(torn > 1000);
}

static void test_cost(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 3; i++)
        fake_event(1, EVENT_START, 0);
    put_all(2, 20, 2, 8);
    get_all(1);
    fake_event(1, EVENT_EXIT, 0);
    print_message("10 events: %.0f ns\n", fake_cost(oracle_torn_read));
    judge(false);
    begin(&(void *){ NULL });
    put(2, 0, 20);
    put(2, 1, 2);
    get(1, 0);
    get(1, 1);
    put(2, 2, 8);
    for (uint16_t i = 0; i < 5; i++)
        fake_event(1, EVENT_EXIT, 0);
    print_message("10 events, interleaved: %.0f ns\n", fake_cost(oracle_torn_read));
    judge(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_write_between_reads, begin),
        cmocka_unit_test_setup(test_read_within_assignment, begin),
        cmocka_unit_test_setup(test_whole_readings, begin),
        cmocka_unit_test_setup(test_words_of_one_assignment_in_progress, begin),
        cmocka_unit_test_setup(test_equal_values, begin),
        cmocka_unit_test_setup(test_unequal_values, begin),
        cmocka_unit_test_setup(test_locked_reader_that_reads_on_later, begin),
        cmocka_unit_test_setup(test_reader_without_lock, begin),
        cmocka_unit_test_setup(test_partial_assignments, begin),
        cmocka_unit_test_setup(test_condition_then_reading, begin),
        cmocka_unit_test_setup(test_abandoned_assignment, begin),
        cmocka_unit_test_setup(test_partial_assignment_that_is_over, begin),
        cmocka_unit_test_setup(test_own_assignment, begin),
        cmocka_unit_test_setup(test_copied_assignment, begin),
        cmocka_unit_test_setup(test_copied_reading, begin),
        cmocka_unit_test_setup(test_copied_reading_within_assignment, begin),
        cmocka_unit_test_setup(test_copied_reading_of_old_word, begin),
        cmocka_unit_test_setup(test_first_of_torn_readings, begin),
        cmocka_unit_test_setup(test_unknown_value, begin),
        cmocka_unit_test_setup(test_random_executions, begin),
        cmocka_unit_test_setup(test_cost, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
