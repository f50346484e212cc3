/* input.c: inputs as bytes. */
#include "input.h"

#include <string.h>

static uint64_t take(const uint8_t **at, const uint8_t *end, uint32_t bytes)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < bytes && *at < end; i++)
        number |= (uint64_t) * (*at)++ << 8 * i;
    return number;
}

static void put(uint8_t **at, uint64_t number, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        *(*at)++ = (uint8_t)(number >> 8 * i);
}

struct input input_decode(const void *bytes, size_t count)
{
    const uint8_t *at = bytes, *end = at + count;
    struct input input = { .seed = take(&at, end, 8) };
    uint64_t answers = take(&at, end, 1);
    input.answer_count = (uint32_t)(answers < ANSWERS_MAX ? answers : ANSWERS_MAX);
    for (uint32_t i = 0; i < input.answer_count; i++)
        input.answers[i] = (uint8_t)take(&at, end, 1);
    while (end - at >= 6 && input.constraint_count < CONSTRAINTS_MAX) {
        struct constraint *constraint = &input.constraints[input.constraint_count++];
        constraint->write = (uint16_t)take(&at, end, 2);
        constraint->read = (uint16_t)take(&at, end, 2);
        constraint->occurrence = (uint8_t)take(&at, end, 1);
        constraint->negative = take(&at, end, 1) & 1;
    }
    return input;
}

size_t input_encode(const struct input *input, void *bytes)
{
    uint8_t *at = bytes;
    put(&at, input->seed, 8);
    put(&at, input->answer_count, 1);
    for (uint32_t i = 0; i < input->answer_count; i++)
        put(&at, input->answers[i], 1);
    for (uint32_t i = 0; i < input->constraint_count; i++) {
        const struct constraint *constraint = &input->constraints[i];
        put(&at, constraint->write, 2);
        put(&at, constraint->read, 2);
        put(&at, constraint->occurrence, 1);
        put(&at, constraint->negative, 1);
    }
    return (size_t)(at - (uint8_t *)bytes);
}

bool input_equal(const struct input *a, const struct input *b)
{
    uint8_t first[INPUT_BYTES_MAX], second[INPUT_BYTES_MAX];
    size_t count = input_encode(a, first);
    return count == input_encode(b, second) && memcmp(first, second, count) == 0;
}
