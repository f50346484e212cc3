/* overflowcas.c: overflow buckets linked by compare-and-swap and recycled when freed, as articles
 * on Go's map describe it. Go itself does neither (it stores b.overflow plainly and leaves freed
 * buckets to the collector); this is the altered variant in which their ABA is real.
 *
 * A chain is one word, the first bucket's address, with a generation tag above it in the variant
 * that counts: there each change of the word adds one to the tag (modulo 2^16). A bucket has one
 * slot; key 0 is an empty slot. Who does what:
 *
 *   assign    fills a new bucket and links it first;
 *   clear     takes the whole chain off, then frees its buckets;
 *   withdraw  unlinks an empty bucket that the caller had linked in advance and does not need,
 *             if it is still the first one, and frees it. What lay below it is known from
 *             linking.
 *
 * No step before a successful CAS follows a pointer of the chain, so nothing freed is ever touched
 * unless a CAS was fooled, and with the tag none can be (but after 65,536 changes in between): an
 * equal word means that the chain has not changed since. So the variant with tags is sound, with
 * any reuse of memory.
 *
 * Without the tag: between withdraw's load and its CAS another goroutine clears, which frees the
 * bucket, and assigns, which is given the same memory and links it. The CAS finds the address that
 * it expects, cuts the other's new bucket off, and its memory is freed under it. */
#include "treadle.h"

#include <stdatomic.h>

enum { BUCKETS_MAX = 8 }; /* of a chain, in the final check; no program links more */

#define ADDRESS_MASK ((UINT64_C(1) << 48) - 1)
#define TAG_ONE (UINT64_C(1) << 48)
#define TAG_NONE UINT64_C(0)

struct overflow_bucket {
    uint64_t key;
    uint64_t value;
    struct overflow_bucket *next;
};

struct overflow_chain {
    _Atomic uint64_t head; /* tag << 48 | address of the first bucket, 0 = none */
};

static struct overflow_bucket *head_bucket(uint64_t head)
{
    return (struct overflow_bucket *)(uintptr_t)(head & ADDRESS_MASK);
}

/* The word that replaces head when bucket comes first; tag is TAG_ONE or TAG_NONE. */
static uint64_t head_replaced(uint64_t head, const struct overflow_bucket *bucket, uint64_t tag)
{
    return ((head & ~ADDRESS_MASK) + tag) | (uint64_t)(uintptr_t)bucket;
}

/* Links bucket first; returns the word that it replaced. */
static uint64_t chain_link(struct overflow_chain *chain, struct overflow_bucket *bucket,
                           uint64_t tag)
{
    uint64_t below = atomic_load(&chain->head);
    do
        bucket->next = head_bucket(below);
    while (!atomic_compare_exchange_strong(&chain->head, &below,
                                           head_replaced(below, bucket, tag)));
    return below;
}

static void chain_assign(struct overflow_chain *chain, uint64_t key, uint64_t value, uint64_t tag)
{
    treadle_call(TREADLE_ASSIGN, key, value);
    struct overflow_bucket *bucket = treadle_alloc(sizeof(*bucket), "overflow_bucket");
    bucket->key = key;
    bucket->value = value;
    chain_link(chain, bucket, tag);
    treadle_return(true, key, value);
}

static void chain_clear(struct overflow_chain *chain, uint64_t tag)
{
    treadle_call(TREADLE_CLEAR, 0, 0);
    uint64_t head = atomic_load(&chain->head);
    while (!atomic_compare_exchange_strong(&chain->head, &head, head_replaced(head, NULL, tag)))
        ;
    for (struct overflow_bucket *bucket = head_bucket(head), *next; bucket; bucket = next) {
        next = bucket->next;
        treadle_free(bucket);
    }
    treadle_return(true, 0, 0);
}

static void reserve_and_withdraw(struct overflow_chain *chain, uint64_t tag)
{
    struct overflow_bucket *bucket = treadle_alloc(sizeof(*bucket), "overflow_bucket");
    uint64_t below = chain_link(chain, bucket, tag);
    uint64_t mine = head_replaced(below, bucket, tag);
    uint64_t head = atomic_load(&chain->head);
    if (head != mine)
        return; /* others have linked above it or cleared the chain: it is theirs now */
    if (atomic_compare_exchange_strong(&chain->head, &head,
                                       head_replaced(head, head_bucket(below), tag)))
        treadle_free(bucket);
}

/* The mistake of lost-node: each attempt begins anew, with a new bucket, and forgets the one that
 * the failed CAS has left on no chain. */
static void chain_assign_forgetful(struct overflow_chain *chain, uint64_t key, uint64_t value)
{
    struct overflow_bucket *bucket;
    uint64_t below;
    treadle_call(TREADLE_ASSIGN, key, value);
    do {
        bucket = treadle_alloc(sizeof(*bucket), "overflow_bucket");
        bucket->key = key;
        bucket->value = value;
        below = atomic_load(&chain->head);
        bucket->next = head_bucket(below);
    } while (!atomic_compare_exchange_strong(&chain->head, &below,
                                             head_replaced(below, bucket, TAG_NONE)));
    treadle_return(true, key, value);
}

static void *chain_setup(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct overflow_chain), "overflow_chain");
}

static void chain_final(void *state)
{
    struct overflow_chain *chain = state;
    const struct overflow_bucket *bucket = head_bucket(atomic_load(&chain->head));
    for (int i = 0; i < BUCKETS_MAX && treadle_readable(bucket, sizeof(*bucket)); i++) {
        if (bucket->key != 0)
            treadle_note(TREADLE_CONTENT, bucket->key, bucket->value);
        bucket = bucket->next;
    }
}

static void aba_withdrawer(void *state, const void *argument)
{
    (void)argument;
    reserve_and_withdraw(state, TAG_NONE);
}

static void aba_recycler(void *state, const void *argument)
{
    (void)argument;
    chain_clear(state, TAG_NONE);
    chain_assign(state, 2, 20, TAG_NONE);
}

static void tagged_withdrawer(void *state, const void *argument)
{
    (void)argument;
    reserve_and_withdraw(state, TAG_ONE);
}

static void tagged_recycler(void *state, const void *argument)
{
    (void)argument;
    chain_clear(state, TAG_ONE);
    chain_assign(state, 2, 20, TAG_ONE);
}

static void forgetful_assigner(void *state, const void *argument)
{
    uint64_t key = (uint64_t)(uintptr_t)argument;
    chain_assign_forgetful(state, key, 10 * key);
}

static const struct treadle_program aba_programs[] = {
    { "withdrawer", aba_withdrawer, NULL },
    { "recycler", aba_recycler, NULL },
};

static const struct treadle_program tagged_programs[] = {
    { "withdrawer", tagged_withdrawer, NULL },
    { "recycler", tagged_recycler, NULL },
};

static const struct treadle_program lost_node_programs[] = {
    { "assigner", forgetful_assigner, (const void *)1 },
    { "assigner", forgetful_assigner, (const void *)2 },
};

/* stale-pointer: the fooled withdrawer frees the other's bucket through its own old pointer. */
static const struct treadle_target aba = {
    .name = "overflowcas/aba",
    .description = "overflow buckets linked by CAS, freed ones recycled, as articles describe",
    .setup = chain_setup,
    .programs = aba_programs,
    .program_count = 2,
    .final = chain_final,
    .expects = TREADLE_SET(ABA) | TREADLE_SET(LOST_UPDATE) | TREADLE_SET(STALE_POINTER),
    .requires = { { .verdict = TREADLE_ABA } },
    .requirement_count = 1,
    .reuse = TREADLE_REUSE_LIFO,
    .private_stacks = true,
};

static const struct treadle_target tagged = {
    .name = "overflowcas/tagged",
    .description = "the same with a generation tag beside the address",
    .setup = chain_setup,
    .programs = tagged_programs,
    .program_count = 2,
    .final = chain_final,
    .reuse = TREADLE_REUSE_LIFO,
    .private_stacks = true,
};

static const struct treadle_target lost_node = {
    .name = "overflowcas/lost-node",
    .description = "a failed CAS leaves the new bucket on no chain",
    .setup = chain_setup,
    .programs = lost_node_programs,
    .program_count = 2,
    .final = chain_final,
    .expects = TREADLE_SET(LEAK),
    .requires = { { .verdict = TREADLE_LEAK } },
    .requirement_count = 1,
    .reuse = TREADLE_REUSE_LIFO,
    .private_stacks = true,
};

__attribute__((constructor)) static void overflowcas_register(void)
{
    treadle_register(&aba);
    treadle_register(&tagged);
    treadle_register(&lost_node);
}
