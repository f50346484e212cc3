/* patience.h: how long a process that runs subject code is waited for. The watchdog (crash.h) ends
 * loops, by CPU time; a call that never returns uses none. So a process is given up when in many
 * looks in a row it waits for something, has used no CPU time and ended no execution. Looks are
 * counted, not seconds: what is stopped, or a machine that is busy elsewhere, makes no verdict. */
#ifndef TREADLE_PATIENCE_H
#define TREADLE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Of one process; all zero when it has been given something to do. */
struct patience {
    double looked; /* when it was looked at last */
    uint64_t cpu_ticks, executions; /* what it had used and done by then */
    uint32_t idle_looks; /* in a row */
};

/* What is to be said of a process that was given up. */
#define PATIENCE_OVER                                                                              \
    "it blocks in a call that Treadle does not control (read, select, ...); leave that out"

/* To be asked about twice a second while the process works; executions: those that it has ended, or
 * 0. True when there is no hope. */
bool patience_is_over(struct patience *patience, pid_t pid, uint64_t executions);

/* Waits for the end of a child, which is killed if patience is over; as wait4. Returns 0, 1 if it
 * was killed, or -1 with errno. */
int patience_wait(pid_t pid, int *ret_status, struct rusage *ret_usage);

/* As read, from a pipe whose other end the child has; kills it likewise. */
ssize_t patience_read(pid_t pid, struct patience *patience, int file, void *data, size_t bytes);

#endif
