/* replay.h: executing a schedule again. */
#ifndef TREADLE_REPLAY_H
#define TREADLE_REPLAY_H

#include "../scheduler/schedule.h"
#include "../scheduler/scheduler.h"

struct replay_result {
    bool matched;           /* verdict and fingerprint, and event hash where it is promised */
    bool shown;             /* verdict and fingerprint came, whatever else did not match */
    bool diverged;          /* the schedule could not be followed, or was not used up */
    bool same_goroutines;   /* paths and roles are the file's */
    uint32_t diverged_at;   /* event number, if diverged */
    uint32_t diverged_line; /* of the file: the step that did not fit */
    char expected[256];     /* what the file says there */
    char found[256];        /* what the goroutine was about to do instead */
    const struct verdict_record *record; /* the verdict that matched, else the first; or NULL */
    uint64_t fingerprint;                /* of that verdict; 0 without one */
    uint64_t hash;                       /* event hash */
    uint32_t preemptions; /* a goroutine that could go on lost its turn so often */
    bool hash_promised;                  /* file and program have the same subjects' code */
};

/* Opens the schedule's target and executes it; `execution` holds the run afterwards. With resync,
 * a goroutine runs until it meets its anchor instead of by count. Returns 0, or -2 with one line
 * in error when the file does not fit this program. */
int replay_schedule(const char *path, const struct schedule *schedule, bool resync,
                    struct replay_result *ret_result, char *error, size_t error_bytes);

/* The current execution as a schedule whose expected verdict is record, to be freed with
 * schedule_destroy. */
struct schedule *replay_record(const struct verdict_record *record);

/* How many events the current execution had when choice number `choice` was made. */
uint32_t replay_events_before(uint32_t choice);

#endif
