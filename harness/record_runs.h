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
 * A buffered store writes when it drains; what lies between two writes is what their goroutine did
 * between the stores. Where a goroutine's own stores to the record have not drained yet, what it
 * reads there is no reading: it may be its own. Under pso, where an assignment's writes may come
 * after the next one's, nothing is judged.
 * An assignment is *in progress* for ever if its goroutine was abandoned before any of these ended
 * it and not all words were written. */
#ifndef TREADLE_RECORD_RUNS_H
#define TREADLE_RECORD_RUNS_H

#include "../scheduler/goroutine.h"
#include "oracle.h"

#define RECORD_TOUCHES_MAX 4096u /* of one record; what comes later is not judged */

/* One event's access to the record. Touches are known by their index, which goes by time; runs by
 * that of their first touch. What set-up left is an assignment, too: touches 0 .. record->count - 1
 * stand for its writes of the words, of which only the run is filled in. */
struct touch {
    uint32_t position; /* in the trace */
    uint16_t words;    /* one bit each */
    uint16_t before;   /* the last write of any of its words before it */
    uint16_t next;     /* of its chain; 0 in the last one */
    uint16_t run;
    uint16_t run_last; /* in a run's first touch: its last one */
    uint16_t kind;     /* TOUCH_* */
};
_Static_assert(sizeof(struct touch) == 16, "small, and a power of two");

enum {
    TOUCH_WRITES = 1,
    TOUCH_EXACT = 2, /* of just one word */
    TOUCH_FULL = 4,  /* in a run's first touch: all words occur */
};

/* A goroutine's *chains*: its reads, or its writes, until a run of them ends whatever the words
 * are. So a chain consists of whole runs. Here: the last touches of those that may go on, or 0. */
struct lane {
    uint16_t last[2]; /* of reads, of writes */
    uint32_t buffered; /* its stores to the record that have not drained yet */
};

/* All that the current execution did to one record. */
struct watch {
    const struct record *record;
    uint64_t begin, bytes; /* the record's memory */
    uint32_t word_bytes, word_shift; /* a word has 1 << word_shift bytes */
    uint16_t all;          /* the record's words */
    bool cut;              /* there were more touches than fit */
    uint32_t touch_count, touches_max, write_count, chain_count;
    uint16_t memory[RECORD_WORDS_MAX]; /* the last write of each word */
    struct lane lanes[GOROUTINES_MAX];
    struct touch touches[RECORD_WORDS_MAX + RECORD_TOUCHES_MAX];
    uint16_t writes[RECORD_TOUCHES_MAX]; /* the touches that write, without the set-up's */
    uint16_t chains[RECORD_TOUCHES_MAX]; /* the first touches of chains */
};

/* Finds all touches of the record before the final check, and their runs. */
void record_watch(struct watch *watch, const struct record *record);

#endif
