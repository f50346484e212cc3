/* finding.h: executions that are worth keeping: of those that show a verdict in the same way, the
 * one with the fewest switches. */
#ifndef TREADLE_FINDING_H
#define TREADLE_FINDING_H

#include "../scheduler/execution.h"

#define PREEMPTIONS_UNKNOWN UINT32_MAX

/* An execution that shows a verdict. */
struct finding {
    uint64_t fingerprint;
    uint64_t number; /* of the execution; where choices name it, their hash */
    enum treadle_verdict verdict;
    uint32_t preemptions; /* of the execution, or PREEMPTIONS_UNKNOWN */
    bool uncertain;       /* some execution that shows it may do with fewer, that cannot be told */
    uint32_t switches, steps;
    uint32_t place; /* behind the name of its file, if another file has that; else 0 */
    uint32_t choice_count;
    struct choice *choices; /* owned by whoever holds the finding; NULL if choice_count is 0 */
};

/* Whether a is the better witness: fewer preemptions, then fewer switches, then fewer events, then
 * the lower number. */
bool finding_is_shorter(const struct finding *a, const struct finding *b);

/* Sends a finding, or receives one whose choices the caller owns. False if the other end is
 * gone. */
bool finding_send(int socket, const struct finding *finding);
bool finding_receive(int socket, struct finding *ret_finding);

/* ---- in the process that executes ------------------------------------------------------------ */

/* The findings of one target so far. */
struct finding_notes;
struct finding_notes *finding_notes_create(void);

/* How the current execution, or one equivalent to it, can be made. */
struct witness {
    const uint64_t *number; /* in a campaign; else NULL: a hash of its choices */
    const struct choice *choices;
    uint32_t choice_count;
    uint32_t switches, preemptions; /* as in struct finding */
    bool uncertain;
};

/* Notes the verdicts of the current execution, with what has been found to show them. */
void finding_notes_add(struct finding_notes *notes, const struct witness *witness);

/* describe_fingerprint of a verdict of the current execution: names are looked up once. */
uint64_t finding_notes_fingerprint(struct finding_notes *notes,
                                   const struct verdict_record *record);

/* Above so many preemptions a witness of the current execution would not be noted. */
uint32_t finding_notes_limit(struct finding_notes *notes);

/* How many findings are new or better since they were sent last; sends them. */
uint32_t finding_notes_new_count(const struct finding_notes *notes);
bool finding_notes_send(struct finding_notes *notes, int socket);

/* Forgets all: another target. */
void finding_notes_clear(struct finding_notes *notes);

/* ---- in the process that collects ------------------------------------------------------------ */

#define FINDINGS_KEPT_MAX 20u /* per target */

/* What is known of a finding whichever execution is its best witness. */
struct finding_life {
    bool saved;   /* a file holds it, or an earlier witness of it */
    bool earlier; /* by an earlier run */
    bool counted; /* as one that did not come again */
    double found_seconds; /* when, in seconds of the campaign */
    uint32_t switches, events; /* of its file, once it is saved */
    char rule[200];            /* that it breaks; "" as long as it is not saved */
};

struct finding_kept {
    struct finding finding;
    struct finding_life life; /* where files are saved while the campaign runs */
    bool kept;      /* its file holds this very finding */
    bool certified; /* it was shown that no execution with fewer preemptions shows it */
};

/* One target's, one for each fingerprint. */
struct finding_list {
    struct finding_kept *items;
    uint32_t count;
};

/* Takes a finding, with its choices, into the list, if it is new or better. */
void finding_list_take(struct finding_list *list, struct finding *finding);

/* Leaves those that are to be kept: the shortest of each verdict, then the second shortest of
 * each, and so on up to FINDINGS_KEPT_MAX; so that no verdict crowds out another. */
void finding_list_choose(struct finding_list *list);

void finding_list_clear(struct finding_list *list);

#endif
