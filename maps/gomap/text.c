/* text.c: a growing piece of text. NOT instrumented. */
#include "gomap/text.h"

#include <stdio.h>
#include <stdlib.h>

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

static uint32_t digit_count(uint64_t number)
{
    uint32_t count = 1;
    for (; number >= 10000; number /= 10000)
        count += 4;
    return count + (number >= 10) + (number >= 100) + (number >= 1000);
}

void text_number(struct text *text, uint64_t number)
{
    uint32_t count = digit_count(number);
    text_reserve(text, count);
    text->count += count;
    char *end = text->bytes + text->count;
    for (; number >= 100; number /= 100) {
        end -= 2;
        memcpy(end, pairs + 2 * (number % 100), 2);
    }
    if (number >= 10)
        memcpy(end - 2, pairs + 2 * number, 2);
    else
        end[-1] = (char)('0' + number);
}

void text_signed(struct text *text, int64_t number)
{
    if (number < 0)
        text_byte(text, '-');
    text_number(text, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void text_hex(struct text *text, uint64_t number, uint32_t digits_min)
{
    uint32_t digits = number == 0 ? 1 : 16 - (uint32_t)__builtin_clzll(number) / 4;
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
