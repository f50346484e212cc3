/* program.c: targets made of operations. NOT instrumented. */
#include "gomap/program.h"

#include <stdlib.h>
#include <string.h>

#include "gomap/dump.h"
#include "gomap/invariants.h"
#include "gomap/lines.h"
#include "gomap/trace.h"
#include "gomap/walk.h"

/* The next one stands for whole ranges in the history (interpreter.c). */
#define PROGRAM_ITERATOR_ID_MAX (UINT32_MAX - 1)

/* ---- running --------------------------------------------------------------------------------- */

static void *setup(const void *argument)
{
    struct program *program = ((const struct program_goroutine *)argument)->program;
    struct map_state *state = &program->state;
    map_state_reset(state);
    state->mutex = NULL; /* the set-up itself does not lock */
    bool history = map_type_reflexive_key(&state->type);
    struct interpreter interpreter = { .state = state, .history = history };
    for (size_t i = 0; i < program->setup.count; i++)
        interpreter_apply(&interpreter, &program->setup.items[i], NULL);
    interpreter_deinit(&interpreter);
    if (program->locked)
        state->mutex = treadle_alloc(sizeof *state->mutex, "treadle_rwmutex");
    return program;
}

void program_interpreter(struct program *program, struct interpreter *ret_interpreter,
                         struct interpreter_stack *stack)
{
    interpreter_init(ret_interpreter, &program->state, stack);
}

static bool has_result(enum operation_kind kind)
{
    return kind == OPERATION_ACCESS || kind == OPERATION_ITERATE
        || kind == OPERATION_ITERATOR_INIT || kind == OPERATION_ITERATOR_NEXT;
}

void program_run(void *state, const void *argument)
{
    struct program *program = state;
    const struct program_goroutine *goroutine = argument;
    struct interpreter_stack stack;
    struct interpreter interpreter;
    program_interpreter(program, &interpreter, &stack);
    goroutine->results->count = 0;
    for (size_t i = 0; i < goroutine->operations.count; i++) {
        const struct operation *operation = &goroutine->operations.items[i];
        if (!has_result(operation->kind)) {
            interpreter_apply(&interpreter, operation, NULL);
            continue;
        }
        text_string(goroutine->results, goroutine->results->count == 0 ? "\"" : " \"");
        interpreter_apply(&interpreter, operation, goroutine->results);
        text_byte(goroutine->results, '"');
    }
}

static void final(void *state)
{
    const struct program *program = state;
    if (!map_type_reflexive_key(&program->state.type))
        return; /* no history either */
    struct walk walk;
    for (walk_begin(&walk, program->state.map); walk_next(&walk);) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (walk_live(&walk, i))
                treadle_note(TREADLE_CONTENT, walk.b->keys[i], walk.b->elems[i]);
        }
    }
}

/* ---- as a subject ---------------------------------------------------------------------------- */

/* Collects the entries of the program's map; returns how many they are. */
static size_t collect_entries(struct program *program)
{
    const struct hmap *h = program->state.map;
    size_t count;
    while ((count = walk_entries(h, program->entries, program->entry_capacity))
           > program->entry_capacity) {
        free(program->entries);
        program->entry_capacity = count;
        program->entries = calloc(count, sizeof *program->entries);
        if (program->entries == NULL)
            abort();
    }
    return count;
}

void program_outcome(void *state, char *text, size_t text_bytes_max)
{
    struct program *program = state;
    const struct hmap *h = program->state.map;
    struct text out = { 0 };
    for (uint32_t i = 0; i < program->goroutine_count; i++) {
        const struct text *results = program->goroutines[i].results;
        if (i != 0)
            text_string(&out, "| ");
        text_bytes(&out, results->bytes, results->count);
        if (results->count != 0)
            text_byte(&out, ' ');
    }
    text_string(&out, "; count=");
    text_signed(&out, h != NULL ? h->count : 0);
    text_string(&out, " {");
    size_t count = collect_entries(program);
    const struct walk_entry *entries = program->entries;
    for (size_t i = 0; i < count; i++) {
        if (i != 0 && entries[i].key == entries[i - 1].key
            && entries[i].value == entries[i - 1].value)
            continue;
        if (i != 0)
            text_byte(&out, ' ');
        text_entry(&out, entries[i].key, entries[i].value);
    }
    text_byte(&out, '}');
    snprintf(text, text_bytes_max, "%.*s", (int)out.count, out.bytes);
    text_deinit(&out);
}

void program_print(const struct treadle_target *target, FILE *out)
{
    const struct program *program = (const struct program *)(const void *)target;
    fwrite(program->source.bytes, 1, program->source.count, out);
}

void program_dump(void *state, FILE *out)
{
    const struct program *program = state;
    struct dumper dumper = { 0 };
    struct text lines = { 0 };
    dump_map(&dumper, program->state.map, 0, 0, false, &lines);
    fwrite(lines.bytes, 1, lines.count, out);
    text_deinit(&lines);
    dumper_deinit(&dumper);
}

struct treadle_target *program_parse(const struct treadle_options *options, FILE *in, FILE *error)
{
    struct map_type type;
    if (!trace_type(options, &type, error))
        return NULL;
    struct program *program = program_create(&type, in, error);
    return program != NULL ? &program->target : NULL;
}

_Static_assert(offsetof(struct program, target) == 0, "a program's target is the program");

void program_free(struct treadle_target *target)
{
    program_destroy((struct program *)(void *)target);
}

/* ---- reading --------------------------------------------------------------------------------- */

static const char *role_of(const struct operation_list *operations)
{
    switch (operations->items[0].kind) {
    case OPERATION_ASSIGN:
        return "inserter";
    case OPERATION_DELETE:
        return "deleter";
    case OPERATION_CLEAR:
        return "clearer";
    case OPERATION_ACCESS:
        return "reader";
    default:
        return "iterator";
    }
}

/* What the parser cannot see in a single operation: whether goroutines may do these. */
static bool check_goroutine(const struct operation_list *operations,
                            char cause[OPERATION_CAUSE_BYTES])
{
    uint64_t ids[INTERPRETER_ITERATORS_MAX];
    size_t id_count = 0;
    for (size_t i = 0; i < operations->count; i++) {
        const struct operation *operation = &operations->items[i];
        if (!operation_concurrent(operation->kind)) {
            snprintf(cause, OPERATION_CAUSE_BYTES, "only the set-up may do operation %zu", i + 1);
            return false;
        }
        if (operation->kind != OPERATION_ITERATOR_INIT)
            continue;
        size_t known = 0;
        while (known < id_count && ids[known] != operation->first)
            known++;
        if (operation->first > PROGRAM_ITERATOR_ID_MAX) {
            snprintf(cause, OPERATION_CAUSE_BYTES, "iterator id above %u: '%llu'",
                     PROGRAM_ITERATOR_ID_MAX, (unsigned long long)operation->first);
            return false;
        }
        if (known == INTERPRETER_ITERATORS_MAX) {
            snprintf(cause, OPERATION_CAUSE_BYTES, "more than %d iterators",
                     INTERPRETER_ITERATORS_MAX);
            return false;
        }
        if (known == id_count)
            ids[id_count++] = operation->first;
    }
    return true;
}

static bool parse_goroutine(struct program *program, const char *text, size_t bytes,
                            char cause[OPERATION_CAUSE_BYTES])
{
    if (program->goroutine_count == PROGRAM_GOROUTINES_MAX) {
        snprintf(cause, OPERATION_CAUSE_BYTES, "more than %d goroutines", PROGRAM_GOROUTINES_MAX);
        return false;
    }
    uint32_t index = program->goroutine_count++;
    struct program_goroutine *goroutine = &program->goroutines[index];
    goroutine->program = program;
    goroutine->results = &program->results[index];
    if (!operation_list_parse(&goroutine->operations, text, bytes, cause)
        || !check_goroutine(&goroutine->operations, cause))
        return false;
    program->programs[index] = (struct treadle_program){
        .role = role_of(&goroutine->operations),
        .run = program_run,
        .argument = goroutine,
    };
    return true;
}

static bool parse_goroutines(struct program *program, const char *text, size_t bytes,
                             char cause[OPERATION_CAUSE_BYTES])
{
    if (program->goroutine_count != 0) {
        snprintf(cause, OPERATION_CAUSE_BYTES, "a second line 'par'");
        return false;
    }
    for (;;) {
        const char *bar = memchr(text, '|', bytes);
        size_t part = bar != NULL ? (size_t)(bar - text) : bytes;
        if (!parse_goroutine(program, text, part, cause))
            return false;
        if (bar == NULL)
            return true;
        text = bar + 1;
        bytes -= part + 1;
    }
}

/* Whether the line begins with the word `par`. */
static bool is_par(const char *line, size_t bytes)
{
    return bytes >= 3 && memcmp(line, "par", 3) == 0 && (bytes == 3 || operation_blank(line[3]));
}

/* One line of the program, trimmed. */
static bool parse_line(struct program *program, const char *line, size_t bytes,
                       char cause[OPERATION_CAUSE_BYTES])
{
    if (bytes == 0 || line[0] == '#')
        return true;
    if (is_par(line, bytes))
        return parse_goroutines(program, line + 3, bytes - 3, cause);
    struct operation operation;
    if (!operation_parse(line, bytes, &operation, cause))
        return false;
    if (program->goroutine_count != 0) {
        snprintf(cause, OPERATION_CAUSE_BYTES, "an operation of the set-up behind 'par'");
        return false;
    }
    operation_list_append(&program->setup, operation);
    return true;
}

/* Keeps the line as it stands; a last one without a newline gets it. */
static void keep_source(struct program *program, const struct text *line)
{
    text_bytes(&program->source, line->bytes, line->count);
    if (line->bytes[line->count - 1] != '\n')
        text_byte(&program->source, '\n');
}

/* False for bad input, with a cause, and where the input cannot be read. */
static bool parse_lines(struct program *program, struct lines *lines,
                        char cause[OPERATION_CAUSE_BYTES])
{
    while (lines_next(lines, cause)) {
        const char *trimmed = lines->line.bytes;
        size_t count = lines->line.count;
        operation_trim(&trimmed, &count);
        if (count == strlen("outcomes:") && memcmp(trimmed, "outcomes:", count) == 0)
            break;
        if (!parse_line(program, trimmed, count, cause))
            return false;
        keep_source(program, &lines->line);
    }
    if (cause[0] != 0 || ferror(lines->in))
        return false;
    if (program->goroutine_count == 0) {
        snprintf(cause, OPERATION_CAUSE_BYTES, "no line 'par'");
        lines->number += lines->number == 0;
        return false;
    }
    return true;
}

struct program *program_create(const struct map_type *type, FILE *in, FILE *error)
{
    struct program *program = calloc(1, sizeof *program);
    if (program == NULL)
        abort();
    program->state.type = *type;
    char cause[OPERATION_CAUSE_BYTES];
    struct lines lines = { .in = in };
    bool right = parse_lines(program, &lines, cause);
    lines_deinit(&lines);
    if (!right) {
        if (!ferror(in))
            fprintf(error, "line %llu: %s\n", (unsigned long long)lines.number, cause);
        program_destroy(program);
        return NULL;
    }
    program->target = (struct treadle_target){
        .name = "gomap/program",
        .description = "a program of map operations",
        .subject = &gomap_subject,
        .setup = setup,
        .argument = &program->goroutines[0],
        .programs = program->programs,
        .program_count = program->goroutine_count,
        .final = final,
        .invariants = map_invariants,
        .invariant_count = map_invariant_count,
        .expects = ~UINT64_C(0),
        .reuse = TREADLE_REUSE_NEVER,
        .go_semantics = true,
        .garbage_collected = true,
        .private_stacks = true,
    };
    return program;
}

struct program *program_of(const struct map_type *type, const char *source)
{
    FILE *in = fmemopen((void *)(uintptr_t)source, strlen(source), "r");
    if (in == NULL)
        abort();
    struct program *program = program_create(type, in, stderr);
    fclose(in);
    if (program == NULL)
        abort();
    return program;
}

void program_destroy(struct program *program)
{
    if (program == NULL)
        return;
    for (uint32_t i = 0; i < PROGRAM_GOROUTINES_MAX; i++) {
        operation_list_deinit(&program->goroutines[i].operations);
        text_deinit(&program->results[i]);
    }
    operation_list_deinit(&program->setup);
    text_deinit(&program->source);
    free(program->entries);
    map_type_deinit(&program->state.type);
    free(program);
}
