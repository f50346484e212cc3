/* together.c: barriers, also destroyed and freed by who leaves first; semaphores; pthread_once.
 * Shows: nothing. */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static pthread_barrier_t *barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t semaphore;
static int begun, inside, arrived[2];

static void begin(void)
{
    begun++;
}

static void *work(void *argument)
{
    int self = *(int *)argument;
    pthread_once(&once, begin);
    assert(begun == 1);
    sem_wait(&semaphore);
    assert(inside++ == 0);
    inside--;
    sem_post(&semaphore);
    arrived[self] = 1;
    if (pthread_barrier_wait(barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
        pthread_barrier_destroy(barrier);
        free(barrier);
    }
    assert(arrived[1 - self]);
    return NULL;
}

int main(void)
{
    int numbers[2] = { 0, 1 };
    pthread_t threads[2];
    barrier = malloc(sizeof *barrier);
    pthread_barrier_init(barrier, NULL, 2);
    sem_init(&semaphore, 0, 1);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, &numbers[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    sem_destroy(&semaphore);
    return 0;
}
