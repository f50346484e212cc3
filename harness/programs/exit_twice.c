/* exit_twice.c: two threads end the program; whoever comes first calls what is to be called at
 * exit. Shows: assert. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

static volatile int ready;

static void at_exit(void)
{
    assert(ready);
}

static void *end(void *argument)
{
    (void)argument;
    exit(0);
}

int main(void)
{
    pthread_t thread;
    atexit(at_exit);
    pthread_create(&thread, NULL, end, NULL);
    ready = 1;
    exit(0);
}
