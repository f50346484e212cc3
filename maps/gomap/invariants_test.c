/* invariants_test.c: the invariants hold after every operation of the sequential fixtures, and say
 * so when one is broken by hand. Linked with the engine: treadle_run_alone.
 * Usage: invariants_test FIXTURES_FOLDER (the one with the .ops files). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gomap/interpreter.h"
#include "gomap/invariants.h"
#include "gomap/trace.h"

struct test {
    struct map_state state;
    struct interpreter interpreter;
    struct operation operation;
    const char *broken;
    char detail[256];
};

static void reset(void *argument)
{
    map_state_reset(&((struct test *)argument)->state);
}

static void apply(void *argument)
{
    struct test *test = argument;
    interpreter_apply(&test->interpreter, &test->operation, NULL);
    test->broken = map_broken_rule(&test->state, test->detail, sizeof test->detail);
}

static int fail(const char *file, uint64_t line, const char *why, const char *detail)
{
    fprintf(stderr, "%s:%llu: %s: %s\n", file, (unsigned long long)line, why, detail);
    return 1;
}

/* Applies the operations of a file, but for nested ones. */
static int run_lines(struct test *test, const char *name, FILE *in)
{
    char line[256];
    char cause[OPERATION_CAUSE_BYTES];
    const char *rule;
    for (uint64_t number = 1; fgets(line, sizeof line, in) != NULL; number++) {
        if (strchr("#@=\n", line[0]) != NULL)
            continue;
        if (!operation_parse(line, strlen(line), &test->operation, cause))
            return fail(name, number, "bad operation", cause);
        /* A key that gets another hash is lost to its map: keep that for empty ones. */
        if (test->operation.kind == OPERATION_INJECT && test->state.map != NULL
            && test->state.map->count != 0)
            continue;
        if (treadle_run_alone(apply, test, &rule) != TREADLE_OK)
            return fail(name, number, "ended by", rule);
        if (test->broken != NULL)
            return fail(name, number, test->broken, test->detail);
    }
    return 0;
}

/* Breaks a sound map in one field and wants that to be noticed. */
static int run_broken(struct test *test, const char *name)
{
    struct hmap *h = test->state.map;
    if (h == NULL || h->count == 0)
        return 0;
    h->count++;
    test->broken = map_broken_rule(&test->state, test->detail, sizeof test->detail);
    h->count--;
    if (test->broken == NULL)
        return fail(name, 0, "wrong count not noticed", "");
    struct bmap *tail = h->buckets;
    while (tail->overflow != NULL)
        tail = tail->overflow;
    tail->overflow = h->buckets;
    test->broken = map_broken_rule(&test->state, test->detail, sizeof test->detail);
    tail->overflow = NULL;
    if (test->broken == NULL)
        return fail(name, 0, "cycle not noticed", "");
    return 0;
}

static int run_file(const char *folder, const char *name)
{
    char path[4096];
    char words[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(words, sizeof words, "%s", name);
    /* NAME-VARIANT-HASH.ops */
    *strrchr(words, '.') = 0;
    char *hash = strrchr(words, '-');
    *hash++ = 0;
    const struct treadle_options options = { strrchr(words, '-') + 1, hash, "none" };
    struct test test = { 0 };
    FILE *in = fopen(path, "r");
    if (in == NULL || !trace_type(&options, &test.state.type, stderr))
        return fail(path, 0, "cannot read", "");
    test.interpreter.state = &test.state;
    const char *rule;
    treadle_run_alone(reset, &test, &rule);
    int status = run_lines(&test, name, in);
    if (status == 0)
        status = run_broken(&test, name);
    fclose(in);
    interpreter_deinit(&test.interpreter);
    map_type_deinit(&test.state.type);
    treadle_free_all();
    return status;
}

int main(int argument_count, char **arguments)
{
    DIR *folder = argument_count == 2 ? opendir(arguments[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "usage: invariants_test FIXTURES_FOLDER\n");
        return 2;
    }
    int status = 0;
    int count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const char *ending = strrchr(entry->d_name, '.');
        if (ending == NULL || strcmp(ending, ".ops") != 0)
            continue;
        status |= run_file(arguments[1], entry->d_name);
        count++;
    }
    closedir(folder);
    return count == 0 ? 2 : status;
}
