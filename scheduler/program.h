/* program.h: a whole program as a target: its main is goroutine 0, its end the execution's end. */
#ifndef TREADLE_PROGRAM_H
#define TREADLE_PROGRAM_H

#include <stdint.h>

/* Registers the target `name`: each execution calls main with these arguments (argv without its
 * final NULL; copied for each execution) and the process's environment. The strings outlive the
 * program. */
void program_register(const char *name, int (*main)(int, char **, char **), int argument_count,
                      char *const *arguments);

/* Around the run of an execution, both on the stack of scheduler_run's caller: what the program
 * prints goes nowhere, or into the log when execution.explain; libc's random numbers begin anew. */
void program_enter(void);
void program_leave(void);

/* Calls visit with each range of memory in which the execution that just ended may have left
 * pointers: data, live threads' stacks, thread-locals and values, results that nobody fetched. */
void program_roots(void (*visit)(void *context, uint64_t begin, uint64_t end), void *context);

#endif
