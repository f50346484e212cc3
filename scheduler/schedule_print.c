/* schedule_print.c: writes schedule files. What is written has been read again before, so that no
 * finding ends in a file that replay refuses. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "check.h"
#include "execution.h"
#include "schedule.h"

/* A text is part of one line. */
static bool text_fits(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ')
            return false;
    return true;
}

/* Whether no text can be taken for more than one line; that fields are missing or out of range,
 * reading finds. */
static bool texts_fit(const struct schedule *schedule)
{
    const char *const texts[] = { schedule->target,           schedule->memory, schedule->reuse,
                                  schedule->subject_compiler, schedule->flags,  schedule->rule };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i] != NULL && !text_fits(texts[i]))
            return false;
    for (uint32_t i = 0; i < schedule->goroutine_count; i++) {
        const struct schedule_goroutine *goroutine = &schedule->goroutines[i];
        if (goroutine->path == NULL || !text_fits(goroutine->path)
            || (goroutine->role != NULL && !text_fits(goroutine->role)))
            return false;
    }
    for (uint32_t i = 0; i < schedule->step_count; i++)
        if (schedule->steps[i].text != NULL && !text_fits(schedule->steps[i].text))
            return false;
    return (unsigned)schedule->verdict < TREADLE_VERDICT_COUNT;
}

/* A field of one text; left out if there is none. */
static void print_text(FILE *out, const char *field, const char *text)
{
    if (text != NULL)
        fprintf(out, "%s %s\n", field, text);
}

static void print_fields(const struct schedule *schedule, FILE *out)
{
    fprintf(out, "treadle schedule %d\n", SCHEDULE_VERSION);
    print_text(out, "target", schedule->target);
    print_text(out, "memory", schedule->memory);
    print_text(out, "reuse", schedule->reuse);
    if (schedule->exploring)
        fputs("exploring 1\n", out);
    if (schedule->subject_compiler != NULL)
        fprintf(out, "subject %s %016" PRIx64 "\n", schedule->subject_compiler,
                schedule->subject_hash);
    print_text(out, "flags", schedule->flags);
    print_text(out, "verdict", verdict_name(schedule->verdict));
    print_text(out, "rule", schedule->rule);
    fprintf(out, "fingerprint %016" PRIx64 "\n", schedule->fingerprint);
    fprintf(out, "events %u\n", schedule->events);
    fprintf(out, "hash %016" PRIx64 "\n", schedule->hash);
}

static void print_goroutine(const struct schedule_goroutine *goroutine, FILE *out)
{
    fprintf(out, "goroutine %u %s", goroutine->id, goroutine->path);
    if (goroutine->role != NULL)
        fprintf(out, " %s", goroutine->role);
    fputc('\n', out);
}

void schedule_runner_name(uint32_t goroutine, uint32_t drainer, char *text)
{
    if (drainer > 1)
        snprintf(text, SCHEDULE_RUNNER_BYTES, "d%u.%u", goroutine, drainer - 1);
    else
        snprintf(text, SCHEDULE_RUNNER_BYTES, "%c%u", drainer == 1 ? 'd' : 'g', goroutine);
}

static void print_step(const struct schedule_step *step, FILE *out)
{
    if (step->kind == SCHEDULE_RUN) {
        char runner[SCHEDULE_RUNNER_BYTES];
        schedule_runner_name(step->goroutine, step->drainer, runner);
        fprintf(out, "%s x%u", runner, step->count);
        if (step->text != NULL)
            fprintf(out, " @ %s", step->text);
    } else {
        fprintf(out, "choose %u/%u", step->answer, step->count);
        if (step->text != NULL)
            fprintf(out, " %s", step->text);
    }
    fputc('\n', out);
}

/* The whole file in memory, for the caller to free. */
static char *print_to_memory(const struct schedule *schedule, size_t *ret_bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_bytes);
    if (out == NULL)
        check_limit("no memory for a schedule file");
    print_fields(schedule, out);
    for (uint32_t i = 0; i < schedule->goroutine_count; i++)
        print_goroutine(&schedule->goroutines[i], out);
    fputs("choices\n", out);
    for (uint32_t i = 0; i < schedule->step_count; i++)
        print_step(&schedule->steps[i], out);
    fputs("end\n", out);
    if (fclose(out) != 0)
        check_limit("no memory for a schedule file");
    return text;
}

int schedule_print(const struct schedule *schedule, FILE *out)
{
    if (schedule->step_count > SCHEDULE_STEPS_MAX) {
        errno = EFBIG;
        return -1;
    }
    if (!texts_fit(schedule)) {
        errno = EINVAL;
        return -1;
    }
    size_t bytes = 0;
    char *text = print_to_memory(schedule, &bytes);
    char error[256];
    struct schedule *read_again =
        bytes <= SCHEDULE_FILE_BYTES_MAX
            ? schedule_parse("schedule", text, bytes, error, sizeof error)
            : NULL;
    int status = 0;
    if (read_again == NULL) {
        errno = bytes > SCHEDULE_FILE_BYTES_MAX ? EFBIG : EINVAL;
        status = -1;
    } else if (fwrite(text, 1, bytes, out) != bytes) {
        status = -1;
    }
    schedule_destroy(read_again);
    free(text);
    return status;
}
