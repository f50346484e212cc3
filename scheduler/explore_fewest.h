/* explore_fewest.h: an order of an execution's events with the fewest preemptions. Inside the
 * engine.
 *
 * All orders of a partial order are searched, those with none first, then those with one, and so
 * on; what differs only in how it came to the same events and the same turn is looked at once. A
 * goroutine goes on as long as it can, unless its next event lets another one go on that waits: to
 * execute any other one at once changes nothing for the rest, and takes no turn away. */
#ifndef TREADLE_EXPLORE_FEWEST_H
#define TREADLE_EXPLORE_FEWEST_H

#include "explore_reverse.h"

/* Memory of a search; kept for the next one. */
struct explore_fewest {
    struct fewest_node *nodes;
    int16_t *rows; /* of each node */
    uint32_t node_count, node_capacity, width;
    uint32_t *now, *later; /* nodes to be looked at: with as many preemptions; with one more */
    uint32_t now_count, later_count;
    struct fewest_seen *seen, *seen_items;
    uint32_t seen_count;
};

/* The fewest preemptions with which the events of the execution that trace was made of can be
 * ordered, and that order's choices. EXPLORER_FEWEST_MORE if it takes more than `limit`,
 * EXPLORER_FEWEST_UNKNOWN if there is too much to be searched. */
uint32_t explore_fewest(struct explore_fewest *fewest, struct explore_trace *trace, uint32_t limit,
                        struct explore_steps *ret_steps);

void explore_fewest_clear(struct explore_fewest *fewest);

#endif
