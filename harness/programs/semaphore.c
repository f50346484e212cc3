/* semaphore.c: a semaphore of 2 keeps nobody out. Shows: assert. */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>

static sem_t semaphore;
static int inside;

static void *work(void *argument)
{
    sem_wait(&semaphore);
    assert(inside++ == 0);
    inside--;
    sem_post(&semaphore);
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    sem_init(&semaphore, 0, 2);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
