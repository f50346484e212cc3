/* frontier.c: items in one piece of memory. */
#include "frontier.h"

#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"

/* More steps than any execution can have. */
#define STEPS_MAX (1u << 24)

static uint8_t *reserve(struct frontier *frontier, size_t bytes)
{
    size_t needed = frontier->byte_count + bytes;
    if (needed > frontier->byte_capacity) {
        frontier->byte_capacity = needed < 4096 ? 4096 : 2 * needed;
        frontier->bytes = realloc(frontier->bytes, frontier->byte_capacity);
        if (frontier->bytes == NULL)
            check_limit("no memory for the executions still to be explored");
    }
    return frontier->bytes + frontier->byte_count;
}

static void add_bytes(struct frontier *frontier, const void *items, size_t bytes, size_t count)
{
    if (bytes > 0)
        memcpy(reserve(frontier, bytes), items, bytes);
    frontier->byte_count += bytes;
    frontier->count += count;
}

void frontier_add(struct frontier *frontier, const struct explore_item *item)
{
    add_bytes(frontier, item, explore_item_bytes(item), 1);
}

void frontier_add_all(struct frontier *frontier, const struct frontier *other)
{
    add_bytes(frontier, other->bytes, other->byte_count, other->count);
}

void frontier_add_explorer(struct frontier *frontier, const struct explorer *explorer)
{
    for (size_t i = 0; i < explorer_item_count(explorer); i++)
        frontier_add(frontier, explorer_item(explorer, i));
}

void *frontier_room(struct frontier *frontier, size_t byte_count)
{
    frontier_clear(frontier);
    return reserve(frontier, byte_count);
}

bool frontier_filled(struct frontier *frontier, size_t byte_count)
{
    size_t count = 0, at = 0;
    while (byte_count - at >= sizeof(struct explore_item)) {
        const struct explore_item *item = (const void *)(frontier->bytes + at);
        if (item->step_count > STEPS_MAX || explore_item_bytes(item) > byte_count - at)
            return false;
        at += explore_item_bytes(item);
        count++;
    }
    frontier->byte_count = at;
    frontier->count = count;
    return at == byte_count;
}

void frontier_move(struct frontier *from, struct frontier *to, size_t count)
{
    CHECK(count, <=, from->count);
    const struct explore_item *item = NULL;
    for (size_t i = 0; i < from->count - count; i++)
        item = frontier_next(from, item);
    item = frontier_next(from, item);
    size_t kept = item != NULL ? (size_t)((const uint8_t *)item - from->bytes) : from->byte_count;
    add_bytes(to, from->bytes + kept, from->byte_count - kept, count);
    from->byte_count = kept;
    from->count -= count;
}

const struct explore_item *frontier_next(const struct frontier *frontier,
                                         const struct explore_item *item)
{
    const uint8_t *next = frontier->bytes;
    if (item != NULL)
        next = (const uint8_t *)item + explore_item_bytes(item);
    return next == NULL || next == frontier->bytes + frontier->byte_count ? NULL
                                                                          : (const void *)next;
}

void frontier_clear(struct frontier *frontier)
{
    frontier->byte_count = 0;
    frontier->count = 0;
}

void frontier_deinit(struct frontier *frontier)
{
    free(frontier->bytes);
    *frontier = (struct frontier){ 0 };
}
