/* patience.c: looks at processes, as /proc shows them. */
#define _GNU_SOURCE
#include "patience.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tally.h"

#define LOOK_SECONDS 0.4
#define IDLE_LOOKS_MAX 20u

/* A process's state, a letter, and the CPU time that it has used; false if nothing is known. */
static bool read_state(pid_t pid, char *ret_state, uint64_t *ret_cpu_ticks)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return false;
    size_t length = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    text[length] = '\0';
    const char *fields = strrchr(text, ')'); /* its name may be anything */
    char state;
    unsigned long long user, system;
    if (fields == NULL
        || sscanf(fields, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &state, &user,
                  &system) != 3)
        return false;
    *ret_state = state;
    *ret_cpu_ticks = user + system;
    return true;
}

bool patience_is_over(struct patience *patience, pid_t pid, uint64_t executions)
{
    double now = tally_now();
    char state;
    uint64_t cpu_ticks;
    if (now - patience->looked < LOOK_SECONDS)
        return false;
    /* Sleeping, stopped, or dead; not: ready to run, at the disk, in a debugger. */
    bool idle = read_state(pid, &state, &cpu_ticks) && strchr("STZ", state) != NULL;
    bool same = idle && patience->looked > 0 && cpu_ticks == patience->cpu_ticks
                && executions == patience->executions;
    patience->looked = now;
    patience->cpu_ticks = idle ? cpu_ticks : 0;
    patience->executions = executions;
    patience->idle_looks = same ? patience->idle_looks + 1 : 0;
    return patience->idle_looks >= IDLE_LOOKS_MAX;
}

int patience_wait(pid_t pid, int *ret_status, struct rusage *ret_usage)
{
    struct patience patience = { 0 };
    struct pollfd ended = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
    bool stuck = false;
    while (ended.fd >= 0 && poll(&ended, 1, 500) <= 0)
        if (patience_is_over(&patience, pid, 0)) {
            kill(pid, SIGKILL);
            stuck = true;
        }
    if (ended.fd >= 0)
        close(ended.fd);
    pid_t waited;
    do
        waited = wait4(pid, ret_status, 0, ret_usage);
    while (waited < 0 && errno == EINTR);
    return waited < 0 ? -1 : stuck;
}

ssize_t patience_read(pid_t pid, struct patience *patience, int file, void *data, size_t bytes)
{
    struct pollfd ready = { .fd = file, .events = POLLIN };
    while (poll(&ready, 1, 500) <= 0)
        if (patience_is_over(patience, pid, 0))
            kill(pid, SIGKILL);
    ssize_t got;
    do
        got = read(file, data, bytes);
    while (got < 0 && errno == EINTR);
    return got;
}
