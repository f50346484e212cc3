/* drawn.c: a target whose program is drawn, operation by operation, by data choices. NOT
 * instrumented. What stands first in a list of choices is the least, so that shrinking comes to
 * small programs. */
#include "gomap/program.h"

enum { GOROUTINES_MIN = 2, GOROUTINES_MAX = 4, OPERATIONS_MAX = 3 };

/* 13 entries fill a map of two buckets: the next key makes it grow. Each goroutine has room for as
 * many operations as stand here. */
static const char source[] =
    "rand 5\nnew 0\na 0 100\na 1 101\na 2 102\na 3 103\na 4 104\na 5 105\na 6 106\na 7 107\n"
    "a 8 108\na 9 109\na 10 110\na 11 111\na 12 112\n"
    "par c;c;c | c;c;c | c;c;c | c;c;c\n";

/* Some that are there, some that are not. */
static const uint64_t keys[] = { 3, 7, 11, 12, 100, 101, 102, 103 };
enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

static const enum operation_kind kinds[] = {
    OPERATION_ACCESS, OPERATION_ASSIGN, OPERATION_DELETE, OPERATION_ITERATE, OPERATION_CLEAR,
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

/* value: no other operation of the program has it. */
static struct operation draw_operation(uint64_t value)
{
    struct operation operation = { .kind = kinds[treadle_choose(KIND_COUNT, "operation")] };
    if (operation.kind == OPERATION_ITERATE || operation.kind == OPERATION_CLEAR)
        return operation;
    operation.first = keys[treadle_choose(KEY_COUNT, "key")];
    if (operation.kind == OPERATION_ASSIGN)
        operation.second = value;
    return operation;
}

static void draw_goroutine(struct program_goroutine *goroutine, uint64_t value)
{
    struct operation_list *operations = &goroutine->operations;
    operations->count = 1 + treadle_choose(OPERATIONS_MAX, "operations");
    for (size_t i = 0; i < operations->count; i++)
        operations->items[i] = draw_operation(value + i);
}

static void run_goroutine(void *argument)
{
    const struct program_goroutine *goroutine = argument;
    program_run(goroutine->program, goroutine);
}

/* Draws all of the program before any of it runs: so it is one, whatever the schedule. */
static void run_drawn(void *state, const void *argument)
{
    struct program *program = state;
    (void)argument;
    uint32_t count =
        GOROUTINES_MIN + treadle_choose(GOROUTINES_MAX - GOROUTINES_MIN + 1, "goroutines");
    for (uint32_t i = 0; i < GOROUTINES_MAX; i++)
        program->results[i].count = 0;
    for (uint32_t i = 0; i < count; i++)
        draw_goroutine(&program->goroutines[i], 1000 * (i + 1));
    for (uint32_t i = 0; i < count; i++)
        treadle_go(run_goroutine, &program->goroutines[i]);
}

__attribute__((constructor)) static void register_drawn(void)
{
    struct map_type type = { .hash = MAP_HASH_MIX, .fast64 = true, .choose_start = true };
    struct program *program = program_of(&type, source);
    program->programs[0] = (struct treadle_program){ .role = "drawer", .run = run_drawn };
    struct treadle_target *target = &program->target;
    target->program_count = 1;
    target->name = "gomap/program";
    target->description = "2 to 4 goroutines, each of 1 to 3 operations that are drawn";
    target->expects = TREADLE_SET(GO_FATAL) | TREADLE_SET(PANIC) | TREADLE_SET(LOST_UPDATE)
        | TREADLE_SET(CORRUPT) | TREADLE_SET(WRONG_VALUE) | TREADLE_SET(WILD_ACCESS)
        | TREADLE_SET(MISSED_KEY) | TREADLE_SET(ITERATOR_SKIP) | TREADLE_SET(ITERATOR_REPEAT)
        | TREADLE_SET(ITERATOR_GHOST);
    target->requires[0] = (struct treadle_requirement){ .verdict = TREADLE_GO_FATAL };
    target->requires[1] =
        (struct treadle_requirement){ .verdict = TREADLE_WRONG_VALUE, .silent = true };
    target->requires[2] =
        (struct treadle_requirement){ .verdict = TREADLE_ITERATOR_SKIP, .silent = true };
    target->requirement_count = 3;
    treadle_register(target);
}
