/* outcome.c: outcomes of executions, in the words of the trace language. */
#include "outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "../scheduler/execution.h"
#include "../scheduler/scheduler.h"

enum { OUTCOME_BYTES_FIRST = 4096 }; /* a rule fits */

struct question {
    const struct treadle_subject *subject;
    struct outcome_text *text;
};

static void grow(struct outcome_text *text)
{
    text->capacity = text->capacity == 0 ? OUTCOME_BYTES_FIRST : 2 * text->capacity;
    free(text->bytes);
    text->bytes = malloc(text->capacity);
    CHECK(text->bytes != NULL, ==, true);
}

void outcome_text_deinit(struct outcome_text *text)
{
    free(text->bytes);
    *text = (struct outcome_text){ 0 };
}

static void ask_subject(void *argument)
{
    struct question *question = argument;
    question->subject->outcome(execution.state, question->text->bytes, question->text->capacity);
}

/* Asks until the text is longer than the outcome: one that fills it may have been cut short. */
static enum treadle_verdict ask(const struct treadle_subject *subject, struct outcome_text *text)
{
    struct question question = { subject, text };
    enum treadle_verdict verdict = scheduler_look(ask_subject, &question);
    while (verdict == TREADLE_OK && strlen(text->bytes) == text->capacity - 1) {
        grow(text);
        verdict = scheduler_look(ask_subject, &question);
    }
    return verdict;
}

void outcome_of_execution(const struct treadle_subject *subject, struct outcome_text *text)
{
    const struct verdict_record *record = &execution.verdicts[0];
    if (text->capacity == 0)
        grow(text);
    if (!execution.ended_early) {
        if (ask(subject, text) != TREADLE_OK)
            strcpy(text->bytes, "WILD");
        return;
    }
    switch (record->verdict) {
    case TREADLE_GO_FATAL:
        snprintf(text->bytes, text->capacity, "FATAL %s", record->rule);
        return;
    case TREADLE_PANIC:
        strcpy(text->bytes, "PANIC");
        return;
    case TREADLE_TIMEOUT:
    case TREADLE_DEADLOCK:
        strcpy(text->bytes, "ENDLESS");
        return;
    default:
        strcpy(text->bytes, "WILD");
        return;
    }
}
