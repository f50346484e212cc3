/* input.h: the bytes that fuzzing engines work with. An input is what an execution is wished to be
 * (constraints.h): a seed, answers to the first data choices (which program it is, where a target
 * draws that), and constraints of order.
 *
 *   8 bytes   seed
 *   1 byte    number of answers (ANSWERS_MAX at most), then each as a byte
 *   6 bytes   for each constraint: write, read (16 bits each, little-endian), occurrence, flags
 *             (bit 0: negative)
 *
 * Any bytes are an input: what is missing is 0, what is left over means nothing. */
#ifndef TREADLE_INPUT_H
#define TREADLE_INPUT_H

#include <stddef.h>

#include "../scheduler/constraints.h"

#define INPUT_BYTES_MAX (9u + ANSWERS_MAX + 6u * CONSTRAINTS_MAX)

struct input input_decode(const void *bytes, size_t count);

/* Writes at most INPUT_BYTES_MAX bytes; returns how many. input_decode gives the same input
 * back. */
size_t input_encode(const struct input *input, void *bytes);

bool input_equal(const struct input *a, const struct input *b);

#endif
