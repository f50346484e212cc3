/* grow.c: a growth begins and goes on. INSTRUMENTED. Ports hashGrow and growWork of Go 1.19's
 * runtime/map.go and growWork_fast64 of runtime/map_fast64.go. */
#include "gomap/map.h"
#include "treadle.h"

void hash_grow(const struct map_type *t, struct hmap *h)
{
    int64_t count = h->count;
    uint8_t B = h->B;
    uint8_t bigger = 1;
    if (!over_load_factor(count + 1, B)) {
        bigger = 0;
        h->flags |= SAME_SIZE_GROW;
    }
    struct bmap *old_buckets = h->buckets;
    struct bmap *next_overflow;
    B = h->B;
    struct bmap *new_buckets = make_bucket_array(t, (uint8_t)(B + bigger), NULL, &next_overflow);

    uint8_t flags = (uint8_t)(h->flags & ~(ITERATOR | OLD_ITERATOR));
    if ((h->flags & ITERATOR) != 0)
        flags |= OLD_ITERATOR;
    /* Each a store of its own: whoever looks in between sees the new B with the old array. */
    h->B = (uint8_t)(h->B + bigger);
    h->flags = flags;
    h->oldbuckets = old_buckets;
    h->buckets = new_buckets;
    h->nevacuate = 0;
    h->noverflow = 0;

    if (h->extra != NULL && h->extra->overflow != NULL) {
        if (h->extra->oldoverflow != NULL)
            treadle_go_fatal("THROW oldoverflow is not nil");
        struct bmap_slice *list = h->extra->overflow;
        h->extra->oldoverflow = list;
        h->extra->overflow = NULL;
    }
    if (next_overflow != NULL) {
        if (h->extra == NULL)
            h->extra = treadle_alloc(sizeof(struct mapextra), "mapextra");
        h->extra->next_overflow = next_overflow;
    }
}

void grow_work(const struct map_type *t, struct hmap *h, uint64_t bucket)
{
    evacuate(t, h, bucket & oldbucketmask(h));
    if (growing(h))
        evacuate(t, h, h->nevacuate);
}

void grow_work_fast64(const struct map_type *t, struct hmap *h, uint64_t bucket)
{
    evacuate_fast64(t, h, bucket & oldbucketmask(h));
    if (growing(h))
        evacuate_fast64(t, h, h->nevacuate);
}
