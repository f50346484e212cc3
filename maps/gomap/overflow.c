/* overflow.c: overflow buckets. INSTRUMENTED. Ports (*hmap).newoverflow, createOverflow and
 * incrnoverflow of Go 1.19's runtime/map.go, and the append of runtime/slice.go's growslice as the
 * compiler puts it out for `*h.extra.overflow = append(*h.extra.overflow, ovf)`. */
#include <string.h>

#include "gomap/map.h"
#include "treadle.h"

/* growslice's capacity for a slice of pointers that must hold needed elements. */
static int64_t grown_capacity(int64_t cap, int64_t needed)
{
    enum { DOUBLING_MAX = 256 };
    int64_t grown = cap;
    if (needed > cap + cap) {
        grown = needed;
    } else if (cap < DOUBLING_MAX) {
        grown = cap + cap;
    } else {
        while (0 < grown && grown < needed)
            grown += (grown + 3 * DOUBLING_MAX) / 4;
        if (grown <= 0)
            grown = needed;
    }
    return (int64_t)(roundupsize((size_t)grown * sizeof(struct bmap *)) / sizeof(struct bmap *));
}

/* append: the header's words are read one by one, and written one by one. */
static void append_bucket(struct bmap_slice *slice, struct bmap *b)
{
    int64_t len = slice->len;
    struct bmap *volatile *array = slice->array;
    int64_t cap = slice->cap;
    if (len + 1 > cap) {
        if (len < 0 || len >= INT64_MAX / 16)
            treadle_panic("growslice: cap out of range");
        cap = grown_capacity(cap, len + 1);
        struct bmap *volatile *grown = treadle_alloc((size_t)cap * sizeof *grown, NULL);
        memmove((void *)grown, (const void *)array, (size_t)len * sizeof *grown);
        array = grown;
        slice->cap = cap;
        slice->array = array;
    }
    slice->len = len + 1;
    array[len] = b;
}

/* incrnoverflow: exact up to B = 15, from there on one in 2^(B-15) counts. */
static void incrnoverflow(const struct map_type *t, struct hmap *h)
{
    if (h->B < 16) {
        h->noverflow++;
        return;
    }
    uint8_t shift = (uint8_t)(h->B - 15);
    uint32_t mask = (shift < 32 ? UINT32_C(1) << shift : 0) - 1;
    if ((map_fastrand(t) & mask) == 0)
        h->noverflow++;
}

void create_overflow(struct hmap *h)
{
    if (h->extra == NULL)
        h->extra = treadle_alloc(sizeof(struct mapextra), "mapextra");
    if (h->extra->overflow == NULL) {
        struct bmap_slice *list = treadle_alloc(sizeof *list, "bmap_slice");
        h->extra->overflow = list;
    }
}

struct bmap *newoverflow(const struct map_type *t, struct hmap *h, struct bmap *b)
{
    struct bmap *overflow;
    if (h->extra != NULL && h->extra->next_overflow != NULL) {
        /* Read again, not kept from the check: Go's statement does so too, and a racing goroutine
         * may have taken the last one in between. */
        overflow = h->extra->next_overflow;
        if (overflow->overflow == NULL) {
            h->extra->next_overflow = overflow + 1;
        } else {
            overflow->overflow = NULL;
            h->extra->next_overflow = NULL;
        }
    } else {
        overflow = treadle_alloc(sizeof(struct bmap), "bmap");
    }
    incrnoverflow(t, h);
    if (!map_type_pointers(t)) {
        create_overflow(h);
        append_bucket(h->extra->overflow, overflow);
    }
    b->overflow = overflow;
    return overflow;
}
