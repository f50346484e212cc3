/* greybox.c: generations of executions that vary what earlier generations have shown. */
#include "greybox.h"

#include <stdlib.h>
#include <string.h>

#define HASH_FUNCTION(key, key_bytes, value) memcpy(&(value), key, sizeof(value))
#include <uthash.h>

#include "../scheduler/check.h"
#include "../scheduler/execution.h"

#define GENERATION_MIN 256u
#define GENERATION_SHARE 8u /* one part in so many of all before it */
#define GENERATION_MAX (1u << 20)
/* One execution in so many varies an entry: the first where the last new feature was shown among
 * the latest three quarters of all executions, else the second. */
#define VARIED_PERIOD 3u
#define VARIED_PERIOD_QUIET 6u
#define QUIET_SHARE 4u
#define LOOK_PERIOD 12u  /* among the others, one in so many is looked at */
#define WISHES_MAX 2u  /* new pairs that an entry is to show again */

static void *larger(void *memory, size_t count, size_t bytes)
{
    memory = reallocarray(memory, count, bytes);
    CHECK(memory != NULL, ==, true);
    return memory;
}

uint64_t greybox_generation_end(uint64_t first)
{
    uint64_t length = first / GENERATION_SHARE;
    length = length < GENERATION_MIN ? GENERATION_MIN : length;
    return first + (length < GENERATION_MAX ? length : GENERATION_MAX);
}

/* ---- what was shown -------------------------------------------------------------------------- */

void shown_begin(struct shown *shown, uint32_t entry_count)
{
    if (entry_count > shown->use_capacity) {
        shown->use_capacity = 2 * entry_count;
        shown->uses = larger(shown->uses, shown->use_capacity, sizeof *shown->uses);
    }
    if (entry_count > 0)
        memset(shown->uses, 0, entry_count * sizeof *shown->uses);
    shown->use_count = entry_count;
    shown->byte_count = 0;
    shown->again_count = 0;
    shown->looked = 0;
}

void *shown_room(struct shown *shown, size_t byte_count)
{
    if (shown->byte_count + byte_count > shown->byte_capacity) {
        shown->byte_capacity = 2 * (shown->byte_count + byte_count);
        shown->bytes = larger(shown->bytes, shown->byte_capacity, 1);
    }
    void *room = shown->bytes + shown->byte_count;
    shown->byte_count += byte_count;
    return room;
}

static void shown_put(struct shown *shown, const void *data, size_t bytes)
{
    void *room = shown_room(shown, bytes);
    if (bytes > 0)
        memcpy(room, data, bytes);
}

uint16_t *shown_room_again(struct shown *shown, uint32_t count)
{
    if (shown->again_count + count > shown->again_capacity) {
        shown->again_capacity = 2 * (shown->again_count + count);
        shown->again = larger(shown->again, shown->again_capacity, sizeof *shown->again);
    }
    uint16_t *room = shown->again + shown->again_count;
    shown->again_count += count;
    return room;
}

void shown_clear(struct shown *shown)
{
    free(shown->bytes);
    free(shown->again);
    free(shown->uses);
    *shown = (struct shown){ 0 };
}

/* With what follows it, as a multiple of 8. */
static size_t candidate_bytes(const struct candidate *candidate)
{
    size_t bytes = sizeof *candidate + candidate->feature_count * sizeof(uint16_t)
                   + candidate->pair_count * sizeof(struct reads_from);
    return (bytes + 7) & ~(size_t)7;
}

bool shown_is_whole(const struct shown *shown)
{
    size_t at = 0;
    while (shown->byte_count - at >= sizeof(struct candidate)) {
        const struct candidate *candidate = (const void *)(shown->bytes + at);
        size_t bytes = candidate_bytes(candidate);
        if (bytes > shown->byte_count - at || candidate->feature_count > FEEDBACK_NEW_MAX
            || candidate->pair_count > FEEDBACK_NEW_MAX
            || candidate->entry.input.answer_count > ANSWERS_MAX
            || candidate->entry.input.constraint_count > CONSTRAINTS_MAX)
            return false;
        at += bytes;
    }
    return at == shown->byte_count;
}

/* ---- in the process that executes ------------------------------------------------------------ */

/* Which entry has this signature. */
struct known_signature {
    uint64_t signature;
    uint32_t entry;
    UT_hash_handle hh;
};

static void know_entry(struct greybox_target *target, uint32_t entry)
{
    uint64_t signature = target->corpus.entries[entry].signature;
    struct known_signature *known;
    HASH_FIND(hh, target->signatures, &signature, sizeof signature, known);
    if (known != NULL)
        return;
    known = larger(NULL, 1, sizeof *known);
    *known = (struct known_signature){ .signature = signature, .entry = entry };
    HASH_ADD(hh, target->signatures, signature, sizeof signature, known);
}

void greybox_see(struct greybox_target *target, uint32_t entry_count, uint32_t pair_count,
                 const uint32_t *energies, uint32_t varied_period)
{
    target->varied_period = varied_period;
    for (uint32_t i = 0; i < target->learned_count; i++)
        feedback_forget(&target->feedback, target->learned[i]);
    target->learned_count = 0;
    for (uint32_t i = 0; i < target->settled_count; i++)
        feedback_unsettle(&target->feedback, target->settled[i]);
    target->settled_count = 0;
    for (; target->known_entries < target->corpus.entry_count; target->known_entries++)
        know_entry(target, target->known_entries);
    if (entry_count > target->sum_capacity) {
        target->sum_capacity = 2 * entry_count;
        target->sums = larger(target->sums, target->sum_capacity, sizeof *target->sums);
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < entry_count; i++)
        target->sums[i] = sum += energies[i];
    target->view = (struct corpus_view){ .corpus = &target->corpus,
                                         .entry_count = entry_count,
                                         .pair_count = pair_count,
                                         .sums = target->sums };
}

bool greybox_draw(struct greybox_target *target, uint64_t number, uint64_t seed,
                  struct strategy *ret_strategy)
{
    target->drawn = -1;
    if (number % target->varied_period != 0 || target->view.entry_count == 0)
        return false;
    struct rng rng;
    rng_seed(&rng, seed);
    target->drawn = corpus_draw(&target->view, &rng, &target->input);
    target->constrained.input = &target->input;
    *ret_strategy = strategy_constrained(&target->constrained);
    return true;
}

/* The execution that was wished to be like that (NULL: like nothing) as an entry: its answers, and
 * the wish's constraints. */
static struct corpus_entry entry_now(const struct input *wish, uint64_t signature)
{
    struct corpus_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.signature = signature;
    if (wish != NULL)
        entry.input = *wish;
    entry.input.answer_count = 0;
    for (uint32_t i = 0; i < execution.choice_count; i++)
        if (execution.choices[i].kind == CHOICE_DATA && entry.input.answer_count < ANSWERS_MAX)
            entry.input.answers[entry.input.answer_count++] =
                (uint8_t)execution.choices[i].answer;
    return entry;
}

void shown_look(struct shown *shown, struct feedback *feedback, uint64_t number,
                const struct input *wish)
{
    feedback_look(feedback);
    shown->looked++;
    for (uint32_t i = 0; i < feedback->again_count; i++) {
        *shown_room_again(shown, 1) = feedback->again[i];
        feedback_settle(feedback, feedback->again[i]); /* twice is all that is asked */
    }
    if (feedback->fresh_count == 0)
        return;
    struct candidate candidate;
    memset(&candidate, 0, sizeof candidate);
    candidate.number = number;
    candidate.entry = entry_now(wish, feedback->signature);
    candidate.feature_count = (uint16_t)feedback->fresh_count;
    candidate.pair_count = (uint16_t)feedback->pair_count;
    shown_put(shown, &candidate, sizeof candidate);
    shown_put(shown, feedback->fresh, feedback->fresh_count * sizeof feedback->fresh[0]);
    shown_put(shown, feedback->pairs, feedback->pair_count * sizeof feedback->pairs[0]);
    const size_t padding = candidate_bytes(&candidate) - sizeof candidate
                           - feedback->fresh_count * sizeof feedback->fresh[0]
                           - feedback->pair_count * sizeof feedback->pairs[0];
    shown_put(shown, (const uint8_t[8]){ 0 }, padding);
    for (uint32_t i = 0; i < feedback->fresh_count; i++)
        feedback_learn(feedback, feedback->fresh[i]);
}

/* Notes features at the end of a list. */
static void note(uint16_t **features, uint32_t *count, uint32_t *capacity, const uint16_t *noted,
                 uint32_t noted_count)
{
    if (*count + noted_count > *capacity) {
        *capacity = 2 * (*count + noted_count) + 64;
        *features = larger(*features, *capacity, sizeof **features);
    }
    if (noted_count > 0)
        memcpy(*features + *count, noted, noted_count * sizeof *noted);
    *count += noted_count;
}

void greybox_look(struct greybox_target *target, uint64_t number, struct shown *shown)
{
    struct feedback *feedback = &target->feedback;
    if (target->drawn < 0 && number % LOOK_PERIOD > 1)
        return;
    shown_look(shown, feedback, number, target->drawn >= 0 ? &target->input : NULL);
    note(&target->settled, &target->settled_count, &target->settled_capacity, feedback->again,
         feedback->again_count);
    note(&target->learned, &target->learned_count, &target->learned_capacity, feedback->fresh,
         feedback->fresh_count);
    if (target->drawn >= 0)
        shown->uses[target->drawn].taken++;
    struct known_signature *known;
    HASH_FIND(hh, target->signatures, &feedback->signature, sizeof feedback->signature, known);
    if (known != NULL && known->entry < shown->use_count)
        shown->uses[known->entry].seen++;
}

void greybox_clear(struct greybox_target *target)
{
    struct known_signature *known, *next;
    HASH_ITER(hh, target->signatures, known, next)
    {
        HASH_DEL(target->signatures, known);
        free(known);
    }
    corpus_clear(&target->corpus);
    free(target->sums);
    free(target->learned);
    free(target->settled);
    memset(target, 0, sizeof *target);
}

/* ---- in the process that collects ------------------------------------------------------------ */

/* A generation that sees the corpus as it is now. */
static void generation_begin(struct greybox *greybox, struct generation *generation,
                             uint64_t first)
{
    generation->first = first;
    generation->end = greybox_generation_end(first);
    generation->done = 0;
    generation->entry_count = greybox->corpus.entry_count;
    generation->pair_count = greybox->corpus.pair_count;
    bool quiet = greybox->last_fresh < first / QUIET_SHARE;
    generation->varied_period = quiet ? VARIED_PERIOD_QUIET : VARIED_PERIOD;
    corpus_weigh(greybox->uses, generation->entry_count, generation->energies);
    shown_begin(&generation->shown, generation->entry_count);
}

void greybox_init(struct greybox *greybox, const struct greybox_options *options)
{
    memset(greybox, 0, sizeof *greybox);
    greybox->options = *options;
    greybox->features = larger(NULL, FEEDBACK_FEATURES, sizeof *greybox->features);
    greybox->settled = larger(NULL, FEEDBACK_FEATURES, sizeof *greybox->settled);
    if (options->without_feedback) {
        struct corpus_entry nothing;
        memset(&nothing, 0, sizeof nothing);
        corpus_add(&greybox->corpus, &nothing);
    }
    greybox->uses = larger(NULL, CORPUS_ENTRIES_MAX, sizeof *greybox->uses);
    memset(greybox->uses, 0, CORPUS_ENTRIES_MAX * sizeof *greybox->uses);
    uint64_t first = 0;
    for (uint32_t i = 0; i < 2; i++) {
        struct generation *generation = &greybox->generations[i];
        generation->energies = larger(NULL, CORPUS_ENTRIES_MAX, sizeof *generation->energies);
        generation_begin(greybox, generation, first);
        first = generation->end;
    }
}

struct generation *greybox_generation(struct greybox *greybox, uint64_t number)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct generation *generation = &greybox->generations[i];
        if (number >= generation->first && number < generation->end)
            return generation;
    }
    return NULL;
}

static int candidate_order(const void *left, const void *right)
{
    const struct candidate *a = *(struct candidate *const *)left;
    const struct candidate *b = *(struct candidate *const *)right;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* One more execution has shown a known feature. */
static void settle(struct greybox *greybox, uint16_t feature)
{
    if (feedback_is_settled(&greybox->feedback, feature))
        return;
    feedback_settle(&greybox->feedback, feature);
    greybox->settled[greybox->settled_count++] = feature;
}

/* Takes a candidate in that shows something that none before it has shown. Pairs that are new now
 * are its wishes: what is new within a piece of work depends on how the work was divided. counts:
 * it is one of our own loop's, whose numbers mean something here, and features that are known count
 * as shown once more. */
static void take_candidate(struct greybox *greybox, const struct candidate *candidate,
                           bool counts)
{
    const uint16_t *features = (const void *)(candidate + 1);
    const struct reads_from *pairs = (const void *)(features + candidate->feature_count);
    struct reads_from fresh_pairs[FEEDBACK_NEW_MAX];
    uint32_t pair_count = 0;
    bool fresh = false;
    for (uint32_t i = 0; i < candidate->pair_count; i++)
        if (!feedback_knows(&greybox->feedback, feedback_pair_feature(pairs[i])))
            fresh_pairs[pair_count++] = pairs[i];
    for (uint32_t i = 0; i < candidate->feature_count; i++)
        if (!feedback_knows(&greybox->feedback, features[i])) {
            fresh = true;
            feedback_learn(&greybox->feedback, features[i]);
            greybox->features[greybox->feature_count++] = features[i];
        } else if (counts) {
            settle(greybox, features[i]);
        }
    if (!fresh)
        return;
    struct corpus_entry entry = candidate->entry;
    for (uint32_t i = 0; i < pair_count && i < WISHES_MAX; i++)
        if (entry.input.constraint_count < MUTATE_CONSTRAINTS_MAX)
            entry.input.constraints[entry.input.constraint_count++] = (struct constraint){
                .write = fresh_pairs[i].write,
                .read = fresh_pairs[i].read,
            };
    if (greybox->options.without_constraints)
        entry.input.constraint_count = 0;
    else
        corpus_add_pairs(&greybox->corpus, fresh_pairs, pair_count);
    if (!greybox->options.without_feedback)
        corpus_add(&greybox->corpus, &entry);
    greybox->fresh_count++;
    greybox->last_fresh = counts ? candidate->number : greybox->generations[0].first;
}

/* Takes what was shown, in the order of executions' numbers; counts: as above. */
static void take_candidates(struct greybox *greybox, const struct shown *shown, bool counts)
{
    size_t count = 0;
    for (size_t at = 0; at < shown->byte_count; count++)
        at += candidate_bytes((const void *)(shown->bytes + at));
    const struct candidate **order = larger(NULL, count + 1, sizeof *order);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        order[i] = (const void *)(shown->bytes + at);
        at += candidate_bytes(order[i]);
    }
    qsort(order, count, sizeof *order, candidate_order);
    for (size_t i = 0; i < count; i++)
        take_candidate(greybox, order[i], counts);
    free(order);
}

/* Puts together what all of a generation has shown. */
static void generation_finish(struct greybox *greybox, const struct shown *shown)
{
    for (uint32_t i = 0; i < shown->use_count; i++) {
        greybox->uses[i].seen += shown->uses[i].seen;
        greybox->uses[i].taken += shown->uses[i].taken;
    }
    take_candidates(greybox, shown, true);
    for (uint32_t i = 0; i < shown->again_count; i++)
        settle(greybox, shown->again[i]);
    greybox->looked += shown->looked;
}

void greybox_import(struct greybox *greybox, const struct shown *shown)
{
    take_candidates(greybox, shown, false);
}

void greybox_take(struct greybox *greybox, struct generation *generation,
                  const struct shown *shown, uint64_t done)
{
    shown_put(&generation->shown, shown->bytes, shown->byte_count);
    for (uint32_t i = 0; i < shown->use_count && i < generation->shown.use_count; i++) {
        generation->shown.uses[i].seen += shown->uses[i].seen;
        generation->shown.uses[i].taken += shown->uses[i].taken;
    }
    if (shown->again_count > 0)
        memcpy(shown_room_again(&generation->shown, shown->again_count), shown->again,
               shown->again_count * sizeof *shown->again);
    generation->shown.looked += shown->looked;
    generation->done += done;
    struct generation *oldest = &greybox->generations[0], *next = &greybox->generations[1];
    while (oldest->done == oldest->end - oldest->first) {
        generation_finish(greybox, &oldest->shown);
        struct generation finished = *oldest;
        *oldest = *next;
        *next = finished;
        generation_begin(greybox, next, oldest->end);
    }
}

double greybox_chance(const struct greybox *greybox)
{
    uint32_t once = greybox->feature_count - greybox->settled_count;
    return greybox->looked == 0 ? 1 : (double)once / (double)greybox->looked;
}

void greybox_deinit(struct greybox *greybox)
{
    for (uint32_t i = 0; i < 2; i++) {
        free(greybox->generations[i].energies);
        shown_clear(&greybox->generations[i].shown);
    }
    free(greybox->uses);
    free(greybox->features);
    free(greybox->settled);
    corpus_clear(&greybox->corpus);
    memset(greybox, 0, sizeof *greybox);
}
