/* slice.c: a Go slice header, assigned by one goroutine while another reads it.
 *
 * A slice variable is three words, {ptr, len, cap}. Go's compiler stores them one by one, len and
 * cap before ptr (whose write barrier comes last), and loads them one by one. Whoever reads
 * between two of these stores holds words of two slices: the length of the large array with the
 * pointer to the small one indexes past it, which Go's bounds check, made against that length,
 * lets pass. A tear that mixes up cap alone touches no foreign memory and stays silent.
 *
 * Kept tiny, for it is also a bench: the words are volatile so that each is one event, and the
 * large array lies inside the state so that its address costs no load. */
#include "treadle.h"

enum { SMALL_LEN = 1, LARGE_LEN = 512 };

struct slice_header {
    const volatile int64_t *volatile ptr;
    volatile int64_t len;
    volatile int64_t cap;
};

struct slice_state {
    struct slice_header header;
    struct treadle_mutex mutex; /* used by slice/locked-header alone */
    int64_t large[LARGE_LEN];
};

/* *header = array[:len:len], in the order of Go's compiler. */
static void slice_assign(struct slice_header *header, const int64_t *array, int64_t len)
{
    header->len = len;
    header->cap = len;
    header->ptr = array;
}

/* s := *header; s[len(s)-1]. The bounds check compares len - 1 with that same len. */
static void slice_read_last(const struct slice_header *header)
{
    const volatile int64_t *ptr = header->ptr;
    int64_t len = header->len;
    (void)header->cap;
    (void)ptr[len - 1];
}

static void torn_assign(void *state, const void *argument)
{
    struct slice_state *slice = state;
    (void)argument;
    slice_assign(&slice->header, slice->large, LARGE_LEN);
}

static void torn_read(void *state, const void *argument)
{
    struct slice_state *slice = state;
    (void)argument;
    slice_read_last(&slice->header);
}

static void locked_assign(void *state, const void *argument)
{
    struct slice_state *slice = state;
    (void)argument;
    treadle_mutex_lock(&slice->mutex);
    slice_assign(&slice->header, slice->large, LARGE_LEN);
    treadle_mutex_unlock(&slice->mutex);
}

static void locked_read(void *state, const void *argument)
{
    struct slice_state *slice = state;
    (void)argument;
    treadle_mutex_lock(&slice->mutex);
    slice_read_last(&slice->header);
    treadle_mutex_unlock(&slice->mutex);
}

/* The variable holds the small array. That one is the last block of the set-up: the large length
 * counted from it ends behind everything that was ever allocated there. */
static void *slice_setup(const void *argument)
{
    struct slice_state *slice = treadle_alloc(sizeof(*slice), "slice_state");
    const int64_t *small = treadle_alloc(SMALL_LEN * sizeof(*small), NULL);
    (void)argument;
    treadle_assert(!treadle_readable(small + LARGE_LEN - 1, sizeof(*small)),
                   "a torn header points outside every block");
    slice_assign(&slice->header, small, SMALL_LEN);
    treadle_record(&slice->header, sizeof(int64_t), 3, "slice header");
    return slice;
}

static const struct treadle_program torn_programs[] = {
    { "assigner", torn_assign, NULL },
    { "reader", torn_read, NULL },
};

static const struct treadle_program locked_programs[] = {
    { "assigner", locked_assign, NULL },
    { "reader", locked_read, NULL },
};

static const struct treadle_target torn_header = {
    .name = "slice/torn-header",
    .description = "a slice header is assigned while another goroutine reads it and indexes",
    .setup = slice_setup,
    .programs = torn_programs,
    .program_count = 2,
    .expects = TREADLE_SET(TORN_READ) | TREADLE_SET(WILD_ACCESS),
    .requires = { { .verdict = TREADLE_TORN_READ }, { .verdict = TREADLE_WILD_ACCESS } },
    .requirement_count = 2,
    .go_semantics = true,
    .garbage_collected = true,
    .private_stacks = true,
};

static const struct treadle_target locked_header = {
    .name = "slice/locked-header",
    .description = "the same under a mutex",
    .setup = slice_setup,
    .programs = locked_programs,
    .program_count = 2,
    .go_semantics = true,
    .garbage_collected = true,
    .private_stacks = true,
};

__attribute__((constructor)) static void slice_register(void)
{
    treadle_register(&torn_header);
    treadle_register(&locked_header);
}
