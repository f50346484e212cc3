/* timeline.c: thinning out samples. */
#include "timeline.h"

#include "../scheduler/check.h"

#define PERIOD_FIRST 1.0

static void thin_out(struct timeline *timeline)
{
    for (uint32_t i = 0; i < TIMELINE_SAMPLES_MAX / 2; i++)
        timeline->samples[i] = timeline->samples[2 * i + 1]; /* the newest one stays */
    timeline->count = TIMELINE_SAMPLES_MAX / 2;
    timeline->period *= 2;
}

bool timeline_is_due(const struct timeline *timeline, double seconds)
{
    double period = timeline->period == 0 ? PERIOD_FIRST : timeline->period;
    return timeline->count == 0
           || seconds >= timeline->samples[timeline->count - 1].seconds + period;
}

void timeline_add(struct timeline *timeline, const struct sample *sample)
{
    CHECK(timeline->count, <=, TIMELINE_SAMPLES_MAX);
    if (!timeline_is_due(timeline, sample->seconds))
        return;
    if (timeline->period == 0)
        timeline->period = PERIOD_FIRST;
    if (timeline->count == TIMELINE_SAMPLES_MAX)
        thin_out(timeline);
    if (!timeline_is_due(timeline, sample->seconds))
        return; /* any more */
    timeline->samples[timeline->count++] = *sample;
}

struct sample timeline_before(const struct timeline *timeline, double now, double seconds)
{
    struct sample found = { 0 };
    for (uint32_t i = 0; i < timeline->count; i++)
        if (timeline->samples[i].seconds <= now - seconds)
            found = timeline->samples[i];
    return found;
}
