/* posix_memory.c: malloc and its like, from the arena: every block is known, so that use after
 * free, overflows and leaks are seen. Blocks are zeroed, and freed memory is not handed out again.
 * What libc has allocated by itself (getline) is freed by libc. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "heap_layout.h"
#include "hooks_memory.h"
#include "image.h"
#include "posix.h"
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

static bool is_foreign(uint64_t address)
{
    return image_is_mapped(address, 1) && thread_local_of_address(address, 1) < 0;
}

static void memory_free(void *memory, struct caller caller)
{
    if (is_foreign((uint64_t)memory))
        free(memory);
    else
        calls_free(memory, caller);
}

POSIX_WRAPS(void *, malloc, size_t bytes)
{
    return posix_runs() ? memory_allocate(bytes, HEAP_GRANULE_BYTES, HOOK_CALLER) : malloc(bytes);
}

POSIX_WRAPS(void, free, void *memory)
{
    if (!posix_runs())
        free(memory);
    else if (memory != NULL)
        memory_free(memory, HOOK_CALLER);
}

POSIX_WRAPS(void *, calloc, size_t count, size_t bytes)
{
    if (!posix_runs())
        return calloc(count, bytes);
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
    if (is_foreign((uint64_t)memory))
        return realloc(memory, bytes);
    if (bytes == 0) {
        memory_free(memory, caller);
        return NULL;
    }
    const struct heap_block *block = heap_block_starting((uint64_t)memory);
    size_t kept = block == NULL ? 0 : block->bytes < bytes ? block->bytes : bytes;
    void *moved = memory_allocate(bytes, HEAP_GRANULE_BYTES, caller);
    if (moved == NULL)
        return NULL;
    hooks_copy(moved, memory, kept, caller);
    memory_free(memory, caller); /* also what is no block: to its verdict */
    return moved;
}

POSIX_WRAPS(void *, realloc, void *memory, size_t bytes)
{
    return posix_runs() ? memory_reallocate(memory, bytes, HOOK_CALLER) : realloc(memory, bytes);
}

POSIX_WRAPS(void *, reallocarray, void *memory, size_t count, size_t bytes)
{
    if (!posix_runs())
        return reallocarray(memory, count, bytes);
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
        return aligned_alloc(alignment, bytes);
    if (is_power_of_two(alignment))
        return memory_allocate(bytes, alignment, HOOK_CALLER);
    errno = EINVAL;
    return NULL;
}

POSIX_WRAPS(void *, memalign, size_t alignment, size_t bytes)
{
    if (!posix_runs())
        return memalign(alignment, bytes);
    if (is_power_of_two(alignment))
        return memory_allocate(bytes, alignment, HOOK_CALLER);
    errno = EINVAL;
    return NULL;
}

POSIX_WRAPS(int, posix_memalign, void **ret_memory, size_t alignment, size_t bytes)
{
    if (!posix_runs())
        return posix_memalign(ret_memory, alignment, bytes);
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
    return posix_runs() ? memory_duplicate(text, strlen(text), HOOK_CALLER) : strdup(text);
}

POSIX_WRAPS(char *, strndup, const char *text, size_t bytes)
{
    return posix_runs() ? memory_duplicate(text, strnlen(text, bytes), HOOK_CALLER)
                        : strndup(text, bytes);
}
