/* fiber_x86_64.h: the switch between two stacks on x86-64 (System V ABI). Nothing else in Treadle
 * depends on the architecture, but for the layout of a fresh stack in fiber.c (struct
 * fiber_frame) and the registers that a signal handler changes in crash.c.
 *
 * Inline, not a function, and without a single ret: a ret goes where the processor's own stack of
 * return addresses says, and that knows one stack only. A call of a switch function that comes
 * back on another stack leaves that predictor one entry off for every ret to come; an inline
 * switch leaves it as it is. (Measured here: ping-pong 7.2 ns with ret, 2.2 ns with a jump.) */
#ifndef TREADLE_FIBER_X86_64_H
#define TREADLE_FIBER_X86_64_H

#include <stdint.h>

/* Saves the running context, its stack pointer in *save, and goes on at the context whose stack
 * pointer is *load (save == load goes on at once). Its top words are: where to go on, rbx, rbp;
 * below the caller's red zone. The compiler saves what else it needs: all other registers are
 * clobbered. */
static inline __attribute__((always_inline)) void fiber_swap(void **save, void **load)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "push %%rbp\n\t"
                     "push %%rbx\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "push %%rax\n\t"
                     "mov %%rsp, (%0)\n\t"
                     "mov (%1), %%rsp\n\t"
                     "pop %%rax\n\t"
                     "jmp *%%rax\n"
                     "1:\n\t"
                     "pop %%rbx\n\t"
                     "pop %%rbp\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "+D"(save), "+S"(load)
                     :
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory",
                       "cc");
}

/* Of functions in which fibers switch: they return by a jump, FIBER_RETURN's. To the processor's
 * stack of return addresses the one that a fiber returns to after a switch is another fiber's; a
 * jump is predicted by the jumps before it, the switch among them. (Measured here: 1 to 4 % of all
 * time.) */
#if defined(__has_attribute) && __has_attribute(function_return)
#define FIBER_RETURNS __attribute__((function_return("thunk-extern")))
#else
#define FIBER_RETURNS
#endif

/* Stands in one file. The compiler gives its name. */
#define FIBER_RETURN                                                                               \
    __asm__(".text\n"                                                                              \
            ".p2align 4\n"                                                                         \
            ".globl __x86_return_thunk\n"                                                          \
            ".hidden __x86_return_thunk\n"                                                         \
            ".type __x86_return_thunk, @function\n"                                                \
            "__x86_return_thunk:\n\t"                                                              \
            ".cfi_startproc\n\t"                                                                   \
            "pop %r11\n\t"                                                                         \
            ".cfi_adjust_cfa_offset -8\n\t"                                                        \
            "jmp *%r11\n\t"                                                                        \
            ".cfi_endproc\n"                                                                       \
            ".size __x86_return_thunk, . - __x86_return_thunk")

/* An address in the running stack's current frame. */
static inline __attribute__((always_inline)) uint64_t fiber_stack_pointer(void)
{
    uint64_t pointer;
    __asm__("mov %%rsp, %0" : "=r"(pointer));
    return pointer;
}

#endif
