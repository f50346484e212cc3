/* destroyed.c: a mutex that may be destroyed before its last user comes. Shows: lock-misuse. */
#include <pthread.h>

static pthread_mutex_t mutex;

static void *use(void *argument)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_mutex_init(&mutex, NULL);
    pthread_create(&thread, NULL, use, NULL);
    pthread_mutex_destroy(&mutex);
    pthread_join(thread, NULL);
    return 0;
}
