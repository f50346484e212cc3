/* test_programs.h: small programs drawn at random, as targets: what the tests of exploration run.
 * A program is a table that its goroutines interpret. Only the accesses that its operations name
 * are events: the interpreter is compiled without hooks, like every test. */
#ifndef TREADLE_TEST_PROGRAMS_H
#define TREADLE_TEST_PROGRAMS_H

#include "test_posix.h"
#include "test_run.h"

/* name, and what its members at, bytes, value mean. Memory is addressed by byte; `last` is what the
 * goroutine has read last. A value of VALUE_LAST and more is that much more than `last`. */
#define OPERATIONS(X)                                                                              \
    X(END)                                                                                         \
    X(LOAD)         /* at, bytes: plain, of any size and at any address */                         \
    X(STORE)        /* at, bytes, value */                                                         \
    X(BUMP)         /* at: a word is read, then written */                                         \
    X(COPY)         /* at: to; value: from; bytes */                                               \
    X(SET)          /* at, bytes, value */                                                         \
    X(CLEAR)        /* at: three words */                                                          \
    X(ATOMIC_LOAD)  /* at, bytes */                                                                \
    X(ATOMIC_STORE) /* at, bytes, value */                                                         \
    X(ADD)          /* at, bytes, value */                                                         \
    X(CAS)          /* at, bytes, value: low 2 bits sought, the others stored */                   \
    X(AWAIT)        /* at: until the word is not 0 */                                              \
    X(AWAIT_EITHER) /* at, value: until one of two words is not 0 */                               \
    X(SPIN)         /* at: until it has replaced 0 by 1, by compare-and-swap */                    \
    X(FENCE)                                                                                       \
    X(LOCK)         /* at: which mutex */                                                          \
    X(TRYLOCK)      /* at: which; value: operations skipped if it is taken */                      \
    X(SPIN_LOCK)    /* at: tries until it is taken */                                              \
    X(UNLOCK)       /* at */                                                                       \
    X(RWLOCK)                                                                                      \
    X(RWUNLOCK)                                                                                    \
    X(RLOCK)                                                                                       \
    X(RUNLOCK)                                                                                     \
    X(GROUP_ADD)    /* value, from which 8 is subtracted */                                        \
    X(GROUP_WAIT)                                                                                  \
    X(SEM_WAIT)     /* at: which POSIX semaphore */                                                \
    X(SEM_TRYWAIT)  /* at */                                                                       \
    X(SEM_POST)     /* at */                                                                       \
    X(SEM_INIT)     /* at, value */                                                                \
    X(SEM_CLEAR)    /* at: its bytes become 0 */                                                   \
    X(SEM_COPY)     /* at: to which, from the other one */                                         \
    X(RDLOCK)       /* of the POSIX reader-writer lock */                                          \
    X(WRLOCK)                                                                                      \
    X(TRYRDLOCK)                                                                                   \
    X(TRYWRLOCK)                                                                                   \
    X(RDWRUNLOCK)                                                                                  \
    X(RDWR_INIT)                                                                                   \
    X(POSIX_LOCK)   /* the POSIX mutex */                                                          \
    X(POSIX_TRYLOCK)                                                                               \
    X(POSIX_UNLOCK)                                                                                \
    X(POSIX_INIT)                                                                                  \
    X(POSIX_DESTROY)                                                                               \
    X(POSIX_CLEAR)  /* its bytes become 0 */                                                       \
    X(COND_WAIT)                                                                                   \
    X(COND_TIMEDWAIT)                                                                              \
    X(COND_SIGNAL)                                                                                 \
    X(COND_BROADCAST)                                                                              \
    X(COND_INIT)                                                                                   \
    X(BARRIER)                                                                                     \
    X(BARRIER_INIT) /* value: how many make a round */                                             \
    X(GO)           /* at: procedure; value: whether the others are told its id */                 \
    X(JOIN)         /* at: which of the goroutine's own children */                                \
    X(JOIN_TOLD)    /* the goroutine that others were told of, if any */                           \
    X(CHOOSE)       /* value: answers */                                                           \
    X(IF)           /* skips `at` operations if last + value is odd */                             \
    X(ASSERT)       /* last + value is even */                                                     \
    X(FATAL)                                                                                       \
    X(CALL)         /* value: key */                                                               \
    X(RETURN)                                                                                      \
    X(ALLOC)        /* value: bytes, in units of 8: the goroutine's pointer */                     \
    X(FREE)         /* what its pointer points to; then it is NULL */                              \
    X(PUT)          /* stores its pointer for others, in pointer cell `at` */                      \
    X(GET)          /* loads one */                                                                \
    X(SEEK)         /* puts its pointer there by compare-and-swap if the cell is empty */          \
    X(POINTER_LOAD) /* reads where its pointer points */                                           \
    X(POINTER_STORE) /* value */                                                                   \
    X(POINTER_CAS)  /* value, as CAS */                                                            \
    X(POINTER_SET)  /* bytes, value */                                                             \
    X(POINTER_LOCK) /* two words behind lies a mutex */                                            \
    X(POINTER_TRYLOCK)                                                                             \
    X(POINTER_UNLOCK)

enum {
#define X(name) OP_##name,
    OPERATIONS(X)
#undef X
    OP_COUNT
};

#define VALUE_LAST 128u
#define PROCEDURES_MAX 6u
#define OPERATIONS_MAX 16u
#define ACTORS_MAX 24u
#define CHILDREN_MAX 4u
#define MEMORY_BYTES 32u

struct op {
    uint8_t code, at, bytes, value;
};

struct random_program {
    enum treadle_reuse reuse;
    uint8_t starting; /* goroutines: procedures 0 .. starting - 1 */
    uint8_t group;    /* the wait group's counter, and the first semaphore's, at first */
    bool record;      /* the first two words are one value */
    struct op procedures[PROCEDURES_MAX][OPERATIONS_MAX + 1];
};

/* What the goroutines share. */
struct shared {
    uint64_t memory[MEMORY_BYTES / 8];
    struct treadle_mutex mutex[2];
    struct treadle_rwmutex rwmutex;
    struct treadle_waitgroup group;
    uint64_t told; /* a goroutine's id */
    void *pointers[2];
    sem_t semaphores[2];
    pthread_rwlock_t rdwrlock;
    pthread_mutex_t mutex_posix;
    pthread_cond_t condition;
    pthread_barrier_t barrier;
};

/* What one goroutine keeps to itself: by its id. */
static struct actor {
    uint64_t reads; /* a digest of all that it has read */
    uint64_t last;
    void *pointer;
    bool calls; /* an operation of the history is open */
    bool writes; /* holds the POSIX reader-writer lock, as far as it knows */
    uint32_t children[CHILDREN_MAX];
    uint32_t child_count;
} actors[ACTORS_MAX];

/* ---- the interpreter ------------------------------------------------------------------------- */

static void actor_reads(struct actor *actor, uint64_t value)
{
    actor->last = value;
    actor->reads = actor->reads * 31 + value + 1;
}

static uint64_t load(uint8_t *memory, uint32_t bytes)
{
    switch (bytes) {
    case 1:
        return peek8(memory);
    case 2:
        return peek16((void *)memory);
    case 4:
        return peek32((void *)memory);
    default:
        return peek64((void *)memory);
    }
}

static void store(uint8_t *memory, uint32_t bytes, uint64_t value)
{
    switch (bytes) {
    case 1:
        poke8(memory, (uint8_t)value);
        break;
    case 2:
        poke16((void *)memory, (uint16_t)value);
        break;
    case 4:
        poke32((void *)memory, (uint32_t)value);
        break;
    default:
        poke64((void *)memory, value);
    }
}

static uint64_t atomic(uint32_t code, void *memory, uint32_t bytes, uint64_t value)
{
    uint64_t sought = value & 3, desired = value >> 2;
    switch (code << 8 | bytes) {
#define X(bits, type)                                                                              \
    case OP_ATOMIC_LOAD << 8 | bits / 8:                                                           \
        return atomic_load##bits((_Atomic type *)memory);                                          \
    case OP_ATOMIC_STORE << 8 | bits / 8:                                                          \
        atomic_store##bits((_Atomic type *)memory, (type)value);                                   \
        return 0;                                                                                  \
    case OP_ADD << 8 | bits / 8:                                                                   \
        return atomic_add##bits((_Atomic type *)memory, (type)value);                              \
    case OP_CAS << 8 | bits / 8:                                                                   \
        return atomic_cas_sync##bits((_Atomic type *)memory, (type)sought, (type)desired);
        SUBJECT_ATOMICS(X)
#undef X
    default:
        CHECK(code, ==, 0u);
        return 0;
    }
}

static void interpret(const struct op *op);

static void interpret_child(void *procedure)
{
    interpret(procedure);
}

static void actor_goes(struct actor *actor, struct shared *shared, const struct op *op)
{
    const struct random_program *program = execution.target->argument;
    uint32_t child =
        treadle_go(interpret_child, (void *)(uint64_t)program->procedures[op->at]);
    if (actor->child_count < CHILDREN_MAX)
        actor->children[actor->child_count++] = child;
    if (op->value != 0)
        poke64(&shared->told, child);
}

static void actor_joins(struct actor *actor, struct shared *shared, const struct op *op)
{
    if (op->code == OP_JOIN_TOLD) {
        uint32_t told = (uint32_t)peek64(&shared->told);
        actor_reads(actor, told != 0);
        if (told != 0)
            treadle_join(told);
    } else if (op->at < actor->child_count) {
        treadle_join(actor->children[op->at]);
    }
}

static void actor_notes(struct actor *actor, const struct op *op)
{
    if (op->code == OP_CALL && !actor->calls) {
        treadle_call(TREADLE_ASSIGN, op->value, actor->last);
        actor->calls = true;
    } else if (op->code == OP_RETURN && actor->calls) {
        treadle_return(true, 0, actor->last);
        actor->calls = false;
    }
}

static void actor_follows(struct actor *actor, void *pointer, const struct op *op)
{
    struct treadle_mutex *mutex = (struct treadle_mutex *)((uint64_t)pointer + 16);
    switch (op->code) {
    case OP_POINTER_LOAD:
        actor_reads(actor, peek64(pointer));
        break;
    case OP_POINTER_STORE:
        poke64(pointer, op->value);
        break;
    case OP_POINTER_CAS:
        actor_reads(actor, atomic(OP_CAS, pointer, 8, op->value));
        break;
    case OP_POINTER_SET:
        subject_memset(pointer, op->value, op->bytes);
        break;
    case OP_POINTER_LOCK:
        treadle_mutex_lock(mutex);
        break;
    case OP_POINTER_TRYLOCK:
        actor_reads(actor, treadle_mutex_trylock(mutex));
        break;
    default:
        treadle_mutex_unlock(mutex);
    }
}

static void actor_points(struct actor *actor, struct shared *shared, const struct op *op)
{
    switch (op->code) {
    case OP_ALLOC:
        actor->pointer = treadle_alloc(op->value * 8u, NULL);
        break;
    case OP_FREE:
        treadle_free(actor->pointer);
        actor->pointer = NULL;
        break;
    case OP_PUT:
        poke64((void *)&shared->pointers[op->at], (uint64_t)actor->pointer);
        break;
    case OP_GET:
        actor->pointer = (void *)atomic_load64((void *)&shared->pointers[op->at]);
        actor_reads(actor, actor->pointer != NULL);
        break;
    case OP_SEEK: {
        uint64_t before =
            atomic_cas_sync64((void *)&shared->pointers[op->at], 0, (uint64_t)actor->pointer);
        actor_reads(actor, before != 0);
        break;
    }
    default:
        if (actor->pointer != NULL)
            actor_follows(actor, actor->pointer, op);
    }
}

static void actor_semaphore(struct actor *actor, struct shared *shared, const struct op *op)
{
    sem_t *semaphore = &shared->semaphores[op->at];
    switch (op->code) {
    case OP_SEM_WAIT:
        __wrap_sem_wait(semaphore);
        break;
    case OP_SEM_TRYWAIT:
        actor_reads(actor, __wrap_sem_trywait(semaphore) == 0);
        break;
    case OP_SEM_POST:
        __wrap_sem_post(semaphore);
        break;
    case OP_SEM_INIT:
        __wrap_sem_init(semaphore, 0, op->value);
        break;
    case OP_SEM_CLEAR:
        subject_memset(semaphore, 0, sizeof *semaphore);
        break;
    default:
        subject_memmove(semaphore, &shared->semaphores[!op->at], sizeof *semaphore);
    }
}

static void actor_rdwrlock(struct actor *actor, struct shared *shared, const struct op *op)
{
    pthread_rwlock_t *lock = &shared->rdwrlock;
    if (actor->writes && (op->code == OP_RDLOCK || op->code == OP_WRLOCK))
        return; /* that it holds it is found without an event: it must not be made anew then */
    switch (op->code) {
    case OP_RDLOCK:
        actor_reads(actor, __wrap_pthread_rwlock_rdlock(lock) == 0);
        break;
    case OP_WRLOCK:
        actor_reads(actor, __wrap_pthread_rwlock_wrlock(lock) == 0);
        actor->writes = true;
        break;
    case OP_TRYRDLOCK:
        actor_reads(actor, __wrap_pthread_rwlock_tryrdlock(lock) == 0);
        break;
    case OP_TRYWRLOCK:
        actor->writes |= __wrap_pthread_rwlock_trywrlock(lock) == 0;
        actor_reads(actor, actor->writes);
        break;
    case OP_RDWRUNLOCK:
        __wrap_pthread_rwlock_unlock(lock);
        actor->writes = false;
        break;
    default:
        __wrap_pthread_rwlock_init(lock, NULL);
    }
}

static void actor_mutex(struct actor *actor, struct shared *shared, const struct op *op)
{
    pthread_mutex_t *mutex = &shared->mutex_posix;
    switch (op->code) {
    case OP_POSIX_LOCK:
        __wrap_pthread_mutex_lock(mutex);
        break;
    case OP_POSIX_TRYLOCK:
        actor_reads(actor, __wrap_pthread_mutex_trylock(mutex) == 0);
        break;
    case OP_POSIX_UNLOCK:
        __wrap_pthread_mutex_unlock(mutex);
        break;
    case OP_POSIX_INIT:
        __wrap_pthread_mutex_init(mutex, NULL);
        break;
    case OP_POSIX_DESTROY:
        __wrap_pthread_mutex_destroy(mutex);
        break;
    default:
        subject_memset(mutex, 0, sizeof *mutex);
    }
}

static void actor_parks(struct actor *actor, struct shared *shared, const struct op *op)
{
    static const struct timespec any;
    switch (op->code) {
    case OP_COND_WAIT:
        __wrap_pthread_cond_wait(&shared->condition, &shared->mutex_posix);
        break;
    case OP_COND_TIMEDWAIT:
        actor_reads(actor, __wrap_pthread_cond_timedwait(&shared->condition, &shared->mutex_posix,
                                                         &any) == 0);
        break;
    case OP_COND_SIGNAL:
        __wrap_pthread_cond_signal(&shared->condition);
        break;
    case OP_COND_BROADCAST:
        __wrap_pthread_cond_broadcast(&shared->condition);
        break;
    case OP_COND_INIT:
        __wrap_pthread_cond_init(&shared->condition, NULL);
        break;
    case OP_BARRIER:
        actor_reads(actor, __wrap_pthread_barrier_wait(&shared->barrier) == 0);
        break;
    default:
        __wrap_pthread_barrier_init(&shared->barrier, NULL, op->value);
    }
}

static void actor_synchronises(struct actor *actor, struct shared *shared, const struct op *op)
{
    switch (op->code) {
    case OP_LOCK:
        treadle_mutex_lock(&shared->mutex[op->at]);
        break;
    case OP_SPIN_LOCK:
        spin_lock(&shared->mutex[op->at]);
        break;
    case OP_UNLOCK:
        treadle_mutex_unlock(&shared->mutex[op->at]);
        break;
    case OP_RWLOCK:
        treadle_rwmutex_lock(&shared->rwmutex);
        break;
    case OP_RWUNLOCK:
        treadle_rwmutex_unlock(&shared->rwmutex);
        break;
    case OP_RLOCK:
        treadle_rwmutex_rlock(&shared->rwmutex);
        break;
    case OP_RUNLOCK:
        treadle_rwmutex_runlock(&shared->rwmutex);
        break;
    case OP_GROUP_ADD:
        treadle_waitgroup_add(&shared->group, op->value - 8);
        break;
    case OP_GROUP_WAIT:
        treadle_waitgroup_wait(&shared->group);
        break;
    case OP_GO:
        actor_goes(actor, shared, op);
        break;
    default:
        actor_joins(actor, shared, op);
    }
}

static void actor_accesses(struct actor *actor, struct shared *shared, const struct op *op)
{
    uint8_t *at = (uint8_t *)shared->memory + op->at;
    uint64_t value = op->value < VALUE_LAST ? op->value
                                            : ((actor->last & 3) + op->value - VALUE_LAST);
    switch (op->code) {
    case OP_LOAD:
        actor_reads(actor, load(at, op->bytes));
        break;
    case OP_STORE:
        store(at, op->bytes, value);
        break;
    case OP_BUMP:
        bump64((void *)at);
        break;
    case OP_COPY:
        subject_memmove(at, (uint8_t *)shared->memory + op->value, op->bytes);
        break;
    case OP_SET:
        subject_memset(at, (uint8_t)value, op->bytes);
        break;
    case OP_CLEAR:
        clear24((void *)at);
        break;
    case OP_ATOMIC_STORE:
        atomic(op->code, at, op->bytes, value);
        break;
    case OP_AWAIT:
        await_word((void *)at);
        break;
    case OP_AWAIT_EITHER:
        await_either((void *)at, &shared->memory[op->value / 8]);
        break;
    case OP_SPIN:
        spin_word((void *)at);
        break;
    default:
        actor_reads(actor, atomic(op->code, at, op->bytes, value));
    }
}

static void interpret(const struct op *op)
{
    struct shared *shared = execution.state;
    CHECK(treadle_self(), <, ACTORS_MAX);
    struct actor *actor = &actors[treadle_self()];
    *actor = (struct actor){ 0 };
    posix_begin();
    for (; op->code != OP_END; op++) {
        uint32_t skip = 0;
        if (op->code < OP_FENCE)
            actor_accesses(actor, shared, op);
        else if (op->code == OP_FENCE)
            subject_fence();
        else if (op->code == OP_TRYLOCK)
            skip = treadle_mutex_trylock(&shared->mutex[op->at]) ? 0 : op->value;
        else if (op->code >= OP_SEM_WAIT && op->code <= OP_SEM_COPY)
            actor_semaphore(actor, shared, op);
        else if (op->code >= OP_RDLOCK && op->code <= OP_RDWR_INIT)
            actor_rdwrlock(actor, shared, op);
        else if (op->code >= OP_POSIX_LOCK && op->code <= OP_POSIX_CLEAR)
            actor_mutex(actor, shared, op);
        else if (op->code >= OP_COND_WAIT && op->code <= OP_BARRIER_INIT)
            actor_parks(actor, shared, op);
        else if (op->code <= OP_JOIN_TOLD)
            actor_synchronises(actor, shared, op);
        else if (op->code == OP_CHOOSE)
            actor_reads(actor, treadle_choose(op->value, "random"));
        else if (op->code == OP_IF)
            skip = (actor->last + op->value) % 2 != 0 ? op->at : 0;
        else if (op->code == OP_ASSERT)
            treadle_assert((actor->last + op->value) % 2 == 0, "even");
        else if (op->code == OP_FATAL)
            treadle_go_fatal("fatal");
        else if (op->code <= OP_RETURN)
            actor_notes(actor, op);
        else
            actor_points(actor, shared, op);
        actor->reads += op->code == OP_TRYLOCK && skip > 0;
        for (; skip > 0 && op[1].code != OP_END; skip--)
            op++;
    }
}

static void run_procedure(void *state, const void *procedure)
{
    (void)state;
    interpret(procedure);
}

static void *setup_shared(const void *argument)
{
    const struct random_program *program = argument;
    struct shared *shared = treadle_alloc(sizeof *shared, "shared");
    shared->group.count = program->group;
    ((struct posix_semaphore *)&shared->semaphores[0])->value = program->group;
    ((struct posix_barrier *)&shared->barrier)->count = 2;
    if (program->record)
        treadle_record(shared->memory, 8, 2, "words");
    return shared;
}

/* Opens a program for exploration. It must outlive its executions. */
static inline void program_open(const struct random_program *program, enum memory_model memory)
{
    static struct treadle_program programs[PROCEDURES_MAX];
    static struct treadle_target target;
    for (uint32_t i = 0; i < program->starting; i++)
        programs[i] = (struct treadle_program){ "actor", run_procedure, program->procedures[i] };
    target = (struct treadle_target){
        .name = "test/random-program",
        .setup = setup_shared,
        .argument = program,
        .programs = programs,
        .program_count = program->starting,
        .reuse = program->reuse,
        .private_stacks = true,
    };
    const char *rule = "";
    struct scheduler_options options = { .exploring = true, .memory = memory };
    assert_int_equal(scheduler_open(&target, &options, &rule), TREADLE_OK);
}

#endif
