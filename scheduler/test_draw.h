/* test_draw.h: draws the programs of test_programs.h, prints them, and makes them smaller. A
 * program is a function of its seed. */
#ifndef TREADLE_TEST_DRAW_H
#define TREADLE_TEST_DRAW_H

#include <stdio.h>

#include "test_programs.h"

#define DRAW_ACCESSES_MAX 12u

/* What a program is mostly about: so that its few operations meet each other. */
enum theme {
    THEME_WORDS,   /* atomics of the same bytes */
    THEME_BYTES,   /* accesses that overlap partly, copies */
    THEME_LOCKS,
    THEME_READERS, /* of a reader-writer mutex */
    THEME_GROUP,
    THEME_CHILDREN,
    THEME_ANSWERS, /* data choices */
    THEME_BLOCKS,  /* allocations */
    THEME_HISTORY,
    THEME_LOOPS,   /* that wait */
    THEME_SEMAPHORES,
    THEME_RDWRLOCK,
    THEME_POSIX_MUTEX,
    THEME_CONDITION,
    THEME_BARRIER,
    THEME_COUNT
};

struct draw {
    struct rng rng;
    struct random_program *program;
    uint32_t lengths[PROCEDURES_MAX];
    uint32_t procedures;
    uint32_t accesses; /* drawn so far */
};

static inline void draw_op(struct draw *draw, uint32_t procedure, struct op op)
{
    if (draw->lengths[procedure] < OPERATIONS_MAX)
        draw->program->procedures[procedure][draw->lengths[procedure]++] = op;
    draw->accesses += op.code != OP_IF && op.code != OP_ASSERT && op.code != OP_FATAL
                      && op.code != OP_CHOOSE;
}

static inline uint32_t draw_of(struct draw *draw, uint32_t count)
{
    return rng_below(&draw->rng, count);
}

static inline uint8_t draw_value(struct draw *draw)
{
    return (uint8_t)(draw_of(draw, 3) + (draw_of(draw, 3) == 0 ? VALUE_LAST : 0));
}

/* Sought 0 to 2, stored 1 to 3. */
static inline uint8_t draw_exchange(struct draw *draw)
{
    return (uint8_t)(draw_of(draw, 3) + 4 * (1 + draw_of(draw, 3)));
}

static inline struct op draw_word(struct draw *draw)
{
    static const uint8_t codes[] = { OP_LOAD, OP_STORE, OP_ATOMIC_LOAD, OP_ATOMIC_STORE,
                                     OP_ADD,  OP_CAS,   OP_CAS };
    uint8_t code = codes[draw_of(draw, COUNT(codes))];
    uint8_t value = code == OP_CAS ? draw_exchange(draw) : draw_value(draw);
    return (struct op){ code, (uint8_t)(8 * draw_of(draw, 2)), 8, value };
}

static inline struct op draw_bytes(struct draw *draw)
{
    static const uint8_t codes[] = { OP_LOAD, OP_STORE, OP_BUMP, OP_COPY,
                                     OP_SET,  OP_CLEAR, OP_ADD,  OP_CAS, OP_CAS, OP_ATOMIC_STORE };
    uint8_t code = codes[draw_of(draw, COUNT(codes))];
    uint8_t bytes = (uint8_t)(1u << draw_of(draw, 4)), value = draw_value(draw);
    uint8_t at = (uint8_t)draw_of(draw, 12);
    if (code == OP_CLEAR || code == OP_BUMP)
        return (struct op){ code, code == OP_BUMP ? at : (uint8_t)(at & 8), 0, 0 };
    if (code == OP_COPY) {
        uint8_t from = (uint8_t)(draw_of(draw, 2) ? draw_of(draw, 12) : 8 * draw_of(draw, 2));
        bytes = (uint8_t)(draw_of(draw, 2) ? bytes : 12 + 4 * draw_of(draw, 3));
        return (struct op){ code, at, bytes, from };
    }
    if (code == OP_SET && draw_of(draw, 2))
        bytes = (uint8_t)(9 + draw_of(draw, 12));
    if (code == OP_CAS || code == OP_ADD || code == OP_ATOMIC_STORE)
        at = (uint8_t)(at / bytes * bytes);
    return (struct op){ code, at, bytes, code == OP_CAS ? draw_exchange(draw) : value };
}

static inline void draw_lock(struct draw *draw, uint32_t procedure)
{
    uint8_t mutex = (uint8_t)draw_of(draw, 2);
    uint32_t inside = draw_of(draw, 3);
    bool tries = draw_of(draw, 3) == 0;
    struct op take = { OP_LOCK, mutex, 0, 0 };
    if (tries)
        take = (struct op){ OP_TRYLOCK, mutex, 0, (uint8_t)(inside + 1) };
    draw_op(draw, procedure, take);
    for (; inside > 0; inside--)
        draw_op(draw, procedure,
                draw_of(draw, 4) ? draw_word(draw)
                                 : (struct op){ OP_LOCK, !mutex, 0, 0 });
    if (draw_of(draw, 6))
        draw_op(draw, procedure, (struct op){ OP_UNLOCK, mutex, 0, 0 });
    if (draw_of(draw, 12) == 0)
        draw_op(draw, procedure, (struct op){ OP_UNLOCK, !mutex, 0, 0 });
}

static inline void draw_reader(struct draw *draw, uint32_t procedure)
{
    bool writes = draw_of(draw, 3) == 0;
    if (draw_of(draw, 10))
        draw_op(draw, procedure, (struct op){ writes ? OP_RWLOCK : OP_RLOCK, 0, 0, 0 });
    if (draw_of(draw, 2))
        draw_op(draw, procedure, draw_word(draw));
    if (draw_of(draw, 8))
        draw_op(draw, procedure, (struct op){ writes ? OP_RWUNLOCK : OP_RUNLOCK, 0, 0, 0 });
}

static inline void draw_group(struct draw *draw, uint32_t procedure)
{
    uint32_t what = draw_of(draw, 6);
    struct op op = { OP_GROUP_WAIT, 0, 0, 0 };
    if (what < 4)
        op = (struct op){ OP_GROUP_ADD, 0, 0, (uint8_t)(what < 2 ? 7 : what == 2 ? 9 : 8 + 2) };
    draw_op(draw, procedure, op);
}

static inline void draw_child(struct draw *draw, uint32_t procedure)
{
    uint32_t first = procedure + 1 > draw->program->starting ? procedure + 1
                                                              : draw->program->starting;
    uint32_t what = draw_of(draw, 6);
    if (what < 3 && first < draw->procedures) {
        uint8_t child = (uint8_t)(first + draw_of(draw, draw->procedures - first));
        draw_op(draw, procedure, (struct op){ OP_GO, child, 0, draw_of(draw, 4) == 0 });
    } else if (what == 3 && draw_of(draw, 2)) {
        draw_op(draw, procedure, (struct op){ OP_JOIN_TOLD, 0, 0, 0 });
    } else if (what <= 4) {
        draw_op(draw, procedure, (struct op){ OP_JOIN, (uint8_t)draw_of(draw, 2), 0, 0 });
    } else {
        draw_op(draw, procedure, draw_word(draw));
    }
}

static inline void draw_answer(struct draw *draw, uint32_t procedure)
{
    draw_op(draw, procedure, (struct op){ OP_CHOOSE, 0, 0, (uint8_t)(2 + draw_of(draw, 2)) });
    if (draw_of(draw, 2))
        draw_op(draw, procedure, (struct op){ OP_IF, 1, 0, (uint8_t)draw_of(draw, 2) });
    draw_op(draw, procedure, draw_word(draw));
}

static inline void draw_block(struct draw *draw, uint32_t procedure)
{
    static const uint8_t sizes[] = { 0, 1, 1, 2, 3, 3, 3, 150, 200 };
    static const uint8_t codes[] = { OP_ALLOC, OP_ALLOC, OP_FREE, OP_PUT, OP_PUT, OP_GET, OP_GET,
                                     OP_SEEK, OP_POINTER_LOAD, OP_POINTER_STORE, OP_POINTER_CAS,
                                     OP_POINTER_SET };
    static const uint8_t locks[] = { OP_POINTER_LOCK, OP_POINTER_TRYLOCK, OP_POINTER_UNLOCK };
    uint8_t code = codes[draw_of(draw, COUNT(codes))];
    if (draw_of(draw, 5) == 0)
        code = locks[draw_of(draw, 3)];
    uint8_t value = code == OP_ALLOC ? sizes[draw_of(draw, COUNT(sizes))] : draw_exchange(draw);
    if (draw->lengths[procedure] == 0 && draw_of(draw, 2))
        draw_op(draw, procedure, (struct op){ OP_ALLOC, 0, 0, (uint8_t)(1 + 2 * draw_of(draw, 2)) });
    uint8_t bytes = (uint8_t)(4 + draw_of(draw, 13));
    draw_op(draw, procedure, (struct op){ code, (uint8_t)(draw_of(draw, 4) == 0), bytes, value });
}

static inline void draw_history(struct draw *draw, uint32_t procedure)
{
    draw_op(draw, procedure, (struct op){ OP_CALL, 0, 0, (uint8_t)draw_of(draw, 3) });
    if (draw_of(draw, 2))
        draw_op(draw, procedure, draw_word(draw));
    if (draw_of(draw, 5))
        draw_op(draw, procedure, (struct op){ OP_RETURN, 0, 0, 0 });
}

static inline struct op draw_loop(struct draw *draw)
{
    static const uint8_t codes[] = { OP_AWAIT, OP_AWAIT_EITHER, OP_SPIN, OP_SPIN_LOCK };
    uint8_t code = codes[draw_of(draw, COUNT(codes))];
    uint8_t at = (uint8_t)draw_of(draw, 2);
    if (code == OP_SPIN_LOCK)
        return (struct op){ code, at, 0, 0 };
    return (struct op){ code, (uint8_t)(8 * at), 8, code == OP_AWAIT_EITHER ? 8 * !at : 0 };
}

/* Operations on POSIX objects: many of one kind, few that make the object anew. */
static inline struct op draw_semaphore(struct draw *draw)
{
    static const uint8_t codes[] = { OP_SEM_WAIT, OP_SEM_WAIT, OP_SEM_WAIT, OP_SEM_TRYWAIT,
                                     OP_SEM_POST, OP_SEM_POST, OP_SEM_POST, OP_SEM_INIT,
                                     OP_SEM_CLEAR, OP_SEM_COPY };
    uint8_t code = codes[draw_of(draw, COUNT(codes))];
    uint8_t value = (uint8_t)draw_of(draw, 3);
    return (struct op){ code, (uint8_t)(draw_of(draw, 4) == 0), 0, value };
}

static inline struct op draw_rdwrlock(struct draw *draw)
{
    static const uint8_t codes[] = { OP_RDLOCK, OP_RDLOCK, OP_WRLOCK, OP_WRLOCK, OP_TRYRDLOCK,
                                     OP_TRYWRLOCK, OP_RDWRUNLOCK, OP_RDWRUNLOCK, OP_RDWRUNLOCK,
                                     OP_RDWR_INIT };
    return (struct op){ codes[draw_of(draw, COUNT(codes))], 0, 0, 0 };
}

static inline struct op draw_posix_mutex(struct draw *draw)
{
    static const uint8_t codes[] = { OP_POSIX_LOCK, OP_POSIX_LOCK, OP_POSIX_LOCK, OP_POSIX_TRYLOCK,
                                     OP_POSIX_UNLOCK, OP_POSIX_UNLOCK, OP_POSIX_UNLOCK,
                                     OP_POSIX_INIT, OP_POSIX_DESTROY, OP_POSIX_CLEAR };
    return (struct op){ codes[draw_of(draw, COUNT(codes))], 0, 0, 0 };
}

static inline void draw_condition(struct draw *draw, uint32_t procedure)
{
    static const uint8_t codes[] = { OP_COND_WAIT, OP_COND_WAIT, OP_COND_TIMEDWAIT };
    static const uint8_t waking[] = { OP_COND_SIGNAL, OP_COND_SIGNAL, OP_COND_BROADCAST,
                                      OP_COND_INIT };
    uint8_t code = codes[draw_of(draw, COUNT(codes))];
    if (draw_of(draw, 2)) {
        draw_op(draw, procedure,
                (struct op){ waking[draw_of(draw, COUNT(waking))], 0, 0, 0 });
        return;
    }
    draw_op(draw, procedure, (struct op){ OP_POSIX_LOCK, 0, 0, 0 });
    draw_op(draw, procedure, (struct op){ code, 0, 0, 0 });
    if (draw_of(draw, 8))
        draw_op(draw, procedure, (struct op){ OP_POSIX_UNLOCK, 0, 0, 0 });
}

static inline struct op draw_barrier(struct draw *draw)
{
    uint8_t count = (uint8_t)(1 + draw_of(draw, 3));
    return draw_of(draw, 5) ? (struct op){ OP_BARRIER, 0, 0, 0 }
                            : (struct op){ OP_BARRIER_INIT, 0, 0, count };
}

static inline void draw_theme(struct draw *draw, uint32_t procedure, enum theme theme)
{
    switch (theme) {
    case THEME_BYTES:
        draw_op(draw, procedure, draw_bytes(draw));
        break;
    case THEME_LOCKS:
        draw_lock(draw, procedure);
        break;
    case THEME_READERS:
        draw_reader(draw, procedure);
        break;
    case THEME_GROUP:
        draw_group(draw, procedure);
        break;
    case THEME_CHILDREN:
        draw_child(draw, procedure);
        break;
    case THEME_ANSWERS:
        draw_answer(draw, procedure);
        break;
    case THEME_BLOCKS:
        draw_block(draw, procedure);
        break;
    case THEME_HISTORY:
        draw_history(draw, procedure);
        break;
    case THEME_LOOPS:
        draw_op(draw, procedure, draw_of(draw, 2) ? draw_word(draw) : draw_loop(draw));
        break;
    case THEME_SEMAPHORES:
        draw_op(draw, procedure, draw_of(draw, 5) ? draw_semaphore(draw) : draw_word(draw));
        break;
    case THEME_RDWRLOCK:
        draw_op(draw, procedure, draw_of(draw, 5) ? draw_rdwrlock(draw) : draw_word(draw));
        break;
    case THEME_POSIX_MUTEX:
        draw_op(draw, procedure, draw_of(draw, 5) ? draw_posix_mutex(draw) : draw_word(draw));
        break;
    case THEME_CONDITION:
        draw_condition(draw, procedure);
        break;
    case THEME_BARRIER:
        draw_op(draw, procedure, draw_of(draw, 3) ? draw_barrier(draw) : draw_word(draw));
        break;
    default:
        draw_op(draw, procedure, draw_word(draw));
    }
    uint32_t what = draw_of(draw, 24);
    if (what < 3)
        draw_op(draw, procedure, (struct op){ OP_IF, 1, 0, (uint8_t)(what & 1) });
    else if (what == 3)
        draw_op(draw, procedure, (struct op){ OP_ASSERT, 0, 0, 0 });
    else if (what == 4)
        draw_op(draw, procedure, (struct op){ draw_of(draw, 2) ? OP_FATAL : OP_FENCE, 0, 0, 0 });
}

/* A program of 2 to 4 goroutines, and of about DRAW_ACCESSES_MAX accesses at most. */
static inline void draw_program(struct random_program *program, uint64_t seed)
{
    *program = (struct random_program){ 0 };
    struct draw draw = { .program = program };
    rng_seed(&draw.rng, seed);
    uint32_t themes[2] = { draw_of(&draw, THEME_COUNT), draw_of(&draw, THEME_COUNT) };
    bool children = themes[0] == THEME_CHILDREN || themes[1] == THEME_CHILDREN;
    uint32_t goroutines = 2 + draw_of(&draw, 3);
    program->starting = (uint8_t)(children ? 1 + draw_of(&draw, 2) : goroutines);
    program->reuse = draw_of(&draw, 2) ? TREADLE_REUSE_LIFO : TREADLE_REUSE_NEVER;
    program->group = (uint8_t)draw_of(&draw, 3);
    program->record = draw_of(&draw, 8) == 0;
    draw.procedures = children && goroutines <= program->starting ? goroutines + 1 : goroutines;
    uint32_t accesses = 3 + draw_of(&draw, DRAW_ACCESSES_MAX - 3 - draw.procedures / 2);
    for (uint32_t i = 0; children && i < program->starting; i++)
        draw_child(&draw, i);
    while (draw.accesses < accesses) {
        uint32_t procedure = draw_of(&draw, draw.procedures);
        if (draw.lengths[procedure] == OPERATIONS_MAX)
            break;
        draw_theme(&draw, procedure, (enum theme)themes[draw_of(&draw, 3) == 0]);
    }
}

/* As a table, to be put into a test. */
static inline void program_print(const struct random_program *program)
{
    static const char *const names[OP_COUNT] = {
#define X(name) #name,
        OPERATIONS(X)
#undef X
    };
    print_error("{ .reuse = %s, .starting = %u, .group = %u, .record = %u, .procedures = {\n",
                program->reuse == TREADLE_REUSE_LIFO ? "TREADLE_REUSE_LIFO" : "TREADLE_REUSE_NEVER",
                program->starting, program->group, program->record);
    for (uint32_t i = 0; i < PROCEDURES_MAX; i++) {
        const struct op *op = program->procedures[i];
        if (op->code != OP_END)
            print_error("    [%u] = {", i);
        for (; op->code != OP_END; op++)
            print_error(" { OP_%s, %u, %u, %u },", names[op->code], op->at, op->bytes, op->value);
        if (op != program->procedures[i])
            print_error(" },\n");
    }
    print_error("} }\n");
}

/* Takes operations away as long as the program still fails. */
static inline void program_reduce(struct random_program *program,
                                  bool (*fails)(const struct random_program *program))
{
    bool smaller = true;
    while (smaller) {
        smaller = false;
        for (uint32_t i = 0; i < PROCEDURES_MAX * OPERATIONS_MAX; i++) {
            struct random_program less = *program;
            struct op *op = &less.procedures[i / OPERATIONS_MAX][i % OPERATIONS_MAX];
            if (op->code == OP_END)
                continue;
            memmove(op, op + 1, (OPERATIONS_MAX - i % OPERATIONS_MAX) * sizeof *op);
            if (fails(&less)) {
                *program = less;
                smaller = true;
            }
        }
    }
}

#endif
