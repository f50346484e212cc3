/* program.c: a whole program as a target. Its main runs as goroutine 0; exit, a return from main,
 * abort and a failed assert end the execution and not the process. */
#define _GNU_SOURCE
#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "image.h"
#include "posix.h"
#include "posix_memory.h"
#include "posix_thread.h"
#include "store_buffer.h"
#include "thread_local.h"

#define PROGRAM_STEPS_MAX 100000u
#define PROGRAM_AT_EXIT_MAX 64u
#define PROGRAM_TEXT_BYTES (64u << 10)
#define PROGRAM_NOTE_BYTES 160

static struct {
    int (*main)(int, char **, char **);
    int argument_count;
    char *const *arguments;
    FILE *sink; /* what the program's standard streams are in an execution */
    FILE *output, *error; /* what they are otherwise */
    void (*at_exit[PROGRAM_AT_EXIT_MAX])(void);
    uint32_t at_exit_count;
    char text[PROGRAM_TEXT_BYTES]; /* what this execution printed, and what is to be said of it */
    uint32_t text_bytes;
    const char *notes[GOROUTINES_MAX]; /* lie in text */
    bool drew; /* random numbers, in the last execution */
} program;

/* ---- output ---------------------------------------------------------------------------------- */

/* Adds what is printed to the log, a line of the program's a line of the log. */
static void program_print(const char *text, size_t bytes)
{
    while (execution.explain && bytes > 0) {
        const char *end = memchr(text, '\n', bytes);
        size_t length = end != NULL ? (size_t)(end - text) : bytes;
        if (length >= PROGRAM_TEXT_BYTES - program.text_bytes)
            return;
        char *line = program.text + program.text_bytes;
        memcpy(line, text, length);
        line[length] = '\0';
        for (char *byte = line; *byte != '\0'; byte++) /* it may be anything */
            if ((unsigned char)*byte < ' ')
                *byte = ' ';
        program.text_bytes += (uint32_t)length + 1;
        treadle_log(line);
        length += end != NULL;
        text += length;
        bytes -= length;
    }
}

static ssize_t sink_write(void *cookie, const char *text, size_t bytes)
{
    (void)cookie;
    program_print(text, bytes);
    return (ssize_t)bytes;
}

static bool is_printed(int file)
{
    return file == STDOUT_FILENO || file == STDERR_FILENO;
}

POSIX_WRAPS(ssize_t, write, int file, const void *bytes, size_t count)
{
    if (!posix_runs() || !is_printed(file))
        return write(file, bytes, count);
    program_print(bytes, count);
    return (ssize_t)count;
}

POSIX_WRAPS(int, vdprintf, int file, const char *format, va_list arguments)
{
    if (!posix_runs() || !is_printed(file))
        return vdprintf(file, format, arguments);
    return vfprintf(program.sink, format, arguments);
}

POSIX_WRAPS(int, dprintf, int file, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = __wrap_vdprintf(file, format, arguments);
    va_end(arguments);
    return written;
}

/* Its standard streams outlive an execution. */
POSIX_WRAPS(int, fclose, FILE *file)
{
    return posix_runs() && file == program.sink ? fflush(file) : fclose(file);
}

/* ---- notes ----------------------------------------------------------------------------------- */

/* What is to be said of the running goroutine's end, should a verdict be made of it. */
static void program_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void program_note(const char *format, ...)
{
    char *note = program.text + program.text_bytes;
    if (!execution.explain || PROGRAM_TEXT_BYTES - program.text_bytes < PROGRAM_NOTE_BYTES)
        return;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(note, PROGRAM_NOTE_BYTES, format, arguments);
    va_end(arguments);
    program.text_bytes += length < PROGRAM_NOTE_BYTES ? (uint32_t)length + 1 : PROGRAM_NOTE_BYTES;
    program.notes[scheduler.running->id] = note;
}

/* Gives the notes to the verdicts that they belong to. */
static void program_explain(void)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++) {
        struct verdict_record *record = &execution.verdicts[i];
        if (record->verdict != TREADLE_ASSERT || record->event_count == 0)
            continue;
        const char *note = program.notes[execution.trace[record->events[0]].goroutine];
        if (note != NULL)
            snprintf(record->detail, sizeof record->detail, "%s", note);
    }
}

/* ---- random numbers -------------------------------------------------------------------------- */

/* All threads draw from the same numbers: who draws first matters. */
static void program_draws(struct caller caller)
{
    program.drew = true;
    announce_from(EVENT_ATOMIC_RMW, EVENT_SEQ_CST, (uint64_t)&program.drew, 1, caller);
}

POSIX_WRAPS(int, rand, void)
{
    if (posix_runs())
        program_draws(HOOK_CALLER);
    return rand();
}

POSIX_WRAPS(long, random, void)
{
    if (posix_runs())
        program_draws(HOOK_CALLER);
    return random();
}

POSIX_WRAPS(void, srand, unsigned seed)
{
    if (posix_runs())
        program_draws(HOOK_CALLER);
    srand(seed);
}

POSIX_WRAPS(void, srandom, unsigned seed)
{
    if (posix_runs())
        program_draws(HOOK_CALLER);
    srandom(seed);
}

/* ---- around an execution --------------------------------------------------------------------- */

void program_enter(void)
{
    posix_memory_restore();
    posix_thread_begin(0);
    if (program.sink == NULL) {
        thread_local_enter(0); /* it is to lie where the program's own streams would */
        program.sink = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = sink_write });
        CHECK(program.sink, !=, NULL);
        setvbuf(program.sink, NULL, _IOLBF, BUFSIZ);
        thread_local_leave();
    }
    if (program.drew)
        srandom(1); /* as the C library begins */
    program.drew = false;
    program.at_exit_count = 0;
    program.text_bytes = 0;
    if (execution.explain)
        memset(program.notes, 0, sizeof program.notes);
    program.output = stdout;
    program.error = stderr;
    stdout = stderr = program.sink;
}

void program_leave(void)
{
    thread_local_leave();
    if (!scheduler.crashed) /* else the stream may be locked for ever */
        fflush(program.sink);
    stdout = program.output;
    stderr = program.error;
    if (execution.explain)
        program_explain();
}

void program_roots(void (*visit)(void *context, uint64_t begin, uint64_t end), void *context)
{
    uint64_t begin, end;
    for (uint32_t i = 0; image_range(i, &begin, &end); i++)
        visit(context, begin, end);
    buffer_roots(visit, context);
    for (uint32_t id = 0; id < scheduler.goroutine_count; id++) {
        const struct goroutine *goroutine = &scheduler.goroutines[id];
        posix_thread_roots(id, visit, context);
        if (goroutine->state == GOROUTINE_DONE)
            continue;
        if (goroutine->pending.kind != EVENT_GONE) /* else it has left all its frames */
            visit(context, (uint64_t)goroutine->fiber.stack_pointer, fiber_top(id));
        begin = (uint64_t)thread_local_block(id, &end);
        visit(context, begin, begin + end);
    }
}

/* ---- its end --------------------------------------------------------------------------------- */

/* The process ends, and all of its threads with it. */
static _Noreturn void program_end(int status, struct caller caller)
{
    status &= 0xff;
    if (!scheduler.exploring) {
        struct event *event = announce_from(EVENT_END, EVENT_SEQ_CST, 0, 0, caller);
        event->value_read = (uint64_t)status;
    }
    if (status == 0)
        scheduler_end_process();
    program_note("the program ended with %d", status);
    scheduler_end(TREADLE_ASSERT, "exit status 0", calls_last_event(caller.frame));
}

/* All threads see the same handlers: who asks for one, adds or takes one, is ordered. */
static void program_handlers(enum event_kind kind, struct caller caller)
{
    announce_from(kind, EVENT_SEQ_CST, (uint64_t)&program.at_exit_count, 1, caller);
}

/* Several threads may be here: each handler is called by one of them. */
static _Noreturn void program_exit(int status, struct caller caller)
{
    struct caller nowhere = { 0, caller.frame }; /* in the subject */
    program_handlers(EVENT_ATOMIC_LOAD, caller);
    while (program.at_exit_count > 0) {
        program_handlers(EVENT_ATOMIC_RMW, nowhere);
        if (program.at_exit_count > 0)
            program.at_exit[--program.at_exit_count]();
        program_handlers(EVENT_ATOMIC_LOAD, nowhere);
    }
    program_end(status, caller);
}

POSIX_WRAPS(int, atexit, void (*function)(void))
{
    if (!posix_runs())
        return atexit(function);
    program_handlers(EVENT_ATOMIC_RMW, HOOK_CALLER);
    if (program.at_exit_count == PROGRAM_AT_EXIT_MAX)
        return -1;
    program.at_exit[program.at_exit_count++] = function;
    return 0;
}

POSIX_WRAPS(_Noreturn void, exit, int status)
{
    if (!posix_runs())
        exit(status);
    program_exit(status, HOOK_CALLER);
}

POSIX_WRAPS(_Noreturn void, _exit, int status)
{
    if (!posix_runs())
        _exit(status);
    program_end(status, HOOK_CALLER);
}

POSIX_WRAPS(_Noreturn void, _Exit, int status)
{
    if (!posix_runs())
        _Exit(status);
    program_end(status, HOOK_CALLER);
}

POSIX_WRAPS(_Noreturn void, abort, void)
{
    if (!posix_runs())
        abort();
    scheduler_end(TREADLE_CRASH, "SIGABRT", calls_last_event(HOOK_FRAME));
}

_Noreturn void __assert_fail(const char *expression, const char *file, unsigned line,
                             const char *function);

POSIX_WRAPS(_Noreturn void, __assert_fail, const char *expression, const char *file, unsigned line,
            const char *function)
{
    if (!posix_runs())
        __assert_fail(expression, file, line, function);
    program_note("%s:%u: %s", basename(file), line, function != NULL ? function : "");
    scheduler_end(TREADLE_ASSERT, expression, calls_last_event(HOOK_FRAME));
}

/* ---- the target ------------------------------------------------------------------------------ */

static void program_run(void *state, const void *argument)
{
    (void)argument;
    thread_local_enter(0);
    int status = program.main(program.argument_count, state, environ);
    program_exit(status, (struct caller){ 0, HOOK_FRAME });
}

/* argv lies in the arena, where it is at the same place in every process. */
static void *program_setup(const void *argument)
{
    (void)argument;
    size_t count = (size_t)program.argument_count;
    char **arguments = treadle_alloc((count + 1) * sizeof *arguments, NULL);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strlen(program.arguments[i]) + 1;
        arguments[i] = treadle_alloc(bytes, NULL);
        memcpy(arguments[i], program.arguments[i], bytes);
    }
    return arguments;
}

void program_register(const char *name, int (*main)(int, char **, char **), int argument_count,
                      char *const *arguments)
{
    static const struct treadle_program program_main = { "main", program_run, NULL };
    static struct treadle_target target = {
        .description = "the program's main",
        .setup = program_setup,
        .main = &program_main,
        .steps_max = PROGRAM_STEPS_MAX,
    };
    program.main = main;
    program.argument_count = argument_count;
    program.arguments = arguments;
    target.name = name;
    treadle_register(&target);
}
