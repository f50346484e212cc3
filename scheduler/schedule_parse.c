/* schedule_parse.c: what a schedule file says, read strictly: whatever is not a schedule of this
 * version gets one line that says where, why and what to do. The grammar stands in schedule.h;
 * lines, words and numbers are schedule_reader.c's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "execution.h"
#include "schedule.h"
#include "schedule_reader.h"

#define MAGIC "treadle schedule "

/* ---- fields ---------------------------------------------------------------------------------- */

static bool parse_target(struct reader *reader, struct schedule *schedule)
{
    char *text = NULL;
    if (!reader_text(reader, "the target's name", false, &text))
        return false;
    schedule->target = schedule_copy_text(text);
    schedule->target_line = reader->line;
    return true;
}

/* A word that must be one of `words`, which ends with NULL. */
static bool parse_one_of(struct reader *reader, const char *what, const char *const *words,
                         char **ret_word)
{
    const char *word = reader_word(reader);
    while (*words != NULL && strcmp(*words, word) != 0)
        words++;
    if (*words == NULL)
        return reader_fail(reader, "correct it or use the Treadle that wrote it",
                           "unknown %s \"%s\"", what, reader_quote(reader, word));
    if (!reader_done(reader))
        return false;
    *ret_word = schedule_copy_text(word);
    return true;
}

static bool parse_memory(struct reader *reader, struct schedule *schedule)
{
    static const char *const MODELS[] = { "sc", "tso", "pso", "rc11", NULL };
    schedule->memory_line = reader->line;
    return parse_one_of(reader, "memory model", MODELS, &schedule->memory);
}

static bool parse_reuse(struct reader *reader, struct schedule *schedule)
{
    static const char *const POLICIES[] = { "never", "lifo", NULL };
    return parse_one_of(reader, "reuse policy", POLICIES, &schedule->reuse);
}

static bool parse_exploring(struct reader *reader, struct schedule *schedule)
{
    uint32_t value = 0;
    if (!reader_number(reader, "the value of exploring", reader_word(reader), 1, 1, &value)
        || !reader_done(reader))
        return false;
    schedule->exploring = true;
    return true;
}

/* The hash is the last word, what stands before it is the compiler. */
static bool parse_subject(struct reader *reader, struct schedule *schedule)
{
    char *text = NULL;
    if (!reader_text(reader, "the subject's compiler and hash", false, &text))
        return false;
    char *space = strrchr(text, ' ');
    if (space == NULL || space[-1] == ' ')
        return reader_fail(reader, "write `subject COMPILER HASH`",
                           "expected a compiler and a hash");
    *space = '\0';
    schedule->subject_compiler = schedule_copy_text(text);
    return reader_hash(reader, "the subject's hash", space + 1, &schedule->subject_hash);
}

static bool parse_flags(struct reader *reader, struct schedule *schedule)
{
    char *text = NULL;
    if (!reader_text(reader, "the list of flags", false, &text))
        return false;
    schedule->flags = schedule_copy_text(text);
    return true;
}

static bool parse_verdict(struct reader *reader, struct schedule *schedule)
{
    const char *word = reader_word(reader);
    int verdict = verdict_from_name(word);
    if (verdict < 0)
        return reader_fail(reader, "treadle.h lists the verdicts", "unknown verdict \"%s\"",
                           reader_quote(reader, word));
    schedule->verdict = (enum treadle_verdict)verdict;
    return reader_done(reader);
}

static bool parse_rule(struct reader *reader, struct schedule *schedule)
{
    char *text = NULL;
    if (!reader_text(reader, "the rule", false, &text))
        return false;
    schedule->rule = schedule_copy_text(text);
    return true;
}

static bool parse_fingerprint(struct reader *reader, struct schedule *schedule)
{
    return reader_hash(reader, "the fingerprint", reader_word(reader), &schedule->fingerprint)
           && reader_done(reader);
}

static bool parse_events(struct reader *reader, struct schedule *schedule)
{
    return reader_number(reader, "the number of events", reader_word(reader), 0,
                         SCHEDULE_EVENTS_MAX, &schedule->events)
           && reader_done(reader);
}

static bool parse_event_hash(struct reader *reader, struct schedule *schedule)
{
    return reader_hash(reader, "the event hash", reader_word(reader), &schedule->hash)
           && reader_done(reader);
}

/* In the order of the file. */
static const struct field {
    const char *name;
    bool optional;
    bool (*parse)(struct reader *reader, struct schedule *schedule);
} FIELDS[] = {
    { "target", false, parse_target },
    { "memory", false, parse_memory },
    { "reuse", false, parse_reuse },
    { "exploring", true, parse_exploring },
    { "subject", false, parse_subject },
    { "flags", true, parse_flags },
    { "verdict", false, parse_verdict },
    { "rule", true, parse_rule },
    { "fingerprint", false, parse_fingerprint },
    { "events", false, parse_events },
    { "hash", false, parse_event_hash },
};

#define FIELD_COUNT (sizeof FIELDS / sizeof FIELDS[0])

/* ---- goroutines ------------------------------------------------------------------------------ */

/* A spawn path is 0, or 0 and the child numbers behind it, each from 1. */
static bool path_is_valid(const char *path)
{
    if (*path++ != '0')
        return false;
    while (*path == '.') {
        uint32_t child = 0;
        if (path[1] < '1' || path[1] > '9')
            return false;
        for (path++; *path >= '0' && *path <= '9'; path++) {
            child = child * 10 + (uint32_t)(*path - '0');
            if (child >= SCHEDULE_GOROUTINES_MAX)
                return false;
        }
    }
    return *path == '\0';
}

static bool path_is_new(struct reader *reader, const struct schedule *schedule, const char *path)
{
    for (uint32_t i = 0; i < schedule->goroutine_count; i++)
        if (strcmp(schedule->goroutines[i].path, path) == 0)
            return reader_fail(reader, "give each goroutine its own",
                               "goroutine %u has this spawn path already",
                               schedule->goroutines[i].id);
    return true;
}

/* declared[id] tells whether goroutine id has had its line. */
static bool parse_goroutine(struct reader *reader, struct schedule *schedule, bool *declared)
{
    uint32_t id = 0;
    char *role = NULL;
    if (!reader_number(reader, "a goroutine's id", reader_word(reader), 0,
                       SCHEDULE_GOROUTINES_MAX - 1, &id))
        return false;
    if (declared[id])
        return reader_fail(reader, "give each goroutine its own id",
                           "goroutine %u is declared twice", id);
    const char *path = reader_word(reader);
    if (!path_is_valid(path) || (id == 0) != (strcmp(path, "0") == 0))
        return reader_fail(reader, "a path reads like 0.1, and that of goroutine 0 alone is 0",
                           "\"%s\" is no spawn path of goroutine %u", reader_quote(reader, path),
                           id);
    if (!path_is_new(reader, schedule, path) || !reader_text(reader, "the role", true, &role))
        return false;
    schedule_add_goroutine(schedule, id, path, role);
    declared[id] = true;
    return true;
}

/* ---- choices --------------------------------------------------------------------------------- */

static bool parse_anchor(struct reader *reader, char **ret_anchor)
{
    if (reader->rest == NULL)
        return true;
    if (strcmp(reader_word(reader), "@") != 0)
        return reader_fail(reader, "write `gN xCOUNT @ ANCHOR`", "expected @ behind the count");
    return reader_text(reader, "the anchor", false, ret_anchor);
}

/* The word dN or dN.I; cuts it behind N. */
static bool parse_drainer(struct reader *reader, const struct schedule *schedule, char *word,
                          uint32_t *ret_drainer)
{
    if (strcmp(schedule->memory, "tso") != 0 && strcmp(schedule->memory, "pso") != 0)
        return reader_fail(reader, "correct the line `memory`, or remove it",
                           "stores do not drain under memory %s", schedule->memory);
    char *point = strchr(word, '.');
    uint32_t number = 0;
    if (point != NULL) {
        *point = '\0';
        if (!reader_number(reader, "a drainer's number", point + 1, 1, SCHEDULE_DRAINERS_MAX - 1,
                           &number))
            return false;
    }
    *ret_drainer = number + 1;
    return true;
}

/* A line `gN xCOUNT @ ANCHOR` or `dN ...`, whose first word has been taken. */
static bool parse_run(struct reader *reader, struct schedule *schedule, const bool *declared,
                      char *word)
{
    uint32_t id = 0, count = 0, drainer = 0;
    char *anchor = NULL;
    if (word[0] == 'd' && !parse_drainer(reader, schedule, word, &drainer))
        return false;
    if (!reader_number(reader, "a goroutine's id", word + 1, 0, SCHEDULE_GOROUTINES_MAX - 1, &id))
        return false;
    if (!declared[id])
        return reader_fail(reader, "declare it above `choices` or correct the id",
                           "goroutine %u is not declared", id);
    const char *times = reader_word(reader);
    if (times[0] != 'x')
        return reader_fail(reader, "write `gN xCOUNT`", "expected a count like x41, not \"%s\"",
                           reader_quote(reader, times));
    if (!reader_number(reader, "the count", times + 1, 1, SCHEDULE_EVENTS_MAX, &count)
        || !parse_anchor(reader, &anchor))
        return false;
    schedule_add_run(schedule, id, drainer, count, anchor);
    return true;
}

/* A line `choose ANSWER/COUNT LABEL`, whose first word has been taken. */
static bool parse_choose(struct reader *reader, struct schedule *schedule)
{
    uint32_t answer = 0, count = 0;
    char *label = NULL;
    char *word = reader_word(reader);
    char *slash = strchr(word, '/');
    if (slash == NULL)
        return reader_fail(reader, "write `choose ANSWER/COUNT LABEL`",
                           "expected an answer and a count like 5/16, not \"%s\"",
                           reader_quote(reader, word));
    *slash = '\0';
    if (!reader_number(reader, "the number of answers", slash + 1, 1, SCHEDULE_ANSWERS_MAX, &count)
        || !reader_number(reader, "the answer", word, 0, count - 1, &answer)
        || !reader_text(reader, "the label", true, &label))
        return false;
    if (schedule->step_count == 0)
        return reader_fail(reader, "put the `gN xCOUNT` line of the goroutine that chooses first",
                           "`choose` before any goroutine has run");
    schedule_add_choose(schedule, answer, count, label);
    return true;
}

/* Everything from the line behind `choices` to `end`. */
static bool parse_steps(struct reader *reader, struct schedule *schedule, const bool *declared)
{
    uint64_t events = 0;
    while (reader_next(reader)) {
        char *word = reader_word(reader);
        bool is_run = (word[0] == 'g' || word[0] == 'd') && word[1] >= '0' && word[1] <= '9';
        if (strcmp(word, "end") == 0)
            return reader_done(reader);
        if (!is_run && strcmp(word, "choose") != 0)
            return reader_fail(reader, "a line of `choices` begins with gN, dN, choose or end",
                               "unknown step \"%s\"", reader_quote(reader, word));
        if (schedule->step_count == SCHEDULE_STEPS_MAX)
            return reader_fail(reader, "shorten it", "more than %u lines of choices",
                               SCHEDULE_STEPS_MAX);
        if (!(is_run ? parse_run(reader, schedule, declared, word)
                     : parse_choose(reader, schedule)))
            return false;
        struct schedule_step *step = &schedule->steps[schedule->step_count - 1];
        step->line = reader->line;
        events += is_run ? step->count : 0;
        if (events > SCHEDULE_EVENTS_MAX)
            return reader_fail(reader, "correct the counts", "more than %u events up to here",
                               SCHEDULE_EVENTS_MAX);
    }
    return false;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool parse_header(struct reader *reader)
{
    bool found;
    reader->line = 1;
    if (reader->bytes == 0)
        return reader_fail(reader, "get the whole file again", "the file is empty");
    if (reader->bytes > SCHEDULE_FILE_BYTES_MAX)
        return reader_fail(reader, "no schedule is that long, check which file this is",
                           "the file is larger than %u bytes", SCHEDULE_FILE_BYTES_MAX);
    if (reader->bytes < strlen(MAGIC) || memcmp(reader->text, MAGIC, strlen(MAGIC)) != 0)
        return reader_fail(reader, "check which file this is",
                           "not a Treadle schedule, which begins with \"" MAGIC "%d\"",
                           SCHEDULE_VERSION);
    reader->line = 0;
    if (!reader_line(reader, &found))
        return false;
    reader->rest += strlen(MAGIC);
    uint32_t version = 0;
    if (!reader_number(reader, "the version", reader_word(reader), 0, UINT32_MAX, &version))
        return false;
    if (version != SCHEDULE_VERSION)
        return reader_fail(reader, "replay it with the Treadle that wrote it",
                           "version %u is not supported, this program reads version %d", version,
                           SCHEDULE_VERSION);
    return reader_done(reader);
}

/* Fields come in order: a required one from number `from` up to, not including, `to` that has not
 * been seen is missing. */
static bool nothing_skipped(struct reader *reader, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!FIELDS[i].optional)
            return reader_fail(reader, "add it in its place",
                               "field `%s` is missing before this line", FIELDS[i].name);
    return true;
}

/* The number of the field of that name; FIELD_COUNT if there is none. */
static size_t field_number(const char *name)
{
    size_t field = 0;
    while (field < FIELD_COUNT && strcmp(FIELDS[field].name, name) != 0)
        field++;
    return field;
}

/* Everything from the second line to `choices`. */
static bool parse_fields(struct reader *reader, struct schedule *schedule, bool *declared)
{
    bool seen[FIELD_COUNT] = { false };
    size_t next = 0; /* the field that is expected */
    while (reader_next(reader)) {
        const char *word = reader_word(reader);
        size_t field = field_number(word);
        bool is_goroutine = strcmp(word, "goroutine") == 0;
        bool is_choices = strcmp(word, "choices") == 0;
        if (field == FIELD_COUNT && !is_goroutine && !is_choices)
            return reader_fail(reader, "correct or remove it", "unknown field \"%s\"",
                               reader_quote(reader, word));
        if (field < next && seen[field])
            return reader_fail(reader, "keep one", "field `%s` stands twice", word);
        if (field < next)
            return reader_fail(reader, "move it up, fields have a fixed order",
                               "field `%s` stands too late", word);
        if (!nothing_skipped(reader, next, field))
            return false;
        if (is_choices)
            return reader_done(reader);
        next = is_goroutine ? FIELD_COUNT : field + 1;
        if (!is_goroutine)
            seen[field] = true;
        if (!(is_goroutine ? parse_goroutine(reader, schedule, declared)
                           : FIELDS[field].parse(reader, schedule)))
            return false;
    }
    return false;
}

static bool parse_tail(struct reader *reader)
{
    bool found;
    if (!reader_content(reader, &found))
        return false;
    return !found
           || reader_fail(reader, "remove it", "\"%s\" stands behind `end`",
                          reader_quote(reader, reader->rest));
}

struct schedule *schedule_parse(const char *name, const char *text, size_t bytes, char *error,
                                size_t error_bytes)
{
    CHECK(error_bytes, >, (size_t)0);
    struct reader reader = { .name = name,
                             .text = text,
                             .bytes = bytes,
                             .error = error,
                             .error_bytes = error_bytes };
    bool declared[SCHEDULE_GOROUTINES_MAX] = { false };
    struct schedule *schedule = schedule_create();
    if (parse_header(&reader) && parse_fields(&reader, schedule, declared)
        && parse_steps(&reader, schedule, declared) && parse_tail(&reader))
        return schedule;
    schedule_destroy(schedule);
    return NULL;
}

struct schedule *schedule_load(const char *path, char *error, size_t error_bytes)
{
    CHECK(error_bytes, >, (size_t)0);
    struct reader reader = { .name = path, .error = error, .error_bytes = error_bytes };
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        reader_fail(&reader, "check its path and permissions", "cannot be opened (%s)",
                    strerror(errno));
        return NULL;
    }
    char *text = malloc(SCHEDULE_FILE_BYTES_MAX + 1);
    if (text == NULL)
        check_limit("no memory for a schedule file");
    size_t bytes = fread(text, 1, SCHEDULE_FILE_BYTES_MAX + 1, in);
    struct schedule *schedule = NULL;
    if (ferror(in))
        reader_fail(&reader, "check which file this is", "cannot be read (%s)", strerror(errno));
    else
        schedule = schedule_parse(path, text, bytes, error, error_bytes);
    free(text);
    fclose(in);
    return schedule;
}
