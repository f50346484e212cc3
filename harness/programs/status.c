/* status.c: the process ends with a status that says so. Shows: assert. */
#include <pthread.h>
#include <stdlib.h>

static volatile int counter;

static void *count(void *argument)
{
    int before = counter;
    counter = before + 1;
    if (counter != before + 1)
        exit(3);
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, count, NULL);
    count(NULL);
    pthread_join(thread, NULL);
    return counter == 2 ? 0 : 2;
}
