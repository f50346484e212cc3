/* reset.c: each execution begins as a process does: data that the program or libc has written,
 * random numbers, functions to be called at exit. Shows: nothing. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int runs = 7;
static char text[64];
static char large[100000];
static int drawn[2];

static void at_exit(void)
{
    assert(runs == 8);
}

static void *draw(void *argument)
{
    *(int *)argument = rand();
    return NULL;
}

int main(void)
{
    static int calls;
    assert(runs++ == 7 && calls++ == 0);
    assert(strlen(text) == 0 && large[99999] == 0);
    snprintf(text, sizeof text, "%d", runs); /* no event */
    memset(large, 1, sizeof large);
    assert(atexit(at_exit) == 0);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, draw, &drawn[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert(drawn[0] + (long)drawn[1] == 1804289383L + 846930886L); /* glibc's first two */
    return 0;
}
