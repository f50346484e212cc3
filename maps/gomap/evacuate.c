/* evacuate.c: an old bucket's entries move to the new array. INSTRUMENTED. Ports evacuate and
 * advanceEvacuationMark of Go 1.19's runtime/map.go and evacuate_fast64 of
 * runtime/map_fast64.go. */
#include <string.h>

#include "gomap/map.h"
#include "treadle.h"

/* evacDst: where the next entry goes; b is NULL for the upper half of a same-size growth. */
struct destination {
    struct bmap *b;
    uint32_t i;
};

/* bucketEvacuated */
static bool bucket_evacuated(struct hmap *h, uint64_t bucket)
{
    return evacuated(h->oldbuckets + bucket);
}

/* advanceEvacuationMark: counts a bucket and all evacuated ones behind it as done; ends the growth
 * after the last. newbit is the number of old buckets. */
static void advance_evacuation_mark(struct hmap *h, uint64_t newbit)
{
    enum { ADVANCE_MAX = 1024 }; /* keeps a single operation short */
    h->nevacuate++;
    uint64_t stop = h->nevacuate + ADVANCE_MAX;
    if (stop > newbit)
        stop = newbit;
    while (h->nevacuate != stop && bucket_evacuated(h, h->nevacuate))
        h->nevacuate++;
    if (h->nevacuate == newbit) {
        h->oldbuckets = NULL;
        if (h->extra != NULL)
            h->extra->oldoverflow = NULL;
        h->flags &= (uint8_t)~SAME_SIZE_GROW;
    }
}

/* The end that both variants share. */
static void end_evacuate(const struct map_type *t, struct hmap *h, uint64_t oldbucket)
{
    if ((h->flags & OLD_ITERATOR) == 0 && map_type_pointers(t)) {
        /* Drops the pointers, for the garbage collector; tophash still tells the state. */
        struct bmap *b = h->oldbuckets + oldbucket;
        memset((void *)b->keys, 0, sizeof *b - offsetof(struct bmap, keys));
    }
}

/* The destinations of an old bucket's entries: x keeps the bucket's number, y is newbit above. */
static void find_destinations(struct hmap *h, uint64_t oldbucket, uint64_t newbit,
                              struct destination xy[2])
{
    xy[0] = (struct destination){ h->buckets + oldbucket, 0 };
    xy[1] = (struct destination){ NULL, 0 };
    if (!same_size_grow(h))
        xy[1].b = h->buckets + (oldbucket + newbit);
}

void evacuate(const struct map_type *t, struct hmap *h, uint64_t oldbucket)
{
    struct bmap *b = h->oldbuckets + oldbucket;
    uint64_t newbit = noldbuckets(h);
    if (!evacuated(b)) {
        struct destination xy[2];
        find_destinations(h, oldbucket, newbit, xy);
        for (; b != NULL; b = b->overflow) {
            for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
                uint8_t top = b->tophash[i];
                if (is_empty(top)) {
                    b->tophash[i] = EVACUATED_EMPTY;
                    continue;
                }
                if (top < MIN_TOP_HASH)
                    treadle_go_fatal("THROW bad map state");
                uint8_t use_y = 0;
                if (!same_size_grow(h)) {
                    uint64_t hash = hash_slot(t, h, &b->keys[i]);
                    if ((h->flags & ITERATOR) != 0 && !map_type_reflexive_key(t)
                        && !slots_equal(t, &b->keys[i], &b->keys[i])) {
                        /* A NaN hashes differently each time, but an iterator must be able to tell
                         * which way it went: the old tophash decides, and a new one is drawn. */
                        use_y = top & 1;
                        top = top_hash(hash);
                    } else if ((hash & newbit) != 0) {
                        use_y = 1;
                    }
                }
                b->tophash[i] = (uint8_t)(EVACUATED_X + use_y);
                if (xy[use_y].i == BUCKET_COUNT)
                    xy[use_y] = (struct destination){ newoverflow(t, h, xy[use_y].b), 0 };
                struct bmap *to = xy[use_y].b;
                uint32_t to_i = xy[use_y].i++;
                to->tophash[to_i] = top;
                to->keys[to_i] = b->keys[i];
                to->elems[to_i] = b->elems[i];
            }
        }
        end_evacuate(t, h, oldbucket);
    }
    if (oldbucket == h->nevacuate)
        advance_evacuation_mark(h, newbit);
}

void evacuate_fast64(const struct map_type *t, struct hmap *h, uint64_t oldbucket)
{
    struct bmap *b = h->oldbuckets + oldbucket;
    uint64_t newbit = noldbuckets(h);
    if (!evacuated(b)) {
        struct destination xy[2];
        find_destinations(h, oldbucket, newbit, xy);
        for (; b != NULL; b = b->overflow) {
            for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
                uint8_t top = b->tophash[i];
                if (is_empty(top)) {
                    b->tophash[i] = EVACUATED_EMPTY;
                    continue;
                }
                if (top < MIN_TOP_HASH)
                    treadle_go_fatal("THROW bad map state");
                uint8_t use_y = 0;
                if (!same_size_grow(h) && (hash_slot(t, h, &b->keys[i]) & newbit) != 0)
                    use_y = 1;
                b->tophash[i] = (uint8_t)(EVACUATED_X + use_y);
                if (xy[use_y].i == BUCKET_COUNT)
                    xy[use_y] = (struct destination){ newoverflow(t, h, xy[use_y].b), 0 };
                struct bmap *to = xy[use_y].b;
                uint32_t to_i = xy[use_y].i++;
                to->tophash[to_i] = top;
                to->keys[to_i] = b->keys[i];
                to->elems[to_i] = b->elems[i];
            }
        }
        end_evacuate(t, h, oldbucket);
    }
    if (oldbucket == h->nevacuate)
        advance_evacuation_mark(h, newbit);
}
