/* checkpoint.c: an exploration as a file. */
#include "checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "image.h"
#include "program_call.h"

#define MAGIC "treadle checkpoint 3\n"
#define MAGIC_BYTES (sizeof MAGIC - 1)
#define NAME_BYTES_MAX 4096u

/* ---- writing --------------------------------------------------------------------------------- */

static void put_parameters(struct image *image, const struct exploration_parameters *parameters)
{
    image_put_text(image, parameters->memory);
    image_put(image, &parameters->preemptions, sizeof parameters->preemptions);
    image_put_number(image, parameters->deepen);
    image_put_number(image, parameters->scheduler.unroll);
}

static void put_target(struct image *image, const struct exploration_target *target)
{
    image_put_text(image, target_at(target->index)->name);
    image_put(image, &target->tally, sizeof target->tally);
    image_put_number(image, class_set_count(target->classes));
    for (const struct class_set *at = NULL; (at = class_set_next(target->classes, at)) != NULL;) {
        struct explore_class class = class_set_class(at);
        image_put(image, &class, sizeof class);
    }
    image_put_number(image, target->repeated);
    image_put_number(image, target->blocked);
    image_put_number(image, target->cut);
    image_put_number(image, target->crashed);
    image_put(image, &target->preemptions, sizeof target->preemptions);
    image_put_number(image, target->limited);
    image_put(image, &target->seconds, sizeof target->seconds);
    image_put_text(image, target->nondeterminism);
    image_put_number(image, target->frontier.byte_count);
    image_put(image, target->frontier.bytes, target->frontier.byte_count);
    image_put_number(image, target->findings.count);
    for (uint32_t i = 0; i < target->findings.count; i++) {
        struct finding finding = target->findings.items[i].finding;
        const struct choice *choices = finding.choices;
        finding.choices = NULL;
        image_put(image, &finding, sizeof finding);
        image_put(image, choices, finding.choice_count * sizeof *choices);
    }
}

int checkpoint_write(const char *path, const struct exploration *exploration,
                     const struct exploration_parameters *parameters, char *error,
                     size_t error_bytes)
{
    char temporary[NAME_BYTES_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.new", path);
    struct image image = { 0 };
    image_put(&image, MAGIC, MAGIC_BYTES);
    image_put_number(&image, image_program_hash());
    put_parameters(&image, parameters);
    char *call = program_call();
    image_put_text(&image, call);
    free(call);
    image_put(&image, &exploration->seconds, sizeof exploration->seconds);
    image_put_number(&image, exploration->target_count);
    for (uint32_t i = 0; i < exploration->target_count; i++)
        put_target(&image, &exploration->targets[i]);
    image_seal(&image);
    errno = ENAMETOOLONG;
    bool written = length < (int)sizeof temporary && image_write(&image, path, temporary);
    if (!written)
        snprintf(error, error_bytes, "the checkpoint %.150s cannot be written: %s", path,
                 strerror(errno));
    free(image.bytes);
    return written ? 0 : -1;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void take_findings(struct image *image, struct finding_list *list)
{
    uint64_t count = image_take_number(image);
    for (uint64_t i = 0; i < count && !image->too_short; i++) {
        struct finding finding;
        image_take_into(image, &finding, sizeof finding);
        size_t bytes = finding.choice_count * sizeof *finding.choices;
        const void *choices = image_take(image, bytes);
        if (choices == NULL)
            return;
        finding.choices = malloc(bytes + 1);
        CHECK(finding.choices != NULL, ==, true);
        memcpy(finding.choices, choices, bytes);
        finding_list_take(list, &finding);
    }
}

static bool take_target(struct image *image, struct exploration_target *target)
{
    char name[NAME_BYTES_MAX];
    image_take_text(image, name, sizeof name);
    uint32_t index = 0;
    while (index < target_count() && strcmp(target_at(index)->name, name) != 0)
        index++;
    target->index = index;
    image_take_into(image, &target->tally, sizeof target->tally);
    for (uint64_t left = image_take_number(image); left > 0 && !image->too_short; left--) {
        struct explore_class class;
        image_take_into(image, &class, sizeof class);
        class_set_add(&target->classes, class);
    }
    target->repeated = image_take_number(image);
    target->blocked = image_take_number(image);
    target->cut = image_take_number(image);
    target->crashed = image_take_number(image);
    image_take_into(image, &target->preemptions, sizeof target->preemptions);
    target->limited = image_take_number(image) != 0;
    image_take_into(image, &target->seconds, sizeof target->seconds);
    image_take_text(image, target->nondeterminism, sizeof target->nondeterminism);
    size_t byte_count = image_take_number(image);
    const void *items = image_take(image, byte_count);
    if (items == NULL || index == target_count())
        return false;
    memcpy(frontier_room(&target->frontier, byte_count + 1), items, byte_count);
    if (!frontier_filled(&target->frontier, byte_count))
        return false;
    take_findings(image, &target->findings);
    return !image->too_short;
}

/* Says what speaks against an image before its targets; NULL if nothing does. text: room for it. */
static const char *objection(struct image *image, const struct exploration_parameters *parameters,
                             char *text, size_t text_bytes)
{
    if (image->count < MAGIC_BYTES || memcmp(image->bytes, MAGIC, MAGIC_BYTES) != 0)
        return image->count >= 19 && memcmp(image->bytes, MAGIC, 19) == 0
                   ? "it was written by another version of Treadle; begin anew"
                   : "it is no checkpoint of Treadle; check which file this is";
    if (image->count < MAGIC_BYTES + 2 * sizeof(uint64_t))
        return "it is cut off; begin anew";
    if (!image_unseal(image))
        return "it is damaged; begin anew";
    image->at = MAGIC_BYTES;
    if (image_take_number(image) != image_program_hash())
        return "it was written by another build of this program; begin anew";
    struct image wanted = { 0 };
    put_parameters(&wanted, parameters);
    const void *written = image_take(image, wanted.count);
    bool same = written != NULL && memcmp(written, wanted.bytes, wanted.count) == 0;
    free(wanted.bytes);
    if (!same)
        return "it was written with another --memory, --preemptions or --unroll";
    size_t call_bytes = image_take_number(image);
    const char *call = image_take(image, call_bytes);
    char *difference = program_call_difference(call, call != NULL ? call_bytes : 0);
    if (difference == NULL)
        return NULL;
    snprintf(text, text_bytes, "the program was called with %.100s; call it alike or begin anew",
             difference);
    free(difference);
    return text;
}

struct exploration *checkpoint_read(const char *path,
                                    const struct exploration_parameters *parameters, char *error,
                                    size_t error_bytes)
{
    struct image image = { 0 };
    if (!image_read(path, &image)) {
        snprintf(error, error_bytes, "%.150s: it cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    char text[200];
    const char *why = objection(&image, parameters, text, sizeof text);
    struct exploration *exploration = NULL;
    if (why == NULL) {
        double seconds;
        image_take_into(&image, &seconds, sizeof seconds);
        uint64_t count = image_take_number(&image);
        bool fine = count <= target_count();
        exploration = exploration_create(NULL, fine ? (uint32_t)count : 0, parameters);
        exploration->seconds = seconds;
        for (uint32_t i = 0; i < exploration->target_count && fine; i++)
            fine = take_target(&image, &exploration->targets[i]);
        if (!fine)
            why = "it is damaged; begin anew";
    }
    if (why != NULL) {
        snprintf(error, error_bytes, "%.150s: %s", path, why);
        exploration_destroy(exploration);
        exploration = NULL;
    }
    free(image.bytes);
    return exploration;
}
