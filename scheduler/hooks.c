/* hooks.c: what -fsanitize=thread makes subjects call before each plain access (the interface of
 * gcc's and clang's ThreadSanitizer, whose own library is not linked). The hook announces the
 * access; the access itself follows when the hook returns. */
#include "announce.h"

/* How far behind a write's hook the hook of the same struct copy's read can stand, in bytes. */
#define COPY_PAIR_BYTES 40u

/* Where the operand of an instruction ends whose ModRM byte is at. */
static const uint8_t *code_skip_operand(const uint8_t *at)
{
    uint8_t mode = *at >> 6, base = *at & 7;
    at++;
    if (mode != 3 && base == 4)
        base = *at++ & 7; /* SIB */
    if (mode == 1)
        return at + 1;
    return mode == 2 || (mode == 0 && base == 5) ? at + 4 : at;
}

/* Whether the instructions in [at, end) are of those few that load arguments, and store nothing. */
static bool code_stores_nothing(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        bool wide = (*at & 0xf8) == 0x48;
        at += (*at & 0xf0) == 0x40; /* REX */
        uint8_t opcode = *at++;
        bool to_register = *at >> 6 == 3;
        if (opcode == 0x8b || opcode == 0x8d || opcode == 0x63) /* mov, lea, movsx */
            at = code_skip_operand(at);
        else if (opcode >= 0xb8 && opcode <= 0xbf) /* mov of a constant */
            at += wide ? 8 : 4;
        else if ((opcode == 0x89 || opcode == 0x01 || opcode == 0x31) && to_register)
            at++;
        else if (opcode == 0x83 && to_register)
            at += 2;
        else if ((opcode == 0x81 || opcode == 0xc7) && to_register)
            at += 5;
        else
            return false;
    }
    return at == end;
}

#define CALL_BYTES 5 /* of the call of a hook */

/* gcc announces a struct copy twice, write then read, before performing either. A read hook that
 * comes behind a write hook of the same size, with nothing stored in between, is the second half of
 * such a pair: the two become one copy event, executed without a choice in between. */
static bool hook_joins_copy(struct goroutine *self, uint64_t address, uint32_t size, uint64_t pc)
{
    struct event *write = self->uncommitted;
    if (write == NULL || write->kind != EVENT_WRITE || write->size != size
        || pc - write->pc > COPY_PAIR_BYTES || pc - write->pc < CALL_BYTES
        || !code_stores_nothing((const uint8_t *)write->pc, (const uint8_t *)pc - CALL_BYTES))
        return false;
    write->kind = EVENT_COPY;
    if (scheduler.memory != MEMORY_SC)
        write->order |= EVENT_HALVES;
    write->source = address;
    memory_check(address, size, false);
    write->value_read = memory_value(address, size);
    return true;
}

/* Outside RUN and FINAL nothing is recorded; the set-up's accesses are checked all the same. */
static void hook_unrecorded(uint64_t address, uint64_t size, bool writes)
{
    if (execution.phase == PHASE_SETUP)
        memory_check(address, size, writes);
}

ALWAYS_INLINE void hook_read(const volatile void *memory, uint32_t size, uint64_t pc)
{
    uint64_t address = (uint64_t)memory;
    if (__builtin_expect(!announce_records(), 0)) {
        hook_unrecorded(address, size, false);
        return;
    }
    if (announce_is_private(address))
        return;
    const struct event *uncommitted = scheduler.running->uncommitted;
    if (__builtin_expect(uncommitted != NULL && uncommitted->size == size, 0)
        && hook_joins_copy(scheduler.running, address, size, pc))
        return;
    struct event *event = announce(EVENT_READ, EVENT_PLAIN, address, size, pc);
    memory_check(address, size, false);
    event->value_read = memory_value(address, size);
}

ALWAYS_INLINE void hook_write(const volatile void *memory, uint32_t size, uint64_t pc)
{
    uint64_t address = (uint64_t)memory;
    if (__builtin_expect(!announce_records(), 0)) {
        hook_unrecorded(address, size, true);
        return;
    }
    if (announce_is_private(address))
        return;
    struct event *event = announce(EVENT_WRITE, EVENT_PLAIN, address, size, pc);
    memory_check(address, size, true);
    if (size <= 8)
        event->source = memory_value(address, size);
    scheduler.running->uncommitted = event;
    announce_store(event);
}

#define HOOKS(size)                                                                                \
    HOOK void __tsan_read##size(void *address);                                                    \
    void __tsan_read##size(void *address) { hook_read(address, size, HOOK_PC); }                   \
    HOOK void __tsan_write##size(void *address);                                                   \
    void __tsan_write##size(void *address) { hook_write(address, size, HOOK_PC); }                 \
    HOOK void __tsan_unaligned_read##size(void *address);                                          \
    void __tsan_unaligned_read##size(void *address) { hook_read(address, size, HOOK_PC); }         \
    HOOK void __tsan_unaligned_write##size(void *address);                                         \
    void __tsan_unaligned_write##size(void *address) { hook_write(address, size, HOOK_PC); }       \
    HOOK void __tsan_volatile_read##size(void *address);                                           \
    void __tsan_volatile_read##size(void *address) { hook_read(address, size, HOOK_PC); }          \
    HOOK void __tsan_volatile_write##size(void *address);                                          \
    void __tsan_volatile_write##size(void *address) { hook_write(address, size, HOOK_PC); }        \
    HOOK void __tsan_unaligned_volatile_read##size(void *address);                                 \
    void __tsan_unaligned_volatile_read##size(void *address) { hook_read(address, size, HOOK_PC); } \
    HOOK void __tsan_unaligned_volatile_write##size(void *address);                                \
    void __tsan_unaligned_volatile_write##size(void *address) { hook_write(address, size, HOOK_PC); } \
    /* clang's form of x op= y: the read, then the write of the same place */                      \
    HOOK void __tsan_read_write##size(void *address);                                              \
    void __tsan_read_write##size(void *address)                                                    \
    {                                                                                              \
        hook_read(address, size, HOOK_PC);                                                         \
        hook_write(address, size, HOOK_PC);                                                        \
    }

HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

/* One record describes at most this many bytes: more than any struct has. */
#define RANGE_BYTES_MAX (UINT64_C(1) << 31)

void __tsan_read_range(void *address, unsigned long bytes);
void __tsan_read_range(void *address, unsigned long bytes)
{
    CHECK(bytes, <=, RANGE_BYTES_MAX);
    if (bytes > 0)
        hook_read(address, (uint32_t)bytes, HOOK_PC);
}

void __tsan_write_range(void *address, unsigned long bytes);
void __tsan_write_range(void *address, unsigned long bytes)
{
    CHECK(bytes, <=, RANGE_BYTES_MAX);
    if (bytes > 0)
        hook_write(address, (uint32_t)bytes, HOOK_PC);
}

/* The rest of the interface has nothing to announce. */
void __tsan_init(void);
void __tsan_init(void) {}
void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc) { (void)pc; }
void __tsan_func_exit(void);
void __tsan_func_exit(void) {}
void __tsan_vptr_update(void **vptr, void *value);
void __tsan_vptr_update(void **vptr, void *value) { (void)vptr; (void)value; }
void __tsan_vptr_read(void **vptr);
void __tsan_vptr_read(void **vptr) { (void)vptr; }
