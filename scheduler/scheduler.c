/* scheduler.c: the life of one execution: goroutines come into being, wait, go on, end. Choosing
 * and the way of each event are in announce.h; what happens between executions in session.c. */
#include "scheduler.h"

#include "announce.h"
#include "await.h"
#include "dependence.h"
#include "session.h"
#include "store_buffer.h"
#include "synchronisation.h"
#include "thread_local.h"

struct scheduler scheduler;

/* ---- candidates ------------------------------------------------------------------------------ */

void scheduler_add_candidate(struct goroutine *goroutine)
{
    uint32_t position = scheduler.candidate_count++;
    while (position > 0 && scheduler.candidates[position - 1]->id > goroutine->id) {
        scheduler.candidates[position] = scheduler.candidates[position - 1];
        position--;
    }
    scheduler.candidates[position] = goroutine;
    goroutine->state = GOROUTINE_READY;
}

void scheduler_remove_candidate(const struct goroutine *goroutine)
{
    uint32_t position = 0;
    while (scheduler.candidates[position] != goroutine)
        position++;
    scheduler.candidate_count--;
    for (; position < scheduler.candidate_count; position++)
        scheduler.candidates[position] = scheduler.candidates[position + 1];
}

void goroutine_update(struct goroutine *goroutine)
{
    bool can = goroutine_can_execute(goroutine);
    if (goroutine->state == GOROUTINE_READY && !can) {
        scheduler_remove_candidate(goroutine);
        goroutine->state = GOROUTINE_BLOCKED;
        scheduler.blocked_count++;
    } else if (goroutine->state == GOROUTINE_BLOCKED && can) {
        scheduler.blocked_count--;
        scheduler_add_candidate(goroutine);
    }
}

void scheduler_refresh(uint64_t address)
{
    for (uint32_t id = scheduler.goroutine_first; id < scheduler.goroutine_count; id++) {
        struct goroutine *goroutine = &scheduler.goroutines[id];
        bool concerned = address == 0 || goroutine->pending.address == address;
        if (concerned && goroutine->state < GOROUTINE_DONE && goroutine != scheduler.running)
            goroutine_update(goroutine);
    }
}

/* An object that is written by other means than its own operations: made anew, or copied over.
 * Those look for themselves who can go on. */
static void watch_objects(void)
{
    const struct event *last = &execution.trace[execution.trace_count];
    while (last > execution.trace && (--last)->kind == EVENT_CHOOSE)
        ; /* no choice stood before that */
    if (!(SCHEDULER_WATCHED >> last->kind & 1))
        return;
    for (uint32_t id = scheduler.goroutine_first; id < scheduler.goroutine_count; id++) {
        struct goroutine *goroutine = &scheduler.goroutines[id];
        uint64_t address = goroutine->pending.address;
        bool overlaps = address - last->address < last->size
                        || last->address - address < goroutine->pending.size;
        if (overlaps && goroutine->state < GOROUTINE_DONE && dependence_waits(&goroutine->pending))
            goroutine_update(goroutine);
    }
}

/* Remembers that somebody is pending on the object there. */
static void watch_add(uint64_t address, uint32_t size)
{
    scheduler.watch_count++;
    if (address < scheduler.watch_begin)
        scheduler.watch_begin = address;
    if (address + size > scheduler.watch_end)
        scheduler.watch_end = address + size;
}

void scheduler_watch(void)
{
    if (scheduler.await_count > 0)
        await_wake();
    if (scheduler.watch_count > scheduler.await_count)
        watch_objects();
}

/* ---- a goroutine's life ---------------------------------------------------------------------- */

/* The goroutine has done all that it had to do. */
ALWAYS_INLINE _Noreturn void goroutine_end(struct goroutine *self)
{
    announce_execute(self, event_what(EVENT_EXIT, EVENT_PLAIN, 0, self->id), 0, 0);
    scheduler_remove_candidate(self);
    self->state = GOROUTINE_DONE;
    scheduler.live_count--;
    if (scheduler.memory != MEMORY_SC)
        buffer_lift(self, true);
    if (scheduler.watch_count + scheduler.blocked_count > 0)
        scheduler_refresh(0);
    if (scheduler.live_count == 0 && scheduler.ended_count == 0 && scheduler.candidate_count == 0)
        scheduler_leave();
    announce_schedule_from(self, 0);
    __builtin_unreachable();
}

/* A thread's stack and thread-locals go. That is an event: others may use them as long as it has
 * not come, also when the thread has nothing else to do. */
static void goroutine_gone(void)
{
    fiber_started();
    struct goroutine *self = scheduler.running;
    uint64_t what = event_what(EVENT_GONE, EVENT_PLAIN, 0, self->id);
    announce_pending(self, what, 0, 0);
    self->pending.await = 0;
    announce_schedule_from(self, 0);
    announce_execute(self, what, 0, 0);
    goroutine_end(self);
}

/* Who writes to a frame that has been left must not meet one of the engine's there. */
ALWAYS_INLINE _Noreturn void goroutine_exit(struct goroutine *self)
{
    announce_commit(self);
    if (!scheduler.whole_program)
        goroutine_end(self);
    struct fiber left;
    fiber_prepare_at(&self->fiber, self->id, fiber_middle(self->id), goroutine_gone);
    fiber_switch(&left, &self->fiber);
    __builtin_unreachable();
}

void scheduler_exit(void)
{
    goroutine_exit(scheduler.running);
}

static void goroutine_main(void)
{
    fiber_started();
    struct goroutine *self = scheduler.running;
    announce_execute(self, event_what(EVENT_START, EVENT_PLAIN, 0, self->id), 0, 0);
    self->run(self->state_argument, self->argument);
    goroutine_exit(self);
}

/* Makes it READY, pending at its start. What it has allocated, who its parent is, is not
 * touched. */
static void goroutine_begin(struct goroutine *goroutine, uint32_t id, const char *role,
                            void (*run)(void *state, const void *argument), void *state,
                            const void *argument)
{
    goroutine->pending.address = 0;
    goroutine->pending.pc = 0;
    goroutine->pending.what = event_what(EVENT_START, EVENT_PLAIN, 0, id);
    goroutine->pending.success = 1; /* a pending operation counts as what it may do */
    goroutine->priority = 0;
    goroutine->uncommitted = NULL;
    goroutine->event_count = 0;
    goroutine->operation = 0;
    goroutine->await.count = 0;
    goroutine->await.armed = false;
    goroutine->pending.await = 0;
    goroutine->id = id;
    goroutine->child_count = 0;
    goroutine->role = role;
    goroutine->run = run;
    goroutine->state_argument = state;
    goroutine->argument = argument;
    fiber_prepare(&goroutine->fiber, id, goroutine_main);
    if (scheduler.memory != MEMORY_SC)
        buffer_begin(id);
    scheduler.live_count++;
    scheduler_add_candidate(goroutine);
}

struct goroutine *scheduler_spawn(struct goroutine *parent, const char *role,
                                  void (*run)(void *state, const void *argument), void *state,
                                  const void *argument)
{
    uint32_t id = scheduler.goroutine_count;
    if (id >= scheduler.goroutines_max)
        check_limit("an execution has more than %u goroutines", scheduler.goroutines_max - 1);
    scheduler.goroutine_count++;
    struct goroutine *goroutine = &scheduler.goroutines[id];
    goroutine->allocation_count = 0;
    goroutine->heap_used = 0;
    goroutine->parent = parent->id;
    goroutine->child_index = ++parent->child_count;
    goroutine_begin(goroutine, id, role, run, state, argument);
    return goroutine;
}

void scheduler_spawn_main(const struct treadle_program *program, void *state)
{
    goroutine_begin(&scheduler.goroutines[0], 0, program->role, program->run, state,
                    program->argument);
}

__attribute__((noinline, cold)) void scheduler_schedule_specially(struct goroutine *self,
                                                                uint64_t frame)
{
    if (execution.phase != PHASE_RUN)
        return;
    if (scheduler.memory != MEMORY_SC)
        buffer_schedule(self, frame);
    else
        announce_switch(self);
    if (scheduler.whole_program)
        thread_local_enter(self->id);
}

struct event *scheduler_synchronise(enum event_kind kind, const volatile void *object,
                                    uint32_t size, uint64_t source, uint64_t pc, uint64_t frame)
{
    if (execution.phase == PHASE_NONE)
        return NULL;
    struct goroutine *self = scheduler.running;
    uint64_t address = (uint64_t)object;
    uint64_t what = event_what(kind, EVENT_SEQ_CST, size, self->id);
    announce_pending(self, what, address, pc);
    self->pending.source = source;
    if (scheduler.exploring && execution.phase == PHASE_RUN)
        await_look(self);
    if (execution.phase != PHASE_RUN && !goroutine_can_execute(self))
        scheduler_deadlock();
    if (execution.phase == PHASE_RUN && scheduler.memory == MEMORY_SC)
        goroutine_update(self); /* else it is looked at when main memory shows */
    struct event *event = NULL;
    if (announce_records()) {
        bool watches = scheduler.watches_objects && kind != EVENT_JOIN
                       && dependence_waits(&self->pending);
        if (watches)
            watch_add(address, size);
        announce_schedule_from(self, frame);
        scheduler.watch_count -= watches;
        event = announce_execute(self, what, address, pc);
        event->source = source;
        if (scheduler.exploring)
            await_executed(self, event);
    }
    if (kind != EVENT_JOIN)
        memory_check(address, size, true);
    return event;
}

/* ---- spawn paths ----------------------------------------------------------------------------- */

/* Length of a goroutine's spawn path. */
static uint32_t path_length(uint32_t goroutine)
{
    uint32_t length = 0;
    for (; goroutine != 0; goroutine = scheduler.goroutines[goroutine].parent)
        length++;
    return length;
}

static uint32_t path_ancestor(uint32_t goroutine, uint32_t generations)
{
    for (; generations > 0; generations--)
        goroutine = scheduler.goroutines[goroutine].parent;
    return goroutine;
}

bool goroutine_precedes(uint32_t a, uint32_t b)
{
    uint32_t a_length = path_length(a), b_length = path_length(b);
    uint32_t shorter = a_length < b_length ? a_length : b_length;
    uint32_t a_up = path_ancestor(a, a_length - shorter);
    uint32_t b_up = path_ancestor(b, b_length - shorter);
    if (a_up == b_up)
        return a_length < b_length;
    while (scheduler.goroutines[a_up].parent != scheduler.goroutines[b_up].parent) {
        a_up = scheduler.goroutines[a_up].parent;
        b_up = scheduler.goroutines[b_up].parent;
    }
    return scheduler.goroutines[a_up].child_index < scheduler.goroutines[b_up].child_index;
}

/* ---- ends ------------------------------------------------------------------------------------ */

void scheduler_leave(void)
{
    fiber_switch(&scheduler.running->fiber, &scheduler.main);
    __builtin_unreachable();
}

/* The running goroutine has ended the program: that takes effect when no other one can go on. */
static _Noreturn void scheduler_defer_end(enum treadle_verdict verdict, const char *rule,
                                          uint32_t event)
{
    struct goroutine *self = scheduler.running;
    announce_commit(self);
    self->end_verdict = verdict;
    self->end_rule = rule;
    self->end_event = event;
    scheduler_remove_candidate(self);
    self->state = GOROUTINE_ENDED;
    scheduler.live_count--;
    scheduler.ended_count++;
    announce_schedule_from(self, 0);
    __builtin_unreachable();
}

/* No other goroutine can go on: those that have ended the program do so now. */
static _Noreturn void scheduler_end_deferred(void)
{
    for (uint32_t id = 0; id < scheduler.goroutine_count; id++) {
        const struct goroutine *goroutine = &scheduler.goroutines[id];
        if (goroutine->state != GOROUTINE_ENDED || goroutine->end_verdict == TREADLE_OK)
            continue;
        execution.ended_early = true;
        struct verdict_record *record =
            execution_add_verdict(goroutine->end_verdict, goroutine->end_rule);
        if (record != NULL && goroutine->end_event != EVENT_INDEX_NONE)
            record->events[record->event_count++] = goroutine->end_event;
    }
    scheduler_leave();
}

void scheduler_end_process(void)
{
    if (scheduler.exploring)
        scheduler_defer_end(TREADLE_OK, NULL, EVENT_INDEX_NONE);
    scheduler_leave();
}

void scheduler_end(enum treadle_verdict verdict, const char *rule, uint32_t event)
{
    if (execution.phase == PHASE_SETUP) {
        session_note_alone(verdict, rule);
        scheduler_leave();
    }
    if (scheduler.exploring && execution.phase == PHASE_RUN && verdict != TREADLE_TIMEOUT)
        scheduler_defer_end(verdict, rule, event);
    struct verdict_record *record = execution_add_verdict(verdict, rule);
    if (record != NULL && event != EVENT_INDEX_NONE)
        record->events[record->event_count++] = event;
    execution.ended_early = true;
    scheduler_leave();
}

void scheduler_note_crash(const char *rule)
{
    scheduler.crashed = true;
    announce_commit(scheduler.running);
    if (execution.phase == PHASE_SETUP) {
        session_note_alone(TREADLE_CRASH, rule);
        return;
    }
    struct verdict_record *record = execution_add_verdict(TREADLE_CRASH, rule);
    if (record != NULL && execution.trace_count > 0)
        record->events[record->event_count++] = execution.trace_count - 1;
    execution.ended_early = true;
}

/* The last event of each waiting goroutine is what led there. */
void scheduler_deadlock(void)
{
    if (execution.phase == PHASE_SETUP)
        scheduler_end(TREADLE_DEADLOCK, "goroutine 0 waits for ever", EVENT_INDEX_NONE);
    if (scheduler.ended_count > 0)
        scheduler_end_deferred();
    if (execution.cut) {
        execution.ended_early = true;
        scheduler_leave();
    }
    struct verdict_record *record =
        scheduler.await_count > 0
            ? execution_add_verdict(TREADLE_LIVELOCK, "a loop waits for what nobody will write")
            : execution_add_verdict(TREADLE_DEADLOCK, "every goroutine waits");
    uint32_t position = execution.trace_count;
    uint32_t named = 0; /* goroutines named, by bits of id % 32 */
    while (record != NULL && position-- > 0 && record->event_count < VERDICT_EVENTS_MAX) {
        const struct event *event = &execution.trace[position];
        bool waits = scheduler.goroutines[event->goroutine].state == GOROUTINE_BLOCKED;
        uint32_t bit = UINT32_C(1) << event->goroutine % 32;
        if (waits && !(named & bit)) {
            named |= bit;
            record->events[record->event_count++] = position;
        }
    }
    execution.ended_early = true;
    scheduler_leave();
}
