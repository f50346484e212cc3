/* test_traces.h: executions up to equivalence, for tests: canonical forms of traces, final states,
 * and all of them by brute force, in ways that know nothing of clocks and races. Goroutines and
 * addresses are named by spawn paths, as numbers depend on the order of creation. */
#ifndef TREADLE_TEST_TRACES_H
#define TREADLE_TEST_TRACES_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <uthash.h>

#include "heap_layout.h"
#include "test_programs.h"

/* A set is digested as the sum of its members' digests. */
typedef unsigned __int128 digest;

typedef bool dependence(const struct event *a, const struct event *b, bool reuses);

static inline digest digest_of(const void *bytes, size_t count)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, count);
    return (digest)hash.high64 << 64 | hash.low64;
}

#define DIGEST(...)                                                                                \
    digest_of((const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }))

/* ---- names ----------------------------------------------------------------------------------- */

/* A goroutine's spawn path. */
static inline uint64_t path_of(uint32_t goroutine)
{
    uint64_t path = 0;
    for (; goroutine != 0; goroutine = scheduler.goroutines[goroutine].parent)
        path = path * 1000 + scheduler.goroutines[goroutine].child_index;
    return path;
}

/* What stands in a lock: the owner's id + 1. */
static inline uint64_t owner_of(uint32_t token)
{
    return token < 2 ? token : path_of(token - 1) << 8 | 2;
}

/* An address in a goroutine's arena or on its stack, or of the word by which it waits, by the
 * goroutine's path. */
static inline uint64_t address_of(uint64_t address)
{
    if (address - (uint64_t)thread_words < sizeof thread_words)
        return rng_mix(path_of((uint32_t)((address - (uint64_t)thread_words) / 8))) + 1;
    uint64_t offset = address - HEAP_BASE - HEAP_SETUP_BYTES;
    uint32_t id = (uint32_t)(offset / HEAP_GOROUTINE_BYTES);
    if (offset < GOROUTINES_MAX * HEAP_GOROUTINE_BYTES)
        return rng_mix(path_of(id)) + offset % HEAP_GOROUTINE_BYTES;
    return address;
}

/* ---- final states ---------------------------------------------------------------------------- */

static inline digest state_of_goroutine(const struct goroutine *goroutine)
{
    const struct actor *actor = &actors[goroutine->id];
    bool waits = goroutine->state == GOROUTINE_BLOCKED;
    bool started = goroutine->event_count > 0;
    return DIGEST(1, path_of(goroutine->id), goroutine->state, goroutine->event_count,
                  started ? actor->reads : 0, started ? actor->last : 0,
                  started ? address_of((uint64_t)actor->pointer) : 0,
                  waits ? goroutine->pending.kind : 0,
                  waits ? address_of(goroutine->pending.address) : 0);
}

/* In blocks of three words the third one is a mutex. */
static inline digest state_of_block(const struct heap_block *block)
{
    bool live = heap_block_live(block);
    const struct treadle_mutex *mutex = (const void *)(block->start + 16);
    uint64_t words = block->bytes < 16 ? block->bytes : 16;
    uint64_t content = live ? XXH3_64bits((const void *)block->start, words) : 0;
    return DIGEST(2, path_of(block->owner), block->serial, address_of(block->start), block->bytes,
                  block->generation, live, content,
                  live && block->bytes >= 24 ? owner_of(mutex->owner) : 0);
}

static inline digest state_of_operation(uint32_t number)
{
    const struct operation *operation = &execution.operations[number];
    digest state =
        DIGEST(3, path_of(operation->goroutine), operation->kind, operation->key, operation->value,
               operation->found, operation->result_value, operation->returned != 0);
    for (uint32_t i = 0; i < execution.operation_count; i++) {
        const struct operation *before = &execution.operations[i];
        if (before->returned != 0 && before->returned < operation->called)
            state += DIGEST(4, path_of(before->goroutine), before->key, before->result_value,
                            path_of(operation->goroutine), operation->key);
    }
    return state;
}

/* The POSIX objects, but for the bytes that mean nothing. */
static inline digest state_of_posix(const struct shared *shared)
{
    const struct posix_semaphore *semaphores[2] = { (const void *)&shared->semaphores[0],
                                                    (const void *)&shared->semaphores[1] };
    const struct posix_rwlock *rwlock = (const void *)&shared->rdwrlock;
    const struct posix_mutex *mutex = (const void *)&shared->mutex_posix;
    const struct posix_condition *condition = (const void *)&shared->condition;
    const struct posix_barrier *barrier = (const void *)&shared->barrier;
    return DIGEST(9, semaphores[0]->value, semaphores[1]->value, owner_of(rwlock->writer),
                  rwlock->readers, owner_of(mutex->owner), (uint64_t)mutex->kind,
                  condition->waiters, barrier->arrived, barrier->count);
}

/* Of the execution that has ended: memory, goroutines, verdicts, history. */
static inline digest state_now(void)
{
    const struct shared *shared = execution.state;
    digest state = digest_of(shared->memory, sizeof shared->memory);
    state += DIGEST(5, owner_of(shared->mutex[0].owner), owner_of(shared->mutex[1].owner),
                    owner_of(shared->rwmutex.writer), shared->rwmutex.readers,
                    (uint64_t)shared->group.count,
                    shared->told == 0 ? 0 : path_of((uint32_t)shared->told),
                    address_of((uint64_t)shared->pointers[0]),
                    address_of((uint64_t)shared->pointers[1]));
    state += state_of_posix(shared);
    for (uint32_t id = 1; id < scheduler.goroutine_count; id++)
        state += state_of_goroutine(&scheduler.goroutines[id]);
    for (uint32_t i = 2; i < heap_block_count(); i++) /* 1 is what is shared */
        state += state_of_block(heap_block_at(i));
    for (uint32_t i = 0; i < execution.operation_count; i++)
        state += state_of_operation(i);
    for (uint32_t i = 0; i < execution.verdict_count; i++) {
        const char *rule = execution.verdicts[i].rule;
        state += DIGEST(6, execution.verdicts[i].verdict, XXH3_64bits(rule, strlen(rule)));
    }
    return state;
}

/* ---- traces ---------------------------------------------------------------------------------- */

static inline bool touches(const struct event *event, uint64_t address, uint64_t bytes)
{
    bool lies_there = event->address < address + bytes && address < event->address + event->size;
    bool copies = event->kind == EVENT_COPY && event->source < address + bytes
                  && address < event->source + event->size;
    return (event_effect(event) != 0 || event->kind == EVENT_ALLOC) && (lies_there || copies);
}

/* Whether it writes words of the record: always, if it may fail because of what is no part of the
 * record or of a store that is still buffered. */
static inline bool writes_words(const struct event *event, uint64_t address, uint64_t bytes)
{
    bool within = event->address >= address && event->address + event->size <= address + bytes;
    if (event->kind == EVENT_ATOMIC_CAS && (!within || execution.memory != MEMORY_SC))
        return true;
    return event_effect(event) & EVENT_WRITES;
}

/* Whether both touch words that are one value. */
static inline bool record_depends(const struct event *a, const struct event *b)
{
    for (uint32_t i = 0; i < execution.record_count; i++) {
        const struct record *record = &execution.records[i];
        uint64_t bytes = record->word_bytes * record->count;
        if (touches(a, record->address, bytes) && touches(b, record->address, bytes)
            && (writes_words(a, record->address, bytes)
                || writes_words(b, record->address, bytes)))
            return true;
    }
    return false;
}

/* Whether a, which waited in a loop, depends on b by what the loop has read. */
static inline bool await_depends(const struct event *a, const struct event *b, dependence *depends,
                                 bool reuses)
{
    for (uint32_t i = 0; a->await != 0 && i < execution.trace_run_count; i++) {
        const struct event *read = &execution.trace[i];
        if (read->goroutine == a->goroutine && read->index < a->index
            && read->index + a->await >= a->index && depends(read, b, reuses))
            return true;
    }
    return false;
}

/* Whether two events of different goroutines, the first one before the other, are ordered: other
 * than by one goroutine's creating or joining the other. */
static inline bool trace_depends(const struct event *first, const struct event *second,
                                 dependence *depends)
{
    bool reuses = execution.target->reuse == TREADLE_REUSE_LIFO;
    return depends(first, second, reuses) || record_depends(first, second)
           || await_depends(first, second, depends, reuses)
           || await_depends(second, first, depends, reuses);
}

/* What the event at position adds to the canonical form of the trace up to it: what it is, and
 * behind which events that it depends on it stands. */
static inline digest trace_member(uint32_t position, dependence *depends)
{
    const struct event *event = &execution.trace[position];
    uint64_t path = path_of(event->goroutine);
    digest member = DIGEST(7, path, event->index, event->kind, event->success,
                           event->kind == EVENT_CHOOSE ? event->value_read : 0);
    for (uint32_t i = 0; i < position; i++) {
        const struct event *before = &execution.trace[i];
        if (before->goroutine != event->goroutine && trace_depends(before, event, depends))
            member += DIGEST(8, path_of(before->goroutine), before->index, path, event->index);
    }
    return member;
}

/* The canonical form of the execution that has ended. */
static inline digest trace_now(dependence *depends)
{
    digest trace = 0;
    for (uint32_t i = 0; i < execution.trace_run_count; i++)
        trace += trace_member(i, depends);
    return trace;
}

/* ---- all of them ----------------------------------------------------------------------------- */

#define BRUTE_CHOICES_MAX 96u

/* A point that has been reached, or, in another table, a complete trace. */
struct reached {
    digest trace;
    digest state;   /* of a complete one */
    uint32_t count; /* for who compares */
    UT_hash_handle hh;
};

/* Choices to be followed: goroutines' ids and answers. */
struct prefix {
    uint16_t length;
    uint16_t missed; /* of them that were impossible */
    uint16_t answers[BRUTE_CHOICES_MAX];
};

/* Goes through all choices, depth first, each execution from the beginning; and leaves out only
 * what begins with a trace that is equal, in canonical form, to one that has been gone on from. */
struct brute {
    struct strategy strategy; /* first: the strategy is the whole */
    dependence *depends;
    struct prefix prefix; /* what is followed */
    uint32_t candidate_counts[BRUTE_CHOICES_MAX];
    uint16_t candidates[BRUTE_CHOICES_MAX][ACTORS_MAX];
    struct prefix *waiting; /* prefixes to be followed */
    uint32_t waiting_count, waiting_capacity;
    struct reached *points, *traces;
    uint64_t executions;
    uint64_t contradictions; /* equal traces whose final states differ */
};

static inline uint32_t brute_choose(struct strategy *self, enum choice_kind kind,
                                    struct goroutine *const *candidates, uint32_t count)
{
    struct brute *brute = (struct brute *)self;
    uint32_t at = execution.choice_count, index = count;
    CHECK(at, <, BRUTE_CHOICES_MAX);
    CHECK(count, <=, ACTORS_MAX);
    brute->candidate_counts[at] = count;
    for (uint32_t i = 0; i < count; i++) {
        brute->candidates[at][i] = (uint16_t)(kind == CHOICE_DATA ? i : candidates[i]->id);
        if (at < brute->prefix.length && brute->candidates[at][i] == brute->prefix.answers[at])
            index = i;
    }
    if (at < brute->prefix.length && index == count)
        brute->prefix.missed++;
    return index < count ? index : 0;
}

static inline void brute_begin(struct strategy *self, uint64_t seed)
{
    (void)self;
    (void)seed;
}

/* The table's entry; ret_new says whether it has come into being. */
static inline struct reached *reached_add(struct reached **table, digest trace, bool *ret_new)
{
    struct reached *entry;
    HASH_FIND(hh, *table, &trace, sizeof trace, entry);
    *ret_new = entry == NULL;
    if (entry == NULL) {
        entry = calloc(1, sizeof *entry);
        assert_non_null(entry);
        entry->trace = trace;
        HASH_ADD(hh, *table, trace, sizeof trace, entry);
    }
    return entry;
}

static inline void reached_clear(struct reached **table)
{
    struct reached *entry, *next;
    HASH_ITER(hh, *table, entry, next)
    {
        HASH_DEL(*table, entry);
        free(entry);
    }
}

static inline void brute_push(struct brute *brute, uint32_t length, uint16_t answer)
{
    if (brute->waiting_count == brute->waiting_capacity) {
        brute->waiting_capacity = brute->waiting_capacity == 0 ? 64 : 2 * brute->waiting_capacity;
        brute->waiting =
            realloc(brute->waiting, brute->waiting_capacity * sizeof *brute->waiting);
        assert_non_null(brute->waiting);
    }
    struct prefix *prefix = &brute->waiting[brute->waiting_count++];
    for (uint32_t i = 0; i < length; i++)
        prefix->answers[i] = execution.choices[i].answer;
    prefix->answers[length] = answer;
    prefix->length = (uint16_t)(length + 1);
    prefix->missed = 0;
}

/* Looks along the execution that has ended, behind what it was told to follow: at each new point
 * the other candidates are to be tried, too. */
static inline void brute_look(struct brute *brute)
{
    digest trace = 0;
    uint32_t choice = 0;
    bool new;
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        if (event->kind != EVENT_EXIT && choice++ >= brute->prefix.length) {
            uint32_t at = choice - 1;
            reached_add(&brute->points, trace + (event->kind == EVENT_CHOOSE), &new);
            if (!new)
                return;
            for (uint32_t k = 0; k < brute->candidate_counts[at]; k++)
                if (brute->candidates[at][k] != execution.choices[at].answer)
                    brute_push(brute, at, brute->candidates[at][k]);
        }
        trace += trace_member(i, brute->depends);
    }
    CHECK(choice, ==, execution.choice_count);
    struct reached *entry = reached_add(&brute->traces, trace, &new);
    digest state = state_now();
    brute->contradictions += !new && entry->state != state;
    entry->state = state;
}

static inline void brute_init(struct brute *brute, dependence *depends)
{
    memset(brute, 0, sizeof *brute);
    brute->strategy = (struct strategy){
        .name = "brute", .begin = brute_begin, .choose = brute_choose, .forced = true,
    };
    brute->depends = depends;
}

/* Finds all traces of the open target. False if there are too many. */
static inline bool brute_run(struct brute *brute, dependence *depends, uint64_t executions_max)
{
    brute_init(brute, depends);
    do {
        if (brute->executions == executions_max)
            return false;
        scheduler_run(&brute->strategy, 0);
        CHECK(brute->prefix.missed, ==, 0u);
        brute->executions++;
        brute_look(brute);
        if (brute->waiting_count > 0)
            brute->prefix = brute->waiting[brute->waiting_count - 1];
    } while (brute->waiting_count-- > 0);
    return true;
}

static inline void brute_clear(struct brute *brute)
{
    reached_clear(&brute->points);
    reached_clear(&brute->traces);
    free(brute->waiting);
}

#endif
