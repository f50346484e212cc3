/* describe.h: events in words: for reports, for anchors of schedule files, for fingerprints. */
#ifndef TREADLE_DESCRIBE_H
#define TREADLE_DESCRIBE_H

#include "../scheduler/execution.h"
#include "names.h"

#define DESCRIBE_BYTES 192

/* position: the event's place in the trace, or the trace's length where it is still pending: what
 * lay at its address then is what it is called by.
 *
 * What the event touches: "hmap.oldbuckets", "counter", "stack of g2", "-" for nothing. Array
 * members carry their index only with_index. Writes at most bytes, with the final 0. */
void describe_object(const struct event *event, uint32_t position, bool with_index, char *text,
                     size_t bytes);

/* The anchor of an event that its goroutine is about to execute, trace[0 .. trace_count) being
 * behind it: "evacuate+3 write hmap.oldbuckets #2". The number counts that goroutine's events of
 * the same function, kind and object, this one included. */
void describe_anchor(const struct event *pending, uint32_t trace_count, char *text, size_t bytes);

/* Whether an anchor names that event (the line is for the reader: it does not count). */
bool describe_matches_anchor(const struct event *pending, uint32_t trace_count,
                             const char *anchor);

/* One line: "evacuate+3 map.c:120 write hmap.oldbuckets = 0x1c80". */
void describe_event(const struct event *event, uint32_t position, char *text, size_t bytes);

/* The fingerprint of a verdict: which verdict, which rule, and (function, object, kind) of the
 * events that it names; no line, address or count. */
uint64_t describe_fingerprint(const struct verdict_record *record);

#endif
