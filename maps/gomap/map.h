/* map.h: Go 1.19's map as its runtime lays it out on amd64 (runtime/map.go), for keys and elements
 * of 8 bytes without pointers (uint64 and float64 keys, which type.h tells apart). The algorithm stands in make.c, access.c, assign.c, delete.c,
 * iterate.c, grow.c, evacuate.c, overflow.c and random.c, a file for each of Go's nouns, the
 * generic and the fast64 variant side by side; caller.c is what Go's compiler emits around them.
 * Those files (and nothing else of this folder) are instrumented: each access to a shared field is
 * a step of the scheduler. Their order is Go's, statement by statement; that is why
 * - every shared field is volatile: compilers then emit one access, and one hook, per read or
 *   write in the source, also where Go checks a field and then reads it again;
 * - two reads never stand in one argument list, where C would leave their order open.
 * hiter is not volatile: an iterator lives on its goroutine's own stack.
 *
 * What Go's maptype and the running M supply is in type.h.
 */
#ifndef GOMAP_MAP_H
#define GOMAP_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "type.h"

enum {
    BUCKET_COUNT_BITS = 3,
    BUCKET_COUNT = 1 << BUCKET_COUNT_BITS, /* entries a bucket */
    LOAD_FACTOR_NUM = 13,                  /* a map grows above 13/2 entries a bucket */
    LOAD_FACTOR_DEN = 2,
};

/* What a tophash byte may say instead of the top of a hash. */
enum {
    EMPTY_REST = 0,      /* free, and so is everything behind it in the chain */
    EMPTY_ONE = 1,       /* free */
    EVACUATED_X = 2,     /* moved to the bucket of the same number in the new array */
    EVACUATED_Y = 3,     /* moved to the upper half of the new array */
    EVACUATED_EMPTY = 4, /* was free when its bucket was evacuated */
    MIN_TOP_HASH = 5,    /* an entry, from here on */
};

/* hmap.flags */
enum {
    ITERATOR = 1,       /* an iterator may be using buckets */
    OLD_ITERATOR = 2,   /* an iterator may be using oldbuckets */
    HASH_WRITING = 4,   /* a goroutine is writing; toggled, not set */
    SAME_SIZE_GROW = 8, /* the growth under way keeps the number of buckets */
};

#define NO_CHECK UINT64_MAX /* hiter.check_bucket: no entry needs to be filtered */

/* A bucket, or an overflow bucket. */
struct bmap {
    volatile uint8_t tophash[BUCKET_COUNT];
    volatile uint64_t keys[BUCKET_COUNT];
    volatile uint64_t elems[BUCKET_COUNT];
    struct bmap *volatile overflow;
};

/* A Go slice of bucket pointers. */
struct bmap_slice {
    struct bmap *volatile *volatile array;
    volatile int64_t len;
    volatile int64_t cap;
};

/* What a map has only sometimes. The lists keep overflow buckets alive: the garbage collector does
 * not look into buckets without pointers, not even at their overflow word. */
struct mapextra {
    struct bmap_slice *volatile overflow;
    struct bmap_slice *volatile oldoverflow;
    struct bmap *volatile next_overflow; /* the first preallocated overflow bucket that is free */
};

struct hmap {
    volatile int64_t count;
    volatile uint8_t flags;
    volatile uint8_t B; /* 2^B buckets */
    volatile uint16_t noverflow;
    volatile uint32_t hash0;
    struct bmap *volatile buckets;
    struct bmap *volatile oldbuckets; /* not nil while growing */
    volatile uint64_t nevacuate;      /* old buckets below this one are evacuated */
    struct mapextra *volatile extra;
};

struct hiter {
    volatile uint64_t *key; /* NULL: the end */
    volatile uint64_t *elem;
    const struct map_type *t;
    struct hmap *h;
    struct bmap *buckets; /* of the map when the iteration began */
    struct bmap *bptr;
    struct bmap_slice *overflow;
    struct bmap_slice *oldoverflow;
    uint64_t start_bucket;
    uint8_t offset;
    bool wrapped;
    uint8_t B;
    uint8_t i;
    uint64_t bucket;
    uint64_t check_bucket;
};

#define MAP_LAYOUT(type, field, offset) \
    _Static_assert(offsetof(struct type, field) == (offset), #type "." #field)
MAP_LAYOUT(bmap, tophash, 0);
MAP_LAYOUT(bmap, keys, 8);
MAP_LAYOUT(bmap, elems, 72);
MAP_LAYOUT(bmap, overflow, 136);
_Static_assert(sizeof(struct bmap) == 144, "bmap");
MAP_LAYOUT(bmap_slice, array, 0);
MAP_LAYOUT(bmap_slice, len, 8);
MAP_LAYOUT(bmap_slice, cap, 16);
_Static_assert(sizeof(struct bmap_slice) == 24, "bmap_slice");
MAP_LAYOUT(mapextra, overflow, 0);
MAP_LAYOUT(mapextra, oldoverflow, 8);
MAP_LAYOUT(mapextra, next_overflow, 16);
_Static_assert(sizeof(struct mapextra) == 24, "mapextra");
MAP_LAYOUT(hmap, count, 0);
MAP_LAYOUT(hmap, flags, 8);
MAP_LAYOUT(hmap, B, 9);
MAP_LAYOUT(hmap, noverflow, 10);
MAP_LAYOUT(hmap, hash0, 12);
MAP_LAYOUT(hmap, buckets, 16);
MAP_LAYOUT(hmap, oldbuckets, 24);
MAP_LAYOUT(hmap, nevacuate, 32);
MAP_LAYOUT(hmap, extra, 40);
_Static_assert(sizeof(struct hmap) == 48, "hmap");
MAP_LAYOUT(hiter, key, 0);
MAP_LAYOUT(hiter, elem, 8);
MAP_LAYOUT(hiter, t, 16);
MAP_LAYOUT(hiter, h, 24);
MAP_LAYOUT(hiter, buckets, 32);
MAP_LAYOUT(hiter, bptr, 40);
MAP_LAYOUT(hiter, overflow, 48);
MAP_LAYOUT(hiter, oldoverflow, 56);
MAP_LAYOUT(hiter, start_bucket, 64);
MAP_LAYOUT(hiter, offset, 72);
MAP_LAYOUT(hiter, wrapped, 73);
MAP_LAYOUT(hiter, B, 74);
MAP_LAYOUT(hiter, i, 75);
MAP_LAYOUT(hiter, bucket, 80);
MAP_LAYOUT(hiter, check_bucket, 88);
_Static_assert(sizeof(struct hiter) == 96, "hiter");
#undef MAP_LAYOUT

/* ---- arithmetic on what was already read: no accesses ---------------------------------------- */

/* bucketShift: 2^b; the shift wraps at 64 as Go's does, for a torn B. */
static inline uint64_t bucket_shift(uint8_t b)
{
    return UINT64_C(1) << (b & 63);
}

/* bucketMask */
static inline uint64_t bucket_mask(uint8_t b)
{
    return bucket_shift(b) - 1;
}

/* tophash */
static inline uint8_t top_hash(uint64_t hash)
{
    uint8_t top = (uint8_t)(hash >> 56);
    return top < MIN_TOP_HASH ? (uint8_t)(top + MIN_TOP_HASH) : top;
}

/* isEmpty */
static inline bool is_empty(uint8_t top)
{
    return top <= EMPTY_ONE;
}

/* overLoadFactor: whether count entries are too many for 2^B buckets. */
static inline bool over_load_factor(int64_t count, uint8_t B)
{
    return count > BUCKET_COUNT
        && (uint64_t)count > LOAD_FACTOR_NUM * (bucket_shift(B) / LOAD_FACTOR_DEN);
}

/* tooManyOverflowBuckets: about as many as there are buckets; calls for a same-size growth. */
static inline bool too_many_overflow_buckets(uint16_t noverflow, uint8_t B)
{
    return noverflow >= (uint16_t)(1u << (B > 15 ? 15 : B));
}

/* ---- one access each, or as few as Go's function of that name -------------------------------- */

/* evacuated: whether this old bucket's entries have moved (or are moving: the first of them). */
static inline bool evacuated(const struct bmap *b)
{
    uint8_t first = b->tophash[0];
    return first > EMPTY_ONE && first < MIN_TOP_HASH;
}

/* (*hmap).growing */
static inline bool growing(const struct hmap *h)
{
    return h->oldbuckets != NULL;
}

/* (*hmap).sameSizeGrow */
static inline bool same_size_grow(const struct hmap *h)
{
    return (h->flags & SAME_SIZE_GROW) != 0;
}

/* (*hmap).noldbuckets: how many buckets there were before the growth under way. */
static inline uint64_t noldbuckets(const struct hmap *h)
{
    uint8_t old_B = h->B;
    if (!same_size_grow(h))
        old_B--;
    return bucket_shift(old_B);
}

/* (*hmap).oldbucketmask */
static inline uint64_t oldbucketmask(const struct hmap *h)
{
    return noldbuckets(h) - 1;
}

/* The hash of the key in a slot (t.hasher(k, h.hash0)): what the hasher's caller reads comes first,
 * then the key. */
static inline uint64_t hash_slot(const struct map_type *t, const struct hmap *h,
                                 const volatile uint64_t *slot)
{
    uint32_t seed = h->hash0;
    map_type_enter(t, MAP_TYPE_HASH);
    return map_type_hash(t, *slot, seed);
}

/* The hash of a key that the caller holds by value. */
static inline uint64_t hash_key(const struct map_type *t, const struct hmap *h, uint64_t key)
{
    uint32_t seed = h->hash0;
    map_type_enter(t, MAP_TYPE_HASH);
    return map_type_hash(t, key, seed);
}

/* t.key.equal(key, slot) */
static inline bool key_equal(const struct map_type *t, uint64_t key, const volatile uint64_t *slot)
{
    map_type_enter(t, MAP_TYPE_EQUAL);
    return map_type_equal(t, key, *slot);
}

/* t.key.equal(a, b): the keys are loaded by the equality, not by its caller. */
static inline bool slots_equal(const struct map_type *t, const volatile uint64_t *a,
                               const volatile uint64_t *b)
{
    map_type_enter(t, MAP_TYPE_EQUAL);
    uint64_t key = *a;
    return map_type_equal(t, key, *b);
}

/* ---- the map --------------------------------------------------------------------------------- */

/* makemap_small: an empty map without buckets; hash0 is drawn. */
struct hmap *makemap_small(const struct map_type *t);
/* makemap: an empty map with room for hint entries. */
struct hmap *makemap(const struct map_type *t, int64_t hint);

/* mapaccess2, mapaccess2_fast64: the key's element, to be loaded by the caller; NULL if the map
 * (which may be NULL) does not hold it, where Go returns its zero value and false. */
volatile uint64_t *map_access2(const struct map_type *t, struct hmap *h, uint64_t key);
volatile uint64_t *map_access2_fast64(const struct map_type *t, struct hmap *h, uint64_t key);
/* mapaccessK: key and element as they stand in the map now, for iterators; false if deleted. */
bool map_access_k(const struct map_type *t, struct hmap *h, const volatile uint64_t *slot,
                  volatile uint64_t **ret_key, volatile uint64_t **ret_elem);

/* mapassign, mapassign_fast64: the element of the key, inserted if need be; the caller stores the
 * value there, after the writing flag was cleared. */
volatile uint64_t *map_assign(const struct map_type *t, struct hmap *h, uint64_t key);
volatile uint64_t *map_assign_fast64(const struct map_type *t, struct hmap *h, uint64_t key);

/* mapdelete, mapdelete_fast64 */
void map_delete(const struct map_type *t, struct hmap *h, uint64_t key);
void map_delete_fast64(const struct map_type *t, struct hmap *h, uint64_t key);

/* mapclear: what `for k := range m { delete(m, k) }` compiles to. */
void map_clear(const struct map_type *t, struct hmap *h);

/* mapiterinit: starts an iteration with a zeroed hiter and takes its first step. */
void map_iterinit(const struct map_type *t, struct hmap *h, struct hiter *it);
/* mapiternext: the next entry, it->key NULL at the end. Not for an iterator whose h is NULL. */
void map_iternext(struct hiter *it);

/* ---- inside the map -------------------------------------------------------------------------- */

/* makeBucketArray: 2^b buckets and, from b = 4 on, as many overflow buckets as the allocator's size
 * class has room for; *ret_next_overflow is the first of those, or NULL. dirty is a used array
 * of the same b to clear and use again, or NULL. */
struct bmap *make_bucket_array(const struct map_type *t, uint8_t b, struct bmap *dirty,
                               struct bmap **ret_next_overflow);
/* roundupsize: bytes that Go's malloc hands out for a request of this many. */
size_t roundupsize(size_t bytes);

/* (*hmap).newoverflow: hangs a fresh overflow bucket behind b and returns it. */
struct bmap *newoverflow(const struct map_type *t, struct hmap *h, struct bmap *b);
/* (*hmap).createOverflow: makes sure that the list of overflow buckets exists. */
void create_overflow(struct hmap *h);

/* hashGrow: begins a growth, to twice the size or, with too many overflow buckets, to the same. */
void hash_grow(const struct map_type *t, struct hmap *h);
/* growWork, growWork_fast64: evacuates the old bucket of this bucket and one more. */
void grow_work(const struct map_type *t, struct hmap *h, uint64_t bucket);
void grow_work_fast64(const struct map_type *t, struct hmap *h, uint64_t bucket);
/* evacuate, evacuate_fast64: moves one old bucket's entries, unless that is done. */
void evacuate(const struct map_type *t, struct hmap *h, uint64_t oldbucket);
void evacuate_fast64(const struct map_type *t, struct hmap *h, uint64_t oldbucket);

/* fastrand, fastrand64: the next draw, one atomic step of the generator's state. */
uint32_t map_fastrand(const struct map_type *t);
uint64_t map_fastrand64(const struct map_type *t);

#endif
