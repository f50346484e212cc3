/* collect.h: the part of a garbage collection that matters to a map. */
#ifndef GOMAP_COLLECT_H
#define GOMAP_COLLECT_H

#include "gomap/map.h"

/* Frees the map's overflow buckets that Go's collector would not see: buckets without pointers are
 * not scanned, so that an overflow bucket lives only as part of a bucket array or by standing in
 * a list of mapextra. To be called while nobody else uses the map, and no iteration is under way
 * (its goroutine's stack and hiter's lists would keep buckets alive too). */
void collect_overflow(const struct hmap *h);

#endif
