/* fiber.h: stacks that take turns on one thread. A fiber is a stack and, while it does not run, a
 * saved stack pointer; switching saves the general registers and nothing else (the floating-point
 * control words are never changed by what runs here). Stacks lie at fixed
 * addresses, one in each aligned window, above memory that no access may touch, and are reused from
 * execution to execution. */
#ifndef TREADLE_FIBER_H
#define TREADLE_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "fiber_x86_64.h"

#define FIBER_COUNT_MAX 1024
#define FIBER_STACK_BYTES (UINT64_C(8) << 20)
#define FIBER_GUARD_BYTES FIBER_STACK_BYTES
#define FIBER_STRIDE (FIBER_STACK_BYTES + FIBER_GUARD_BYTES) /* a power of two */
#define FIBER_BASE UINT64_C(0x300000000000)

/* A saved context: what fiber_switch needs to go on there. */
struct fiber {
    void *stack_pointer;
#ifdef __SANITIZE_ADDRESS__
    void *fake_stack;
    const void *bottom; /* of its stack, for the sanitizer */
    size_t bytes;
#endif
};

/* Number of the fiber whose stack (without its guard) holds address; -1 if none. */
static inline int32_t fiber_of_address(uint64_t address)
{
    uint64_t offset = address - FIBER_BASE;
    if (offset >= FIBER_COUNT_MAX * FIBER_STRIDE || offset % FIBER_STRIDE < FIBER_GUARD_BYTES)
        return -1;
    return (int32_t)(offset / FIBER_STRIDE);
}

/* Whether address lies below a stack: that stack has overflowed. */
bool fiber_is_guard(uint64_t address);

/* Saves the running context in from and goes on at to; returns when someone switches back. from
 * may be to. */
#ifdef __SANITIZE_ADDRESS__
void fiber_switch(struct fiber *from, struct fiber *to);
void fiber_started(void); /* first thing on a fresh fiber */
#else
static inline __attribute__((always_inline)) void fiber_switch(struct fiber *from, struct fiber *to)
{
    fiber_swap(&from->stack_pointer, &to->stack_pointer);
}
static inline void fiber_started(void) {}
#endif

/* ---- fresh fibers ---------------------------------------------------------------------------- */

/* Fibers that can be used: their guards are set up. fiber_map adds those up to number. */
extern uint32_t fibers_mapped;
void fiber_map(uint32_t number);

/* What a switch to a fresh fiber finds: where to go on. rsp is then 8 mod 16, as behind a call; the
 * word above it is the return address of entry, which never returns. */
struct fiber_frame {
    void (*entry)(void);
    uint64_t return_address;
};

/* The first address above fiber's frames. Tops are spread over cache sets: at equal offsets in
 * their pages the stacks would evict each other. */
static inline uint64_t fiber_top(uint32_t number)
{
    return FIBER_BASE + number * FIBER_STRIDE + FIBER_STRIDE - 64 - number % 16 * 192;
}

/* The same in the middle of its stack: what runs there leaves alone what lies above, as far as that
 * does not reach so deep. */
static inline uint64_t fiber_middle(uint32_t number)
{
    return fiber_top(number) - FIBER_STACK_BYTES / 2;
}

/* Makes fiber number `number` start at entry, its frames below top, when it is first switched to;
 * what ran there before is forgotten. entry must never return. */
static inline void fiber_prepare_at(struct fiber *fiber, uint32_t number, uint64_t top,
                                    void (*entry)(void))
{
    if (__builtin_expect(number >= fibers_mapped, 0))
        fiber_map(number);
    struct fiber_frame *frame = (struct fiber_frame *)top - 1;
#ifdef __SANITIZE_ADDRESS__
    fiber->bottom = (void *)(FIBER_BASE + number * FIBER_STRIDE + FIBER_GUARD_BYTES);
    fiber->bytes = FIBER_STACK_BYTES;
    fiber->fake_stack = NULL;
    __asan_unpoison_memory_region(fiber->bottom, fiber->bytes);
#endif
    frame->entry = entry;
    frame->return_address = 0;
    fiber->stack_pointer = frame;
}

/* The same on a fresh stack. */
static inline void fiber_prepare(struct fiber *fiber, uint32_t number, void (*entry)(void))
{
    fiber_prepare_at(fiber, number, fiber_top(number), entry);
}

#endif
