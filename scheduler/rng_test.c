/* rng_test.c: the numbers are splitmix64's, and numbers below a count are evenly spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rng.h"

/* The published first numbers for this seed. */
static void draws_the_numbers_of_splitmix64(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct rng rng = { .state = 99, .next = 99 }; /* what was there before does not matter */
    rng_seed(&rng, 1234567);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_true(rng_next(&rng) == expected[i]);
}

static void stays_below_the_count(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 1, 2, 3, 7, 65536, UINT32_MAX };
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (int draw = 0; draw < 10000; draw++)
            assert_true(rng_below(&rng, counts[i]) < counts[i]);
}

/* Chi-square: 9 degrees of freedom stay below 27.9 in 999 of 1000 seeds, 59 below 98.3. */
static void is_evenly_spread(void **state)
{
    (void)state;
    static const struct {
        uint32_t count;
        double bound;
    } cases[] = { { 10, 27.9 }, { 60, 98.3 } };
    for (size_t i = 0; i < 2; i++) {
        uint32_t seen[60] = { 0 };
        struct rng rng;
        rng_seed(&rng, 5);
        double expected = 120000.0 / cases[i].count, sum = 0;
        for (int draw = 0; draw < 120000; draw++)
            seen[rng_below(&rng, cases[i].count)]++;
        for (uint32_t value = 0; value < cases[i].count; value++)
            sum += (seen[value] - expected) * (seen[value] - expected) / expected;
        assert_true(sum < cases[i].bound);
    }
}

/* Strategies seed by execution number: neighbouring seeds must not resemble each other. */
static void neighbouring_seeds_differ(void **state)
{
    (void)state;
    uint32_t seen[8] = { 0 };
    for (uint64_t seed = 0; seed < 8000; seed++) {
        struct rng rng;
        rng_seed(&rng, seed);
        seen[rng_below(&rng, 8)]++;
    }
    double sum = 0; /* 7 degrees of freedom: 24.3 in 999 of 1000 */
    for (int value = 0; value < 8; value++)
        sum += (seen[value] - 1000.0) * (seen[value] - 1000.0) / 1000.0;
    assert_true(sum < 24.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_the_numbers_of_splitmix64),
        cmocka_unit_test(stays_below_the_count),
        cmocka_unit_test(is_evenly_spread),
        cmocka_unit_test(neighbouring_seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
