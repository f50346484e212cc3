/* greybox_wire.c: what goes to and fro between the two halves of a greybox loop. */
#include "greybox.h"

#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "process.h"

/* Goes before what a worker is to see: new entries, pairs and features follow (both known and
 * settled ones), then energies. */
struct view_message {
    uint32_t entries, pairs, features, settled; /* that the worker has not been sent yet */
    uint32_t entry_count, pair_count;   /* of the view */
    uint32_t varied_period;
};

/* Goes before what was shown: bytes, then uses, then features shown again. */
struct shown_message {
    uint64_t byte_count, looked;
    uint32_t use_count, again_count;
};

bool greybox_send(const struct greybox *greybox, const struct generation *generation,
                  struct greybox_sent *sent, int socket)
{
    const struct corpus *corpus = &greybox->corpus;
    const struct view_message message = { .entries = corpus->entry_count - sent->entries,
                                          .pairs = corpus->pair_count - sent->pairs,
                                          .features = greybox->feature_count - sent->features,
                                          .settled = greybox->settled_count - sent->settled,
                                          .entry_count = generation->entry_count,
                                          .pair_count = generation->pair_count,
                                          .varied_period = generation->varied_period };
    bool fine = process_write(socket, &message, sizeof message)
                && process_write(socket, corpus->entries + sent->entries,
                                 message.entries * sizeof *corpus->entries)
                && process_write(socket, corpus->pairs + sent->pairs,
                                 message.pairs * sizeof *corpus->pairs)
                && process_write(socket, greybox->features + sent->features,
                                 message.features * sizeof *greybox->features)
                && process_write(socket, greybox->settled + sent->settled,
                                 message.settled * sizeof *greybox->settled)
                && process_write(socket, generation->energies,
                                 message.entry_count * sizeof *generation->energies);
    *sent = (struct greybox_sent){ corpus->entry_count, corpus->pair_count,
                                   greybox->feature_count, greybox->settled_count };
    return fine;
}

static void *receive(int socket, uint32_t count, size_t bytes)
{
    void *items = calloc(count + 1u, bytes);
    CHECK(items != NULL, ==, true);
    if (process_read(socket, items, count * bytes))
        return items;
    free(items);
    return NULL;
}

bool greybox_receive(struct greybox_target *target, int socket)
{
    struct view_message message;
    if (!process_read(socket, &message, sizeof message))
        return false;
    struct corpus_entry *entries = receive(socket, message.entries, sizeof *entries);
    struct reads_from *pairs =
        entries != NULL ? receive(socket, message.pairs, sizeof *pairs) : NULL;
    uint16_t *features = pairs != NULL ? receive(socket, message.features, sizeof *features) : NULL;
    uint16_t *settled =
        features != NULL ? receive(socket, message.settled, sizeof *settled) : NULL;
    uint32_t *energies =
        settled != NULL ? receive(socket, message.entry_count, sizeof *energies) : NULL;
    if (energies != NULL) {
        for (uint32_t i = 0; i < message.entries; i++)
            corpus_add(&target->corpus, &entries[i]);
        corpus_add_pairs(&target->corpus, pairs, message.pairs);
        greybox_see(target, message.entry_count, message.pair_count, energies,
                    message.varied_period);
        for (uint32_t i = 0; i < message.features; i++)
            feedback_learn(&target->feedback, features[i]);
        for (uint32_t i = 0; i < message.settled; i++)
            feedback_settle(&target->feedback, settled[i]);
    }
    free(entries);
    free(pairs);
    free(features);
    free(settled);
    free(energies);
    return energies != NULL;
}

bool shown_send(const struct shown *shown, int socket)
{
    const struct shown_message message = { .byte_count = shown->byte_count,
                                           .looked = shown->looked,
                                           .use_count = shown->use_count,
                                           .again_count = shown->again_count };
    return process_write(socket, &message, sizeof message)
           && process_write(socket, shown->bytes, shown->byte_count)
           && process_write(socket, shown->uses, shown->use_count * sizeof *shown->uses)
           && process_write(socket, shown->again, shown->again_count * sizeof *shown->again);
}

bool shown_receive(struct shown *shown, int socket)
{
    struct shown_message message;
    if (!process_read(socket, &message, sizeof message))
        return false;
    shown_begin(shown, message.use_count);
    shown->looked = message.looked;
    return process_read(socket, shown_room(shown, message.byte_count), message.byte_count)
           && process_read(socket, shown->uses, message.use_count * sizeof *shown->uses)
           && process_read(socket, shown_room_again(shown, message.again_count),
                           message.again_count * sizeof *shown->again);
}
