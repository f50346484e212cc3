/* dump.h: a map's state as text, in the lines S, X, o, b and I of the trace language. */
#ifndef GOMAP_DUMP_H
#define GOMAP_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gomap/dump_memory.h"
#include "gomap/interpreter.h"
#include "gomap/map.h"
#include "gomap/text.h"

enum { DUMP_LISTS = 2 };

/* How a list of overflow buckets was written. A list only grows while one goroutine alone uses the
 * map: the array and the length tell whether it is the same. */
struct dump_list {
    const volatile void *array; /* NULL: nothing is kept */
    int64_t len;
    struct text text;
};

/* The ids of a map's buckets, which go by address and are given in the order in which dumps meet
 * the buckets, and what dumps have written of them. Zero-initialised is empty. */
struct dumper {
    struct dump_array *arrays; /* ascending by address */
    size_t array_count;
    size_t array_capacity;
    struct dump_single *singles; /* separately allocated buckets, open addressing */
    size_t single_count;
    size_t single_capacity;
    /* What the dump before looked like, kept after dumper_remember. */
    bool remembers;
    struct dump_memory *buckets;   /* parts of lines; tag: a letter that begins a line, or 0 */
    struct dump_memory *iterators; /* lines; tag: the id */
    struct dump_list lists[DUMP_LISTS]; /* oldoverflow and overflow */
};

void dumper_deinit(struct dumper *dumper);
/* For an empty dumper of which dump follows dump: makes it keep text for the next one. */
void dumper_remember(struct dumper *dumper);
/* Forgets all ids: a new map. */
void dumper_forget(struct dumper *dumper);

/* Appends the lines of a map (NULL is fine). With sum only the line S. draws and hash_calls are
 * what the last operation made. Survives corrupt states: a bucket that cannot be read is `?`,
 * and ends its chain. */
void dump_map(struct dumper *dumper, const struct hmap *h, uint64_t draws, uint64_t hash_calls,
              bool sum, struct text *out);
/* Appends a bucket's id, given now if it has none: "1.0", "h3"; "-" for NULL, "?" if it is no live
 * bucket. */
void dump_id(struct dumper *dumper, const struct bmap *b, struct text *out);
/* Appends the lines I of these iterators. */
void dump_iterators(struct dumper *dumper, const struct iterator *iterators, size_t count,
                    struct text *out);
/* Gives ids to what dump_iterators would meet, without a line. */
void dump_meet_iterators(struct dumper *dumper, const struct iterator *iterators, size_t count);

#endif
