/* walk.h: all buckets of a map that no goroutine is in the middle of, one after the other. Survives
 * corrupt states: reads only live memory and stops in cycles. Causes no events. */
#ifndef GOMAP_WALK_H
#define GOMAP_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gomap/map.h"

enum walk_array { WALK_OLD, WALK_NEW, WALK_ARRAY_COUNT };

struct walk {
    const struct bmap *b; /* the bucket where the walk is */
    const struct bmap *previous; /* the one that links to it; NULL: b heads its chain */
    enum walk_array array;
    uint64_t chain; /* index of the head in its array */
    bool evacuated; /* b belongs to an old chain that is evacuated */
    /* Private. */
    const struct hmap *h;
    uint64_t chain_count;
    uint32_t length;
};

/* Begins before the first bucket: old chains first. h may be NULL. */
void walk_begin(struct walk *walk, const struct hmap *h);
/* Goes on to the next bucket; false after the last. */
bool walk_next(struct walk *walk);

/* Whether slot i of the walk's bucket holds an entry of the map: it is in use, and not the old
 * copy of an entry that has moved. */
static inline bool walk_live(const struct walk *walk, uint32_t i)
{
    return !walk->evacuated && walk->b->tophash[i] >= MIN_TOP_HASH;
}

struct walk_entry {
    uint64_t key;
    uint64_t value;
};

/* The first entries_max entries, ascending by key and value. Returns how many there are, which may
 * be more. entries may be NULL if entries_max is 0. */
size_t walk_entries(const struct hmap *h, struct walk_entry *entries, size_t entries_max);

/* How many buckets lie in the block that begins at this array; 0 if none does. */
uint64_t walk_array_buckets(const struct bmap *array);

/* Whether the list of overflow buckets, which a race may have broken, holds b. */
bool walk_listed(const struct bmap_slice *list, const struct bmap *b);

#endif
