/* oracle_torn_read.c: words that are one value (treadle_record) are read as one value. What
 * assignments and readings are stands in record_runs.h.
 *
 * A reading is torn iff its words come from different assignments (what set-up left is one) and
 * the values that it saw were at no moment up to its end the record's value, where that is what
 * set-up left with assignments over it, each taking effect as a whole, at its first or its last
 * write. Equal values thus never alarm, nor does a value that is not known: one that was written
 * together with other words and neither read alone nor left there at the end. What a goroutine
 * reads of its own unfinished assignment is not judged. Reads-from is the trace's order. */
#include <stdio.h>
#include <string.h>

#include "record_runs.h"

#define MOMENTS_MAX (1u << 16) /* writes looked at to compare values; then nothing is torn */

static const char rule_torn[] = "words read in a row are of one assignment";

/* A run of reads. */
struct reading {
    uint16_t words;
    uint16_t first, last;              /* touches */
    uint16_t writer[RECORD_WORDS_MAX]; /* touch that wrote the word */
    uint16_t reader[RECORD_WORDS_MAX]; /* touch that read it */
};

/* ---- values ---------------------------------------------------------------------------------- */

static uint64_t word_address(const struct watch *watch, uint32_t word)
{
    return watch->begin + (uint64_t)word * watch->record->word_bytes;
}

/* The word as the last goroutine left it, if the final check left it alone. */
static bool word_at_end(const struct watch *watch, uint32_t word, uint64_t *ret_value)
{
    uint64_t address = word_address(watch, word);
    uint32_t bytes = watch->record->word_bytes;
    if (watch->cut)
        return false;
    for (uint32_t i = execution.trace_run_count; i < execution.trace_count; i++) {
        const struct event *event = &execution.trace[i];
        if ((event_effect(event) & EVENT_WRITES) && event->address < address + bytes
            && event->address + event->size > address)
            return false;
    }
    uint64_t value = 0;
    memcpy(&value, (const void *)address, bytes);
    *ret_value = value;
    return true;
}

/* The value that a write of several words gave this one: as it was read later. */
static bool word_value_later(const struct watch *watch, uint32_t writer, uint32_t word,
                             uint64_t *ret_value)
{
    for (uint32_t i = writer + 1; i < watch->touch_count; i++) {
        const struct touch *touch = &watch->touches[i];
        if (!(touch->words >> word & 1))
            continue;
        if (touch->kind & TOUCH_WRITES)
            return false;
        if (touch->kind & TOUCH_EXACT) {
            *ret_value = execution.trace[touch->position].value_read;
            return true;
        }
    }
    return word_at_end(watch, word, ret_value);
}

/* The value that touch `writer` gave the word; false if it is not known. */
static inline bool word_value(const struct watch *watch, uint32_t writer, uint32_t word,
                              uint64_t *ret_value)
{
    const struct touch *touch = &watch->touches[writer];
    if (writer < watch->record->count)
        *ret_value = watch->record->setup_values[word];
    else if (touch->kind & TOUCH_EXACT)
        *ret_value = execution.trace[touch->position].value_written;
    else
        return word_value_later(watch, writer, word, ret_value);
    return true;
}

/* Whether the two touches are known to have given the word different values. */
static inline bool word_differs(const struct watch *watch, uint32_t word, uint32_t writer,
                                uint32_t other)
{
    uint64_t value, other_value;
    return writer != other && word_value(watch, writer, word, &value)
           && word_value(watch, other, word, &other_value) && value != other_value;
}

/* ---- moments --------------------------------------------------------------------------------- */

/* Whether the assignment `run` never ended. */
static inline bool assignment_in_progress(const struct watch *watch, uint32_t run)
{
    const struct touch *first = &watch->touches[run];
    if ((first->kind & TOUCH_FULL) || watch->cut)
        return false;
    uint16_t writer = event_owner(&execution.trace[first->position]);
    return watch->lanes[writer].last[true] == first->run_last;
}

/* Whether the reading's `words` have the values that these touches gave them. */
static inline bool reading_equals(const struct watch *watch, const struct reading *reading,
                                  uint32_t words, const uint16_t *writers)
{
    for (; words != 0; words &= words - 1) {
        uint32_t word = (uint32_t)__builtin_ctz(words);
        if (word_differs(watch, word, writers[word], reading->writer[word]))
            return false;
    }
    return true;
}

/* Whether the reading equals what is in memory with the assignment `run` over it. */
static bool reading_equals_assignment(const struct watch *watch, const struct reading *reading,
                                      const uint16_t *memory, uint32_t run)
{
    if (assignment_in_progress(watch, run))
        return false;
    uint32_t left = reading->words;
    for (uint32_t index = run;; index = watch->touches[index].next) {
        const struct touch *touch = &watch->touches[index];
        for (uint32_t words = touch->words & left; words != 0; words &= words - 1) {
            uint32_t word = (uint32_t)__builtin_ctz(words);
            if (word_differs(watch, word, index, reading->writer[word]))
                return false;
        }
        left &= ~(uint32_t)touch->words;
        if (index == watch->touches[run].run_last)
            return reading_equals(watch, reading, left, memory);
    }
}

/* Whether the reading was the record's value at a moment up to the reading's end. */
static bool reading_was_value(const struct watch *watch, const struct reading *reading,
                              uint32_t *moments_left)
{
    uint16_t memory[RECORD_WORDS_MAX] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    if (reading_equals(watch, reading, reading->words, memory))
        return true;
    for (uint32_t i = 0; i < watch->write_count && watch->writes[i] < reading->last; i++) {
        if (*moments_left == 0)
            return true;
        --*moments_left;
        uint16_t write = watch->writes[i];
        uint16_t run = watch->touches[write].run;
        if (run == write && reading_equals_assignment(watch, reading, memory, run))
            return true;
        for (uint32_t words = watch->touches[write].words; words != 0; words &= words - 1)
            memory[__builtin_ctz(words)] = write;
        /* one of all words has been looked at when it began */
        if (!(watch->touches[run].kind & TOUCH_FULL) && watch->touches[run].run_last == write
            && reading_equals_assignment(watch, reading, memory, run))
            return true;
    }
    return false;
}

/* ---- readings -------------------------------------------------------------------------------- */

/* The write of the word that the touch saw. */
static inline uint16_t touch_writer(const struct watch *watch, const struct touch *touch,
                                    uint32_t word)
{
    uint16_t writer = touch->before;
    if (touch->kind & TOUCH_EXACT)
        return writer;
    for (; writer >= watch->record->count; writer--)
        if ((watch->touches[writer].kind & TOUCH_WRITES)
            && (watch->touches[writer].words >> word & 1))
            return writer;
    return (uint16_t)word;
}

static inline uint32_t reading_run(const struct watch *watch, const struct reading *reading,
                                   uint32_t word)
{
    return watch->touches[reading->writer[word]].run;
}

/* Finds out what the run of reads that begins with touch `first` saw. Returns whether that was of
 * different assignments. */
static inline bool reading_take(const struct watch *watch, uint16_t first, struct reading *reading)
{
    reading->words = 0;
    reading->first = first;
    reading->last = watch->touches[first].run_last;
    uint32_t oldest = UINT32_MAX, newest = 0; /* assignment that it saw */
    for (uint16_t index = first;; index = watch->touches[index].next) {
        const struct touch *touch = &watch->touches[index];
        for (uint32_t words = touch->words; words != 0; words &= words - 1) {
            uint32_t word = (uint32_t)__builtin_ctz(words);
            reading->writer[word] = touch_writer(watch, touch, word);
            reading->reader[word] = index;
            uint32_t run = reading_run(watch, reading, word);
            oldest = run < oldest ? run : oldest;
            newest = run > newest ? run : newest;
        }
        reading->words |= touch->words;
        if (index == reading->last)
            return oldest != newest;
    }
}

static inline uint16_t touch_goroutine(const struct watch *watch, uint32_t index)
{
    return execution.trace[watch->touches[index].position].goroutine;
}

/* Whether a word is of an assignment that the reader itself had not finished. */
static bool reading_is_own(const struct watch *watch, const struct reading *reading)
{
    for (uint32_t words = reading->words; words != 0; words &= words - 1) {
        uint32_t run = reading_run(watch, reading, (uint32_t)__builtin_ctz(words));
        const struct touch *touch = &watch->touches[run];
        bool finished = (touch->kind & TOUCH_FULL) && touch->run_last < reading->first;
        if (!finished && touch_goroutine(watch, run) == touch_goroutine(watch, reading->first))
            return true;
    }
    return false;
}

/* Names two reads of different assignments and the write that parts them, as they happened. */
static void reading_accuse(const struct watch *watch, const struct reading *reading)
{
    struct verdict_record *verdict = execution_add_verdict(TREADLE_TORN_READ, rule_torn);
    if (verdict == NULL)
        return;
    uint32_t one = 0;
    while (!(reading->words >> one & 1) || reading->reader[one] != reading->first)
        one++;
    uint32_t other = UINT32_MAX;
    for (uint32_t words = reading->words; words != 0; words &= words - 1) {
        uint32_t word = (uint32_t)__builtin_ctz(words);
        if (reading_run(watch, reading, word) != reading_run(watch, reading, one)
            && (other == UINT32_MAX || reading->reader[word] < reading->reader[other]))
            other = word;
    }
    uint32_t newer = reading->writer[other] > reading->writer[one] ? other : one;
    uint32_t reads[2] = { watch->touches[reading->reader[one]].position,
                          watch->touches[reading->reader[other]].position };
    uint32_t write = watch->touches[reading->writer[newer]].position;
    verdict->events[verdict->event_count++] = write < reads[0] ? write : reads[0];
    if (write != reads[0])
        verdict->events[verdict->event_count++] = write < reads[0] ? reads[0] : write;
    if (reads[1] != reads[0])
        verdict->events[verdict->event_count++] = reads[1];
    if (execution.explain)
        snprintf(verdict->detail, sizeof verdict->detail,
                 "%s: goroutine %u read word %u and word %u of different assignments, word %u "
                 "as goroutine %u wrote it",
                 watch->record->name, execution.trace[reads[0]].goroutine, one, other, newer,
                 execution.trace[write].goroutine);
}

/* Accuses the torn reading that was over first. */
static void watch_judge(const struct watch *watch)
{
    uint32_t moments_left = MOMENTS_MAX;
    struct reading reading, torn;
    torn.last = UINT16_MAX;
    for (uint32_t i = 0; i < watch->chain_count; i++) {
        uint16_t first = watch->chains[i];
        if (watch->touches[first].kind & TOUCH_WRITES)
            continue;
        for (; first != 0; first = watch->touches[reading.last].next)
            if (reading_take(watch, first, &reading) && reading.last < torn.last
                && !reading_is_own(watch, &reading)
                && !reading_was_value(watch, &reading, &moments_left))
                torn = reading;
    }
    if (torn.last != UINT16_MAX)
        reading_accuse(watch, &torn);
}

void oracle_torn_read(void)
{
    struct watch watch; /* not initialised as a whole: most of it stays unused */
    for (uint32_t i = 0; i < execution.record_count; i++) {
        record_watch(&watch, &execution.records[i]);
        watch_judge(&watch);
    }
}
