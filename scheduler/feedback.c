/* feedback.c: features of an execution, by one pass over its events. */
#include "feedback.h"

#include "abstract.h"
#include "execution.h"
#include "rng.h"
#include "scheduler.h"

/* Who touched memory last, by words of 8 bytes; what shares a line with something newer is
 * forgotten: a feature more or less. */
#define LINES 512u

struct line {
    uint64_t word;
    uint64_t look; /* in which it holds */
    uint16_t write, access;          /* abstract events; 0: none */
    uint16_t writer, accessor;       /* goroutines */
    bool access_writes;
};

/* What a pass is made for; constant in each, so that the compiler makes one of each. */
struct pass {
    struct feedback *feedback;
    void (*add)(void *context, uint16_t feature);
    void *context;
};

static struct line lines[LINES];
static uint64_t looks; /* so many passes were made */

static inline uint16_t feature_of(enum feedback_kind kind, uint16_t first, uint16_t second)
{
    uint64_t both = (uint64_t)first << 16 | second;
    return (uint16_t)((both * 8 + kind) * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}

/* Adds it to the list if it is not there. */
static void list_add(uint16_t *features, uint32_t *count, uint16_t feature)
{
    for (uint32_t i = 0; i < *count; i++)
        if (features[i] == feature)
            return;
    if (*count < FEEDBACK_NEW_MAX)
        features[(*count)++] = feature;
}

static inline void feature_add(const struct pass *pass, uint16_t feature)
{
    struct feedback *feedback = pass->feedback;
    if (pass->add != NULL) {
        pass->add(pass->context, feature);
        return;
    }
    if (__builtin_expect(feedback_is_settled(feedback, feature), 1))
        return;
    if (feedback_knows(feedback, feature))
        list_add(feedback->again, &feedback->again_count, feature);
    else
        list_add(feedback->fresh, &feedback->fresh_count, feature);
}

static inline void reads_from_add(const struct pass *pass, uint16_t write, uint16_t read)
{
    struct feedback *feedback = pass->feedback;
    uint16_t feature = feature_of(FEEDBACK_READS_FROM, write, read);
    uint32_t before = feedback != NULL ? feedback->fresh_count : 0;
    feature_add(pass, feature);
    if (feedback == NULL)
        return;
    feedback->signature += rng_mix(feature + UINT64_C(1));
    if (feedback->fresh_count > before && feedback->pair_count < FEEDBACK_NEW_MAX)
        feedback->pairs[feedback->pair_count++] =
            (struct reads_from){ .write = write, .read = read };
}

static inline struct line *line_of(uint64_t address)
{
    uint64_t word = address >> 3;
    struct line *line = &lines[(word ^ word >> 9 ^ word >> 20) % LINES];
    if (line->word != word || line->look != looks)
        *line = (struct line){ .word = word, .look = looks };
    return line;
}

static inline void touch(const struct pass *pass, uint32_t kinds, const struct event *event,
                         uint64_t address, bool reads, bool writes)
{
    struct line *line = line_of(address);
    uint16_t self = abstract_event(event->pc, event->goroutine);
    bool synchronises = event->kind >= EVENT_LOCK;
    if (reads && !synchronises && (kinds & FEEDBACK_READS_FROM))
        reads_from_add(pass, line->write, self);
    enum feedback_kind kind = synchronises ? FEEDBACK_SYNCHRONISATION : FEEDBACK_CONFLICTS;
    if (line->access != 0 && line->accessor != event->goroutine && (writes || line->access_writes)
        && (kinds & kind))
        feature_add(pass, feature_of(kind, line->access, self));
    line->access = self;
    line->accessor = event->goroutine;
    line->access_writes = writes;
    if (writes) {
        line->write = self;
        line->writer = event->goroutine;
    }
}

static inline void look(const struct pass *pass, uint32_t kinds)
{
    looks++;
    abstract_begin();
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        uint32_t effect = event_effect(event);
        if (effect == 0)
            continue;
        if (event->kind == EVENT_COPY)
            touch(pass, kinds, event, event->source, true, false);
        touch(pass, kinds, event, event->address, effect & EVENT_READS, effect & EVENT_WRITES);
    }
    if (kinds & FEEDBACK_STATES)
        for (uint32_t i = 0; i < execution.state_count; i++)
            feature_add(pass, feature_of(FEEDBACK_STATES, execution.states[i], 0));
}

void feedback_look(struct feedback *feedback)
{
    const struct pass pass = { .feedback = feedback };
    feedback->signature = 0;
    feedback->fresh_count = feedback->pair_count = feedback->again_count = 0;
    look(&pass, feedback->kinds);
}

uint16_t feedback_pair_feature(struct reads_from pair)
{
    return feature_of(FEEDBACK_READS_FROM, pair.write, pair.read);
}

void feedback_each(uint32_t kinds, void (*add)(void *context, uint16_t feature), void *context)
{
    const struct pass pass = { .add = add, .context = context };
    look(&pass, kinds);
}
