/* describe.c: events in words. Names come from names.h; this file puts them together. */
#include "describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/check.h"
#include "../scheduler/fiber.h"
#include "../scheduler/heap.h"
#include "../scheduler/thread_local.h"

/* An event that touches no memory; false for all others. */
static bool describe_without_memory(const struct event *event, bool with_index, char *text,
                                    size_t bytes)
{
    const char *label = (const char *)event->source;
    switch (event->kind) {
    case EVENT_GO:
    case EVENT_JOIN:
        snprintf(text, bytes, with_index ? "g%llu" : "-",
                 (unsigned long long)(event->kind == EVENT_GO ? event->value_written
                                                              : event->source));
        return true;
    case EVENT_CHOOSE:
    case EVENT_ALLOC:
        snprintf(text, bytes, "%s", label != NULL ? label : "-");
        return true;
    default:
        if (event->address != 0 || event->size != 0)
            return false;
        snprintf(text, bytes, "-");
        return true;
    }
}

static void describe_in_block(const struct event *event, const struct heap_block *block,
                              bool with_index, char *text, size_t bytes)
{
    unsigned long long offset = event->address - block->start;
    if (block->type != NULL && event->kind == EVENT_FREE)
        snprintf(text, bytes, "%s", block->type);
    else if (block->type != NULL)
        snprintf(text, bytes, "%s", names_field(block->type, block->bytes, offset, with_index));
    else if (with_index)
        snprintf(text, bytes, "block %u.%u+%llu", block->owner, block->serial, offset);
    else
        snprintf(text, bytes, "block+%llu", offset);
}

/* What libc keeps inside its objects (mutex.__data.__lock) is the object to everybody else. */
static void describe_global(const char *name, char *text, size_t bytes)
{
    const char *inside = strstr(name, ".__");
    int length = (int)(inside != NULL ? inside - name : (ptrdiff_t)strlen(name));
    snprintf(text, bytes, "%.*s", length, name);
}

void describe_object(const struct event *event, uint32_t position, bool with_index, char *text,
                     size_t bytes)
{
    if (describe_without_memory(event, with_index, text, bytes))
        return;
    const struct heap_block *block = heap_find_at(event->address, position);
    if (block != NULL) {
        describe_in_block(event, block, with_index, text, bytes);
        return;
    }
    int32_t fiber = fiber_of_address(event->address);
    int32_t thread = thread_local_of_address(event->address, 1);
    const char *global = fiber < 0 ? names_global(event->address, with_index) : NULL;
    if (fiber >= 0)
        snprintf(text, bytes, "stack of g%d", fiber);
    else if (thread >= 0)
        snprintf(text, bytes, "thread-local of g%d", thread);
    else if (global != NULL)
        describe_global(global, text, bytes);
    else if (with_index)
        snprintf(text, bytes, "0x%llx", (unsigned long long)event->address);
    else
        snprintf(text, bytes, "nowhere");
}

/* A struct copy is announced as a write: only when its read follows is it known to be a copy. */
static enum event_kind kind_in_anchor(const struct event *event)
{
    return event->kind == EVENT_COPY ? EVENT_WRITE : (enum event_kind)event->kind;
}

/* How often each goroutine has executed events of one function, kind and object: counted on as the
 * trace grows, for an anchor is asked for at every switch. */
struct occurrence {
    uint32_t count;
    UT_hash_handle hh;
    char text[]; /* "g2 evacuate write hmap.oldbuckets" */
};

static struct {
    struct occurrence *table;
    uint64_t execution;   /* number of the execution that was counted */
    uint32_t trace_count; /* events of it that were */
} occurrences;

static void occurrence_text(const struct event *event, uint32_t position, char *text, size_t bytes)
{
    char object[DESCRIBE_BYTES];
    struct names_place place;
    names_place(event->pc, &place);
    describe_object(event, position, false, object, sizeof object);
    snprintf(text, bytes, "g%u %.150s %s %s", event->goroutine, place.function,
             event_kind_name(kind_in_anchor(event)), object);
}

static void occurrences_forget(void)
{
    struct occurrence *occurrence, *next;
    HASH_ITER(hh, occurrences.table, occurrence, next)
    {
        HASH_DEL(occurrences.table, occurrence);
        free(occurrence);
    }
    occurrences.execution = execution.number;
    occurrences.trace_count = 0;
}

static void occurrences_count(const struct event *event, uint32_t position)
{
    char text[2 * DESCRIBE_BYTES];
    occurrence_text(event, position, text, sizeof text);
    struct occurrence *occurrence;
    HASH_FIND_STR(occurrences.table, text, occurrence);
    if (occurrence == NULL) {
        size_t bytes = strlen(text) + 1;
        occurrence = calloc(1, sizeof *occurrence + bytes);
        CHECK(occurrence != NULL, ==, true);
        memcpy(occurrence->text, text, bytes);
        HASH_ADD_STR(occurrences.table, text, occurrence);
    }
    occurrence->count++;
}

/* Which of its goroutine's like events this is, from 1. */
static uint32_t describe_occurrence(const struct event *pending, uint32_t trace_count)
{
    if (occurrences.execution != execution.number || trace_count < occurrences.trace_count)
        occurrences_forget();
    for (; occurrences.trace_count < trace_count; occurrences.trace_count++)
        occurrences_count(&execution.trace[occurrences.trace_count], occurrences.trace_count);
    char text[2 * DESCRIBE_BYTES];
    occurrence_text(pending, trace_count, text, sizeof text);
    struct occurrence *occurrence;
    HASH_FIND_STR(occurrences.table, text, occurrence);
    return occurrence == NULL ? 1 : occurrence->count + 1;
}

void describe_anchor(const struct event *pending, uint32_t trace_count, char *text, size_t bytes)
{
    if (pending->pc == 0) { /* a start: its place is known */
        snprintf(text, bytes, "%s", event_kind_name((enum event_kind)pending->kind));
        return;
    }
    struct names_place place;
    names_place(pending->pc, &place);
    char object[DESCRIBE_BYTES];
    describe_object(pending, trace_count, false, object, sizeof object);
    snprintf(text, bytes, "%s+%u %s %s #%u", place.function, place.line_in_function,
             event_kind_name(kind_in_anchor(pending)), object,
             describe_occurrence(pending, trace_count));
}

/* Copies an anchor without the "+LINE" behind its function. */
static void anchor_without_line(const char *anchor, char *text, size_t bytes)
{
    size_t function_bytes = strcspn(anchor, "+ ");
    const char *rest = anchor + function_bytes;
    if (*rest == '+')
        rest += strcspn(rest, " ");
    snprintf(text, bytes, "%.*s%s", (int)function_bytes, anchor, rest);
}

bool describe_matches_anchor(const struct event *pending, uint32_t trace_count,
                             const char *anchor)
{
    char now[2 * DESCRIBE_BYTES], now_bare[2 * DESCRIBE_BYTES], anchor_bare[2 * DESCRIBE_BYTES];
    anchor_without_line(anchor, anchor_bare, sizeof anchor_bare);
    describe_anchor(pending, trace_count, now, sizeof now);
    anchor_without_line(now, now_bare, sizeof now_bare);
    return strcmp(now_bare, anchor_bare) == 0;
}

/* The values of an event: " = 5", " 4 -> 5", " failed (was 4)". */
static void describe_values(const struct event *event, char *text, size_t bytes)
{
    unsigned long long read = event->value_read, written = event->value_written;
    const char *format_one = event->size > 8 ? " = hash %llx" : read > 9 ? " = 0x%llx" : " = %llu";
    text[0] = '\0';
    switch (event->kind) {
    case EVENT_CHOOSE:
        snprintf(text, bytes, " = %llu of %u", read, event->size);
        return;
    case EVENT_READ:
    case EVENT_ATOMIC_LOAD:
        snprintf(text, bytes, format_one, read);
        return;
    case EVENT_WRITE:
    case EVENT_DRAIN:
    case EVENT_COPY:
    case EVENT_ATOMIC_STORE:
        format_one = event->size > 8 ? " = hash %llx" : written > 9 ? " = 0x%llx" : " = %llu";
        snprintf(text, bytes, format_one, written);
        return;
    case EVENT_ATOMIC_RMW:
        snprintf(text, bytes, " 0x%llx -> 0x%llx", read, written);
        return;
    case EVENT_ATOMIC_CAS:
        if (event->success)
            snprintf(text, bytes, " 0x%llx -> 0x%llx", read, written);
        else
            snprintf(text, bytes, " failed, found 0x%llx", read);
        return;
    case EVENT_TRYLOCK:
        snprintf(text, bytes, event->success ? " got it" : " failed");
        return;
    case EVENT_ALLOC:
        snprintf(text, bytes, " %u bytes at 0x%llx", event->size,
                 (unsigned long long)event->address);
        return;
    default:
        return;
    }
}

void describe_event(const struct event *event, uint32_t position, char *text, size_t bytes)
{
    char object[DESCRIBE_BYTES], values[64];
    describe_object(event, position, true, object, sizeof object);
    describe_values(event, values, sizeof values);
    const char *kind = event_kind_name((enum event_kind)event->kind);
    if (event->pc == 0) {
        snprintf(text, bytes, "%s", kind);
        return;
    }
    struct names_place place;
    names_place(event->pc, &place);
    snprintf(text, bytes, "%s+%u %s:%u %s %s%s", place.function, place.line_in_function,
             place.file, place.line, kind, object, values);
}

uint64_t describe_fingerprint(const struct verdict_record *record)
{
    char text[VERDICT_EVENTS_MAX * 2 * DESCRIBE_BYTES + 256];
    int used = snprintf(text, sizeof text, "%s|%.200s", verdict_name(record->verdict),
                        record->rule);
    for (uint32_t i = 0; i < record->event_count; i++) {
        const struct event *event = &execution.trace[record->events[i]];
        char object[DESCRIBE_BYTES];
        struct names_place place;
        names_place(event->pc, &place);
        describe_object(event, record->events[i], false, object, sizeof object);
        used += snprintf(text + used, sizeof text - (size_t)used, "|%.100s %.100s %s",
                         place.function, object, event_kind_name((enum event_kind)event->kind));
    }
    return XXH3_64bits(text, (size_t)used);
}
