/* frontier.h: executions still to be made (explore.h), where they wait, travel and are saved: one
 * behind the other in one piece of memory, oldest first. An exploration is what it has done and its
 * frontier: any part of that may be done anywhere. */
#ifndef TREADLE_FRONTIER_H
#define TREADLE_FRONTIER_H

#include "../scheduler/explore.h"

struct frontier {
    uint8_t *bytes;
    size_t byte_count, byte_capacity;
    size_t count; /* items */
};

/* Adds copies of items as the newest; of all that wait in an explorer. */
void frontier_add(struct frontier *frontier, const struct explore_item *item);
void frontier_add_all(struct frontier *frontier, const struct frontier *other);
void frontier_add_explorer(struct frontier *frontier, const struct explorer *explorer);

/* Room for byte_count bytes of items, which the caller fills in; then tells whether they are items
 * indeed. Whatever the frontier held is gone. */
void *frontier_room(struct frontier *frontier, size_t byte_count);
bool frontier_filled(struct frontier *frontier, size_t byte_count);

/* Moves the newest `count` items over, as the newest there. */
void frontier_move(struct frontier *from, struct frontier *to, size_t count);

/* The item behind `item`, the first one for NULL; NULL behind the last. */
const struct explore_item *frontier_next(const struct frontier *frontier,
                                         const struct explore_item *item);

/* Empty, with its memory kept for the next; or given back. */
void frontier_clear(struct frontier *frontier);
void frontier_deinit(struct frontier *frontier);

#endif
