/* oracle_test.c: which oracles are asked, by how the execution ended and what the target says. */
#include "oracle_fake.h"

#define HEAD ((uint64_t)&head)
#define A UINT64_C(0x200000000010)

static uint64_t head;
static uint64_t lost[4] __attribute__((aligned(16)));
static uint64_t words[2];

static int begin(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

/* Something for every oracle. */
static void do_everything_wrong(void)
{
    fake_setup_block(A, 32);
    execution.record_count = 1;
    execution.records[0] = (struct record){
        .address = (uint64_t)words, .word_bytes = 8, .count = 2, .name = "pair"
    };
    fake_setup_done();
    fake_load(1, HEAD, A);
    fake_store(2, HEAD, 0);
    fake_free(2, A);
    fake_alloc(2, A, 32);
    fake_store(2, HEAD, A);
    fake_read(1, A, 0);
    fake_cas(1, HEAD, A, A, 0);
    fake_free(2, A);
    fake_alloc(1, (uint64_t)lost, sizeof lost);
    fake_write(2, (uint64_t)&words[0], 1);
    fake_read(1, (uint64_t)&words[0], 1);
    fake_read(1, (uint64_t)&words[1], 0);
    fake_write(2, (uint64_t)&words[1], 1);
    fake_assign(1, 5, 50);
    fake_assign(1, 6, 60);
    fake_miss(1, 5);
    fake_access(1, 6, 61);
    fake_iterate(1, 7);
    fake_next(1, 7, 8, 80);
    fake_end(1, 7);
    fake_final();
}

static uint64_t verdicts(void)
{
    uint64_t set = 0;
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        set |= UINT64_C(1) << execution.verdicts[i].verdict;
    return set;
}

#define ALWAYS                                                                                     \
    (TREADLE_SET(TORN_READ) | TREADLE_SET(ABA) | TREADLE_SET(STALE_POINTER)                        \
     | TREADLE_SET(MISSED_KEY) | TREADLE_SET(WRONG_VALUE) | TREADLE_SET(ITERATOR_SKIP)             \
     | TREADLE_SET(ITERATOR_GHOST))

static void test_all(void **state)
{
    (void)state;
    do_everything_wrong();
    oracle_judge();
    assert_int_equal(verdicts(), ALWAYS | TREADLE_SET(LOST_UPDATE) | TREADLE_SET(LEAK));
}

static void test_ended_early(void **state)
{
    (void)state;
    do_everything_wrong();
    execution.ended_early = true;
    oracle_judge();
    assert_int_equal(verdicts(), ALWAYS);
}

static void test_garbage_collected(void **state)
{
    (void)state;
    do_everything_wrong();
    fake_target.garbage_collected = true;
    oracle_judge();
    assert_int_equal(verdicts(), ALWAYS | TREADLE_SET(LOST_UPDATE));
}

static void test_nothing(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 10; i++)
        fake_load(1 + i % 2, HEAD, i);
    oracle_judge();
    assert_int_equal(execution.verdict_count, 0);
    print_message("nothing to judge: %.1f ns\n", fake_cost(oracle_judge));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all, begin),
        cmocka_unit_test_setup(test_ended_early, begin),
        cmocka_unit_test_setup(test_garbage_collected, begin),
        cmocka_unit_test_setup(test_nothing, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
