/* delete.c: removing a key. INSTRUMENTED. Ports mapdelete of Go 1.19's runtime/map.go and
 * mapdelete_fast64 of runtime/map_fast64.go. Keys without pointers are left where they were; only
 * the element is cleared and the slot marked free. */
#include "gomap/map.h"
#include "treadle.h"

/* Whether something lies behind slot i of b, so that the slot is not the chain's last. */
static bool entry_follows(struct bmap *b, uint32_t i)
{
    if (i == BUCKET_COUNT - 1) {
        if (b->overflow == NULL)
            return false;
        return b->overflow->tophash[0] != EMPTY_REST;
    }
    return b->tophash[i + 1] != EMPTY_REST;
}

/* Slot i of b was the last used one of the chain that begins at first: it and the free slots right
 * before it become EMPTY_REST, back into earlier buckets if need be. */
static void mark_rest_empty(struct bmap *first, struct bmap *b, uint32_t i)
{
    for (;;) {
        b->tophash[i] = EMPTY_REST;
        if (i == 0) {
            if (b == first)
                return;
            struct bmap *next = b;
            for (b = first; b->overflow != next; b = b->overflow) {
            }
            i = BUCKET_COUNT - 1;
        } else {
            i--;
        }
        if (b->tophash[i] != EMPTY_ONE)
            return;
    }
}

/* Removes the entry in slot i of b, of the chain that begins at first. */
static void remove_entry(const struct map_type *t, struct hmap *h, struct bmap *first,
                         struct bmap *b, uint32_t i)
{
    if (map_type_pointers(t))
        b->keys[i] = 0;
    b->elems[i] = 0;
    b->tophash[i] = EMPTY_ONE;
    if (!entry_follows(b, i))
        mark_rest_empty(first, b, i);
    h->count--;
    if (h->count == 0)
        h->hash0 = map_fastrand(t);
}

static void end_delete(struct hmap *h)
{
    if ((h->flags & HASH_WRITING) == 0)
        treadle_go_fatal("concurrent map writes");
    h->flags &= (uint8_t)~HASH_WRITING;
}

void map_delete(const struct map_type *t, struct hmap *h, uint64_t key)
{
    if (h == NULL || h->count == 0)
        return;
    if ((h->flags & HASH_WRITING) != 0)
        treadle_go_fatal("concurrent map writes");
    uint64_t hash = hash_key(t, h, key);
    h->flags ^= HASH_WRITING;

    uint64_t bucket = hash & bucket_mask(h->B);
    if (growing(h))
        grow_work(t, h, bucket);
    struct bmap *first = h->buckets + bucket;
    uint8_t top = top_hash(hash);
    for (struct bmap *b = first; b != NULL; b = b->overflow) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (b->tophash[i] != top) {
                if (b->tophash[i] == EMPTY_REST) {
                    end_delete(h);
                    return;
                }
                continue;
            }
            if (!key_equal(t, key, &b->keys[i]))
                continue;
            remove_entry(t, h, first, b, i);
            end_delete(h);
            return;
        }
    }
    end_delete(h);
}

void map_delete_fast64(const struct map_type *t, struct hmap *h, uint64_t key)
{
    if (h == NULL || h->count == 0)
        return;
    if ((h->flags & HASH_WRITING) != 0)
        treadle_go_fatal("concurrent map writes");
    uint64_t hash = hash_key(t, h, key);
    h->flags ^= HASH_WRITING;

    uint64_t bucket = hash & bucket_mask(h->B);
    if (growing(h))
        grow_work_fast64(t, h, bucket);
    struct bmap *first = h->buckets + bucket;
    for (struct bmap *b = first; b != NULL; b = b->overflow) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (key != b->keys[i] || is_empty(b->tophash[i]))
                continue;
            remove_entry(t, h, first, b, i);
            end_delete(h);
            return;
        }
    }
    end_delete(h);
}
