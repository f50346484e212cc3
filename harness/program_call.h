/* program_call.h: with what a program that treadle-cc has linked is called: arguments and
 * environment decide what it does, so what is known of one call says nothing of another. */
#ifndef TREADLE_PROGRAM_CALL_H
#define TREADLE_PROGRAM_CALL_H

#include <stddef.h>

/* Of this process, as lines: "arguments HASH", then "NAME HASH" of each variable, sorted. No
 * values: they may be secrets. To be freed; empty for treadle itself, whose targets depend on
 * neither. */
char *program_call(void);

/* In what another call was different from this process's: "other arguments", or "another NAME in
 * the environment" for the first variable that differs. NULL if it was the same. To be freed. */
char *program_call_difference(const char *other, size_t other_bytes);

#endif
