/* hooks_memory.h: copying as a subject copies, for what copies on its behalf. */
#ifndef TREADLE_HOOKS_MEMORY_H
#define TREADLE_HOOKS_MEMORY_H

#include "announce.h"

/* memmove as one event of the running goroutine, the caller. Returns to. */
void *hooks_copy(void *to, const void *from, size_t bytes, struct caller caller);

#endif
