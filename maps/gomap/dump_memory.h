/* dump_memory.h: how pieces of memory were written in the dump before. A dump after each of a
 * million operations must cost no more than the text itself, and most of a map is as it was: text
 * is kept under the address of what it describes, and written again as long as that has the same
 * bytes.
 *
 * Whether text may be kept is for the caller to know: it must follow from the bytes, their address
 * and the tag.
 */
#ifndef GOMAP_DUMP_MEMORY_H
#define GOMAP_DUMP_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gomap/text.h"

enum {
    DUMP_MEMORY_COUNT = 4096,
    DUMP_CONTENT_BYTES_MAX = 144,
    DUMP_TEXT_BYTES_MAX = 512,
};

/* Compares and copies go by pairs of words. */
typedef uint64_t dump_pair __attribute__((vector_size(16), aligned(8), may_alias));
enum { DUMP_PAIRS_MAX = DUMP_CONTENT_BYTES_MAX / sizeof(dump_pair) };

struct dump_piece {
    dump_pair content[DUMP_PAIRS_MAX];
    uint64_t tag;
    size_t count;
    char text[DUMP_TEXT_BYTES_MAX];
};

/* A piece stands in the slot that its caller computes; slots wrap around. */
struct dump_memory {
    uintptr_t addresses[DUMP_MEMORY_COUNT]; /* 0: the slot is free */
    struct dump_piece pieces[DUMP_MEMORY_COUNT];
};

/* An empty memory; free() destroys it. */
struct dump_memory *dump_memory_create(void);
/* Forgets everything. */
void dump_memory_forget(struct dump_memory *memory);
/* Keeps what was written of these bytes (a multiple of 16) from start on, if it is short enough. */
void dump_memory_keep(struct dump_memory *memory, size_t slot, const void *content, size_t bytes,
                      uint64_t tag, const struct text *out, size_t start);

static inline bool dump_memory_same(const struct dump_piece *piece, const dump_pair *content,
                                    size_t pair_count)
{
    dump_pair differ = { 0, 0 };
    for (size_t i = 0; i < pair_count; i++)
        differ |= piece->content[i] ^ content[i];
    return (differ[0] | differ[1]) == 0;
}

/* Appends what was kept of these bytes, if they are still the same. False: nothing was. */
static inline bool dump_memory_recall(const struct dump_memory *memory, size_t slot,
                                      const void *content, size_t bytes, uint64_t tag,
                                      struct text *out)
{
    slot %= DUMP_MEMORY_COUNT;
    const struct dump_piece *piece = &memory->pieces[slot];
    if (memory->addresses[slot] != (uintptr_t)content || piece->tag != tag
        || !dump_memory_same(piece, content, bytes / sizeof(dump_pair)))
        return false;
    text_bytes(out, piece->text, piece->count);
    return true;
}

#endif
