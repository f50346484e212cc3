/* replay_answer.h: one schedule file, executed again, and what there is to say of that. A subject
 * can destroy the process that it runs in: so each of several files has a process of its own. */
#ifndef TREADLE_REPLAY_ANSWER_H
#define TREADLE_REPLAY_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

struct replay_wish {
    bool resync; /* as replay_schedule */
    bool report; /* tell people what happened, */
    bool trace;  /* every event, too */
};

struct replay_answer {
    bool unreadable; /* it could not be executed, or not to its end: text says why, the rest is 0 */
    bool matched;
    bool shown;    /* the verdict came with the file's fingerprint, whatever else did not match */
    bool diverged; /* the schedule could not be followed */
    char text[1024]; /* why it does not match, one line; empty if it does */
    char found[64];  /* the verdict and its fingerprint, or "no verdict" */
    char *json;      /* an object as `replay --json` has it; owned, NULL if unreadable */
    char *report;    /* lines; owned, NULL without one */
};

/* In this very process, where a debugger sees it. */
void replay_answer_here(const char *path, const struct replay_wish *wish,
                        struct replay_answer *ret_answer);

/* In a process of its own, which is waited for. */
void replay_answer_apart(const char *path, const struct replay_wish *wish,
                         struct replay_answer *ret_answer);

void replay_answer_deinit(struct replay_answer *answer);

#endif
