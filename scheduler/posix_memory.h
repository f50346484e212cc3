/* posix_memory.h: what a whole program has allocated before its main. Inside the engine. */
#ifndef TREADLE_POSIX_MEMORY_H
#define TREADLE_POSIX_MEMORY_H

#include <stdbool.h>

/* The program's main is about to begin; `executes`: in executions, not as it would anywhere. */
void posix_memory_begin_main(bool executes);

/* The blocks from before main are as main found them: an execution begins. */
void posix_memory_restore(void);

#endif
