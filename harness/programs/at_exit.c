/* at_exit.c: a thread adds what is to be called at exit, which may come too late. Shows: assert. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

static volatile int done;

static void at_exit(void)
{
    assert(!done);
}

static void *add(void *argument)
{
    atexit(at_exit);
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, add, NULL);
    done = 1;
    return 0;
}
