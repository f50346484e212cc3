/* operations_test.c: the trace language's parser takes what is right, says what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gomap/operations.h"

static void expect(const char *text, enum operation_kind kind, uint64_t first, uint64_t second)
{
    struct operation operation;
    char cause[OPERATION_CAUSE_BYTES];
    assert_true(operation_parse(text, strlen(text), &operation, cause));
    assert_int_equal(operation.kind, kind);
    assert_int_equal(operation.first, first);
    assert_int_equal(operation.second, second);
}

static void expect_cause(const char *text, const char *wanted)
{
    struct operation operation;
    char cause[OPERATION_CAUSE_BYTES];
    assert_false(operation_parse(text, strlen(text), &operation, cause));
    assert_string_equal(cause, wanted);
}

static void reads_operations(void **state)
{
    (void)state;
    expect("a 1 2", OPERATION_ASSIGN, 1, 2);
    expect("  H\t0xff  0X10\r\n", OPERATION_INJECT, 255, 16);
    expect("c", OPERATION_CLEAR, 0, 0);
    expect("it", OPERATION_ITERATE, 0, 0);
    expect("rand 18446744073709551615", OPERATION_RAND, UINT64_MAX, 0);
    expect("g 0xffffffffffffffff", OPERATION_ACCESS, UINT64_MAX, 0);
}

static void names_what_is_wrong(void **state)
{
    (void)state;
    expect_cause("", "missing operation");
    expect_cause("frob 1", "unknown operation 'frob'");
    expect_cause("i 1", "unknown operation 'i'");
    expect_cause("a 1", "missing argument of 'a'");
    expect_cause("d", "missing argument of 'd'");
    expect_cause("g x", "bad number 'x'");
    expect_cause("g 0x", "bad number '0x'");
    expect_cause("g -1", "bad number '-1'");
    expect_cause("g 18446744073709551616", "bad number '18446744073709551616'");
    expect_cause("g 0x10000000000000000", "bad number '0x10000000000000000'");
    expect_cause("c 1", "one argument too many: '1'");
    expect_cause("new 1000001", "size hint above 1000000: '1000001'");
    expect_cause("g \001\377", "bad number '..'");
    expect_cause("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1",
                 "unknown operation 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'...");
}

/* Text is as long as is said, not up to a zero byte. */
static void reads_zero_bytes(void **state)
{
    (void)state;
    static const char text[] = "a\0xxxxxxxx 1 2";
    struct operation operation;
    char cause[OPERATION_CAUSE_BYTES];
    assert_false(operation_parse(text, sizeof text - 1, &operation, cause));
    assert_string_equal(cause, "unknown operation 'a.xxxxxxxx'");
    assert_false(operation_parse(text, 2, &operation, cause));
    assert_string_equal(cause, "unknown operation 'a.'");
}

static void reads_lists(void **state)
{
    (void)state;
    struct operation_list list = { 0 };
    char cause[OPERATION_CAUSE_BYTES];
    const char *text = "a 1 2; g 1 ;it";
    assert_true(operation_list_parse(&list, text, strlen(text), cause));
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[2].kind, OPERATION_ITERATE);
    assert_false(operation_list_parse(&list, "g 1;", 4, cause));
    assert_string_equal(cause, "missing operation");
    operation_list_deinit(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_operations),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(reads_zero_bytes),
        cmocka_unit_test(reads_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
