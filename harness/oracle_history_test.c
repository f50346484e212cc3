/* oracle_history_test.c: the rules of single keys, each by a history that breaks it and a twin
 * that does not; then random histories of a map that takes effect at one moment of each operation,
 * which must pass, and the same with a planted bug. */
#include "oracle_fake.h"

#include "../scheduler/rng.h"

#define MISSED "present throughout an access"
#define INVENTED "was stored for that key"
#define REMOVED "not found after it was removed"
#define STALE "not seen after another one"
#define GONE "stored and not removed is there"
#define OVERWRITTEN "value at the end"
#define RETURNED "removed is not there at the end"
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

/* ---- missed-key ------------------------------------------------------------------------------ */

static void test_missed_key(void **state)
{
    (void)state;
    fake_assign(0, 5, 50);
    fake_setup_done();
    uint32_t access = fake_call(1, TREADLE_ACCESS, 5, 0);
    fake_read(1, 0x1000, 1);
    uint32_t write = fake_write(2, 0x1000, 2);
    uint32_t last = fake_read(1, 0x2000, 0);
    fake_read(3, 0x1000, 0);
    fake_return(access, false, 5, 0);
    final(5, 50);
    judge(TREADLE_MISSED_KEY, MISSED);
    fake_assert_events(fake_verdict(TREADLE_MISSED_KEY, NULL), write, last, EVENT_INDEX_NONE);
}

static void test_missed_key_deleted_at_the_time(void **state)
{
    (void)state;
    fake_assign(0, 5, 50);
    fake_setup_done();
    uint32_t removal = fake_call(2, TREADLE_DELETE, 5, 0);
    uint32_t access = fake_call(1, TREADLE_ACCESS, 5, 0);
    fake_return(removal, true, 5, 0);
    fake_return(access, false, 5, 0);
    fake_assign(1, 5, 51);
    final(5, 51);
    judge(TREADLE_OK, NULL);
}

static void test_missed_key_deleted_later(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_miss(2, 5);
    fake_delete(1, 5);
    fake_final();
    judge(TREADLE_MISSED_KEY, MISSED);
}

static void test_missed_key_deleted_within(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    uint32_t access = fake_call(2, TREADLE_ACCESS, 5, 0);
    fake_delete(1, 5);
    fake_return(access, false, 5, 0);
    fake_final();
    judge(TREADLE_OK, NULL);
}

static void test_missed_key_stored_at_the_time(void **state)
{
    (void)state;
    uint32_t store = fake_call(1, TREADLE_ASSIGN, 5, 50);
    fake_miss(2, 5);
    fake_return(store, true, 5, 50);
    fake_miss(2, 6);
    final(5, 50);
    judge(TREADLE_OK, NULL);
}

/* A delete that began before the store and ended after it may come second. */
static void test_missed_key_long_delete(void **state)
{
    (void)state;
    uint32_t removal = fake_call(3, TREADLE_DELETE, 5, 0);
    fake_assign(1, 5, 50);
    uint32_t mark = execution.operation_count;
    fake_miss(2, 5);
    fake_return(removal, true, 5, 0);
    fake_final();
    judge(TREADLE_OK, NULL);
    /* its twin: the store began later */
    begin(state);
    removal = fake_call(3, TREADLE_DELETE, 5, 0);
    fake_return(removal, true, 5, 0);
    fake_assign(1, 5, 50);
    fake_miss(2, 5);
    final(5, 50);
    judge(TREADLE_MISSED_KEY, MISSED);
    assert_int_equal(mark, 2);
}

static void test_missed_key_cleared(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_clear(1);
    fake_miss(2, 5);
    fake_final();
    judge(TREADLE_OK, NULL);
    begin(state);
    fake_clear(1);
    fake_assign(1, 5, 50);
    fake_miss(2, 5);
    final(5, 50);
    judge(TREADLE_MISSED_KEY, MISSED);
}

/* A delete that was abandoned may have taken effect; before it was called it has not. */
static void test_missed_key_unfinished_delete(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_call(1, TREADLE_DELETE, 5, 0);
    fake_miss(2, 5);
    execution.ended_early = true;
    judge(TREADLE_OK, NULL);
    begin(state);
    fake_assign(1, 5, 50);
    fake_miss(2, 5);
    fake_call(1, TREADLE_DELETE, 5, 0);
    execution.ended_early = true;
    judge(TREADLE_MISSED_KEY, MISSED);
}

/* ---- wrong-value ----------------------------------------------------------------------------- */

static void test_value_never_stored(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_assign(1, 6, 60);
    fake_access(2, 5, 60);
    fake_final();
    fake_content(5, 50);
    fake_content(6, 60);
    judge(TREADLE_WRONG_VALUE, INVENTED);
}

static void test_value_stored_at_the_time(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    uint32_t access = fake_call(2, TREADLE_ACCESS, 5, 0);
    uint32_t store = fake_call(1, TREADLE_ASSIGN, 5, 51);
    fake_return(access, true, 5, 51);
    fake_return(store, true, 5, 51);
    final(5, 51);
    judge(TREADLE_OK, NULL);
}

static void test_value_stored_later(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    uint32_t access = fake_call(2, TREADLE_ACCESS, 5, 0);
    fake_return(access, true, 5, 51);
    fake_assign(1, 5, 51);
    final(5, 51);
    judge(TREADLE_WRONG_VALUE, INVENTED);
}

static void test_value_stale(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_assign(1, 5, 51);
    fake_access(2, 5, 50);
    final(5, 51);
    judge(TREADLE_WRONG_VALUE, STALE);
}

static void test_value_overwritten_at_the_time(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    uint32_t store = fake_call(1, TREADLE_ASSIGN, 5, 51);
    fake_access(2, 5, 50);
    fake_access(2, 5, 51);
    fake_return(store, true, 5, 51);
    final(5, 51);
    judge(TREADLE_OK, NULL);
}

/* Two stores at the same time end in either order, but both are over when the third begins. */
static void test_value_of_concurrent_stores(void **state)
{
    (void)state;
    uint32_t one = fake_call(1, TREADLE_ASSIGN, 5, 50);
    uint32_t two = fake_call(2, TREADLE_ASSIGN, 5, 51);
    fake_return(one, true, 5, 50);
    fake_return(two, true, 5, 51);
    fake_access(3, 5, 50);
    fake_target.final = NULL;
    judge(TREADLE_OK, NULL);
    fake_assign(1, 5, 52);
    fake_access(3, 5, 50);
    final(5, 52);
    judge(TREADLE_WRONG_VALUE, STALE);
}

static void test_value_removed(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_delete(1, 5);
    fake_access(2, 5, 50);
    fake_final();
    judge(TREADLE_WRONG_VALUE, REMOVED);
    begin(state);
    fake_assign(1, 5, 50);
    uint32_t clear = fake_call(1, TREADLE_CLEAR, 0, 0);
    fake_access(2, 5, 50);
    fake_return(clear, true, 0, 0);
    fake_final();
    judge(TREADLE_OK, NULL);
    fake_access(2, 5, 50);
    judge(TREADLE_WRONG_VALUE, REMOVED);
}

static void test_value_of_appended_key(void **state)
{
    (void)state;
    fake_append(1, 5, 50);
    fake_append(2, 5, 51);
    fake_access(1, 5, 50);
    fake_access(1, 5, 51);
    fake_final();
    fake_content(5, 50);
    fake_content(5, 51);
    judge(TREADLE_OK, NULL);
    fake_content(5, 52);
    judge(TREADLE_WRONG_VALUE, INVENTED);
}

static void test_content_never_stored(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    final(5, 0);
    judge(TREADLE_WRONG_VALUE, INVENTED);
    begin(state);
    fake_assign(1, 5, 50);
    fake_final();
    fake_content(5, 50);
    fake_content(7, 50);
    judge(TREADLE_WRONG_VALUE, INVENTED);
}

/* ---- lost-update ----------------------------------------------------------------------------- */

static void test_store_lost(void **state)
{
    (void)state;
    uint32_t one = fake_call(1, TREADLE_ASSIGN, 5, 50);
    uint32_t two = fake_call(2, TREADLE_ASSIGN, 6, 60);
    uint32_t written = fake_write(1, 0x1000, 50);
    fake_read(1, 0x1000, 50);
    uint32_t over = fake_write(2, 0x1000, 60);
    fake_return(one, true, 5, 50);
    fake_return(two, true, 6, 60);
    final(6, 60);
    judge(TREADLE_LOST_UPDATE, GONE);
    fake_assert_events(fake_verdict(TREADLE_LOST_UPDATE, NULL), written, over, EVENT_INDEX_NONE);
}

/* A key of the set-up has no events: those that were in each other's way are named. */
static void test_setup_store_lost(void **state)
{
    (void)state;
    fake_assign(0, 5, 50);
    fake_setup_done();
    uint32_t one = fake_call(1, TREADLE_ASSIGN, 6, 60);
    fake_read(1, 0x1000, 0);
    uint32_t over = fake_write(2, 0x1000, 1);
    uint32_t last = fake_write(1, 0x1000, 2);
    fake_return(one, true, 6, 60);
    final(6, 60);
    judge(TREADLE_LOST_UPDATE, GONE);
    fake_assert_events(fake_verdict(TREADLE_LOST_UPDATE, NULL), over, last, EVENT_INDEX_NONE);
}

static void test_store_removed(void **state)
{
    (void)state;
    uint32_t store = fake_call(1, TREADLE_ASSIGN, 5, 50);
    fake_delete(2, 5);
    fake_return(store, true, 5, 50);
    fake_final();
    judge(TREADLE_OK, NULL);
    begin(state);
    fake_delete(2, 5);
    fake_assign(1, 5, 50);
    fake_final();
    judge(TREADLE_LOST_UPDATE, GONE);
    begin(state);
    fake_assign(1, 5, 50);
    fake_clear(2);
    fake_final();
    judge(TREADLE_OK, NULL);
}

static void test_unfinished_store(void **state)
{
    (void)state;
    fake_call(1, TREADLE_ASSIGN, 5, 50);
    fake_final();
    judge(TREADLE_OK, NULL);
    fake_content(5, 50);
    judge(TREADLE_OK, NULL);
}

static void test_store_overwritten(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_assign(2, 5, 51);
    final(5, 50);
    judge(TREADLE_LOST_UPDATE, OVERWRITTEN);
    begin(state);
    uint32_t store = fake_call(1, TREADLE_ASSIGN, 5, 50);
    fake_assign(2, 5, 51);
    fake_return(store, true, 5, 50);
    final(5, 50);
    judge(TREADLE_OK, NULL);
}

/* A key in two slots is for a map's invariant to say; one of them is right. */
static void test_key_twice(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_assign(2, 5, 51);
    fake_final();
    fake_content(5, 50);
    fake_content(5, 51);
    judge(TREADLE_OK, NULL);
}

static void test_removal_lost(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    fake_delete(1, 5);
    final(5, 50);
    judge(TREADLE_LOST_UPDATE, RETURNED);
    begin(state);
    uint32_t store = fake_call(1, TREADLE_ASSIGN, 5, 50);
    fake_delete(2, 5);
    fake_return(store, true, 5, 50);
    final(5, 50);
    judge(TREADLE_OK, NULL);
}

static void test_append_lost(void **state)
{
    (void)state;
    uint32_t one = fake_call(1, TREADLE_APPEND, 5, 50);
    uint32_t two = fake_call(2, TREADLE_APPEND, 5, 51);
    uint32_t written = fake_write(1, 0x1000, 50);
    uint32_t over = fake_write(2, 0x1000, 51);
    fake_return(one, true, 5, 50);
    fake_return(two, true, 5, 51);
    final(5, 51);
    judge(TREADLE_LOST_UPDATE, UNAPPENDED);
    fake_assert_events(fake_verdict(TREADLE_LOST_UPDATE, NULL), written, over, EVENT_INDEX_NONE);
}

static void test_append_twice(void **state)
{
    (void)state;
    fake_append(1, 5, 50);
    fake_append(2, 5, 50);
    fake_final();
    fake_content(5, 50);
    fake_content(5, 50);
    judge(TREADLE_OK, NULL);
    execution.operation_count--;
    judge(TREADLE_LOST_UPDATE, UNAPPENDED);
}

static void test_append_and_assign(void **state)
{
    (void)state;
    fake_append(1, 5, 50);
    fake_assign(1, 5, 51);
    fake_append(1, 5, 52);
    fake_final();
    fake_content(5, 51);
    fake_content(5, 52);
    judge(TREADLE_OK, NULL);
    execution.operation_count -= 2;
    fake_content(5, 52);
    judge(TREADLE_LOST_UPDATE, UNAPPENDED);
    /* at the same time as the assignment: it may have come before */
    begin(state);
    uint32_t store = fake_call(1, TREADLE_ASSIGN, 5, 51);
    fake_append(2, 5, 52);
    fake_return(store, true, 5, 51);
    final(5, 51);
    judge(TREADLE_OK, NULL);
}

static void test_no_end_no_loss(void **state)
{
    (void)state;
    fake_assign(1, 5, 50);
    execution.ended_early = true;
    judge(TREADLE_OK, NULL);
    execution.ended_early = false;
    fake_target.final = NULL;
    judge(TREADLE_OK, NULL);
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
        cmocka_unit_test_setup(test_missed_key, begin),
        cmocka_unit_test_setup(test_missed_key_deleted_at_the_time, begin),
        cmocka_unit_test_setup(test_missed_key_deleted_later, begin),
        cmocka_unit_test_setup(test_missed_key_deleted_within, begin),
        cmocka_unit_test_setup(test_missed_key_stored_at_the_time, begin),
        cmocka_unit_test_setup(test_missed_key_long_delete, begin),
        cmocka_unit_test_setup(test_missed_key_cleared, begin),
        cmocka_unit_test_setup(test_missed_key_unfinished_delete, begin),
        cmocka_unit_test_setup(test_value_never_stored, begin),
        cmocka_unit_test_setup(test_value_stored_at_the_time, begin),
        cmocka_unit_test_setup(test_value_stored_later, begin),
        cmocka_unit_test_setup(test_value_stale, begin),
        cmocka_unit_test_setup(test_value_overwritten_at_the_time, begin),
        cmocka_unit_test_setup(test_value_of_concurrent_stores, begin),
        cmocka_unit_test_setup(test_value_removed, begin),
        cmocka_unit_test_setup(test_value_of_appended_key, begin),
        cmocka_unit_test_setup(test_content_never_stored, begin),
        cmocka_unit_test_setup(test_store_lost, begin),
        cmocka_unit_test_setup(test_setup_store_lost, begin),
        cmocka_unit_test_setup(test_store_removed, begin),
        cmocka_unit_test_setup(test_unfinished_store, begin),
        cmocka_unit_test_setup(test_store_overwritten, begin),
        cmocka_unit_test_setup(test_key_twice, begin),
        cmocka_unit_test_setup(test_removal_lost, begin),
        cmocka_unit_test_setup(test_append_lost, begin),
        cmocka_unit_test_setup(test_append_twice, begin),
        cmocka_unit_test_setup(test_append_and_assign, begin),
        cmocka_unit_test_setup(test_no_end_no_loss, begin),
        cmocka_unit_test_setup(test_keys_far_apart, begin),
        cmocka_unit_test_setup(test_many_operations, begin),
        cmocka_unit_test_setup(test_random_histories, begin),
        cmocka_unit_test_setup(test_cost, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
