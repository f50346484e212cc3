/* oracle_leak_test.c: blocks that something leads to, and one that nothing leads to: a list with
 * its head in a set-up block, in a global, in the state; tags, interior pointers, cycles. */
#include "oracle_fake.h"

struct node {
    uint64_t value;
    struct node *next;
};

static struct node nodes[600] __attribute__((aligned(16)));
static struct node *root[4]; /* a set-up block */
static struct node *global;

static int begin(void **state)
{
    (void)state;
    fake_reset();
    memset(nodes, 0, sizeof nodes);
    memset(root, 0, sizeof root);
    global = NULL;
    fake_setup_block((uint64_t)root, sizeof root);
    return 0;
}

/* Goroutine 1 allocates nodes[index]. Returns the event. */
static uint32_t allocate(uint32_t index)
{
    uint32_t number = fake_alloc(1, (uint64_t)&nodes[index], sizeof nodes[0]);
    return heap_block_at(number)->alloc_event;
}

static void judge(bool leaks)
{
    oracle_leak(root);
    assert_int_equal(execution.verdict_count, leaks);
    assert_int_equal(fake_verdict(TREADLE_LEAK, "is reachable") != NULL, leaks);
}

static void test_reachable(void **state)
{
    (void)state;
    allocate(2);
    allocate(0);
    allocate(4);
    root[3] = &nodes[2];
    nodes[2].next = (struct node *)((uint64_t)&nodes[0] | UINT64_C(7) << 48);
    nodes[0].value = (uint64_t)&nodes[4].next; /* into the middle */
    judge(false);
}

static void test_lost_node(void **state)
{
    (void)state;
    allocate(0);
    root[0] = &nodes[0];
    fake_cas(1, 0x1000, 2, 1, 3);
    uint32_t lost = allocate(2);
    uint32_t failed = fake_cas(1, (uint64_t)root, (uint64_t)root[0], 0, (uint64_t)&nodes[2]);
    fake_cas(2, (uint64_t)root, (uint64_t)root[0], 0, 3);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_LEAK, NULL), lost, failed, EVENT_INDEX_NONE);
}

static void test_freed(void **state)
{
    (void)state;
    allocate(0);
    fake_free(1, (uint64_t)&nodes[0]);
    judge(false);
}

/* What only dead blocks lead to is lost; a cycle keeps itself no more alive than a chain. */
static void test_led_to_by_the_dead(void **state)
{
    (void)state;
    allocate(0);
    uint32_t lost = allocate(2);
    root[0] = &nodes[0];
    nodes[0].next = &nodes[2];
    judge(false);
    fake_free(1, (uint64_t)&nodes[0]);
    judge(true);
    fake_assert_events(fake_verdict(TREADLE_LEAK, NULL), lost, EVENT_INDEX_NONE,
                       EVENT_INDEX_NONE);
}

static void test_cycle(void **state)
{
    (void)state;
    uint32_t first = allocate(0);
    allocate(2);
    nodes[0].next = &nodes[2];
    nodes[2].next = &nodes[0];
    judge(true);
    assert_int_equal(fake_verdict(TREADLE_LEAK, NULL)->events[0], first);
    begin(state);
    allocate(0);
    allocate(2);
    nodes[0].next = &nodes[2];
    nodes[2].next = &nodes[0];
    root[1] = &nodes[2];
    judge(false);
}

/* A global counts if the subject wrote it: the engine's own are no roots. */
static void test_global(void **state)
{
    (void)state;
    allocate(0);
    allocate(2);
    nodes[0].next = &nodes[2];
    global = &nodes[0];
    judge(true);
    begin(state);
    allocate(0);
    allocate(2);
    nodes[0].next = &nodes[2];
    global = &nodes[0];
    fake_write(1, (uint64_t)&global, (uint64_t)global);
    judge(false);
}

static void test_state(void **state)
{
    (void)state;
    allocate(0);
    allocate(2);
    nodes[0].next = &nodes[2];
    oracle_leak(&nodes[0]);
    assert_int_equal(execution.verdict_count, 0);
}

static void test_final_check(void **state)
{
    (void)state;
    fake_final();
    allocate(0);
    judge(false);
}

static void test_long_chain(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        allocate(2 * (299 - i));
        nodes[2 * i].next = i < 299 ? &nodes[2 * i + 2] : NULL;
    }
    root[0] = &nodes[0];
    judge(false);
    nodes[2 * 150].next = NULL; /* the canary */
    judge(true);
    assert_non_null(strstr(fake_verdict(TREADLE_LEAK, NULL)->detail, "149 unreachable"));
}

/* A whole program's data count although no event wrote them; its stacks are among them or gone. */
static void test_whole_program(void **state)
{
    (void)state;
    static const struct treadle_program program_main = { "main", NULL, NULL };
    allocate(0);
    allocate(2);
    nodes[0].next = &nodes[2];
    fake_program_data = &nodes[0];
    judge(true); /* the canary: it is none */
    execution.verdict_count = 0;
    fake_target.main = &program_main;
    judge(false);
    fake_program_data = &nodes[2];
    judge(true);
}

static void test_cost(void **state)
{
    (void)state;
    allocate(0);
    root[0] = &nodes[0];
    judge(false);
    print_message("1 block: %.0f ns\n", fake_cost(oracle_judge));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reachable, begin),
        cmocka_unit_test_setup(test_lost_node, begin),
        cmocka_unit_test_setup(test_freed, begin),
        cmocka_unit_test_setup(test_led_to_by_the_dead, begin),
        cmocka_unit_test_setup(test_cycle, begin),
        cmocka_unit_test_setup(test_global, begin),
        cmocka_unit_test_setup(test_state, begin),
        cmocka_unit_test_setup(test_final_check, begin),
        cmocka_unit_test_setup(test_long_chain, begin),
        cmocka_unit_test_setup(test_whole_program, begin),
        cmocka_unit_test_setup(test_cost, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
