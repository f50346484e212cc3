/* caller.c: the loads and stores of elements. INSTRUMENTED. In the order that Go 1.19's compiler
 * gives them: the map's function first, through with its flag, then the element; a range loads
 * the key, then the element. */
#include "gomap/caller.h"

void caller_assign(const struct map_type *t, struct hmap *h, uint64_t key, uint64_t value)
{
    volatile uint64_t *elem = map_type_fast64(t) ? map_assign_fast64(t, h, key)
                                                 : map_assign(t, h, key);
    *elem = value;
}

bool caller_access(const struct map_type *t, struct hmap *h, uint64_t key, uint64_t *ret_value)
{
    volatile uint64_t *elem = map_type_fast64(t) ? map_access2_fast64(t, h, key)
                                                 : map_access2(t, h, key);
    if (elem == NULL)
        return false;
    *ret_value = *elem;
    return true;
}

void caller_delete(const struct map_type *t, struct hmap *h, uint64_t key)
{
    if (map_type_fast64(t))
        map_delete_fast64(t, h, key);
    else
        map_delete(t, h, key);
}

/* The entry that the iterator stands on. */
static bool load_entry(struct hiter *it, uint64_t *ret_key, uint64_t *ret_value)
{
    if (it->key == NULL)
        return false;
    *ret_key = *it->key;
    *ret_value = *it->elem;
    return true;
}

bool caller_range_first(const struct map_type *t, struct hmap *h, struct hiter *it,
                        uint64_t *ret_key, uint64_t *ret_value)
{
    map_iterinit(t, h, it);
    return load_entry(it, ret_key, ret_value);
}

bool caller_range_next(struct hiter *it, uint64_t *ret_key, uint64_t *ret_value)
{
    map_iternext(it);
    return load_entry(it, ret_key, ret_value);
}
