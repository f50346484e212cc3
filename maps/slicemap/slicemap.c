/* slicemap.c: m[k] = append(m[k], v) from two goroutines, on a Go map of slices.
 *
 * Go compiles this statement to ONE mapassign_fast64; what follows (loads of len, ptr, cap,
 * growslice, stores of cap, ptr, len, then the element) goes through the returned pointer after
 * hashWriting has been cleared. So two goroutines whose mapassigns do not overlap lose each
 * other's values, and no check of Go's notices.
 *
 * The map is as much of Go 1.19's map[int64][]int64 as that takes: the bucket in Go's shape and
 * mapassign_fast64's accesses in Go's order, but one bucket (B = 0) that never grows or overflows;
 * the loads of words that thereby never change (B, oldbuckets, overflow, noverflow) are left out.
 * The whole map with elements of one word is maps/gomap. */
#include "treadle.h"

#include <string.h>

enum { BUCKET_COUNT = 8, EMPTY_REST = 0, EMPTY_ONE = 1, MIN_TOP_HASH = 5, HASH_WRITING = 4 };

/* The shared key, and the values that are appended to it. */
enum { KEY = 1, VALUE_SETUP = 10, VALUE_FIRST = 11, VALUE_SECOND = 12 };

struct slicemap_slice {
    volatile int64_t *volatile array;
    volatile int64_t len;
    volatile int64_t cap;
};

struct slicemap_bmap {
    volatile uint8_t tophash[BUCKET_COUNT];
    volatile int64_t keys[BUCKET_COUNT];
    struct slicemap_slice elems[BUCKET_COUNT];
    struct slicemap_bmap *volatile overflow;
};
_Static_assert(sizeof(struct slicemap_bmap) == 272, "Go's bucket of map[int64][]T");

struct slicemap_hmap {
    volatile int64_t count;
    volatile uint8_t flags;
    volatile uint32_t hash0;
    struct slicemap_bmap *volatile buckets;
};

/* tophash(hasher(key)). With one bucket the hash decides nothing else; any function will do. */
static uint8_t slicemap_tophash(int64_t key, uint32_t hash0)
{
    uint64_t hash = ((uint64_t)key ^ hash0) * UINT64_C(0x9e3779b97f4a7c15);
    uint8_t top = (uint8_t)(hash >> 56);
    return top < MIN_TOP_HASH ? (uint8_t)(top + MIN_TOP_HASH) : top;
}

/* The slot that holds key, or the first empty one; BUCKET_COUNT if the bucket is full. Reads each
 * tophash once, where Go reads that of an empty slot a second time. */
static uint32_t slicemap_find(const struct slicemap_bmap *bucket, int64_t key, bool *ret_present)
{
    uint32_t insert = BUCKET_COUNT;
    for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
        uint8_t top = bucket->tophash[i];
        if (top <= EMPTY_ONE) {
            if (insert == BUCKET_COUNT)
                insert = i;
            if (top == EMPTY_REST)
                break;
        } else if (bucket->keys[i] == key) {
            *ret_present = true;
            return i;
        }
    }
    *ret_present = false;
    return insert;
}

/* runtime.mapassign_fast64: where key's slice lies. */
static struct slicemap_slice *slicemap_assign(struct slicemap_hmap *map, int64_t key)
{
    if (map->flags & HASH_WRITING)
        treadle_go_fatal("concurrent map writes");
    uint8_t top = slicemap_tophash(key, map->hash0);
    map->flags ^= HASH_WRITING; /* toggles: a load and a store, not atomic */
    struct slicemap_bmap *bucket = map->buckets;
    bool present;
    uint32_t slot = slicemap_find(bucket, key, &present);
    treadle_assert(slot < BUCKET_COUNT, "slicemap holds at most 8 keys");
    if (!present) {
        bucket->tophash[slot] = top;
        bucket->keys[slot] = key;
        map->count++;
    }
    if (!(map->flags & HASH_WRITING))
        treadle_go_fatal("concurrent map writes");
    map->flags &= (uint8_t)~HASH_WRITING;
    return &bucket->elems[slot];
}

/* runtime.growslice: an array of cap elements that begins with the len old ones. */
static volatile int64_t *slicemap_growslice(volatile int64_t *array, int64_t len, int64_t cap)
{
    volatile int64_t *grown = treadle_alloc((size_t)cap * sizeof(*grown), NULL);
    memmove((void *)grown, (const void *)array, (size_t)len * sizeof(*grown));
    return grown;
}

/* m[key] = append(m[key], value), in the order that Go compiles it to. */
static void slicemap_append(struct slicemap_hmap *map, int64_t key, int64_t value)
{
    struct slicemap_slice *slice = slicemap_assign(map, key);
    int64_t len = slice->len;
    volatile int64_t *array = slice->array;
    int64_t cap = slice->cap;
    if (len + 1 > cap) {
        cap = cap == 0 ? 1 : 2 * cap; /* growslice below 256 elements */
        array = slicemap_growslice(array, len, cap);
        slice->cap = cap;
        slice->array = array;
    }
    slice->len = len + 1;
    array[len] = value;
}

static void append_program(void *state, const void *argument)
{
    int64_t value = (int64_t)(intptr_t)argument;
    treadle_call(TREADLE_APPEND, KEY, (uint64_t)value);
    slicemap_append(state, KEY, value);
    treadle_return(true, KEY, (uint64_t)value);
}

/* One value is there, with len == cap: the first append must grow. */
static void *append_setup(const void *argument)
{
    struct slicemap_hmap *map = treadle_alloc(sizeof(*map), "slicemap_hmap");
    (void)argument;
    map->buckets = treadle_alloc(sizeof(*map->buckets), "slicemap_bmap");
    append_program(map, (const void *)(intptr_t)VALUE_SETUP);
    return map;
}

/* What the map holds in the end; a slice may be torn, so it is followed only as far as its words
 * lead to live memory. */
static void append_final(void *state)
{
    const struct slicemap_hmap *map = state;
    const struct slicemap_bmap *bucket = map->buckets;
    for (uint32_t slot = 0; slot < BUCKET_COUNT; slot++) {
        if (bucket->tophash[slot] < MIN_TOP_HASH)
            continue;
        uint64_t key = (uint64_t)bucket->keys[slot];
        volatile int64_t *array = bucket->elems[slot].array;
        int64_t len = bucket->elems[slot].len;
        for (int64_t i = 0; i < len && treadle_readable(&array[i], sizeof(array[i])); i++)
            treadle_note(TREADLE_CONTENT, key, (uint64_t)array[i]);
    }
}

static const struct treadle_program append_programs[] = {
    { "appender", append_program, (const void *)(intptr_t)VALUE_FIRST },
    { "appender", append_program, (const void *)(intptr_t)VALUE_SECOND },
};

/* wrong-value: grown from an array whose length was stored but not yet its last element, the
 * slice keeps a 0 there. wild-access: the other's new cap read with the old ptr. */
static const struct treadle_target append_target = {
    .name = "slicemap/append",
    .description = "m[k] = append(m[k], v) from two goroutines",
    .setup = append_setup,
    .programs = append_programs,
    .program_count = 2,
    .final = append_final,
    .expects = TREADLE_SET(LOST_UPDATE) | TREADLE_SET(WRONG_VALUE) | TREADLE_SET(GO_FATAL) |
               TREADLE_SET(WILD_ACCESS),
    .requires = { { .verdict = TREADLE_LOST_UPDATE } },
    .requirement_count = 1,
    .go_semantics = true,
    .garbage_collected = true,
    .private_stacks = true,
};

__attribute__((constructor)) static void slicemap_register(void)
{
    treadle_register(&append_target);
}
