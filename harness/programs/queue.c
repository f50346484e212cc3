/* queue.c: two producers and two consumers of a queue of one place, with condition variables.
 * Shows: nothing. */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static pthread_cond_t emptied = PTHREAD_COND_INITIALIZER;
static int item, sum;

static void *produce(void *argument)
{
    pthread_mutex_lock(&mutex);
    while (item != 0)
        pthread_cond_wait(&emptied, &mutex);
    item = *(int *)argument;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void *consume(void *argument)
{
    pthread_mutex_lock(&mutex);
    while (item == 0)
        pthread_cond_wait(&filled, &mutex);
    sum += item;
    item = 0;
    pthread_cond_broadcast(&emptied);
    pthread_mutex_unlock(&mutex);
    return argument;
}

int main(void)
{
    int items[2] = { 1, 2 };
    pthread_t threads[4];
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, produce, &items[i]);
        pthread_create(&threads[2 + i], NULL, consume, NULL);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert(sum == 3);
    return 0;
}
