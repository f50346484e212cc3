/* replay_apart.h: the program's own `replay --json`, in a new process. */
#ifndef TREADLE_REPLAY_APART_H
#define TREADLE_REPLAY_APART_H

#include <stdbool.h>
#include <stdint.h>

struct json_t;

/* What it says of these files, to be released, and with which code it ended; standard error is that
 * of the caller. NULL if it could not be run to its end. */
struct json_t *replay_apart(char *const *paths, uint32_t count, int *ret_code);

/* Whether file number `index` of those matched; then its fingerprint and preemptions. */
bool replay_apart_matched(const struct json_t *answer, uint32_t index, uint64_t *ret_fingerprint,
                          uint32_t *ret_preemptions);

#endif
