/* timed.c: waits that may time out do both: the assertion fails when this one does not.
 * Shows: assert. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static int result;

static void *wait(void *argument)
{
    struct timespec until = { .tv_sec = time(NULL) + 3600 };
    pthread_mutex_lock(&mutex);
    result = pthread_cond_timedwait(&condition, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    assert(result == 0 || result == ETIMEDOUT);
    int got = sem_timedwait(&semaphore, &until);
    assert(got == 0 || errno == ETIMEDOUT);
    return argument;
}

int main(void)
{
    pthread_t thread;
    sem_init(&semaphore, 0, 0);
    pthread_create(&thread, NULL, wait, NULL);
    sem_post(&semaphore);
    pthread_mutex_lock(&mutex);
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    assert(result == ETIMEDOUT);
    return 0;
}
