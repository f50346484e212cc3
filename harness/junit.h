/* junit.h: results of replays as JUnit XML, for the test pages of CI services. */
#ifndef TREADLE_JUNIT_H
#define TREADLE_JUNIT_H

#include <stdbool.h>

struct junit;

/* Starts a file; NULL with errno if it cannot be written. */
struct junit *junit_create(const char *path);

/* Adds a test case; message NULL = passed, else what failed (error: it could not run). Does nothing
 * when junit is NULL. */
void junit_add(struct junit *junit, const char *name, const char *message, bool error);

/* Writes and frees it. Returns 0, or -1 with errno. NULL is fine. */
int junit_finish(struct junit *junit);

#endif
