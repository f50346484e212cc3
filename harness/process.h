/* process.h: processes that run subject code for one that never does: so a subject that destroys
 * its process costs one of them. They talk over a socket. */
#ifndef TREADLE_PROCESS_H
#define TREADLE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Forks a process that calls serve(plan, socket) and exits when that returns; it ignores the
 * signals that end its parent in order, and dies with it. Returns its pid and the parent's end of
 * the socket; -1 with errno. */
pid_t process_start(void (*serve)(const void *plan, int socket), const void *plan,
                    int *ret_socket);

/* Reads or writes all bytes; false if the other end is gone. */
bool process_read(int socket, void *data, size_t bytes);
bool process_write(int socket, const void *data, size_t bytes);

/* Whether it has come to its end in good order, and nothing has killed it. */
bool process_served(int status);

/* How a process ended, by its wait status: "signal 9", "exit code 2". */
void process_describe_end(int status, char *text, size_t bytes);

#endif
