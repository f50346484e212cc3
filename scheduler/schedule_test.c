/* schedule_test.c: schedules survive being written and read; each thing that can be wrong with a
 * file is named with its line; limits hold exactly. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "execution.h"
#include "schedule.h"

static const char *const VALID[] = {
    "treadle schedule 1",
    "target gomap/iterate-grow",
    "memory sc",
    "reuse never",
    "subject gcc-12.2.0 0123456789abcdef",
    "flags -O1 -g  -DTEXT=\"a b\"",
    "verdict iterator-skip",
    "rule an entry present throughout is produced exactly once",
    "fingerprint 89abcdef01234567",
    "events 151",
    "hash fedcba9876543210",
    "goroutine 1 0.1 ranger",
    "goroutine 2 0.1.12",
    "choices",
    "g1 x41 @ evacuate+3 write hmap.oldbuckets #2",
    "choose 5/16 iterator start",
    "choose 0/1",
    "g2 x12",
    "end",
};

#define VALID_LINES (sizeof VALID / sizeof VALID[0])

/* VALID with line number `line` replaced by text (NULL: left out; it may hold several lines); the
 * caller's to free. line 0 changes nothing, VALID_LINES + 1 appends. (Not inline: gcc 12 would take
 * the stream's buffer for the variable that points to it, and warn.) */
static __attribute__((noinline)) char *edited(size_t line, const char *text)
{
    char *file = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&file, &bytes);
    for (size_t i = 1; i <= VALID_LINES + 1; i++) {
        if (i != line && i <= VALID_LINES)
            fprintf(out, "%s\n", VALID[i - 1]);
        else if (i == line && text != NULL)
            fprintf(out, "%s\n", text);
    }
    fclose(out);
    return file;
}

static struct schedule *parse(const char *text, size_t bytes)
{
    char error[256] = "";
    struct schedule *schedule = schedule_parse("x.sched", text, bytes, error, sizeof error);
    if (schedule == NULL)
        print_error("%s\n", error);
    return schedule;
}

/* Parsing must fail with a line that begins with "x.sched:" and expected, and says what to do. */
static void expect_error(const char *text, size_t bytes, const char *expected)
{
    char error[256] = "";
    struct schedule *schedule = schedule_parse("x.sched", text, bytes, error, sizeof error);
    bool matches = strncmp(error, "x.sched:", 8) == 0
                   && strncmp(error + 8, expected, strlen(expected)) == 0;
    if (schedule != NULL || !matches)
        print_error("expected  x.sched:%s\ngot       %s\n", expected, error);
    assert_null(schedule);
    assert_true(matches);
    assert_non_null(strstr(error, "; "));
    assert_null(strchr(error, '\n'));
}

static void expect_edit_error(size_t line, const char *text, const char *expected)
{
    char *file = edited(line, text);
    expect_error(file, strlen(file), expected);
    free(file);
}

static void expect_edit_valid(size_t line, const char *text)
{
    char *file = edited(line, text);
    struct schedule *schedule = parse(file, strlen(file));
    assert_non_null(schedule);
    schedule_destroy(schedule);
    free(file);
}

static char *print(const struct schedule *schedule)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(schedule_print(schedule, out), 0);
    fclose(out);
    return text;
}

/* ---- what is right --------------------------------------------------------------------------- */

static void reads_every_field(void **state)
{
    (void)state;
    char *file = edited(0, NULL);
    struct schedule *schedule = parse(file, strlen(file));
    assert_non_null(schedule);
    assert_string_equal(schedule->target, "gomap/iterate-grow");
    assert_int_equal(schedule->target_line, 2);
    assert_string_equal(schedule->memory, "sc");
    assert_int_equal(schedule->memory_line, 3);
    assert_string_equal(schedule->reuse, "never");
    assert_false(schedule->exploring);
    assert_string_equal(schedule->subject_compiler, "gcc-12.2.0");
    assert_true(schedule->subject_hash == UINT64_C(0x0123456789abcdef));
    assert_string_equal(schedule->flags, "-O1 -g  -DTEXT=\"a b\"");
    assert_int_equal(schedule->verdict, TREADLE_ITERATOR_SKIP);
    assert_string_equal(schedule->rule, "an entry present throughout is produced exactly once");
    assert_true(schedule->fingerprint == UINT64_C(0x89abcdef01234567));
    assert_int_equal(schedule->events, 151);
    assert_true(schedule->hash == UINT64_C(0xfedcba9876543210));
    assert_int_equal(schedule->goroutine_count, 2);
    assert_int_equal(schedule->goroutines[1].id, 2);
    assert_string_equal(schedule->goroutines[0].role, "ranger");
    assert_string_equal(schedule->goroutines[1].path, "0.1.12");
    assert_null(schedule->goroutines[1].role);
    schedule_destroy(schedule);
    free(file);
}

static void reads_every_step(void **state)
{
    (void)state;
    char *file = edited(0, NULL);
    struct schedule *schedule = parse(file, strlen(file));
    assert_non_null(schedule);
    assert_int_equal(schedule->step_count, 4);
    const struct schedule_step *steps = schedule->steps;
    assert_int_equal(steps[0].kind, SCHEDULE_RUN);
    assert_int_equal(steps[0].line, 15);
    assert_int_equal(steps[0].goroutine, 1);
    assert_int_equal(steps[0].count, 41);
    assert_string_equal(steps[0].text, "evacuate+3 write hmap.oldbuckets #2");
    assert_int_equal(steps[1].kind, SCHEDULE_CHOOSE);
    assert_int_equal(steps[1].answer, 5);
    assert_int_equal(steps[1].count, 16);
    assert_string_equal(steps[1].text, "iterator start");
    assert_null(steps[2].text);
    assert_int_equal(steps[3].line, 18);
    assert_null(steps[3].text);
    schedule_destroy(schedule);
    free(file);
}

static void prints_what_it_read(void **state)
{
    (void)state;
    char *file = edited(0, NULL);
    struct schedule *schedule = parse(file, strlen(file));
    assert_non_null(schedule);
    char *printed = print(schedule);
    assert_string_equal(printed, file);
    free(printed);
    free(file);
    schedule_destroy(schedule);
}

static void reads_what_it_prints(void **state)
{
    (void)state;
    struct schedule *schedule = schedule_create();
    schedule->target = schedule_copy_text("a program");
    schedule->memory = schedule_copy_text("tso");
    schedule->reuse = schedule_copy_text("lifo");
    schedule->exploring = true;
    schedule->subject_compiler = schedule_copy_text("Debian clang version 14.0.6");
    schedule->verdict = TREADLE_ABA;
    schedule_add_goroutine(schedule, 0, "0", NULL);
    schedule_add_goroutine(schedule, 7, "0.1023.2", "two\nlines\t");
    schedule_add_run(schedule, 7, 0, SCHEDULE_EVENTS_MAX - 1, " @ ");
    schedule_add_choose(schedule, 65535, 65536, "");
    schedule_add_run(schedule, 0, 0, 1, NULL);
    char *printed = print(schedule);
    struct schedule *again = parse(printed, strlen(printed));
    assert_non_null(again);
    assert_string_equal(again->target, "a program");
    assert_true(again->exploring);
    assert_string_equal(again->subject_compiler, "Debian clang version 14.0.6");
    assert_null(again->flags);
    assert_null(again->rule);
    assert_string_equal(again->goroutines[1].role, "two lines");
    assert_string_equal(again->steps[0].text, "@");
    assert_int_equal(again->steps[1].answer, 65535);
    assert_null(again->steps[1].text);
    char *printed_again = print(again);
    assert_string_equal(printed_again, printed);
    free(printed_again);
    free(printed);
    schedule_destroy(again);
    schedule_destroy(schedule);
}

static void comments_and_absent_lines_are_fine(void **state)
{
    (void)state;
    expect_edit_valid(3, "# why\n\nmemory sc");
    expect_edit_valid(6, NULL);
    expect_edit_valid(8, NULL);
    expect_edit_valid(20, "\n# the end");
    expect_edit_valid(18, NULL);
    char *file = edited(0, NULL);
    struct schedule *schedule = parse(file, strlen(file) - 1); /* no line break behind `end` */
    assert_non_null(schedule);
    schedule_destroy(schedule);
    free(file);
}

static void copied_text_fits_a_line(void **state)
{
    (void)state;
    char text[3 * SCHEDULE_TEXT_BYTES_MAX];
    memset(text, 'a', sizeof text);
    memcpy(text, "\x7f \n", 3);
    text[sizeof text - 1] = '\0';
    char *copy = schedule_copy_text(text);
    assert_int_equal(strlen(copy), SCHEDULE_TEXT_BYTES_MAX);
    free(copy);
    memcpy(text + 2 + SCHEDULE_TEXT_BYTES_MAX, "\xc3\xa4", 2); /* the limit is within it */
    copy = schedule_copy_text(text);
    assert_int_equal(strlen(copy), SCHEDULE_TEXT_BYTES_MAX - 1);
    free(copy);
    assert_null(schedule_copy_text(NULL));
    assert_null(schedule_copy_text(" \t\x7f\n"));
    schedule_destroy(NULL);
}

static void verdicts_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < TREADLE_VERDICT_COUNT; i++)
        assert_int_equal(verdict_from_name(verdict_name((enum treadle_verdict)i)), i);
    assert_int_equal(verdict_from_name("torn-read"), TREADLE_TORN_READ);
    assert_int_equal(verdict_from_name(""), -1);
    assert_int_equal(verdict_from_name("torn"), -1);
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static void other_files_are_refused(void **state)
{
    (void)state;
    expect_error("", 0, "1: the file is empty;");
    expect_error("\x7f" "ELF\0\1", 6, "1: not a Treadle schedule,");
    expect_error("treadle sche", 12, "1: not a Treadle schedule,");
    expect_edit_error(1, "# treadle schedule 1", "1: not a Treadle schedule,");
    expect_edit_error(1, "treadle schedule 2",
                      "1: version 2 is not supported, this program reads version 1;");
    expect_edit_error(1, "treadle schedule 0", "1: version 0 is not supported,");
    expect_edit_error(1, "treadle schedule one", "1: the version must be a number");
    expect_edit_error(1, "treadle schedule 99999999999999999999",
                      "1: the version must be a number");
    expect_edit_error(1, "treadle schedule 1 draft", "1: \"draft\" is too much");
    char *large = malloc(SCHEDULE_FILE_BYTES_MAX + 1);
    memset(large, '\n', SCHEDULE_FILE_BYTES_MAX + 1);
    expect_error(large, SCHEDULE_FILE_BYTES_MAX + 1, "1: the file is larger than 8388608 bytes;");
    free(large);
}

static void truncated_files_are_refused(void **state)
{
    (void)state;
    char *file = edited(0, NULL);
    size_t bytes = strlen(file);
    for (size_t cut = 0; cut + 1 < bytes; cut++) { /* only the last line break is optional */
        char error[256];
        assert_null(schedule_parse("x.sched", file, cut, error, sizeof error));
        uint32_t lines = cut == 0 ? 1 : 0;
        for (size_t i = 0; i < cut; i++)
            lines += i == 0 || file[i - 1] == '\n';
        char prefix[32];
        snprintf(prefix, sizeof prefix, "x.sched:%u: ", lines);
        assert_memory_equal(error, prefix, strlen(prefix));
        if (cut > strlen(VALID[0]))
            assert_non_null(strstr(error, "the file ends"));
    }
    free(file);
    expect_edit_error(19, NULL, "18: the file ends without `end`;");
}

static void trailing_text_is_refused(void **state)
{
    (void)state;
    expect_edit_error(20, "g1 x1", "20: \"g1 x1\" stands behind `end`;");
    expect_edit_error(20, "\ntreadle schedule 1",
                      "21: \"treadle schedule 1\" stands behind `end`;");
    expect_edit_error(19, "end x", "19: \"x\" is too much on this line;");
    expect_edit_error(14, "choices all", "14: \"all\" is too much on this line;");
    expect_edit_error(10, "events 151 152", "10: \"152\" is too much on this line;");
    expect_edit_error(9, "fingerprint 89abcdef01234567 \x1b[1m", "9: control character 0x1b");
}

static void unclean_lines_are_refused(void **state)
{
    (void)state;
    char *file = edited(0, NULL);
    size_t bytes = strlen(file);
    size_t second = strlen(VALID[0]) + 1;
    file[second + 7] = '\0';
    expect_error(file, bytes, "2: NUL byte at column 8;");
    free(file);
    expect_edit_error(3, "memory\tsc", "3: control character 0x09 at column 7;");
    expect_edit_error(3, "memory sc\r", "3: carriage return;");
    expect_edit_error(3, "memory sc ", "3: space at the end of the line;");
    expect_edit_error(3, "memory  sc", "3: unknown memory model \"\";");
    expect_edit_error(12, "goroutine 1 0.1  ranger", "12: too many spaces before the role;");
}

static void long_lines_are_refused(void **state)
{
    (void)state;
    char line[SCHEDULE_LINE_BYTES_MAX + 2] = "rule ";
    memset(line + 5, 'r', SCHEDULE_LINE_BYTES_MAX - 4);
    expect_edit_error(8, line, "8: line of 4097 bytes, at most 4096 are allowed;");
    line[SCHEDULE_LINE_BYTES_MAX] = '\0';
    expect_edit_error(8, line, "8: the rule of 4091 bytes, at most 1500 are allowed;");
    line[5 + SCHEDULE_TEXT_BYTES_MAX] = '\0';
    expect_edit_valid(8, line);
    memset(line, '#', SCHEDULE_LINE_BYTES_MAX);
    line[SCHEDULE_LINE_BYTES_MAX] = '\0';
    expect_edit_valid(20, line);
}

static void wrong_fields_are_refused(void **state)
{
    (void)state;
    expect_edit_error(3, "memroy sc", "3: unknown field \"memroy\";");
    expect_edit_error(3, "memory sc\nmemory sc", "4: field `memory` stands twice;");
    expect_edit_error(13, "target x", "13: field `target` stands twice;");
    expect_edit_error(6, "rule x\nflags x", "6: field `verdict` is missing before this line;");
    expect_edit_error(7, "verdict aba\nflags x", "8: field `flags` stands twice;");
    expect_edit_error(3, "reuse never\nmemory sc",
                      "3: field `memory` is missing before this line;");
    expect_edit_error(2, NULL, "2: field `target` is missing before this line;");
    expect_edit_error(11, NULL, "11: field `hash` is missing before this line;");
    expect_edit_error(14, NULL, "14: unknown field \"g1\";");
    expect_edit_error(2, "target", "2: the target's name is missing;");
    expect_edit_error(5, "subject", "5: the subject's compiler and hash is missing;");
    expect_edit_error(6, "flags", "6: the list of flags is missing;");
    char *file = edited(6, NULL);
    size_t rule = (size_t)(strstr(file, "rule ") - file);
    memcpy(file + rule, "flags ", 6);
    expect_error(file, strlen(file), "7: field `flags` stands too late;");
    free(file);
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    expect_edit_error(3, "memory arm", "3: unknown memory model \"arm\";");
    expect_edit_error(4, "reuse fifo", "4: unknown reuse policy \"fifo\";");
    expect_edit_error(4, "reuse never\nexploring 0", "5: the value of exploring must be");
    expect_edit_error(4, "reuse never\nexploring 2", "5: the value of exploring must be");
    expect_edit_error(4, "reuse never\nexploring", "5: the value of exploring");
    expect_edit_error(5, "subject gcc", "5: expected a compiler and a hash;");
    expect_edit_error(5, "subject gcc 12", "5: the subject's hash must be 16 digits");
    expect_edit_error(7, "verdict broken", "7: unknown verdict \"broken\";");
    expect_edit_error(7, "verdict", "7: unknown verdict \"\";");
    expect_edit_error(9, "fingerprint 89ABCDEF01234567", "9: the fingerprint must be 16 digits");
    expect_edit_error(9, "fingerprint 89abcdef012345678", "9: the fingerprint must be 16 digits");
    expect_edit_error(11, "hash", "11: the event hash must be 16 digits 0-9 or a-f, not \"\";");
    expect_edit_error(7, "verdict \xff\xc3\xa4+and-then-forty-more-bytes-of-text-here",
                      "7: unknown verdict \"???+and-then-forty-more-bytes-of-text-he...\";");
}

static void numbers_have_limits(void **state)
{
    (void)state;
    expect_edit_valid(10, "events 0");
    expect_edit_valid(10, "events 10000000");
    expect_edit_error(10, "events 10000001", "10: the number of events must be a number from 0");
    expect_edit_error(10, "events 18446744073709551617", "10: the number of events must be");
    expect_edit_error(10, "events -1", "10: the number of events must be");
    expect_edit_error(10, "events 007", "10: the number of events must be");
    expect_edit_error(10, "events 1e3", "10: the number of events must be");
    expect_edit_error(18, "g2 x0", "18: the count must be a number from 1 to 10000000, not \"0\";");
    expect_edit_error(18, "g2 x4294967297", "18: the count must be a number");
    expect_edit_valid(18, "g2 x9999959");
    expect_edit_error(18, "g2 x9999960", "18: more than 10000000 events up to here;");
    expect_edit_error(16, "choose 16/16", "16: the answer must be a number from 0 to 15");
    expect_edit_error(16, "choose 0/0", "16: the number of answers must be a number from 1");
    expect_edit_valid(16, "choose 65535/65536");
    expect_edit_error(16, "choose 0/65537", "16: the number of answers must be a number from 1");
    expect_edit_error(16, "choose 5", "16: expected an answer and a count like 5/16");
    expect_edit_error(16, "choose", "16: expected an answer and a count like 5/16, not \"\";");
}

static void wrong_goroutines_are_refused(void **state)
{
    (void)state;
    expect_edit_valid(13, "goroutine 2 0.2\ngoroutine 0 0 main");
    expect_edit_valid(13, "goroutine 2 0.2\ngoroutine 1023 0.1023");
    expect_edit_error(13, "goroutine 1024 0.2", "13: a goroutine's id must be a number from 0");
    expect_edit_error(13, "goroutine 1 0.2", "13: goroutine 1 is declared twice;");
    expect_edit_error(13, "goroutine 2 0.1", "13: goroutine 1 has this spawn path already;");
    const char *const paths[] = { "", "1", "0.", "0.0", "0.01", "0.1024", "0.1.", "0..1",
                                  "0.99999999999999999999", "0.-1", "0.1x", "0" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char line[64], expected[96];
        snprintf(line, sizeof line, "goroutine 2 %s", paths[i]);
        snprintf(expected, sizeof expected, "13: \"%s\" is no spawn path of goroutine 2;",
                 paths[i]);
        if (paths[i][0] != '\0')
            expect_edit_error(13, line, expected);
    }
    expect_edit_error(13, "goroutine 2", "13: \"\" is no spawn path of goroutine 2;");
    expect_edit_error(13, "goroutine 0 0.2", "13: \"0.2\" is no spawn path of goroutine 0;");
}

static void wrong_steps_are_refused(void **state)
{
    (void)state;
    expect_edit_error(18, "g3 x12", "18: goroutine 3 is not declared;");
    expect_edit_error(18, "g1024 x12", "18: a goroutine's id must be a number from 0 to 1023");
    expect_edit_error(18, "g02 x12", "18: a goroutine's id must be a number");
    expect_edit_error(18, "go x12", "18: unknown step \"go\";");
    expect_edit_error(18, "target x", "18: unknown step \"target\";");
    expect_edit_error(18, "g2", "18: expected a count like x41, not \"\";");
    expect_edit_error(18, "g2 12", "18: expected a count like x41, not \"12\";");
    expect_edit_error(18, "g2 x12 evacuate", "18: expected @ behind the count;");
    expect_edit_error(18, "g2 x12 @", "18: the anchor is missing;");
    expect_edit_error(15, NULL, "15: `choose` before any goroutine has run;");
}

static void steps_have_a_limit(void **state)
{
    (void)state;
    char *file = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&file, &bytes);
    for (size_t i = 0; i + 5 < VALID_LINES; i++)
        fprintf(out, "%s\n", VALID[i]);
    for (uint32_t i = 0; i < SCHEDULE_STEPS_MAX; i++)
        fputs("g1 x1\n", out);
    fflush(out);
    size_t cut = bytes;
    fputs("end\n", out);
    fclose(out);
    struct schedule *schedule = parse(file, bytes);
    assert_non_null(schedule);
    assert_int_equal(schedule->step_count, SCHEDULE_STEPS_MAX);
    schedule_add_run(schedule, 1, 0, 1, NULL);
    errno = 0;
    assert_int_equal(schedule_print(schedule, stdout), -1);
    assert_int_equal(errno, EFBIG);
    schedule_destroy(schedule);
    memcpy(file + cut, "g1\n\n", 4);
    expect_error(file, bytes, "500015: more than 500000 lines of choices;");
    free(file);
}

static void unprintable_schedules_are_refused(void **state)
{
    (void)state;
    struct schedule *empty = schedule_create();
    assert_int_equal(schedule_print(empty, stdout), -1);
    assert_int_equal(errno, EINVAL);
    schedule_destroy(empty);
    char *file = edited(0, NULL);
    struct schedule *schedule = parse(file, strlen(file));
    assert_non_null(schedule);
    free(schedule->rule);
    schedule->rule = strdup("one\n# two");
    errno = 0;
    assert_int_equal(schedule_print(schedule, stdout), -1);
    assert_int_equal(errno, EINVAL);
    schedule_destroy(schedule);
    free(file);
}

static void loads_files(void **state)
{
    (void)state;
    char path[] = "/tmp/treadle-schedule-test-XXXXXX";
    char error[256], expected[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    char *file = edited(0, NULL);
    assert_int_equal(write(fd, file, strlen(file)), (ssize_t)strlen(file));
    close(fd);
    struct schedule *schedule = schedule_load(path, error, sizeof error);
    assert_non_null(schedule);
    schedule_destroy(schedule);
    free(file);
    assert_int_equal(unlink(path), 0);
    assert_null(schedule_load(path, error, sizeof error));
    snprintf(expected, sizeof expected, "%s:0: cannot be opened (%s); ", path, strerror(ENOENT));
    assert_memory_equal(error, expected, strlen(expected));
    assert_null(schedule_load("/", error, sizeof error));
    assert_memory_equal(error, "/:0: cannot be ", 15);
    assert_null(schedule_load("a\nb", error, sizeof error));
    assert_memory_equal(error, "a?b:0: ", 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(reads_every_step),
        cmocka_unit_test(prints_what_it_read),
        cmocka_unit_test(reads_what_it_prints),
        cmocka_unit_test(comments_and_absent_lines_are_fine),
        cmocka_unit_test(copied_text_fits_a_line),
        cmocka_unit_test(verdicts_have_names),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(trailing_text_is_refused),
        cmocka_unit_test(unclean_lines_are_refused),
        cmocka_unit_test(long_lines_are_refused),
        cmocka_unit_test(wrong_fields_are_refused),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(numbers_have_limits),
        cmocka_unit_test(wrong_goroutines_are_refused),
        cmocka_unit_test(wrong_steps_are_refused),
        cmocka_unit_test(steps_have_a_limit),
        cmocka_unit_test(unprintable_schedules_are_refused),
        cmocka_unit_test(loads_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
