/* timeline.h: what a campaign had done by when: few samples however long it takes. When there are
 * too many every second one goes, and from then on they are taken half as often. */
#ifndef TREADLE_TIMELINE_H
#define TREADLE_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#define TIMELINE_SAMPLES_MAX 512u

/* By that second of the campaign. */
struct sample {
    double seconds;
    uint64_t executions;
    uint64_t features;
    uint64_t findings;
};

struct timeline {
    struct sample samples[TIMELINE_SAMPLES_MAX];
    uint32_t count;
    double period; /* seconds between two */
};

/* Whether it is time for another sample. */
bool timeline_is_due(const struct timeline *timeline, double seconds);

/* Takes the sample if it is time. */
void timeline_add(struct timeline *timeline, const struct sample *sample);

/* What there was so many seconds before `now`, a sample; at the campaign's beginning nothing. */
struct sample timeline_before(const struct timeline *timeline, double now, double seconds);

#endif
