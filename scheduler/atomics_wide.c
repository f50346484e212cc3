/* atomics_wide.c: C11 atomics of 16 bytes (a pointer and its tag), as -fsanitize=thread makes
 * subjects call them. Each is one event, whose values are hashes like all long ones: so
 * exploration, which must know what a compare-and-swap would find elsewhere, refuses them. */
#include "announce.h"

typedef unsigned __int128 wide;

#define WIDE_BYTES ((uint32_t)sizeof(wide))

/* Announces; afterwards the operation can take place. NULL where it is no event. */
ALWAYS_INLINE struct event *wide_begin(enum event_kind kind, int order,
                                       const volatile void *memory, struct caller caller)
{
    uint64_t address = (uint64_t)memory;
    struct event *event = NULL;
    if (scheduler.exploring)
        check_limit("atomics of 16 bytes cannot be explored yet");
    if (announce_records() && !announce_is_private(address))
        event = announce_from(kind, (enum event_order)(order & 7), address, WIDE_BYTES, caller);
    if (execution.phase != PHASE_NONE)
        memory_check(address, WIDE_BYTES, kind != EVENT_ATOMIC_LOAD);
    return event;
}

/* The value there, as the event knows it. */
ALWAYS_INLINE uint64_t wide_value(const struct event *event)
{
    return memory_value(event->address, WIDE_BYTES);
}

/* Returns what it has found. Outside executions a subject may run on real threads: there it is one
 * instruction, which every x86-64 has but the first, and which clang does not make of a builtin. */
static wide wide_swap(volatile wide *memory, wide expected, wide desired)
{
    if (execution.phase == PHASE_NONE) {
        uint64_t low = (uint64_t)expected, high = (uint64_t)(expected >> 64);
        __asm__ volatile("lock cmpxchg16b %0"
                         : "+m"(*memory), "+a"(low), "+d"(high)
                         : "b"((uint64_t)desired), "c"((uint64_t)(desired >> 64))
                         : "cc", "memory");
        return (wide)high << 64 | low;
    }
    wide old = *memory;
    if (old == expected)
        *memory = desired;
    return old;
}

static wide wide_change(volatile wide *memory, wide expected, wide desired, int order,
                        struct caller caller)
{
    struct event *event = wide_begin(EVENT_ATOMIC_CAS, order, memory, caller);
    if (event != NULL) {
        event->source = memory_value((uint64_t)&expected, WIDE_BYTES);
        event->value_read = wide_value(event);
    }
    wide old = wide_swap(memory, expected, desired);
    if (event != NULL) {
        event->success = old == expected;
        event->value_written = wide_value(event);
    }
    return old;
}

wide __tsan_atomic128_load(const volatile wide *memory, int order);
wide __tsan_atomic128_load(const volatile wide *memory, int order)
{
    struct event *event = wide_begin(EVENT_ATOMIC_LOAD, order, memory, HOOK_CALLER);
    if (event != NULL)
        event->value_read = wide_value(event);
    return event != NULL ? *memory : wide_swap((volatile wide *)(uint64_t)memory, 0, 0);
}

void __tsan_atomic128_store(volatile wide *memory, wide value, int order);
void __tsan_atomic128_store(volatile wide *memory, wide value, int order)
{
    struct event *event = wide_begin(EVENT_ATOMIC_STORE, order, memory, HOOK_CALLER);
    announce_store(event);
    for (wide old = *memory, found; (found = wide_swap(memory, old, value)) != old;)
        old = found;
    if (event != NULL)
        event->value_written = wide_value(event);
}

#define WIDE_RMW(name, expression)                                                                 \
    wide __tsan_atomic128_##name(volatile wide *memory, wide operand, int order);                  \
    wide __tsan_atomic128_##name(volatile wide *memory, wide operand, int order)                   \
    {                                                                                              \
        struct event *event = wide_begin(EVENT_ATOMIC_RMW, order, memory, HOOK_CALLER);            \
        if (event != NULL)                                                                         \
            event->value_read = wide_value(event);                                                 \
        wide old = *memory;                                                                        \
        for (wide found; (found = wide_swap(memory, old, expression)) != old;)                     \
            old = found;                                                                           \
        if (event != NULL)                                                                         \
            event->value_written = wide_value(event);                                              \
        return old;                                                                                \
    }

WIDE_RMW(exchange, operand)
WIDE_RMW(fetch_add, old + operand)
WIDE_RMW(fetch_sub, old - operand)
WIDE_RMW(fetch_and, old & operand)
WIDE_RMW(fetch_or, old | operand)
WIDE_RMW(fetch_xor, old ^ operand)
WIDE_RMW(fetch_nand, ~(old & operand))

#define WIDE_CAS(name)                                                                             \
    int __tsan_atomic128_compare_exchange_##name(volatile wide *memory, wide *expected,            \
                                                 wide desired, int order, int failure_order);      \
    int __tsan_atomic128_compare_exchange_##name(volatile wide *memory, wide *expected,            \
                                                 wide desired, int order, int failure_order)       \
    {                                                                                              \
        (void)failure_order;                                                                       \
        wide sought = *expected;                                                                   \
        wide old = wide_change(memory, sought, desired, order, HOOK_CALLER);                       \
        if (old != sought)                                                                         \
            *expected = old;                                                                       \
        return old == sought;                                                                      \
    }

WIDE_CAS(strong)
WIDE_CAS(weak)

wide __tsan_atomic128_compare_exchange_val(volatile wide *memory, wide expected, wide desired,
                                           int order, int failure_order);
wide __tsan_atomic128_compare_exchange_val(volatile wide *memory, wide expected, wide desired,
                                           int order, int failure_order)
{
    (void)failure_order;
    return wide_change(memory, expected, desired, order, HOOK_CALLER);
}
