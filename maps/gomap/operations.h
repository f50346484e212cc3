/* operations.h: the operations of the trace language, read from text. */
#ifndef GOMAP_OPERATIONS_H
#define GOMAP_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name, how it is written, number of arguments, whether goroutines may do it (set-up may do all) */
#define OPERATIONS(X)                                                                              \
    X(RAND, "rand", 1, false)         /* sets the random state */                                  \
    X(NEW, "new", 1, false)           /* a fresh map with a size hint */                           \
    X(ASSIGN, "a", 2, true)           /* m[first] = second */                                      \
    X(DELETE, "d", 1, true)                                                                        \
    X(ACCESS, "g", 1, true)                                                                        \
    X(CLEAR, "c", 0, true)                                                                         \
    X(ITERATE, "it", 0, true)         /* a whole range */                                          \
    X(ITERATOR_INIT, "ii", 1, true)   /* a range's first step, under this iterator id */           \
    X(ITERATOR_NEXT, "in", 1, true)                                                                \
    X(ITERATOR_FORGET, "ik", 1, true)                                                              \
    X(SEED, "seed", 1, false)         /* sets hash0 of an empty map */                             \
    X(INJECT, "H", 2, false)          /* gives key first the hash second */                        \
    X(HASH, "h", 1, false)                                                                         \
    X(FLIP, "xf", 1, false)           /* flips flags */

enum operation_kind {
#define X(name, text, arguments, concurrent) OPERATION_##name,
    OPERATIONS(X)
#undef X
};

struct operation {
    enum operation_kind kind;
    uint64_t first;
    uint64_t second;
};

/* Zero-initialised is empty. Owns its items. */
struct operation_list {
    struct operation *items;
    size_t count;
    size_t capacity;
};

#define OPERATION_CAUSE_BYTES 96
/* The largest hint that `new` takes: such a map is about 24 MiB large. */
#define OPERATION_HINT_MAX 1000000

/* Makes the cause "what 'word'", with a long word cut short and what cannot be printed shown as a
 * dot. Returns false. */
bool operation_fail(char cause[OPERATION_CAUSE_BYTES], const char *what, const char *word,
                    size_t bytes);
/* Reads a number, decimal or 0x; false if it is none or does not fit. */
bool operation_number(const char *text, size_t bytes, uint64_t *ret_number);

/* Reads one operation. False for bad input, with the cause (no newline) in cause. */
bool operation_parse(const char *text, size_t bytes, struct operation *ret_operation,
                     char cause[OPERATION_CAUSE_BYTES]);
/* Reads operations separated by `;` and appends them. */
bool operation_list_parse(struct operation_list *list, const char *text, size_t bytes,
                          char cause[OPERATION_CAUSE_BYTES]);
void operation_list_append(struct operation_list *list, struct operation operation);
void operation_list_deinit(struct operation_list *list);
/* Whether a goroutine beside others may do it; the rest belongs to the set-up. */
bool operation_concurrent(enum operation_kind kind);

/* Whether words end here: a space, a tab, or the end of a line. */
bool operation_blank(char byte);
/* Drops blanks at both ends. */
void operation_trim(const char **text, size_t *bytes);

#endif
