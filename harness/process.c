/* process.c: starting processes and talking to them. */
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../scheduler/check.h"

#define POLLED_MAX 256u

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

uint32_t process_await(struct process **processes, uint32_t count)
{
    struct pollfd polls[POLLED_MAX];
    uint32_t ready = 0;
    CHECK(count, <=, POLLED_MAX);
    for (uint32_t i = 0; i < count; i++)
        polls[i] = (struct pollfd){ .fd = processes[i]->socket, .events = POLLIN };
    bool any = poll(polls, count, 500) > 0;
    for (uint32_t i = 0; i < count; i++) {
        struct process *process = processes[i];
        bool sent = any && polls[i].revents != 0;
        if (!sent && patience_is_over(&process->patience, process->pid,
                                      process->board->executions)) {
            process->stuck = sent = true;
            process_kill(process);
        }
        if (sent) {
            processes[i] = processes[ready];
            processes[ready++] = process;
        }
    }
    return ready;
}

void process_kill(const struct process *process)
{
    kill(process->pid, SIGKILL);
}

void process_hang_up(struct process *process)
{
    if (process->socket >= 0)
        close(process->socket);
    process->socket = -1;
}

bool process_end(struct process *process, char *how, size_t how_bytes)
{
    int status = 0;
    process_hang_up(process);
    struct rusage usage = { 0 };
    patience_wait(process->pid, &status, &usage);
    process->bytes_max = (uint64_t)usage.ru_maxrss * 1024;
    bool met_limit = process->board->limit[0] != '\0';
    if (process->stuck)
        snprintf(how, how_bytes, "%s", PATIENCE_OVER);
    else if (met_limit)
        snprintf(how, how_bytes, "%.*s", (int)sizeof process->board->limit, process->board->limit);
    else if (WIFSIGNALED(status))
        snprintf(how, how_bytes, "signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) == PROCESS_SERVED)
        snprintf(how, how_bytes, "it closed files that are not its own");
    else
        snprintf(how, how_bytes, "exit code %d", WEXITSTATUS(status));
    munmap(process->board, sizeof *process->board);
    process->board = NULL;
    return process->stuck || met_limit;
}

static _Noreturn void process_serve(void (*serve)(const void *plan, int socket,
                                                  struct process_board *board),
                                    const void *plan, int socket, struct process_board *board)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    int null = open("/dev/null", O_WRONLY); /* standard output is the command's alone */
    if (null >= 0)
        dup2(null, STDOUT_FILENO);
    check_limit_tell(board->limit, sizeof board->limit);
    serve(plan, socket, board);
    _exit(PROCESS_SERVED);
}

bool process_start(struct process *ret_process,
                   void (*serve)(const void *plan, int socket, struct process_board *board),
                   const void *plan)
{
    int sockets[2];
    *ret_process = (struct process){ .socket = -1 };
    struct process_board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED)
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        munmap(board, sizeof *board);
        return false;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(sockets[0]);
        process_serve(serve, plan, sockets[1], board);
    }
    close(sockets[1]);
    if (pid < 0) {
        close(sockets[0]);
        munmap(board, sizeof *board);
        return false;
    }
    *ret_process = (struct process){ .pid = pid, .socket = sockets[0], .board = board };
    return true;
}
