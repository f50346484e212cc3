/* test_subjects.c: see test_subjects.h. Linked into the engine's tests only. */
#include "test_subjects.h"

#include <stdatomic.h>
#include <string.h>

uint64_t subject_global;
uint64_t subject_globals[64];
struct words3 subject_global_words;
const uint64_t subject_constant = 42;

#define X(bits, type)                                                                              \
    type peek##bits(const type *from)                                                              \
    {                                                                                              \
        return *from;                                                                              \
    }                                                                                              \
    void poke##bits(type *to, type value)                                                          \
    {                                                                                              \
        *to = value;                                                                               \
    }                                                                                              \
    void bump##bits(type *at)                                                                      \
    {                                                                                              \
        *at = (type)(*at + 1);                                                                     \
    }
SUBJECT_SCALARS(X)
#undef X

/* ---- odd addresses --------------------------------------------------------------------------- */

uint16_t packed_half(const struct packed_record *from)
{
    return from->half;
}

uint32_t packed_word(const struct packed_record *from)
{
    return from->word;
}

uint64_t packed_wide(const struct packed_record *from)
{
    return from->wide;
}

void packed_set_half(struct packed_record *to, uint16_t value)
{
    to->half = value;
}

void packed_set_word(struct packed_record *to, uint32_t value)
{
    to->word = value;
}

void packed_set_wide(struct packed_record *to, uint64_t value)
{
    to->wide = value;
}

/* ---- structs --------------------------------------------------------------------------------- */

void copy8(struct words1 *to, const struct words1 *from)
{
    *to = *from;
}

void copy8_of_halves(struct halves2 *to, const struct halves2 *from)
{
    *to = *from;
}

void copy16(struct words2 *to, const struct words2 *from)
{
    *to = *from;
}

void copy24(struct words3 *to, const struct words3 *from)
{
    *to = *from;
}

void copy40(struct words5 *to, const struct words5 *from)
{
    *to = *from;
}

void copy96(struct words12 *to, const struct words12 *from)
{
    *to = *from;
}

void clear24(struct words3 *to)
{
    *to = (struct words3){ 0 };
}

void copy24_twice(struct words3 *to, const struct words3 *from, struct words3 *to_2,
                  const struct words3 *from_2)
{
    *to = *from;
    *to_2 = *from_2;
}

static __attribute__((noinline)) uint64_t sum(const struct words3 *words)
{
    __asm__ volatile("" ::: "memory");
    return words->word[0] + words->word[1] + words->word[2];
}

uint64_t sum24(const struct words3 *from)
{
    struct words3 copy = *from;
    return sum(&copy);
}

/* ---- the memory functions -------------------------------------------------------------------- */

void *subject_memcpy(void *to, const void *from, size_t bytes)
{
    return memcpy(to, from, bytes);
}

void *subject_memmove(void *to, const void *from, size_t bytes)
{
    return memmove(to, from, bytes);
}

void *subject_memset(void *to, int value, size_t bytes)
{
    return memset(to, value, bytes);
}

/* ---- atomics --------------------------------------------------------------------------------- */

#define X(bits, type)                                                                              \
    type atomic_load##bits(_Atomic type *from)                                                     \
    {                                                                                              \
        return atomic_load(from);                                                                  \
    }                                                                                              \
    type atomic_load_acquire##bits(_Atomic type *from)                                             \
    {                                                                                              \
        return atomic_load_explicit(from, memory_order_acquire);                                   \
    }                                                                                              \
    void atomic_store##bits(_Atomic type *to, type value)                                          \
    {                                                                                              \
        atomic_store(to, value);                                                                   \
    }                                                                                              \
    void atomic_store_release##bits(_Atomic type *to, type value)                                  \
    {                                                                                              \
        atomic_store_explicit(to, value, memory_order_release);                                    \
    }                                                                                              \
    type atomic_exchange##bits(_Atomic type *at, type value)                                       \
    {                                                                                              \
        return atomic_exchange(at, value);                                                         \
    }                                                                                              \
    type atomic_add##bits(_Atomic type *at, type value)                                            \
    {                                                                                              \
        return atomic_fetch_add(at, value);                                                        \
    }                                                                                              \
    type atomic_sub##bits(_Atomic type *at, type value)                                            \
    {                                                                                              \
        return atomic_fetch_sub(at, value);                                                        \
    }                                                                                              \
    type atomic_and##bits(_Atomic type *at, type value)                                            \
    {                                                                                              \
        return atomic_fetch_and(at, value);                                                        \
    }                                                                                              \
    type atomic_or##bits(_Atomic type *at, type value)                                             \
    {                                                                                              \
        return atomic_fetch_or(at, value);                                                         \
    }                                                                                              \
    type atomic_xor##bits(_Atomic type *at, type value)                                            \
    {                                                                                              \
        return atomic_fetch_xor(at, value);                                                        \
    }                                                                                              \
    type atomic_nand##bits(_Atomic type *at, type value)                                           \
    {                                                                                              \
        return __atomic_fetch_nand((type *)at, value, __ATOMIC_SEQ_CST);                           \
    }                                                                                              \
    type atomic_cas##bits(_Atomic type *at, type expected, type desired)                           \
    {                                                                                              \
        (void)atomic_compare_exchange_strong(at, &expected, desired);                              \
        return expected;                                                                           \
    }                                                                                              \
    type atomic_cas_weak_relaxed##bits(_Atomic type *at, type expected, type desired)              \
    {                                                                                              \
        (void)atomic_compare_exchange_weak_explicit(at, &expected, desired, memory_order_relaxed,  \
                                                    memory_order_relaxed);                         \
        return expected;                                                                           \
    }                                                                                              \
    type atomic_cas_sync##bits(_Atomic type *at, type expected, type desired)                      \
    {                                                                                              \
        return __sync_val_compare_and_swap((type *)at, expected, desired);                         \
    }
SUBJECT_ATOMICS(X)
#undef X

void subject_fence(void)
{
    atomic_thread_fence(memory_order_acquire);
}

/* ---- loops ----------------------------------------------------------------------------------- */

void await_word(const volatile uint64_t *at)
{
    while (*at == 0)
        ;
}

void await_either(const volatile uint64_t *at, const volatile uint64_t *or)
{
    while (*at == 0 && *or == 0)
        ;
}

void spin_word(_Atomic uint64_t *at)
{
    uint64_t expected;
    do
        expected = 0;
    while (!atomic_compare_exchange_weak(at, &expected, 1));
}

void spin_lock(struct treadle_mutex *mutex)
{
    while (!treadle_mutex_trylock(mutex))
        ;
}

/* ---- what ends badly ------------------------------------------------------------------------- */

void write_to_null(void)
{
    __asm__ volatile("movl $1, 0" ::: "memory");
}

int divide(int dividend, int divisor)
{
    return dividend / divisor;
}

void illegal_instruction(void)
{
    __asm__ volatile("ud2");
}

uint64_t recurse(uint64_t depth)
{
    uint64_t room[8];
    __asm__ volatile("" : : "r"(room) : "memory");
    if (depth == 0)
        return 0;
    uint64_t levels = recurse(depth - 1) + 1;
    __asm__ volatile("" : : "r"(room) : "memory"); /* no tail call: the room is still in use */
    return levels;
}

void loop_without_hooks(void)
{
    for (;;)
        __asm__ volatile("");
}
