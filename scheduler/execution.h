/* execution.h: what is known of the current execution (or the one just ended): its trace, its
 * choices, its history of operations, its verdicts. Written by the engine alone; strategies,
 * oracles and reports read it. The only mutable global of the engine's core. */
#ifndef TREADLE_EXECUTION_H
#define TREADLE_EXECUTION_H

#include "event.h"
#include "memory_model.h"
#include "treadle.h"

/* One answered choice. A scheduling choice is the id of the goroutine that ran; a data choice is
 * the answer. */
enum choice_kind { CHOICE_SCHEDULE, CHOICE_DATA };
struct choice {
    union {
        struct {
            uint16_t answer;
            uint16_t kind; /* enum choice_kind */
        };
        uint32_t kind_and_answer; /* both, written in one store (little-endian) */
    };
};

/* One operation of the history (treadle_call ... treadle_return). Ticks count calls and returns
 * of all goroutines in one order: a was complete before b began iff a->returned < b->called. */
struct operation {
    uint64_t key, value;               /* arguments */
    uint64_t result_key, result_value; /* results */
    uint32_t called, returned;         /* ticks; returned = 0: never came back */
    uint32_t call_event, return_event; /* length of the trace at that moment */
    uint16_t goroutine;
    uint8_t kind; /* enum treadle_operation_kind */
    bool found;
};

#define VERDICT_EVENTS_MAX 3
#define EXECUTION_VERDICTS_MAX 16
#define EXECUTION_RECORDS_MAX 8

/* One thing that an oracle says. */
struct verdict_record {
    enum treadle_verdict verdict;
    uint32_t event_count;
    uint32_t events[VERDICT_EVENTS_MAX]; /* trace positions of the events that broke the rule */
    const char *rule;                    /* which rule, a literal; tells findings apart */
    char detail[160]; /* one line: an invariant's; an oracle's only when execution.explain */
};

/* Words that are one value (treadle_record). */
#define RECORD_WORDS_MAX 16
struct record {
    uint64_t address;
    uint32_t word_bytes, count; /* 1, 2, 4 or 8; up to RECORD_WORDS_MAX */
    const char *name;
    uint64_t setup_values[RECORD_WORDS_MAX]; /* of the words, when set-up had ended */
};

#define EXECUTION_STATES_MAX 256u

/* A line of treadle_log: shown before event number `event`. */
struct log_line {
    uint32_t event, goroutine;
    const char *text;
};

/* Where the engine is. Hooks announce events only in RUN and FINAL; only RUN schedules. */
enum execution_phase { PHASE_NONE, PHASE_SETUP, PHASE_RUN, PHASE_FINAL };

struct execution {
    enum execution_phase phase;
    bool explain; /* oracles fill in verdict_record.detail */
    enum memory_model memory;
    const struct treadle_target *target;
    void *state; /* what the target's set-up returned */

    uint64_t number; /* counts executions: tells this one from the last */
    struct event *trace;
    uint32_t trace_count;
    uint32_t trace_run_count; /* events up to the final check, which is goroutine 0's */
    uint32_t goroutine_count; /* that there were, goroutine 0 included; known when it has ended */
    uint32_t switches;        /* how often another goroutine went on than the one before */
    struct choice *choices;
    uint32_t choice_count;

    uint8_t *written; /* exploring: the bytes of writes that are no number (event.source) */
    uint64_t written_count;

    bool wants_states; /* whoever executes looks at them: */
    uint16_t states[EXECUTION_STATES_MAX]; /* treadle_state, hashed */
    uint32_t state_count;

    struct operation *operations;
    uint32_t operation_count;
    uint32_t operation_setup_count; /* the first ones are the set-up's */

    struct verdict_record verdicts[EXECUTION_VERDICTS_MAX];
    uint32_t verdict_count;
    bool cut;         /* a goroutine was stopped by scheduler_options.unroll */
    bool ended_early; /* a verdict ended it: goroutines were abandoned, the final check not run */

    struct record records[EXECUTION_RECORDS_MAX];
    uint32_t record_count;
    struct log_line *logs;
    uint32_t log_count;
    uint64_t breaches[VERDICT_EVENTS_MAX]; /* treadle_breach, of the invariant being asked */
    uint32_t breach_count;
};

extern struct execution execution;

/* Whose doing the event was: a drain is its store's goroutine's. */
static inline uint16_t event_owner(const struct event *event)
{
    return event->kind == EVENT_DRAIN ? execution.trace[event->store].goroutine : event->goroutine;
}

/* Adds a verdict and returns its record for events and detail to be filled in; beyond
 * EXECUTION_VERDICTS_MAX the last one is overwritten. The same (verdict, rule) twice is one record:
 * then returns NULL. */
struct verdict_record *execution_add_verdict(enum treadle_verdict verdict, const char *rule);

/* Adds the verdict of a target's invariant that does not hold; its events are the last writers of
 * the memory that it named. detail is of verdict_record.detail's size. */
void execution_add_breach(const struct treadle_invariant *invariant, const char *detail);

/* Keeps what a plain write that is being committed, or a drain, has written, if it was exploring
 * and no number of 1, 2, 4 or 8 bytes. */
void execution_keep_written(struct event *event);

/* Nothing has happened: before a set-up; before an execution (the set-up's history stays). */
void execution_open(void);
void execution_reset(void);

/* The stable name of a verdict ("torn-read"), and back; -1 for an unknown name. */
const char *verdict_name(enum treadle_verdict verdict);
int verdict_from_name(const char *name);

#endif
