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

#define MOMENTS_MAX (1u << 16) /* touches looked at to compare values; then nothing is torn */

static const char rule_torn[] = "words read in a row are of one assignment";

/* What a goroutine has read so far. writer: touch that wrote the word, RECORD_NONE = set-up. */
struct reading {
    uint32_t words;
    uint32_t first, last; /* touches */
    uint32_t writer[RECORD_WORDS_MAX];
    uint32_t reader[RECORD_WORDS_MAX];
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
        if (touch->writes)
            return false;
        if (touch->exact) {
            *ret_value = touch->value;
            return true;
        }
    }
    return word_at_end(watch, word, ret_value);
}

/* The value that touch `writer` gave the word; false if it is not known. */
static inline bool word_value(const struct watch *watch, uint32_t writer, uint32_t word,
                              uint64_t *ret_value)
{
    bool setup = writer == RECORD_NONE;
    if (!setup && !watch->touches[writer].exact)
        return word_value_later(watch, writer, word, ret_value);
    *ret_value =
        setup ? watch->record->setup_values[word] : watch->touches[writer].value;
    return true;
}

/* What a reading saw, as far as it is known. */
struct values {
    uint32_t known; /* words */
    uint64_t of[RECORD_WORDS_MAX];
};

static void reading_values(const struct watch *watch, const struct reading *reading,
                           struct values *values)
{
    values->known = 0;
    for (uint32_t words = reading->words; words != 0; words &= words - 1) {
        uint32_t word = (uint32_t)__builtin_ctz(words);
        if (word_value(watch, reading->writer[word], word, &values->of[word]))
            values->known |= words & -words;
    }
}

/* Whether the values can be those of a record whose words these touches wrote. */
static bool reading_equals(const struct watch *watch, const struct reading *reading,
                           const struct values *values, const uint32_t *writers)
{
    for (uint32_t words = values->known; words != 0; words &= words - 1) {
        uint32_t word = (uint32_t)__builtin_ctz(words);
        uint64_t value;
        if (writers[word] != reading->writer[word]
            && word_value(watch, writers[word], word, &value) && value != values->of[word])
            return false;
    }
    return true;
}

static inline void touch_apply(const struct watch *watch, uint32_t index, uint32_t *writers)
{
    for (uint32_t words = watch->touches[index].words; words != 0; words &= words - 1)
        writers[__builtin_ctz(words)] = index;
}

/* Whether the reading equals what is in memory with the assignment `run` over it. */
static bool reading_equals_assignment(const struct watch *watch, const struct reading *reading,
                                      const struct values *values, const uint32_t *memory,
                                      uint32_t run)
{
    if (watch->touches[run].progress)
        return false;
    uint32_t writers[RECORD_WORDS_MAX];
    for (uint32_t word = 0; word < watch->record->count; word++)
        writers[word] = memory[word];
    for (uint32_t index = run; index <= watch->touches[run].run_last; index++)
        if (watch->touches[index].run == run)
            touch_apply(watch, index, writers);
    return reading_equals(watch, reading, values, writers);
}

/* Whether the reading was the record's value at a moment up to the reading's end. */
static bool reading_was_value(const struct watch *watch, const struct reading *reading,
                              uint32_t *moments_left)
{
    struct values values;
    uint32_t memory[RECORD_WORDS_MAX];
    for (uint32_t word = 0; word < RECORD_WORDS_MAX; word++)
        memory[word] = RECORD_NONE;
    reading_values(watch, reading, &values);
    if (reading_equals(watch, reading, &values, memory))
        return true;
    for (uint32_t i = 0; i <= reading->last; i++) {
        if (*moments_left == 0)
            return true;
        --*moments_left;
        if (!watch->touches[i].writes)
            continue;
        uint32_t run = watch->touches[i].run;
        if (run == i && reading_equals_assignment(watch, reading, &values, memory, run))
            return true;
        touch_apply(watch, i, memory);
        /* one of all words has been looked at when it began */
        if (watch->touches[run].run_last == i && !watch->touches[run].full
            && reading_equals_assignment(watch, reading, &values, memory, run))
            return true;
    }
    return false;
}

/* ---- readings -------------------------------------------------------------------------------- */

static uint32_t run_of(const struct watch *watch, uint32_t writer)
{
    return writer == RECORD_NONE ? RECORD_NONE : watch->touches[writer].run;
}

/* Whether a word is of an assignment that the reader itself had not finished. */
static bool reading_is_own(const struct watch *watch, const struct reading *reading)
{
    for (uint32_t word = 0; word < watch->record->count; word++) {
        if (!(reading->words >> word & 1) || reading->writer[word] == RECORD_NONE)
            continue;
        const struct touch *run = &watch->touches[run_of(watch, reading->writer[word])];
        bool finished = run->full && run->run_last < reading->first;
        if (run->lane == watch->touches[reading->first].lane && !finished)
            return true;
    }
    return false;
}

static uint32_t reading_word(const struct reading *reading, uint32_t index)
{
    uint32_t word = 0;
    while (!(reading->words >> word & 1) || reading->reader[word] != index)
        word++;
    return word;
}

/* Names two reads of different assignments and the write that parts them, as they happened. */
static void reading_accuse(const struct watch *watch, const struct reading *reading)
{
    struct verdict_record *verdict = execution_add_verdict(TREADLE_TORN_READ, rule_torn);
    if (verdict == NULL)
        return;
    uint32_t one = reading_word(reading, reading->first);
    uint32_t other = RECORD_NONE;
    for (uint32_t word = 0; word < watch->record->count; word++)
        if ((reading->words >> word & 1)
            && run_of(watch, reading->writer[word]) != run_of(watch, reading->writer[one])
            && (other == RECORD_NONE || reading->reader[word] < reading->reader[other]))
            other = word;
    bool other_is_newer = reading->writer[one] == RECORD_NONE
                          || (reading->writer[other] != RECORD_NONE
                              && reading->writer[other] > reading->writer[one]);
    uint32_t newer = other_is_newer ? other : one;
    uint32_t reads[2] = { watch->touches[reading->reader[one]].position,
                          watch->touches[reading->reader[other]].position };
    uint32_t write = watch->touches[reading->writer[newer]].position;
    uint32_t *events = verdict->events;
    uint32_t count = 0;
    if (write < reads[0])
        events[count++] = write;
    events[count++] = reads[0];
    if (write > reads[0])
        events[count++] = write;
    if (reads[1] != reads[0])
        events[count++] = reads[1];
    verdict->event_count = count;
    if (execution.explain)
        snprintf(verdict->detail, sizeof verdict->detail,
                 "%s: goroutine %u read word %u and word %u of different assignments, word %u "
                 "as goroutine %u wrote it",
                 watch->record->name, execution.trace[reads[0]].goroutine, one, other, newer,
                 execution.trace[write].goroutine);
}

static void reading_judge(const struct watch *watch, const struct reading *reading,
                          uint32_t *moments_left)
{
    uint32_t run = run_of(watch, reading->writer[reading_word(reading, reading->first)]);
    bool mixed = false;
    for (uint32_t words = reading->words; words != 0; words &= words - 1)
        mixed |= run_of(watch, reading->writer[__builtin_ctz(words)]) != run;
    if (mixed && !reading_is_own(watch, reading)
        && !reading_was_value(watch, reading, moments_left))
        reading_accuse(watch, reading);
}

/* Goes through the touches as they happened; judges each reading when it is over. */
static void watch_judge(const struct watch *watch)
{
    uint32_t moments_left = MOMENTS_MAX;
    struct reading readings[RECORD_LANES_MAX];
    uint32_t memory[RECORD_WORDS_MAX];
    for (uint32_t word = 0; word < RECORD_WORDS_MAX; word++)
        memory[word] = RECORD_NONE;
    for (uint32_t i = 0; i < watch->touch_count; i++) {
        const struct touch *touch = &watch->touches[i];
        if (touch->writes) {
            touch_apply(watch, i, memory);
            continue;
        }
        struct reading *reading = &readings[touch->lane];
        if (touch->run == i) {
            reading->words = 0;
            reading->first = i;
        }
        for (uint32_t words = touch->words; words != 0; words &= words - 1) {
            int word = __builtin_ctz(words);
            reading->writer[word] = memory[word];
            reading->reader[word] = i;
        }
        reading->words |= touch->words;
        reading->last = i;
        if (watch->touches[touch->run].run_last == i)
            reading_judge(watch, reading, &moments_left);
    }
}

void oracle_torn_read(void)
{
    struct watch watch; /* not initialised as a whole: most of it stays unused */
    for (uint32_t i = 0; i < execution.record_count; i++)
        if (record_watch(&watch, &execution.records[i]))
            watch_judge(&watch);
}
