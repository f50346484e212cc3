/* mutex_again.c: a mutex lies where a former one lay, which was left locked; another one becomes
 * zeros, as its initialiser is. Either thread may be the last to have written. Shows: assert. */
#include <assert.h>
#include <pthread.h>
#include <string.h>

static volatile int last;
static pthread_mutex_t overwritten = PTHREAD_MUTEX_INITIALIZER;

static void *keep(void *mutex)
{
    last = 1;
    pthread_mutex_lock(mutex);
    return NULL;
}

static void *pass(void *argument)
{
    last = 2;
    return argument;
}

static int race(pthread_mutex_t *mutex)
{
    pthread_t keeper, passer;
    pthread_create(&keeper, NULL, keep, mutex);
    pthread_create(&passer, NULL, pass, NULL);
    pthread_join(keeper, NULL);
    pthread_join(passer, NULL);
    return last;
}

static __attribute__((noinline)) int run(void)
{
    pthread_mutex_t mutex;
    pthread_mutex_init(&mutex, NULL);
    return race(&mutex);
}

int main(void)
{
    int before = run(), behind = run();
    assert(before != 1 || behind != 2); /* the first one's order does not bind the second one's */
    race(&overwritten);
    memset(&overwritten, 0, sizeof overwritten);
    assert(race(&overwritten) == 2);
    return 0;
}
