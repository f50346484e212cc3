/* names_test.c: this program's own structs, globals and functions get their names back, whichever
 * compiler built it and however much it optimised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "names.h"

/* ---- what is to be named --------------------------------------------------------------------- */

struct entry {
    uint8_t kind;
    volatile uint64_t key;
    uint32_t counts[2][3];
};

typedef struct entry entry_alias;

struct table {
    volatile uint8_t tophash[8];
    entry_alias *const entries;
    const entry_alias items[4];
    union {
        uint64_t word;
        uint32_t halves[2];
    } both;
    struct {
        uint16_t inner;
    };
    struct entry last;
    volatile struct entry *volatile next;
    uint8_t bits_a : 3;
    uint8_t bits_b : 5;
    int *rows[2];
};

struct open_ended {
    uint32_t count;
    struct entry tail[];
};

typedef struct {
    int unnamed_a, unnamed_b;
} unnamed_struct;

union choice {
    char letter;
    struct entry entry;
};

static volatile int counter;
static volatile uint64_t matrix[2][4];
struct table *table_pointer;
const struct table *const volatile table_constant = NULL;
struct entry shelf[3];
struct open_ended *open_pointer;
unnamed_struct unnamed;
union choice choice;

static volatile uint64_t kept;

/* The address behind the call of this function. */
__attribute__((noinline)) static uint64_t here(void)
{
    uint64_t pc = (uint64_t)__builtin_return_address(0);
    kept = pc;
    return pc;
}

enum { OUTER_DECLARED = __LINE__ + 1 };
__attribute__((noinline)) static uint64_t outer(void)
{
    kept++;
    uint64_t pc = here();
    kept++;
    return pc;
}
#define OUTER_CALLS_AFTER 3

enum { INLINED_DECLARED = __LINE__ + 1 };
static inline __attribute__((always_inline)) uint64_t inlined(void)
{
    {
        uint64_t pc = here();
        kept += pc;
        return pc;
    }
}
#define INLINED_CALLS_AFTER 3

enum { TWICE_DECLARED = __LINE__ + 1 };
static inline __attribute__((always_inline)) uint64_t twice(uint64_t *ret_own)
{
    uint64_t pc = inlined();
    *ret_own = here();
    kept++;
    return pc;
}
#define TWICE_CALLS_AFTER 3

__attribute__((noinline)) static uint64_t caller_of_inlined(uint64_t *ret_twice)
{
    uint64_t pc = twice(ret_twice);
    kept++;
    return pc;
}

__attribute__((noinline)) static uint64_t address_of_static(void)
{
    static volatile struct twin {
        int left, right;
    } hidden;
    hidden.right++;
    return (uint64_t)&hidden;
}

__attribute__((noinline)) static uint64_t address_of_other_static(void)
{
    static volatile struct twin {
        char name[20];
    } also_hidden;
    also_hidden.name[3]++;
    return (uint64_t)&also_hidden;
}

/* ---- code ------------------------------------------------------------------------------------ */

static void expect_place(uint64_t pc, const char *function, uint32_t declared, uint32_t after)
{
    struct names_place place;
    assert_true(names_place(pc, &place));
    assert_string_equal(place.function, function);
    assert_string_equal(place.file, "names_test.c");
    assert_int_equal(place.line, declared + after);
    assert_int_equal(place.line_in_function, after);
}

static void names_a_call(void **state)
{
    (void)state;
    uint64_t pc = outer();
    expect_place(pc, "outer", OUTER_DECLARED, OUTER_CALLS_AFTER);
    expect_place(pc, "outer", OUTER_DECLARED, OUTER_CALLS_AFTER); /* now kept */
}

static void names_the_innermost_inlined_function(void **state)
{
    (void)state;
    uint64_t pc_twice = 0;
    uint64_t pc = caller_of_inlined(&pc_twice);
    expect_place(pc, "inlined", INLINED_DECLARED, INLINED_CALLS_AFTER);
    expect_place(pc_twice, "twice", TWICE_DECLARED, TWICE_CALLS_AFTER);
}

static void unknown_code_has_no_place(void **state)
{
    (void)state;
    const uint64_t unknown[] = { 0, 1, 4096, UINT64_MAX, (uint64_t)&counter, (uint64_t)&state };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        struct names_place place = { .line = 7, .line_in_function = 7 };
        assert_false(names_place(unknown[i], &place));
        assert_string_equal(place.function, "?");
        assert_string_equal(place.file, "?");
        assert_int_equal(place.line, 0);
        assert_int_equal(place.line_in_function, 0);
    }
}

/* ---- types ----------------------------------------------------------------------------------- */

static void expect_field(const char *type, size_t block_bytes, size_t offset, const char *indexed,
                         const char *plain)
{
    assert_string_equal(names_field(type, block_bytes, offset, true), indexed);
    assert_string_equal(names_field(type, block_bytes, offset, false), plain);
}

/* In a block that holds one table. */
static void expect_table(size_t offset, const char *indexed, const char *plain)
{
    expect_field("table", sizeof(struct table), offset, indexed, plain);
}

static void names_members(void **state)
{
    (void)state;
    expect_table(0, "table.tophash[0]", "table.tophash");
    expect_table(3, "table.tophash[3]", "table.tophash");
    expect_table(offsetof(struct table, entries), "table.entries", "table.entries");
    expect_table(offsetof(struct table, entries) + 7, "table.entries", "table.entries");
    expect_table(offsetof(struct table, next), "table.next", "table.next");
    expect_table(offsetof(struct table, rows[1]), "table.rows[1]", "table.rows");
    expect_table(offsetof(struct table, next) + 8, "table.bits_a", "table.bits_a");
}

static void names_nested_members(void **state)
{
    (void)state;
    expect_table(offsetof(struct table, items[2].key), "table.items[2].key", "table.items.key");
    expect_table(offsetof(struct table, items[3].counts[1][2]), "table.items[3].counts[1][2]",
                 "table.items.counts");
    expect_table(offsetof(struct table, last.key), "table.last.key", "table.last.key");
    expect_table(offsetof(struct table, last.counts[0][1]), "table.last.counts[0][1]",
                 "table.last.counts");
    expect_table(offsetof(struct table, both), "table.both.word", "table.both.word");
    expect_table(offsetof(struct table, inner), "table.inner", "table.inner");
}

static void names_padding_by_its_offset(void **state)
{
    (void)state;
    expect_field("entry", sizeof(struct entry), 3, "entry+3", "entry+3");
    expect_field("entry", 3 * sizeof(struct entry), sizeof(struct entry) + 3, "entry[1]+3",
                 "entry+3");
    char expected[32];
    size_t offset = offsetof(struct table, items[1].kind) + 1;
    snprintf(expected, sizeof expected, "table+%zu", offset);
    expect_table(offset, expected, expected);
}

static void names_elements_of_a_block(void **state)
{
    (void)state;
    size_t bytes = sizeof(struct entry);
    expect_field("entry", 3 * bytes, offsetof(struct entry, key), "entry[0].key", "entry.key");
    expect_field("entry", 3 * bytes, 2 * bytes + offsetof(struct entry, counts[1][0]),
                 "entry[2].counts[1][0]", "entry.counts");
    expect_field("entry", 0, 2 * bytes, "entry.kind", "entry.kind"); /* block of unknown size */
    expect_field("table", 2 * sizeof(struct table), sizeof(struct table) + 1,
                 "table[1].tophash[1]", "table.tophash");
}

static void names_what_lies_outside_by_its_offset(void **state)
{
    (void)state;
    size_t bytes = sizeof(struct entry);
    char expected[32];
    snprintf(expected, sizeof expected, "entry+%zu", 3 * bytes);
    expect_field("entry", 3 * bytes, 3 * bytes, expected, expected);
    expect_field("entry", bytes, UINT64_MAX, "entry+18446744073709551615",
                 "entry+18446744073709551615");
}

static void names_arrays_without_a_length(void **state)
{
    (void)state;
    size_t start = offsetof(struct open_ended, tail);
    size_t bytes = start + 5 * sizeof(struct entry);
    expect_field("open_ended", bytes, 0, "open_ended.count", "open_ended.count");
    expect_field("open_ended", bytes,
                 start + 4 * sizeof(struct entry) + offsetof(struct entry, key),
                 "open_ended.tail[4].key", "open_ended.tail.key");
}

static void names_typedefs_and_unions(void **state)
{
    (void)state;
    expect_field("unnamed_struct", sizeof unnamed, 4, "unnamed_struct.unnamed_b",
                 "unnamed_struct.unnamed_b");
    expect_field("entry_alias", sizeof(entry_alias), 0, "entry_alias.kind", "entry_alias.kind");
    expect_field("choice", sizeof choice, 0, "choice.letter", "choice.letter");
    expect_field("choice", sizeof choice, 8, "choice.entry.key", "choice.entry.key");
}

static void unknown_types_get_offsets(void **state)
{
    (void)state;
    expect_field("no_such_struct", 16, 5, "no_such_struct+5", "no_such_struct+5");
    expect_field("", 16, 5, "+5", "+5");
    expect_field("counter", 16, 5, "counter+5", "counter+5");
    char name[2000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_memory_equal(names_field(name, 1, 0, true), name, 500); /* cut off, not overrun */
}

static void takes_the_definition_that_fits_the_block(void **state)
{
    (void)state;
    (void)address_of_static();
    (void)address_of_other_static();
    expect_field("twin", 3 * 8, 12, "twin[1].right", "twin.right");
    expect_field("twin", 20, 12, "twin.name[12]", "twin.name");
}

/* ---- globals --------------------------------------------------------------------------------- */

static void expect_global(const volatile void *address, const char *indexed, const char *plain)
{
    const char *name = names_global((uint64_t)address, true);
    assert_non_null(name);
    assert_string_equal(name, indexed);
    name = names_global((uint64_t)address, false);
    assert_non_null(name);
    assert_string_equal(name, plain);
}

static void names_globals(void **state)
{
    (void)state;
    counter++;
    matrix[1][2]++;
    expect_global(&counter, "counter", "counter");
    expect_global((volatile char *)&counter + 3, "counter", "counter");
    expect_global(&matrix[1][2], "matrix[1][2]", "matrix");
    expect_global(&shelf[2].key, "shelf[2].key", "shelf.key");
    expect_global(&shelf[1].counts[1][1], "shelf[1].counts[1][1]", "shelf.counts");
    expect_global(&unnamed.unnamed_b, "unnamed.unnamed_b", "unnamed.unnamed_b");
    expect_global(&table_pointer, "table_pointer", "table_pointer");
    expect_global((char *)&shelf[1] + 3, "shelf+43", "shelf+43");
}

static void names_statics_of_functions(void **state)
{
    (void)state;
    expect_global((void *)(address_of_static() + 4), "hidden.right", "hidden.right");
    expect_global((void *)(address_of_other_static() + 19), "also_hidden.name[19]",
                  "also_hidden.name");
}

static void other_addresses_are_no_globals(void **state)
{
    (void)state;
    int local;
    assert_null(names_global(0, true));
    assert_null(names_global(UINT64_MAX, true));
    assert_null(names_global((uint64_t)&local, true));
    assert_null(names_global((uint64_t)here, true));
}

/* ---- time ------------------------------------------------------------------------------------ */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void opens_again_after_close(void **state)
{
    (void)state;
    names_close();
    names_close();
    double start = seconds();
    uint64_t pc = outer();
    expect_place(pc, "outer", OUTER_DECLARED, OUTER_CALLS_AFTER);
    double placed = seconds();
    expect_table(3, "table.tophash[3]", "table.tophash");
    double indexed = seconds();
    for (int i = 0; i < 100000; i++) {
        struct names_place place;
        names_place(pc, &place);
        names_field("table", sizeof(struct table), 3, true);
    }
    double repeated = seconds();
    print_message("first place %.2f ms, first field %.2f ms, then %.0f ns for both\n",
                  (placed - start) * 1e3, (indexed - placed) * 1e3, (repeated - indexed) * 1e4);
    names_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_a_call),
        cmocka_unit_test(names_the_innermost_inlined_function),
        cmocka_unit_test(unknown_code_has_no_place),
        cmocka_unit_test(names_members),
        cmocka_unit_test(names_nested_members),
        cmocka_unit_test(names_padding_by_its_offset),
        cmocka_unit_test(names_elements_of_a_block),
        cmocka_unit_test(names_what_lies_outside_by_its_offset),
        cmocka_unit_test(names_arrays_without_a_length),
        cmocka_unit_test(names_typedefs_and_unions),
        cmocka_unit_test(unknown_types_get_offsets),
        cmocka_unit_test(takes_the_definition_that_fits_the_block),
        cmocka_unit_test(names_globals),
        cmocka_unit_test(names_statics_of_functions),
        cmocka_unit_test(other_addresses_are_no_globals),
        cmocka_unit_test(opens_again_after_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
