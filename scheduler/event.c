/* event.c: what events are called and which of them depend on each other. */
#include "event.h"

#include "check.h"

static const char *const EVENT_NAMES[EVENT_KIND_COUNT] = {
#define X(name, text, does) [EVENT_##name] = text,
    EVENT_KINDS(X)
#undef X
};

const char *event_kind_name(enum event_kind kind)
{
    CHECK((unsigned)kind, <, (unsigned)EVENT_KIND_COUNT);
    return EVENT_NAMES[kind];
}

/* A copy's source is read in addition to what the table says of its address. */
static bool copy_reads_what_is_written(const struct event *copy, const struct event *other)
{
    return copy->kind == EVENT_COPY && (EVENT_KINDS_THAT(WRITES) >> other->kind & 1)
           && !(other->order & EVENT_BUFFERED)
           && event_bytes_overlap(copy->source, copy->size, other->address, other->size);
}

bool event_conflicts_specially(const struct event *a, const struct event *b)
{
    if (a->kind == EVENT_END || b->kind == EVENT_END)
        return true;
    bool buffered = (a->order | b->order) & EVENT_BUFFERED; /* of two stores one writes nothing */
    return (!buffered && event_bytes_overlap(a->address, a->size, b->address, b->size))
           || copy_reads_what_is_written(a, b) || copy_reads_what_is_written(b, a);
}
