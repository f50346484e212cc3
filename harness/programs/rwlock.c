/* rwlock.c: readers together, a writer alone. Shows: nothing. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int first, second;

static void *read_both(void *argument)
{
    pthread_rwlock_rdlock(&lock);
    pthread_rwlock_rdlock(&lock); /* also while a writer waits */
    assert(first == second);
    assert(pthread_rwlock_trywrlock(&lock) == EBUSY);
    pthread_rwlock_unlock(&lock);
    pthread_rwlock_unlock(&lock);
    return argument;
}

static void *write_both(void *argument)
{
    pthread_rwlock_wrlock(&lock);
    first++;
    assert(pthread_rwlock_tryrdlock(&lock) == EBUSY);
    second++;
    pthread_rwlock_unlock(&lock);
    return argument;
}

int main(void)
{
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, read_both, NULL);
    pthread_create(&threads[1], NULL, write_both, NULL);
    pthread_create(&threads[2], NULL, read_both, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    pthread_rwlock_destroy(&lock);
    return 0;
}
