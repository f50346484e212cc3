/* oracle_aba_test.c: the classic stack whose head is popped while it is popped and pushed back; the
 * same without reuse, with a tag, or with the change before the load. */
#include "heap_life.h"
#include "oracle_fake.h"

#include "../scheduler/rng.h"

#define HEAD UINT64_C(0x1000)
#define A UINT64_C(0x200000000010)
#define B UINT64_C(0x200000000050)
#define TAG(n) ((uint64_t)(n) << 48)

static int begin(void **state)
{
    (void)state;
    fake_reset();
    fake_setup_block(A, 32);
    fake_setup_block(B, 32);
    return 0;
}

static void judge(bool aba)
{
    oracle_aba();
    assert_int_equal(execution.verdict_count, aba);
    assert_int_equal(fake_verdict(TREADLE_ABA, "was reused in between") != NULL, aba);
}

static void test_aba(void **state)
{
    (void)state;
    uint32_t load = fake_load(1, HEAD, A);
    fake_read(1, A, B);
    uint32_t change = fake_cas(2, HEAD, A, A, B);
    fake_free(2, A);
    fake_cas(2, HEAD, B, B, 0);
    fake_alloc(2, A, 32);
    fake_cas(2, HEAD, 0, 0, A);
    uint32_t swap = fake_cas(1, HEAD, A, A, B);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_ABA, NULL), load, change, swap);
}

/* It changed and changed back, but the block was never freed: nothing is stale. */
static void test_harmless(void **state)
{
    (void)state;
    fake_alloc(3, B + 64, 32);
    fake_free(3, B + 64);
    fake_alloc(3, B + 64, 32);
    fake_load(1, HEAD, A);
    fake_cas(2, HEAD, A, A, B);
    fake_cas(2, HEAD, B, B, A);
    fake_cas(1, HEAD, A, A, B);
    judge(false);
}

/* It was reused, but before the load. */
static void test_reused_before(void **state)
{
    (void)state;
    fake_free(2, A);
    fake_alloc(2, A, 32);
    fake_store(2, HEAD, A);
    fake_load(1, HEAD, A);
    fake_cas(2, HEAD, A, A, B);
    fake_cas(2, HEAD, B, B, A);
    fake_cas(1, HEAD, A, A, B);
    judge(false);
}

static void test_reused_after(void **state)
{
    (void)state;
    fake_load(1, HEAD, A);
    fake_cas(2, HEAD, A, A, B);
    fake_cas(2, HEAD, B, B, A);
    fake_cas(1, HEAD, A, A, B);
    fake_free(1, A);
    fake_alloc(2, A, 32);
    judge(false);
}

static void test_unchanged(void **state)
{
    (void)state;
    fake_free(2, A);
    fake_load(1, HEAD, A);
    fake_alloc(2, A, 32);
    fake_store(2, HEAD, A);
    fake_cas(1, HEAD, A, A, B);
    judge(false);
}

static void test_loaded_anew(void **state)
{
    (void)state;
    fake_load(1, HEAD, A);
    fake_cas(2, HEAD, A, A, B);
    fake_free(2, A);
    fake_alloc(2, A, 32);
    fake_cas(2, HEAD, B, B, A);
    fake_cas(1, HEAD, A, B, B); /* fails, and shows A */
    fake_cas(1, HEAD, A, A, B);
    judge(false);
}

static void test_failed(void **state)
{
    (void)state;
    fake_load(1, HEAD, A);
    fake_cas(2, HEAD, A, A, B);
    fake_free(2, A);
    fake_alloc(2, A, 32);
    fake_cas(1, HEAD, B, A, B);
    judge(false);
}

/* Under a tag the swap would have to find the old one. */
static void test_tagged(void **state)
{
    (void)state;
    fake_load(1, HEAD, TAG(1) | A);
    fake_cas(2, HEAD, TAG(1) | A, TAG(1) | A, TAG(2) | B);
    fake_free(2, A);
    fake_alloc(2, A, 32);
    fake_cas(2, HEAD, TAG(2) | B, TAG(2) | B, TAG(3) | A);
    fake_cas(1, HEAD, TAG(3) | A, TAG(1) | A, TAG(2) | B);
    judge(false);
    fake_cas(2, HEAD, TAG(3) | A, TAG(3) | A, TAG(1) | A); /* the tag came round */
    fake_load(3, HEAD, TAG(1) | A);
    judge(false);
    begin(state);
    fake_load(1, HEAD, TAG(1) | A);
    fake_store(2, HEAD, 0);
    fake_free(2, A);
    fake_alloc(2, A, 32);
    fake_store(2, HEAD, TAG(1) | A);
    fake_cas(1, HEAD, TAG(1) | A, TAG(1) | A, 0);
    judge(true);
}

/* The life in between counts, though the block has a newer one by now. */
static void test_superseded_life(void **state)
{
    (void)state;
    uint32_t load = fake_load(1, HEAD, A);
    uint32_t change = fake_store(2, HEAD, B);
    fake_free(2, A);
    fake_alloc(2, A, 32);
    fake_store(2, HEAD, A);
    uint32_t swap = fake_cas(1, HEAD, A, A, B);
    fake_free(1, A);
    fake_alloc(3, A, 32);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_ABA, NULL), load, change, swap);
}

/* The canary: a stack of one node, popped and pushed back by three goroutines, which free it and
 * allocate it anew in between. With a tag in the head no swap of a stale head succeeds. */
static uint32_t random_stack(struct rng *rng, bool tagged)
{
    uint64_t head = A;
    uint64_t seen[4];
    bool loaded[4] = { false };
    uint16_t holder = 0;
    uint64_t tag = 0;
    begin(&(void *){ NULL });
    for (uint32_t step = 0; step < 60; step++) {
        uint16_t self = (uint16_t)(1 + rng_below(rng, 3));
        if (!loaded[self]) {
            seen[self] = head;
            fake_load(self, HEAD, head);
            loaded[self] = true;
            continue;
        }
        loaded[self] = false;
        bool pops = pointer_untagged(seen[self]) != 0;
        if (!pops && holder != self)
            continue;
        uint64_t desired = (pops ? 0 : A) | (tagged ? TAG(++tag) : 0);
        fake_cas(self, HEAD, head, seen[self], desired);
        if (head != seen[self])
            continue;
        head = desired;
        holder = pops ? self : 0;
        if (pops) {
            fake_free(self, A);
            fake_alloc(self, A, 32);
        }
    }
    oracle_aba();
    return execution.verdict_count;
}

static void test_random_executions(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    uint32_t found = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        found += random_stack(&rng, false);
        assert_int_equal(random_stack(&rng, true), 0);
    }
    assert_true(found > 100);
}

static void test_many_swaps(void **state)
{
    (void)state;
    fake_free(2, A);
    fake_alloc(2, A, 32);
    fake_store(2, HEAD, A);
    for (uint32_t i = 0; i < 10000; i++) {
        fake_load(1, HEAD, A);
        fake_cas(1, HEAD, A, A, A);
        fake_cas(2, HEAD, A, 0, A);
    }
    judge(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_aba, begin),
        cmocka_unit_test_setup(test_harmless, begin),
        cmocka_unit_test_setup(test_reused_before, begin),
        cmocka_unit_test_setup(test_reused_after, begin),
        cmocka_unit_test_setup(test_unchanged, begin),
        cmocka_unit_test_setup(test_loaded_anew, begin),
        cmocka_unit_test_setup(test_failed, begin),
        cmocka_unit_test_setup(test_tagged, begin),
        cmocka_unit_test_setup(test_superseded_life, begin),
        cmocka_unit_test_setup(test_random_executions, begin),
        cmocka_unit_test_setup(test_many_swaps, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
