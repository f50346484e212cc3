/* segfault.c: what no hook sees, for it happens inside libc. Shows: crash. */
#include <pthread.h>
#include <string.h>

static const char *volatile text;
static volatile size_t length;

static void *measure(void *argument)
{
    length = strlen(text);
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, measure, NULL);
    text = "text";
    pthread_join(thread, NULL);
    return 0;
}
