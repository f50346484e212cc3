/* constructor_twice.c: two threads may free what was allocated before main. Shows: double-free. */
#include <pthread.h>
#include <stdlib.h>

static char *volatile block;

static __attribute__((constructor)) void allocate(void)
{
    block = malloc(10);
}

static void *release(void *argument)
{
    char *found = block;
    if (found != NULL)
        free(found);
    block = NULL;
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, release, NULL);
    release(NULL);
    pthread_join(thread, NULL);
    return 0;
}
