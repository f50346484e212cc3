/* abort.c: the program's own way to say that it is wrong. Shows: crash. */
#include <pthread.h>
#include <stdlib.h>

static volatile int flag;

static void *look(void *argument)
{
    if (flag == 1)
        abort();
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, look, NULL);
    flag = 1;
    flag = 2;
    pthread_join(thread, NULL);
    return 0;
}
