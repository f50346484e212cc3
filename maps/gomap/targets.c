/* targets.c: the tests of Go's map. NOT instrumented. */
#include "gomap/targets.h"

#include "gomap/collect.h"

/* A set-up of 13 entries fills a map of two buckets: the next key makes it grow. */
#define SETUP_13 \
    "rand 5\nnew 0\na 0 100\na 1 101\na 2 102\na 3 103\na 4 104\na 5 105\na 6 106\na 7 107\n" \
    "a 8 108\na 9 109\na 10 110\na 11 111\na 12 112\n"
/* 26 entries fill one of four buckets: a growth that takes more than one operation. */
#define SETUP_26 \
    "rand 5\nnew 20\na 0 100\na 1 101\na 2 102\na 3 103\na 4 104\na 5 105\na 6 106\na 7 107\n" \
    "a 8 108\na 9 109\na 10 110\na 11 111\na 12 112\na 13 113\na 14 114\na 15 115\na 16 116\n" \
    "a 17 117\na 18 118\na 19 119\na 20 120\na 21 121\na 22 122\na 23 123\na 24 124\na 25 125\n"

static const struct {
    enum map_hash hash;
    const char *source;
} sources[TARGETS_PROGRAM_COUNT] = {
    [TARGETS_INSERT_INSERT] = { MAP_HASH_MIX,
        "rand 5\nnew 0\na 0 100\na 1 101\na 2 102\na 3 103\na 4 104\n"
        "par a 100 1 | a 101 2\n" },
    [TARGETS_INSERT_INSERT_GROW] = { MAP_HASH_MIX,
        "rand 5\nnew 0\na 0 100\na 1 101\na 2 102\na 3 103\na 4 104\na 5 105\na 6 106\na 7 107\n"
        "par a 100 1 | a 101 2\n" },
    [TARGETS_READ_GROW] = { MAP_HASH_MIX,
        SETUP_13 "par g 3;g 7;g 11 | a 100 1;a 101 2\n" },
    [TARGETS_ITERATE_GROW] = { MAP_HASH_MIX,
        SETUP_13 "par it | a 100 1;a 101 1\n" },
    [TARGETS_ITERATE_CLEAR] = { MAP_HASH_MIX,
        SETUP_26 "par ii 1;a 100 1;c;in 1;in 1;in 1\n" },
    [TARGETS_ITERATE_MUTATE] = { MAP_HASH_MIX,
        SETUP_26 "par ii 1\n" },
    /* blk: 64 neighbouring keys share a bucket. 16 buckets and 2 preallocated ones, of which bucket
     * 0 takes the first; buckets 1 and 2 are full. */
    [TARGETS_NEXT_OVERFLOW] = { MAP_HASH_BLK,
        "rand 5\nnew 60\na 0 1\na 1 1\na 2 1\na 3 1\na 4 1\na 5 1\na 6 1\na 7 1\na 8 1\n"
        "a 64 1\na 65 1\na 66 1\na 67 1\na 68 1\na 69 1\na 70 1\na 71 1\n"
        "a 128 1\na 129 1\na 130 1\na 131 1\na 132 1\na 133 1\na 134 1\na 135 1\n"
        "par a 72 2 | a 136 3\n" },
    /* 8 buckets, none preallocated; 1 to 3 are full. The third part or the fourth runs behind the
     * collection: one needs an overflow bucket and gets the memory that was freed. */
    [TARGETS_OVERFLOW_LIST_GC] = { MAP_HASH_BLK,
        "rand 5\nnew 40\na 64 1\na 65 1\na 66 1\na 67 1\na 68 1\na 69 1\na 70 1\na 71 1\n"
        "a 128 1\na 129 1\na 130 1\na 131 1\na 132 1\na 133 1\na 134 1\na 135 1\n"
        "a 192 1\na 193 1\na 194 1\na 195 1\na 196 1\na 197 1\na 198 1\na 199 1\n"
        "par a 72 2 | a 136 3 | a 200 4;g 72;g 136;g 200 | g 72;g 136\n" },
};

/* ---- iterate-mutate -------------------------------------------------------------------------- */

static void mutate(struct interpreter *interpreter, uint64_t step)
{
    enum { KEYS_OLD = 26, KEYS_NEW = 100 };
    enum { NOTHING, INSERT, INSERT_TWICE, UPDATE, DELETE, DELETE_NEW, ANSWER_COUNT };
    struct operation operation = { OPERATION_ASSIGN, KEYS_NEW + 2 * step, 1000 + step };
    switch (treadle_choose(ANSWER_COUNT, "range body")) {
    case INSERT:
        break;
    case INSERT_TWICE:
        interpreter_apply(interpreter, &operation, NULL);
        operation.first++;
        break;
    case UPDATE:
        operation.first = treadle_choose(KEYS_OLD, "key to update");
        break;
    case DELETE:
        operation.kind = OPERATION_DELETE;
        operation.first = treadle_choose(KEYS_OLD, "key to delete");
        break;
    case DELETE_NEW:
        operation.kind = OPERATION_DELETE;
        operation.first = KEYS_NEW + (step == 0 ? 0 : 2 * (step - 1));
        break;
    default:
        return;
    }
    interpreter_apply(interpreter, &operation, NULL);
}

/* A range whose body assigns and deletes as it is told, as long as it does not grow endlessly.
 * Under a lock it does so in few rounds, of which there are no more ways (100,352) than can be
 * checked. */
static void run_iterate_mutate(void *state, const void *argument)
{
    enum { MUTATIONS = 12, MUTATIONS_LOCKED = 2 };
    const struct program_goroutine *goroutine = argument;
    struct interpreter_stack stack;
    struct interpreter interpreter;
    const uint64_t mutations =
        goroutine->program->locked ? MUTATIONS_LOCKED : MUTATIONS;
    program_interpreter(state, &interpreter, &stack);
    interpreter_apply(&interpreter, &goroutine->operations.items[0], NULL);
    const struct operation next = { OPERATION_ITERATOR_NEXT,
                                    goroutine->operations.items[0].first, 0 };
    for (uint64_t step = 0; !interpreter.iterators[0].finished; step++) {
        if (step < mutations)
            mutate(&interpreter, step);
        interpreter_apply(&interpreter, &next, NULL);
    }
}

/* ---- overflow-list-gc ------------------------------------------------------------------------ */

static void run_goroutine(void *argument)
{
    const struct program_goroutine *goroutine = argument;
    program_run(goroutine->program, goroutine);
}

/* Two inserters at once, then a collection while nobody uses the map, then one of the remaining
 * parts of the program. */
static void run_collector(void *state, const void *argument)
{
    struct program *program = state;
    (void)argument;
    uint32_t first = treadle_go(run_goroutine, &program->goroutines[0]);
    uint32_t second = treadle_go(run_goroutine, &program->goroutines[1]);
    treadle_join(first);
    treadle_join(second);
    collect_overflow(program->state.map);
    program_run(program, &program->goroutines[2 + treadle_choose(2, "after the collection")]);
}

struct program *targets_program(enum targets_program which)
{
    struct map_type type = { .hash = sources[which].hash, .fast64 = true, .choose_start = true };
    struct program *program = program_of(&type, sources[which].source);
    if (which == TARGETS_ITERATE_MUTATE)
        program->programs[0].run = run_iterate_mutate;
    if (which == TARGETS_OVERFLOW_LIST_GC) {
        program->programs[0] = (struct treadle_program){
            .role = "collector",
            .run = run_collector,
        };
        program->target.program_count = 1;
        program->target.reuse = TREADLE_REUSE_LIFO;
    }
    return program;
}

/* ---- the targets ----------------------------------------------------------------------------- */

/* What two writers that race can do to a map, when they are not caught. */
#define RACE_EXPECTED                                                                              \
    (TREADLE_SET(GO_FATAL) | TREADLE_SET(PANIC) | TREADLE_SET(LOST_UPDATE) | TREADLE_SET(CORRUPT)  \
     | TREADLE_SET(WRONG_VALUE) | TREADLE_SET(WILD_ACCESS))

static const struct {
    enum targets_program program;
    const char *name;
    const char *description;
    uint64_t expects;
    struct treadle_requirement requires[TREADLE_REQUIREMENTS_MAX];
} targets[] = {
    { TARGETS_INSERT_INSERT, "gomap/insert-insert", "two inserts into a map of 5 entries",
      RACE_EXPECTED,
      { { TREADLE_GO_FATAL, false, "concurrent map writes" },
        { TREADLE_LOST_UPDATE, true, NULL } } },
    { TARGETS_INSERT_INSERT_GROW, "gomap/insert-insert-grow",
      "two inserts into a map of 8 entries, which grows", RACE_EXPECTED,
      { { TREADLE_CORRUPT, false, NULL },
        { TREADLE_PANIC, false, NULL },
        { TREADLE_GO_FATAL, false, "concurrent map writes" },
        { TREADLE_GO_FATAL, false, "bad map state" } } },
    { TARGETS_READ_GROW, "gomap/read-grow", "reads of present keys while the map grows",
      RACE_EXPECTED | TREADLE_SET(MISSED_KEY),
      { { TREADLE_MISSED_KEY, false, NULL }, { TREADLE_WRONG_VALUE, false, NULL } } },
    { TARGETS_ITERATE_GROW, "gomap/iterate-grow", "a range while the map grows",
      RACE_EXPECTED | TREADLE_SET(ITERATOR_SKIP) | TREADLE_SET(ITERATOR_REPEAT)
          | TREADLE_SET(ITERATOR_GHOST),
      { { TREADLE_ITERATOR_SKIP, true, NULL } } },
    { TARGETS_ITERATE_CLEAR, "gomap/iterate-clear",
      "one goroutine: a range goes on after the map began to grow and was cleared",
      TREADLE_SET(ITERATOR_GHOST), { { TREADLE_ITERATOR_GHOST, false, NULL } } },
    { TARGETS_ITERATE_MUTATE, "gomap/iterate-mutate",
      "one goroutine: a range with assignments and deletions in its body", 0, { { 0 } } },
    { TARGETS_NEXT_OVERFLOW, "gomap/next-overflow",
      "two inserts need overflow buckets, one preallocated one is left", RACE_EXPECTED,
      { { TREADLE_CORRUPT, false, "linked in two chains" },
        { TREADLE_CORRUPT, false, "past its array" },
        { TREADLE_PANIC, false, NULL } } },
    { TARGETS_OVERFLOW_LIST_GC, "gomap/overflow-list-gc",
      "two inserts race for the list of overflow buckets, then garbage is collected",
      RACE_EXPECTED | TREADLE_SET(USE_AFTER_FREE) | TREADLE_SET(STALE_POINTER)
          | TREADLE_SET(MISSED_KEY),
      { { TREADLE_USE_AFTER_FREE, false, NULL } } },
};

__attribute__((constructor)) static void register_targets(void)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct treadle_target *target = &targets_program(targets[i].program)->target;
        target->name = targets[i].name;
        target->description = targets[i].description;
        target->expects = targets[i].expects;
        while (target->requirement_count < TREADLE_REQUIREMENTS_MAX
               && targets[i].requires[target->requirement_count].verdict != TREADLE_OK) {
            target->requires[target->requirement_count] =
                targets[i].requires[target->requirement_count];
            target->requirement_count++;
        }
        treadle_register(target);
    }
}
