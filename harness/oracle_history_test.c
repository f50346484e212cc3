/* oracle_history_test.c: histories as a whole: keys far apart, many operations, what a quiet one
 * costs; then random histories of a map that takes effect at one moment of each operation, which
 * must pass, and the same with a planted bug. (The rules: oracle_keyed_test.c.) */
#include "oracle_fake.h"

#include "../scheduler/rng.h"

#define GONE "stored and not removed is there"
#define UNAPPENDED "appended is there"

static int begin(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

/* The oracle says just this, once; text NULL: nothing. */
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

static void final(uint64_t key, uint64_t value)
{
    fake_final();
    fake_content(key, value);
}

/* ---- keys far apart, many operations --------------------------------------------------------- */

static void test_keys_far_apart(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 40; i++)
        fake_assign(0, i * UINT64_C(0x9e3779b97f4a7c15), i);
    fake_setup_done();
    fake_access(1, 7 * UINT64_C(0x9e3779b97f4a7c15), 7);
    fake_final();
    for (uint64_t i = 0; i < 40; i++)
        fake_content((39 - i) * UINT64_C(0x9e3779b97f4a7c15), 39 - i);
    judge(TREADLE_OK, NULL);
    print_message("81 operations, keys far apart: %.0f ns\n", fake_cost(oracle_history));
    execution.operation_count--; /* the key 0 */
    judge(TREADLE_LOST_UPDATE, GONE);
}

static void test_many_operations(void **state)
{
    (void)state;
    for (uint64_t spread = 1; spread <= UINT64_C(1) << 40; spread += (UINT64_C(1) << 40) - 1) {
        begin(state);
        for (uint64_t i = 0; i < 5000; i++)
            fake_assign((uint16_t)(1 + i % 2), i % 500 * spread, i);
        for (uint64_t i = 0; i < 5000; i++)
            fake_append(1, UINT64_C(1000) * spread, i);
        for (uint64_t i = 0; i < 5000; i++)
            fake_access(2, i % 500 * spread, 4500 + i % 500);
        fake_final();
        for (uint64_t i = 0; i < 500; i++)
            fake_content(i * spread, 4500 + i);
        for (uint64_t i = 0; i < 5000; i++)
            fake_content(UINT64_C(1000) * spread, 4999 - i);
        judge(TREADLE_OK, NULL);
        execution.operations[7000].returned = execution.operations[7000].called;
        execution.operation_count--;
        judge(TREADLE_LOST_UPDATE, UNAPPENDED);
    }
}

/* ---- random histories ------------------------------------------------------------------------ */

enum planted { PLANTED_NOTHING, PLANTED_DROP, PLANTED_BLIND, PLANTED_STALE, PLANTED_RETURN };

#define KEYS 4u

struct model {
    struct rng rng;
    enum planted planted;
    uint64_t value[KEYS], before[KEYS];
    bool present[KEYS];
    uint64_t next_value;
    struct {
        uint32_t operation;
        uint32_t at; /* 0 idle, 1 called, 2 took effect */
        bool found;
        uint64_t result;
    } goroutines[4];
};

static bool model_errs(struct model *model, enum planted planted)
{
    return model->planted == planted && rng_below(&model->rng, 8) == 0;
}

static void model_store(struct model *model, uint64_t key, uint64_t value)
{
    model->before[key] = model->value[key];
    model->value[key] = value;
    model->present[key] = true;
}

static void model_take_effect(struct model *model, uint32_t self)
{
    const struct operation *operation =
        &execution.operations[model->goroutines[self].operation];
    uint64_t key = operation->key;
    model->goroutines[self].found = true;
    switch (operation->kind) {
    case TREADLE_ASSIGN:
        if (!model_errs(model, PLANTED_DROP))
            model_store(model, key, operation->value);
        return;
    case TREADLE_DELETE:
        if (!model_errs(model, PLANTED_RETURN))
            model->present[key] = false;
        return;
    case TREADLE_CLEAR:
        memset(model->present, 0, sizeof model->present);
        return;
    default:
        model->goroutines[self].found =
            model->present[key] && !model_errs(model, PLANTED_BLIND);
        model->goroutines[self].result =
            model_errs(model, PLANTED_STALE) ? model->before[key] : model->value[key];
    }
}

static void model_call(struct model *model, uint32_t self)
{
    static const enum treadle_operation_kind KINDS[] = {
        TREADLE_ASSIGN, TREADLE_ASSIGN, TREADLE_DELETE, TREADLE_ACCESS,
        TREADLE_ACCESS, TREADLE_ACCESS, TREADLE_CLEAR,
    };
    uint32_t kind = rng_below(&model->rng, rng_below(&model->rng, 4) == 0 ? 7 : 6);
    model->goroutines[self].operation = fake_call((uint16_t)self, KINDS[kind],
                                                  rng_below(&model->rng, KEYS),
                                                  ++model->next_value / 2);
    model->goroutines[self].at = 1;
}

/* Goroutines 1 to 3 for a while, one operation at a time; those that have not returned at the end
 * may or may not have taken effect. */
static void model_run(struct model *model)
{
    uint32_t steps = 20 + rng_below(&model->rng, 60);
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t self = 1 + rng_below(&model->rng, 3);
        if (model->goroutines[self].at == 0) {
            model_call(model, self);
        } else if (model->goroutines[self].at == 1) {
            model_take_effect(model, self);
            model->goroutines[self].at = 2;
        } else {
            uint32_t operation = model->goroutines[self].operation;
            fake_return(operation, model->goroutines[self].found,
                        execution.operations[operation].key, model->goroutines[self].result);
            model->goroutines[self].at = 0;
        }
    }
    fake_final();
    for (uint64_t key = 0; key < KEYS; key++)
        if (model->present[key])
            fake_content(key, model->value[key]);
}

static uint32_t model_count_verdicts(enum planted planted, enum treadle_verdict verdict)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        fake_reset();
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

static void test_random_histories(void **state)
{
    (void)state;
    model_count_verdicts(PLANTED_NOTHING, TREADLE_OK);
    assert_true(model_count_verdicts(PLANTED_DROP, TREADLE_LOST_UPDATE) > 50);
    assert_true(model_count_verdicts(PLANTED_BLIND, TREADLE_MISSED_KEY) > 50);
    assert_true(model_count_verdicts(PLANTED_STALE, TREADLE_WRONG_VALUE) > 50);
    assert_true(model_count_verdicts(PLANTED_RETURN, TREADLE_LOST_UPDATE) > 50);
}

static void test_cost(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_access(2, 5, 50);
    final(5, 50);
    print_message("3 operations: %.0f ns\n", fake_cost(oracle_history));
    begin(state);
    for (uint64_t i = 0; i < 26; i++)
        fake_assign(0, i, 100 + i);
    fake_setup_done();
    for (uint64_t i = 0; i < 4; i++)
        fake_assign(1, 100 + i, i);
    for (uint64_t i = 0; i < 4; i++)
        fake_access(2, i * 3, 100 + i * 3);
    fake_final();
    for (uint64_t i = 0; i < 26; i++)
        fake_content((i * 7) % 26, 100 + (i * 7) % 26);
    for (uint64_t i = 0; i < 4; i++)
        fake_content(100 + i, i);
    print_message("64 operations: %.0f ns\n", fake_cost(oracle_history));
    judge(TREADLE_OK, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_keys_far_apart, begin),
        cmocka_unit_test_setup(test_many_operations, begin),
        cmocka_unit_test_setup(test_random_histories, begin),
        cmocka_unit_test_setup(test_cost, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
