/* kinds.c: recursive and error checking mutexes, by attribute and by static initialiser, and spin
 * locks. Shows: nothing. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <pthread.h>

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t checking;
static pthread_spinlock_t spin;
static int counter, spun;

static void count(int depth)
{
    assert(pthread_mutex_lock(&recursive) == 0);
    if (depth > 0)
        count(depth - 1);
    counter++;
    assert(pthread_mutex_unlock(&recursive) == 0);
}

static void *work(void *argument)
{
    count(2);
    assert(pthread_mutex_unlock(&checking) == EPERM);
    assert(pthread_mutex_lock(&checking) == 0);
    assert(pthread_mutex_lock(&checking) == EDEADLK);
    assert(pthread_mutex_unlock(&checking) == 0);
    pthread_spin_lock(&spin);
    spun++;
    pthread_spin_unlock(&spin);
    return argument;
}

int main(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checking, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    count(1);
    pthread_join(thread, NULL);
    assert(counter == 5 && spun == 1);
    pthread_mutex_destroy(&checking);
    pthread_spin_destroy(&spin);
    return 0;
}
