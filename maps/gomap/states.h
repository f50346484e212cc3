/* states.h: abstract states of a map, which tell fuzzing what is new (treadle_state). Causes no
 * events. */
#ifndef GOMAP_STATES_H
#define GOMAP_STATES_H

#include "gomap/map.h"

/* The map is about to be asked for this key: whether it grows, to the same size or not, whether the
 * key's old bucket is evacuated, and how long its chain is: 1, 2, more. */
void states_of_key(const struct map_type *type, const struct hmap *h, uint64_t key);

/* The iterator is about to go on: whether the map grows, and whether the iterator stands before, at
 * or behind the bucket that is evacuated next. */
void states_of_iterator(const struct hmap *h, const struct hiter *iterator);

#endif
