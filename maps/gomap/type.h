/* type.h: what Go's maptype tells a map about its keys and elements, with the random generator
 * that the running M lends it. A map_type does not change while goroutines run, so these
 * functions are not instrumented: reading it is no step.
 */
#ifndef GOMAP_TYPE_H
#define GOMAP_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys to hash; go-map-trace's `--hash`. mix is a good hash; low leaves 2 useful bits for the
 * choice of a bucket (long chains); blk sends 64 neighbouring keys to one bucket; table is mix
 * but for the keys that map_type_inject names. */
#define MAP_HASHES(X) X(MIX, "mix") X(LOW, "low") X(BLK, "blk") X(TABLE, "table")

enum map_hash {
#define X(name, text) MAP_HASH_##name,
    MAP_HASHES(X)
#undef X
};

/* Keys lie in 64 bits, as their bit pattern. */
enum map_key {
    MAP_KEY_UINT64,
    MAP_KEY_FLOAT64, /* 0 equals -0, a NaN nothing, itself neither */
};

/* A call from the map back into its type. */
enum map_type_call { MAP_TYPE_HASH, MAP_TYPE_EQUAL };

/* A key whose hash is given. */
struct map_injection {
    uint64_t key;
    uint64_t hash;
    bool used;
};

/* The generator's state: runtime.m.fastrand. It lies in the goroutines' memory. */
struct map_random {
    uint64_t state;
};

struct map_type {
    enum map_key key;
    enum map_hash hash;
    bool fast64;         /* callers use the fast64 variants; only for MAP_KEY_UINT64 */
    bool choose_start;   /* where an iteration starts is a choice, not a draw */
    struct map_random *random;
    /* Injected hashes, open addressing; capacity is 0 or a power of two. Owned. */
    struct map_injection *injections;
    size_t injection_count;
    size_t injection_capacity;
    /* Called at the start of each hasher and equality call; NULL = not. */
    void (*enter)(void *context, enum map_type_call call);
    void *context;
};

/* Frees what map_type_inject allocated. */
void map_type_deinit(struct map_type *t);
/* Gives this key this hash, for MAP_HASH_TABLE. Of floats: 0 stands for -0 too, and NaNs cannot be
 * given one. */
void map_type_inject(struct map_type *t, uint64_t key, uint64_t hash);
/* Forgets all of them. */
void map_type_forget_injections(struct map_type *t);

/* A map's type as its functions see it. */

/* Must be called as the hasher or the equality begins, before either reads a key. */
void map_type_enter(const struct map_type *t, enum map_type_call call);
/* t.hasher. Of floats as Go's f64hash: 0 and -0 hash alike, and a NaN as another number each time,
 * for which it draws from the generator (a step). */
uint64_t map_type_hash(const struct map_type *t, uint64_t key, uint32_t seed);
/* t.key.equal */
bool map_type_equal(const struct map_type *t, uint64_t a, uint64_t b);
/* The bit pattern that stands for all keys equal to this one. */
uint64_t map_type_canonical_key(const struct map_type *t, uint64_t key);
/* t.reflexivekey(): k == k for every key (not so for floating point). */
bool map_type_reflexive_key(const struct map_type *t);
/* t.needkeyupdate(): an assignment to a present key stores the key again (+0 over -0). */
bool map_type_need_key_update(const struct map_type *t);
/* Whether the compiler chose the fast64 variants for this type. */
bool map_type_fast64(const struct map_type *t);
/* t.bucket.ptrdata != 0: keys or elements hold pointers. */
bool map_type_pointers(const struct map_type *t);
/* Whether mapiterinit chooses its start bits among 2^8 at most, instead of drawing them. */
bool map_type_choose_start(const struct map_type *t);
/* The state of the generator. */
struct map_random *map_type_random(const struct map_type *t);

#endif
