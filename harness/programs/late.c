/* late.c: what fails only if main has not ended by then. Shows: assert. */
#include <assert.h>
#include <pthread.h>

static volatile int ready;

static void *fail(void *argument)
{
    assert(!ready);
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, fail, NULL);
    ready = 1;
    return 0;
}
