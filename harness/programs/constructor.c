/* constructor.c: what was allocated before main is there in each execution, as it was then, until
 * that frees it. Shows: nothing. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static char *text, *freed, *grown;

static __attribute__((constructor)) void allocate(void)
{
    free(malloc(20));
    text = strdup("before");
    freed = malloc(100);
    grown = realloc(calloc(3, 2), 10);
    strcpy(grown, "main");
}

static void *change(void *argument)
{
    assert(strcmp(text, "before") == 0);
    strcpy(text, "behind");
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, change, NULL);
    free(freed);
    grown = realloc(grown, 1000);
    assert(strcmp(grown, "main") == 0);
    free(grown);
    pthread_join(thread, NULL);
    free(text);
    return 0;
}
