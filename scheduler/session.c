/* session.c: opening a target, executing it again and again from the same state, closing it. Also
 * goroutine 0: set-up, final check, and what the harness lets run alone. */
#include "session.h"

#include <sys/mman.h>

#include "announce.h"
#include "crash.h"
#include "explore.h"
#include "image.h"
#include "program.h"
#include "store_buffer.h"
#include "thread_local.h"

/* Events that the final check may add to a trace. */
#define FINAL_EVENTS_MAX 65536u

static struct {
    void (*function)(void *argument); /* what goroutine 0 runs */
    void *argument;
    enum treadle_verdict verdict; /* what ended it outside an execution */
    const char *rule;
    uint32_t setup_tick;
    uint32_t trace_capacity;
    bool looked; /* the arena may hold what no event tells of */
    uint64_t watched_steps; /* what the watchdog saw last */
    uint64_t steps_before;  /* events of the executions before this one */
} session;

static void session_enter(enum execution_phase phase)
{
    execution.phase = phase;
    scheduler.schedules_plainly =
        phase == PHASE_RUN && scheduler.memory == MEMORY_SC && !scheduler.whole_program;
}

/* ---- goroutine 0 ----------------------------------------------------------------------------- */

void session_note_alone(enum treadle_verdict verdict, const char *rule)
{
    session.verdict = verdict;
    session.rule = rule;
}

static void goroutine_0_main(void)
{
    fiber_started();
    session.function(session.argument);
    announce_commit(scheduler.running);
    scheduler_leave();
}

/* Runs function(argument) on goroutine 0's stack in that phase; returns when it has returned or
 * was ended. */
static void run_goroutine_0(enum execution_phase phase, void (*function)(void *argument),
                            void *argument)
{
    struct goroutine *self = &scheduler.goroutines[0];
    session.function = function;
    session.argument = argument;
    session.verdict = TREADLE_OK;
    session.rule = NULL;
    self->uncommitted = NULL;
    self->operation = 0;
    session.steps_before++; /* for the watchdog a new beginning is progress */
    fiber_prepare(&self->fiber, 0, goroutine_0_main);
    scheduler.running = self;
    session_enter(phase);
    fiber_switch(&scheduler.main, &self->fiber);
    session_enter(PHASE_NONE);
    scheduler.running = NULL;
}

static void session_prepare(void)
{
    heap_open();
    crash_handler_install();
    scheduler.crashed = false;
}

enum treadle_verdict treadle_run_alone(void (*function)(void *argument), void *argument,
                                       const char **ret_rule)
{
    CHECK(execution.phase, ==, PHASE_NONE);
    if (heap_map == NULL)
        session_prepare();
    run_goroutine_0(PHASE_SETUP, function, argument);
    if (session.verdict != TREADLE_OK && ret_rule != NULL)
        *ret_rule = session.rule;
    return session.verdict;
}

void treadle_free_all(void)
{
    heap_clear(&scheduler.goroutines[0]);
}

enum treadle_verdict scheduler_look(void (*function)(void *argument), void *argument)
{
    bool crashed = scheduler.crashed;
    session.looked = true;
    enum treadle_verdict verdict = treadle_run_alone(function, argument, NULL);
    scheduler.crashed = crashed;
    return verdict;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void session_reserve_trace(uint32_t steps_max)
{
    uint32_t capacity = steps_max + FINAL_EVENTS_MAX;
    if (capacity <= session.trace_capacity)
        return;
    if (session.trace_capacity > 0) {
        munmap(execution.trace, session.trace_capacity * sizeof *execution.trace);
        munmap(execution.choices, session.trace_capacity * sizeof *execution.choices);
    }
    int protection = PROT_READ | PROT_WRITE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    execution.trace = mmap(NULL, capacity * sizeof *execution.trace, protection, flags, -1, 0);
    execution.choices = mmap(NULL, capacity * sizeof *execution.choices, protection, flags, -1, 0);
    if (execution.trace == MAP_FAILED || execution.choices == MAP_FAILED)
        check_limit("no memory for a trace of %u events", capacity);
    session.trace_capacity = capacity;
}

/* What the words of each record are when an execution begins. */
static void session_note_records(void)
{
    for (uint32_t i = 0; i < execution.record_count; i++) {
        struct record *record = &execution.records[i];
        for (uint32_t word = 0; word < record->count; word++)
            record->setup_values[word] =
                memory_value(record->address + word * record->word_bytes, record->word_bytes);
    }
}

static void session_setup(void *argument)
{
    const struct treadle_target *target = argument;
    execution.state = target->setup != NULL ? target->setup(target->argument) : NULL;
}

/* Exploration looks at a row of numbers, one for each id, at each event: so ids are dense there. */
static void session_open_memory(const struct treadle_target *target,
                                const struct scheduler_options *options)
{
    buffer_open(options->memory, session.trace_capacity);
    execution.memory = options->memory;
    scheduler.buffered_max = options->buffered_max;
    uint32_t explored_max = target->program_count + 1 + EXPLORED_SPAWNS_MAX;
    if (options->exploring && options->memory != MEMORY_SC && options->goroutines_max == 0
        && explored_max < scheduler.goroutines_max)
        scheduler.goroutines_max = explored_max;
    scheduler.drainer_base = scheduler.goroutines_max;
}

enum treadle_verdict scheduler_open(const struct treadle_target *target,
                                    const struct scheduler_options *options,
                                    const char **ret_rule)
{
    scheduler_close();
    session_prepare();
    uint32_t steps_max = options->steps_max != 0  ? options->steps_max
                         : target->steps_max != 0 ? target->steps_max
                                                  : SCHEDULER_STEPS_MAX;
    if (options->exploring && steps_max > EXPLORE_EVENTS_MAX)
        steps_max = EXPLORE_EVENTS_MAX;
    if (steps_max > SCHEDULE_EVENTS_MAX)
        check_limit("%s: an execution can have %u events at most", target->name,
                    SCHEDULE_EVENTS_MAX);
    session_reserve_trace(steps_max);
    scheduler.steps_max = steps_max;
    scheduler.goroutines_max =
        options->goroutines_max != 0 ? options->goroutines_max : GOROUTINES_MAX;
    if (scheduler.goroutines_max > GOROUTINES_MAX)
        check_limit("at most %u goroutines are possible", GOROUTINES_MAX);
    scheduler.exploring = options->exploring;
    scheduler.unroll = options->unroll;
    session_open_memory(target, options);
    heap_set_policy(target->reuse, target->go_semantics);
    execution.target = target;
    execution_open();
    scheduler.whole_program = target->main != NULL;
    scheduler.watches_objects = scheduler.whole_program || scheduler.exploring;
    scheduler.goroutine_first = scheduler.whole_program ? 0 : 1;
    scheduler.goroutines[0].child_count = 0;
    scheduler.goroutines[0].role = NULL;
    run_goroutine_0(PHASE_SETUP, session_setup, (void *)target);
    *ret_rule = session.rule;
    session_note_records();
    heap_snapshot(&scheduler.goroutines[0]);
    memory_keep_globals();
    if (scheduler.whole_program) {
        image_open();
        thread_local_open();
    }
    session.looked = false;
    execution.operation_setup_count = execution.operation_count;
    session.setup_tick = scheduler.tick;
    scheduler.private_stacks = target->private_stacks;
    return session.verdict;
}

void scheduler_close(void)
{
    if (execution.target == NULL)
        return;
    memory_restore_setup_globals();
    if (scheduler.whole_program)
        image_restore();
    heap_clear(&scheduler.goroutines[0]);
    execution.target = NULL;
    execution.state = NULL;
    scheduler.private_stacks = false;
    scheduler.whole_program = false;
    scheduler.goroutine_first = 1;
}

/* ---- one execution --------------------------------------------------------------------------- */

/* Memory, history and counters as the set-up left them. */
static void session_reset(void)
{
    bool everything = session.looked || scheduler.whole_program; /* libc writes without events */
    heap_restore(&scheduler.goroutines[0], execution.trace, execution.trace_count, everything);
    session.looked = false;
    memory_restore_globals();
    if (scheduler.whole_program)
        image_restore();
    session.steps_before += execution.trace_count;
    scheduler.tick = session.setup_tick;
    scheduler.candidate_count = 0;
    scheduler.goroutine_count = 1;
    scheduler.live_count = 0;
    scheduler.blocked_count = 0;
    scheduler.ended_count = 0;
    scheduler.watch_count = 0;
    scheduler.watch_begin = UINT64_MAX;
    scheduler.watch_end = 0;
    scheduler.await_count = 0;
    scheduler.trace_limit = scheduler.steps_max;
    scheduler.goroutines[0].child_count = 0;
    scheduler.goroutines[0].event_count = 0;
    scheduler.drainer_count = 0;
    if (scheduler.memory != MEMORY_SC)
        buffer_reset();
    execution_reset();
}

static void session_final(void *argument)
{
    const struct treadle_target *target = argument;
    if (target->final != NULL)
        target->final(execution.state);
    for (uint32_t i = 0; i < target->invariant_count; i++) {
        const struct treadle_invariant *invariant = &target->invariants[i];
        char detail[sizeof execution.verdicts[0].detail];
        detail[0] = '\0';
        execution.breach_count = 0;
        if (!invariant->holds(execution.state, detail, sizeof detail))
            execution_add_breach(invariant, detail);
    }
}

static void session_spawn_programs(const struct treadle_target *target)
{
    if (scheduler.whole_program) {
        scheduler_spawn_main(target->main, execution.state);
        program_enter();
    }
    for (uint32_t i = 0; i < target->program_count; i++) {
        const struct treadle_program *program = &target->programs[i];
        scheduler_spawn(&scheduler.goroutines[0], program->role, program->run, execution.state,
                        program->argument);
    }
}

void scheduler_run(struct strategy *strategy, uint64_t seed)
{
    const struct treadle_target *target = execution.target;
    session_reset();
    scheduler.strategy = strategy;
    strategy->begin(strategy, seed);
    session_spawn_programs(target);
    if (scheduler.live_count > 0) {
        session_enter(PHASE_RUN);
        uint32_t first = choose(CHOICE_SCHEDULE, scheduler.candidates, scheduler.candidate_count);
        scheduler.running = scheduler.candidates[first];
        fiber_switch(&scheduler.main, &scheduler.running->fiber);
    }
    if (scheduler.whole_program)
        program_leave();
    if (scheduler.memory != MEMORY_SC)
        buffer_end();
    execution.trace_run_count = execution.trace_count;
    execution.goroutine_count = scheduler.goroutine_count;
    scheduler.trace_limit = scheduler.steps_max + FINAL_EVENTS_MAX;
    if (!execution.ended_early && (target->final != NULL || target->invariant_count > 0))
        run_goroutine_0(PHASE_FINAL, session_final, (void *)target);
    session_enter(PHASE_NONE);
    scheduler.running = NULL;
}

bool scheduler_crashed(void)
{
    return scheduler.crashed;
}

void scheduler_watchdog(void *context)
{
    uint64_t steps = session.steps_before + execution.trace_count;
    bool stuck = steps == session.watched_steps;
    session.watched_steps = steps;
    if (!stuck || execution.phase == PHASE_NONE || scheduler.running == NULL)
        return;
    if (execution.phase == PHASE_SETUP) {
        session_note_alone(TREADLE_TIMEOUT, "no event in a second of CPU time");
    } else {
        execution_add_verdict(TREADLE_TIMEOUT, "no event in a second of CPU time");
        execution.ended_early = true;
        scheduler.crashed |= scheduler.whole_program; /* libc may have been left with a lock held */
    }
    crash_abandon(context);
}
