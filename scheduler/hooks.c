/* hooks.c: what -fsanitize=thread makes subjects call before each plain access (the interface of
 * gcc's and clang's ThreadSanitizer, whose own library is not linked). The hook announces the
 * access; the access itself follows when the hook returns. */
#include "announce.h"

/* How far behind a write's hook the hook of the same struct copy's read can stand, in bytes. */
#define COPY_PAIR_BYTES 40u

/* gcc announces a struct copy twice, write then read, before performing either. A read hook that
 * comes right behind a write hook of the same size, the write still undone, is the second half of
 * such a pair: the two become one copy event, executed without a choice in between. (A plain
 * store of the very value that was there, followed at once by a load of the same size, looks
 * alike and loses the choice between the two; nothing else is lost.) */
static bool hook_joins_copy(struct goroutine *self, uint64_t address, uint32_t size, uint64_t pc)
{
    struct event *write = self->uncommitted;
    if (write == NULL || write->kind != EVENT_WRITE || write->size != size || size <= 8
        || pc - write->pc > COPY_PAIR_BYTES
        || memory_value(write->address, size) != self->value_before)
        return false;
    write->kind = EVENT_COPY;
    write->source = address;
    if (memory_check(address, size, false, pc))
        write->value_read = memory_value(address, size);
    return true;
}

/* Outside RUN and FINAL nothing is recorded; the set-up's accesses are checked all the same. */
static void hook_unrecorded(uint64_t address, uint64_t size, bool writes, uint64_t pc)
{
    if (execution.phase == PHASE_SETUP)
        (void)memory_check(address, size, writes, pc);
}

ALWAYS_INLINE void hook_read(const volatile void *memory, uint32_t size, uint64_t pc)
{
    uint64_t address = (uint64_t)memory;
    if (__builtin_expect(!announce_records(), 0)) {
        hook_unrecorded(address, size, false, pc);
        return;
    }
    if (announce_is_private(address))
        return;
    if (size > 8 && hook_joins_copy(scheduler.running, address, size, pc))
        return;
    struct event *event = announce(EVENT_READ, EVENT_PLAIN, address, size, pc);
    (void)memory_check(address, size, false, pc);
    event->value_read = memory_value(address, size);
}

ALWAYS_INLINE void hook_write(const volatile void *memory, uint32_t size, uint64_t pc)
{
    uint64_t address = (uint64_t)memory;
    if (__builtin_expect(!announce_records(), 0)) {
        hook_unrecorded(address, size, true, pc);
        return;
    }
    if (announce_is_private(address))
        return;
    struct event *event = announce(EVENT_WRITE, EVENT_PLAIN, address, size, pc);
    (void)memory_check(address, size, true, pc);
    struct goroutine *self = scheduler.running;
    self->uncommitted = event;
    if (size > 8)
        self->value_before = memory_value(address, size);
}

#define HOOKS(size)                                                                                \
    void __tsan_read##size(void *address);                                                         \
    void __tsan_read##size(void *address) { hook_read(address, size, HOOK_PC); }                   \
    void __tsan_write##size(void *address);                                                        \
    void __tsan_write##size(void *address) { hook_write(address, size, HOOK_PC); }                 \
    void __tsan_unaligned_read##size(void *address);                                               \
    void __tsan_unaligned_read##size(void *address) { hook_read(address, size, HOOK_PC); }         \
    void __tsan_unaligned_write##size(void *address);                                              \
    void __tsan_unaligned_write##size(void *address) { hook_write(address, size, HOOK_PC); }       \
    void __tsan_volatile_read##size(void *address);                                                \
    void __tsan_volatile_read##size(void *address) { hook_read(address, size, HOOK_PC); }          \
    void __tsan_volatile_write##size(void *address);                                               \
    void __tsan_volatile_write##size(void *address) { hook_write(address, size, HOOK_PC); }        \
    void __tsan_unaligned_volatile_read##size(void *address);                                      \
    void __tsan_unaligned_volatile_read##size(void *address) { hook_read(address, size, HOOK_PC); } \
    void __tsan_unaligned_volatile_write##size(void *address);                                     \
    void __tsan_unaligned_volatile_write##size(void *address) { hook_write(address, size, HOOK_PC); } \
    /* clang's form of x op= y: the read, then the write of the same place */                      \
    void __tsan_read_write##size(void *address);                                                   \
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
