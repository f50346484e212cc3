/* interpreter.h: applies operations of the trace language to a map, for one goroutine. */
#ifndef GOMAP_INTERPRETER_H
#define GOMAP_INTERPRETER_H

#include "gomap/map.h"
#include "gomap/operations.h"
#include "gomap/text.h"
#include "treadle.h"

/* What operations act on. */
struct map_state {
    struct map_type type;
    struct hmap *map;              /* NULL before the first `new` */
    struct treadle_rwmutex *mutex; /* NULL: operations do not lock */
};

/* Gives the state a generator in the goroutines' memory, and neither map nor injections. */
void map_state_reset(struct map_state *state);

/* An iterator under its id. Behind the iterators in use, `it` may be memory for the next ones. */
struct iterator {
    uint64_t id;
    bool finished;
    struct hiter *it;
};

/* One goroutine's view: the state, and its own iterators. */
struct interpreter {
    struct map_state *state;
    struct iterator *iterators; /* ascending by id */
    size_t iterator_count;
    size_t iterator_capacity;
    /* A goroutine of a program: its iterators lie on its stack, and the result of a range leaves
     * out where it started. */
    bool concurrent;
    /* Tells treadle_call and treadle_return. Not of keys that may not equal themselves: oracles
     * take equal bits for equal keys. */
    bool history;
    bool nested;  /* runs inside a call of another operation */
};

enum { INTERPRETER_ITERATORS_MAX = 8 };

/* Room for the iterators of a goroutine, on that goroutine's own stack. */
struct interpreter_stack {
    struct iterator iterators[INTERPRETER_ITERATORS_MAX];
    struct hiter places[INTERPRETER_ITERATORS_MAX];
};

/* An interpreter for operations among goroutines, which records the history. The program must not
 * use more than INTERPRETER_ITERATORS_MAX iterator ids. */
void interpreter_init(struct interpreter *interpreter, struct map_state *state,
                      struct interpreter_stack *stack);
/* Frees what lies on the heap (hiters are goroutines' memory). Not needed after
 * interpreter_init. */
void interpreter_deinit(struct interpreter *interpreter);
/* Forgets all iterators and their memory. */
void interpreter_forget(struct interpreter *interpreter);
/* Does one operation; appends its result, if it has one, to result (NULL: it is dropped). */
void interpreter_apply(struct interpreter *interpreter, const struct operation *operation,
                       struct text *result);

#endif
