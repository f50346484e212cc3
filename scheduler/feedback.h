/* feedback.h: what is new about an execution. Its *features* are small numbers: which place has
 * read what which place has written, which conflicting accesses of two goroutines came in which
 * order, the same of synchronisation, and the abstract states that a subject tells (treadle_state).
 * An execution that shows a new one is worth being varied (RFF: Wolff et al., "Greybox Fuzzing for
 * Concurrency Testing", ASPLOS 2024, goes by the first kind). */
#ifndef TREADLE_FEEDBACK_H
#define TREADLE_FEEDBACK_H

#include <stdbool.h>
#include <stdint.h>

enum feedback_kind {
    FEEDBACK_READS_FROM = 1,
    FEEDBACK_CONFLICTS = 2,
    FEEDBACK_SYNCHRONISATION = 4,
    FEEDBACK_STATES = 8,
    FEEDBACK_ALL = 15
};

/* Features are below that. */
#define FEEDBACK_FEATURES 65536u
#define FEEDBACK_NEW_MAX 1024u /* of one execution; more are left out */

/* Who reads what which place has written: abstract events (abstract.h); 0 = the set-up. */
struct reads_from {
    uint16_t write, read;
};

struct feedback {
    uint32_t kinds; /* enum feedback_kind that are looked at */
    uint64_t known[FEEDBACK_FEATURES / 64]; /* features seen before, as bits */
    uint64_t settled[FEEDBACK_FEATURES / 64]; /* those of which no more need be noticed */
    /* of the execution looked at last: */
    uint64_t signature; /* of its reads-from pairs, in whatever order */
    uint16_t fresh[FEEDBACK_NEW_MAX]; /* features that were not known, each once */
    uint32_t fresh_count;
    struct reads_from pairs[FEEDBACK_NEW_MAX]; /* those among them that are reads-from pairs */
    uint32_t pair_count;
    uint16_t again[FEEDBACK_NEW_MAX]; /* features that were known, but not settled, each once */
    uint32_t again_count;
};

static inline bool feedback_knows(const struct feedback *feedback, uint16_t feature)
{
    return feedback->known[feature / 64] >> feature % 64 & 1;
}

static inline void feedback_learn(struct feedback *feedback, uint16_t feature)
{
    feedback->known[feature / 64] |= UINT64_C(1) << feature % 64;
}

static inline void feedback_forget(struct feedback *feedback, uint16_t feature)
{
    feedback->known[feature / 64] &= ~(UINT64_C(1) << feature % 64);
}

static inline bool feedback_is_settled(const struct feedback *feedback, uint16_t feature)
{
    return feedback->settled[feature / 64] >> feature % 64 & 1;
}

static inline void feedback_settle(struct feedback *feedback, uint16_t feature)
{
    feedback->settled[feature / 64] |= UINT64_C(1) << feature % 64;
}

static inline void feedback_unsettle(struct feedback *feedback, uint16_t feature)
{
    feedback->settled[feature / 64] &= ~(UINT64_C(1) << feature % 64);
}

/* Looks at the execution that has ended: fills in signature, fresh, pairs and again. What is fresh
 * is not known yet: the caller learns it; likewise it settles what it has seen often enough. */
void feedback_look(struct feedback *feedback);

/* The feature that such a pair is. */
uint16_t feedback_pair_feature(struct reads_from pair);

/* Calls add(context, feature) for each feature of the execution that has ended, some more than
 * once. */
void feedback_each(uint32_t kinds, void (*add)(void *context, uint16_t feature), void *context);

#endif
