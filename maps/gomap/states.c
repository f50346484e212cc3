/* states.c: what matters of a map, as a number. NOT instrumented. What it looks at may be in the
 * middle of anything, so only live memory is read. */
#include "gomap/states.h"

#include "treadle.h"

enum { CHAIN_MANY = 3 };

enum what { WHAT_KEY = 1, WHAT_ITERATOR };

/* 1, 2, or CHAIN_MANY; 0 if it is not there. */
static uint32_t chain_length(const struct bmap *bucket)
{
    uint32_t length = 0;
    while (bucket != NULL && length < CHAIN_MANY && treadle_readable(bucket, sizeof *bucket)) {
        length++;
        bucket = bucket->overflow;
    }
    return length;
}

static uint32_t growth_of(const struct hmap *h)
{
    return !growing(h) ? 0 : same_size_grow(h) ? 1 : 2;
}

void states_of_key(const struct map_type *type, const struct hmap *h, uint64_t key)
{
    if (!treadle_states_wanted() || h == NULL || h->buckets == NULL)
        return;
    uint64_t hash = map_type_hash(type, key, h->hash0);
    uint32_t moved = 0, length = chain_length(h->buckets + (hash & bucket_mask(h->B)));
    if (growing(h)) {
        const struct bmap *old = h->oldbuckets + (hash & oldbucketmask(h));
        moved = !treadle_readable(old, sizeof *old) ? 1 : evacuated(old) ? 2 : 3;
        if (moved == 3)
            length = chain_length(old);
    }
    treadle_state(WHAT_KEY | growth_of(h) << 4 | moved << 8 | length << 12);
}

void states_of_iterator(const struct hmap *h, const struct hiter *iterator)
{
    if (!treadle_states_wanted() || h == NULL)
        return;
    uint64_t next = h->nevacuate, at = iterator->bucket & oldbucketmask(h);
    uint32_t place = !growing(h) ? 0 : at < next ? 1 : at == next ? 2 : 3;
    treadle_state(WHAT_ITERATOR | growth_of(h) << 4 | place << 8
                  | (uint32_t)iterator->wrapped << 12
                  | (uint32_t)(iterator->B != h->B) << 13);
}
