/* posix_memory.c: malloc and its like, from the arena: every block is known, so that use after
 * free, overflows and leaks are seen. Blocks are zeroed, and freed memory is not handed out again.
 * What libc has allocated by itself (getline) is freed by libc. What the program has allocated
 * before its main (in constructors) is libc's, too, but each execution finds it there: to free it
 * is an event, and nothing more. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "heap_layout.h"
#include "hooks_memory.h"
#include "image.h"
#include "posix.h"
#include "posix_memory.h"
#include "thread_local.h"

#define POSIX_BLOCK_BYTES_MAX (UINT64_C(1) << 30)

/* NULL, and errno says why, where it is more than a block may have. */
static void *memory_allocate(size_t bytes, size_t alignment, struct caller caller)
{
    if (bytes <= POSIX_BLOCK_BYTES_MAX && alignment <= HEAP_GOROUTINE_BYTES)
        return calls_allocate(bytes, alignment, NULL, caller);
    errno = ENOMEM;
    return NULL;
}

/* ---- blocks from before main ----------------------------------------------------------------- */

/* What each execution begins with. */
static struct early_block {
    void *memory;
    void *copy; /* of its bytes, as main found them */
    size_t bytes;
    uint64_t freed_in; /* the number of the execution in which it was freed last */
} *early_blocks;
static uint32_t early_count, early_capacity;
static bool main_has_begun;
static pthread_mutex_t early_mutex = PTHREAD_MUTEX_INITIALIZER; /* constructors may have threads */

static struct early_block *early_find(const void *memory)
{
    for (uint32_t i = 0; i < early_count; i++)
        if (early_blocks[i].memory == memory)
            return &early_blocks[i];
    return NULL;
}

/* Notes a block that libc has allocated for the program. Returns it. */
static void *early_note(void *memory)
{
    if (memory == NULL || main_has_begun)
        return memory;
    pthread_mutex_lock(&early_mutex);
    if (early_count == early_capacity) {
        early_capacity = early_capacity < 64 ? 64 : 2 * early_capacity;
        early_blocks = reallocarray(early_blocks, early_capacity, sizeof *early_blocks);
        if (early_blocks == NULL)
            check_limit("no memory for a list of %u blocks", early_capacity);
    }
    early_blocks[early_count++] = (struct early_block){ .memory = memory };
    pthread_mutex_unlock(&early_mutex);
    return memory;
}

/* A block that libc is about to free outside executions. */
static void early_forget(const void *memory)
{
    if (main_has_begun)
        return;
    pthread_mutex_lock(&early_mutex);
    struct early_block *block = early_find(memory);
    if (block != NULL)
        *block = early_blocks[--early_count];
    pthread_mutex_unlock(&early_mutex);
}

void posix_memory_begin_main(bool executes)
{
    main_has_begun = true;
    for (uint32_t i = 0; executes && i < early_count; i++) {
        struct early_block *block = &early_blocks[i];
        block->bytes = malloc_usable_size(block->memory);
        image_add_foreign((uint64_t)block->memory, block->bytes);
        block->copy = malloc(block->bytes);
        if (block->copy == NULL)
            check_limit("no memory for a copy of what was allocated before main");
        memcpy(block->copy, block->memory, block->bytes);
    }
}

void posix_memory_restore(void)
{
    for (uint32_t i = 0; i < early_count; i++)
        memcpy(early_blocks[i].memory, early_blocks[i].copy, early_blocks[i].bytes);
}

/* An execution frees it. What lies there may be anything: the event has no values. */
static void early_free(struct early_block *block, struct caller caller)
{
    announce_from(EVENT_WRITE, EVENT_SEQ_CST, (uint64_t)block->memory, 1, caller)->source = 0;
    if (block->freed_in == execution.number)
        scheduler_end(TREADLE_DOUBLE_FREE, "free of freed memory", execution.trace_count - 1);
    block->freed_in = execution.number;
}

/* ---- freeing --------------------------------------------------------------------------------- */

static bool is_foreign(uint64_t address)
{
    return image_is_mapped(address, 1) && thread_local_of_address(address, 1) < 0;
}

static void memory_free(void *memory, struct caller caller)
{
    struct early_block *early = is_foreign((uint64_t)memory) ? early_find(memory) : NULL;
    if (early != NULL)
        early_free(early, caller);
    else if (is_foreign((uint64_t)memory))
        free(memory);
    else
        calls_free(memory, caller);
}

/* ---- what programs call ---------------------------------------------------------------------- */

POSIX_WRAPS(void *, malloc, size_t bytes)
{
    return posix_runs() ? memory_allocate(bytes, HEAP_GRANULE_BYTES, HOOK_CALLER)
                        : early_note(malloc(bytes));
}

POSIX_WRAPS(void, free, void *memory)
{
    if (!posix_runs()) {
        early_forget(memory);
        free(memory);
    } else if (memory != NULL) {
        memory_free(memory, HOOK_CALLER);
    }
}

POSIX_WRAPS(void *, calloc, size_t count, size_t bytes)
{
    if (!posix_runs())
        return early_note(calloc(count, bytes));
    size_t product;
    if (__builtin_mul_overflow(count, bytes, &product))
        product = SIZE_MAX;
    return memory_allocate(product, HEAP_GRANULE_BYTES, HOOK_CALLER);
}

/* Always moves: so a pointer that was kept is seen. */
static void *memory_reallocate(void *memory, size_t bytes, struct caller caller)
{
    if (memory == NULL)
        return memory_allocate(bytes, HEAP_GRANULE_BYTES, caller);
    bool early = early_find(memory) != NULL;
    if (is_foreign((uint64_t)memory) && !early)
        return realloc(memory, bytes);
    if (bytes == 0) {
        memory_free(memory, caller);
        return NULL;
    }
    const struct heap_block *block = heap_block_starting((uint64_t)memory);
    size_t held = early ? malloc_usable_size(memory) : block != NULL ? block->bytes : 0;
    size_t kept = held < bytes ? held : bytes;
    void *moved = memory_allocate(bytes, HEAP_GRANULE_BYTES, caller);
    if (moved == NULL)
        return NULL;
    hooks_copy(moved, memory, kept, caller);
    memory_free(memory, caller); /* also what is no block: to its verdict */
    return moved;
}

POSIX_WRAPS(void *, realloc, void *memory, size_t bytes)
{
    if (posix_runs())
        return memory_reallocate(memory, bytes, HOOK_CALLER);
    early_forget(memory);
    return early_note(realloc(memory, bytes));
}

POSIX_WRAPS(void *, reallocarray, void *memory, size_t count, size_t bytes)
{
    if (!posix_runs()) {
        early_forget(memory);
        return early_note(reallocarray(memory, count, bytes));
    }
    size_t product;
    if (__builtin_mul_overflow(count, bytes, &product))
        product = SIZE_MAX;
    return memory_reallocate(memory, product, HOOK_CALLER);
}

static bool is_power_of_two(size_t number)
{
    return number > 0 && (number & (number - 1)) == 0;
}

POSIX_WRAPS(void *, aligned_alloc, size_t alignment, size_t bytes)
{
    if (!posix_runs())
        return early_note(aligned_alloc(alignment, bytes));
    if (is_power_of_two(alignment))
        return memory_allocate(bytes, alignment, HOOK_CALLER);
    errno = EINVAL;
    return NULL;
}

POSIX_WRAPS(void *, memalign, size_t alignment, size_t bytes)
{
    if (!posix_runs())
        return early_note(memalign(alignment, bytes));
    if (is_power_of_two(alignment))
        return memory_allocate(bytes, alignment, HOOK_CALLER);
    errno = EINVAL;
    return NULL;
}

POSIX_WRAPS(int, posix_memalign, void **ret_memory, size_t alignment, size_t bytes)
{
    if (!posix_runs()) {
        int failed = posix_memalign(ret_memory, alignment, bytes);
        early_note(failed == 0 ? *ret_memory : NULL);
        return failed;
    }
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    int before = errno;
    void *memory = memory_allocate(bytes, alignment, HOOK_CALLER);
    errno = before;
    if (memory == NULL)
        return ENOMEM;
    struct event *event = posix_write(ret_memory, sizeof *ret_memory, HOOK_CALLER);
    *ret_memory = memory;
    posix_wrote(event);
    return 0;
}

POSIX_WRAPS(size_t, malloc_usable_size, void *memory)
{
    const struct heap_block *block = posix_runs() ? heap_block_starting((uint64_t)memory) : NULL;
    return block != NULL ? block->bytes : malloc_usable_size(memory);
}

static char *memory_duplicate(const char *text, size_t bytes, struct caller caller)
{
    char *copy = memory_allocate(bytes + 1, HEAP_GRANULE_BYTES, caller); /* the last byte is 0 */
    if (copy != NULL)
        hooks_copy(copy, text, bytes, caller);
    return copy;
}

POSIX_WRAPS(char *, strdup, const char *text)
{
    return posix_runs() ? memory_duplicate(text, strlen(text), HOOK_CALLER)
                        : early_note(strdup(text));
}

POSIX_WRAPS(char *, strndup, const char *text, size_t bytes)
{
    return posix_runs() ? memory_duplicate(text, strnlen(text, bytes), HOOK_CALLER)
                        : early_note(strndup(text, bytes));
}
