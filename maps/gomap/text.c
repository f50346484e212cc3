/* text.c: a growing piece of text. NOT instrumented. */
#include "gomap/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES_MAX = 20 };

void text_deinit(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

void text_grow(struct text *text, size_t bytes)
{
    size_t capacity = text->capacity == 0 ? 256 : 2 * text->capacity;
    while (capacity - text->count < bytes)
        capacity *= 2;
    char *grown = realloc(text->bytes, capacity);
    if (grown == NULL) {
        fputs("gomap: out of memory\n", stderr);
        abort();
    }
    text->bytes = grown;
    text->capacity = capacity;
}

/* 00 to 99, two digits each. */
static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334"
                            "3536373839404142434445464748495051525354555657585960616263646566676869"
                            "707172737475767778798081828384858687888990919293949596979899";

void text_number(struct text *text, uint64_t number)
{
    text_reserve(text, NUMBER_BYTES_MAX);
    char *out = text->bytes + text->count;
    if (number < 10) {
        *out = (char)('0' + number);
        text->count++;
        return;
    }
    char digits[NUMBER_BYTES_MAX];
    size_t first = NUMBER_BYTES_MAX;
    while (number >= 10) {
        first -= 2;
        memcpy(digits + first, pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number != 0)
        digits[--first] = (char)('0' + number);
    for (size_t i = first; i < NUMBER_BYTES_MAX; i++)
        *out++ = digits[i];
    text->count += NUMBER_BYTES_MAX - first;
}

void text_hex(struct text *text, uint64_t number, uint32_t digits_min)
{
    uint32_t digits = 1;
    while (digits < 16 && number >> (4 * digits) != 0)
        digits++;
    if (digits < digits_min)
        digits = digits_min;
    text_reserve(text, digits);
    for (uint32_t i = digits; i-- > 0; number >>= 4)
        text->bytes[text->count + i] = "0123456789abcdef"[number & 15];
    text->count += digits;
}

void text_entry(struct text *text, uint64_t key, uint64_t value)
{
    text_number(text, key);
    text_byte(text, '=');
    text_number(text, value);
}
