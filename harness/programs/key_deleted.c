/* key_deleted.c: a thread deletes a key that another one still uses. Shows: assert. */
#include <assert.h>
#include <pthread.h>

static pthread_key_t key;

static void *delete(void *argument)
{
    pthread_key_delete(key);
    return argument;
}

int main(void)
{
    pthread_t thread;
    int value;
    pthread_key_create(&key, NULL);
    pthread_create(&thread, NULL, delete, NULL);
    if (pthread_setspecific(key, &value) == 0)
        assert(pthread_getspecific(key) == &value);
    pthread_join(thread, NULL);
    return 0;
}
