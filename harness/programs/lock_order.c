/* lock_order.c: two mutexes, taken in different orders. Shows: deadlock. */
#include <pthread.h>

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;

static void both(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
    pthread_mutex_lock(outer);
    pthread_mutex_lock(inner);
    pthread_mutex_unlock(inner);
    pthread_mutex_unlock(outer);
}

static void *other_way(void *argument)
{
    both(&second, &first);
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, other_way, NULL);
    both(&first, &second);
    pthread_join(thread, NULL);
    return 0;
}
