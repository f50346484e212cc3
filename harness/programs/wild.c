/* wild.c: a pointer is used before it is set. Shows: wild-access. */
#include <pthread.h>

static int *volatile pointer;
static int number;

static void *use(void *argument)
{
    *pointer = 1;
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, use, NULL);
    pointer = &number;
    pthread_join(thread, NULL);
    return 0;
}
