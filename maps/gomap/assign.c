/* assign.c: writing a map. INSTRUMENTED. Ports mapassign of Go 1.19's runtime/map.go and
 * mapassign_fast64 of runtime/map_fast64.go. The value is stored by the caller (caller.c) through
 * the address that these return, after they have cleared the writing flag. */
#include "gomap/map.h"
#include "treadle.h"

/* A place for an entry; b is NULL for none. */
struct slot {
    struct bmap *b;
    uint32_t i;
};

/* Whether the insertion of a new key must begin a growth first. */
static bool must_grow(struct hmap *h)
{
    if (growing(h))
        return false;
    int64_t count = h->count;
    uint8_t B = h->B;
    if (over_load_factor(count + 1, B))
        return true;
    uint16_t noverflow = h->noverflow;
    B = h->B;
    return too_many_overflow_buckets(noverflow, B);
}

/* The beginning that both variants share: check, hash, toggle the flag, first bucket. */
static uint64_t begin_assign(const struct map_type *t, struct hmap *h, uint64_t key)
{
    if (h == NULL)
        treadle_panic("assignment to entry in nil map");
    if ((h->flags & HASH_WRITING) != 0)
        treadle_go_fatal("concurrent map writes");
    uint64_t hash = hash_key(t, h, key);
    h->flags ^= HASH_WRITING;
    if (h->buckets == NULL)
        h->buckets = treadle_alloc(sizeof(struct bmap), "bmap");
    return hash;
}

/* The end that both variants share. */
static void end_assign(struct hmap *h)
{
    if ((h->flags & HASH_WRITING) == 0)
        treadle_go_fatal("concurrent map writes");
    h->flags &= (uint8_t)~HASH_WRITING;
}

/* Looks for the key from b on. True: it is in *ret_slot. False: *ret_slot is the first free place
 * of the chain, if there is one, and *ret_last the chain's last bucket as far as it was walked. */
static bool find_slot(const struct map_type *t, struct bmap *b, uint8_t top, uint64_t key,
                      struct slot *ret_slot, struct bmap **ret_last)
{
    ret_slot->b = NULL;
    ret_slot->i = 0;
    for (;;) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (b->tophash[i] != top) {
                if (is_empty(b->tophash[i]) && ret_slot->b == NULL)
                    *ret_slot = (struct slot){ b, i };
                if (b->tophash[i] == EMPTY_REST) {
                    *ret_last = b;
                    return false;
                }
                continue;
            }
            if (!key_equal(t, key, &b->keys[i]))
                continue;
            if (map_type_need_key_update(t))
                b->keys[i] = key;
            *ret_slot = (struct slot){ b, i };
            return true;
        }
        struct bmap *overflow = b->overflow;
        if (overflow == NULL) {
            *ret_last = b;
            return false;
        }
        b = overflow;
    }
}

volatile uint64_t *map_assign(const struct map_type *t, struct hmap *h, uint64_t key)
{
    uint64_t hash = begin_assign(t, h, key);
    struct slot slot;
    struct bmap *last = NULL;
    for (;;) {
        uint64_t bucket = hash & bucket_mask(h->B);
        if (growing(h))
            grow_work(t, h, bucket);
        struct bmap *b = h->buckets + bucket;
        if (find_slot(t, b, top_hash(hash), key, &slot, &last)) {
            end_assign(h);
            return &slot.b->elems[slot.i];
        }
        if (!must_grow(h))
            break;
        hash_grow(t, h);
    }
    if (slot.b == NULL)
        slot = (struct slot){ newoverflow(t, h, last), 0 };
    slot.b->keys[slot.i] = key;
    slot.b->tophash[slot.i] = top_hash(hash);
    h->count++;
    end_assign(h);
    return &slot.b->elems[slot.i];
}

/* find_slot of the fast64 variant: the tophash only tells whether a slot is in use. */
static bool find_slot_fast64(struct bmap *b, uint64_t key, struct slot *ret_slot,
                             struct bmap **ret_last)
{
    ret_slot->b = NULL;
    ret_slot->i = 0;
    for (;;) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (is_empty(b->tophash[i])) {
                if (ret_slot->b == NULL)
                    *ret_slot = (struct slot){ b, i };
                if (b->tophash[i] == EMPTY_REST) {
                    *ret_last = b;
                    return false;
                }
                continue;
            }
            if (b->keys[i] != key)
                continue;
            *ret_slot = (struct slot){ b, i };
            return true;
        }
        struct bmap *overflow = b->overflow;
        if (overflow == NULL) {
            *ret_last = b;
            return false;
        }
        b = overflow;
    }
}

volatile uint64_t *map_assign_fast64(const struct map_type *t, struct hmap *h, uint64_t key)
{
    uint64_t hash = begin_assign(t, h, key);
    struct slot slot;
    struct bmap *last = NULL;
    for (;;) {
        uint64_t bucket = hash & bucket_mask(h->B);
        if (growing(h))
            grow_work_fast64(t, h, bucket);
        struct bmap *b = h->buckets + bucket;
        if (find_slot_fast64(b, key, &slot, &last)) {
            end_assign(h);
            return &slot.b->elems[slot.i];
        }
        if (!must_grow(h))
            break;
        hash_grow(t, h);
    }
    if (slot.b == NULL)
        slot = (struct slot){ newoverflow(t, h, last), 0 };
    slot.b->tophash[slot.i] = top_hash(hash);
    slot.b->keys[slot.i] = key;
    h->count++;
    end_assign(h);
    return &slot.b->elems[slot.i];
}
