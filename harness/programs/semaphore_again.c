/* semaphore_again.c: a semaphore lies where a former one lay, whose tokens were all taken; either
 * thread may be the last to have written, the second time, too. Shows: assert. */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>

static volatile int last;

static void *take(void *semaphore)
{
    last = 1;
    sem_wait(semaphore);
    return NULL;
}

static void *pass(void *argument)
{
    last = 2;
    return argument;
}

static __attribute__((noinline)) int run(void)
{
    sem_t semaphore;
    pthread_t taker, passer;
    sem_init(&semaphore, 0, 1);
    pthread_create(&taker, NULL, take, &semaphore);
    pthread_create(&passer, NULL, pass, NULL);
    pthread_join(taker, NULL);
    pthread_join(passer, NULL);
    return last;
}

int main(void)
{
    run();
    assert(run() == 2);
    return 0;
}
