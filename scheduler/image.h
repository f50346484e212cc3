/* image.h: the data of a whole program (the open target's), and memory that is nobody's here.
 *
 * A program's data are its writable globals, without the engine's own, which treadle-cc keeps in
 * sections of their own. They are copied when the program is opened and copied back before each
 * execution, because libc writes to them without an event. *Foreign* memory is what else is mapped
 * in the process: what libc and other libraries have. A program may touch it (errno's tables, a
 * line that getline has read), but it lies wherever the system put it: neither its addresses nor
 * pointers into it may enter a hash. */
#ifndef TREADLE_IMAGE_H
#define TREADLE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Copies the data of the program that runs now. */
void image_open(void);

/* Puts them back. */
void image_restore(void);

/* Whether a program may read, or write, all of [address, address + bytes) outside arena, stacks and
 * thread-locals. */
bool image_permits(uint64_t address, uint64_t bytes, bool writes);

/* Whether the program's data hold all of it. */
bool image_holds(uint64_t address, uint64_t bytes);

/* Whether all of it is foreign memory (or thread-locals, which are not told apart here). */
bool image_is_mapped(uint64_t address, uint64_t bytes);

/* Whether address is, or a value is likely to be, that of foreign memory. What libc allocates for
 * the program lies there, too: not at the process's break, since each goroutine has a thread's own
 * arena (thread_local.h). But blocks from before main do, and are noted by image_add_foreign: all
 * from the first to the last of them counts as foreign. */
bool image_is_foreign(uint64_t address);
void image_add_foreign(uint64_t address, uint64_t bytes);

/* The byte that lay at that address of the executable's memory before the execution. */
uint8_t image_initial(uint64_t address);

/* The program's data: range number `index`; false if there is none. */
bool image_range(uint32_t index, uint64_t *ret_begin, uint64_t *ret_end);

#endif
