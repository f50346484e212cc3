/* collect.c: a garbage collection's view of overflow buckets. NOT instrumented: the collector reads
 * memory beside the goroutines; only its frees are steps. */
#include "gomap/collect.h"

#include "gomap/walk.h"
#include "treadle.h"

enum { FREED_MAX = 64 };

static bool reachable(const struct hmap *h, const struct bmap *b)
{
    if (walk_array_buckets(b) != 1)
        return true; /* inside a bucket array */
    const struct mapextra *extra = h->extra;
    return extra != NULL && treadle_readable(extra, sizeof *extra)
        && (walk_listed(extra->overflow, b) || walk_listed(extra->oldoverflow, b));
}

void collect_overflow(const struct hmap *h)
{
    const struct bmap *unreachable[FREED_MAX];
    uint32_t count = 0;
    struct walk walk;
    for (walk_begin(&walk, h); walk_next(&walk) && count < FREED_MAX;) {
        if (walk.previous == NULL || reachable(h, walk.b))
            continue;
        uint32_t known = 0;
        while (known < count && unreachable[known] != walk.b)
            known++;
        if (known == count)
            unreachable[count++] = walk.b;
    }
    for (uint32_t i = 0; i < count; i++)
        treadle_free((void *)(uintptr_t)unreachable[i]);
}
