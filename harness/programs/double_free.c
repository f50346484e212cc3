/* double_free.c: both take the block that either may take. Shows: double-free. */
#include <pthread.h>
#include <stdlib.h>

static void *volatile block;

static void *take(void *argument)
{
    void *taken = block;
    block = NULL;
    free(taken);
    return argument;
}

int main(void)
{
    pthread_t thread;
    block = malloc(16);
    pthread_create(&thread, NULL, take, NULL);
    take(NULL);
    pthread_join(thread, NULL);
    return 0;
}
