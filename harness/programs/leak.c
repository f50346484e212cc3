/* leak.c: who comes second drops the first one's block. Shows: leak. */
#include <pthread.h>
#include <stdlib.h>

static void *volatile block;

static void *put(void *argument)
{
    block = malloc(16);
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, put, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    free(block);
    return 0;
}
