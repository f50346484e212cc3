/* litmus.c: the litmus tests by which memory models are told apart, by their usual names (Alglave,
 * Maranget, Tautschnig: "Herding Cats", TOPLAS 2014). Each once with nothing between the accesses
 * and once with a fence there. None is wrong; what counts is which outcomes a model lets them
 * have, and the subject's outcome() says it in one line: what each goroutine loaded, r0 before r1,
 * then what the variables hold at the end:
 *
 *     1:r0=0 2:r0=1 x=1 y=1
 */
#include "treadle.h"

#include "bench/relaxed.h"

enum { PROGRAMS_MAX = 4, LOADS_MAX = 2, OUTCOME_BYTES = 128 };

struct litmus_test {
    const char *name, *fenced_name, *description, *fenced_description;
    void (*programs[PROGRAMS_MAX])(void *state, const void *fenced);
    uint32_t loads[PROGRAMS_MAX]; /* how many each program makes */
    bool has_y;
};

struct litmus {
    _Atomic uint64_t x;
    _Atomic uint64_t y;
    /* By goroutine, from 1: the loaded values, r1 << 32 | r0. One store, for it is an event. */
    uint64_t loaded[PROGRAMS_MAX + 1];
    const struct litmus_test *test;
};

static void loaded(struct litmus *litmus, uint64_t r0, uint64_t r1)
{
    litmus->loaded[treadle_self()] = r1 << 32 | r0;
}

/* ---- programs, by their accesses ------------------------------------------------------------- */

static void store_x1(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    (void)fenced;
    STORE(litmus->x, 1);
}

static void store_y1(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    (void)fenced;
    STORE(litmus->y, 1);
}

static void store_x1_store_x2(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    STORE(litmus->x, 1);
    FENCE(fenced);
    STORE(litmus->x, 2);
}

static void store_x1_store_y1(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    STORE(litmus->x, 1);
    FENCE(fenced);
    STORE(litmus->y, 1);
}

static void store_x1_store_y2(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    STORE(litmus->x, 1);
    FENCE(fenced);
    STORE(litmus->y, 2);
}

static void store_x2_store_y1(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    STORE(litmus->x, 2);
    FENCE(fenced);
    STORE(litmus->y, 1);
}

static void store_y1_store_x2(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    STORE(litmus->y, 1);
    FENCE(fenced);
    STORE(litmus->x, 2);
}

static void store_x1_load_y(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    STORE(litmus->x, 1);
    FENCE(fenced);
    loaded(litmus, LOAD(litmus->y), 0);
}

static void store_y1_load_x(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    STORE(litmus->y, 1);
    FENCE(fenced);
    loaded(litmus, LOAD(litmus->x), 0);
}

static void store_y2_load_x(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    STORE(litmus->y, 2);
    FENCE(fenced);
    loaded(litmus, LOAD(litmus->x), 0);
}

static void load_x_store_y1(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    uint64_t r0 = LOAD(litmus->x);
    FENCE(fenced);
    STORE(litmus->y, 1);
    loaded(litmus, r0, 0);
}

static void load_y_store_x1(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    uint64_t r0 = LOAD(litmus->y);
    FENCE(fenced);
    STORE(litmus->x, 1);
    loaded(litmus, r0, 0);
}

static void load_x_load_x(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    uint64_t r0 = LOAD(litmus->x);
    FENCE(fenced);
    loaded(litmus, r0, LOAD(litmus->x));
}

static void load_x_load_y(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    uint64_t r0 = LOAD(litmus->x);
    FENCE(fenced);
    loaded(litmus, r0, LOAD(litmus->y));
}

static void load_y_load_x(void *state, const void *fenced)
{
    struct litmus *litmus = state;
    uint64_t r0 = LOAD(litmus->y);
    FENCE(fenced);
    loaded(litmus, r0, LOAD(litmus->x));
}

/* ---- tests ----------------------------------------------------------------------------------- */

#define NAMES(name, text)                                                                          \
    "bench/litmus-" name, "bench/litmus-" name "-fence", text, text ", with fences"

static const struct litmus_test tests[] = {
    { NAMES("SB", "store buffering"), { store_x1_load_y, store_y1_load_x }, { 1, 1 }, true },
    { NAMES("MP", "message passing"), { store_x1_store_y1, load_y_load_x }, { 0, 2 }, true },
    { NAMES("LB", "load buffering"), { load_x_store_y1, load_y_store_x1 }, { 1, 1 }, true },
    { NAMES("2+2W", "the same two stores in different order"),
      { store_x1_store_y2, store_y1_store_x2 },
      { 0, 0 },
      true },
    { NAMES("S", "a store before a flag, another after its load"),
      { store_x2_store_y1, load_y_store_x1 },
      { 0, 1 },
      true },
    { NAMES("R", "two stores against another and a load"),
      { store_x1_store_y1, store_y2_load_x },
      { 0, 1 },
      true },
    { NAMES("WRC", "write to read causality"),
      { store_x1, load_x_store_y1, load_y_load_x },
      { 0, 1, 2 },
      true },
    { NAMES("IRIW", "independent reads of independent writes"),
      { store_x1, load_x_load_y, store_y1, load_y_load_x },
      { 0, 2, 0, 2 },
      true },
    { NAMES("CoRR", "coherence of two loads"), { store_x1, load_x_load_x }, { 0, 2 }, false },
    { NAMES("CoWW", "coherence of two stores"), { store_x1_store_x2 }, { 0 }, false },
};

enum { TEST_COUNT = sizeof tests / sizeof tests[0] };

static void *litmus_setup(const void *argument)
{
    struct litmus *litmus = treadle_alloc(sizeof(*litmus), "litmus");
    litmus->test = argument;
    return litmus;
}

/* snprintf is libc's: so text, which is the caller's, is written without a hook. */
static void litmus_outcome(void *state, char *text, size_t text_bytes)
{
    struct litmus *litmus = state;
    const struct litmus_test *test = litmus->test;
    size_t used = 0;
    for (uint32_t program = 0; program < PROGRAMS_MAX; program++)
        for (uint32_t load = 0; load < test->loads[program] && used < text_bytes; load++) {
            uint32_t value = (uint32_t)(litmus->loaded[program + 1] >> 32 * load);
            used += (size_t)snprintf(text + used, text_bytes - used, "%u:r%u=%u ", program + 1,
                                     load, value);
        }
    if (used < text_bytes)
        used += (size_t)snprintf(text + used, text_bytes - used, "x=%u",
                                 (uint32_t)LOAD(litmus->x));
    if (test->has_y && used < text_bytes)
        snprintf(text + used, text_bytes - used, " y=%u", (uint32_t)LOAD(litmus->y));
}

static void litmus_dump(void *state, FILE *out)
{
    char text[OUTCOME_BYTES];
    litmus_outcome(state, text, sizeof text);
    fprintf(out, "%s\n", text);
}

/* Known to its targets only: it has no language of its own. */
static const struct treadle_subject litmus_subject = {
    .name = "litmus",
    .dump = litmus_dump,
    .outcome = litmus_outcome,
};

/* ---- targets: two of each test --------------------------------------------------------------- */

static struct treadle_program programs[2 * TEST_COUNT][PROGRAMS_MAX];
static struct treadle_target targets[2 * TEST_COUNT];

static void register_test(const struct litmus_test *test, uint32_t place, const void *fenced)
{
    uint32_t count = 0;
    for (; count < PROGRAMS_MAX && test->programs[count] != NULL; count++)
        programs[place][count] =
            (struct treadle_program){ "observer", test->programs[count], fenced };
    targets[place] = (struct treadle_target){
        .name = fenced == FENCED ? test->fenced_name : test->name,
        .description = fenced == FENCED ? test->fenced_description : test->description,
        .subject = &litmus_subject,
        .setup = litmus_setup,
        .argument = test,
        .programs = programs[place],
        .program_count = count,
        .private_stacks = true,
    };
    treadle_register(&targets[place]);
}

__attribute__((constructor)) static void litmus_register(void)
{
    for (uint32_t i = 0; i < TEST_COUNT; i++) {
        register_test(&tests[i], 2 * i, UNFENCED);
        register_test(&tests[i], 2 * i + 1, FENCED);
    }
}
