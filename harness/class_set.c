/* class_set.c: a set of classes; they are hashes themselves. */
#include "class_set.h"

#include <stdlib.h>
#include <string.h>

#define HASH_FUNCTION(key, key_bytes, value) memcpy(&(value), key, sizeof(value))
#include <uthash.h>

#include "../scheduler/check.h"

struct class_set {
    struct explore_class class;
    UT_hash_handle hh;
};

bool class_set_add(struct class_set **set, struct explore_class class)
{
    struct class_set *known;
    HASH_FIND(hh, *set, &class, sizeof class, known);
    if (known != NULL)
        return false;
    known = calloc(1, sizeof *known);
    if (known == NULL)
        check_limit("no memory for one more than %u classes of executions", HASH_COUNT(*set));
    known->class = class;
    HASH_ADD(hh, *set, class, sizeof class, known);
    return true;
}

uint32_t class_set_count(const struct class_set *set)
{
    return HASH_COUNT(set);
}

const struct class_set *class_set_next(const struct class_set *set, const struct class_set *before)
{
    return before == NULL ? set : before->hh.next;
}

struct explore_class class_set_class(const struct class_set *at)
{
    return at->class;
}

void class_set_clear(struct class_set **set)
{
    struct class_set *known, *next;
    HASH_ITER(hh, *set, known, next)
    {
        HASH_DEL(*set, known);
        free(known);
    }
}
