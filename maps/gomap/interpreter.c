/* interpreter.c: applies operations to a map. NOT instrumented: what it does itself is no step of
 * the scheduler; the map's functions and caller.c are. */
#include "gomap/interpreter.h"

#include <stdlib.h>
#include <string.h>

#include "gomap/caller.h"
#include "gomap/states.h"

/* The iterator id under which the history knows a whole range. */
#define RANGE_ID UINT32_MAX

void map_state_reset(struct map_state *state)
{
    map_type_forget_injections(&state->type);
    state->type.random = treadle_alloc(sizeof(struct map_random), "map_random");
    state->map = NULL;
}

void interpreter_init(struct interpreter *interpreter, struct map_state *state,
                      struct interpreter_stack *stack)
{
    *interpreter = (struct interpreter){
        .state = state,
        .iterators = stack->iterators,
        .iterator_capacity = INTERPRETER_ITERATORS_MAX,
        .concurrent = true,
        .history = map_type_reflexive_key(&state->type),
    };
    for (size_t i = 0; i < INTERPRETER_ITERATORS_MAX; i++)
        stack->iterators[i] = (struct iterator){ .it = &stack->places[i] };
}

void interpreter_deinit(struct interpreter *interpreter)
{
    free(interpreter->iterators);
    interpreter->iterators = NULL;
    interpreter->iterator_count = 0;
    interpreter->iterator_capacity = 0;
}

void interpreter_forget(struct interpreter *interpreter)
{
    interpreter->iterator_count = 0;
    if (!interpreter->concurrent && interpreter->iterators != NULL)
        memset(interpreter->iterators, 0,
               interpreter->iterator_capacity * sizeof *interpreter->iterators);
}

/* ---- iterators by id ------------------------------------------------------------------------- */

/* The index of this id, or where it belongs. */
static size_t iterator_index(const struct interpreter *interpreter, uint64_t id)
{
    size_t low = 0;
    size_t high = interpreter->iterator_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (interpreter->iterators[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct iterator *find_iterator(struct interpreter *interpreter, uint64_t id)
{
    size_t index = iterator_index(interpreter, id);
    if (index == interpreter->iterator_count || interpreter->iterators[index].id != id)
        return NULL;
    return &interpreter->iterators[index];
}

static void grow_iterators(struct interpreter *interpreter)
{
    size_t capacity = interpreter->iterator_capacity == 0 ? 8 : 2 * interpreter->iterator_capacity;
    struct iterator *grown = interpreter->concurrent
        ? NULL
        : realloc(interpreter->iterators, capacity * sizeof *grown);
    if (grown == NULL)
        abort();
    memset(grown + interpreter->iterator_capacity, 0,
           (capacity - interpreter->iterator_capacity) * sizeof *grown);
    interpreter->iterators = grown;
    interpreter->iterator_capacity = capacity;
}

/* A fresh iterator under this id, its hiter zeroed; it replaces the one that has the id. */
static struct iterator *new_iterator(struct interpreter *interpreter, uint64_t id)
{
    struct iterator *iterator = find_iterator(interpreter, id);
    if (iterator == NULL) {
        if (interpreter->iterator_count == interpreter->iterator_capacity)
            grow_iterators(interpreter);
        size_t index = iterator_index(interpreter, id);
        struct hiter *place = interpreter->iterators[interpreter->iterator_count].it;
        iterator = &interpreter->iterators[index];
        memmove(iterator + 1, iterator,
                (interpreter->iterator_count - index) * sizeof *iterator);
        iterator->id = id;
        iterator->it = place;
        interpreter->iterator_count++;
    }
    /* A nested operation must not take the hiter from under the operation around it. */
    if (iterator->it == NULL || interpreter->nested)
        iterator->it = treadle_alloc(sizeof *iterator->it, "hiter");
    memset(iterator->it, 0, sizeof *iterator->it);
    iterator->finished = false;
    return iterator;
}

static void forget_iterator(struct interpreter *interpreter, uint64_t id)
{
    struct iterator *iterator = find_iterator(interpreter, id);
    if (iterator == NULL)
        return;
    struct iterator forgotten = *iterator;
    size_t behind = interpreter->iterator_count
        - (size_t)(iterator - interpreter->iterators) - 1;
    memmove(iterator, iterator + 1, behind * sizeof *iterator);
    interpreter->iterators[--interpreter->iterator_count] = forgotten;
}

/* ---- history and locks ----------------------------------------------------------------------- */

static void begin(struct interpreter *interpreter, enum treadle_operation_kind kind, uint64_t key,
                  uint64_t value)
{
    if (interpreter->history)
        treadle_call(kind, key, value);
}

static void end(struct interpreter *interpreter, bool found, uint64_t key, uint64_t value)
{
    if (interpreter->history)
        treadle_return(found, key, value);
}

/* An iterator id that no other goroutine uses. */
static uint64_t history_id(uint64_t id)
{
    return (uint64_t)treadle_self() << 32 | (uint32_t)id;
}

static bool writes(enum operation_kind kind)
{
    return kind == OPERATION_ASSIGN || kind == OPERATION_DELETE || kind == OPERATION_CLEAR;
}

static void lock(struct treadle_rwmutex *mutex, enum operation_kind kind)
{
    if (mutex == NULL)
        return;
    if (writes(kind))
        treadle_rwmutex_lock(mutex);
    else
        treadle_rwmutex_rlock(mutex);
}

static void unlock(struct treadle_rwmutex *mutex, enum operation_kind kind)
{
    if (mutex == NULL)
        return;
    if (writes(kind))
        treadle_rwmutex_unlock(mutex);
    else
        treadle_rwmutex_runlock(mutex);
}

/* ---- the operations -------------------------------------------------------------------------- */

static void say(struct text *result, const char *string)
{
    if (result != NULL)
        text_string(result, string);
}

static void apply_access(struct interpreter *interpreter, uint64_t key, struct text *result)
{
    uint64_t value = 0;
    begin(interpreter, TREADLE_ACCESS, key, 0);
    bool found = caller_access(&interpreter->state->type, interpreter->state->map, key, &value);
    end(interpreter, found, key, value);
    say(result, found ? "hit " : "miss");
    if (found && result != NULL)
        text_number(result, value);
}

static bool range_first(struct interpreter *interpreter, struct hiter *it, uint64_t id,
                        uint64_t *ret_key, uint64_t *ret_value)
{
    if (interpreter->history)
        treadle_note(TREADLE_ITERATE, history_id(id), 0);
    begin(interpreter, TREADLE_NEXT, history_id(id), 0);
    const struct map_state *state = interpreter->state;
    bool found = caller_range_first(&state->type, state->map, it, ret_key, ret_value);
    end(interpreter, found, *ret_key, *ret_value);
    return found;
}

static bool range_next(struct interpreter *interpreter, struct hiter *it, uint64_t id,
                       uint64_t *ret_key, uint64_t *ret_value)
{
    states_of_iterator(it->h, it);
    begin(interpreter, TREADLE_NEXT, history_id(id), 0);
    bool found = caller_range_next(it, ret_key, ret_value);
    end(interpreter, found, *ret_key, *ret_value);
    return found;
}

/* A whole range. Its result names where it started only in a trace: goroutines' outcomes are the
 * entries alone. */
static void apply_range(struct interpreter *interpreter, struct text *result)
{
    struct hiter it = { 0 };
    uint64_t key = 0;
    uint64_t value = 0;
    bool found = range_first(interpreter, &it, RANGE_ID, &key, &value);
    if (result != NULL && !interpreter->concurrent) {
        text_string(result, "start=");
        text_number(result, it.start_bucket);
        text_string(result, " off=");
        text_number(result, it.offset);
        text_byte(result, ':');
    }
    bool separate = !interpreter->concurrent;
    while (found) {
        if (result != NULL) {
            if (separate)
                text_byte(result, ' ');
            text_entry(result, key, value);
        }
        separate = true;
        found = range_next(interpreter, &it, RANGE_ID, &key, &value);
    }
}

static void say_step(struct iterator *iterator, bool found, uint64_t key, uint64_t value,
                     struct text *result)
{
    iterator->finished = !found;
    if (result == NULL)
        return;
    if (found)
        text_entry(result, key, value);
    else
        text_string(result, "end");
}

static void apply_iterator_init(struct interpreter *interpreter, uint64_t id, struct text *result)
{
    uint64_t key = 0;
    uint64_t value = 0;
    struct hiter *it = new_iterator(interpreter, id)->it;
    bool found = range_first(interpreter, it, id, &key, &value);
    /* Looked up again: a nested operation may have moved the iterators. */
    struct iterator *iterator = find_iterator(interpreter, id);
    struct iterator gone;
    say_step(iterator != NULL ? iterator : &gone, found, key, value, result);
}

static void apply_iterator_next(struct interpreter *interpreter, uint64_t id, struct text *result)
{
    struct iterator *iterator = find_iterator(interpreter, id);
    if (iterator == NULL || iterator->finished) {
        say(result, "none");
        return;
    }
    uint64_t key = 0;
    uint64_t value = 0;
    bool found = range_next(interpreter, iterator->it, id, &key, &value);
    iterator = find_iterator(interpreter, id);
    struct iterator gone;
    say_step(iterator != NULL ? iterator : &gone, found, key, value, result);
}

static void apply_seed(struct map_state *state, uint64_t seed, struct text *result)
{
    if (state->map == NULL)
        say(result, "refused: no map");
    else if (state->map->count != 0)
        say(result, "refused: count != 0");
    else
        state->map->hash0 = (uint32_t)seed;
}

/* Operations on the map itself, which goroutines may do. */
static void apply_to_map(struct interpreter *interpreter, const struct operation *operation,
                         struct text *result)
{
    struct map_state *state = interpreter->state;
    uint64_t first = operation->first;
    if (operation->kind == OPERATION_ASSIGN || operation->kind == OPERATION_DELETE
        || operation->kind == OPERATION_ACCESS)
        states_of_key(&state->type, state->map, first);
    switch (operation->kind) {
    case OPERATION_ASSIGN:
        begin(interpreter, TREADLE_ASSIGN, first, operation->second);
        caller_assign(&state->type, state->map, first, operation->second);
        end(interpreter, true, first, operation->second);
        break;
    case OPERATION_DELETE:
        begin(interpreter, TREADLE_DELETE, first, 0);
        caller_delete(&state->type, state->map, first);
        end(interpreter, true, first, 0);
        break;
    case OPERATION_ACCESS:
        apply_access(interpreter, first, result);
        break;
    case OPERATION_CLEAR:
        begin(interpreter, TREADLE_CLEAR, 0, 0);
        map_clear(&state->type, state->map);
        end(interpreter, true, 0, 0);
        break;
    case OPERATION_ITERATE:
        apply_range(interpreter, result);
        break;
    case OPERATION_ITERATOR_INIT:
        apply_iterator_init(interpreter, first, result);
        break;
    case OPERATION_ITERATOR_NEXT:
        apply_iterator_next(interpreter, first, result);
        break;
    default:
        abort(); /* interpreter_apply does the rest itself */
    }
}

void interpreter_apply(struct interpreter *interpreter, const struct operation *operation,
                       struct text *result)
{
    struct map_state *state = interpreter->state;
    switch (operation->kind) {
    case OPERATION_RAND:
        state->type.random->state = operation->first;
        break;
    case OPERATION_NEW:
        interpreter_forget(interpreter);
        state->map = operation->first <= BUCKET_COUNT
            ? makemap_small(&state->type)
            : makemap(&state->type, (int64_t)operation->first);
        break;
    case OPERATION_ITERATOR_FORGET:
        forget_iterator(interpreter, operation->first);
        break;
    case OPERATION_SEED:
        apply_seed(state, operation->first, result);
        break;
    case OPERATION_INJECT:
        map_type_inject(&state->type, operation->first, operation->second);
        break;
    case OPERATION_HASH:
        if (result != NULL)
            text_hex(result,
                     map_type_hash(&state->type, operation->first,
                                   state->map != NULL ? state->map->hash0 : 0),
                     16);
        break;
    case OPERATION_FLIP:
        if (state->map != NULL)
            state->map->flags ^= (uint8_t)operation->first;
        break;
    default:
        lock(state->mutex, operation->kind);
        apply_to_map(interpreter, operation, result);
        unlock(state->mutex, operation->kind);
    }
}
