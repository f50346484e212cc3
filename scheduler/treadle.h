/* treadle.h: the whole public interface of Treadle, for subjects (code under test) and targets
 * (named tests). A subject is ordinary C: its memory accesses need no call from here, because it
 * is compiled with -fsanitize=thread and linked with Treadle's own runtime. What stands here is
 * what plain C has no word for: goroutines, locks, allocation, the history of operations that
 * the oracles judge, and the description of a target.
 *
 * Version 1. Everything here is called on one thread; inside an execution a call may switch to
 * another goroutine wherever its text says "scheduling point".
 */
#ifndef TREADLE_H
#define TREADLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TREADLE_VERSION 1

/* Verdicts: what an oracle can say of an execution. The names are promised: they stand in
 * schedule files, JSON and tables. */
#define TREADLE_VERDICTS(X)                                                                        \
    X(OK, "ok")                                                                                    \
    X(RACE, "race")                                                                                \
    X(TORN_READ, "torn-read")                                                                      \
    X(ABA, "aba")                                                                                  \
    X(STALE_POINTER, "stale-pointer")                                                              \
    X(MISSED_KEY, "missed-key")                                                                    \
    X(WRONG_VALUE, "wrong-value")                                                                  \
    X(ITERATOR_SKIP, "iterator-skip")                                                              \
    X(ITERATOR_REPEAT, "iterator-repeat")                                                          \
    X(ITERATOR_GHOST, "iterator-ghost")                                                            \
    X(LOST_UPDATE, "lost-update")                                                                  \
    X(CORRUPT, "corrupt")                                                                          \
    X(NOT_LINEARIZABLE, "not-linearizable")                                                        \
    X(GO_FATAL, "go-fatal")                                                                        \
    X(PANIC, "panic")                                                                              \
    X(WILD_ACCESS, "wild-access")                                                                  \
    X(USE_AFTER_FREE, "use-after-free")                                                            \
    X(DOUBLE_FREE, "double-free")                                                                  \
    X(OUT_OF_BOUNDS, "out-of-bounds")                                                              \
    X(LEAK, "leak")                                                                                \
    X(DEADLOCK, "deadlock")                                                                        \
    X(LIVELOCK, "livelock")                                                                        \
    X(LOCK_MISUSE, "lock-misuse")                                                                  \
    X(GOROUTINE_LEAK, "goroutine-leak")                                                            \
    X(ASSERT, "assert")                                                                            \
    X(CRASH, "crash")                                                                              \
    X(TIMEOUT, "timeout")                                                                          \
    X(NONDETERMINISTIC, "nondeterministic")

enum treadle_verdict {
#define X(name, text) TREADLE_##name,
    TREADLE_VERDICTS(X)
#undef X
    TREADLE_VERDICT_COUNT
};

/* A set of verdicts, one bit each: TREADLE_SET(TORN_READ) | TREADLE_SET(WILD_ACCESS). */
#define TREADLE_SET(name) (UINT64_C(1) << TREADLE_##name)

/* ---- goroutines ------------------------------------------------------------------------- */

/* Starts a goroutine that runs function(argument); scheduling point. Returns its id, by which
 * treadle_join names it. More goroutines than the limit end the run with a message. */
uint32_t treadle_go(void (*function)(void *argument), void *argument);

/* Waits until that goroutine has returned; scheduling point. */
void treadle_join(uint32_t goroutine);

/* The id of the running goroutine; 0 in set-up and final check. */
uint32_t treadle_self(void);

/* A data choice: any of 0 .. count-1, count from 1 to 65536; the explorers try different answers
 * and the schedule keeps the one that was taken. label names it in schedules (a literal). In
 * set-up and final check the answer is 0. */
uint32_t treadle_choose(uint32_t count, const char *label);

/* ---- memory ----------------------------------------------------------------------------- */

/* Allocates zeroed memory, aligned to 16, from the running goroutine's arena; scheduling point.
 * type is the name of the C struct that lies there (or of which an array lies there), by which
 * reports name its fields; NULL if there is none. Never returns NULL: an exhausted arena ends
 * the run with a message. The block belongs to the execution and vanishes with it. */
void *treadle_alloc(size_t bytes, const char *type);

/* Frees such a block; scheduling point. NULL is fine; a second free is double-free, an address
 * that is no block's start is wild-access. */
void treadle_free(void *block);

/* Frees everything that treadle_run_alone's calls have allocated (not inside an execution). */
void treadle_free_all(void);

/* Whether all bytes from address on lie inside one live block (so a checker may walk broken
 * structures without a wild access). No event. */
bool treadle_readable(const volatile void *address, size_t bytes);

/* Start and size in bytes of the live block that holds address; false if there is none. */
bool treadle_block(const volatile void *address, void **ret_start, size_t *ret_bytes);

/* ---- synchronisation: zero-initialised objects in the subject's memory ------------------- */

struct treadle_mutex {
    uint32_t owner; /* id + 1 of the goroutine that holds it; 0 = free */
};
void treadle_mutex_lock(struct treadle_mutex *mutex);
bool treadle_mutex_trylock(struct treadle_mutex *mutex);
void treadle_mutex_unlock(struct treadle_mutex *mutex); /* not the owner: lock-misuse */

/* Go's sync.RWMutex: a waiting writer keeps new readers out. */
struct treadle_rwmutex {
    uint32_t writer;  /* id + 1 of the goroutine that writes or waits to write; 0 = none */
    uint32_t readers; /* how many goroutines read */
};
void treadle_rwmutex_lock(struct treadle_rwmutex *rwmutex);
void treadle_rwmutex_unlock(struct treadle_rwmutex *rwmutex);
void treadle_rwmutex_rlock(struct treadle_rwmutex *rwmutex);
void treadle_rwmutex_runlock(struct treadle_rwmutex *rwmutex); /* not a reader: lock-misuse */

struct treadle_waitgroup {
    int32_t count;
};
void treadle_waitgroup_add(struct treadle_waitgroup *group, int32_t delta); /* < 0: lock-misuse */
void treadle_waitgroup_done(struct treadle_waitgroup *group);
void treadle_waitgroup_wait(struct treadle_waitgroup *group);

/* ---- what the subject itself says -------------------------------------------------------- */

/* Ends the execution: Go's fatal (message as Go prints it) or throw (message "THROW ..."). */
_Noreturn void treadle_go_fatal(const char *message);
/* Ends the execution: a Go panic. */
_Noreturn void treadle_panic(const char *message);
/* Ends the execution with verdict `assert` and this rule, unless the condition holds. */
void treadle_assert(bool condition, const char *rule);
/* A line for --trace, at this place of the event stream (a literal; no event). */
void treadle_log(const char *text);

/* Tells that the subject is in this abstract state now, any number that stands for what matters of
 * it ("growing, this bucket not yet evacuated"). Fuzzing varies executions that come to new ones;
 * it decides nothing else. Not an event; free to be called anywhere in an execution. */
void treadle_state(uint32_t state);

/* Whether anybody wants to know: where it takes time to find the state out. */
bool treadle_states_wanted(void);

/* ---- the history of operations, which the oracles judge ---------------------------------- */

/* What a goroutine does to a map-like object. Set-up records too: what it stored is present
 * before everything. No events, no scheduling points. */
enum treadle_operation_kind {
    TREADLE_ASSIGN,  /* key, value */
    TREADLE_DELETE,  /* key */
    TREADLE_ACCESS,  /* key => found, value */
    TREADLE_CLEAR,   /* every key */
    TREADLE_APPEND,  /* key, value: the key then holds this value beside its others */
    TREADLE_ITERATE, /* key = iterator's id: it starts; an id in use starts anew */
    TREADLE_NEXT,    /* key = iterator's id => found, key, value; not found = end */
    TREADLE_CONTENT, /* key, value: the final check found this entry */
};
/* The running goroutine begins an operation; one at a time each. */
void treadle_call(enum treadle_operation_kind kind, uint64_t key, uint64_t value);
/* The running goroutine's operation is complete, with this result. */
void treadle_return(bool found, uint64_t key, uint64_t value);
/* call and return in one, for TREADLE_CONTENT and TREADLE_ITERATE. */
void treadle_note(enum treadle_operation_kind kind, uint64_t key, uint64_t value);

/* Declares that these words (1 to 16, each 1, 2, 4 or 8 bytes long, side by side) are one value: a
 * goroutine that reads them in a row must see words of one assignment (oracle torn-read). In
 * set-up only; name is a literal. */
void treadle_record(const volatile void *words, size_t word_bytes, size_t count, const char *name);

/* Inside an invariant that fails: the memory whose last writers broke it (up to 3 calls). */
void treadle_breach(const volatile void *address);

/* ---- targets ------------------------------------------------------------------------------ */

/* What one goroutine of a target does. */
struct treadle_program {
    const char *role; /* what it does, for reports and feedback: "reader", "inserter" */
    void (*run)(void *state, const void *argument);
    const void *argument;
};

/* A rule of the subject that must hold at the end of every execution that its own checks did not
 * end. holds() runs as goroutine 0 without scheduling points; when it fails it writes what is
 * wrong to detail (one line) and may name memory by treadle_breach. */
struct treadle_invariant {
    enum treadle_verdict verdict;
    const char *rule;
    bool (*holds)(void *state, char *detail, size_t detail_bytes);
};

/* A verdict that the default search must find. */
struct treadle_requirement {
    enum treadle_verdict verdict;
    bool silent;      /* in an execution that no check of Go's ended (see README, "silent") */
    const char *rule; /* only where the rule contains this text; NULL = any rule */
};

enum treadle_reuse {
    TREADLE_REUSE_NEVER, /* freed memory stays unused: use-after-free becomes certain */
    TREADLE_REUSE_LIFO,  /* the block freed last is handed out first: ABA becomes likely */
};

#define TREADLE_REQUIREMENTS_MAX 4

struct treadle_subject;

struct treadle_target {
    const char *name; /* "folder/what-it-shows" */
    const char *description;
    const struct treadle_subject *subject; /* NULL: plain C */
    /* Runs once as goroutine 0 without scheduling points; what it leaves behind is restored for
     * every execution. argument is the target's own; returns the state that the programs get. */
    void *(*setup)(const void *argument);
    const void *argument;
    const struct treadle_program *programs;
    uint32_t program_count;
    /* A whole program instead: goroutine 0 runs it, with scheduling points. It has no invariants
     * and no final check; its data are put back whole, and its threads have their thread-locals.
     * (This is what treadle-cc makes of a program's main.) */
    const struct treadle_program *main;
    /* Runs as goroutine 0 after the last goroutine, without scheduling points; NULL = none. Where
     * the programs record a history it notes every entry that is left (TREADLE_CONTENT): a
     * completed store without one is lost-update. */
    void (*final)(void *state);
    const struct treadle_invariant *invariants;
    uint32_t invariant_count;
    uint64_t expects; /* TREADLE_SET of the verdicts it may show; 0: the target is sound */
    struct treadle_requirement requires[TREADLE_REQUIREMENTS_MAX];
    uint32_t requirement_count;
    enum treadle_reuse reuse;
    /* Nil dereference is `panic`, any other access outside live memory `wild-access` (never
     * `out-of-bounds`); executions count as detected or silent. */
    bool go_semantics;
    bool garbage_collected; /* unreachable blocks are no `leak` */
    bool private_stacks;    /* stacks are not shared: own accesses are no events, foreign ones
                               are wild-access */
    uint32_t steps_max;    /* events per execution, then `timeout`; 0 = default (20,000) */
};

/* Makes a target known; it must outlive the program. Call it from a constructor. */
void treadle_register(const struct treadle_target *target);

/* ---- subjects with a language of their own (treadle trace, treadle outcomes) --------------- */

struct treadle_options {
    const char *variant; /* "fast64"; never NULL */
    const char *hash;    /* "mix" */
    const char *dump;    /* "full"; trace only */
};

/* Which function of the original a C function ports, for --trace. */
struct treadle_port {
    const char *function; /* "grow_work" */
    const char *original; /* "runtime.growWork" */
};

struct treadle_subject {
    const char *name;
    const struct treadle_port *ports; /* ends with { NULL, NULL } */
    /* Writes the state in the subject's language; must survive corrupt states. */
    void (*dump)(void *state, FILE *out);
    /* Reads operations from in and writes what they did to out. Returns 0, 1 when the subject's
     * own check ended it, 2 for bad input (one line on error, with the line's number). */
    int (*trace)(const struct treadle_options *options, FILE *in, FILE *out, FILE *error);
    /* Reads a program and returns a target that runs it (destroy it with free_program); NULL for
     * bad input, one line on error. Where in cannot be read, neither writes a line: the caller
     * sees it by ferror. */
    struct treadle_target *(*parse_program)(const struct treadle_options *options, FILE *in,
                                            FILE *error);
    void (*free_program)(struct treadle_target *target);
    /* Writes the outcome of the execution that just ended (no newline). One that fills text is
     * cut short there, and asked for again with a longer text. */
    void (*outcome)(void *state, char *text, size_t text_bytes);
    /* The lines that treadle outcomes prints before the outcomes: the set-up and program. */
    void (*print_program)(const struct treadle_target *target, FILE *out);
};

/* Makes a subject known to `treadle trace` and `treadle outcomes`. */
void treadle_register_subject(const struct treadle_subject *subject);

/* Runs function(argument) as goroutine 0 without scheduling points, outside any execution.
 * Returns TREADLE_OK, or the verdict that ended it, its rule in ret_rule. */
enum treadle_verdict treadle_run_alone(void (*function)(void *argument), void *argument,
                                       const char **ret_rule);

#endif
