/* process.h: processes that run subject code for one that never does: so a subject that destroys
 * its process costs one of them. They talk over a socket. */
#ifndef TREADLE_PROCESS_H
#define TREADLE_PROCESS_H

#include <stddef.h>

#include "patience.h"

/* The exit code of one that has ended in good order: hardly any subject's own. */
#define PROCESS_SERVED 91

/* What a process lets its parent see, in memory that both have: whatever becomes of its files. */
struct process_board {
    uint64_t executions; /* that it has ended */
    char limit[400];     /* which limit it has met (check_limit); else empty */
};

struct process {
    pid_t pid;
    int socket; /* the parent's end; -1: nothing can be sent */
    struct process_board *board; /* NULL: there is no process */
    struct patience patience;
    bool stuck; /* patience is over, and it has been killed */
    uint64_t bytes_max; /* of memory that it had at once; known when it has ended */
};

/* Forks a process that calls serve(plan, socket, board) and exits when that returns; it ignores the
 * signals that end its parent in order, and dies with it. False with errno; then there is none. */
bool process_start(struct process *ret_process,
                   void (*serve)(const void *plan, int socket, struct process_board *board),
                   const void *plan);

/* Waits (half a second at most) until some of the processes have sent something, or are gone, or
 * are killed for being stuck. Those are moved to the front; returns how many they are. */
uint32_t process_await(struct process **processes, uint32_t count);

/* Reads or writes all bytes; false if the other end is gone. */
bool process_read(int socket, void *data, size_t bytes);
bool process_write(int socket, const void *data, size_t bytes);

/* Tells a process, if there is one, that it is no longer needed. The others have copies of its
 * socket: so all must be told before the end of one can be waited for. */
void process_hang_up(struct process *process);

/* Waits for the end of a process that is gone or is to go; says in a few words how it ended.
 * Returns whether another one would hardly fare better. */
bool process_end(struct process *process, char *how, size_t how_bytes);

/* Kills it. */
void process_kill(const struct process *process);

#endif
