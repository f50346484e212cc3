/* schedule_reader.c: cuts a schedule file into lines and words and says what is wrong with them. */
#include "schedule_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HASH_DIGITS 16

/* ---- errors ---------------------------------------------------------------------------------- */

bool reader_fail(struct reader *reader, const char *remedy, const char *cause, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, cause);
    vsnprintf(text, sizeof text, cause, arguments);
    va_end(arguments);
    if (reader->cut)
        remedy = "the file ends within this line, so get the whole file again";
    snprintf(reader->error, reader->error_bytes, "%s:%u: %s; %s", reader->name, reader->line, text,
             remedy);
    for (char *c = reader->error; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = '?'; /* a file's name may hold a line break */
    return false;
}

const char *reader_quote(struct reader *reader, const char *text)
{
    size_t bytes = strnlen(text, READER_QUOTED_BYTES_MAX);
    for (size_t i = 0; i < bytes; i++)
        reader->quoted[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
    strcpy(reader->quoted + bytes, text[bytes] != '\0' ? "..." : "");
    return reader->quoted;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool line_is_clean(struct reader *reader, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)reader->buffer[i];
        if (c == 0)
            return reader_fail(reader, "a schedule is plain text, get the whole file again",
                               "NUL byte at column %zu", i + 1);
        if (c == '\r')
            return reader_fail(reader, "save the file with Unix line ends", "carriage return");
        if (c < ' ' || c == 0x7f)
            return reader_fail(reader, "a schedule holds no tabs or other control characters",
                               "control character 0x%02x at column %zu", c, i + 1);
    }
    if (bytes > 0 && reader->buffer[bytes - 1] == ' ')
        return reader_fail(reader, "remove it", "space at the end of the line");
    return true;
}

bool reader_line(struct reader *reader, bool *ret_found)
{
    *ret_found = reader->position < reader->bytes;
    reader->cut = false;
    if (!*ret_found)
        return true;
    const char *start = reader->text + reader->position;
    size_t left = reader->bytes - reader->position;
    const char *end = memchr(start, '\n', left);
    size_t bytes = end != NULL ? (size_t)(end - start) : left;
    reader->line++;
    reader->position += end != NULL ? bytes + 1 : bytes;
    if (bytes > SCHEDULE_LINE_BYTES_MAX)
        return reader_fail(reader, "shorten it", "line of %zu bytes, at most %d are allowed",
                           bytes, SCHEDULE_LINE_BYTES_MAX);
    reader->cut = end == NULL;
    memcpy(reader->buffer, start, bytes);
    reader->buffer[bytes] = '\0';
    reader->rest = reader->buffer;
    return line_is_clean(reader, bytes);
}

bool reader_content(struct reader *reader, bool *ret_found)
{
    do {
        if (!reader_line(reader, ret_found))
            return false;
    } while (*ret_found && (reader->buffer[0] == '\0' || reader->buffer[0] == '#'));
    return true;
}

bool reader_next(struct reader *reader)
{
    bool found;
    if (!reader_content(reader, &found))
        return false;
    return found || reader_fail(reader, "get the whole file again", "the file ends without `end`");
}

/* ---- words and numbers ----------------------------------------------------------------------- */

char *reader_word(struct reader *reader)
{
    char *word = reader->rest;
    if (word == NULL)
        return reader->buffer + strlen(reader->buffer);
    char *space = strchr(word, ' ');
    reader->rest = space != NULL ? space + 1 : NULL;
    if (space != NULL)
        *space = '\0';
    return word;
}

bool reader_text(struct reader *reader, const char *what, bool optional, char **ret_text)
{
    char *text = reader->rest;
    if (text == NULL && !optional)
        return reader_fail(reader, "add it", "%s is missing", what);
    if (text != NULL && text[0] == ' ')
        return reader_fail(reader, "part words by one space", "too many spaces before %s", what);
    if (text != NULL && strlen(text) > SCHEDULE_TEXT_BYTES_MAX)
        return reader_fail(reader, "shorten it", "%s of %zu bytes, at most %d are allowed", what,
                           strlen(text), SCHEDULE_TEXT_BYTES_MAX);
    reader->rest = NULL;
    *ret_text = text;
    return true;
}

bool reader_done(struct reader *reader)
{
    return reader->rest == NULL
           || reader_fail(reader, "remove it", "\"%s\" is too much on this line",
                          reader_quote(reader, reader->rest));
}

static bool number_from_text(const char *text, uint32_t min, uint32_t max, uint32_t *ret_number)
{
    uint64_t number = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        number = number * 10 + (uint64_t)(*text - '0');
        if (number > max) /* max has 32 bits, so the next round cannot overflow */
            return false;
    }
    if (number < min)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

bool reader_number(struct reader *reader, const char *what, const char *text, uint32_t min,
                   uint32_t max, uint32_t *ret_number)
{
    return number_from_text(text, min, max, ret_number)
           || reader_fail(reader, "correct it", "%s must be a number from %u to %u, not \"%s\"",
                          what, min, max, reader_quote(reader, text));
}

bool reader_hash(struct reader *reader, const char *what, const char *text, uint64_t *ret_hash)
{
    uint64_t hash = 0;
    size_t digits = strspn(text, "0123456789abcdef");
    if (digits != HASH_DIGITS || text[digits] != '\0')
        return reader_fail(reader, "correct it", "%s must be %d digits 0-9 or a-f, not \"%s\"",
                           what, HASH_DIGITS, reader_quote(reader, text));
    for (; *text != '\0'; text++)
        hash = hash << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    *ret_hash = hash;
    return true;
}
