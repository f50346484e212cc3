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
#define RECORD_LANE_NONE 0xff
#define RECORD_NONE UINT16_MAX   /* no touch; as a word's writer: the set-up */

/* One event's access to the record. Touches and runs are known by the number of their (first)
 * touch. */
struct touch {
    uint64_t value;    /* read or written, if exact */
    uint32_t position; /* in the trace */
    uint16_t words;    /* one bit each */
    uint16_t run;
    uint16_t run_last; /* in a run's first touch: its last one */
    uint8_t lane;
    bool exact; /* of just one word */
    bool writes;
    bool parted;   /* the goroutine synchronised since its touch before */
    bool full;     /* in a run's first touch: all words occur */
    bool progress; /* in a run's first touch: an assignment that never ended */
};
_Static_assert(sizeof(struct touch) == 24, "small");

/* A goroutine that touches the record, and the runs that its next touch may go on. */
struct lane {
    uint16_t goroutine;
    bool parted;           /* it has synchronised since its last touch */
    uint16_t run[2];       /* its latest reading, its latest assignment */
    uint16_t run_words[2]; /* words that occur in it; 0: it is over */
    uint16_t reads_run;    /* the assignment that the reading's first word is of */
};

/* All that the current execution did to one record. */
struct watch {
    const struct record *record;
    uint64_t begin, end; /* the record's bytes */
    uint32_t word_shift; /* a word has 1 << word_shift bytes */
    uint16_t all;        /* the record's words */
    uint32_t touch_count, lane_count;
    bool cut;   /* there were more touches or goroutines than fit */
    bool mixed; /* a reading saw words of different assignments */
    bool ambiguous; /* a word occurred again before all had: where runs end must be looked for */
    uint16_t word_run[RECORD_WORDS_MAX]; /* each word's assignment, as of now */
    uint8_t lane_of[RECORD_LANES_MAX]; /* by goroutine, of the first ones; or RECORD_LANE_NONE */
    struct lane lanes[RECORD_LANES_MAX];
    struct touch touches[RECORD_TOUCHES_MAX];
};

/* Finds all touches of the record before the final check, and their runs. Returns whether a
 * reading may see words of different assignments: else there is nothing to judge. */
bool record_watch(struct watch *watch, const struct record *record);

#endif
