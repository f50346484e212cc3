/* schedule_fuzz_test.c: feeds mutated schedule files to schedule_parse. Each must either be
 * refused with one line that begins with the file's name and a line number, or be read; then what
 * is printed of it reads and prints the same again. The same files in every run; run it under ASan
 * and UBSan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schedule.h"

#define FILES 100000
#define MUTATIONS_MAX 4
#define FILE_BYTES_MAX 16384

static const char *const SEEDS[] = {
    "treadle schedule 1\ntarget a\nmemory sc\nreuse never\nsubject c 0000000000000000\n"
    "verdict ok\nfingerprint 0000000000000000\nevents 0\nhash 0000000000000000\nchoices\nend\n",

    "treadle schedule 1\ntarget gomap/iterate-grow\nmemory sc\nreuse never\n"
    "subject gcc-12.2.0 0123456789abcdef\nflags -O1 -g -fsanitize=thread\n"
    "verdict iterator-skip\nrule an entry present throughout is produced exactly once\n"
    "fingerprint 89abcdef01234567\nevents 151\nhash 0123456789abcdef\n"
    "goroutine 1 0.1 ranger\ngoroutine 2 0.2 inserter\nchoices\n"
    "g1 x41 @ evacuate+3 write hmap.oldbuckets #2\nchoose 5/16 iterator start\ng2 x12\n"
    "g1 x2 @ mapiternext+88 read bmap.tophash #31\ng2 x96 @ mapassign_fast64+40 exit #1\nend\n",

    "treadle schedule 1\n# kept because it is short\ntarget prog\n\nmemory tso\nreuse lifo\n"
    "subject Debian clang version 14.0.6 fedcba9876543210\nverdict use-after-free\n"
    "fingerprint ffffffffffffffff\nevents 10000000\nhash ffffffffffffffff\n"
    "goroutine 0 0 main\ngoroutine 3 0.1\ngoroutine 1023 0.1.1\ngoroutine 4 0.1023.7 worker\n"
    "choices\ng0 x1\n# a comment\ng1023 x9999990\ng4 x1 @ f+0 read x #1\nchoose 65535/65536\n"
    "choose 0/1 label with spaces\ng3 x8\nend\n\n# behind the end\n",

    "treadle schedule 1\ntarget slice/torn-header\nmemory rc11\nreuse never\n"
    "subject gcc 1111111111111111\nverdict torn-read\nfingerprint 2222222222222222\nevents 9\n"
    "hash 3333333333333333\ngoroutine 1 0.1 writer\ngoroutine 2 0.2 reader\nchoices\n"
    "g1 x2 @ assign+2 write slice.len #1\ng2 x4 @ index+5 read ? #1\ng1 x3\nend",
};

#define SEED_COUNT (sizeof SEEDS / sizeof SEEDS[0])

struct file {
    size_t bytes;
    char text[FILE_BYTES_MAX];
};

/* ---- chance ---------------------------------------------------------------------------------- */

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled",
 * 2016). */
static uint64_t chance = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t next(void)
{
    chance ^= chance >> 12;
    chance ^= chance << 25;
    chance ^= chance >> 27;
    return chance * UINT64_C(2685821657736338717);
}

/* A number from 0 to count - 1; 0 if count is 0. */
static size_t below(size_t count)
{
    return count == 0 ? 0 : (size_t)((next() >> 32) % count);
}

/* ---- mutations ------------------------------------------------------------------------------- */

/* Replaces the bytes [from, from + removed) by others; nothing happens if the file gets too
 * large. */
static void replace(struct file *file, size_t from, size_t removed, const char *with, size_t bytes)
{
    char copy[FILE_BYTES_MAX];
    if (file->bytes - removed + bytes > FILE_BYTES_MAX)
        return;
    memcpy(copy, with, bytes); /* `with` may lie within the file */
    memmove(file->text + from + bytes, file->text + from + removed, file->bytes - from - removed);
    memcpy(file->text + from, copy, bytes);
    file->bytes += bytes - removed;
}

/* A line of text: its start, and its length with the line break. */
static size_t line_at_random(const char *text, size_t text_bytes, size_t *ret_bytes)
{
    size_t start = below(text_bytes);
    while (start > 0 && text[start - 1] != '\n')
        start--;
    const char *end = memchr(text + start, '\n', text_bytes - start);
    *ret_bytes = end != NULL ? (size_t)(end - text) + 1 - start : text_bytes - start;
    return start;
}

static void flip_bit(struct file *file)
{
    if (file->bytes > 0)
        file->text[below(file->bytes)] ^= (char)(1 << below(8));
}

static void overwrite_byte(struct file *file)
{
    static const char LIKELY[] = "\0\n\r\t #@/x.0g\xff";
    if (file->bytes > 0)
        file->text[below(file->bytes)] =
            below(2) == 0 ? LIKELY[below(sizeof LIKELY)] : (char)next();
}

static void delete_bytes(struct file *file)
{
    size_t from = below(file->bytes);
    replace(file, from, below(1 + (file->bytes - from) / 8), "", 0);
}

static void duplicate_bytes(struct file *file)
{
    size_t from = below(file->bytes);
    size_t bytes = below(1 + (file->bytes - from) / (below(8) + 1));
    replace(file, below(file->bytes + 1), 0, file->text + from, bytes);
}

static void splice_bytes(struct file *file)
{
    const char *other = SEEDS[below(SEED_COUNT)];
    size_t from = below(strlen(other));
    size_t bytes = below(strlen(other) - from + 1);
    size_t to = below(file->bytes);
    replace(file, to, below(1 + (file->bytes - to) / 4), other + from, bytes);
}

static void delete_line(struct file *file)
{
    size_t bytes;
    size_t start = line_at_random(file->text, file->bytes, &bytes);
    replace(file, start, bytes, "", 0);
}

static void duplicate_line(struct file *file)
{
    size_t bytes, skipped;
    size_t start = line_at_random(file->text, file->bytes, &bytes);
    size_t to = below(2) == 0 ? start : line_at_random(file->text, file->bytes, &skipped);
    replace(file, to, 0, file->text + start, bytes);
}

static void splice_line(struct file *file)
{
    const char *other = SEEDS[below(SEED_COUNT)];
    size_t bytes, replaced;
    size_t from = line_at_random(other, strlen(other), &bytes);
    size_t to = line_at_random(file->text, file->bytes, &replaced);
    replace(file, to, below(2) == 0 ? replaced : 0, other + from, bytes);
}

static void change_number(struct file *file)
{
    static const char *const NUMBERS[] = { "0", "1", "2", "16", "-1", "007", "1023", "1024",
                                           "65536", "65537", "9999999", "10000001", "4294967295",
                                           "4294967297", "18446744073709551617", "", "1e9" };
    size_t from = below(file->bytes);
    while (from < file->bytes && (file->text[from] < '0' || file->text[from] > '9'))
        from++;
    size_t end = from;
    while (end < file->bytes && file->text[end] >= '0' && file->text[end] <= '9')
        end++;
    char small[24];
    snprintf(small, sizeof small, "%zu", below(64));
    const char *number =
        below(2) == 0 ? small : NUMBERS[below(sizeof NUMBERS / sizeof NUMBERS[0])];
    replace(file, from, end - from, number, strlen(number));
}

static void truncate_file(struct file *file)
{
    file->bytes = below(file->bytes + 1);
}

static void lengthen_line(struct file *file)
{
    char filler[6000];
    memset(filler, below(2) == 0 ? 'a' : '9', sizeof filler);
    size_t bytes = below(sizeof filler);
    replace(file, below(file->bytes + 1), 0, filler, bytes);
}

static void (*const MUTATIONS[])(struct file *file) = {
    flip_bit,       overwrite_byte, delete_bytes,  duplicate_bytes, splice_bytes,  delete_line,
    duplicate_line, splice_line,    change_number, change_number,   truncate_file, lengthen_line,
};

static void mutate(struct file *file)
{
    const char *seed = SEEDS[below(SEED_COUNT)];
    file->bytes = strlen(seed);
    memcpy(file->text, seed, file->bytes);
    size_t count = 1 + below(below(MUTATIONS_MAX) + 1); /* few are more often read */
    for (size_t i = 0; i < count; i++)
        MUTATIONS[below(sizeof MUTATIONS / sizeof MUTATIONS[0])](file);
}

/* ---- what must hold -------------------------------------------------------------------------- */

static char *print(const struct schedule *schedule, size_t *ret_bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_bytes);
    assert_int_equal(schedule_print(schedule, out), 0);
    fclose(out);
    return text;
}

static void expect_same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL && b != NULL)
        assert_string_equal(a, b);
}

/* Equal but for the lines that they stand in. */
static void expect_same(const struct schedule *a, const struct schedule *b)
{
    expect_same_text(a->target, b->target);
    expect_same_text(a->memory, b->memory);
    expect_same_text(a->reuse, b->reuse);
    expect_same_text(a->subject_compiler, b->subject_compiler);
    expect_same_text(a->flags, b->flags);
    expect_same_text(a->rule, b->rule);
    assert_true(a->subject_hash == b->subject_hash && a->fingerprint == b->fingerprint
                && a->hash == b->hash && a->verdict == b->verdict && a->events == b->events);
    assert_int_equal(a->goroutine_count, b->goroutine_count);
    for (uint32_t i = 0; i < a->goroutine_count; i++) {
        assert_int_equal(a->goroutines[i].id, b->goroutines[i].id);
        expect_same_text(a->goroutines[i].path, b->goroutines[i].path);
        expect_same_text(a->goroutines[i].role, b->goroutines[i].role);
    }
    assert_int_equal(a->step_count, b->step_count);
    for (uint32_t i = 0; i < a->step_count; i++) {
        const struct schedule_step *x = &a->steps[i], *y = &b->steps[i];
        assert_true(x->kind == y->kind && x->goroutine == y->goroutine && x->count == y->count
                    && x->answer == y->answer);
        expect_same_text(x->text, y->text);
    }
}

static void expect_fixpoint(const struct schedule *schedule)
{
    char error[256] = "";
    size_t bytes = 0, bytes_again = 0;
    char *printed = print(schedule, &bytes);
    struct schedule *again = schedule_parse("printed", printed, bytes, error, sizeof error);
    assert_string_equal(error, "");
    assert_non_null(again);
    expect_same(schedule, again);
    char *printed_again = print(again, &bytes_again);
    assert_int_equal(bytes, bytes_again);
    assert_memory_equal(printed, printed_again, bytes);
    free(printed_again);
    schedule_destroy(again);
    free(printed);
}

/* "fuzz:LINE: cause; remedy", LINE one of the file's. */
static void expect_one_line(const char *error, const struct file *file)
{
    unsigned long lines = 1;
    for (size_t i = 0; i < file->bytes; i++)
        lines += file->text[i] == '\n';
    assert_memory_equal(error, "fuzz:", 5);
    char *end = NULL;
    unsigned long line = strtoul(error + 5, &end, 10);
    assert_in_range(line, 1, lines);
    assert_memory_equal(end, ": ", 2);
    assert_non_null(strstr(end, "; "));
    for (; *end != '\0'; end++)
        assert_true((unsigned char)*end >= ' ');
}

static void mutated_files_are_read_or_refused(void **state)
{
    (void)state;
    static struct file file;
    uint32_t read = 0;
    for (int i = 0; i < FILES; i++) {
        char error[256] = "";
        mutate(&file);
        char *exact = malloc(file.bytes); /* so that ASan sees a read behind its end */
        if (file.bytes > 0)
            memcpy(exact, file.text, file.bytes);
        struct schedule *schedule =
            schedule_parse("fuzz", exact, file.bytes, error, sizeof error);
        if (schedule != NULL) {
            read++;
            expect_fixpoint(schedule);
        } else {
            expect_one_line(error, &file);
        }
        schedule_destroy(schedule);
        free(exact);
    }
    print_message("%u of %d files were read\n", read, FILES);
    assert_in_range(read, FILES / 100, FILES / 2); /* else the mutations are not worth much */
}

static void seeds_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < SEED_COUNT; i++) {
        char error[256] = "";
        struct schedule *schedule =
            schedule_parse("seed", SEEDS[i], strlen(SEEDS[i]), error, sizeof error);
        assert_string_equal(error, "");
        expect_fixpoint(schedule);
        schedule_destroy(schedule);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_read),
        cmocka_unit_test(mutated_files_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
