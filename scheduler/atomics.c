/* atomics.c: C11 atomics of 1 to 8 bytes, as -fsanitize=thread makes subjects call them. Each is
 * one event; as only one goroutine runs at a time, plain C performs it. */
#include "announce.h"

/* Announces; afterwards the operation can take place. NULL where it is no event. sought: of a
 * compare-and-swap. */
ALWAYS_INLINE struct event *atomic_begin(enum event_kind kind, int order,
                                         const volatile void *memory, uint32_t size,
                                         uint64_t sought, uint64_t pc)
{
    uint64_t address = (uint64_t)memory;
    struct event *event = NULL;
    if (!announce_is_private(address))
        event = announce(kind, (enum event_order)(order & 7), address, size, pc);
    if (kind == EVENT_ATOMIC_CAS && event != NULL)
        event->source = sought;
    memory_check(address, size, kind != EVENT_ATOMIC_LOAD);
    return event;
}

/* Where nothing is recorded the compiler's own operation does it: outside executions a subject may
 * run on real threads (a program without --treadle does). The set-up's accesses are checked. */
static __attribute__((noinline, cold)) void atomic_unrecorded(const volatile void *memory,
                                                             uint32_t size, bool writes)
{
    if (execution.phase == PHASE_SETUP)
        memory_check((uint64_t)memory, size, writes);
}

#define ATOMIC_IS_UNRECORDED __builtin_expect(!announce_records(), 0)

ALWAYS_INLINE void atomic_end(struct event *event, uint64_t value_read, uint64_t value_written)
{
    if (event != NULL) {
        event->value_read = value_read;
        event->value_written = value_written;
    }
}

#define ATOMIC_RMW(bits, name, builtin, expression)                                                \
    HOOK uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *memory,              \
                                                     uint##bits##_t operand, int order);           \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *memory,                   \
                                                uint##bits##_t operand, int order)                 \
    {                                                                                              \
        if (ATOMIC_IS_UNRECORDED) {                                                                \
            atomic_unrecorded(memory, bits / 8, true);                                             \
            return builtin(memory, operand, __ATOMIC_SEQ_CST);                                     \
        }                                                                                          \
        struct event *event =                                                                      \
            atomic_begin(EVENT_ATOMIC_RMW, order, memory, bits / 8, 0, HOOK_PC);                   \
        uint##bits##_t old = *memory;                                                              \
        uint##bits##_t new = (uint##bits##_t)(expression);                                         \
        *memory = new;                                                                             \
        atomic_end(event, old, new);                                                               \
        return old;                                                                                \
    }

/* A weak one never fails spuriously here: what that could show, a failure by interference shows. */
#define ATOMIC_CAS(bits, name)                                                                     \
    HOOK int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *memory,        \
                                                           uint##bits##_t *expected,               \
                                                           uint##bits##_t desired, int order,      \
                                                           int failure_order);                     \
    int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *memory,             \
                                                      uint##bits##_t *expected,                    \
                                                      uint##bits##_t desired, int order,           \
                                                      int failure_order)                           \
    {                                                                                              \
        (void)failure_order;                                                                       \
        if (ATOMIC_IS_UNRECORDED) {                                                                \
            atomic_unrecorded(memory, bits / 8, true);                                             \
            return __atomic_compare_exchange_n(memory, expected, desired, false, __ATOMIC_SEQ_CST, \
                                               __ATOMIC_SEQ_CST);                                  \
        }                                                                                          \
        uint##bits##_t sought = *expected;                                                         \
        struct event *event =                                                                      \
            atomic_begin(EVENT_ATOMIC_CAS, order, memory, bits / 8, sought, HOOK_PC);              \
        uint##bits##_t old = *memory;                                                              \
        bool success = old == sought;                                                              \
        if (success)                                                                               \
            *memory = desired;                                                                     \
        else                                                                                       \
            *expected = old;                                                                       \
        atomic_end(event, old, success ? desired : old);                                           \
        if (event != NULL)                                                                         \
            event->success = success;                                                              \
        return success;                                                                            \
    }

#define ATOMICS(bits)                                                                              \
    HOOK uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *memory,          \
                                                   int order);                                     \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *memory, int order)    \
    {                                                                                              \
        if (ATOMIC_IS_UNRECORDED) {                                                                \
            atomic_unrecorded(memory, bits / 8, false);                                            \
            return __atomic_load_n(memory, __ATOMIC_SEQ_CST);                                      \
        }                                                                                          \
        struct event *event =                                                                      \
            atomic_begin(EVENT_ATOMIC_LOAD, order, memory, bits / 8, 0, HOOK_PC);                  \
        uint##bits##_t value = *memory;                                                            \
        atomic_end(event, value, 0);                                                               \
        return value;                                                                              \
    }                                                                                              \
    HOOK void __tsan_atomic##bits##_store(volatile uint##bits##_t *memory, uint##bits##_t value,   \
                                          int order);                                              \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *memory, uint##bits##_t value,        \
                                     int order)                                                    \
    {                                                                                              \
        if (ATOMIC_IS_UNRECORDED) {                                                                \
            atomic_unrecorded(memory, bits / 8, true);                                             \
            __atomic_store_n(memory, value, __ATOMIC_SEQ_CST);                                     \
            return;                                                                                \
        }                                                                                          \
        struct event *event =                                                                      \
            atomic_begin(EVENT_ATOMIC_STORE, order, memory, bits / 8, 0, HOOK_PC);                 \
        if (event != NULL)                                                                         \
            event->source = *memory;                                                               \
        announce_store(event);                                                                     \
        *memory = value;                                                                           \
        atomic_end(event, 0, value);                                                               \
    }                                                                                              \
    ATOMIC_RMW(bits, exchange, __atomic_exchange_n, operand)                                       \
    ATOMIC_RMW(bits, fetch_add, __atomic_fetch_add, old + operand)                                 \
    ATOMIC_RMW(bits, fetch_sub, __atomic_fetch_sub, old - operand)                                 \
    ATOMIC_RMW(bits, fetch_and, __atomic_fetch_and, old & operand)                                 \
    ATOMIC_RMW(bits, fetch_or, __atomic_fetch_or, old | operand)                                   \
    ATOMIC_RMW(bits, fetch_xor, __atomic_fetch_xor, old ^ operand)                                 \
    ATOMIC_RMW(bits, fetch_nand, __atomic_fetch_nand, ~(old & operand))                            \
    ATOMIC_CAS(bits, strong)                                                                       \
    ATOMIC_CAS(bits, weak)                                                                         \
    HOOK uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                \
        volatile uint##bits##_t *memory, uint##bits##_t expected, uint##bits##_t desired,          \
        int order, int failure_order);                                                             \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                     \
        volatile uint##bits##_t *memory, uint##bits##_t expected, uint##bits##_t desired,          \
        int order, int failure_order)                                                              \
    {                                                                                              \
        (void)failure_order;                                                                       \
        if (ATOMIC_IS_UNRECORDED) {                                                                \
            atomic_unrecorded(memory, bits / 8, true);                                             \
            __atomic_compare_exchange_n(memory, &expected, desired, false, __ATOMIC_SEQ_CST,       \
                                        __ATOMIC_SEQ_CST);                                         \
            return expected;                                                                       \
        }                                                                                          \
        struct event *event =                                                                      \
            atomic_begin(EVENT_ATOMIC_CAS, order, memory, bits / 8, expected, HOOK_PC);            \
        uint##bits##_t old = *memory;                                                              \
        if (old == expected)                                                                       \
            *memory = desired;                                                                     \
        atomic_end(event, old, old == expected ? desired : old);                                   \
        if (event != NULL)                                                                         \
            event->success = old == expected;                                                      \
        return old;                                                                                \
    }

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    if (announce_records())
        announce(EVENT_FENCE, (enum event_order)(order & 7), 0, 0, HOOK_PC);
    else
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Orders against signal handlers only, of which there are none. */
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order) { (void)order; }
