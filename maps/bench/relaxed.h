/* relaxed.h: the accesses of programs that show what a memory model permits: C11's relaxed ones,
 * which every model may reorder as it reorders plain accesses, and which are no data race. Macros,
 * so that events keep the line of the program. */
#ifndef BENCH_RELAXED_H
#define BENCH_RELAXED_H

#include <stdatomic.h>
#include <stdbool.h>

#define LOAD(variable) atomic_load_explicit(&(variable), memory_order_relaxed)
#define STORE(variable, value) atomic_store_explicit(&(variable), value, memory_order_relaxed)

/* Programs come with and without fences: their argument says which. */
#define FENCED ((const void *)1)
#define UNFENCED NULL
#define FENCE(argument)                                                                            \
    do {                                                                                           \
        if ((argument) == FENCED)                                                                  \
            atomic_thread_fence(memory_order_seq_cst);                                             \
    } while (false)

#endif
