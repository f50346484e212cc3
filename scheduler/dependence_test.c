/* dependence_test.c: what is said to commute does: in random executions of programs drawn at random
 * two steps that stand side by side and do not depend on each other are exchanged, and whatever
 * comes behind them stays possible and leads to the same state. And where too little is said to
 * depend on each other, this test notices.
 *
 *   dependence_test [PROGRAMS [FIRST]]   seeds FIRST, FIRST + 1, ... */
#include "test_draw.h"
#include "test_traces.h"

#include "dependence.h"

#define EXECUTIONS 4u    /* of each program */
#define DIFFERENT_MAX 5u /* programs that are enough to see what is wrong */

static uint64_t programs_wanted = 1000, seed_first = 1;

/* One schedule choice with all that it leads to: an event, and data choices and the goroutine's end
 * that come with it. */
struct step {
    uint32_t first, end;               /* events */
    uint32_t first_choice, end_choice; /* their choices */
};

static uint32_t find_steps(struct step *steps)
{
    uint32_t count = 0, choice = 0;
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        uint8_t kind = execution.trace[i].kind;
        if (kind != EVENT_CHOOSE && kind != EVENT_EXIT)
            steps[count++] = (struct step){ .first = i, .first_choice = choice };
        choice += kind != EVENT_EXIT;
        steps[count - 1].end = i + 1;
        steps[count - 1].end_choice = choice;
    }
    return count;
}

/* Whether goroutine ids or ends order them. */
static bool lives_depend(const struct event *first, const struct event *second)
{
    return (first->kind == EVENT_GO && first->value_written == second->goroutine)
           || (first->kind == EVENT_EXIT && second->kind == EVENT_JOIN
               && second->source == first->goroutine);
}

static bool steps_depend(const struct step *a, const struct step *b, dependence *depends)
{
    for (uint32_t i = a->first; i < a->end; i++)
        for (uint32_t k = b->first; k < b->end; k++) {
            const struct event *first = &execution.trace[i], *second = &execution.trace[k];
            if (first->goroutine == second->goroutine || lives_depend(first, second)
                || trace_depends(first, second, depends))
                return true;
        }
    return false;
}

/* The choices of the execution that has ended, steps a and b exchanged. Where both create a
 * goroutine these exchange their ids. */
static void exchange(const struct step *a, const struct step *b, struct prefix *ret_prefix)
{
    const struct event *go_a = &execution.trace[a->first], *go_b = &execution.trace[b->first];
    bool create = go_a->kind == EVENT_GO && go_b->kind == EVENT_GO;
    uint32_t moved = b->end_choice - b->first_choice;
    *ret_prefix = (struct prefix){ .length = (uint16_t)execution.choice_count };
    for (uint32_t i = 0; i < execution.choice_count; i++) {
        uint32_t to = i;
        if (i >= a->first_choice && i < a->end_choice)
            to = i + moved;
        else if (i >= b->first_choice && i < b->end_choice)
            to = i - (a->end_choice - a->first_choice);
        uint32_t answer = execution.choices[i].answer;
        if (create && execution.choices[i].kind == CHOICE_SCHEDULE && answer == go_a->value_written)
            answer = (uint32_t)go_b->value_written;
        else if (create && execution.choices[i].kind == CHOICE_SCHEDULE
                 && answer == go_b->value_written)
            answer = (uint32_t)go_a->value_written;
        ret_prefix->answers[to] = (uint16_t)answer;
    }
}

/* Exchanges each pair of neighbours of the execution that has ended; counts the pairs that commute
 * in ret_exchanged and returns how many of them did not after all. */
static uint64_t exchange_all(struct brute *brute, uint64_t *ret_exchanged)
{
    static struct prefix exchanged[BRUTE_CHOICES_MAX];
    struct step steps[BRUTE_CHOICES_MAX];
    uint32_t count = 0, step_count = find_steps(steps);
    digest trace = trace_now(brute->depends), state = state_now();
    for (uint32_t i = 0; i + 1 < step_count; i++)
        if (!steps_depend(&steps[i], &steps[i + 1], brute->depends))
            exchange(&steps[i], &steps[i + 1], &exchanged[count++]);
    uint64_t different = 0;
    for (uint32_t i = 0; i < count; i++) {
        brute->prefix = exchanged[i];
        scheduler_run(&brute->strategy, 0);
        different += brute->prefix.missed > 0 || execution.choice_count != brute->prefix.length
                     || trace_now(brute->depends) != trace || state_now() != state;
    }
    *ret_exchanged += count;
    return different;
}

/* Of random executions of one program. */
static uint64_t exchange_in(const struct random_program *program, dependence *depends,
                            uint64_t *ret_exchanged)
{
    static struct brute brute;
    struct strategy random = strategy_random();
    uint64_t different = 0;
    program_open(program, MEMORY_SC);
    brute_init(&brute, depends);
    for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
        scheduler_run(&random, seed);
        different += exchange_all(&brute, ret_exchanged);
    }
    return different;
}

static bool fails(const struct random_program *program)
{
    uint64_t exchanged = 0;
    return exchange_in(program, dependence_of, &exchanged) > 0;
}

static void independent_steps_commute(void **state)
{
    (void)state;
    uint64_t different = 0, exchanged = 0;
    uint64_t end = seed_first + programs_wanted;
    for (uint64_t seed = seed_first; seed < end && different < DIFFERENT_MAX; seed++) {
        struct random_program program;
        draw_program(&program, seed);
        if (exchange_in(&program, dependence_of, &exchanged) == 0)
            continue;
        different++;
        print_error("seed %lu: steps do not commute\n", (unsigned long)seed);
        program_reduce(&program, fails);
        program_print(&program);
    }
    print_message("%lu pairs exchanged\n", (unsigned long)exchanged);
    assert_int_equal(different, 0);
    assert_true(exchanged > 0);
}

/* ---- wrong dependences ----------------------------------------------------------------------- */

static bool only_same_bytes(const struct event *a, const struct event *b, bool reuses)
{
    return a->size == b->size && dependence_of(a, b, reuses);
}

static bool no_reuse(const struct event *a, const struct event *b, bool reuses)
{
    (void)reuses;
    return dependence_of(a, b, false);
}

static bool no_waiting(const struct event *a, const struct event *b, bool reuses)
{
    return a->kind != EVENT_WAITGROUP_WAIT && b->kind != EVENT_WAITGROUP_WAIT
           && dependence_of(a, b, reuses);
}

static bool no_history(const struct event *a, const struct event *b, bool reuses)
{
    return a->kind != EVENT_CALL && b->kind != EVENT_CALL && dependence_of(a, b, reuses);
}

static void notices_wrong_dependences(void **state)
{
    (void)state;
    dependence *const wrong[] = { only_same_bytes, no_reuse, no_waiting, no_history };
    for (uint32_t i = 0; i < COUNT(wrong); i++) {
        uint64_t different = 0, exchanged = 0;
        for (uint64_t seed = 1; seed < 2000 && different == 0; seed++) {
            struct random_program program;
            draw_program(&program, seed);
            different = exchange_in(&program, wrong[i], &exchanged);
        }
        assert_true(different > 0);
    }
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(independent_steps_commute),
        cmocka_unit_test(notices_wrong_dependences),
    };
    if (argument_count > 1)
        programs_wanted = strtoull(arguments[1], NULL, 10);
    if (argument_count > 2)
        seed_first = strtoull(arguments[2], NULL, 10);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scheduler_close();
    return failed;
}
