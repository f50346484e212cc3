/* trace.c: drives the map by the trace language and prints its state after each operation. NOT
 * instrumented. Output must equal, byte for byte, what a recorder printed around the real Go
 * runtime (fixtures/). */
#include "gomap/trace.h"

#include <stdlib.h>
#include <string.h>

#include "gomap/digest.h"
#include "gomap/dump.h"
#include "gomap/interpreter.h"
#include "gomap/lines.h"
#include "gomap/operations.h"

/* 1 / 0xa0761d6478bd642f modulo 2^64: from a distance of generator states to a number of draws. */
#define DRAW_INVERSE UINT64_C(0x939c72e4af1e62cf)

/* how it is written, keys, whether the functions for such keys are used */
#define VARIANTS(X)                                                                                \
    X("fast64", MAP_KEY_UINT64, true)                                                              \
    X("generic", MAP_KEY_UINT64, false)                                                            \
    X("float64", MAP_KEY_FLOAT64, false)

#define DUMPS(X)                                                                                   \
    X(FULL, "full")                                                                                \
    X(DIGEST, "digest")                                                                            \
    X(SUM, "sum")                                                                                  \
    X(SPARSE, "sparse") /* sum, and a digest behind every 5,000th operation */                     \
    X(NONE, "none")
enum trace_dump {
#define X(name, text) TRACE_##name,
    DUMPS(X)
#undef X
};

enum {
    BATCH_MAX = 64,
    BATCH_BYTES = 1 << 21,
    OUTPUT_BYTES = 1 << 16,
    SPARSE_PERIOD = 5000,
};

/* `@N` and `=N` lines: what to run inside a call of the next operation. */
struct nested {
    bool armed;
    uint64_t at; /* in which of the calls, from 1 */
    struct operation_list operations;
    struct text texts; /* the operations as written, separated by newlines */
};

struct trace {
    enum trace_dump dump;
    struct map_state state;
    struct interpreter interpreter;
    struct dumper dumper;
    uint64_t operation_number;
    /* The operation that runs. */
    struct operation operation;
    struct text result;
    struct nested nested[2]; /* by enum map_type_call */
    uint64_t calls[2];
    struct text nested_lines; /* K lines */
    uint64_t draws;           /* before the last `rand` inside this operation */
    uint64_t random_before;
    /* Dumps whose digests are still to be computed: their lines O, and what they digest. Each ends
     * where the next begins. */
    struct text batch_titles;
    struct text batch_lines;
    size_t batch_title_ends[BATCH_MAX];
    size_t batch_line_ends[BATCH_MAX];
    size_t batch_count;
    struct text out;
    FILE *file;
};

/* ---- options --------------------------------------------------------------------------------- */

static bool find_name(const char *what, const char *const *names, size_t count, const char *name,
                      size_t *ret_index, FILE *error)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    char cause[OPERATION_CAUSE_BYTES];
    operation_fail(cause, what, name, strlen(name));
    fprintf(error, "%s (", cause);
    for (size_t i = 0; i < count; i++)
        fprintf(error, "%s%s", i == 0 ? "" : ", ", names[i]);
    fputs(")\n", error);
    return false;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool trace_type(const struct treadle_options *options, struct map_type *ret_type, FILE *error)
{
    static const char *const variants[] = {
#define X(text, of_key, is_fast64) text,
        VARIANTS(X)
#undef X
    };
    static const struct map_type types[] = {
#define X(text, of_key, is_fast64) { .key = of_key, .fast64 = is_fast64 },
        VARIANTS(X)
#undef X
    };
    static const char *const hashes[] = {
#define X(name, text) text,
        MAP_HASHES(X)
#undef X
    };
    size_t variant;
    size_t hash;
    if (!find_name("unknown variant", variants, COUNT(variants), options->variant, &variant,
                   error)
        || !find_name("unknown hash", hashes, COUNT(hashes), options->hash, &hash, error))
        return false;
    *ret_type = types[variant];
    ret_type->hash = (enum map_hash)hash;
    return true;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void flush(struct trace *trace)
{
    if (trace->out.count > 0)
        fwrite(trace->out.bytes, 1, trace->out.count, trace->file);
    trace->out.count = 0;
}

static void write_digest(const struct digest *digest, struct text *out)
{
    text_string(out, "D ");
    text_hex(out, digest->value, 16);
    text_byte(out, '\n');
}

static void flush_batch(struct trace *trace)
{
    struct digest digests[BATCH_MAX];
    size_t start = 0;
    for (size_t i = 0; i < trace->batch_count; start = trace->batch_line_ends[i++])
        digests[i] = (struct digest){
            .bytes = trace->batch_lines.bytes + start,
            .count = trace->batch_line_ends[i] - start,
        };
    digest_all(digests, trace->batch_count);
    start = 0;
    for (size_t i = 0; i < trace->batch_count; start = trace->batch_title_ends[i++]) {
        text_bytes(&trace->out, trace->batch_titles.bytes + start,
                   trace->batch_title_ends[i] - start);
        write_digest(&digests[i], &trace->out);
    }
    trace->batch_count = 0;
    trace->batch_titles.count = 0;
    trace->batch_lines.count = 0;
}

static void write_title(const struct trace *trace, const char *line, size_t bytes,
                        struct text *out)
{
    text_string(out, "O ");
    text_number(out, trace->operation_number);
    text_byte(out, ' ');
    text_bytes(out, line, bytes);
    text_byte(out, '\n');
}

static void write_result(const struct trace *trace, const char *what, const char *message,
                         struct text *out)
{
    text_bytes(out, trace->nested_lines.bytes, trace->nested_lines.count);
    text_string(out, "R ");
    text_string(out, what);
    text_string(out, message);
    text_byte(out, '\n');
}

/* Whether a dump shows the draws and hasher calls of this operation: those of the map do. */
static bool is_counted(enum operation_kind kind)
{
    return kind == OPERATION_NEW
        || (operation_concurrent(kind) && kind != OPERATION_ITERATOR_FORGET);
}

/* The lines of the operation that has just run; sum: only the first ones. */
static void write_dump(struct trace *trace, bool sum, struct text *out)
{
    text_bytes(out, trace->nested_lines.bytes, trace->nested_lines.count);
    text_string(out, "R ");
    text_bytes(out, trace->result.bytes, trace->result.count);
    text_byte(out, '\n');
    uint64_t draws = trace->draws
        + (trace->state.type.random->state - trace->random_before) * DRAW_INVERSE;
    bool counted = is_counted(trace->operation.kind);
    const struct interpreter *interpreter = &trace->interpreter;
    dump_map(&trace->dumper, trace->state.map, counted ? draws : 0,
             counted ? trace->calls[MAP_TYPE_HASH] : 0, sum, out);
    if (trace->state.map == NULL)
        return;
    if (sum)
        dump_meet_iterators(&trace->dumper, interpreter->iterators, interpreter->iterator_count);
    else
        dump_iterators(&trace->dumper, interpreter->iterators, interpreter->iterator_count, out);
}

/* Leaves the digest of a dump for later. */
static void add_to_batch(struct trace *trace, const char *line, size_t bytes)
{
    size_t i = trace->batch_count++;
    write_title(trace, line, bytes, &trace->batch_titles);
    write_dump(trace, false, &trace->batch_lines);
    trace->batch_title_ends[i] = trace->batch_titles.count;
    trace->batch_line_ends[i] = trace->batch_lines.count;
    if (trace->batch_count == BATCH_MAX || trace->batch_lines.count >= BATCH_BYTES)
        flush_batch(trace);
}

/* The digest of a whole dump behind a sum. */
static void write_sparse_digest(struct trace *trace)
{
    struct text *lines = &trace->batch_lines;
    write_dump(trace, false, lines);
    struct digest digest = { .bytes = lines->bytes, .count = lines->count };
    digest_all(&digest, 1);
    write_digest(&digest, &trace->out);
    lines->count = 0;
}

static void report(struct trace *trace, const char *line, size_t bytes)
{
    if (trace->dump == TRACE_NONE)
        return;
    if (trace->dump == TRACE_DIGEST) {
        add_to_batch(trace, line, bytes);
    } else {
        write_title(trace, line, bytes, &trace->out);
        write_dump(trace, trace->dump != TRACE_FULL, &trace->out);
        if (trace->dump == TRACE_SPARSE && trace->operation_number % SPARSE_PERIOD == 0)
            write_sparse_digest(trace);
    }
    if (trace->out.count >= OUTPUT_BYTES)
        flush(trace);
}

/* Go's own check, or something worse, ended the operation. */
static void report_end(struct trace *trace, const char *line, size_t bytes,
                       enum treadle_verdict verdict, const char *rule)
{
    if (trace->dump == TRACE_NONE)
        return;
    if (trace->dump == TRACE_DIGEST)
        flush_batch(trace);
    write_title(trace, line, bytes, &trace->out);
    const char *what = "WILD ";
    if (verdict == TREADLE_GO_FATAL)
        what = "FATAL ";
    else if (verdict == TREADLE_PANIC)
        what = "PANIC ";
    else if (verdict == TREADLE_TIMEOUT)
        what = "ENDLESS ";
    write_result(trace, what, rule != NULL ? rule : "", &trace->out);
}

/* ---- running --------------------------------------------------------------------------------- */

static void apply(struct trace *trace, const struct operation *operation, struct text *result)
{
    struct map_random *random = trace->state.type.random;
    if (operation->kind == OPERATION_RAND) {
        /* Draws are told by the distance of states: count those before the jump. */
        trace->draws += (random->state - trace->random_before) * DRAW_INVERSE;
        trace->random_before = operation->first;
    }
    if (operation->kind == OPERATION_NEW)
        dumper_forget(&trace->dumper);
    interpreter_apply(&trace->interpreter, operation, result);
}

/* Called by the map as its hasher or key equality begins. */
static void enter(void *context, enum map_type_call call)
{
    struct trace *trace = context;
    trace->calls[call]++;
    struct nested *nested = &trace->nested[call];
    if (!nested->armed || trace->calls[call] != nested->at)
        return;
    nested->armed = false;
    bool outer = trace->interpreter.nested;
    trace->interpreter.nested = true;
    const char *text = nested->texts.bytes;
    for (size_t i = 0; i < nested->operations.count; i++) {
        size_t bytes = strcspn(text, "\n");
        struct text result = { 0 };
        apply(trace, &nested->operations.items[i], &result);
        text_string(&trace->nested_lines, call == MAP_TYPE_HASH ? "K hash " : "K equal ");
        text_bytes(&trace->nested_lines, text, bytes);
        text_string(&trace->nested_lines, " => ");
        text_bytes(&trace->nested_lines, result.bytes, result.count);
        text_byte(&trace->nested_lines, '\n');
        text_deinit(&result);
        text += bytes + 1;
    }
    trace->interpreter.nested = outer;
}

static void reset_state(void *argument)
{
    struct trace *trace = argument;
    trace->state.type.random = treadle_alloc(sizeof(struct map_random), "map_random");
    trace->state.map = NULL;
}

static void run_operation(void *argument)
{
    struct trace *trace = argument;
    apply(trace, &trace->operation, trace->dump == TRACE_NONE ? NULL : &trace->result);
}

/* Gives back the memory of the map so far; random numbers go on. */
static void drop_map(struct trace *trace)
{
    uint64_t random_state = trace->state.type.random->state;
    interpreter_forget(&trace->interpreter);
    treadle_free_all();
    const char *rule;
    treadle_run_alone(reset_state, trace, &rule);
    trace->state.type.random->state = random_state;
}

static int trace_operation(struct trace *trace, const char *line, size_t bytes)
{
    if (trace->operation.kind == OPERATION_NEW)
        drop_map(trace);
    trace->operation_number++;
    trace->result.count = 0;
    trace->nested_lines.count = 0;
    trace->calls[MAP_TYPE_HASH] = 0;
    trace->calls[MAP_TYPE_EQUAL] = 0;
    trace->draws = 0;
    trace->random_before = trace->state.type.random->state;
    const char *rule = NULL;
    enum treadle_verdict verdict = treadle_run_alone(run_operation, trace, &rule);
    trace->nested[MAP_TYPE_HASH].armed = false;
    trace->nested[MAP_TYPE_EQUAL].armed = false;
    if (verdict != TREADLE_OK) {
        report_end(trace, line, bytes, verdict, rule);
        return 1;
    }
    report(trace, line, bytes);
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* An `@N` or `=N` line. */
static bool parse_nested(struct trace *trace, const char *line, size_t bytes,
                         char cause[OPERATION_CAUSE_BYTES])
{
    enum map_type_call call = line[0] == '@' ? MAP_TYPE_HASH : MAP_TYPE_EQUAL;
    struct nested *nested = &trace->nested[call];
    size_t number_bytes = 1;
    while (number_bytes < bytes && !operation_blank(line[number_bytes]))
        number_bytes++;
    if (!operation_number(line + 1, number_bytes - 1, &nested->at)) {
        snprintf(cause, OPERATION_CAUSE_BYTES, "bad number after '%c'", line[0]);
        return false;
    }
    const char *text = line + number_bytes;
    size_t text_count = bytes - number_bytes;
    nested->operations.count = 0;
    nested->texts.count = 0;
    if (!operation_list_parse(&nested->operations, text, text_count, cause))
        return false;
    for (size_t i = 0; i < nested->operations.count; i++) {
        size_t count = 0;
        while (count < text_count && text[count] != ';')
            count++;
        const char *trimmed = text;
        size_t trimmed_count = count;
        operation_trim(&trimmed, &trimmed_count);
        text_bytes(&nested->texts, trimmed, trimmed_count);
        text_byte(&nested->texts, '\n');
        text += count + (count < text_count);
        text_count -= count + (count < text_count);
    }
    text_byte(&nested->texts, 0);
    nested->armed = true;
    return true;
}

/* 2, with a cause, for bad input. */
static int trace_line(struct trace *trace, const char *line, size_t bytes,
                      char cause[OPERATION_CAUSE_BYTES])
{
    operation_trim(&line, &bytes);
    if (bytes == 0 || line[0] == '#')
        return 0;
    if (line[0] == '@' || line[0] == '=') {
        if (parse_nested(trace, line, bytes, cause))
            return 0;
    } else if (operation_parse(line, bytes, &trace->operation, cause)) {
        return trace_operation(trace, line, bytes);
    }
    return 2;
}

/* Ends early where the output cannot be written. */
static int trace_lines(struct trace *trace, FILE *in, FILE *error)
{
    struct lines lines = { .in = in };
    char cause[OPERATION_CAUSE_BYTES] = "";
    int status = 0;
    while (status == 0 && !ferror(trace->file) && lines_next(&lines, cause))
        status = trace_line(trace, lines.line.bytes, lines.line.count, cause);
    if (cause[0] != 0) {
        fprintf(error, "line %llu: %s\n", (unsigned long long)lines.number, cause);
        status = 2;
    }
    lines_deinit(&lines);
    return status;
}

static void trace_destroy(struct trace *trace)
{
    for (size_t i = 0; i < 2; i++) {
        operation_list_deinit(&trace->nested[i].operations);
        text_deinit(&trace->nested[i].texts);
    }
    text_deinit(&trace->batch_titles);
    text_deinit(&trace->batch_lines);
    text_deinit(&trace->nested_lines);
    text_deinit(&trace->result);
    text_deinit(&trace->out);
    dumper_deinit(&trace->dumper);
    interpreter_deinit(&trace->interpreter);
    map_type_deinit(&trace->state.type);
    free(trace);
}

int trace_run(const struct treadle_options *options, FILE *in, FILE *out, FILE *error)
{
    static const char *const dumps[] = {
#define X(name, text) text,
        DUMPS(X)
#undef X
    };
    struct map_type type;
    size_t dump;
    if (!trace_type(options, &type, error))
        return 2;
    if (!find_name("unknown dump", dumps, COUNT(dumps), options->dump, &dump, error))
        return 2;
    struct trace *trace = calloc(1, sizeof *trace);
    if (trace == NULL)
        abort();
    type.enter = enter;
    type.context = trace;
    trace->state.type = type;
    trace->interpreter.state = &trace->state;
    trace->dump = (enum trace_dump)dump;
    dumper_remember(&trace->dumper);
    trace->file = out;
    const char *rule;
    treadle_run_alone(reset_state, trace, &rule);
    int status = trace_lines(trace, in, error);
    flush_batch(trace);
    flush(trace);
    treadle_free_all();
    trace_destroy(trace);
    return status;
}
