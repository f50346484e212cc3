/* stack_gone.c: a thread leaves the address of a local behind. Shows: use-after-free. */
#include <pthread.h>

static int *volatile left;

static void *leave(void *argument)
{
    volatile int local = 1;
    left = (int *)&local;
    left = argument; /* too late for who has it by now */
    return NULL;
}

static void *use(void *argument)
{
    int *found = left;
    if (found != NULL)
        *found = 2;
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, leave, NULL);
    pthread_create(&threads[1], NULL, use, NULL);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    return 0;
}
