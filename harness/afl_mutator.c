/* afl_mutator.c: our mutations for afl-fuzz, which loads this as a library of its own: a custom
 * mutator (AFL++). The pairs that constraints are made of come from the file that TREADLE_AFL_PAIRS
 * names, which the program being fuzzed writes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutate.h"

#define PAIRS_MAX 1024u
#define READ_PERIOD 1024u /* mutations; then the file is read again */

struct mutator {
    struct reads_from pairs[PAIRS_MAX];
    uint32_t pair_count;
    uint64_t mutations;
    struct rng rng;
    uint8_t bytes[INPUT_BYTES_MAX];
};

void *afl_custom_init(void *afl, unsigned int seed);
size_t afl_custom_fuzz(struct mutator *mutator, uint8_t *data, size_t bytes, uint8_t **ret_data,
                       uint8_t *other, size_t other_bytes, size_t bytes_max);
void afl_custom_deinit(struct mutator *mutator);

static void read_pairs(struct mutator *mutator)
{
    const char *path = getenv("TREADLE_AFL_PAIRS");
    FILE *in = path != NULL ? fopen(path, "rb") : NULL;
    if (in == NULL)
        return;
    mutator->pair_count =
        (uint32_t)fread(mutator->pairs, sizeof mutator->pairs[0], PAIRS_MAX, in);
    fclose(in);
}

void *afl_custom_init(void *afl, unsigned int seed)
{
    (void)afl;
    struct mutator *mutator = calloc(1, sizeof *mutator);
    if (mutator != NULL)
        rng_seed(&mutator->rng, seed);
    return mutator;
}

size_t afl_custom_fuzz(struct mutator *mutator, uint8_t *data, size_t bytes, uint8_t **ret_data,
                       uint8_t *other, size_t other_bytes, size_t bytes_max)
{
    if (mutator->mutations++ % READ_PERIOD == 0)
        read_pairs(mutator);
    struct input input = input_decode(data, bytes);
    if (other != NULL && rng_below(&mutator->rng, 8) == 0) {
        struct input second = input_decode(other, other_bytes);
        input = mutate_cross(&input, &second, &mutator->rng);
    }
    mutate(&input, &(struct mutation_material){ mutator->pairs, mutator->pair_count },
           &mutator->rng);
    size_t count = input_encode(&input, mutator->bytes);
    *ret_data = mutator->bytes;
    return count < bytes_max ? count : bytes_max;
}

void afl_custom_deinit(struct mutator *mutator)
{
    free(mutator);
}
