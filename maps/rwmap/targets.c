/* targets.c: the programs of maps/gomap, each operation under a read-write lock. NOT instrumented.
 * They must behave: whatever these find is a defect of the port, of the lock or of an oracle. */
#include "gomap/targets.h"

static const struct {
    enum targets_program program;
    const char *name;
    const char *description;
} targets[] = {
    { TARGETS_INSERT_INSERT, "rwmap/insert-insert", "two inserts under a lock" },
    { TARGETS_INSERT_INSERT_GROW, "rwmap/insert-insert-grow",
      "two inserts under a lock, the map grows" },
    { TARGETS_READ_GROW, "rwmap/read-grow", "reads of a map that grows, under a lock" },
    { TARGETS_ITERATE_GROW, "rwmap/iterate-grow", "a range over a map that grows, under a lock" },
    { TARGETS_ITERATE_MUTATE, "rwmap/iterate-mutate",
      "one goroutine: a range with assignments and deletions in its body, under a lock" },
    { TARGETS_NEXT_OVERFLOW, "rwmap/next-overflow",
      "two inserts under a lock need overflow buckets" },
    { TARGETS_OVERFLOW_LIST_GC, "rwmap/overflow-list-gc",
      "two inserts under a lock, then garbage is collected" },
};

__attribute__((constructor)) static void register_targets(void)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct program *program = targets_program(targets[i].program);
        program->locked = true;
        program->target.name = targets[i].name;
        program->target.description = targets[i].description;
        program->target.expects = 0;
        treadle_register(&program->target);
    }
}
