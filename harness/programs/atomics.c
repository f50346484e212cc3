/* atomics.c: C11 atomics of each size and kind, a lock made of them. Shows: nothing. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static atomic_flag flag = ATOMIC_FLAG_INIT;
static atomic_int lock;
static _Atomic uint8_t byte;
static _Atomic uint16_t half;
static _Atomic uint64_t word;
static _Atomic(void *) pointer;
static atomic_bool done;
static int plain;

static void *work(void *argument)
{
    while (lock != 0 || atomic_exchange_explicit(&lock, 1, memory_order_acquire) != 0)
        sched_yield();
    plain++;
    atomic_store_explicit(&lock, 0, memory_order_release);
    atomic_fetch_add(&byte, 200);
    atomic_fetch_or_explicit(&half, 0x0101, memory_order_relaxed);
    word ^= UINT64_C(1) << 40;
    void *expected = NULL;
    atomic_compare_exchange_strong(&pointer, &expected, argument);
    __sync_fetch_and_add(&plain, 0);
    atomic_thread_fence(memory_order_seq_cst);
    done = true;
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    int numbers[2];
    assert(!atomic_flag_test_and_set(&flag) && atomic_flag_test_and_set(&flag));
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, &numbers[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert(plain == 2 && byte == 144 && half == 0x0101 && word == 0 && done);
    assert(pointer == &numbers[0] || pointer == &numbers[1]);
    return 0;
}
