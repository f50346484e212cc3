/* producer.c: a message is passed by a flag that is set behind it and looked at once. Right where
 * stores take effect in their order, so under TSO too; wrong under PSO but for the fences. */
#include "treadle.h"

#include "bench/relaxed.h"

struct producer_state {
    _Atomic uint64_t data;
    _Atomic uint64_t is_there;
};

static void *producer_setup(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct producer_state), "producer_state");
}

static void produce(void *state, const void *fenced)
{
    struct producer_state *producer = state;
    STORE(producer->data, 1);
    FENCE(fenced);
    STORE(producer->is_there, 1);
}

static void consume(void *state, const void *fenced)
{
    struct producer_state *producer = state;
    if (LOAD(producer->is_there) == 0)
        return;
    FENCE(fenced);
    treadle_assert(LOAD(producer->data) == 1, "the data is there when the flag is");
}

static const struct treadle_program programs[] = {
    { "producer", produce, UNFENCED },
    { "consumer", consume, UNFENCED },
};

static const struct treadle_program fenced_programs[] = {
    { "producer", produce, FENCED },
    { "consumer", consume, FENCED },
};

static const struct treadle_target target = {
    .name = "bench/mutex-producer",
    .description = "data, then a flag that says it is there, relaxed accesses",
    .setup = producer_setup,
    .programs = programs,
    .program_count = 2,
    .private_stacks = true,
};

static const struct treadle_target fenced_target = {
    .name = "bench/mutex-producer-fence",
    .description = "data, then a flag that says it is there, with fences",
    .setup = producer_setup,
    .programs = fenced_programs,
    .program_count = 2,
    .private_stacks = true,
};

__attribute__((constructor)) static void producer_register(void)
{
    treadle_register(&target);
    treadle_register(&fenced_target);
}
