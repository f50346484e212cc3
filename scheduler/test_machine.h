/* test_machine.h: a plain machine with store buffers (memory_model.h says which), written down anew
 * for memory_model_test.c: it goes through all that its small programs can do, by brute force. */
#ifndef TREADLE_TEST_MACHINE_H
#define TREADLE_TEST_MACHINE_H

#include "test_run.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "memory_model.h"

enum { GOROUTINES = 3, STEPS_MAX = 8, CELLS = 16, HASHES_MAX = 1 << 18 };

enum step_kind { STEP_LOAD, STEP_STORE, STEP_ADD, STEP_CAS, STEP_FENCE, STEP_LOCK, STEP_UNLOCK };

struct step {
    uint8_t kind, order; /* order: enum event_order */
    uint8_t size, offset;
    uint8_t value;       /* stored, added, sought: in each byte */
};

struct program {
    uint32_t goroutines;
    uint32_t counts[GOROUTINES];
    struct step steps[GOROUTINES][STEPS_MAX];
};

static struct program program;

/* ---- sets of 64-bit hashes ------------------------------------------------------------------- */

struct set {
    uint64_t hashes[HASHES_MAX]; /* 0: free */
    uint32_t count;
};

/* Whether it was new. */
static bool set_add(struct set *set, uint64_t hash)
{
    hash |= hash == 0;
    uint64_t at = hash % HASHES_MAX;
    for (; set->hashes[at] != 0; at = (at + 1) % HASHES_MAX)
        if (set->hashes[at] == hash)
            return false;
    assert_true(++set->count < HASHES_MAX / 2);
    set->hashes[at] = hash;
    return true;
}

static void set_clear(struct set *set)
{
    memset(set, 0, sizeof *set);
}

static bool set_within(const struct set *a, const struct set *b)
{
    for (uint32_t i = 0; i < HASHES_MAX; i++) {
        if (a->hashes[i] == 0)
            continue;
        uint64_t at = a->hashes[i] % HASHES_MAX;
        while (b->hashes[at] != 0 && b->hashes[at] != a->hashes[i])
            at = (at + 1) % HASHES_MAX;
        if (b->hashes[at] == 0)
            return false;
    }
    return true;
}

/* ---- the plain machine ----------------------------------------------------------------------- */

struct entry {
    uint8_t offset, size, value, serial;
    uint8_t after; /* entries with a smaller serial number go first */
};

struct machine {
    uint8_t memory[CELLS];
    uint64_t registers[GOROUTINES][STEPS_MAX];
    uint8_t at[GOROUTINES];
    uint8_t owner; /* of the lock, from 1 */
    uint8_t buffered[GOROUTINES], serials[GOROUTINES], barrier[GOROUTINES];
    struct entry buffer[GOROUTINES][STEPS_MAX];
};

static enum memory_model machine_model;
static struct set machine_seen, machine_finals;

static bool meets(const struct entry *entry, uint32_t offset, uint32_t size)
{
    return entry->offset < offset + size && offset < (uint32_t)entry->offset + entry->size;
}

static uint64_t bytes_of(const uint8_t *memory, const struct step *step)
{
    uint64_t value = 0;
    memcpy(&value, memory + step->offset, step->size);
    return value;
}

/* Whether the load can execute, and what it reads. */
static bool machine_load(const struct machine *machine, uint32_t g, const struct step *step,
                         uint64_t *ret_value)
{
    for (uint32_t i = machine->buffered[g]; i-- > 0;) {
        const struct entry *entry = &machine->buffer[g][i];
        if (!meets(entry, step->offset, step->size))
            continue;
        uint8_t own[CELLS];
        memset(own, entry->value, sizeof own);
        *ret_value = bytes_of(own, step);
        return entry->offset <= step->offset
               && step->offset + step->size <= entry->offset + entry->size;
    }
    *ret_value = bytes_of(machine->memory, step);
    return true;
}

static uint64_t repeated(uint8_t value, uint32_t size)
{
    uint64_t all = value * UINT64_C(0x0101010101010101);
    return size == 8 ? all : all & ((UINT64_C(1) << 8 * size) - 1);
}

static void machine_swap(struct machine *machine, uint32_t g, const struct step *step)
{
    uint64_t old = bytes_of(machine->memory, step);
    uint64_t value = repeated(step->value, step->size);
    machine->registers[g][machine->at[g]] = old;
    uint64_t new = step->kind == STEP_ADD ? old + value
                   : step->kind == STEP_STORE ? value
                   : old == value ? ~value : old;
    if (step->kind == STEP_STORE)
        machine->registers[g][machine->at[g]] = 0;
    memcpy(machine->memory + step->offset, &new, step->size);
}

/* Executes goroutine g's next step; false if it cannot. */
static bool machine_step(struct machine *machine, uint32_t g)
{
    const struct step *step = &program.steps[g][machine->at[g]];
    bool empty = machine->buffered[g] == 0;
    uint64_t value;
    switch (step->kind) {
    case STEP_LOAD:
        if (!machine_load(machine, g, step, &value))
            return false;
        machine->registers[g][machine->at[g]] = value;
        break;
    case STEP_STORE:
        if (machine_model != MEMORY_SC && step->order != EVENT_SEQ_CST) {
            struct entry *entry = &machine->buffer[g][machine->buffered[g]++];
            entry->offset = step->offset;
            entry->size = step->size;
            entry->value = step->value;
            entry->serial = machine->serials[g]++;
            entry->after =
                step->order == EVENT_RELEASE ? entry->serial : machine->barrier[g];
            break;
        }
        __attribute__((fallthrough));
    case STEP_ADD:
    case STEP_CAS:
        if (!empty)
            return false;
        machine_swap(machine, g, step);
        break;
    case STEP_FENCE:
        if (step->order == EVENT_SEQ_CST && !empty)
            return false;
        if (step->order == EVENT_RELEASE || step->order == EVENT_ACQ_REL)
            machine->barrier[g] = machine->serials[g];
        break;
    case STEP_LOCK:
        if (!empty || machine->owner != 0)
            return false;
        machine->owner = (uint8_t)(g + 1);
        break;
    default:
        if (!empty)
            return false;
        machine->owner = 0;
    }
    machine->at[g]++;
    return true;
}

static bool entry_drains(const struct machine *machine, uint32_t g, uint32_t number)
{
    const struct entry *entry = &machine->buffer[g][number];
    for (uint32_t i = 0; i < number; i++)
        if (machine_model == MEMORY_TSO || machine->buffer[g][i].serial < entry->after
            || meets(&machine->buffer[g][i], entry->offset, entry->size))
            return false;
    return true;
}

static void machine_drain(struct machine *machine, uint32_t g, uint32_t number)
{
    struct entry *entry = &machine->buffer[g][number];
    memset(machine->memory + entry->offset, entry->value, entry->size);
    machine->buffered[g]--;
    memmove(entry, entry + 1, (machine->buffered[g] - number) * sizeof *entry);
    memset(&machine->buffer[g][machine->buffered[g]], 0, sizeof *entry);
}

static uint64_t final_hash(const uint8_t *memory, const uint64_t (*registers)[STEPS_MAX])
{
    return XXH3_64bits_withSeed(registers, sizeof(uint64_t) * GOROUTINES * STEPS_MAX,
                                XXH3_64bits(memory, CELLS));
}

static void machine_visit(const struct machine *machine)
{
    if (!set_add(&machine_seen, XXH3_64bits(machine, sizeof *machine)))
        return;
    bool over = true;
    for (uint32_t g = 0; g < program.goroutines; g++) {
        struct machine next = *machine;
        over &= machine->at[g] == program.counts[g] && machine->buffered[g] == 0;
        if (machine->at[g] < program.counts[g] && machine_step(&next, g))
            machine_visit(&next);
        for (uint32_t i = 0; i < machine->buffered[g]; i++) {
            next = *machine;
            if (!entry_drains(machine, g, i))
                continue;
            machine_drain(&next, g, i);
            machine_visit(&next);
        }
    }
    if (over)
        set_add(&machine_finals, final_hash(machine->memory, machine->registers));
}

#endif
