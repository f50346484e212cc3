/* stack.c: a lock-free stack whose pop reads a node that another one has freed: what leads to ABA
 * where memory is reused. Shows: use-after-free. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct node {
    struct node *next;
};

static _Atomic(struct node *) top;

static void push(struct node *node)
{
    node->next = atomic_load(&top);
    while (!atomic_compare_exchange_weak(&top, &node->next, node))
        ;
}

static struct node *pop(void)
{
    struct node *node = atomic_load(&top);
    while (node != NULL && !atomic_compare_exchange_weak(&top, &node, node->next))
        ;
    return node;
}

static void *take(void *argument)
{
    free(pop());
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 3; i++)
        push(malloc(sizeof(struct node)));
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, take, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    free(pop());
    return 0;
}
