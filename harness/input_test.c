/* input_test.c: any bytes are an input; an input is the same after it was bytes; what mutations
 * make of it is one, too, and the same for the same random numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "corpus.h"

static struct rng rng;

static struct input draw_input(void)
{
    uint8_t bytes[INPUT_BYTES_MAX + 40];
    size_t count = rng_below(&rng, sizeof bytes + 1);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)rng_next(&rng);
    if (count > 8 && rng_below(&rng, 2))
        bytes[8] &= 3; /* few answers: more constraints */
    return input_decode(bytes, count);
}

static void check_input(const struct input *input)
{
    assert_true(input->answer_count <= ANSWERS_MAX);
    assert_true(input->constraint_count <= CONSTRAINTS_MAX);
    uint8_t bytes[INPUT_BYTES_MAX];
    size_t count = input_encode(input, bytes);
    assert_true(count <= INPUT_BYTES_MAX);
    struct input again = input_decode(bytes, count);
    assert_true(input_equal(input, &again));
    assert_true(again.seed == input->seed);
    assert_int_equal(again.answer_count, input->answer_count);
    assert_int_equal(again.constraint_count, input->constraint_count);
    for (uint32_t i = 0; i < input->constraint_count; i++) {
        assert_int_equal(again.constraints[i].write, input->constraints[i].write);
        assert_int_equal(again.constraints[i].read, input->constraints[i].read);
        assert_int_equal(again.constraints[i].occurrence, input->constraints[i].occurrence);
        assert_int_equal(again.constraints[i].negative, input->constraints[i].negative);
    }
}

static void any_bytes_are_an_input(void **state)
{
    (void)state;
    rng_seed(&rng, 1);
    uint32_t with_constraints = 0;
    for (int i = 0; i < 20000; i++) {
        struct input input = draw_input();
        check_input(&input);
        with_constraints += input.constraint_count > 0;
    }
    assert_true(with_constraints > 5000);
    struct input nothing = input_decode(NULL, 0);
    assert_true(nothing.seed == 0);
    assert_int_equal(nothing.answer_count + nothing.constraint_count, 0);
}

static void mutations_make_inputs(void **state)
{
    (void)state;
    static struct reads_from pairs[50];
    rng_seed(&rng, 2);
    for (uint32_t i = 0; i < 50; i++)
        pairs[i] = (struct reads_from){ (uint16_t)rng_next(&rng), (uint16_t)rng_next(&rng) };
    uint32_t same = 0, grown = 0, shrunk = 0;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        const struct mutation_material material = { pairs, (uint32_t)(seed % 51) };
        struct input before = draw_input(), other = draw_input();
        struct input first = before, second = before;
        struct rng a, b;
        rng_seed(&a, seed);
        rng_seed(&b, seed);
        mutate(&first, &material, &a);
        mutate(&second, &material, &b);
        assert_true(input_equal(&first, &second));
        check_input(&first);
        same += input_equal(&first, &before);
        grown += first.constraint_count > before.constraint_count;
        shrunk += first.constraint_count < before.constraint_count;
        struct input child = mutate_cross(&before, &other, &a);
        check_input(&child);
    }
    assert_int_equal(same, 0);
    assert_true(grown > 1000);
    assert_true(shrunk > 1000);
}

/* Those that were seen more often than the mean are not taken, others the more often. */
static void energies_are_rffs(void **state)
{
    (void)state;
    const struct corpus_use uses[] = { { 1000, 3 }, { 1, 0 }, { 1, 3 }, { 5, 90 } };
    uint32_t energies[4];
    corpus_weigh(uses, 4, energies);
    assert_int_equal(energies[0], 0);
    assert_int_equal(energies[1], 1);
    assert_int_equal(energies[2], 8);
    assert_int_equal(energies[3], 256);
    const struct corpus_use alike[] = { { 7, 1 }, { 7, 1 } };
    corpus_weigh(alike, 2, energies);
    assert_true(energies[0] > 0 && energies[1] > 0);
}

static void draws_go_by_energy(void **state)
{
    (void)state;
    struct corpus corpus = { 0 };
    struct corpus_entry entry;
    memset(&entry, 0, sizeof entry);
    for (uint32_t i = 0; i < 3; i++)
        corpus_add(&corpus, &entry);
    const struct corpus_view view = { .corpus = &corpus,
                                      .entry_count = 3,
                                      .sums = (const uint64_t[]){ 1, 1, 10 } };
    uint32_t counts[3] = { 0 };
    struct input input;
    rng_seed(&rng, 3);
    for (int i = 0; i < 10000; i++)
        counts[corpus_draw(&view, &rng, &input)]++;
    assert_int_equal(counts[1], 0);
    assert_in_range(counts[0], 850, 1150);
    corpus_clear(&corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_are_an_input),
        cmocka_unit_test(mutations_make_inputs),
        cmocka_unit_test(energies_are_rffs),
        cmocka_unit_test(draws_go_by_energy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
