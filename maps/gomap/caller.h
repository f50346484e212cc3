/* caller.h: what Go's compiler emits around the map's functions in a program that uses the map:
 * the loads and stores of elements, which happen outside of them and of their checks. */
#ifndef GOMAP_CALLER_H
#define GOMAP_CALLER_H

#include "gomap/map.h"

/* m[key] = value */
void caller_assign(const struct map_type *t, struct hmap *h, uint64_t key, uint64_t value);
/* value, ok := m[key]; *ret_value is untouched if the key is missing. */
bool caller_access(const struct map_type *t, struct hmap *h, uint64_t key, uint64_t *ret_value);
/* delete(m, key) */
void caller_delete(const struct map_type *t, struct hmap *h, uint64_t key);
/* for key, value := range m: the first step, and another; false at the end. it is zeroed by the
 * caller; a step after the end is not allowed. */
bool caller_range_first(const struct map_type *t, struct hmap *h, struct hiter *it,
                        uint64_t *ret_key, uint64_t *ret_value);
bool caller_range_next(struct hiter *it, uint64_t *ret_key, uint64_t *ret_value);

#endif
