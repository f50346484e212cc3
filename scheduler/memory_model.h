/* memory_model.h: what memory a subject runs on.
 *
 *   sc   each store takes effect where it stands.
 *   tso  (x86) a goroutine's stores go through its store buffer and reach memory in their order,
 *        each at some later time; the goroutine itself sees them at once.
 *   pso  (SPARC) only stores that overlap keep their order; a release store, and what comes
 *        behind a release fence, waits for all earlier ones.
 *
 * Under tso and pso read-modify-writes (also relaxed or failing ones), seq_cst stores and fences,
 * synchronisation, alloc and free wait until the goroutine's buffer is empty; seq_cst loads are
 * plain loads, as x86 compiles them. store_buffer.h says how.
 *
 * A goroutine's end does not wait: its stores may reach memory later, and who joins it waits for
 * them. Nor does the end of a program, behind which nobody looks at memory. */
#ifndef TREADLE_MEMORY_MODEL_H
#define TREADLE_MEMORY_MODEL_H

#include <stdbool.h>

#define MEMORY_MODELS(X)                                                                           \
    X(SC, "sc")                                                                                    \
    X(TSO, "tso")                                                                                  \
    X(PSO, "pso")

enum memory_model {
#define X(name, text) MEMORY_##name,
    MEMORY_MODELS(X)
#undef X
    MEMORY_MODEL_COUNT
};

/* The stable name of a model, for files and reports; and back: false for an unknown name. */
const char *memory_model_name(enum memory_model model);
bool memory_model_find(const char *name, enum memory_model *ret_model);

#endif
