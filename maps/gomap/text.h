/* text.h: a growing piece of text, and numbers written into it fast. */
#ifndef GOMAP_TEXT_H
#define GOMAP_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Zero-initialised is empty. Not terminated by a zero byte. */
struct text {
    char *bytes;
    size_t count;
    size_t capacity;
};

/* Frees the bytes. */
void text_deinit(struct text *text);
/* Makes room for this many bytes more; ends the process when memory is exhausted. */
void text_grow(struct text *text, size_t bytes);

static inline void text_reserve(struct text *text, size_t bytes)
{
    if (text->capacity - text->count < bytes)
        text_grow(text, bytes);
}

static inline void text_byte(struct text *text, char byte)
{
    text_reserve(text, 1);
    text->bytes[text->count++] = byte;
}

static inline void text_bytes(struct text *text, const char *bytes, size_t count)
{
    if (count == 0)
        return; /* bytes may be NULL */
    text_reserve(text, count);
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
}

static inline void text_string(struct text *text, const char *string)
{
    text_bytes(text, string, strlen(string));
}

/* A number in decimal. */
void text_number(struct text *text, uint64_t number);
void text_signed(struct text *text, int64_t number);
/* A number in lower-case hex, with leading zeros up to this many digits. */
void text_hex(struct text *text, uint64_t number, uint32_t digits_min);
/* "key=value" */
void text_entry(struct text *text, uint64_t key, uint64_t value);

#endif
