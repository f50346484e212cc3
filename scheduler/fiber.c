/* fiber.c: the stacks of fibers, mapped once, reused by every execution. */
#define _GNU_SOURCE
#include "fiber.h"

#include <sys/mman.h>

#include "check.h"

FIBER_RETURN;

uint32_t fibers_mapped;

void fiber_map(uint32_t number)
{
    CHECK(number, <, (uint32_t)FIBER_COUNT_MAX);
    if (fibers_mapped == 0) {
        void *base = mmap((void *)FIBER_BASE, FIBER_COUNT_MAX * FIBER_STRIDE,
                          PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (base != (void *)FIBER_BASE)
            check_limit("cannot map the stacks at 0x%llx; is the address space limited (ulimit -v)?",
                        (unsigned long long)FIBER_BASE);
    }
    for (; fibers_mapped <= number; fibers_mapped++) {
        int failed = mprotect((void *)(FIBER_BASE + fibers_mapped * FIBER_STRIDE),
                              FIBER_GUARD_BYTES, PROT_NONE);
        CHECK(failed, ==, 0);
    }
}

bool fiber_is_guard(uint64_t address)
{
    uint64_t offset = address - FIBER_BASE;
    return offset < FIBER_COUNT_MAX * FIBER_STRIDE && offset % FIBER_STRIDE < FIBER_GUARD_BYTES;
}

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

static struct fiber *fiber_left; /* who switched to the running fiber */

void fiber_switch(struct fiber *from, struct fiber *to)
{
    if (from == to)
        return;
    fiber_left = from;
    __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->bytes);
    fiber_swap(&from->stack_pointer, &to->stack_pointer);
    __sanitizer_finish_switch_fiber(from->fake_stack, &fiber_left->bottom, &fiber_left->bytes);
}

void fiber_started(void)
{
    __sanitizer_finish_switch_fiber(NULL, &fiber_left->bottom, &fiber_left->bytes);
}
#endif
