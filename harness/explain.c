/* explain.c: what happened in an execution: verdicts, events, the state that was left. */
#include "explain.h"

#include <string.h>

#include "../scheduler/schedule.h"
#include "../scheduler/store_buffer.h"
#include "../scheduler/trace.h"
#include "describe.h"

/* "runtime.growWork" for a function of a port; NULL for any other. */
static const char *original_of(const char *function)
{
    const struct treadle_subject *subject = execution.target->subject;
    if (subject == NULL || subject->ports == NULL)
        return NULL;
    for (const struct treadle_port *port = subject->ports; port->function != NULL; port++)
        if (strcmp(port->function, function) == 0)
            return port->original;
    return NULL;
}

static void print_event(FILE *out, uint32_t position)
{
    const struct event *event = &execution.trace[position];
    char text[4 * DESCRIBE_BYTES];
    struct names_place place;
    describe_event(event, position, text, sizeof text);
    const char *original = NULL;
    if (event->pc != 0 && names_place(event->pc, &place))
        original = original_of(place.function);
    char runner[SCHEDULE_RUNNER_BYTES];
    bool drains = event->kind == EVENT_DRAIN;
    schedule_runner_name(event_owner(event),
                         drains ? buffer_drainer_chain(event->goroutine) + 1 : 0, runner);
    fprintf(out, "%6u  %-4s %s", position, runner, text);
    if (drains)
        fprintf(out, " of %u", event->store);
    else if (event->order & EVENT_BUFFERED)
        fprintf(out, " (buffered)");
    else if (event->reads_from != EVENT_INDEX_NONE)
        fprintf(out, " from %u", event->reads_from);
    fprintf(out, original != NULL ? "  [%s]\n" : "\n", original);
}

/* The lines that were logged before event number `event`, from *log on. */
static void print_logs(FILE *out, uint32_t event, uint32_t *log)
{
    for (; *log < execution.log_count && execution.logs[*log].event <= event; ++*log)
        fprintf(out, "        g%-3u # %s\n", execution.logs[*log].goroutine,
                execution.logs[*log].text);
}

static void print_trace(FILE *out)
{
    uint32_t log = 0;
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        print_logs(out, i, &log);
        print_event(out, i);
    }
    print_logs(out, execution.trace_run_count, &log);
}

static void print_verdict(FILE *out, const struct verdict_record *record)
{
    fprintf(out, "  %s: %s%s%s\n", verdict_name(record->verdict), record->rule,
            record->detail[0] != '\0' ? ": " : "", record->detail);
    for (uint32_t i = 0; i < record->event_count; i++)
        print_event(out, record->events[i]);
}

/* Whether the goroutine's announced event is the last one executed: the execution ended there. */
static bool stopped_in_event(const struct goroutine *goroutine)
{
    const struct event *last = &execution.trace[execution.trace_count - 1];
    return execution.ended_early && execution.trace_count > 0
           && goroutine->state == GOROUTINE_READY && last->goroutine == goroutine->id
           && last->pc == goroutine->pending.pc && last->index + 1 == goroutine->event_count;
}

static void print_pending(FILE *out)
{
    static const char *const states[] = { "about to", "waiting to" };
    for (uint32_t id = scheduler.goroutine_first; id < scheduler.goroutine_count; id++) {
        const struct goroutine *goroutine = &scheduler.goroutines[id];
        const char *role = goroutine->role != NULL ? goroutine->role : "";
        fprintf(out, "  g%u%s%s: ", id, role[0] != '\0' ? " " : "", role);
        char text[4 * DESCRIBE_BYTES];
        if (stopped_in_event(goroutine)) {
            fprintf(out, "stopped in event %u\n", execution.trace_count - 1);
        } else if (goroutine->state >= GOROUTINE_DONE) {
            fprintf(out, "%s\n", goroutine->state == GOROUTINE_DONE ? "ended" : "ended it all");
        } else {
            describe_anchor(&goroutine->pending, execution.trace_count, text, sizeof text);
            fprintf(out, "%s %s\n", states[goroutine->state], text);
        }
    }
}

static void dump_state(void *argument)
{
    execution.target->subject->dump(execution.state, argument);
}

static void print_state(FILE *out)
{
    const struct treadle_subject *subject = execution.target->subject;
    if (subject == NULL || subject->dump == NULL)
        return;
    fprintf(out, "  state of %s:\n", subject->name);
    if (scheduler_look(dump_state, out) != TREADLE_OK)
        fputs("(the state is too broken to be shown any further)\n", out);
}

void explain_execution(FILE *out, const struct replay_result *result, bool with_trace)
{
    trace_link_reads();
    if (with_trace)
        print_trace(out);
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        print_verdict(out, &execution.verdicts[i]);
    fprintf(out, "  %u events, %u switches, %u preemptions\n"
                 "  fingerprint %016llx, event hash %016llx\n",
            execution.trace_run_count, execution.switches, result->preemptions,
            (unsigned long long)result->fingerprint, (unsigned long long)result->hash);
    print_pending(out);
    print_state(out);
}
