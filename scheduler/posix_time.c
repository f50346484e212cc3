/* posix_time.c: giving way and sleeping. No time passes: each call is a point at which others may
 * run, for as long as they are chosen. */
#define _GNU_SOURCE
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "posix.h"

static void time_yield(struct caller caller)
{
    announce_from(EVENT_YIELD, EVENT_PLAIN, 0, 0, caller);
}

POSIX_WRAPS(int, sched_yield, void)
{
    if (!posix_runs())
        return sched_yield();
    time_yield(HOOK_CALLER);
    return 0;
}

POSIX_WRAPS(unsigned, sleep, unsigned seconds)
{
    if (!posix_runs())
        return sleep(seconds);
    time_yield(HOOK_CALLER);
    return 0;
}

POSIX_WRAPS(int, usleep, useconds_t microseconds)
{
    if (!posix_runs())
        return usleep(microseconds);
    time_yield(HOOK_CALLER);
    return 0;
}

POSIX_WRAPS(int, nanosleep, const struct timespec *duration, struct timespec *ret_left)
{
    if (!posix_runs())
        return nanosleep(duration, ret_left);
    time_yield(HOOK_CALLER);
    return 0;
}

POSIX_WRAPS(int, clock_nanosleep, clockid_t clock, int flags, const struct timespec *duration,
            struct timespec *ret_left)
{
    if (!posix_runs())
        return clock_nanosleep(clock, flags, duration, ret_left);
    time_yield(HOOK_CALLER);
    return 0;
}
