/* posix_thread.h: POSIX threads: what the engine asks of them. */
#ifndef TREADLE_POSIX_THREAD_H
#define TREADLE_POSIX_THREAD_H

#include <stdint.h>

/* Goroutine number `id` begins a thread's life. */
void posix_thread_begin(uint32_t id);

/* The part of program_roots that threads have in the engine: values of pthread_setspecific, and a
 * result that nobody has fetched. */
void posix_thread_roots(uint32_t id,
                        void (*visit)(void *context, uint64_t begin, uint64_t end),
                        void *context);

#endif
