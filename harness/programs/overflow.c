/* overflow.c: the index is not looked at again after it has changed. Shows: out-of-bounds. */
#include <pthread.h>
#include <stdlib.h>

static volatile int count;
static char *items;

static void *add(void *argument)
{
    if (count < 4)
        items[count++] = 1;
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    items = malloc(4);
    count = 3;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, add, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    free(items);
    return 0;
}
