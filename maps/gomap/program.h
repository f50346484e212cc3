/* program.h: a set-up and what goroutines do after it, written in the trace language: lines of
 * operations, then `par A;B | C`, a goroutine for each part. The targets of this folder and of
 * rwmap are such programs, and so are the files of `treadle outcomes gomap`. */
#ifndef GOMAP_PROGRAM_H
#define GOMAP_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "gomap/interpreter.h"
#include "gomap/operations.h"
#include "gomap/text.h"
#include "treadle.h"

enum { PROGRAM_GOROUTINES_MAX = 16 };

struct program;
struct walk_entry;

struct program_goroutine {
    struct program *program;
    struct operation_list operations;
    struct text *results; /* in quotes, separated by spaces, as outcomes show them */
};

/* The state that a program's target hands to its goroutines is the program itself. What executions
 * change of it: the map (in the goroutines' memory), and the results, which each goroutine
 * clears as it begins. */
struct program {
    struct treadle_target target;
    struct map_state state;
    bool locked; /* each operation under a read-write lock */
    struct text source;
    struct operation_list setup;
    uint32_t goroutine_count;
    struct program_goroutine goroutines[PROGRAM_GOROUTINES_MAX];
    struct text results[PROGRAM_GOROUTINES_MAX];
    struct treadle_program programs[PROGRAM_GOROUTINES_MAX];
    struct walk_entry *entries; /* of the map, for outcomes */
    size_t entry_capacity;
};

/* Reads a program for maps of this type; what follows a line `outcomes:` is left alone. NULL for
 * bad input, with one line on error, and without a word where in cannot be read (ferror tells). */
struct program *program_create(const struct map_type *type, FILE *in, FILE *error);
/* The same out of a literal; bad input ends the process. */
struct program *program_of(const struct map_type *type, const char *source);
/* NULL is fine. */
void program_destroy(struct program *program);

/* Does what one goroutine of the program does, as the running goroutine; argument is its
 * struct program_goroutine. */
void program_run(void *state, const void *argument);
/* Makes an interpreter for the running goroutine. */
void program_interpreter(struct program *program, struct interpreter *ret_interpreter,
                         struct interpreter_stack *stack);

/* As struct treadle_subject wants them. */
struct treadle_target *program_parse(const struct treadle_options *options, FILE *in, FILE *error);
void program_free(struct treadle_target *target);
void program_outcome(void *state, char *text, size_t text_bytes);
void program_print(const struct treadle_target *target, FILE *out);
void program_dump(void *state, FILE *out);

/* The map as a subject (subject.c). */
extern const struct treadle_subject gomap_subject;

#endif
