/* outcome.c: outcomes of executions, in the words of the trace language. */
#include "outcome.h"

#include <stdio.h>

#include "../scheduler/execution.h"
#include "../scheduler/scheduler.h"

struct outcome_text {
    const struct treadle_subject *subject;
    char *text;
};

static void ask_subject(void *argument)
{
    struct outcome_text *outcome = argument;
    outcome->subject->outcome(execution.state, outcome->text, OUTCOME_BYTES_MAX);
}

void outcome_of_execution(const struct treadle_subject *subject, char *text)
{
    struct outcome_text outcome = { .subject = subject, .text = text };
    const struct verdict_record *record = &execution.verdicts[0];
    if (!execution.ended_early) {
        if (scheduler_look(ask_subject, &outcome) != TREADLE_OK)
            snprintf(text, OUTCOME_BYTES_MAX, "WILD");
        return;
    }
    switch (record->verdict) {
    case TREADLE_GO_FATAL:
        snprintf(text, OUTCOME_BYTES_MAX, "FATAL %s", record->rule);
        return;
    case TREADLE_PANIC:
        snprintf(text, OUTCOME_BYTES_MAX, "PANIC");
        return;
    case TREADLE_TIMEOUT:
    case TREADLE_DEADLOCK:
        snprintf(text, OUTCOME_BYTES_MAX, "ENDLESS");
        return;
    default:
        snprintf(text, OUTCOME_BYTES_MAX, "WILD");
        return;
    }
}
