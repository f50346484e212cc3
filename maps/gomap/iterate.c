/* iterate.c: ranging over a map. INSTRUMENTED. Ports mapiterinit and mapiternext of Go 1.19's
 * runtime/map.go. */
#include "gomap/map.h"
#include "treadle.h"

/* The random bits of which the lower B say in which bucket to start and the next 3 at which slot.
 * As a choice they come from a domain of at most 256 values. */
static uint64_t draw_start(const struct map_type *t, struct hmap *h)
{
    enum { CHOICE_BITS_MAX = 8 };
    if (map_type_choose_start(t)) {
        uint32_t bits = (uint32_t)h->B + BUCKET_COUNT_BITS;
        return treadle_choose(1u << (bits < CHOICE_BITS_MAX ? bits : CHOICE_BITS_MAX),
                              "iterator start");
    }
    if (h->B > 31 - BUCKET_COUNT_BITS)
        return map_fastrand64(t);
    return map_fastrand(t);
}

void map_iterinit(const struct map_type *t, struct hmap *h, struct hiter *it)
{
    it->t = t;
    if (h == NULL || h->count == 0)
        return;
    it->h = h;
    /* Two reads, and no look at the writing flag: a growth in between tears them. */
    it->B = h->B;
    it->buckets = h->buckets;
    if (!map_type_pointers(t)) {
        create_overflow(h);
        it->overflow = h->extra->overflow;
        it->oldoverflow = h->extra->oldoverflow;
    }

    uint64_t r = draw_start(t, h);
    it->start_bucket = r & bucket_mask(h->B);
    uint8_t B = h->B;
    it->offset = (uint8_t)((B < 64 ? r >> B : 0) & (BUCKET_COUNT - 1));
    it->bucket = it->start_bucket;

    uint8_t old = h->flags;
    if ((old & (ITERATOR | OLD_ITERATOR)) != (ITERATOR | OLD_ITERATOR))
        (void)__atomic_fetch_or(&h->flags, ITERATOR | OLD_ITERATOR, __ATOMIC_SEQ_CST);
    map_iternext(it);
}

/* The chain to iterate for this bucket number, and in *ret_check_bucket the bucket that its entries
 * must belong to: while the array that the iteration began with is being filled, an old bucket
 * that is not evacuated stands for its two successors. */
static struct bmap *chain_of(struct hiter *it, struct hmap *h, uint64_t bucket,
                             uint64_t *ret_check_bucket)
{
    if (growing(h) && it->B == h->B) {
        uint64_t oldbucket = bucket & oldbucketmask(it->h);
        struct bmap *b = h->oldbuckets + oldbucket;
        if (!evacuated(b)) {
            *ret_check_bucket = bucket;
            return b;
        }
    }
    *ret_check_bucket = NO_CHECK;
    return it->buckets + bucket;
}

/* Whether the entry in slot i of a bucket that is not evacuated will move elsewhere than to
 * check_bucket. */
static bool belongs_elsewhere(struct hiter *it, struct hmap *h, struct bmap *b, uint32_t i,
                              uint64_t check_bucket)
{
    const struct map_type *t = it->t;
    if (map_type_reflexive_key(t) || slots_equal(t, &b->keys[i], &b->keys[i])) {
        uint64_t hash = hash_slot(t, h, &b->keys[i]);
        return (hash & bucket_mask(it->B)) != check_bucket;
    }
    /* A NaN goes where the low bit of its tophash says; see evacuate(). Shifts of 64 and more leave
     * nothing in Go. */
    uint8_t shift = (uint8_t)(it->B - 1);
    return (shift < 64 ? check_bucket >> shift : 0) != (b->tophash[i] & 1u);
}

/* Puts the entry in slot i of b, as it stands in the map now, into it; false if it is gone. */
static bool produce(struct hiter *it, struct hmap *h, struct bmap *b, uint32_t i)
{
    const struct map_type *t = it->t;
    if ((b->tophash[i] != EVACUATED_X && b->tophash[i] != EVACUATED_Y)
        || !(map_type_reflexive_key(t) || slots_equal(t, &b->keys[i], &b->keys[i]))) {
        it->key = &b->keys[i];
        it->elem = &b->elems[i];
        return true;
    }
    return map_access_k(t, h, &b->keys[i], &it->key, &it->elem);
}

void map_iternext(struct hiter *it)
{
    struct hmap *h = it->h;
    if ((h->flags & HASH_WRITING) != 0)
        treadle_go_fatal("concurrent map iteration and map write");
    uint64_t bucket = it->bucket;
    struct bmap *b = it->bptr;
    uint32_t i = it->i;
    uint64_t check_bucket = it->check_bucket;
    for (;;) {
        if (b == NULL) {
            if (bucket == it->start_bucket && it->wrapped) {
                it->key = NULL;
                it->elem = NULL;
                return;
            }
            b = chain_of(it, h, bucket, &check_bucket);
            bucket++;
            if (bucket == bucket_shift(it->B)) {
                bucket = 0;
                it->wrapped = true;
            }
            i = 0;
        }
        for (; i < BUCKET_COUNT; i++) {
            uint32_t slot = (i + it->offset) & (BUCKET_COUNT - 1);
            if (is_empty(b->tophash[slot]) || b->tophash[slot] == EVACUATED_EMPTY)
                continue;
            if (check_bucket != NO_CHECK && !same_size_grow(h)
                && belongs_elsewhere(it, h, b, slot, check_bucket))
                continue;
            if (!produce(it, h, b, slot))
                continue;
            it->bucket = bucket;
            it->bptr = b;
            it->i = (uint8_t)(i + 1);
            it->check_bucket = check_bucket;
            return;
        }
        b = b->overflow;
        i = 0;
    }
}
