/* names.h: what code and memory are called, from the DWARF of the running program (libdw, of
 * elfutils). Names are for reports, anchors and fingerprints; nothing is decided by them while an
 * execution runs. Every returned string lives until names_close(). */
#ifndef TREADLE_NAMES_H
#define TREADLE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct names_place {
    const char *function; /* innermost inlined one that contains the code */
    const char *file;     /* base name */
    uint32_t line;        /* of the file */
    uint32_t line_in_function; /* line - line of the function's declaration */
};

/* The place of the call that returns to pc (so pc - 1 is looked up). False if nothing is known;
 * then *ret_place has function "?" and zeros. Cached by pc. */
bool names_place(uint64_t pc, struct names_place *ret_place);

/* The member of struct `type` at byte `offset`, as "hmap.oldbuckets", nested ones with dots, array
 * members with their index when with_index ("bmap.tophash[3]") and without it otherwise. The block
 * may hold an array of the struct: offset is taken modulo its size, and with_index puts the
 * element before the dot when the block has more than one ("bmap[2].keys[1]", given by
 * block_bytes). Never NULL: unknown type or padding gives "type+offset". Cached. */
const char *names_field(const char *type, uint64_t block_bytes, uint64_t offset, bool with_index);

/* The global variable that holds address, with its member ("counter", "state.next[2]"); NULL if
 * there is none. */
const char *names_global(uint64_t address, bool with_index);

/* Frees all that was read. */
void names_close(void);

#endif
