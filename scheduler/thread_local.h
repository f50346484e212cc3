/* thread_local.h: the thread-locals of a whole program's threads, libc's errno among them. All
 * goroutines run on one thread of the operating system; what belongs to a thread is found through
 * the processor's fs register. So each goroutine gets a thread pointer of its own, made by a real
 * thread that then sleeps for ever: its stack, at whose top the C library puts thread-locals and
 * its own data, lies at a fixed address.
 *
 * Invariant in an execution of a whole program: fs is the running goroutine's. */
#ifndef TREADLE_THREAD_LOCAL_H
#define TREADLE_THREAD_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "goroutine.h"

/* fs belongs to the thread that runs the engine, and its value as that is. */
void thread_local_open(void);

/* Gives goroutine number `id` a thread pointer, if it has none yet, and puts the program's
 * thread-locals that it leads to back to their initial values. */
void thread_local_prepare(uint32_t id);

/* From here on fs is that of goroutine number `id`; that of the thread itself. */
void thread_local_leave(void);
void thread_local_switch(uint64_t pointer); /* without the instruction */

/* A word of 8 bytes that belongs to goroutine number `id` and to nobody else. */
void *thread_local_word(uint32_t id);

/* Number of the goroutine whose thread-locals hold [address, address + bytes); -1 if none. */
int32_t thread_local_of_address(uint64_t address, uint64_t bytes);

/* How far below (above: negative) goroutine number `id`'s thread pointer address lies. */
int64_t thread_local_offset(uint32_t id, uint64_t address);

/* The program's thread-locals of goroutine number `id`: first byte, in *ret_bytes how many. */
const void *thread_local_block(uint32_t id, uint64_t *ret_bytes);

/* ---- the way of each switch ------------------------------------------------------------------ */

extern uint64_t thread_local_pointers[GOROUTINES_MAX];
extern bool thread_local_has_instruction; /* wrfsbase */

static inline void thread_local_enter(uint32_t id)
{
    if (__builtin_expect(thread_local_has_instruction, 1))
        __asm__ volatile("wrfsbase %0" : : "r"(thread_local_pointers[id]) : "memory");
    else
        thread_local_switch(thread_local_pointers[id]);
}

#endif
