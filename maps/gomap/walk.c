/* walk.c: all buckets of a quiescent map. NOT instrumented. */
#include "gomap/walk.h"

#include <stdlib.h>

#include "treadle.h"

enum { CHAIN_MAX = 300 };

uint64_t walk_array_buckets(const struct bmap *array)
{
    void *start;
    size_t bytes;
    if (array == NULL || !treadle_block(array, &start, &bytes) || start != (const void *)array)
        return 0;
    return bytes / sizeof *array;
}

static const struct bmap *array_of(const struct walk *walk)
{
    return walk->array == WALK_OLD ? walk->h->oldbuckets : walk->h->buckets;
}

static void begin_array(struct walk *walk, enum walk_array array)
{
    walk->array = array;
    walk->chain = 0;
    walk->b = NULL;
    uint64_t count = array == WALK_OLD ? noldbuckets(walk->h) : bucket_shift(walk->h->B);
    uint64_t present = walk_array_buckets(array_of(walk));
    walk->chain_count = count < present ? count : present;
}

void walk_begin(struct walk *walk, const struct hmap *h)
{
    *walk = (struct walk){ .h = h };
    if (h != NULL)
        begin_array(walk, WALK_OLD);
}

static void enter_chain(struct walk *walk)
{
    walk->b = array_of(walk) + walk->chain;
    walk->previous = NULL;
    walk->length = 1;
    walk->evacuated = walk->array == WALK_OLD && evacuated(walk->b);
}

bool walk_next(struct walk *walk)
{
    if (walk->h == NULL)
        return false;
    if (walk->b != NULL) {
        const struct bmap *next = walk->b->overflow;
        if (next != NULL && walk->length < CHAIN_MAX && treadle_readable(next, sizeof *next)) {
            walk->previous = walk->b;
            walk->b = next;
            walk->length++;
            return true;
        }
        walk->chain++;
    }
    while (walk->chain == walk->chain_count) {
        if (walk->array == WALK_NEW) {
            walk->h = NULL;
            return false;
        }
        begin_array(walk, WALK_NEW);
    }
    enter_chain(walk);
    return true;
}

static int compare_entries(const void *left, const void *right)
{
    const struct walk_entry *a = left;
    const struct walk_entry *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

size_t walk_entries(const struct hmap *h, struct walk_entry *entries, size_t entries_max)
{
    struct walk walk;
    size_t count = 0;
    for (walk_begin(&walk, h); walk_next(&walk);) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (!walk_live(&walk, i))
                continue;
            if (count < entries_max)
                entries[count] = (struct walk_entry){ walk.b->keys[i], walk.b->elems[i] };
            count++;
        }
    }
    size_t kept = count < entries_max ? count : entries_max;
    if (kept > 1) /* entries may be NULL */
        qsort(entries, kept, sizeof *entries, compare_entries);
    return count;
}

bool walk_listed(const struct bmap_slice *list, const struct bmap *b)
{
    if (list == NULL || !treadle_readable(list, sizeof *list))
        return false;
    for (int64_t i = 0; i < list->len; i++) {
        if (!treadle_readable(&list->array[i], sizeof list->array[i]))
            return false;
        if (list->array[i] == b)
            return true;
    }
    return false;
}
