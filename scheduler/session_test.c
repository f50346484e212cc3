/* session_test.c: every execution begins where the set-up ended, whatever the ones before did;
 * targets with little in them, and those whose set-up fails. */
#include "heap_layout.h"
#include "test_run.h"
#include "trace.h"

/* ---- the reset ------------------------------------------------------------------------------- */

#define VICTIMS 6u

struct pool {
    struct cells cells;
    void *victim[VICTIMS]; /* the set-up's, of 20, 24, 28 ... bytes; live */
    void *gone;            /* the set-up's, freed by it */
    uint8_t *filler;
    uint64_t filler_bytes;
};

static void *setup_pool(const void *argument)
{
    struct pool *pool = treadle_alloc(sizeof *pool, "pool");
    pool->filler_bytes = (uint64_t)argument;
    pool->filler = treadle_alloc(pool->filler_bytes, NULL);
    memset(pool->filler, 0x5a, pool->filler_bytes);
    for (uint32_t i = 0; i < VICTIMS; i++) {
        pool->victim[i] = treadle_alloc(20 + 4 * i, NULL);
        memset(pool->victim[i], 0xc0 + (int)i, 20 + 4 * i);
    }
    pool->gone = treadle_alloc(40, NULL);
    treadle_free(pool->gone);
    treadle_note(TREADLE_ASSIGN, 1, 1);
    return pool;
}

/* Changes everything, each kind of thing in each way. */
static void destroy_pool(void *state, const void *argument)
{
    struct pool *pool = state;
    uint32_t self = (uint32_t)(uint64_t)argument;
    uint64_t room = pool->filler_bytes / 2 - 64;
    uint8_t *half = pool->filler + self * pool->filler_bytes / 2;
    treadle_call(TREADLE_ASSIGN, self, self);
    poke64((uint64_t *)half, 1);
    poke8(half + treadle_choose(64, "byte"), 2);
    (void)subject_memset(half + room - 40, 3, 33);
    (void)subject_memmove(half + 3, half + room - 50, 50);
    copy24((struct words3 *)half, &pool->cells.words[0]);
    atomic_add64((_Atomic uint64_t *)&pool->cells.cell[self], 7);
    (void)atomic_cas_sync64((_Atomic uint64_t *)&pool->cells.cell[3], 0, 1);
    treadle_mutex_lock(&pool->cells.mutex[self]); /* for ever */
    treadle_rwmutex_rlock(&pool->cells.rwmutex);
    treadle_waitgroup_add(&pool->cells.group, 1);
    for (uint32_t i = self; i < VICTIMS; i += 2) {
        treadle_free(pool->victim[i]);
        uint8_t *block = treadle_alloc(20 + 4 * i - 3, "fresh"); /* lifo: the victim's place */
        (void)subject_memset(block, 0xee, 20 + 4 * i - 3);
        if (i % 3 == 0)
            treadle_free(block);
    }
    (void)subject_memset(treadle_alloc(40, NULL), 0xdd, 40);
    bump64(&subject_global);
    (void)subject_memset(&subject_globals[8 * self], (int)self + 1, 60);
    copy24(&subject_global_words, (struct words3 *)half);
    treadle_return(true, self, self);
    treadle_assert(treadle_choose(4, "end") != 0, "three times of four");
}

/* A strategy that looks at what the execution begins with. */
struct auditor {
    struct strategy strategy; /* first: the strategy is the whole */
    struct strategy inner;
    const uint8_t *memory; /* the set-up's arena as it was */
    uint64_t memory_bytes;
    struct heap_block blocks[64];
    uint32_t block_count;
    uint64_t globals[2];
    uint32_t begun;
};

static uint64_t hash_of_globals(void)
{
    uint64_t sum = subject_global;
    for (size_t i = 0; i < COUNT(subject_globals); i++)
        sum = sum * 31 + subject_globals[i];
    for (int i = 0; i < 3; i++)
        sum = sum * 31 + subject_global_words.word[i];
    return sum;
}

static void audit_begin(struct strategy *self, uint64_t seed)
{
    struct auditor *auditor = (struct auditor *)self;
    auditor->inner.begin(&auditor->inner, seed);
    auditor->begun++;
    assert_memory_equal((const void *)HEAP_BASE, auditor->memory, auditor->memory_bytes);
    assert_int_equal(heap_block_count(), auditor->block_count);
    for (uint32_t i = 1; i < auditor->block_count; i++) {
        const struct heap_block *now = heap_block_at(i), *then = &auditor->blocks[i];
        assert_true(now->start == then->start && now->bytes == then->bytes);
        assert_true(now->accessible == then->accessible);
        assert_int_equal(now->free_event, then->free_event);
        assert_int_equal(now->alloc_event, HEAP_EVENT_SETUP);
        assert_ptr_equal(heap_find(now->start), now);
        assert_ptr_equal(heap_find(now->start + now->bytes - 1), now);
    }
    assert_int_equal(hash_of_globals(), auditor->globals[0]);
    assert_int_equal(heap_reused_count(), 0);
    assert_int_equal(scheduler.goroutines[0].heap_used, auditor->memory_bytes);
    assert_int_equal(execution.operation_count, 1);
    assert_int_equal(execution.operations[0].returned, 2);
    assert_int_equal(scheduler.tick, 2);
    assert_int_equal(execution.verdict_count, 0);
    assert_int_equal(execution.trace_count, 0);
    assert_int_equal(execution.choice_count, 0);
    assert_int_equal(execution.switches, 0);
    assert_false(execution.ended_early);
}

static uint32_t audit_choose(struct strategy *self, enum choice_kind kind,
                             struct goroutine *const *candidates, uint32_t count)
{
    struct auditor *auditor = (struct auditor *)self;
    return auditor->inner.choose(&auditor->inner, kind, candidates, count);
}

static uint8_t *audited; /* the memory of the present test's auditor */

/* To be made when the target has just been opened. */
static struct auditor auditor_create(void)
{
    struct auditor auditor = {
        .strategy = { .name = "auditor", .begin = audit_begin, .choose = audit_choose },
        .inner = strategy_random(),
        .memory_bytes = scheduler.goroutines[0].heap_used,
        .block_count = heap_block_count(),
        .globals = { hash_of_globals() },
    };
    assert_true(auditor.block_count <= COUNT(auditor.blocks));
    for (uint32_t i = 1; i < auditor.block_count; i++)
        auditor.blocks[i] = *heap_block_at(i);
    audited = realloc(audited, auditor.memory_bytes);
    assert_non_null(audited);
    memcpy(audited, (const void *)HEAP_BASE, auditor.memory_bytes);
    auditor.memory = audited;
    return auditor;
}

/* An execution has some 60 events: small set-ups are put back whole, large ones event by event. */
static void expect_exact_reset(uint64_t filler_bytes, enum treadle_reuse reuse)
{
    const struct treadle_target target = {
        .name = "pool", .setup = setup_pool, .argument = (const void *)filler_bytes,
        .reuse = reuse,
        PROGRAMS({ "a", destroy_pool, (const void *)0 }, { "b", destroy_pool, (const void *)1 }),
    };
    run_open(&target);
    struct auditor auditor = auditor_create();
    uint64_t hashes[50];
    uint32_t verdicts = 0;
    for (uint64_t seed = 0; seed < COUNT(hashes); seed++) {
        scheduler_run(&auditor.strategy, seed);
        hashes[seed] = trace_hash();
        verdicts += execution.verdict_count;
    }
    assert_true(verdicts > 0 && verdicts < COUNT(hashes));
    for (uint64_t seed = COUNT(hashes); seed-- > 0;) {
        scheduler_run(&auditor.strategy, seed);
        assert_true(trace_hash() == hashes[seed]);
    }
    assert_int_equal(auditor.begun, 2 * COUNT(hashes));
}

static void small_setups_are_reset_exactly(void **state)
{
    (void)state;
    expect_exact_reset(300, TREADLE_REUSE_NEVER);
    expect_exact_reset(300, TREADLE_REUSE_LIFO);
}

static void large_setups_are_reset_exactly(void **state)
{
    (void)state;
    expect_exact_reset(100000, TREADLE_REUSE_NEVER);
    expect_exact_reset(100000, TREADLE_REUSE_LIFO);
}

/* ---- looking --------------------------------------------------------------------------------- */

static void look_and_break(void *argument)
{
    struct pool *pool = argument;
    poke64(&pool->cells.cell[6], 99); /* which no goroutine touches */
    (void)subject_memset(pool->filler, 0, pool->filler_bytes);
    (void)treadle_alloc(100, "looked");
}

static void look_and_free(void *argument)
{
    struct pool *pool = argument;
    treadle_free(pool->filler);
}

static void look_and_write_globals(void *argument)
{
    (void)argument;
    poke64(&subject_globals[63], 99); /* which no goroutine touches */
}

static void look_and_panic(void *argument)
{
    (void)argument;
    treadle_panic("while looking");
}

static void look_wildly(void *argument)
{
    (void)argument;
    (void)peek64((uint64_t *)8);
}

/* "what it allocates or breaks vanishes with the execution" */
static void expect_look_vanishes(uint64_t filler_bytes, void (*look)(void *argument))
{
    const struct treadle_target target = {
        .name = "pool", .setup = setup_pool, .argument = (const void *)filler_bytes,
        PROGRAMS({ "a", destroy_pool, (const void *)0 }, { "b", destroy_pool, (const void *)1 }),
    };
    run_open(&target);
    struct auditor auditor = auditor_create();
    scheduler_run(&auditor.strategy, 1);
    uint64_t hash = trace_hash();
    uint32_t verdicts = execution.verdict_count;
    assert_int_equal(scheduler_look(look, execution.state), TREADLE_OK);
    assert_int_equal(execution.verdict_count, verdicts);
    scheduler_run(&auditor.strategy, 1);
    assert_true(trace_hash() == hash);
}

static void what_a_look_breaks_vanishes(void **state)
{
    (void)state;
    expect_look_vanishes(300, look_and_break);
}

static void what_a_look_breaks_of_a_large_setup_vanishes(void **state)
{
    (void)state;
    expect_look_vanishes(100000, look_and_break);
}

static void what_a_look_frees_vanishes(void **state)
{
    (void)state;
    expect_look_vanishes(300, look_and_free);
}

static void what_a_look_does_to_globals_vanishes(void **state)
{
    (void)state;
    expect_look_vanishes(300, look_and_write_globals);
    assert_int_equal(subject_globals[63], 0);
}

static void nothing(void *state, const void *argument)
{
    (void)state;
    (void)argument;
}

static void a_look_may_end_badly(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "n", .setup = setup_cells,
                                           PROGRAMS({ "n", nothing, NULL }) };
    run_open(&target);
    listed_run("");
    assert_int_equal(scheduler_look(look_and_panic, NULL), TREADLE_PANIC);
    assert_int_equal(scheduler_look(look_wildly, NULL), TREADLE_WILD_ACCESS);
    expect_no_verdict();
    listed_run("");
    expect_no_verdict();
}

/* ---- opening again --------------------------------------------------------------------------- */

static void *setup_global(const void *argument)
{
    bump64(&subject_global);
    return setup_cells(argument);
}

static void read_global(void *state, const void *argument)
{
    (void)state;
    (void)argument;
    (void)peek64(&subject_global);
}

static void another_target_begins_anew(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "n", .setup = setup_cells,
                                           PROGRAMS({ "n", nothing, NULL }) };
    const struct treadle_target pool = { .name = "pool", .setup = setup_pool,
                                         .argument = (const void *)300,
                                         PROGRAMS({ "a", destroy_pool, (const void *)0 }) };
    uint64_t hashes[2];
    for (int round = 0; round < 2; round++) {
        run_open(&pool);
        listed_run("");
        hashes[round] = trace_hash();
        run_open(&target);
        assert_int_equal(execution.operation_count, 0);
        assert_int_equal(heap_block_count(), 2);
        assert_int_equal(subject_global, 0);
        listed_run("");
        expect_no_verdict();
    }
    assert_true(hashes[0] == hashes[1]);
    scheduler_close();
    scheduler_close();
}

/* What a set-up writes to globals goes with its target: replay opens targets in any order. */
static void a_setup_s_globals_go_with_it(void **state)
{
    (void)state;
    const struct treadle_target target = { .name = "global", .setup = setup_global,
                                           PROGRAMS({ "r", read_global, NULL }) };
    for (int round = 0; round < 3; round++) {
        run_open(&target);
        listed_run("");
        uint64_t seen = event_of(1, EVENT_READ, 0)->value_read;
        scheduler_close();
        assert_int_equal(seen, 1);
        assert_int_equal(subject_global, 0);
    }
}

/* ---- targets with little in them ------------------------------------------------------------- */

static void poke_often(void *state)
{
    for (uint64_t i = 0; i < 1000; i++)
        poke64(&((struct cells *)state)->cell[0], i);
}

static void programs_and_setup_may_be_missing(void **state)
{
    (void)state;
    const struct treadle_target nobody = { .name = "nobody", .setup = setup_cells,
                                           .final = poke_often };
    run_open(&nobody);
    listed_run("");
    expect_no_verdict();
    assert_int_equal(execution.trace_run_count, 0);
    assert_int_equal(execution.trace_count, 1000);
    const struct treadle_target bare = { .name = "bare", PROGRAMS({ "n", nothing, NULL }) };
    run_open(&bare);
    assert_null(execution.state);
    for (int round = 0; round < 2; round++) {
        listed_run("");
        expect_no_verdict();
        assert_int_equal(execution.trace_count, 2);
    }
}

/* ---- set-ups that fail ----------------------------------------------------------------------- */

static void *setup_panics(const void *argument)
{
    (void)argument;
    treadle_panic("no set-up today");
}

static void *setup_is_wrong(const void *argument)
{
    (void)argument;
    treadle_assert(false, "it holds");
    return NULL;
}

static void *setup_is_wild(const void *argument)
{
    (void)argument;
    poke64((uint64_t *)8, 1);
    return NULL;
}

static void *setup_frees_twice(const void *argument)
{
    void *block = setup_cells(argument);
    treadle_free(block);
    treadle_free(block);
    return NULL;
}

static void *setup_waits(const void *argument)
{
    struct cells *cells = setup_cells(argument);
    treadle_mutex_lock(&cells->mutex[0]);
    treadle_mutex_lock(&cells->mutex[0]);
    return NULL;
}

static void *setup_misuses(const void *argument)
{
    struct cells *cells = setup_cells(argument);
    treadle_mutex_unlock(&cells->mutex[0]);
    return NULL;
}

static void *setup_crashes(const void *argument)
{
    (void)argument;
    write_to_null();
    return NULL;
}

static void failing_setups_are_reported(void **state)
{
    (void)state;
    static const struct {
        void *(*setup)(const void *argument);
        enum treadle_verdict verdict;
        const char *rule;
    } cases[] = {
        { setup_panics, TREADLE_PANIC, "no set-up today" },
        { setup_is_wrong, TREADLE_ASSERT, "it holds" },
        { setup_is_wild, TREADLE_WILD_ACCESS, "access outside any live memory" },
        { setup_frees_twice, TREADLE_DOUBLE_FREE, "free of freed memory" },
        { setup_waits, TREADLE_DEADLOCK, "goroutine 0 waits for ever" },
        { setup_misuses, TREADLE_LOCK_MISUSE,
          "unlock of a mutex that the goroutine does not hold" },
        { setup_crashes, TREADLE_CRASH, "SIGSEGV" },
    };
    const struct treadle_target sound = { .name = "sound", .setup = setup_cells,
                                          PROGRAMS({ "n", nothing, NULL }) };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct treadle_target target = { .name = "fails", .setup = cases[i].setup,
                                               PROGRAMS({ "n", nothing, NULL }) };
        const char *rule = NULL;
        struct scheduler_options options = { 0 };
        assert_int_equal(scheduler_open(&target, &options, &rule), cases[i].verdict);
        assert_string_equal(rule, cases[i].rule);
        run_open(&sound);
        listed_run("");
        expect_no_verdict();
        assert_false(scheduler_crashed());
    }
}

/* Before each test: a failed one leaves nothing behind for the next. */
static int begin(void **state)
{
    (void)state;
    scheduler_close();
    subject_global = 0;
    memset(subject_globals, 0, sizeof subject_globals);
    return 0;
}

static int close_target(void **state)
{
    (void)state;
    scheduler_close();
    free(audited);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(small_setups_are_reset_exactly, begin),
        cmocka_unit_test_setup(large_setups_are_reset_exactly, begin),
        cmocka_unit_test_setup(what_a_look_breaks_vanishes, begin),
        cmocka_unit_test_setup(what_a_look_breaks_of_a_large_setup_vanishes, begin),
        cmocka_unit_test_setup(what_a_look_frees_vanishes, begin),
        cmocka_unit_test_setup(what_a_look_does_to_globals_vanishes, begin),
        cmocka_unit_test_setup(a_look_may_end_badly, begin),
        cmocka_unit_test_setup(another_target_begins_anew, begin),
        cmocka_unit_test_setup(a_setup_s_globals_go_with_it, begin),
        cmocka_unit_test_setup(programs_and_setup_may_be_missing, begin),
        cmocka_unit_test_setup(failing_setups_are_reported, begin),
    };
    return cmocka_run_group_tests(tests, NULL, close_target);
}
