/* event.c: what events are called and which of them depend on each other. */
#include "event.h"

#include "check.h"

static const char *const EVENT_NAMES[EVENT_KIND_COUNT] = {
#define X(name, text, does) [EVENT_##name] = text,
    EVENT_KINDS(X)
#undef X
};

/* What a kind may do to [address, address + size). */
static const uint8_t EVENT_EFFECTS[EVENT_KIND_COUNT] = {
#define X(name, text, does) [EVENT_##name] = does,
    EVENT_KINDS(X)
#undef X
};

const char *event_kind_name(enum event_kind kind)
{
    CHECK((unsigned)kind, <, (unsigned)EVENT_KIND_COUNT);
    return EVENT_NAMES[kind];
}

unsigned event_effect(const struct event *event)
{
    bool may_fail = event->kind == EVENT_ATOMIC_CAS || event->kind == EVENT_TRYLOCK;
    if (may_fail && !event->success)
        return EVENT_READS;
    return EVENT_EFFECTS[event->kind];
}

/* Whether [a, a + a_bytes) and [b, b + b_bytes) have a byte in common; neither sum is computed, so
 * wild addresses at the end of memory are fine. */
static bool overlap(uint64_t a, uint32_t a_bytes, uint64_t b, uint32_t b_bytes)
{
    return a <= b ? b - a < a_bytes && b_bytes > 0 : a - b < b_bytes && a_bytes > 0;
}

/* A copy's source is read in addition to what the table says of its address. */
static bool copy_reads_what_is_written(const struct event *copy, const struct event *other)
{
    return copy->kind == EVENT_COPY && (EVENT_EFFECTS[other->kind] & EVENT_WRITES)
           && overlap(copy->source, copy->size, other->address, other->size);
}

/* Goes by what the kinds may do: whether a CAS or TRYLOCK succeeds is not known of a pending one,
 * and the record does not tell a pending event from a failed one. */
bool event_conflicts(const struct event *a, const struct event *b)
{
    unsigned a_effect = EVENT_EFFECTS[a->kind];
    unsigned b_effect = EVENT_EFFECTS[b->kind];
    if (a_effect != 0 && b_effect != 0 && ((a_effect | b_effect) & EVENT_WRITES)
        && overlap(a->address, a->size, b->address, b->size))
        return true;
    return copy_reads_what_is_written(a, b) || copy_reads_what_is_written(b, a);
}
