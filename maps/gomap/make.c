/* make.c: maps and bucket arrays come to be. INSTRUMENTED. Ports makemap_small, makemap,
 * makeBucketArray and mapclear of Go 1.19's runtime/map.go, and roundupsize of runtime/msize.go. */
#include <string.h>

#include "gomap/map.h"
#include "treadle.h"

/* The allocator's size classes (runtime/sizeclasses.go); larger requests get whole pages. */
static const uint16_t size_classes[] = {
    8,     16,    24,    32,    48,    64,    80,    96,    112,   128,   144,   160,
    176,   192,   208,   224,   240,   256,   288,   320,   352,   384,   416,   448,
    480,   512,   576,   640,   704,   768,   896,   1024,  1152,  1280,  1408,  1536,
    1792,  2048,  2304,  2688,  3072,  3200,  3456,  4096,  4864,  5376,  6144,  6528,
    6784,  6912,  8192,  9472,  9728,  10240, 10880, 12288, 13568, 14336, 16384, 18432,
    19072, 20480, 21760, 24576, 27264, 28672, 32768,
};
enum { SIZE_CLASS_COUNT = sizeof size_classes / sizeof size_classes[0], PAGE_BYTES = 8192 };

/* What Go's allocator can address; a larger hint is ignored. */
#define ALLOC_BYTES_MAX (UINT64_C(1) << 48)

size_t roundupsize(size_t bytes)
{
    if (bytes >= size_classes[SIZE_CLASS_COUNT - 1])
        return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    size_t low = 0;
    size_t high = SIZE_CLASS_COUNT - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (size_classes[middle] < bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return size_classes[low];
}

struct bmap *make_bucket_array(const struct map_type *t, uint8_t b, struct bmap *dirty,
                               struct bmap **ret_next_overflow)
{
    (void)t;
    uint64_t base = bucket_shift(b);
    uint64_t count = base;
    if (b >= 4) {
        count += bucket_shift((uint8_t)(b - 4));
        count = roundupsize(sizeof(struct bmap) * count) / sizeof(struct bmap);
    }

    struct bmap *buckets = dirty;
    if (buckets == NULL)
        buckets = treadle_alloc(count * sizeof(struct bmap), "bmap");
    else
        memset((void *)buckets, 0, count * sizeof(struct bmap));

    *ret_next_overflow = NULL;
    if (base != count) {
        /* A free preallocated bucket whose overflow word is nil has another behind it. The last
         * one is told by any other address. */
        *ret_next_overflow = buckets + base;
        buckets[count - 1].overflow = buckets;
    }
    return buckets;
}

struct hmap *makemap_small(const struct map_type *t)
{
    struct hmap *h = treadle_alloc(sizeof *h, "hmap");
    h->hash0 = map_fastrand(t);
    return h;
}

struct hmap *makemap(const struct map_type *t, int64_t hint)
{
    if (hint < 0 || (uint64_t)hint > ALLOC_BYTES_MAX / sizeof(struct bmap))
        hint = 0;
    struct hmap *h = treadle_alloc(sizeof *h, "hmap");
    h->hash0 = map_fastrand(t);

    uint8_t B = 0;
    while (over_load_factor(hint, B))
        B++;
    h->B = B;

    /* With B = 0 the only bucket is allocated by the first assignment. */
    if (h->B != 0) {
        struct bmap *next_overflow;
        uint8_t array_B = h->B;
        h->buckets = make_bucket_array(t, array_B, NULL, &next_overflow);
        if (next_overflow != NULL) {
            h->extra = treadle_alloc(sizeof(struct mapextra), "mapextra");
            h->extra->next_overflow = next_overflow;
        }
    }
    return h;
}

void map_clear(const struct map_type *t, struct hmap *h)
{
    if (h == NULL || h->count == 0)
        return;
    if ((h->flags & HASH_WRITING) != 0)
        treadle_go_fatal("concurrent map writes");
    h->flags ^= HASH_WRITING;

    h->flags &= (uint8_t)~SAME_SIZE_GROW;
    h->oldbuckets = NULL;
    h->nevacuate = 0;
    h->noverflow = 0;
    h->count = 0;
    h->hash0 = map_fastrand(t);

    if (h->extra != NULL) {
        struct mapextra *extra = h->extra;
        extra->overflow = NULL;
        extra->oldoverflow = NULL;
        extra->next_overflow = NULL;
    }

    /* The array is used again, and its preallocated overflow buckets with it. */
    struct bmap *next_overflow;
    uint8_t B = h->B;
    struct bmap *buckets = h->buckets;
    make_bucket_array(t, B, buckets, &next_overflow);
    if (next_overflow != NULL)
        h->extra->next_overflow = next_overflow;

    if ((h->flags & HASH_WRITING) == 0)
        treadle_go_fatal("concurrent map writes");
    h->flags &= (uint8_t)~HASH_WRITING;
}
