/* schedule.c: schedules in memory. Reading and writing files stand in schedule_parse.c and
 * schedule_print.c. */
#include "schedule.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

char *schedule_copy_text(const char *text)
{
    if (text == NULL)
        return NULL;
    while (*text != '\0' && is_blank(*text))
        text++;
    size_t bytes = strnlen(text, SCHEDULE_TEXT_BYTES_MAX);
    while (bytes > 0 && (text[bytes] & 0xc0) == 0x80) /* not within a UTF-8 character */
        bytes--;
    while (bytes > 0 && is_blank(text[bytes - 1]))
        bytes--;
    if (bytes == 0)
        return NULL;
    char *copy = strndup(text, bytes);
    if (copy == NULL)
        check_limit("no memory for a schedule's text");
    for (char *c = copy; *c != '\0'; c++)
        if (is_blank(*c))
            *c = ' ';
    return copy;
}

/* Makes room for one more element behind `count`; the capacity is the next power of two. */
static void *schedule_grow(void *array, uint32_t count, size_t element_bytes)
{
    if ((count & (count - 1)) != 0)
        return array;
    size_t capacity = count == 0 ? 1 : 2 * (size_t)count;
    void *grown = realloc(array, capacity * element_bytes);
    if (grown == NULL)
        check_limit("no memory for a schedule of %u lines", count);
    return grown;
}

struct schedule *schedule_create(void)
{
    struct schedule *schedule = calloc(1, sizeof *schedule);
    if (schedule == NULL)
        check_limit("no memory for a schedule");
    return schedule;
}

/* A goroutine's path is never cut: that of the deepest is within a line's limit. */
static char *schedule_copy_path(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        check_limit("no memory for a schedule's text");
    return copy;
}

void schedule_add_goroutine(struct schedule *schedule, uint32_t id, const char *path,
                            const char *role)
{
    CHECK(id, <, SCHEDULE_GOROUTINES_MAX);
    CHECK(schedule->goroutine_count, <, SCHEDULE_GOROUTINES_MAX);
    schedule->goroutines = schedule_grow(schedule->goroutines, schedule->goroutine_count,
                                         sizeof *schedule->goroutines);
    schedule->goroutines[schedule->goroutine_count++] = (struct schedule_goroutine){
        .id = id,
        .path = schedule_copy_path(path),
        .role = schedule_copy_text(role),
    };
}

static void schedule_add_step(struct schedule *schedule, struct schedule_step step)
{
    schedule->steps =
        schedule_grow(schedule->steps, schedule->step_count, sizeof *schedule->steps);
    schedule->steps[schedule->step_count++] = step;
}

void schedule_add_run(struct schedule *schedule, uint32_t goroutine, uint32_t drainer,
                      uint32_t count, const char *anchor)
{
    CHECK(goroutine, <, SCHEDULE_GOROUTINES_MAX);
    CHECK(drainer, <=, SCHEDULE_DRAINERS_MAX);
    CHECK(count, >, 0u);
    schedule_add_step(schedule, (struct schedule_step){ .kind = SCHEDULE_RUN,
                                                        .goroutine = goroutine,
                                                        .drainer = drainer,
                                                        .count = count,
                                                        .text = schedule_copy_text(anchor) });
}

void schedule_add_choose(struct schedule *schedule, uint32_t answer, uint32_t count,
                         const char *label)
{
    CHECK(answer, <, count);
    CHECK(count, <=, SCHEDULE_ANSWERS_MAX);
    schedule_add_step(schedule, (struct schedule_step){ .kind = SCHEDULE_CHOOSE,
                                                        .count = count,
                                                        .answer = answer,
                                                        .text = schedule_copy_text(label) });
}

void schedule_destroy(struct schedule *schedule)
{
    if (schedule == NULL)
        return;
    for (uint32_t i = 0; i < schedule->goroutine_count; i++) {
        free(schedule->goroutines[i].path);
        free(schedule->goroutines[i].role);
    }
    for (uint32_t i = 0; i < schedule->step_count; i++)
        free(schedule->steps[i].text);
    free(schedule->goroutines);
    free(schedule->steps);
    free(schedule->target);
    free(schedule->memory);
    free(schedule->reuse);
    free(schedule->subject_compiler);
    free(schedule->flags);
    free(schedule->rule);
    free(schedule);
}
