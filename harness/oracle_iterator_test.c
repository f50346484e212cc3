/* oracle_iterator_test.c: each rule of the iterator by an iteration that breaks it and a twin that
 * does not; then random iterations over a map that is being changed, which must pass, and the same
 * with a planted bug. */
#include "oracle_fake.h"

#include "../scheduler/rng.h"

#define SKIP "rule 1"
#define REMOVED "rule 2"
#define REPEAT "rule 4"
#define NEVER "rule 5"

/* Keys 1 to 4 with values 10 to 40 are the set-up's; the end of the execution is not judged. */
static int begin(void **state)
{
    (void)state;
    fake_reset();
    fake_target.final = NULL;
    for (uint64_t key = 1; key <= 4; key++)
        fake_assign(0, key, key * 10);
    fake_setup_done();
    return 0;
}

static void judge(enum treadle_verdict verdict, const char *text)
{
    oracle_history();
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        if (text == NULL || strstr(execution.verdicts[i].rule, text) == NULL)
            fail_msg("%s: %s", execution.verdicts[i].rule, execution.verdicts[i].detail);
    assert_int_equal(execution.verdict_count, text != NULL);
    if (text != NULL)
        assert_non_null(fake_verdict(verdict, text));
}

static void produce(uint64_t first, uint64_t last)
{
    for (uint64_t key = first; key <= last; key++)
        fake_next(1, 7, key, key * 10);
}

/* ---- rule 1 ---------------------------------------------------------------------------------- */

static void test_skip(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    fake_read(1, 0x1000, 0);
    uint32_t write = fake_write(2, 0x1000, 1);
    produce(1, 3);
    uint32_t end = fake_call(1, TREADLE_NEXT, 7, 0);
    uint32_t last = fake_read(1, 0x2000, 0);
    fake_return(end, false, 0, 0);
    judge(TREADLE_ITERATOR_SKIP, SKIP);
    fake_assert_events(fake_verdict(TREADLE_ITERATOR_SKIP, NULL), write, last, EVENT_INDEX_NONE);
}

static void test_whole_iteration(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    produce(3, 4);
    produce(1, 2);
    fake_end(1, 7);
    fake_end(1, 7);
    fake_iterate(1, 7);
    produce(1, 4);
    fake_end(1, 7);
    judge(TREADLE_OK, NULL);
}

static void test_abandoned_iteration(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    produce(1, 2);
    fake_iterate(1, 7);
    produce(1, 4);
    fake_end(1, 7);
    judge(TREADLE_OK, NULL);
}

static void test_skip_of_removed(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    produce(1, 3);
    uint32_t removal = fake_call(2, TREADLE_DELETE, 4, 0);
    fake_end(1, 7);
    fake_return(removal, true, 4, 0);
    judge(TREADLE_OK, NULL);
    begin(state);
    fake_iterate(1, 7);
    produce(1, 3);
    fake_end(1, 7);
    fake_delete(2, 4); /* too late */
    judge(TREADLE_ITERATOR_SKIP, SKIP);
}

/* Removed and stored again is another entry: it was added during the iteration (rule 3). */
static void test_skip_of_replaced(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    fake_delete(1, 4);
    fake_assign(1, 4, 41);
    produce(1, 3);
    fake_end(1, 7);
    judge(TREADLE_OK, NULL);
    begin(state);
    fake_iterate(1, 7);
    fake_assign(1, 4, 41); /* the same entry, another value */
    produce(1, 3);
    fake_end(1, 7);
    judge(TREADLE_ITERATOR_SKIP, SKIP);
}

static void test_added_or_not(void **state)
{
    (void)state;
    uint32_t store = fake_call(2, TREADLE_ASSIGN, 6, 60);
    fake_iterate(1, 7);
    fake_return(store, true, 6, 60);
    fake_assign(1, 5, 50);
    produce(1, 5);
    fake_end(1, 7);
    fake_iterate(1, 8);
    fake_next(1, 8, 6, 60);
    judge(TREADLE_OK, NULL);
}

static void test_skip_after_clear(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    produce(1, 1);
    fake_clear(1);
    fake_end(1, 7);
    judge(TREADLE_OK, NULL);
    fake_assign(1, 9, 90);
    fake_iterate(1, 7);
    fake_end(1, 7);
    judge(TREADLE_ITERATOR_SKIP, SKIP);
}

/* ---- rules 2 and 5 --------------------------------------------------------------------------- */

static void test_ghost(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    produce(1, 2);
    uint32_t removal = fake_call(1, TREADLE_CLEAR, 0, 0);
    uint32_t write = fake_write(1, 0x1000, 0);
    fake_return(removal, true, 0, 0);
    uint32_t next = fake_call(1, TREADLE_NEXT, 7, 0);
    uint32_t read = fake_read(1, 0x2000, 30);
    fake_return(next, true, 3, 30);
    judge(TREADLE_ITERATOR_GHOST, REMOVED);
    fake_assert_events(fake_verdict(TREADLE_ITERATOR_GHOST, NULL), write, read, EVENT_INDEX_NONE);
}

static void test_ghost_or_not(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    uint32_t removal = fake_call(2, TREADLE_DELETE, 1, 0);
    produce(1, 1);
    fake_return(removal, true, 1, 0);
    fake_delete(2, 2);
    fake_assign(2, 2, 21);
    fake_next(1, 7, 2, 21);
    fake_delete(2, 3);
    uint32_t store = fake_call(2, TREADLE_ASSIGN, 3, 30);
    fake_next(1, 7, 3, 30);
    fake_return(store, true, 3, 30);
    judge(TREADLE_OK, NULL);
    fake_delete(2, 4);
    produce(4, 4);
    judge(TREADLE_ITERATOR_GHOST, REMOVED);
}

static void test_never_was(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    uint32_t next = fake_call(1, TREADLE_NEXT, 7, 0);
    uint32_t store = fake_call(2, TREADLE_ASSIGN, 5, 50);
    fake_return(next, true, 5, 50);
    fake_return(store, true, 5, 50);
    judge(TREADLE_OK, NULL);
    fake_next(1, 7, 6, 60);
    fake_assign(2, 6, 60); /* too late */
    judge(TREADLE_ITERATOR_GHOST, NEVER);
}

static void test_value(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    fake_next(1, 7, 1, 0);
    judge(TREADLE_WRONG_VALUE, "was stored for that key");
    begin(state);
    fake_iterate(1, 7);
    fake_assign(1, 1, 11);
    fake_next(1, 7, 1, 11);
    judge(TREADLE_OK, NULL);
    fake_assign(1, 2, 21);
    fake_next(1, 7, 2, 20);
    judge(TREADLE_WRONG_VALUE, "not seen after another one");
}

/* ---- rule 4 ---------------------------------------------------------------------------------- */

static void test_repeat(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    fake_next(1, 7, 1, 10);
    fake_next(1, 7, 2, 20);
    fake_assign(1, 1, 10);
    fake_next(1, 7, 1, 10);
    judge(TREADLE_ITERATOR_REPEAT, REPEAT);
}

static void test_repeat_of_replaced(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    fake_next(1, 7, 1, 10);
    fake_delete(1, 1);
    fake_assign(1, 1, 10);
    fake_next(1, 7, 1, 10);
    fake_clear(1);
    fake_assign(1, 1, 10);
    fake_next(1, 7, 1, 10);
    judge(TREADLE_OK, NULL);
    fake_next(1, 7, 1, 10);
    judge(TREADLE_ITERATOR_REPEAT, REPEAT);
}

/* Removed and stored before it was first produced: one entry. */
static void test_repeat_of_replaced_before(void **state)
{
    (void)state;
    fake_iterate(1, 7);
    fake_delete(1, 1);
    fake_assign(1, 1, 10);
    fake_next(1, 7, 1, 10);
    fake_next(1, 7, 1, 10);
    judge(TREADLE_ITERATOR_REPEAT, REPEAT);
}

/* Two goroutines' iterators may have one number; one begun by the set-up goes on in another. */
static void test_two_iterations(void **state)
{
    (void)state;
    fake_iterate(0, 9);
    fake_iterate(1, 7);
    fake_iterate(2, 7);
    for (uint64_t key = 1; key <= 4; key++) {
        fake_next(1, 7, key, key * 10);
        fake_next(2, 7, 5 - key, (5 - key) * 10);
        fake_next(3, 9, key, key * 10);
    }
    fake_end(1, 7);
    fake_end(2, 7);
    fake_end(3, 9);
    judge(TREADLE_OK, NULL);
    fake_next(2, 7, 1, 10);
    judge(TREADLE_ITERATOR_REPEAT, REPEAT);
}

/* ---- random iterations ----------------------------------------------------------------------- */

enum planted { PLANTED_NOTHING, PLANTED_SKIP, PLANTED_GHOST, PLANTED_REPEAT };

#define KEYS 6u

/* A map whose entries have a birth; goroutine 1 iterates, 2 and 3 change it. Each operation takes
 * effect between its call and its return. */
struct model {
    struct rng rng;
    enum planted planted;
    uint64_t value[KEYS];
    uint32_t birth[KEYS];    /* 0 = not there */
    uint32_t produced[KEYS]; /* birth of the entry that the iteration has produced */
    uint32_t clock, start;
    struct {
        uint32_t operation, at; /* 0 idle, 1 called, 2 took effect */
        bool found;
        uint64_t key, value;
    } goroutines[4];
};

static bool model_errs(struct model *model, enum planted planted)
{
    return model->planted == planted && rng_below(&model->rng, 16) == 0;
}

static bool model_may_produce(struct model *model, uint64_t key)
{
    if (model->birth[key] == 0)
        return model->value[key] != 0 && model_errs(model, PLANTED_GHOST);
    return model->produced[key] != model->birth[key] || model_errs(model, PLANTED_REPEAT);
}

/* Produces an entry from a random place on; ends when only entries are left that were added during
 * the iteration, and sometimes produces those. */
static void model_next(struct model *model)
{
    uint64_t from = rng_below(&model->rng, KEYS);
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t key = (from + i) % KEYS;
        bool added = model->birth[key] > model->start;
        if (!model_may_produce(model, key) || (added && rng_below(&model->rng, 2) == 0))
            continue;
        model->produced[key] = model->birth[key];
        if (model_errs(model, PLANTED_SKIP))
            continue;
        model->goroutines[1].found = true;
        model->goroutines[1].key = key;
        model->goroutines[1].value = model->value[key];
        return;
    }
    model->goroutines[1].found = false;
}

static void model_take_effect(struct model *model, uint32_t self)
{
    const struct operation *operation =
        &execution.operations[model->goroutines[self].operation];
    uint64_t key = operation->key;
    model->clock++;
    switch (operation->kind) {
    case TREADLE_ASSIGN:
        model->value[key] = operation->value;
        if (model->birth[key] == 0)
            model->birth[key] = model->clock;
        break;
    case TREADLE_DELETE:
        model->birth[key] = 0;
        break;
    case TREADLE_CLEAR:
        memset(model->birth, 0, sizeof model->birth);
        break;
    case TREADLE_ITERATE:
        model->start = model->clock;
        memset(model->produced, 0, sizeof model->produced);
        model->goroutines[1].found = true;
        break;
    default:
        model_next(model);
    }
}

static void model_call(struct model *model, uint32_t self)
{
    enum treadle_operation_kind kind;
    uint64_t key = 7;
    if (self == 1) {
        kind = model->goroutines[1].found ? TREADLE_NEXT : TREADLE_ITERATE;
    } else {
        uint32_t draw = rng_below(&model->rng, 20);
        kind = draw < 12 ? TREADLE_ASSIGN : draw < 19 ? TREADLE_DELETE : TREADLE_CLEAR;
        key = rng_below(&model->rng, KEYS);
    }
    model->goroutines[self].operation =
        fake_call((uint16_t)self, kind, key, model->clock + 1000);
    model->goroutines[self].at = 1;
}

static void model_run(struct model *model)
{
    for (uint64_t key = 0; key < KEYS; key++) {
        fake_assign(0, key, key + 1);
        model->value[key] = key + 1;
        model->birth[key] = ++model->clock;
    }
    fake_setup_done();
    for (uint32_t step = 0; step < 100; step++) {
        uint32_t draw = rng_below(&model->rng, 8);
        uint32_t self = draw < 6 ? 1 : draw - 4;
        if (model->goroutines[self].at == 0) {
            model_call(model, self);
        } else if (model->goroutines[self].at == 1) {
            model_take_effect(model, self);
            model->goroutines[self].at = 2;
        } else {
            fake_return(model->goroutines[self].operation, model->goroutines[self].found,
                        model->goroutines[self].key, model->goroutines[self].value);
            model->goroutines[self].at = 0;
        }
    }
}

static uint32_t model_count_verdicts(enum planted planted, enum treadle_verdict verdict)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        fake_reset();
        fake_target.final = NULL;
        struct model model = { .planted = planted };
        rng_seed(&model.rng, i);
        model_run(&model);
        oracle_history();
        if (planted == PLANTED_NOTHING && execution.verdict_count > 0)
            fail_msg("history %u: %s: %s", i, execution.verdicts[0].rule,
                     execution.verdicts[0].detail);
        count += fake_verdict(verdict, NULL) != NULL;
    }
    return count;
}

static void test_random_iterations(void **state)
{
    (void)state;
    model_count_verdicts(PLANTED_NOTHING, TREADLE_OK);
    assert_true(model_count_verdicts(PLANTED_SKIP, TREADLE_ITERATOR_SKIP) > 50);
    assert_true(model_count_verdicts(PLANTED_GHOST, TREADLE_ITERATOR_GHOST) > 50);
    assert_true(model_count_verdicts(PLANTED_REPEAT, TREADLE_ITERATOR_REPEAT) > 50);
}

static void test_cost(void **state)
{
    (void)state;
    fake_reset();
    for (uint64_t i = 0; i < 13; i++)
        fake_assign(0, i, 100 + i);
    fake_setup_done();
    fake_iterate(1, 7);
    fake_assign(2, 100, 1);
    fake_assign(2, 101, 1);
    for (uint64_t i = 0; i < 13; i++)
        fake_next(1, 7, i * 5 % 13, 100 + i * 5 % 13);
    fake_end(1, 7);
    fake_final();
    for (uint64_t i = 0; i < 13; i++)
        fake_content(i * 7 % 13, 100 + i * 7 % 13);
    fake_content(100, 1);
    fake_content(101, 1);
    print_message("45 operations: %.0f ns\n", fake_cost(oracle_history));
    judge(TREADLE_OK, NULL);
}

static void test_many_iterations(void **state)
{
    (void)state;
    fake_reset();
    fake_target.final = NULL;
    for (uint64_t i = 0; i < 300; i++)
        fake_assign(0, i, i);
    for (uint64_t i = 0; i < 30; i++) {
        fake_iterate(1, i);
        for (uint64_t key = 0; key < 300; key++)
            fake_next(1, i, key, key);
        fake_end(1, i);
    }
    judge(TREADLE_OK, NULL);
    execution.operations[5000].result_key = 299;
    execution.operations[5000].result_value = 299;
    oracle_history();
    assert_non_null(fake_verdict(TREADLE_ITERATOR_SKIP, SKIP));
    assert_non_null(fake_verdict(TREADLE_ITERATOR_REPEAT, REPEAT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_skip, begin),
        cmocka_unit_test_setup(test_whole_iteration, begin),
        cmocka_unit_test_setup(test_abandoned_iteration, begin),
        cmocka_unit_test_setup(test_skip_of_removed, begin),
        cmocka_unit_test_setup(test_skip_of_replaced, begin),
        cmocka_unit_test_setup(test_added_or_not, begin),
        cmocka_unit_test_setup(test_skip_after_clear, begin),
        cmocka_unit_test_setup(test_ghost, begin),
        cmocka_unit_test_setup(test_ghost_or_not, begin),
        cmocka_unit_test_setup(test_never_was, begin),
        cmocka_unit_test_setup(test_value, begin),
        cmocka_unit_test_setup(test_repeat, begin),
        cmocka_unit_test_setup(test_repeat_of_replaced, begin),
        cmocka_unit_test_setup(test_repeat_of_replaced_before, begin),
        cmocka_unit_test_setup(test_two_iterations, begin),
        cmocka_unit_test_setup(test_random_iterations, begin),
        cmocka_unit_test_setup(test_many_iterations, begin),
        cmocka_unit_test_setup(test_cost, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
