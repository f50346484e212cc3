/* type.c: hashes of keys and the rest of a map's type. NOT instrumented. The hashes are those of
 * the trace language; s is the map's hash0. */
#include "gomap/type.h"

#include <stdlib.h>
#include <string.h>

#include "gomap/map.h"

/* The finisher of splitmix64. */
static uint64_t split_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* The place of this key in the table, or the free place where it belongs. */
static struct map_injection *find_injection(const struct map_type *t, uint64_t key)
{
    size_t mask = t->injection_capacity - 1;
    size_t at = (size_t)split_mix(key) & mask;
    while (t->injections[at].used && t->injections[at].key != key)
        at = (at + 1) & mask;
    return &t->injections[at];
}

static void grow_injections(struct map_type *t)
{
    struct map_type grown = *t;
    grown.injection_capacity = t->injection_capacity == 0 ? 16 : 2 * t->injection_capacity;
    grown.injections = calloc(grown.injection_capacity, sizeof *grown.injections);
    if (grown.injections == NULL)
        abort();
    for (size_t i = 0; i < t->injection_capacity; i++) {
        if (t->injections[i].used)
            *find_injection(&grown, t->injections[i].key) = t->injections[i];
    }
    free(t->injections);
    *t = grown;
}

void map_type_deinit(struct map_type *t)
{
    free(t->injections);
    t->injections = NULL;
    t->injection_count = 0;
    t->injection_capacity = 0;
}

void map_type_inject(struct map_type *t, uint64_t key, uint64_t hash)
{
    if (2 * (t->injection_count + 1) > t->injection_capacity)
        grow_injections(t);
    struct map_injection *place = find_injection(t, key);
    if (!place->used)
        t->injection_count++;
    *place = (struct map_injection){ .key = key, .hash = hash, .used = true };
}

void map_type_forget_injections(struct map_type *t)
{
    if (t->injection_count == 0)
        return;
    memset(t->injections, 0, t->injection_capacity * sizeof *t->injections);
    t->injection_count = 0;
}

void map_type_enter(const struct map_type *t, enum map_type_call call)
{
    if (t->enter != NULL)
        t->enter(t->context, call);
}

/* Whether these are the bits of a NaN: the exponent is all ones, the fraction not zero. */
static bool is_nan(uint64_t bits)
{
    return bits << 1 > UINT64_C(0x7ff) << 53;
}

uint64_t map_type_canonical_key(const struct map_type *t, uint64_t key)
{
    return t->key == MAP_KEY_FLOAT64 && key << 1 == 0 ? 0 : key;
}

uint64_t map_type_hash(const struct map_type *t, uint64_t key, uint32_t seed)
{
    if (t->key == MAP_KEY_FLOAT64)
        key = is_nan(key) ? map_fastrand(t) : map_type_canonical_key(t, key);
    uint64_t mixed = split_mix(key ^ split_mix(seed));
    switch (t->hash) {
    case MAP_HASH_MIX:
        break;
    case MAP_HASH_LOW:
        return (mixed & ~UINT64_C(0xff)) | (mixed & 3);
    case MAP_HASH_BLK:
        return (mixed & ~UINT64_C(0xffffff)) | (key >> 6 & 0xff);
    case MAP_HASH_TABLE:
        if (t->injection_count != 0) {
            const struct map_injection *place = find_injection(t, key);
            if (place->used)
                return place->hash;
        }
        break;
    }
    return mixed;
}

bool map_type_equal(const struct map_type *t, uint64_t a, uint64_t b)
{
    if (t->key == MAP_KEY_FLOAT64)
        return !is_nan(a) && map_type_canonical_key(t, a) == map_type_canonical_key(t, b);
    return a == b;
}

bool map_type_reflexive_key(const struct map_type *t)
{
    return t->key != MAP_KEY_FLOAT64;
}

bool map_type_need_key_update(const struct map_type *t)
{
    return t->key == MAP_KEY_FLOAT64;
}

bool map_type_pointers(const struct map_type *t)
{
    (void)t;
    return false;
}

bool map_type_fast64(const struct map_type *t)
{
    return t->fast64;
}

bool map_type_choose_start(const struct map_type *t)
{
    return t->choose_start;
}

struct map_random *map_type_random(const struct map_type *t)
{
    return t->random;
}
