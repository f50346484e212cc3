/* schedule_reader.h: the lines, words and numbers of a schedule file, and the errors in them; what
 * they mean is schedule_parse.c's. Every function that returns bool returns false after it has
 * written an error; then nothing more may be read. */
#ifndef TREADLE_SCHEDULE_READER_H
#define TREADLE_SCHEDULE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule.h"

#define READER_QUOTED_BYTES_MAX 40

struct reader {
    const char *name; /* of the file */
    const char *text;
    size_t bytes;
    size_t position; /* where the next line begins */
    uint32_t line;   /* number of the line in hand, from 1; 0 = none yet */
    bool cut;        /* the line in hand is the last one and has no line break */
    char *rest;      /* what has not been taken of the line in hand; NULL = nothing */
    char *error;
    size_t error_bytes;
    char buffer[SCHEDULE_LINE_BYTES_MAX + 1]; /* the line in hand, ended by 0 */
    char quoted[READER_QUOTED_BYTES_MAX + 4];
};

/* Writes "NAME:LINE: cause; remedy" for the line in hand. Returns false, for the caller to return.
 * Of a last line without a line break the remedy says that the file is truncated. */
bool reader_fail(struct reader *reader, const char *remedy, const char *cause, ...)
    __attribute__((format(printf, 3, 4)));

/* The beginning of text, fit to stand in a message; valid until the next call. */
const char *reader_quote(struct reader *reader, const char *text);

/* Takes the next line in hand; *ret_found is false at the end of the text. The second one passes
 * over comments and empty lines; the third also fails at the end. */
bool reader_line(struct reader *reader, bool *ret_found);
bool reader_content(struct reader *reader, bool *ret_found);
bool reader_next(struct reader *reader);

/* The next word of the line, "" if there is none. It lives until the next line is taken. */
char *reader_word(struct reader *reader);

/* All that is left of the line, which must be a text; NULL if there is nothing and that is
 * allowed. It lives until the next line is taken. */
bool reader_text(struct reader *reader, const char *what, bool optional, char **ret_text);

/* Nothing may be left of the line. */
bool reader_done(struct reader *reader);

/* text is a decimal number, without sign or leading zero, from min to max. */
bool reader_number(struct reader *reader, const char *what, const char *text, uint32_t min,
                   uint32_t max, uint32_t *ret_number);

/* text is a hash: 16 hexadecimal digits. */
bool reader_hash(struct reader *reader, const char *what, const char *text, uint64_t *ret_hash);

#endif
