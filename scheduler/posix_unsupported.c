/* posix_unsupported.c: functions that would leave Treadle's control if they ran for real. In an
 * execution they end the run with a message; otherwise they are the library's. Each is a few
 * instructions of its own that leave its arguments, whatever they are, where they are. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "posix.h"

#define POSIX_UNSUPPORTED(X)                                                                       \
    X(pthread_cancel) X(pthread_clockjoin_np) X(pthread_getaffinity_np) X(pthread_getattr_np)      \
    X(pthread_getcpuclockid) X(pthread_getname_np) X(pthread_getschedparam) X(pthread_kill)        \
    X(pthread_mutex_clocklock) X(pthread_mutex_consistent) X(pthread_mutex_getprioceiling)         \
    X(pthread_mutex_setprioceiling) X(pthread_rwlock_clockrdlock) X(pthread_rwlock_clockwrlock)    \
    X(pthread_setaffinity_np) X(pthread_setschedparam) X(pthread_setschedprio)                     \
    X(pthread_sigqueue) X(pthread_testcancel) X(pthread_timedjoin_np) X(pthread_tryjoin_np)        \
    X(__pthread_register_cancel) X(__pthread_unregister_cancel) X(__pthread_unwind_next)           \
    X(sem_clockwait) X(sem_close) X(sem_open) X(sem_unlink) X(call_once) X(cnd_broadcast)          \
    X(cnd_destroy) X(cnd_init) X(cnd_signal) X(cnd_timedwait) X(cnd_wait) X(mtx_destroy)           \
    X(mtx_init) X(mtx_lock) X(mtx_timedlock) X(mtx_trylock) X(mtx_unlock) X(thrd_create)           \
    X(thrd_current) X(thrd_detach) X(thrd_exit) X(thrd_join) X(thrd_sleep) X(thrd_yield)           \
    X(tss_create) X(tss_delete) X(tss_get) X(tss_set) X(at_quick_exit) X(quick_exit) X(on_exit)    \
    X(flockfile) X(ftrylockfile) X(funlockfile) X(fork) X(vfork) X(clone) X(execve) X(execv)       \
    X(execvp) X(execl) X(execlp) X(execle) X(posix_spawn) X(posix_spawnp) X(system) X(popen)       \
    X(sigwait) X(sigsuspend) X(pause) X(alarm) X(setitimer) X(timer_create) X(swapcontext)

_Noreturn void posix_refuse(const char *name);

void posix_refuse(const char *name)
{
    check_limit("%s is not supported by treadle-cc yet: the program cannot be executed under "
                "Treadle",
                name);
}

/* The phase is the first member of execution, and PHASE_NONE is 0. */
_Static_assert(__builtin_offsetof(struct execution, phase) == 0 && PHASE_NONE == 0, "see below");
#define POSIX_REFUSES(name)                                                                        \
    __asm__(".pushsection .text\n"                                                                 \
            ".globl __wrap_" #name "\n"                                                            \
            ".type __wrap_" #name ", @function\n"                                                  \
            "__wrap_" #name ":\n"                                                                  \
            "    cmpl $0, execution(%rip)\n"                                                       \
            "    jne 1f\n"                                                                         \
            "    jmp " #name "\n"                                                                  \
            "1:  lea 2f(%rip), %rdi\n"                                                             \
            "    and $-16, %rsp\n"                                                                 \
            "    call posix_refuse\n"                                                              \
            "2:  .asciz \"" #name "\"\n"                                                           \
            ".popsection\n");
POSIX_UNSUPPORTED(POSIX_REFUSES)

/* Waits and wakes go by POSIX; all the rest is as harmless as a function of the library. */
POSIX_WRAPS(long, syscall, long number, long a, long b, long c, long d, long e, long f)
{
    if (posix_runs() && number == SYS_futex)
        posix_refuse("syscall(SYS_futex)");
    return syscall(number, a, b, c, d, e, f);
}
