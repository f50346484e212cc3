/* oracle_keyed_test.c: the rules of single keys, each by a history that breaks it and a twin that
 * does not. (Planted bugs: oracle_history_test.c.) */
#include "oracle_fake.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
