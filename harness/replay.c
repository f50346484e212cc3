/* replay.c: executing a schedule again, and writing the current execution down as one. */
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/store_buffer.h"
#include "../scheduler/target.h"
#include "../scheduler/trace.h"
#include "describe.h"
#include "oracle.h"
#include "subject_origin.h"

static const char *reuse_name(enum treadle_reuse reuse)
{
    return reuse == TREADLE_REUSE_LIFO ? "lifo" : "never";
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The event that goroutine was about to execute when the trace was `from` events long. A drainer
 * has something to do only when the store has happened. */
static const struct event *next_event(uint32_t goroutine, uint32_t from)
{
    const struct goroutine *state = &scheduler.goroutines[goroutine];
    const struct event *next = state->state >= GOROUTINE_DONE ? NULL : &state->pending;
    for (uint32_t i = from; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        if (event->goroutine != goroutine)
            continue;
        next = event->kind == EVENT_EXIT ? NULL : event;
        break;
    }
    return next != NULL && next->kind == EVENT_DRAIN && next->store >= from ? NULL : next;
}

/* Appends a run of one goroutine's choices; from = length of the trace behind it. */
static void record_run(struct schedule *schedule, uint32_t goroutine, uint32_t count,
                       bool switches, uint32_t from)
{
    char anchor[2 * DESCRIBE_BYTES];
    const struct event *pending = switches ? next_event(goroutine, from) : NULL;
    if (pending != NULL)
        describe_anchor(pending, from, anchor, sizeof anchor);
    uint32_t drainer = 0;
    if (goroutine >= scheduler.drainer_base) {
        drainer = buffer_drainer_chain(goroutine) + 1;
        goroutine = buffer_drainer_owner(goroutine);
    }
    schedule_add_run(schedule, goroutine, drainer, count, pending != NULL ? anchor : NULL);
}

/* Length of the trace when choice number `position` is made, going on from *trace: every
 * scheduling choice is followed by its event, the goroutine's data choices and perhaps its exit. */
static uint32_t trace_behind(uint32_t trace, const struct choice *choice)
{
    if (choice->kind == CHOICE_SCHEDULE) {
        trace++;
        while (trace < execution.trace_run_count && execution.trace[trace].kind == EVENT_EXIT)
            trace++;
        return trace;
    }
    while (execution.trace[trace].kind != EVENT_CHOOSE)
        trace++;
    trace++;
    while (trace < execution.trace_run_count && execution.trace[trace].kind == EVENT_EXIT)
        trace++;
    return trace;
}

uint32_t replay_events_before(uint32_t choice)
{
    uint32_t trace = 0;
    for (uint32_t i = 0; i < choice && trace < execution.trace_run_count; i++)
        trace = trace_behind(trace, &execution.choices[i]);
    return trace;
}

static void record_choices(struct schedule *schedule)
{
    uint32_t trace = 0, run = 0, goroutine = 0;
    for (uint32_t i = 0; i < execution.choice_count; i++) {
        const struct choice *choice = &execution.choices[i];
        bool data = choice->kind == CHOICE_DATA;
        if (run > 0 && (data || choice->answer != goroutine)) {
            record_run(schedule, goroutine, run, !data, trace);
            run = 0;
        }
        if (trace < execution.trace_run_count)
            trace = trace_behind(trace, choice);
        if (data) {
            const struct event *event = &execution.trace[trace - 1];
            while (event->kind != EVENT_CHOOSE)
                event--;
            schedule_add_choose(schedule, choice->answer, event->size,
                                (const char *)event->source);
        } else {
            goroutine = choice->answer;
            run++;
        }
    }
    if (run > 0)
        record_run(schedule, goroutine, run, false, trace);
}

static void record_path(const struct goroutine *goroutine, char *text, size_t bytes)
{
    if (goroutine->id == 0) {
        snprintf(text, bytes, "0");
        return;
    }
    uint32_t path[GOROUTINES_MAX], length = 0;
    for (const struct goroutine *g = goroutine; g->id != 0; g = &scheduler.goroutines[g->parent])
        path[length++] = g->child_index;
    size_t used = (size_t)snprintf(text, bytes, "0");
    while (length-- > 0 && used + 12 < bytes)
        used += (size_t)snprintf(text + used, bytes - used, ".%u", path[length]);
}

struct schedule *replay_record(const struct verdict_record *record)
{
    struct schedule *schedule = schedule_create();
    schedule->target = schedule_copy_text(execution.target->name);
    schedule->memory = schedule_copy_text(memory_model_name(scheduler.memory));
    schedule->reuse = schedule_copy_text(reuse_name(execution.target->reuse));
    schedule->exploring = scheduler.exploring;
    schedule->subject_compiler = schedule_copy_text(subject_origin()->compiler);
    schedule->subject_hash = subject_origin()->hash;
    schedule->flags = schedule_copy_text(subject_origin()->flags);
    schedule->verdict = record->verdict;
    schedule->rule = schedule_copy_text(record->rule);
    schedule->fingerprint = describe_fingerprint(record);
    schedule->events = execution.trace_run_count;
    schedule->hash = trace_hash();
    for (uint32_t id = scheduler.goroutine_first; id < scheduler.goroutine_count; id++) {
        char path[5 * GOROUTINES_MAX]; /* the deepest path fits */
        record_path(&scheduler.goroutines[id], path, sizeof path);
        schedule_add_goroutine(schedule, id, path, scheduler.goroutines[id].role);
    }
    record_choices(schedule);
    return schedule;
}

/* ---- executing again ------------------------------------------------------------------------- */

static bool replay_matches(const struct event *pending, const char *anchor)
{
    return describe_matches_anchor(pending, execution.trace_count, anchor);
}

/* What the goroutine of the step that does not fit is about to do. */
static void replay_found(const struct schedule_step *step, char *text, size_t bytes)
{
    const struct goroutine *goroutine = replay_runner(step);
    char runner[SCHEDULE_RUNNER_BYTES];
    schedule_runner_name(step->goroutine, step->drainer, runner);
    if (goroutine == NULL) {
        snprintf(text, bytes, step->drainer > 0 ? "no drainer %u" : "no goroutine %u",
                 step->goroutine);
        return;
    }
    char anchor[2 * DESCRIBE_BYTES];
    describe_anchor(&goroutine->pending, execution.trace_count, anchor, sizeof anchor);
    if (goroutine->state >= GOROUTINE_DONE)
        snprintf(text, bytes, step->drainer > 0 ? "%s has nothing to drain" : "%s has ended",
                 runner);
    else
        snprintf(text, bytes, "%s %s %.200s", runner,
                 goroutine->state == GOROUTINE_BLOCKED ? "waiting at" : "at", anchor);
}

/* What the file and the run say where they part. */
static void replay_explain(const struct replay *replay)
{
    const struct schedule *schedule = replay->schedule;
    struct replay_result *result = replay->context;
    const struct schedule_step *step = replay->diverged_step < schedule->step_count
                                           ? &schedule->steps[replay->diverged_step]
                                           : NULL;
    result->diverged_line = step != NULL ? step->line : 0;
    if (step == NULL) {
        snprintf(result->expected, sizeof result->expected, "the end of the execution");
        snprintf(result->found, sizeof result->found, "goroutines that go on");
    } else if (step->kind == SCHEDULE_CHOOSE) {
        snprintf(result->expected, sizeof result->expected, "a choice of %u: %.100s", step->count,
                 step->text != NULL ? step->text : "");
        snprintf(result->found, sizeof result->found, "another kind of choice");
    } else {
        bool at_anchor = step->text != NULL && replay->step_run == step->count;
        char runner[SCHEDULE_RUNNER_BYTES];
        schedule_runner_name(step->goroutine, step->drainer, runner);
        if (at_anchor)
            snprintf(result->expected, sizeof result->expected, "%s at %.200s", runner,
                     step->text);
        else
            snprintf(result->expected, sizeof result->expected, "%s to run %u events more",
                     runner, step->count - replay->step_run);
        replay_found(step, result->found, sizeof result->found);
    }
}

static bool replay_same_text(const char *in_file, const char *now)
{
    char *text = now != NULL ? schedule_copy_text(now) : NULL;
    bool same = in_file == NULL || text == NULL ? in_file == text : strcmp(in_file, text) == 0;
    free(text);
    return same;
}

/* Whether the goroutines that the file names are those of the execution. */
static bool replay_same_goroutines(const struct schedule *schedule)
{
    for (uint32_t i = 0; i < schedule->goroutine_count; i++) {
        const struct schedule_goroutine *named = &schedule->goroutines[i];
        char path[5 * GOROUTINES_MAX];
        if (named->id >= scheduler.goroutine_count)
            return false;
        const struct goroutine *goroutine = &scheduler.goroutines[named->id];
        record_path(goroutine, path, sizeof path);
        if (strcmp(named->path, path) != 0 || !replay_same_text(named->role, goroutine->role))
            return false;
    }
    return true;
}

/* The execution may end before the schedule does: that is no replay of it either. */
static void replay_check_end(struct replay *replay)
{
    const struct schedule *schedule = replay->schedule;
    bool behind = replay->step >= schedule->step_count;
    bool last = replay->step + 1 == schedule->step_count
                && (schedule->steps[replay->step].kind == SCHEDULE_CHOOSE
                    || replay->step_run == schedule->steps[replay->step].count);
    if (replay->diverged || replay->resync || behind || last)
        return;
    replay->diverged = true;
    replay->diverged_event = execution.trace_run_count;
    replay->diverged_step = replay->step;
    replay_explain(replay);
}

/* The verdict of the execution that the schedule expects; NULL if it is not there. */
static const struct verdict_record *replay_expected(const struct schedule *schedule)
{
    for (uint32_t i = 0; i < execution.verdict_count; i++) {
        const struct verdict_record *record = &execution.verdicts[i];
        if (record->verdict == schedule->verdict && replay_same_text(schedule->rule, record->rule)
            && describe_fingerprint(record) == schedule->fingerprint)
            return record;
    }
    return NULL;
}

static int replay_open(const char *path, const struct schedule *schedule, char *error,
                       size_t error_bytes)
{
    const struct treadle_target *target = target_find(schedule->target);
    if (target == NULL) {
        snprintf(error, error_bytes, "%s:%u: this program has no target %s; `treadle list` names "
                                     "those it has", path, schedule->target_line,
                 schedule->target);
        return -2;
    }
    struct scheduler_options options = { .exploring = schedule->exploring };
    if (!memory_model_find(schedule->memory, &options.memory)
        || strcmp(schedule->reuse, reuse_name(target->reuse)) != 0) {
        snprintf(error, error_bytes, "%s:%u: memory %s and reuse %s are not what target %s runs "
                                     "with (sc, tso or pso, %s)", path, schedule->memory_line,
                 schedule->memory, schedule->reuse, target->name, reuse_name(target->reuse));
        return -2;
    }
    const char *rule;
    enum treadle_verdict verdict = scheduler_open(target, &options, &rule);
    if (verdict != TREADLE_OK) {
        snprintf(error, error_bytes, "%s: the set-up of %s ends with %s: %s", path, target->name,
                 verdict_name(verdict), rule);
        return -2;
    }
    return 0;
}

int replay_schedule(const char *path, const struct schedule *schedule, bool resync,
                    struct replay_result *ret_result, char *error, size_t error_bytes)
{
    int failed = replay_open(path, schedule, error, error_bytes);
    if (failed != 0)
        return failed;
    struct replay_result result = { 0 };
    struct replay replay = { .schedule = schedule,
                             .matches = replay_matches,
                             .resync = resync,
                             .diverging = replay_explain,
                             .context = &result };
    struct strategy strategy = strategy_replay(&replay);
    execution.explain = true;
    scheduler_run(&strategy, 0);
    replay_check_end(&replay);
    oracle_judge();
    execution.explain = false;
    result.diverged = replay.diverged;
    result.diverged_at = replay.diverged_event;
    result.hash = trace_hash();
    result.preemptions = replay.turns.preemptions;
    result.hash_promised = schedule->subject_hash == subject_origin()->hash && !resync;
    result.record = replay_expected(schedule);
    result.shown = result.record != NULL;
    result.same_goroutines = replay_same_goroutines(schedule);
    result.matched = result.shown && result.same_goroutines && !replay.diverged
                     && (!result.hash_promised
                         || (result.hash == schedule->hash
                             && execution.trace_run_count == schedule->events));
    if (result.record == NULL && execution.verdict_count > 0)
        result.record = &execution.verdicts[0];
    if (result.record != NULL)
        result.fingerprint = describe_fingerprint(result.record);
    *ret_result = result;
    return 0;
}
