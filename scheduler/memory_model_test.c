/* memory_model_test.c: exploration under each memory model reaches exactly the final states that a
 * plain machine with store buffers (test_machine.h) can reach; each class of executions once.
 * Programs are random: loads and stores of 1 to 8 bytes that overlap in all ways,
 * read-modify-writes, fences, a lock. */
#include "test_machine.h"

#include "dependence.h"
#include "explore.h"
#include "rng.h"
#include "store_buffer.h"

/* ---- the same program, executed -------------------------------------------------------------- */

void __tsan_unaligned_read1(void *), __tsan_unaligned_read2(void *);
void __tsan_unaligned_read4(void *), __tsan_unaligned_read8(void *);
void __tsan_unaligned_write1(void *), __tsan_unaligned_write2(void *);
void __tsan_unaligned_write4(void *), __tsan_unaligned_write8(void *);
#define ATOMICS(bits)                                                                              \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *, int);               \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *, uint##bits##_t, int);              \
    uint##bits##_t __tsan_atomic##bits##_fetch_add(volatile uint##bits##_t *, uint##bits##_t,      \
                                                   int);                                           \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                     \
        volatile uint##bits##_t *, uint##bits##_t, uint##bits##_t, int, int);
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)
void __tsan_atomic_thread_fence(int);

static uint64_t registers[GOROUTINES][STEPS_MAX];

#define BITS(bits, address, step, result)                                                          \
    do {                                                                                           \
        volatile uint##bits##_t *typed = (void *)(address);                                        \
        uint##bits##_t value = (uint##bits##_t)repeated((step)->value, bits / 8);                  \
        uint8_t order = (step)->order;                                                             \
        if ((step)->kind == STEP_ADD) {                                                            \
            result = __tsan_atomic##bits##_fetch_add(typed, value, order);                         \
        } else if ((step)->kind == STEP_CAS) {                                                     \
            result = __tsan_atomic##bits##_compare_exchange_val(                                   \
                typed, value, (uint##bits##_t)~value, order, EVENT_RELAXED);                       \
        } else if ((step)->kind == STEP_LOAD && order == EVENT_PLAIN) {                            \
            CONCAT(__tsan_unaligned_read, bits)((void *)(address));                                \
            memcpy(&result, (void *)(address), bits / 8);                                          \
        } else if ((step)->kind == STEP_LOAD) {                                                    \
            result = __tsan_atomic##bits##_load(typed, order);                                     \
        } else if (order == EVENT_PLAIN) {                                                         \
            CONCAT(__tsan_unaligned_write, bits)((void *)(address));                               \
            memcpy((void *)(address), &value, bits / 8);                                           \
        } else {                                                                                   \
            __tsan_atomic##bits##_store(typed, value, order);                                      \
        }                                                                                          \
    } while (0)
#define CONCAT(name, bits) name##bits
#define __tsan_unaligned_read16 __tsan_unaligned_read2
#define __tsan_unaligned_read32 __tsan_unaligned_read4
#define __tsan_unaligned_read64 __tsan_unaligned_read8
#define __tsan_unaligned_write16 __tsan_unaligned_write2
#define __tsan_unaligned_write32 __tsan_unaligned_write4
#define __tsan_unaligned_write64 __tsan_unaligned_write8

struct shared {
    uint8_t memory[CELLS];
    struct treadle_mutex mutex;
};

/* Exploration looks at all of a goroutine's stack. */
#define LOOKED_AT __attribute__((no_sanitize_address))

static LOOKED_AT uint64_t access_memory(uint8_t *address, const struct step *step)
{
    uint64_t result = 0;
    if (step->size == 8)
        BITS(64, address, step, result);
    else if (step->size == 4)
        BITS(32, address, step, result);
    else if (step->size == 2)
        BITS(16, address, step, result);
    else if (step->kind == STEP_LOAD && step->order == EVENT_PLAIN) {
        __tsan_unaligned_read1(address);
        result = *(volatile uint8_t *)address;
    } else if (step->kind == STEP_STORE && step->order == EVENT_PLAIN) {
        __tsan_unaligned_write1(address);
        *(volatile uint8_t *)address = step->value;
    } else {
        volatile uint8_t *typed = address;
        if (step->kind == STEP_STORE)
            __tsan_atomic8_store(typed, step->value, step->order);
        else
            result = step->kind == STEP_LOAD  ? __tsan_atomic8_load(typed, step->order)
                     : step->kind == STEP_ADD ? __tsan_atomic8_fetch_add(typed, step->value, 5)
                                              : __tsan_atomic8_compare_exchange_val(
                                                  typed, step->value, (uint8_t)~step->value, 5, 0);
    }
    return result;
}

static LOOKED_AT void run_steps(void *state, const void *argument)
{
    struct shared *shared = state;
    uint32_t g = treadle_self() - 1;
    (void)argument;
    memset(registers[g], 0, sizeof registers[g]);
    for (uint32_t i = 0; i < program.counts[g]; i++) {
        const struct step *step = &program.steps[g][i];
        if (step->kind == STEP_FENCE)
            __tsan_atomic_thread_fence(step->order);
        else if (step->kind == STEP_LOCK)
            treadle_mutex_lock(&shared->mutex);
        else if (step->kind == STEP_UNLOCK)
            treadle_mutex_unlock(&shared->mutex);
        else
            registers[g][i] = access_memory(shared->memory + step->offset, step);
    }
}

static void *setup_shared(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct shared), "shared");
}

static struct treadle_target target = {
    .name = "random",
    .setup = setup_shared,
    PROGRAMS({ "a", run_steps, NULL }, { "b", run_steps, NULL }, { "c", run_steps, NULL }),
};

static void open_model(enum memory_model model)
{
    const char *rule;
    struct scheduler_options options = { .exploring = true, .memory = model };
    target.program_count = program.goroutines;
    assert_int_equal(scheduler_open(&target, &options, &rule), TREADLE_OK);
}

static uint64_t execution_final(void)
{
    expect_no_verdict();
    for (uint32_t g = program.goroutines; g < GOROUTINES; g++)
        memset(registers[g], 0, sizeof registers[g]);
    return final_hash(((struct shared *)execution.state)->memory, registers);
}

/* ---- classes of executions ------------------------------------------------------------------- */

/* An event whatever order it came in: whose, and the how-manieth. */
static uint64_t event_label(const struct event *event)
{
    bool drains = event->kind == EVENT_DRAIN;
    uint64_t chain = drains ? buffer_drainer_chain(event->goroutine) + 1 : 0;
    return (uint64_t)event_owner(event) << 48 | chain << 32 | event->index;
}

/* A hash of the order of all events that depend on each other. */
static uint64_t execution_class(void)
{
    static uint64_t hashes[1024];
    uint64_t sum = 0;
    assert_true(execution.trace_run_count < 1024);
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        uint64_t before = 0;
        for (uint32_t j = 0; j < i; j++)
            if (execution.trace[j].goroutine == event->goroutine
                || dependence_of(&execution.trace[j], event, false))
                before += rng_mix(hashes[j]);
        hashes[i] = rng_mix(rng_mix(event_label(event) + 1) + before);
        sum += rng_mix(hashes[i] ^ 0x5555);
    }
    return sum;
}

/* ---- random programs ------------------------------------------------------------------------- */

static uint8_t pick(struct rng *rng, const uint8_t *from, uint32_t count)
{
    return from[rng_below(rng, count)];
}

/* Mostly few bytes that overlap often. */
static struct step random_step(struct rng *rng)
{
    static const uint8_t kinds[] = { STEP_LOAD, STEP_LOAD, STEP_LOAD,  STEP_STORE, STEP_STORE,
                                     STEP_STORE, STEP_STORE, STEP_ADD, STEP_CAS,   STEP_FENCE };
    static const uint8_t sizes[] = { 1, 2, 4, 4, 4, 4, 8 };
    static const uint8_t stores[] = { EVENT_PLAIN, EVENT_RELAXED, EVENT_RELEASE, EVENT_SEQ_CST };
    static const uint8_t loads[] = { EVENT_PLAIN, EVENT_RELAXED, EVENT_ACQUIRE, EVENT_SEQ_CST };
    static const uint8_t fences[] = { EVENT_RELEASE, EVENT_ACQ_REL, EVENT_SEQ_CST,
                                      EVENT_ACQUIRE };
    struct step step = { .kind = pick(rng, kinds, COUNT(kinds)),
                         .size = pick(rng, sizes, COUNT(sizes)),
                         .value = (uint8_t)(1 + rng_below(rng, 3)) };
    step.order = step.kind == STEP_FENCE   ? pick(rng, fences, 4)
                 : step.kind == STEP_LOAD  ? pick(rng, loads, 4)
                 : step.kind == STEP_STORE ? pick(rng, stores, 4)
                                           : EVENT_SEQ_CST;
    step.offset = (uint8_t)(step.size == 8 ? 0 : step.size * rng_below(rng, 2));
    if (step.order == EVENT_PLAIN && rng_below(rng, 3) == 0)
        step.offset = (uint8_t)rng_below(rng, 6);
    if (step.kind == STEP_CAS && rng_below(rng, 2) == 0)
        step.value = 0;
    return step;
}

/* Puts lock and unlock around goroutine g's step number `at`, if there are so many. */
static void put_under_lock(uint32_t g, uint32_t at)
{
    struct step *steps = program.steps[g];
    uint32_t count = program.counts[g];
    if (at >= count || count + 2 > STEPS_MAX)
        return;
    memmove(steps + at + 3, steps + at + 1, (count - at - 1) * sizeof *steps);
    steps[at + 1] = steps[at];
    steps[at] = (struct step){ .kind = STEP_LOCK };
    steps[at + 2] = (struct step){ .kind = STEP_UNLOCK };
    program.counts[g] += 2;
}

static void random_program(uint64_t seed, uint32_t steps)
{
    struct rng rng;
    rng_seed(&rng, seed);
    memset(&program, 0, sizeof program);
    program.goroutines = 2 + rng_below(&rng, 2);
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t g = rng_below(&rng, program.goroutines);
        if (program.counts[g] < STEPS_MAX)
            program.steps[g][program.counts[g]++] = random_step(&rng);
    }
    for (uint32_t g = 0; g < program.goroutines && seed % 4 == 0; g++)
        put_under_lock(g, rng_below(&rng, 3));
}

/* ---- tests ----------------------------------------------------------------------------------- */

static struct set finals, classes;

static void explore_program(enum memory_model model, uint64_t seed)
{
    machine_model = model;
    set_clear(&machine_seen);
    set_clear(&machine_finals);
    set_clear(&finals);
    set_clear(&classes);
    static const struct machine begin;
    machine_visit(&begin);
    open_model(model);
    struct explorer *explorer = explorer_create(false);
    while (explorer_next(explorer)) {
        if (explorer_blocked(explorer))
            print_error("program %lu: blocked under %s\n", seed, memory_model_name(model));
        assert_false(explorer_blocked(explorer));
        set_add(&finals, execution_final());
        if (!set_add(&classes, execution_class()))
            print_error("program %lu: twice under %s\n", seed, memory_model_name(model));
    }
    explorer_destroy(explorer);
    scheduler_close();
    if (!set_within(&finals, &machine_finals) || !set_within(&machine_finals, &finals))
        print_error("program %lu under %s: %u final states, the plain machine has %u\n", seed,
                    memory_model_name(model), finals.count, machine_finals.count);
    assert_true(set_within(&finals, &machine_finals));
    assert_true(set_within(&machine_finals, &finals));
}

static uint64_t executions_explored(void)
{
    struct explorer *explorer = explorer_create(false);
    uint64_t count = 0;
    while (explorer_next(explorer))
        count++;
    explorer_destroy(explorer);
    return count;
}

static void final_states_are_the_machines(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 240; seed++)
        for (enum memory_model model = MEMORY_SC; model < MEMORY_MODEL_COUNT; model++) {
            random_program(seed, 3 + (uint32_t)(seed % 4));
            explore_program(model, seed);
        }
}

/* As many executions as there are classes among all schedules. */
static void each_class_comes_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1150; seed++)
        for (enum memory_model model = MEMORY_SC; model < MEMORY_MODEL_COUNT; model++) {
            random_program(seed, 3);
            struct every every = every_schedule();
            open_model(model);
            set_clear(&classes);
            while (every.executions < 20000 && every_run(&every))
                set_add(&classes, execution_class());
            uint64_t explored = executions_explored();
            if (explored != classes.count && every.executions < 20000)
                print_error("program %lu under %s: %u classes, %lu executions\n", seed,
                            memory_model_name(model), classes.count, explored);
            assert_true(every.executions == 20000 || explored == classes.count);
            scheduler_close();
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(final_states_are_the_machines),
        cmocka_unit_test(each_class_comes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
