/* filesystem.c: goroutines give blocks to inodes (Flanagan, Godefroid: "Dynamic Partial-Order
 * Reduction for Model Checking Software", POPL 2005). Up to 13 of them share nothing, which only
 * the run can show; each further one meets another at one block: 2^(N - 13) traces. */
#include "treadle.h"

enum { INODE_COUNT = 32, BLOCK_COUNT = 26, ALLOCATORS_MAX = 19 };

struct filesystem_state {
    struct treadle_mutex inode_mutex[INODE_COUNT];
    uint32_t inode[INODE_COUNT]; /* its block + 1; 0 = none */
    struct treadle_mutex block_mutex[BLOCK_COUNT];
    uint32_t busy[BLOCK_COUNT];
};

static void *filesystem_setup(const void *argument)
{
    (void)argument;
    return treadle_alloc(sizeof(struct filesystem_state), "filesystem_state");
}

/* Gives inode i the first block from b on that is not busy. */
static void allocate_block(struct filesystem_state *filesystem, uint32_t i, uint32_t b)
{
    for (bool done = false; !done; b = (b + 1) % BLOCK_COUNT) {
        treadle_mutex_lock(&filesystem->block_mutex[b]);
        if (!filesystem->busy[b]) {
            filesystem->busy[b] = 1;
            filesystem->inode[i] = b + 1;
            done = true;
        }
        treadle_mutex_unlock(&filesystem->block_mutex[b]);
    }
}

/* The paper counts goroutines from 0. */
static void allocate(void *state, const void *argument)
{
    struct filesystem_state *filesystem = state;
    uint32_t i = (treadle_self() - 1) % INODE_COUNT;
    (void)argument;
    treadle_mutex_lock(&filesystem->inode_mutex[i]);
    if (filesystem->inode[i] == 0)
        allocate_block(filesystem, i, i * 2 % BLOCK_COUNT);
    treadle_mutex_unlock(&filesystem->inode_mutex[i]);
}

static const struct treadle_program programs[] = {
    [0 ... ALLOCATORS_MAX - 1] = { "allocator", allocate, NULL },
};

#define FILESYSTEM(n)                                                                              \
    {                                                                                              \
        .name = "bench/filesystem-" #n,                                                            \
        .description = #n " goroutines give 26 blocks to 32 inodes, a mutex for each of both",     \
        .setup = filesystem_setup,                                                                 \
        .programs = programs,                                                                      \
        .program_count = n,                                                                        \
        .private_stacks = true,                                                                    \
    }

static const struct treadle_target targets[] = {
    FILESYSTEM(14), FILESYSTEM(16), FILESYSTEM(18), FILESYSTEM(19),
};

__attribute__((constructor)) static void filesystem_register(void)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        treadle_register(&targets[i]);
}
