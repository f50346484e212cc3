/* thread_local_gone.c: a thread leaves the address of a thread-local behind, to one that was there
 * before it and may use it when it has ended. Shows: use-after-free. */
#include <pthread.h>

static int *volatile left;
static volatile int written;
static _Thread_local int local;

static void *use(void *argument)
{
    int *found = left;
    if (found != NULL)
        *found = 2;
    return argument;
}

static void *leave(void *argument)
{
    left = &local;
    written = 1;
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, use, NULL);
    pthread_create(&threads[1], NULL, leave, NULL);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    return 0;
}
