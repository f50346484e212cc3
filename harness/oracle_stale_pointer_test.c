/* oracle_stale_pointer_test.c: a block that was freed and allocated anew is reached through the old
 * pointer; the same through one obtained since, and where nothing can be said. */
#include "oracle_fake.h"

#include "../scheduler/rng.h"

#define HEAD UINT64_C(0x1000)
#define A UINT64_C(0x200000000010)
#define NO EVENT_INDEX_NONE

static int begin(void **state)
{
    (void)state;
    fake_reset();
    fake_setup_block(A, 32);
    return 0;
}

static void judge(bool stale)
{
    oracle_stale_pointer();
    assert_int_equal(execution.verdict_count, stale);
    assert_int_equal(fake_verdict(TREADLE_STALE_POINTER, "obtained in its present life") != NULL,
                     stale);
}

/* Goroutine 2 frees A and allocates it anew. Returns the free's position. */
static uint32_t reuse(void)
{
    uint32_t freed = heap_find(A)->free_event;
    if (heap_block_live(heap_find(A)))
        freed = heap_block_at(fake_free(2, A))->free_event;
    fake_alloc(2, A, 32);
    return freed;
}

static void test_stale(void **state)
{
    (void)state;
    uint32_t load = fake_load(1, HEAD, A);
    uint32_t freed = reuse();
    fake_write(2, A, 1);
    uint32_t access = fake_read(1, A + 8, 0);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_STALE_POINTER, NULL), load, freed, access);
}

static void test_loaded_since(void **state)
{
    (void)state;
    fake_load(1, HEAD, A);
    reuse();
    fake_store(2, HEAD, A);
    fake_read(1, HEAD, A);
    fake_read(1, A + 8, 0);
    judge(false);
}

static void test_reused_after_access(void **state)
{
    (void)state;
    fake_load(1, HEAD, A);
    fake_read(1, A + 8, 0);
    reuse();
    judge(false);
}

/* The failed swap shows the pointer, with a tag and into the middle of the block. */
static void test_seen_by_swap(void **state)
{
    (void)state;
    fake_load(1, HEAD, A);
    reuse();
    fake_cas(1, HEAD, (UINT64_C(5) << 48) | (A + 16), A, 0);
    fake_write(1, A + 16, 0);
    judge(false);
    begin(state);
    fake_load(1, HEAD, (UINT64_C(5) << 48) | (A + 16));
    reuse();
    fake_write(1, A + 16, 0);
    judge(true);
}

static void test_own_allocation(void **state)
{
    (void)state;
    fake_load(2, HEAD, A);
    reuse();
    fake_write(2, A, 0);
    judge(false);
}

static void test_no_pointer(void **state)
{
    (void)state;
    fake_load(1, HEAD, A + 4096);
    reuse();
    fake_event(3, EVENT_START, 0);
    fake_read(3, A, 0);
    fake_read(1, A, 0);
    judge(false);
}

static void test_copied_since(void **state)
{
    (void)state;
    fake_load(1, HEAD, A);
    reuse();
    fake_copy(1, 0x5000, 0x6000, 24);
    fake_read(1, A, 0);
    judge(false);
    begin(state);
    fake_copy(1, 0x5000, 0x6000, 24);
    fake_load(1, HEAD, A);
    reuse();
    fake_read(1, A, 0);
    judge(true);
}

static void test_copied_through(void **state)
{
    (void)state;
    fake_load(1, HEAD, A);
    reuse();
    fake_copy(1, 0x5000, A, 24);
    judge(true);
}

static void test_stale_free(void **state)
{
    (void)state;
    uint32_t load = fake_load(1, HEAD, A);
    uint32_t freed = reuse();
    uint32_t again = heap_block_at(fake_free(1, A))->free_event;
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_STALE_POINTER, NULL), load, freed, again);
}

/* An access in a life that is over by now. */
static void test_superseded_life(void **state)
{
    (void)state;
    uint32_t load = fake_load(1, HEAD, A);
    uint32_t freed = reuse();
    uint32_t access = fake_read(1, A, 0);
    reuse();
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_STALE_POINTER, NULL), load, freed, access);
    begin(state);
    reuse();
    fake_load(1, HEAD, A);
    fake_read(1, A, 0);
    reuse();
    fake_write(2, A, 0);
    judge(false);
}

/* The canary: goroutine 1 holds on to a pointer once in a while. */
static uint32_t random_execution(struct rng *rng, bool careless)
{
    begin(&(void *){ NULL });
    for (uint32_t step = 0; step < 60; step++) {
        if (rng_below(rng, 4) == 0)
            reuse();
        if (!careless || rng_below(rng, 4) != 0 || step == 0)
            fake_load(1, HEAD, A);
        fake_read(1, A + 8 * rng_below(rng, 4), 3);
        fake_write(2, A, 3);
    }
    oracle_stale_pointer();
    return execution.verdict_count;
}

static void test_random_executions(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    uint32_t found = 0;
    for (uint32_t i = 0; i < 500; i++) {
        found += random_execution(&rng, true);
        assert_int_equal(random_execution(&rng, false), 0);
    }
    assert_true(found > 400);
}

static void test_many_accesses(void **state)
{
    (void)state;
    reuse();
    for (uint32_t i = 0; i < 20000; i++)
        fake_read(3, A, 0); /* by a pointer that came as an argument */
    judge(false);
    assert_int_equal(heap_reused_count(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_stale, begin),
        cmocka_unit_test_setup(test_loaded_since, begin),
        cmocka_unit_test_setup(test_reused_after_access, begin),
        cmocka_unit_test_setup(test_seen_by_swap, begin),
        cmocka_unit_test_setup(test_own_allocation, begin),
        cmocka_unit_test_setup(test_no_pointer, begin),
        cmocka_unit_test_setup(test_copied_since, begin),
        cmocka_unit_test_setup(test_copied_through, begin),
        cmocka_unit_test_setup(test_stale_free, begin),
        cmocka_unit_test_setup(test_superseded_life, begin),
        cmocka_unit_test_setup(test_random_executions, begin),
        cmocka_unit_test_setup(test_many_accesses, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
