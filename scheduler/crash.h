/* crash.h: signals that subject code raises. They become verdicts; those of our own code kill the
 * program as usual. */
#ifndef TREADLE_CRASH_H
#define TREADLE_CRASH_H

/* Installs handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT on an alternate stack, and a
 * watchdog: after each second of this process's CPU time scheduler_watchdog is called, by
 * SIGVTALRM. */
void crash_handler_install(void);

/* Signals of crashes kill the program again; the watchdog stays. */
void crash_handler_remove(void);

/* From a signal handler: what was interrupted is never resumed; instead the caller of
 * scheduler_run goes on. context is the handler's third argument. */
void crash_abandon(void *context);

#endif
