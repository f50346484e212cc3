/* create.c: threads that create threads; results, detached ones, pthread_exit, thread-specific
 * data. Shows: nothing. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

static atomic_int leaves, destroyed;
static pthread_key_t key;

static void destroy(void *value)
{
    free(value);
    destroyed++;
}

/* A tree of threads; returns how many there are below this one, itself included. */
static void *grow(void *argument)
{
    intptr_t depth = (intptr_t)argument, below = 1;
    pthread_setspecific(key, malloc(8));
    if (depth == 0) {
        leaves++;
        pthread_exit((void *)1);
    }
    for (int i = 0; i < 2; i++) {
        pthread_t child;
        void *result;
        assert(pthread_create(&child, NULL, grow, (void *)(depth - 1)) == 0);
        assert(!pthread_equal(child, pthread_self()));
        assert(pthread_join(child, &result) == 0);
        below += (intptr_t)result;
    }
    assert(pthread_getspecific(key) != NULL);
    return (void *)below;
}

static void *leave(void *argument)
{
    pthread_detach(pthread_self());
    return argument;
}

int main(void)
{
    pthread_t thread;
    void *result;
    pthread_key_create(&key, destroy);
    pthread_create(&thread, NULL, grow, (void *)2);
    pthread_join(thread, &result);
    assert((intptr_t)result == 7 && leaves == 4 && destroyed == 7);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_create(&thread, &attributes, grow, (void *)0);
    pthread_attr_destroy(&attributes);
    pthread_create(&thread, NULL, leave, NULL);
    pthread_exit(NULL); /* the others go on */
}
