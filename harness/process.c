/* process.c: starting processes and talking to them. */
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit code of one that has ended in good order: hardly any subject's own. */
#define PROCESS_SERVED 91

bool process_read(int socket, void *data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = read(socket, (char *)data + done, bytes - done);
        if (got > 0)
            done += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return false;
    }
    return true;
}

bool process_write(int socket, const void *data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t put = send(socket, (const char *)data + done, bytes - done, MSG_NOSIGNAL);
        if (put > 0)
            done += (size_t)put;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

bool process_served(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == PROCESS_SERVED;
}

void process_describe_end(int status, char *text, size_t bytes)
{
    if (WIFSIGNALED(status))
        snprintf(text, bytes, "signal %d", WTERMSIG(status));
    else
        snprintf(text, bytes, "exit code %d", WEXITSTATUS(status));
}

static _Noreturn void process_serve(void (*serve)(const void *plan, int socket), const void *plan,
                                    int socket)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    int null = open("/dev/null", O_WRONLY); /* standard output is the command's alone */
    if (null >= 0)
        dup2(null, STDOUT_FILENO);
    serve(plan, socket);
    _exit(PROCESS_SERVED);
}

pid_t process_start(void (*serve)(const void *plan, int socket), const void *plan,
                    int *ret_socket)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(sockets[0]);
        process_serve(serve, plan, sockets[1]);
    }
    close(sockets[1]);
    if (pid < 0)
        close(sockets[0]);
    else
        *ret_socket = sockets[0];
    return pid;
}
