/* scheduler.h: executes one target, again and again. What the harness calls stands first; below
 * it is what the engine's own files share.
 *
 * An execution is a pure function of (target, reuse policy, answers to the choices). */
#ifndef TREADLE_SCHEDULER_H
#define TREADLE_SCHEDULER_H

#include "execution.h"
#include "goroutine.h"
#include "heap.h"
#include "memory_model.h"
#include "strategy.h"

#define SCHEDULER_STEPS_MAX 20000u /* events per execution by default */
#define SCHEDULER_OPERATIONS_MAX 65536u
#define EXPLORED_SPAWNS_MAX 24u

struct scheduler_options {
    uint32_t steps_max;      /* 0: the target's, else the default */
    uint32_t goroutines_max; /* 0: GOROUTINES_MAX; exploring under tso, pso: EXPLORED_SPAWNS_MAX
                                more than the target's programs */
    enum memory_model memory;
    uint32_t buffered_max; /* stores in a goroutine's buffer at most (then the next one waits, as
                              hardware has it); 0: as many as there are */
    /* For exploration, to which an execution is what happens in each goroutine, in whatever order.
     * What ends the program (a fatal of Go, an assertion) ends its goroutine, and the program when
     * no other one can go on: a step that nobody sees can as well come last. And where operations
     * of the history begin and end are events, on whose order the oracles' verdicts depend. */
    bool exploring;
    uint32_t unroll; /* exploring: nobody executes what stands in one place of the code more often
                        than so; then execution.cut; 0: no limit */
};

/* Gets a target ready: runs its set-up and takes the snapshot. One target is open at a time.
 * Returns TREADLE_OK, or the verdict that its set-up ended with, its rule in ret_rule. */
enum treadle_verdict scheduler_open(const struct treadle_target *target,
                                    const struct scheduler_options *options,
                                    const char **ret_rule);

/* Runs one execution of the open target; `execution` then holds it, memory as it was left, until
 * the next call. The target's invariants have been asked, the oracles not yet. */
void scheduler_run(struct strategy *strategy, uint64_t seed);

/* Runs function(argument) as goroutine 0 on what the last execution left, without choices; what
 * it allocates or breaks vanishes with the execution. For dumps of broken states: a verdict that
 * ends it is returned, not recorded. */
enum treadle_verdict scheduler_look(void (*function)(void *argument), void *argument);

/* Forgets the open target; fine if none is open. */
void scheduler_close(void);

/* Whether the last execution ended in a signal inside subject code: this process should run no
 * further execution. */
bool scheduler_crashed(void);

/* ---- inside the engine ---------------------------------------------------------------------- */

struct scheduler {
    struct goroutine *running; /* whose code runs now */
    struct strategy *strategy;
    enum memory_model memory;
    uint32_t candidate_count;
    uint32_t goroutine_first; /* 1; in a whole program 0, whose main then is scheduled */
    uint32_t goroutine_count; /* goroutines that exist, 0 included */
    uint32_t live_count;      /* of them, from the first one on, not done */
    uint32_t blocked_count;
    uint32_t trace_limit; /* events that the trace may hold in this phase */
    uint32_t steps_max;
    uint32_t goroutines_max;
    uint32_t tick; /* of the history */
    bool schedules_plainly; /* execution.phase is RUN, memory is sc, the target no whole program */
    bool private_stacks;
    bool whole_program; /* the open target is one: its threads have their own thread-locals */
    bool exploring; /* scheduler_options.exploring */
    uint32_t unroll;      /* scheduler_options.unroll */
    uint32_t watch_count; /* goroutines that wait in a loop, or are pending on an object */
    bool watches_objects; /* exploring, or in a whole program, which may make them anew */
    uint64_t watch_begin, watch_end; /* where the objects lie that somebody was pending on */
    uint32_t await_count; /* goroutines that wait in a loop */
    uint32_t await_seen;  /* events that those know of */
    uint32_t ended_count; /* goroutines that have ended the program, exploring */
    struct fiber main; /* who called scheduler_run */
    bool crashed;
    uint32_t buffered_max;  /* scheduler_options.buffered_max */
    uint32_t drainer_base;  /* id of the first drainer (store_buffer.h) */
    uint32_t drainer_count; /* of this execution */
    struct goroutine *candidates[GOROUTINES_MAX + DRAINERS_MAX]; /* READY ones, sorted by id */
    struct goroutine goroutines[GOROUTINES_MAX + DRAINERS_MAX];
};

extern struct scheduler scheduler;

/* Ends the execution (or what goroutine 0 does) with this verdict; events are trace positions or
 * EVENT_INDEX_NONE. Never returns to the caller. */
_Noreturn void scheduler_end(enum treadle_verdict verdict, const char *rule, uint32_t event);

/* Called by a timer once for each second of CPU time: ends an execution that made no progress since
 * the last call (a loop without a single event) with verdict timeout. Async-signal-safe, on an
 * alternate stack; context is the signal handler's third argument. */
void scheduler_watchdog(void *context);

/* Adds the verdict `crash` to what runs now; async-signal-safe. */
void scheduler_note_crash(const char *rule);

/* Ends the execution: no goroutine can go on. */
_Noreturn void scheduler_deadlock(void);

/* Goes back to who called scheduler_run; the running fiber is never resumed. */
_Noreturn void scheduler_leave(void);

/* Lets a goroutine come into being, pending at its start. Returns it. */
struct goroutine *scheduler_spawn(struct goroutine *parent, const char *role,
                                  void (*run)(void *state, const void *argument), void *state,
                                  const void *argument);

/* Lets goroutine 0 be the program's main, pending at its start. */
void scheduler_spawn_main(const struct treadle_program *program, void *state);

/* The running goroutine has done its last step. */
_Noreturn void scheduler_exit(void);

/* The process ends, and its goroutines with it. Exploring: as in scheduler_options. */
_Noreturn void scheduler_end_process(void);

/* announce_schedule where scheduler.schedules_plainly does not hold. */
void scheduler_schedule_specially(struct goroutine *self, uint64_t frame);

/* READY or BLOCKED, as its pending event now has it. */
void goroutine_update(struct goroutine *goroutine);

/* Whether goroutine a comes before b in the order of spawn paths, which, other than ids, does not
 * hang on who was created first. */
bool goroutine_precedes(uint32_t a, uint32_t b);

/* To be called before a choice if scheduler_watches: lets goroutines go on, or wait, whose
 * object or loop the last events have changed. */
void scheduler_watch(void);

/* Events that may change an object without being an operation on it. */
#define SCHEDULER_WATCHED                                                                          \
    (UINT64_C(1) << EVENT_WRITE | UINT64_C(1) << EVENT_COPY | UINT64_C(1) << EVENT_ATOMIC_STORE    \
     | UINT64_C(1) << EVENT_ATOMIC_RMW | UINT64_C(1) << EVENT_ATOMIC_CAS                           \
     | UINT64_C(1) << EVENT_DRAIN)

/* Whether scheduler_watch has anything to do. */
static inline bool scheduler_watches(void)
{
    if (__builtin_expect(scheduler.watch_count == 0, 1))
        return false;
    const struct event *last = &execution.trace[execution.trace_count - 1];
    bool touches = (SCHEDULER_WATCHED >> last->kind & 1) && last->address < scheduler.watch_end
                   && last->address + last->size > scheduler.watch_begin;
    return touches || last->kind == EVENT_CHOOSE || scheduler.await_count > 0;
}

/* Looks anew which goroutines with a pending operation on the object at address can go on; to be
 * called after each change of a synchronisation object. address 0: every goroutine. */
void scheduler_refresh(uint64_t address);

/* Lets a goroutine, or a drainer, stand among the candidates, or no longer. */
void scheduler_add_candidate(struct goroutine *goroutine);
void scheduler_remove_candidate(const struct goroutine *goroutine);

/* Announces an operation on a synchronisation object and returns when the goroutine is chosen to
 * execute it, which is never while goroutine_can_execute says no. pc and frame: HOOK_PC, HOOK_FRAME
 * of the subject's call. Returns the executed event, its values still to be filled in; NULL outside
 * RUN and FINAL, where nothing is recorded. */
struct event *scheduler_synchronise(enum event_kind kind, const volatile void *object,
                                    uint32_t size, uint64_t source, uint64_t pc, uint64_t frame);

#endif
