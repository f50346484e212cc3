/* operations.c: reading operations of the trace language. NOT instrumented. */
#include "gomap/operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t argument_count;
    bool concurrent;
} descriptions[] = {
#define X(kind, name, arguments, concurrent) { name, arguments, concurrent },
    OPERATIONS(X)
#undef X
};
enum { DESCRIPTION_COUNT = sizeof descriptions / sizeof descriptions[0], WORD_BYTES_SHOWN = 32 };

bool operation_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

void operation_trim(const char **text, size_t *bytes)
{
    while (*bytes > 0 && operation_blank((*text)[*bytes - 1]))
        --*bytes;
    while (*bytes > 0 && operation_blank(**text)) {
        ++*text;
        --*bytes;
    }
}

/* Takes the next word off the text; 0 bytes at its end. */
static size_t next_word(const char **text, const char *end, const char **ret_word)
{
    while (*text < end && operation_blank(**text))
        ++*text;
    const char *word = *text;
    while (*text < end && !operation_blank(**text))
        ++*text;
    *ret_word = word;
    return (size_t)(*text - word);
}

static bool parse_digits(const char *digits, size_t bytes, uint32_t base, uint64_t *ret_number)
{
    if (bytes == 0)
        return false;
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        char byte = digits[i];
        uint32_t digit = base;
        if (byte >= '0' && byte <= '9')
            digit = (uint32_t)(byte - '0');
        else if (byte >= 'a' && byte <= 'f')
            digit = (uint32_t)(byte - 'a') + 10;
        else if (byte >= 'A' && byte <= 'F')
            digit = (uint32_t)(byte - 'A') + 10;
        if (digit >= base || number > (UINT64_MAX - digit) / base)
            return false;
        number = number * base + digit;
    }
    *ret_number = number;
    return true;
}

bool operation_number(const char *text, size_t bytes, uint64_t *ret_number)
{
    if (bytes > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        return parse_digits(text + 2, bytes - 2, 16, ret_number);
    return parse_digits(text, bytes, 10, ret_number);
}

bool operation_fail(char cause[OPERATION_CAUSE_BYTES], const char *what, const char *word,
                    size_t bytes)
{
    char shown[WORD_BYTES_SHOWN + 1];
    size_t count = bytes < WORD_BYTES_SHOWN ? bytes : WORD_BYTES_SHOWN;
    for (size_t i = 0; i < count; i++)
        shown[i] = word[i] >= ' ' && word[i] <= '~' ? word[i] : '.';
    shown[count] = 0;
    snprintf(cause, OPERATION_CAUSE_BYTES, "%s '%s'%s", what, shown,
             count < bytes ? "..." : "");
    return false;
}

static uint32_t find_description(const char *word, size_t bytes)
{
    uint32_t i = 0;
    while (i < DESCRIPTION_COUNT
           && (strlen(descriptions[i].name) != bytes
               || memcmp(descriptions[i].name, word, bytes) != 0))
        i++;
    return i;
}

bool operation_parse(const char *text, size_t bytes, struct operation *ret_operation,
                     char cause[OPERATION_CAUSE_BYTES])
{
    const char *end = text + bytes;
    const char *word;
    size_t word_bytes = next_word(&text, end, &word);
    if (word_bytes == 0) {
        snprintf(cause, OPERATION_CAUSE_BYTES, "missing operation");
        return false;
    }
    uint32_t found = find_description(word, word_bytes);
    if (found == DESCRIPTION_COUNT)
        return operation_fail(cause, "unknown operation", word, word_bytes);

    uint64_t arguments[2] = { 0, 0 };
    const char *last = word;
    size_t last_bytes = word_bytes;
    for (uint32_t i = 0; i < descriptions[found].argument_count; i++) {
        last_bytes = next_word(&text, end, &last);
        if (last_bytes == 0)
            return operation_fail(cause, "missing argument of", word, word_bytes);
        if (!operation_number(last, last_bytes, &arguments[i]))
            return operation_fail(cause, "bad number", last, last_bytes);
    }
    const char *rest;
    size_t rest_bytes = next_word(&text, end, &rest);
    if (rest_bytes != 0)
        return operation_fail(cause, "one argument too many:", rest, rest_bytes);
    if (found == OPERATION_NEW && arguments[0] > OPERATION_HINT_MAX)
        return operation_fail(cause, "size hint above 1000000:", last, last_bytes);
    *ret_operation = (struct operation){ (enum operation_kind)found, arguments[0], arguments[1] };
    return true;
}

void operation_list_append(struct operation_list *list, struct operation operation)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        list->items = realloc(list->items, list->capacity * sizeof *list->items);
        if (list->items == NULL)
            abort();
    }
    list->items[list->count++] = operation;
}

void operation_list_deinit(struct operation_list *list)
{
    free(list->items);
    *list = (struct operation_list){ 0 };
}

bool operation_list_parse(struct operation_list *list, const char *text, size_t bytes,
                          char cause[OPERATION_CAUSE_BYTES])
{
    const char *end = text + bytes;
    for (;;) {
        const char *semicolon = memchr(text, ';', (size_t)(end - text));
        const char *stop = semicolon != NULL ? semicolon : end;
        struct operation operation;
        if (!operation_parse(text, (size_t)(stop - text), &operation, cause))
            return false;
        operation_list_append(list, operation);
        if (semicolon == NULL)
            return true;
        text = semicolon + 1;
    }
}

bool operation_concurrent(enum operation_kind kind)
{
    return descriptions[kind].concurrent;
}
