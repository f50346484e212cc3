/* thread_local.c: a thread pointer for each goroutine of a whole program. See thread_local.h. */
#define _GNU_SOURCE
#include "thread_local.h"

#include <asm/hwcap2.h>
#include <asm/prctl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "scheduler.h"

#define THREAD_LOCAL_BASE UINT64_C(0x380000000000)
#define THREAD_LOCAL_STACK_BYTES (UINT64_C(64) << 10) /* for the thread's few steps */
#define THREAD_LOCAL_PAGE 4096u

uint64_t thread_local_pointers[GOROUTINES_MAX];
bool thread_local_has_instruction;

/* The thread-locals that the program itself defines. */
static struct {
    bool opened;
    uint64_t main_pointer; /* fs of the thread that runs the engine */
    uint64_t below;        /* how far below the thread pointer they begin */
    uint64_t bytes;
    const void *image; /* their initial values: of the first image_bytes; then come zeros */
    uint64_t image_bytes;
    uint64_t stride; /* from one goroutine's sleeping thread to the next one's */
} locals;

static uint64_t own_pointer(void)
{
    return (uint64_t)pthread_self(); /* the same on x86-64 */
}

/* Called for the program itself first. */
static int note_program(struct dl_phdr_info *info, size_t size, void *argument)
{
    (void)size;
    (void)argument;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_TLS || info->dlpi_tls_data == NULL)
            continue;
        locals.below = locals.main_pointer - (uint64_t)info->dlpi_tls_data;
        locals.bytes = header->p_memsz;
        locals.image = (const void *)(info->dlpi_addr + header->p_vaddr);
        locals.image_bytes = header->p_filesz;
    }
    return 1;
}

void thread_local_open(void)
{
    if (locals.opened)
        return;
    locals.opened = true;
    thread_local_has_instruction = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
    locals.main_pointer = own_pointer();
    mallopt(M_ARENA_MAX, GOROUTINES_MAX); /* libc's own, one each */
    dl_iterate_phdr(note_program, NULL);
    locals.stride = (locals.bytes + 2 * THREAD_LOCAL_STACK_BYTES) & ~(THREAD_LOCAL_STACK_BYTES - 1);
    uint64_t bytes = GOROUTINES_MAX * locals.stride;
    void *base = mmap((void *)THREAD_LOCAL_BASE, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (base != (void *)THREAD_LOCAL_BASE)
        check_limit("cannot map thread-locals at 0x%llx; is the address space limited (ulimit -v)?",
                    (unsigned long long)THREAD_LOCAL_BASE);
}

void thread_local_switch(uint64_t pointer)
{
    syscall(SYS_arch_prctl, ARCH_SET_FS, pointer);
}

void thread_local_leave(void)
{
    if (thread_local_has_instruction)
        __asm__ volatile("wrfsbase %0" : : "r"(locals.main_pointer) : "memory");
    else
        thread_local_switch(locals.main_pointer);
}

static void *sleep_for_ever(void *argument)
{
    __atomic_store_n((uint32_t *)argument, 1, __ATOMIC_RELEASE);
    for (;;)
        pause();
    return NULL;
}

/* Starts the thread whose stack is number `id`'s; it is asleep, or about to be, afterwards. It
 * takes no signals: those are for the thread that runs the engine. */
static void start_sleeper(uint32_t id)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    uint32_t started = 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, (void *)(THREAD_LOCAL_BASE + id * locals.stride),
                          locals.stride);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, &attributes, sleep_for_ever, &started);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed != 0)
        check_limit("thread %u: no thread could be made for its thread-locals: %s", id,
                    strerror(failed));
    while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) == 0)
        sched_yield();
    thread_local_pointers[id] = (uint64_t)thread;
}

void thread_local_prepare(uint32_t id)
{
    if (thread_local_pointers[id] == 0) {
        thread_local_leave(); /* libc is to see a real thread */
        start_sleeper(id);
        if (scheduler.running != NULL)
            thread_local_enter(scheduler.running->id);
    }
    if (locals.bytes == 0)
        return;
    char *block = (char *)(thread_local_pointers[id] - locals.below);
    memcpy(block, locals.image, locals.image_bytes);
    memset(block + locals.image_bytes, 0, locals.bytes - locals.image_bytes);
}

/* The sleeping thread has its stack's other end. */
void *thread_local_word(uint32_t id)
{
    return (void *)(THREAD_LOCAL_BASE + id * locals.stride);
}

int32_t thread_local_of_address(uint64_t address, uint64_t bytes)
{
    uint64_t offset = address - THREAD_LOCAL_BASE;
    if (!locals.opened || offset >= GOROUTINES_MAX * locals.stride
        || offset % locals.stride + bytes > locals.stride)
        return -1;
    uint64_t id = offset / locals.stride;
    return thread_local_pointers[id] != 0 ? (int32_t)id : -1;
}

int64_t thread_local_offset(uint32_t id, uint64_t address)
{
    return (int64_t)(thread_local_pointers[id] - address);
}

const void *thread_local_block(uint32_t id, uint64_t *ret_bytes)
{
    *ret_bytes = locals.bytes;
    return (const void *)(thread_local_pointers[id] - locals.below);
}
