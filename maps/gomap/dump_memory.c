/* dump_memory.c: text kept for the next dump. NOT instrumented. */
#include "gomap/dump_memory.h"

#include <stdlib.h>

struct dump_memory *dump_memory_create(void)
{
    struct dump_memory *memory = malloc(sizeof *memory); /* most of it is never touched */
    if (memory == NULL)
        abort();
    dump_memory_forget(memory);
    return memory;
}

void dump_memory_forget(struct dump_memory *memory)
{
    memset(memory->addresses, 0, sizeof memory->addresses);
}

void dump_memory_keep(struct dump_memory *memory, size_t slot, const void *content, size_t bytes,
                      uint64_t tag, const struct text *out, size_t start)
{
    size_t count = out->count - start;
    if (count > DUMP_TEXT_BYTES_MAX || bytes > DUMP_CONTENT_BYTES_MAX)
        return;
    slot %= DUMP_MEMORY_COUNT;
    memory->addresses[slot] = (uintptr_t)content;
    struct dump_piece *piece = &memory->pieces[slot];
    memcpy(piece->content, content, bytes);
    piece->tag = tag;
    piece->count = count;
    memcpy(piece->text, out->bytes + start, count);
}
