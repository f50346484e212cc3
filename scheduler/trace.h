/* trace.h: what can be said of a trace as a whole. */
#ifndef TREADLE_TRACE_H
#define TREADLE_TRACE_H

#include "execution.h"

/* The event hash of the current execution: goroutine, kind, region-relative address (block and
 * offset, global, stack of g), size, values, success of every event, and the verdicts. No code
 * address. Equal in every process of one binary; see design.md, "Schedule files". */
uint64_t trace_hash(void);

/* Fills in reads_from of every event that reads (but a copy into its goroutine's buffer). */
void trace_link_reads(void);

#endif
