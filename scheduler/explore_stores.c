/* explore_stores.c: store buffers in exploration. A buffered store depends on nothing that others
 * do to memory; its drain does, like a store under sc, and is independent of its own goroutine's
 * accesses: what that loads, it takes from the store before the drain and from memory after it.
 *
 * But some orders are never otherwise: no choice could change them, so they are no races. */
#include "explore_stores.h"

#include "scheduler.h"
#include "store_buffer.h"

uint32_t explore_columns(void)
{
    return explore_buffers() ? scheduler.drainer_base + scheduler.drainer_count
                             : scheduler.goroutine_count;
}

uint32_t explore_owner(uint32_t goroutine)
{
    return explore_buffers() && goroutine >= scheduler.drainer_base
               ? buffer_drainer_owner(goroutine)
               : goroutine;
}

/* What a load reads; false for other events, and for a copy announced in two halves, which takes
 * what its view holds. */
static bool loads(const struct event *event, uint64_t *ret_address)
{
    bool copies = event->kind == EVENT_COPY;
    *ret_address = copies ? event->source : event->address;
    return copies ? !(event->order & EVENT_HALVES)
                  : event->kind == EVENT_READ || event->kind == EVENT_ATOMIC_LOAD;
}

/* Whether the load, behind so many events of its goroutine, waits until its bytes have drained: the
 * newest store to any of them is not to all of them. */
static bool load_waits(const struct explore_trace *trace, const struct event *load,
                       uint32_t before)
{
    uint64_t address;
    if (!loads(load, &address))
        return false;
    for (uint32_t n = before; n > 0; n--) {
        const struct event *store = &execution.trace[explore_position(trace, load->goroutine, n)];
        if (buffer_event_drains(store))
            return false;
        if ((store->order & EVENT_BUFFERED)
            && event_bytes_overlap(store->address, store->size, address, load->size))
            return !(store->address <= address
                     && address + load->size <= store->address + store->size);
    }
    return false;
}

bool explore_stores_order(const struct explore_trace *trace, const struct event *event,
                          uint32_t before)
{
    return event->kind == EVENT_DRAIN || buffer_event_drains(event)
           || load_waits(trace, event, before);
}

/* Whether the store at `older` must drain before the one at `newer`, of the same goroutine. */
static bool drains_before(uint32_t older, uint32_t newer)
{
    const struct event *a = &execution.trace[older], *b = &execution.trace[newer];
    if (older >= newer)
        return false;
    if (scheduler.memory == MEMORY_TSO
        || event_bytes_overlap(a->address, a->size, b->address, b->size)
        || b->order == (EVENT_RELEASE | EVENT_BUFFERED))
        return true;
    for (uint32_t i = older + 1; i < newer; i++) {
        const struct event *fence = &execution.trace[i];
        if (fence->kind == EVENT_FENCE && fence->goroutine == b->goroutine
            && (fence->order == EVENT_RELEASE || fence->order == EVENT_ACQ_REL))
            return true;
    }
    return false;
}

bool explore_store_precedes(uint32_t earlier, const struct event *event)
{
    const struct event *drain = &execution.trace[earlier];
    if (event->kind == EVENT_DRAIN && earlier == event->store)
        return true;
    if (drain->kind != EVENT_DRAIN)
        return false;
    if (event->kind == EVENT_JOIN && event_owner(drain) == event->source)
        return true;
    if (event_owner(drain) != event_owner(event))
        return false;
    if (event->kind == EVENT_DRAIN)
        return drains_before(drain->store, event->store);
    if (buffer_event_drains(event))
        return true;
    uint64_t address;
    return loads(event, &address)
           && event_bytes_overlap(drain->address, drain->size, address, event->size);
}
