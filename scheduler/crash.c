/* crash.c: how a signal in subject code ends the execution and not the program. The handler runs
 * on a stack of its own (the goroutine's may have overflowed), notes the verdict, and makes the
 * interrupted thread go on at crash_resume on a rescue stack, which switches to the scheduler's
 * caller as an ending goroutine would. The watchdog ends endless loops the same way. */
#define _GNU_SOURCE
#include "crash.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

#include "check.h"
#include "scheduler.h"

#define CRASH_STACK_BYTES (64u << 10)

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
static char crash_signal_stack[CRASH_STACK_BYTES] __attribute__((aligned(16)));
static char crash_rescue_stack[CRASH_STACK_BYTES] __attribute__((aligned(16)));

/* The sanitizer would not know the stack. */
static __attribute__((no_sanitize_address)) void crash_resume(void)
{
    scheduler_leave();
}

void crash_abandon(void *context)
{
    ucontext_t *interrupted = context;
    uint64_t top = (uint64_t)crash_rescue_stack + CRASH_STACK_BYTES - 8; /* 8 mod 16 */
    interrupted->uc_mcontext.gregs[REG_RSP] = (greg_t)top;
    interrupted->uc_mcontext.gregs[REG_RIP] = (greg_t)(uint64_t)crash_resume;
}

static const char *crash_rule(int number, const siginfo_t *info)
{
    bool faulted = number == SIGSEGV || number == SIGBUS;
    if (faulted && fiber_is_guard((uint64_t)info->si_addr))
        return "stack overflow";
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    default:
        return "SIGABRT";
    }
}

static void crash_handler(int number, siginfo_t *info, void *context)
{
    if (execution.phase == PHASE_NONE || scheduler.running == NULL) {
        signal(number, SIG_DFL); /* our own fault: the instruction runs again and kills us */
        if (number == SIGABRT)
            raise(number);
        return;
    }
    scheduler_note_crash(crash_rule(number, info));
    crash_abandon(context);
}

static void crash_watchdog(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    scheduler_watchdog(context);
}

/* CPU time, not wall clock: a machine that is busy elsewhere makes no verdict. */
static void crash_watchdog_start(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = crash_watchdog;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigaction(SIGVTALRM, &action, NULL);
    struct itimerval second = { .it_interval = { .tv_sec = 1 }, .it_value = { .tv_sec = 1 } };
    setitimer(ITIMER_VIRTUAL, &second, NULL);
}

void crash_handler_install(void)
{
    stack_t stack = { .ss_sp = crash_signal_stack, .ss_size = sizeof crash_signal_stack };
    int failed = sigaltstack(&stack, NULL);
    CHECK(failed, ==, 0);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = crash_handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (size_t i = 0; i < sizeof crash_signals / sizeof crash_signals[0]; i++)
        sigaction(crash_signals[i], &action, NULL);
    crash_watchdog_start();
}

void crash_handler_remove(void)
{
    for (size_t i = 0; i < sizeof crash_signals / sizeof crash_signals[0]; i++)
        signal(crash_signals[i], SIG_DFL);
}
