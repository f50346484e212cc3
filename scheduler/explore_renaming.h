/* explore_renaming.h: ids in another order of an execution's events. Inside the engine. */
#ifndef TREADLE_EXPLORE_RENAMING_H
#define TREADLE_EXPLORE_RENAMING_H

#include "explore_stores.h"
#include "scheduler.h"

/* Goroutines and drainers get their ids in the order in which they are created, which is another
 * one in another order of the events. */
struct renaming {
    bool needed;
    uint32_t next, next_drainer;
    uint16_t to[GOROUTINES_MAX + DRAINERS_MAX]; /* 0: not known yet */
};

static inline void renaming_begin(struct renaming *renaming)
{
    renaming->needed = scheduler.goroutine_count > execution.target->program_count + 1
                       || (explore_buffers() && scheduler.drainer_count > 1);
    if (!renaming->needed)
        return;
    renaming->next_drainer = scheduler.drainer_base;
    for (uint32_t i = 0; i < scheduler.drainer_count; i++)
        renaming->to[scheduler.drainer_base + i] = 0;
    renaming->next = execution.target->program_count + 1;
    for (uint32_t i = 0; i < scheduler.goroutine_count; i++)
        renaming->to[i] = (uint16_t)i;
}

static inline void renaming_note(struct renaming *renaming, const struct event *event)
{
    if (!renaming->needed)
        return;
    if (event->kind == EVENT_GO)
        renaming->to[event->value_written] = (uint16_t)renaming->next++;
    else if ((event->order & EVENT_BUFFERED) && renaming->to[event->store] == 0)
        renaming->to[event->store] = (uint16_t)renaming->next_drainer++;
}

static inline uint32_t renamed(const struct renaming *renaming, uint32_t goroutine)
{
    return renaming->needed ? renaming->to[goroutine] : goroutine;
}

#endif
