/* record_runs.h: who touches the words of a record (treadle_record), and in which runs; what the
 * oracle torn-read judges.
 *
 * An *assignment* is a run of one goroutine's writes to the record's words, a *reading* a run of
 * one goroutine's reads of them, in which no word occurs twice. A run also ends
 *   - where the goroutine synchronises: a lock, a fence, an atomic access that is not to the record
 *     itself, its start or end. So what it does in two critical sections is never one run, and a
 *     reader that holds the writers' lock sees assignments that are over;
 *   - where a run of all the record's words begins, so that a read of one word (a loop's condition)
 *     is no part of the full reading behind it;
 *   - for a reading: where the goroutine writes the record.
 * An assignment is *in progress* for ever if its goroutine was abandoned before any of these ended
 * it and not all words were written. */
#ifndef TREADLE_RECORD_RUNS_H
#define TREADLE_RECORD_RUNS_H

#include "oracle.h"

#define RECORD_TOUCHES_MAX 4096u /* of one record; what comes later is not judged */
#define RECORD_LANES_MAX 64u     /* goroutines that touch one record; further ones are not judged */
#define RECORD_NONE UINT32_MAX   /* no touch; as a word's writer: the set-up */

/* One event's access to the record. */
struct touch {
    uint32_t position; /* in the trace */
    uint32_t words;    /* one bit each */
    uint32_t next;     /* the goroutine's next touch */
    uint32_t run;      /* first touch of its run; RECORD_NONE: not known yet */
    uint32_t run_last; /* in a run's first touch: its last one */
    uint16_t lane;
    bool writes;
    bool parted;   /* the goroutine synchronised since its touch before */
    bool full;     /* in a run's first touch: all words occur */
    bool progress; /* in a run's first touch: an assignment that never ended */
    uint8_t unused[6];
};
_Static_assert(sizeof(struct touch) == 32, "two a cache line");

/* A goroutine that touches the record. */
struct lane {
    uint32_t last; /* touch */
    uint16_t goroutine;
    bool parted; /* it has synchronised since its last touch */
};

/* All that the current execution did to one record. */
struct watch {
    const struct record *record;
    uint64_t begin, end; /* the record's bytes */
    uint32_t word_shift; /* a word has 1 << word_shift bytes */
    uint32_t all;        /* the record's words */
    uint32_t touch_count, lane_count;
    bool reads, writes, cut; /* cut: there were more touches than RECORD_TOUCHES_MAX */
    struct lane lanes[RECORD_LANES_MAX];
    struct touch touches[RECORD_TOUCHES_MAX];
};

/* Finds all touches of the record before the final check, and their runs. Returns whether there
 * is something to judge: one goroutine reads what another one writes. */
bool record_watch(struct watch *watch, const struct record *record);

/* The touch that continues the run that touch `index` is in, unless it is the run's last. */
uint32_t run_next(const struct watch *watch, uint32_t index);

#endif
