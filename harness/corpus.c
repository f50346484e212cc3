/* corpus.c: keeping and drawing inputs. */
#include "corpus.h"

#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"

#define ENERGY_MAX 256u
#define ENERGY_LOG_MAX 8u
#define CROSS_PERIOD 8u /* one in so many draws is of two entries */

static void *larger(void *memory, uint32_t count, uint32_t *capacity, size_t bytes)
{
    if (count <= *capacity)
        return memory;
    *capacity = 2 * count + 16;
    memory = reallocarray(memory, *capacity, bytes);
    CHECK(memory != NULL, ==, true);
    return memory;
}

void corpus_add(struct corpus *corpus, const struct corpus_entry *entry)
{
    if (corpus->entry_count == CORPUS_ENTRIES_MAX)
        return;
    corpus->entries = larger(corpus->entries, corpus->entry_count + 1, &corpus->entry_capacity,
                             sizeof *corpus->entries);
    corpus->entries[corpus->entry_count++] = *entry;
}

void corpus_add_pairs(struct corpus *corpus, const struct reads_from *pairs, uint32_t count)
{
    for (uint32_t i = 0; i < count && corpus->pair_count < CORPUS_PAIRS_MAX; i++) {
        corpus->pairs = larger(corpus->pairs, corpus->pair_count + 1, &corpus->pair_capacity,
                               sizeof *corpus->pairs);
        corpus->pairs[corpus->pair_count++] = pairs[i];
    }
}

void corpus_weigh(const struct corpus_use *uses, uint32_t count, uint32_t *ret_energies)
{
    uint64_t seen = 0;
    uint32_t any = 0;
    for (uint32_t i = 0; i < count; i++)
        seen += uses[i].seen;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t log = uses[i].taken < ENERGY_LOG_MAX ? uses[i].taken : ENERGY_LOG_MAX;
        bool above = (uint64_t)uses[i].seen * count > seen;
        ret_energies[i] = above ? 0 : 1u << log;
        any |= ret_energies[i];
    }
    for (uint32_t i = 0; any == 0 && i < count; i++)
        ret_energies[i] = 1;
    _Static_assert(1u << ENERGY_LOG_MAX == ENERGY_MAX, "the largest energy");
}

static uint32_t draw_index(const struct corpus_view *view, struct rng *rng)
{
    uint64_t all = view->sums[view->entry_count - 1];
    uint64_t wanted = rng_below(rng, (uint32_t)all);
    uint32_t low = 0, high = view->entry_count - 1; /* the first whose sum is larger */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (view->sums[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint32_t corpus_draw(const struct corpus_view *view, struct rng *rng, struct input *ret_input)
{
    uint32_t index = draw_index(view, rng);
    const struct mutation_material material = { .pairs = view->corpus->pairs,
                                                .pair_count = view->pair_count };
    if (rng_below(rng, CROSS_PERIOD) == 0) {
        uint32_t other = rng_below(rng, view->entry_count);
        *ret_input = mutate_cross(&view->corpus->entries[index].input,
                                  &view->corpus->entries[other].input, rng);
    } else {
        *ret_input = view->corpus->entries[index].input;
    }
    mutate(ret_input, &material, rng);
    return index;
}

void corpus_clear(struct corpus *corpus)
{
    free(corpus->entries);
    free(corpus->pairs);
    *corpus = (struct corpus){ 0 };
}
