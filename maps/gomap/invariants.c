/* invariants.c: what holds of every map between two operations. NOT instrumented. Each was tried
 * after every operation of the sequential fixtures (invariants_test.c). */
#include "gomap/invariants.h"

#include <stdio.h>
#include <stdlib.h>

#include "gomap/dump.h"
#include "gomap/program.h"
#include "gomap/walk.h"

enum { LINKS_MAX = 1024, ENTRIES_MAX = 2048 };

typedef unsigned long long number; /* for printf */

/* "what A B C", with the ids that a dump of the map gives to these buckets; NULL is left out. */
static void name_buckets(const struct hmap *h, const char *what,
                         const struct bmap *const buckets[3], char *detail, size_t detail_bytes)
{
    struct dumper dumper = { 0 };
    struct text text = { 0 };
    dump_map(&dumper, h, 0, 0, false, &text);
    text.count = 0;
    text_string(&text, what);
    for (size_t i = 0; i < 3 && buckets[i] != NULL; i++) {
        text_byte(&text, ' ');
        dump_id(&dumper, buckets[i], &text);
    }
    snprintf(detail, detail_bytes, "%.*s", (int)text.count, text.bytes);
    text_deinit(&text);
    dumper_deinit(&dumper);
}

/* An overflow word, and the bucket it points to. */
struct link {
    const struct bmap *from;
    const struct bmap *to;
};

static int compare_links(const void *left, const void *right)
{
    const struct link *a = left;
    const struct link *b = right;
    if (a->to != b->to)
        return (uintptr_t)a->to < (uintptr_t)b->to ? -1 : 1;
    return ((uintptr_t)a->from > (uintptr_t)b->from) - ((uintptr_t)a->from < (uintptr_t)b->from);
}

/* The words that link buckets, ascending by target; a cycle's word comes once for each round. */
static size_t collect_links(const struct hmap *h, struct link links[LINKS_MAX])
{
    size_t count = 0;
    struct walk walk;
    for (walk_begin(&walk, h); walk_next(&walk) && count < LINKS_MAX;) {
        if (walk.previous != NULL)
            links[count++] = (struct link){ walk.previous, walk.b };
    }
    if (count > 1)
        qsort(links, count, sizeof *links, compare_links);
    return count;
}

static bool one_chain_each(struct map_state *state, char *detail, size_t detail_bytes)
{
    struct link links[LINKS_MAX];
    size_t count = collect_links(state->map, links);
    for (size_t i = 1; i < count; i++) {
        if (links[i].to != links[i - 1].to)
            continue;
        name_buckets(state->map, "bucket and who links to it:",
                     (const struct bmap *const[]){ links[i].to, links[i - 1].from, links[i].from },
                     detail, detail_bytes);
        treadle_breach(&links[i - 1].from->overflow);
        if (links[i].from != links[i - 1].from)
            treadle_breach(&links[i].from->overflow);
        return false;
    }
    return true;
}

static bool next_overflow_in_array(struct map_state *state, char *detail, size_t detail_bytes)
{
    const struct hmap *h = state->map;
    if (h == NULL || h->extra == NULL || !treadle_readable(h->extra, sizeof *h->extra)
        || h->extra->next_overflow == NULL)
        return true;
    const struct bmap *next = h->extra->next_overflow;
    uintptr_t first = (uintptr_t)(h->buckets + bucket_shift(h->B));
    uintptr_t end = (uintptr_t)(h->buckets + walk_array_buckets(h->buckets));
    if ((uintptr_t)next >= first && (uintptr_t)next < end)
        return true;
    name_buckets(h, "nextOverflow, and the array's first bucket:",
                 (const struct bmap *const[]){ next, h->buckets, NULL }, detail, detail_bytes);
    treadle_breach(&h->extra->next_overflow);
    return false;
}

/* Whether the key hashes to the same each time; what does not equal itself, a NaN, does not, and
 * may stand anywhere and more than once. */
static bool is_hashed(const struct map_type *t, uint64_t key)
{
    return map_type_equal(t, key, key);
}

static bool keys_where_they_belong(struct map_state *state, char *detail, size_t detail_bytes)
{
    const struct hmap *h = state->map;
    struct walk walk;
    for (walk_begin(&walk, h); walk_next(&walk);) {
        uint64_t mask = (walk.array == WALK_OLD ? noldbuckets(h) : bucket_shift(h->B)) - 1;
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (!walk_live(&walk, i) || !is_hashed(&state->type, walk.b->keys[i]))
                continue;
            uint64_t hash = map_type_hash(&state->type, walk.b->keys[i], h->hash0);
            if ((hash & mask) == walk.chain)
                continue;
            snprintf(detail, detail_bytes, "key %llu is in %sbucket %llu, its hash in %llu",
                     (number)walk.b->keys[i], walk.array == WALK_OLD ? "old " : "",
                     (number)walk.chain, (number)(hash & mask));
            treadle_breach(&walk.b->keys[i]);
            return false;
        }
    }
    return true;
}

static bool tophash_of_key(struct map_state *state, char *detail, size_t detail_bytes)
{
    const struct hmap *h = state->map;
    struct walk walk;
    for (walk_begin(&walk, h); walk_next(&walk);) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
            if (!walk_live(&walk, i) || !is_hashed(&state->type, walk.b->keys[i]))
                continue;
            uint8_t top = top_hash(map_type_hash(&state->type, walk.b->keys[i], h->hash0));
            if (walk.b->tophash[i] == top)
                continue;
            snprintf(detail, detail_bytes, "key %llu has tophash %02x, its slot %02x",
                     (number)walk.b->keys[i], top, walk.b->tophash[i]);
            treadle_breach(&walk.b->keys[i]);
            treadle_breach(&walk.b->tophash[i]);
            return false;
        }
    }
    return true;
}

/* A live slot, and what its key equals. */
struct live {
    const struct bmap *b;
    uint32_t i;
    uint64_t key;
};

static int compare_live(const void *left, const void *right)
{
    const struct live *a = left;
    const struct live *b = right;
    return (a->key > b->key) - (a->key < b->key);
}

static bool keys_live_once(struct map_state *state, char *detail, size_t detail_bytes)
{
    const struct map_type *t = &state->type;
    struct live live[ENTRIES_MAX];
    size_t count = 0;
    struct walk walk;
    for (walk_begin(&walk, state->map); walk_next(&walk);) {
        for (uint32_t i = 0; i < BUCKET_COUNT && count < ENTRIES_MAX; i++) {
            uint64_t key = walk.b->keys[i];
            if (walk_live(&walk, i) && is_hashed(t, key))
                live[count++] = (struct live){ walk.b, i, map_type_canonical_key(t, key) };
        }
    }
    if (count > 1)
        qsort(live, count, sizeof *live, compare_live);
    for (size_t i = 1; i < count; i++) {
        const struct live *a = &live[i - 1];
        const struct live *b = &live[i];
        if (a->key != b->key || (a->b == b->b && a->i == b->i))
            continue;
        snprintf(detail, detail_bytes, "key %llu is live in two slots, with values %llu and %llu",
                 (number)a->b->keys[a->i], (number)a->b->elems[a->i], (number)b->b->elems[b->i]);
        treadle_breach(&a->b->keys[a->i]);
        treadle_breach(&b->b->keys[b->i]);
        return false;
    }
    return true;
}

static bool count_of_entries(struct map_state *state, char *detail, size_t detail_bytes)
{
    const struct hmap *h = state->map;
    int64_t live = 0;
    struct walk walk;
    for (walk_begin(&walk, h); walk_next(&walk);) {
        for (uint32_t i = 0; i < BUCKET_COUNT; i++)
            live += walk_live(&walk, i);
    }
    if (h == NULL || h->count == live)
        return true;
    snprintf(detail, detail_bytes, "count is %lld, live entries are %lld", (long long)h->count,
             (long long)live);
    treadle_breach(&h->count);
    return false;
}

/* Whether one of the map's lists names this bucket. */
static bool overflow_listed(struct map_state *state, char *detail, size_t detail_bytes)
{
    const struct hmap *h = state->map;
    struct walk walk;
    for (walk_begin(&walk, h); walk_next(&walk);) {
        if (walk.previous == NULL)
            continue;
        const struct mapextra *extra = h->extra;
        if (extra != NULL && treadle_readable(extra, sizeof *extra)
            && walk_listed(walk.array == WALK_OLD ? extra->oldoverflow : extra->overflow, walk.b))
            continue;
        name_buckets(h, "bucket, and the one that links to it:",
                     (const struct bmap *const[]){ walk.b, walk.previous, NULL }, detail,
                     detail_bytes);
        treadle_breach(&walk.previous->overflow);
        if (extra != NULL)
            treadle_breach(&h->extra);
        return false;
    }
    return true;
}

static bool nobody_writes(struct map_state *state, char *detail, size_t detail_bytes)
{
    const struct hmap *h = state->map;
    if (h == NULL || (h->flags & HASH_WRITING) == 0)
        return true;
    snprintf(detail, detail_bytes, "flags is %u", h->flags);
    treadle_breach(&h->flags);
    return false;
}

/* name, rule */
#define INVARIANTS(X)                                                                              \
    X(one_chain_each, "a bucket is linked in two chains")                                          \
    X(next_overflow_in_array, "nextOverflow points past its array")                                \
    X(keys_where_they_belong, "a key is in a bucket that its hash does not belong to")             \
    X(tophash_of_key, "a slot's tophash is not its key's")                                         \
    X(keys_live_once, "a key is live twice")                                                       \
    X(count_of_entries, "count differs from the number of live entries")                           \
    X(overflow_listed, "an overflow bucket is in none of the lists that keep it alive")            \
    X(nobody_writes, "the writing flag stands though nobody writes")

/* As treadle_invariant wants them: the state is a program. */
#define X(name, rule)                                                                              \
    static bool program_##name(void *state, char *detail, size_t detail_bytes)                     \
    {                                                                                              \
        return name(&((struct program *)state)->state, detail, detail_bytes);                      \
    }
INVARIANTS(X)
#undef X

const struct treadle_invariant map_invariants[] = {
#define X(name, rule) { TREADLE_CORRUPT, rule, program_##name },
    INVARIANTS(X)
#undef X
};
const uint32_t map_invariant_count = sizeof map_invariants / sizeof map_invariants[0];

const char *map_broken_rule(struct map_state *state, char *detail, size_t detail_bytes)
{
#define X(name, rule)                                                                              \
    if (!name(state, detail, detail_bytes))                                                        \
        return rule;
    INVARIANTS(X)
#undef X
    return NULL;
}
