/* explore_fewest.c: the search for an order with the fewest preemptions. */
#include "explore_fewest.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_FUNCTION(key, key_bytes, value) memcpy(&(value), key, sizeof(value))
#include <uthash.h>

#include "explore_renaming.h"

#define NODES_MAX 40000u

/* After some events: its row says how many of each goroutine. */
struct fewest_node {
    uint32_t parent;
    uint32_t run;    /* so many times somebody was chosen since: always the same one, */
    uint16_t runner; /* this one */
    uint16_t turn;   /* whose turn it is then */
};

struct fewest_seen {
    XXH128_hash_t state;
    UT_hash_handle hh;
};

static int16_t *row_of(const struct explore_fewest *fewest, uint32_t node)
{
    return &fewest->rows[(size_t)node * fewest->width];
}

static bool is_drainer(uint32_t id)
{
    return id >= scheduler.drainer_base;
}

static void fewest_begin(struct explore_fewest *fewest, uint32_t width)
{
    if (fewest->node_capacity == 0) {
        fewest->node_capacity = NODES_MAX;
        fewest->nodes = explore_room(NULL, NODES_MAX, sizeof *fewest->nodes);
        fewest->now = explore_room(NULL, NODES_MAX, sizeof *fewest->now);
        fewest->later = explore_room(NULL, NODES_MAX, sizeof *fewest->later);
        fewest->seen_items = explore_room(NULL, NODES_MAX, sizeof *fewest->seen_items);
    }
    if (fewest->width != width)
        fewest->rows =
            explore_room(fewest->rows, (size_t)NODES_MAX * width, sizeof *fewest->rows);
    fewest->width = width;
    HASH_CLEAR(hh, fewest->seen);
    fewest->node_count = fewest->seen_count = fewest->now_count = fewest->later_count = 0;
}

/* A new node behind `parent`, with its row; NULL if there is no room. */
static struct fewest_node *node_add(struct explore_fewest *fewest, uint32_t parent, uint32_t runner,
                                    bool later)
{
    if (fewest->node_count == fewest->node_capacity)
        return NULL;
    uint32_t index = fewest->node_count++;
    explore_copy(row_of(fewest, index), row_of(fewest, parent), fewest->width);
    if (later)
        fewest->later[fewest->later_count++] = index;
    else
        fewest->now[fewest->now_count++] = index;
    struct fewest_node *node = &fewest->nodes[index];
    uint32_t turn = is_drainer(runner) ? fewest->nodes[parent].turn : runner;
    *node = (struct fewest_node){ .parent = parent,
                                  .run = 1,
                                  .runner = (uint16_t)runner,
                                  .turn = (uint16_t)turn };
    return node;
}

/* Whether a node with these events and this turn was looked at; notes that it is now. */
static bool node_seen(struct explore_fewest *fewest, uint32_t index)
{
    struct fewest_seen *seen = &fewest->seen_items[fewest->seen_count], *known;
    XXH3_state_t hash;
    XXH3_128bits_reset(&hash);
    XXH3_128bits_update(&hash, row_of(fewest, index), fewest->width * sizeof *fewest->rows);
    XXH3_128bits_update(&hash, &fewest->nodes[index].turn, sizeof fewest->nodes[index].turn);
    seen->state = XXH3_128bits_digest(&hash);
    HASH_FIND(hh, fewest->seen, &seen->state, sizeof seen->state, known);
    if (known != NULL)
        return true;
    fewest->seen_count++;
    HASH_ADD(hh, fewest->seen, state, sizeof seen->state, seen);
    return false;
}

/* Adds what the runner can do first; it goes on as long as nothing speaks for another one. */
static bool add_run(struct explore_fewest *fewest, struct explore_trace *trace, uint32_t parent,
                    uint32_t runner, bool later)
{
    struct fewest_node *node = node_add(fewest, parent, runner, later);
    if (node == NULL)
        return false;
    int16_t *row = row_of(fewest, fewest->node_count - 1);
    explore_take_next(trace, runner, row);
    while (explore_next_step(trace, runner, row) == EXPLORE_STEP_EXECUTES
           && !explore_next_lets_go_on(trace, runner, row)) {
        explore_take_next(trace, runner, row);
        node->run++;
    }
    return true;
}

/* Adds all that can come behind a node. Returns false if there is no room. */
static bool expand(struct explore_fewest *fewest, struct explore_trace *trace, uint32_t index)
{
    const uint32_t turn = fewest->nodes[index].turn;
    int16_t *row = row_of(fewest, index);
    enum explore_next_step own =
        turn == EXPLORE_NOBODY ? EXPLORE_STEP_NONE : explore_next_step(trace, turn, row);
    bool preempts = own == EXPLORE_STEP_EXECUTES || own == EXPLORE_STEP_OTHERWISE;
    for (uint32_t i = 0; i < trace->width; i++) {
        uint32_t runner = trace->order[i];
        enum explore_next_step step = runner == turn ? own : explore_next_step(trace, runner, row);
        if (step != EXPLORE_STEP_EXECUTES)
            continue;
        bool takes_turn = preempts && runner != turn && !is_drainer(runner);
        if (!add_run(fewest, trace, index, runner, takes_turn))
            return false;
    }
    return true;
}

/* The choices that lead to a node. */
static void make_steps(const struct explore_fewest *fewest, const struct explore_trace *trace,
                       uint32_t index, struct explore_steps *steps)
{
    static struct renaming renaming;
    uint32_t *path = fewest->later; /* no longer needed */
    uint32_t length = 0;
    for (; index != 0; index = fewest->nodes[index].parent)
        path[length++] = index;
    int16_t *row = row_of(fewest, 0);
    steps->count = 0;
    renaming_begin(&renaming);
    while (length > 0) {
        const struct fewest_node *node = &fewest->nodes[path[--length]];
        for (uint32_t i = 0; i < node->run; i++) {
            uint32_t n = (uint32_t)row[node->runner] + 1;
            uint32_t runner = renamed(&renaming, node->runner);
            explore_steps_add(steps, (struct explore_step){ .answer = (uint16_t)runner });
            explore_take_next(trace, node->runner, row);
            for (; n <= (uint32_t)row[node->runner]; n++) {
                const struct event *event =
                    &execution.trace[explore_position(trace, node->runner, n)];
                if (event->kind == EVENT_CHOOSE)
                    explore_steps_add(steps,
                                      (struct explore_step){ .answer = (uint16_t)event->value_read,
                                                             .data = true });
                renaming_note(&renaming, event);
            }
        }
    }
}

uint32_t explore_fewest(struct explore_fewest *fewest, struct explore_trace *trace, uint32_t limit,
                        struct explore_steps *ret_steps)
{
    fewest_begin(fewest, trace->width);
    memset(fewest->rows, 0, fewest->width * sizeof *fewest->rows);
    fewest->nodes[0] = (struct fewest_node){ .turn = EXPLORE_NOBODY };
    fewest->now[fewest->now_count++] = fewest->node_count++;
    for (uint32_t preemptions = 0; preemptions <= limit; preemptions++) {
        while (fewest->now_count > 0) {
            uint32_t index = fewest->now[--fewest->now_count];
            if (node_seen(fewest, index))
                continue;
            if (explore_covers(row_of(fewest, index), trace->totals, trace->width)) {
                make_steps(fewest, trace, index, ret_steps);
                return preemptions;
            }
            if (!expand(fewest, trace, index))
                return EXPLORER_FEWEST_UNKNOWN;
        }
        uint32_t *swap = fewest->now;
        fewest->now = fewest->later;
        fewest->later = swap;
        fewest->now_count = fewest->later_count;
        fewest->later_count = 0;
    }
    return EXPLORER_FEWEST_MORE;
}

void explore_fewest_clear(struct explore_fewest *fewest)
{
    HASH_CLEAR(hh, fewest->seen);
    free(fewest->nodes);
    free(fewest->rows);
    free(fewest->now);
    free(fewest->later);
    free(fewest->seen_items);
    *fewest = (struct explore_fewest){ 0 };
}
