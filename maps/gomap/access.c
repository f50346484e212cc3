/* access.c: reading a map. INSTRUMENTED. Ports mapaccess2 and mapaccessK of Go 1.19's
 * runtime/map.go and mapaccess2_fast64 of runtime/map_fast64.go. */
#include "gomap/map.h"
#include "treadle.h"

/* Where a search for this hash begins: in the old bucket while that is not evacuated. */
static struct bmap *first_bucket(struct hmap *h, uint64_t hash)
{
    uint64_t mask = bucket_mask(h->B);
    struct bmap *b = h->buckets + (hash & mask);
    struct bmap *old = h->oldbuckets;
    if (old != NULL) {
        if (!same_size_grow(h))
            mask >>= 1;
        struct bmap *old_b = old + (hash & mask);
        if (!evacuated(old_b))
            b = old_b;
    }
    return b;
}

/* The loop that mapaccess2 and mapaccessK share: the slot's bucket, its index in ret_i; NULL if the
 * chain from b on does not hold the key. */
static struct bmap *search(const struct map_type *t, struct bmap *b, uint64_t hash, uint64_t key,
                           uint32_t *ret_i)
{
    uint8_t top = top_hash(hash);
    for (; b != NULL; b = b->overflow) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (b->tophash[i] != top) {
                if (b->tophash[i] == EMPTY_REST)
                    return NULL;
                continue;
            }
            if (key_equal(t, key, &b->keys[i])) {
                *ret_i = i;
                return b;
            }
        }
    }
    return NULL;
}

volatile uint64_t *map_access2(const struct map_type *t, struct hmap *h, uint64_t key)
{
    if (h == NULL || h->count == 0)
        return NULL;
    if ((h->flags & HASH_WRITING) != 0)
        treadle_go_fatal("concurrent map read and map write");
    uint64_t hash = hash_key(t, h, key);
    uint32_t i = 0;
    struct bmap *b = search(t, first_bucket(h, hash), hash, key, &i);
    return b != NULL ? &b->elems[i] : NULL;
}

bool map_access_k(const struct map_type *t, struct hmap *h, const volatile uint64_t *slot,
                  volatile uint64_t **ret_key, volatile uint64_t **ret_elem)
{
    if (h == NULL || h->count == 0)
        return false;
    uint64_t hash = hash_slot(t, h, slot);
    uint8_t top = top_hash(hash);
    /* As search(), but the key sought is itself in memory and is loaded for each comparison. */
    for (struct bmap *b = first_bucket(h, hash); b != NULL; b = b->overflow) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (b->tophash[i] != top) {
                if (b->tophash[i] == EMPTY_REST)
                    return false;
                continue;
            }
            if (slots_equal(t, slot, &b->keys[i])) {
                *ret_key = &b->keys[i];
                *ret_elem = &b->elems[i];
                return true;
            }
        }
    }
    return false;
}

volatile uint64_t *map_access2_fast64(const struct map_type *t, struct hmap *h, uint64_t key)
{
    if (h == NULL || h->count == 0)
        return NULL;
    if ((h->flags & HASH_WRITING) != 0)
        treadle_go_fatal("concurrent map read and map write");
    struct bmap *b;
    if (h->B == 0)
        b = h->buckets;
    else
        b = first_bucket(h, hash_key(t, h, key));
    /* The key first, and no stop at EMPTY_REST. */
    for (; b != NULL; b = b->overflow) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (b->keys[i] == key && !is_empty(b->tophash[i]))
                return &b->elems[i];
        }
    }
    return NULL;
}
