/* posix_time.c: giving way, sleeping, and asking for the time. No time passes in sleep: each call
 * is a point at which others may run, for as long as they are chosen. The clock is the real one. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/time.h>
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

/* ---- the clock ------------------------------------------------------------------------------- */

/* A loop that looks at the clock does not wait for others alone. */
static void time_asked(void)
{
    if (posix_runs())
        await_forget(scheduler.running);
}

POSIX_WRAPS(time_t, time, time_t *ret_seconds)
{
    time_asked();
    return time(ret_seconds);
}

POSIX_WRAPS(clock_t, clock, void)
{
    time_asked();
    return clock();
}

POSIX_WRAPS(int, clock_gettime, clockid_t clock, struct timespec *ret_now)
{
    time_asked();
    return clock_gettime(clock, ret_now);
}

POSIX_WRAPS(int, gettimeofday, struct timeval *ret_now, void *zone)
{
    time_asked();
    return gettimeofday(ret_now, zone);
}

POSIX_WRAPS(int, timespec_get, struct timespec *ret_now, int base)
{
    time_asked();
    return timespec_get(ret_now, base);
}
