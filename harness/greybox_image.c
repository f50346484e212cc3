/* greybox_image.c: a target's search as bytes. */
#include "greybox_image.h"

#include <string.h>

/* ---- writing --------------------------------------------------------------------------------- */

static void put_array(struct image *image, const void *items, uint32_t count, size_t bytes)
{
    image_put_number(image, count);
    image_put(image, items, count * bytes);
}

static void put_generation(struct image *image, const struct generation *generation)
{
    const struct shown *shown = &generation->shown;
    image_put_number(image, generation->first);
    image_put_number(image, generation->end);
    image_put_number(image, generation->done);
    image_put_number(image, generation->pair_count);
    image_put_number(image, generation->varied_period);
    put_array(image, generation->energies, generation->entry_count, sizeof *generation->energies);
    image_put_number(image, shown->looked);
    image_put_number(image, shown->byte_count);
    image_put(image, shown->bytes, shown->byte_count);
    put_array(image, shown->uses, shown->use_count, sizeof *shown->uses);
    put_array(image, shown->again, shown->again_count, sizeof *shown->again);
}

void greybox_put(struct image *image, const struct greybox *greybox)
{
    const struct corpus *corpus = &greybox->corpus;
    put_array(image, corpus->entries, corpus->entry_count, sizeof *corpus->entries);
    put_array(image, corpus->pairs, corpus->pair_count, sizeof *corpus->pairs);
    put_array(image, greybox->features, greybox->feature_count, sizeof *greybox->features);
    put_array(image, greybox->settled, greybox->settled_count, sizeof *greybox->settled);
    put_array(image, greybox->uses, corpus->entry_count, sizeof *greybox->uses);
    image_put_number(image, greybox->looked);
    image_put_number(image, greybox->fresh_count);
    image_put_number(image, greybox->last_fresh);
    for (uint32_t i = 0; i < 2; i++)
        put_generation(image, &greybox->generations[i]);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The items of an array of at most `most`; NULL if there are more, or too few bytes. */
static const void *take_array(struct image *image, uint32_t most, size_t bytes,
                              uint32_t *ret_count)
{
    uint64_t count = image_take_number(image);
    if (count > most)
        image->too_short = true;
    *ret_count = image->too_short ? 0 : (uint32_t)count;
    return image_take(image, *ret_count * bytes);
}

static bool take_generation(struct image *image, struct generation *generation,
                            const struct corpus *corpus)
{
    struct shown *shown = &generation->shown;
    uint32_t count;
    generation->first = image_take_number(image);
    generation->end = image_take_number(image);
    generation->done = image_take_number(image);
    uint64_t pair_count = image_take_number(image), varied_period = image_take_number(image);
    const void *energies =
        take_array(image, corpus->entry_count, sizeof *generation->energies, &count);
    if (energies == NULL || pair_count > corpus->pair_count || varied_period - 1 >= UINT32_MAX
        || generation->end != greybox_generation_end(generation->first)
        || generation->done > generation->end - generation->first)
        return false;
    generation->pair_count = (uint32_t)pair_count;
    generation->varied_period = (uint32_t)varied_period;
    generation->entry_count = count;
    memcpy(generation->energies, energies, count * sizeof *generation->energies);
    shown_begin(shown, count);
    shown->looked = image_take_number(image);
    uint64_t byte_count = image_take_number(image);
    const void *bytes = image_take(image, byte_count);
    if (bytes == NULL)
        return false;
    memcpy(shown_room(shown, byte_count), bytes, byte_count);
    const void *uses = take_array(image, count, sizeof *shown->uses, &count);
    if (uses == NULL || count != shown->use_count)
        return false;
    if (count > 0)
        memcpy(shown->uses, uses, count * sizeof *shown->uses);
    const void *again = take_array(image, UINT32_MAX, sizeof *shown->again, &count);
    if (again == NULL)
        return false;
    if (count > 0)
        memcpy(shown_room_again(shown, count), again, count * sizeof *shown->again);
    return shown_is_whole(shown);
}

bool greybox_take_image(struct image *image, struct greybox *greybox)
{
    struct corpus *corpus = &greybox->corpus;
    uint32_t count = 0;
    corpus_clear(corpus);
    const struct corpus_entry *entries =
        take_array(image, CORPUS_ENTRIES_MAX, sizeof *entries, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct corpus_entry entry;
        memcpy(&entry, (const uint8_t *)entries + i * sizeof entry, sizeof entry);
        if (entry.input.answer_count > ANSWERS_MAX
            || entry.input.constraint_count > CONSTRAINTS_MAX)
            return false;
        corpus_add(corpus, &entry);
    }
    const uint8_t *pairs =
        take_array(image, CORPUS_PAIRS_MAX, sizeof(struct reads_from), &count);
    for (uint32_t i = 0; i < count; i++) {
        struct reads_from pair;
        memcpy(&pair, pairs + i * sizeof pair, sizeof pair);
        corpus_add_pairs(corpus, &pair, 1);
    }
    const void *features = take_array(image, FEEDBACK_FEATURES, sizeof *greybox->features,
                                      &greybox->feature_count);
    if (features != NULL)
        memcpy(greybox->features, features, greybox->feature_count * sizeof *greybox->features);
    const void *settled = take_array(image, greybox->feature_count, sizeof *greybox->settled,
                                     &greybox->settled_count);
    if (settled != NULL)
        memcpy(greybox->settled, settled, greybox->settled_count * sizeof *greybox->settled);
    for (uint32_t i = 0; i < greybox->feature_count; i++)
        feedback_learn(&greybox->feedback, greybox->features[i]);
    for (uint32_t i = 0; i < greybox->settled_count; i++)
        feedback_settle(&greybox->feedback, greybox->settled[i]);
    const void *uses = take_array(image, CORPUS_ENTRIES_MAX, sizeof *greybox->uses, &count);
    if (uses == NULL || count != corpus->entry_count)
        return false;
    memcpy(greybox->uses, uses, count * sizeof *greybox->uses);
    greybox->looked = image_take_number(image);
    greybox->fresh_count = image_take_number(image);
    greybox->last_fresh = image_take_number(image);
    return take_generation(image, &greybox->generations[0], corpus)
           && take_generation(image, &greybox->generations[1], corpus)
           && greybox->generations[0].end == greybox->generations[1].first && !image->too_short;
}
