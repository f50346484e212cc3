/* thread_local.c: each thread has its own, and its own errno; what one leads to others may touch.
 * Shows: nothing. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static _Thread_local int number = 5;
static _Thread_local char zeros[100];
static _Atomic(int *) shared;

static void *work(void *argument)
{
    assert(number == 5 && zeros[50] == 0);
    number++;
    memset(zeros, 1, sizeof zeros);
    if (shared != NULL)
        assert(*shared == 1 && shared != &number);
    errno = ERANGE;
    assert(open("/nowhere/at/all", O_RDONLY) < 0);
    assert(errno == ENOENT && number == 6);
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    number = 1;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    shared = &number;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert(number == 1 && zeros[50] == 0);
    return 0;
}
