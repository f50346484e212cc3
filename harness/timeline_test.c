/* timeline_test.c: samples stay few, in order, and evenly spread. */
#include "timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void fill(struct timeline *timeline, uint64_t seconds)
{
    for (uint64_t i = 0; i <= seconds; i++)
        timeline_add(timeline, &(struct sample){ .seconds = (double)i,
                                                 .executions = 10 * i,
                                                 .features = i });
}

static void test_few(void **state)
{
    (void)state;
    static struct timeline timeline;
    fill(&timeline, 8 * 3600);
    assert_in_range(timeline.count, TIMELINE_SAMPLES_MAX / 2, TIMELINE_SAMPLES_MAX);
    assert_true(timeline.period == 64);
    for (uint32_t i = 1; i < timeline.count; i++)
        assert_true(timeline.samples[i].seconds - timeline.samples[i - 1].seconds
                    >= timeline.period);
    assert_true(timeline.samples[0].seconds <= timeline.period);
    assert_true(timeline.samples[timeline.count - 1].seconds >= 8 * 3600 - timeline.period);
}

static void test_before(void **state)
{
    (void)state;
    static struct timeline timeline;
    assert_true(timeline_before(&timeline, 5000, 3600).features == 0);
    fill(&timeline, 5000);
    struct sample sample = timeline_before(&timeline, 5000, 3600);
    assert_true(sample.seconds <= 1400 && sample.seconds >= 1400 - timeline.period);
    assert_true(timeline_before(&timeline, 3000, 3600).features == 0);
}

static void test_none_is_due_twice(void **state)
{
    (void)state;
    static struct timeline timeline;
    fill(&timeline, 0);
    timeline_add(&timeline, &(struct sample){ .seconds = 0.5 });
    assert_int_equal(timeline.count, 1);
    assert_false(timeline_is_due(&timeline, 0.5));
    assert_true(timeline_is_due(&timeline, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few),
        cmocka_unit_test(test_before),
        cmocka_unit_test(test_none_is_due_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
