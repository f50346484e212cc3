/* memory.c: what allocates and frees, used well; libc's own blocks too. Shows: nothing. */
#define _GNU_SOURCE
#include <assert.h>
#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *kept; /* still reachable at the end */

static void *work(void *argument)
{
    char *text = strdup("some text");
    text = realloc(text, 100);
    assert(strcmp(text, "some text") == 0 && isalpha(text[0]));
    free(text);
    int *numbers = calloc(10, sizeof *numbers);
    assert(numbers[9] == 0);
    volatile size_t many = SIZE_MAX / 2;
    assert(calloc(many, 4) == NULL);
    free(numbers);
    void *aligned = NULL;
    assert(posix_memalign(&aligned, 4096, 10) == 0 && (uintptr_t)aligned % 4096 == 0);
    free(aligned);
    void *line = aligned_alloc(64, 128);
    assert((uintptr_t)line % 64 == 0);
    free(line);
    char *printed;
    assert(asprintf(&printed, "%d", 42) == 2 && printed[0] == '4');
    free(printed);
    free(NULL);
    return argument;
}

int main(int argument_count, char **arguments)
{
    char large[1 << 20]; /* half a thread's stack would be too little */
    pthread_t threads[2];
    memset(large, 1, sizeof large);
    assert(argument_count == 1 && arguments[1] == NULL && strstr(arguments[0], "memory") != NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    kept = malloc(10);
    assert(getenv("PATH") == NULL || getenv("PATH")[0] != 1);
    return large[12345] - 1;
}
