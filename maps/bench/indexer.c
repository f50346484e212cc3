/* indexer.c: goroutines insert messages into one hash table (Flanagan, Godefroid: "Dynamic
 * Partial-Order Reduction for Model Checking Software", POPL 2005). Up to 11 of them share no
 * slot, which only the run can show; each further one meets another at three: 8^(N - 11) traces.
 * Slots are taken by compare-and-swap, or else each has a mutex. */
#include "treadle.h"

#include <stdatomic.h>

enum { SLOT_COUNT = 128, MESSAGES = 4, INSERTERS_MAX = 15 };

struct indexer_state {
    _Atomic uint64_t table[SLOT_COUNT]; /* 0 = free */
};

struct indexer_mutex_state {
    struct indexer_slot {
        struct treadle_mutex mutex;
        uint32_t message; /* 0 = free */
    } table[SLOT_COUNT];
};

/* The n-th message, from 1, of the running goroutine; the paper counts goroutines from 0. */
static uint32_t message_of_self(uint32_t n)
{
    return n * 11 + (treadle_self() - 1);
}

static uint32_t first_slot(uint32_t message)
{
    return message * 7 % SLOT_COUNT;
}

static void *indexer_setup(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct indexer_state), "indexer_state");
}

static bool take_by_swap(_Atomic uint64_t *slot, uint64_t message)
{
    uint64_t expected = 0;
    return atomic_compare_exchange_strong(slot, &expected, message);
}

static void insert(void *state, const void *argument)
{
    struct indexer_state *indexer = state;
    (void)argument;
    for (uint32_t n = 1; n <= MESSAGES; n++) {
        uint32_t message = message_of_self(n);
        uint32_t h = first_slot(message);
        while (!take_by_swap(&indexer->table[h], message))
            h = (h + 1) % SLOT_COUNT;
    }
}

static void *indexer_mutex_setup(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct indexer_mutex_state), "indexer_mutex_state");
}

static bool take_under_mutex(struct indexer_slot *slot, uint32_t message)
{
    treadle_mutex_lock(&slot->mutex);
    bool is_free = slot->message == 0;
    if (is_free)
        slot->message = message;
    treadle_mutex_unlock(&slot->mutex);
    return is_free;
}

static void insert_locked(void *state, const void *argument)
{
    struct indexer_mutex_state *indexer = state;
    (void)argument;
    for (uint32_t n = 1; n <= MESSAGES; n++) {
        uint32_t message = message_of_self(n);
        uint32_t h = first_slot(message);
        while (!take_under_mutex(&indexer->table[h], message))
            h = (h + 1) % SLOT_COUNT;
    }
}

static const struct treadle_program programs[] = {
    [0 ... INSERTERS_MAX - 1] = { "inserter", insert, NULL },
};

static const struct treadle_program locked_programs[] = {
    [0 ... INSERTERS_MAX - 1] = { "inserter", insert_locked, NULL },
};

#define INDEXER(n)                                                                                 \
    {                                                                                              \
        .name = "bench/indexer-" #n,                                                               \
        .description = #n " goroutines, 4 inserts each into a hash table by compare-and-swap",     \
        .setup = indexer_setup,                                                                    \
        .programs = programs,                                                                      \
        .program_count = n,                                                                        \
        .private_stacks = true,                                                                    \
    }

#define INDEXER_MUTEX(n)                                                                           \
    {                                                                                              \
        .name = "bench/indexer-mutex-" #n,                                                         \
        .description = #n " goroutines, 4 inserts each into a hash table, a mutex for each slot",  \
        .setup = indexer_mutex_setup,                                                              \
        .programs = locked_programs,                                                               \
        .program_count = n,                                                                        \
        .private_stacks = true,                                                                    \
    }

static const struct treadle_target targets[] = {
    INDEXER(12),       INDEXER(14),       INDEXER(15),
    INDEXER_MUTEX(12), INDEXER_MUTEX(14), INDEXER_MUTEX(15),
};

__attribute__((constructor)) static void indexer_register(void)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        treadle_register(&targets[i]);
}
