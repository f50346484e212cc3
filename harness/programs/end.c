/* end.c: main returns, and another thread, which would run for ever, ends with it.
 * Shows: nothing. */
#include <pthread.h>
#include <unistd.h>

static void *run_on(void *argument)
{
    for (;;)
        usleep(1000);
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, run_on, NULL);
    return 0;
}
