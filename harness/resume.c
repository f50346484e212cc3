/* resume.c: what a campaign goes on from. */
#include "resume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "greybox_image.h"
#include "program_call.h"
#include "saved.h"
#include "subject_origin.h"

#define TARGET_NAME "campaign.corpus"
#define STATE_NAME "campaign.state"
#define TARGET_MAGIC "treadle corpus 1\n"
#define STATE_MAGIC "treadle campaign 1\n"

/* ---- what a file is bound to ----------------------------------------------------------------- */

static void put_strategy(struct image *image, const struct campaign_options *options)
{
    const struct worker_plan *plan = &options->plan;
    image_put_text(image, options->strategy);
    image_put_number(image, plan->greybox);
    image_put_number(image, plan->search.kinds);
    image_put_number(image, plan->search.without_feedback);
    image_put_number(image, plan->search.without_constraints);
}

static uint64_t hash_of_this_program(void)
{
    static uint64_t hash;
    if (hash == 0)
        hash = image_program_hash();
    return hash;
}

static void put_head(struct image *image, const char *magic,
                     const struct campaign_options *options)
{
    char *call = program_call();
    image_put(image, magic, strlen(magic));
    image_put_number(image, subject_origin()->hash);
    image_put_number(image, hash_of_this_program());
    image_put_number(image, options->plan.seed);
    image_put_number(image, options->plan.memory);
    put_strategy(image, options);
    image_put_text(image, call);
    free(call);
}

/* Why a file is not of this campaign; NULL if it is. Takes its head. */
static const char *objection(struct image *image, const char *magic,
                             const struct campaign_options *options)
{
    size_t word_bytes = strcspn(magic, "0123456789");
    if (image->count < word_bytes || memcmp(image->bytes, magic, word_bytes) != 0)
        return "it is no file of a campaign";
    if (!image_unseal(image))
        return "it is damaged";
    if (image->count < strlen(magic) || memcmp(image->bytes, magic, strlen(magic)) != 0)
        return "another version of Treadle wrote it";
    image->at = strlen(magic);
    if (image_take_number(image) != subject_origin()->hash)
        return "it belongs to another build of the subject";
    if (image_take_number(image) != hash_of_this_program())
        return "another build of the program wrote it";
    if (image_take_number(image) != options->plan.seed)
        return "it was written with another --seed";
    if (image_take_number(image) != options->plan.memory)
        return "it was written with another --memory";
    struct image wanted = { 0 };
    put_strategy(&wanted, options);
    const void *strategy = image_take(image, wanted.count);
    bool same = strategy != NULL && memcmp(strategy, wanted.bytes, wanted.count) == 0;
    free(wanted.bytes);
    if (!same)
        return "it was written with another --strategy, --engine or --feedback";
    size_t call_bytes = image_take_number(image);
    const char *call = image_take(image, call_bytes);
    char *difference = program_call_difference(call, call != NULL ? call_bytes : 0);
    bool otherwise = difference != NULL;
    free(difference);
    return otherwise ? "the program was called otherwise" : NULL;
}

/* ---- a target, written ----------------------------------------------------------------------- */

static void put_piece(struct image *image, const struct piece *piece)
{
    image_put_number(image, piece->work.from);
    image_put_number(image, piece->work.count);
}

/* Whether our own loop is at work there. */
static bool is_at(const struct campaign_worker *worker, uint32_t position)
{
    return worker->busy && worker->engine == ENGINE_OWN && worker->piece.position == position;
}

/* Those that are being done, and those that are left over. */
static void put_pieces(struct image *image, const struct campaign *campaign, uint32_t position)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < campaign->options.jobs; i++)
        count += is_at(&campaign->workers[i], position);
    for (uint32_t i = 0; i < campaign->left_over_count; i++)
        count += campaign->left_over[i].position == position;
    image_put_number(image, count);
    for (uint32_t i = 0; i < campaign->options.jobs; i++)
        if (is_at(&campaign->workers[i], position))
            put_piece(image, &campaign->workers[i].piece);
    for (uint32_t i = 0; i < campaign->left_over_count; i++)
        if (campaign->left_over[i].position == position)
            put_piece(image, &campaign->left_over[i]);
}

static void put_findings(struct image *image, const struct finding_list *list)
{
    image_put_number(image, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        struct finding finding = list->items[i].finding;
        const struct choice *choices = finding.choices;
        finding.choices = NULL;
        finding.choice_count = choices != NULL ? finding.choice_count : 0;
        image_put(image, &finding, sizeof finding);
        image_put(image, &list->items[i].life, sizeof list->items[i].life);
        image_put(image, choices, finding.choice_count * sizeof *choices);
    }
}

static bool write_target(struct campaign *campaign, uint32_t position)
{
    const struct campaign_target *target = &campaign->result->targets[position];
    struct image image = { 0 };
    put_head(&image, TARGET_MAGIC, &campaign->options);
    image_put_text(&image, target_at(target->index)->name);
    image_put(&image, &target->tally, sizeof target->tally);
    image_put_number(&image, target->next);
    image_put_number(&image, target->engine_executions);
    image_put(&image, target->engine_seconds, sizeof target->engine_seconds);
    put_pieces(&image, campaign, position);
    put_findings(&image, &target->findings);
    if (target->greybox != NULL)
        greybox_put(&image, target->greybox);
    image_seal(&image);
    bool written = folder_write(&campaign->folder, target_at(target->index)->name, TARGET_NAME,
                                &image);
    free(image.bytes);
    return written;
}

/* ---- a target, read -------------------------------------------------------------------------- */

static bool take_pieces(struct image *image, struct campaign *campaign, uint32_t position)
{
    const struct campaign_target *target = &campaign->result->targets[position];
    for (uint64_t left = image_take_number(image); left > 0 && !image->too_short; left--) {
        struct piece piece = { .work = { .target = target->index }, .position = position };
        piece.work.from = image_take_number(image);
        piece.work.count = image_take_number(image);
        if (piece.work.from > target->next || piece.work.count > target->next - piece.work.from)
            return false;
        campaign_leave(campaign, piece, 0);
    }
    return !image->too_short;
}

static bool take_findings(struct image *image, struct finding_list *list)
{
    for (uint64_t left = image_take_number(image); left > 0 && !image->too_short; left--) {
        struct finding finding;
        struct finding_life life;
        image_take_into(image, &finding, sizeof finding);
        image_take_into(image, &life, sizeof life);
        size_t bytes = finding.choice_count * sizeof *finding.choices;
        const void *choices = image_take(image, bytes);
        if (choices == NULL || list->count == FINDINGS_KEPT_MAX
            || finding.verdict >= TREADLE_VERDICT_COUNT)
            return false;
        finding.choices = NULL;
        if (bytes > 0) {
            finding.choices = malloc(bytes);
            CHECK(finding.choices != NULL, ==, true);
            memcpy(finding.choices, choices, bytes);
        }
        uint32_t count = list->count;
        finding_list_take(list, &finding);
        if (list->count > count)
            list->items[count].life = life;
    }
    return !image->too_short;
}

static bool take_target(struct image *image, struct campaign *campaign, uint32_t position)
{
    struct campaign_target *target = &campaign->result->targets[position];
    char name[256];
    image_take_text(image, name, sizeof name);
    image_take_into(image, &target->tally, sizeof target->tally);
    target->next = image_take_number(image);
    target->engine_executions = image_take_number(image);
    image_take_into(image, target->engine_seconds, sizeof target->engine_seconds);
    return strcmp(name, target_at(target->index)->name) == 0
           && take_pieces(image, campaign, position) && take_findings(image, &target->findings)
           && (target->greybox == NULL || greybox_take_image(image, target->greybox))
           && image->at == image->count;
}

/* As if nothing had been read of it. */
static void begin_anew(struct campaign *campaign, uint32_t position)
{
    struct campaign_target *target = &campaign->result->targets[position];
    uint32_t left = 0;
    for (uint32_t i = 0; i < campaign->left_over_count; i++)
        if (campaign->left_over[i].position != position)
            campaign->left_over[left++] = campaign->left_over[i];
    campaign->left_over_count = left;
    finding_list_clear(&target->findings);
    target->tally = (struct tally){ 0 };
    target->next = target->engine_executions = 0;
    memset(target->engine_seconds, 0, sizeof target->engine_seconds);
    if (target->greybox != NULL) {
        greybox_deinit(target->greybox);
        greybox_init(target->greybox, &campaign->options.plan.search);
    }
}

/* Reads a file; NULL, or why it cannot be used. *ret_path is its name. */
static const char *read_image(const struct campaign *campaign, const char *target,
                              const char *name, const char *magic, char *path,
                              struct image *ret_image)
{
    static char text[128];
    if (!folder_path(&campaign->folder, target, name, path))
        return NULL;
    if (image_read(path, ret_image))
        return objection(ret_image, magic, &campaign->options);
    *ret_image = (struct image){ 0 };
    if (errno == ENOENT || errno == ENOTDIR)
        return NULL;
    snprintf(text, sizeof text, "it cannot be read: %s", strerror(errno));
    return text;
}

static void read_target(struct campaign *campaign, uint32_t position)
{
    struct campaign_target *target = &campaign->result->targets[position];
    char path[FOLDER_PATH_BYTES];
    struct image image = { 0 };
    const char *why = read_image(campaign, target_at(target->index)->name, TARGET_NAME,
                                 TARGET_MAGIC, path, &image);
    if (why == NULL && image.bytes != NULL && !take_target(&image, campaign, position)) {
        begin_anew(campaign, position);
        why = "it is damaged";
    }
    if (why != NULL)
        folder_set_aside(path, why);
    free(image.bytes);
    saved_load(campaign->options.directory, target->index, &target->findings);
    keeper_choose(campaign, position);
}

/* ---- the campaign ---------------------------------------------------------------------------- */

static bool write_state(struct campaign *campaign)
{
    const double seconds = tally_now() - campaign->options.plan.start;
    struct image image = { 0 };
    put_head(&image, STATE_MAGIC, &campaign->options);
    image_put(&image, &seconds, sizeof seconds);
    image_put_number(&image, campaign->runs);
    image_put_number(&image, campaign->died);
    image_put(&image, campaign->engines, sizeof campaign->engines);
    image_put(&image, &campaign->timeline, sizeof campaign->timeline);
    image_seal(&image);
    bool written = folder_write(&campaign->folder, NULL, STATE_NAME, &image);
    free(image.bytes);
    return written;
}

static void read_state(struct campaign *campaign)
{
    char path[FOLDER_PATH_BYTES];
    struct image image = { 0 };
    const char *why = read_image(campaign, NULL, STATE_NAME, STATE_MAGIC, path, &image);
    if (why == NULL && image.bytes != NULL) {
        image_take_into(&image, &campaign->seconds_before, sizeof campaign->seconds_before);
        campaign->runs = image_take_number(&image);
        campaign->died = image_take_number(&image);
        image_take_into(&image, campaign->engines, sizeof campaign->engines);
        image_take_into(&image, &campaign->timeline, sizeof campaign->timeline);
        if (image.too_short || campaign->timeline.count > TIMELINE_SAMPLES_MAX
            || !(campaign->seconds_before >= 0)) {
            why = "it is damaged";
            campaign->seconds_before = 0;
            campaign->runs = campaign->died = 0;
            memset(campaign->engines, 0, sizeof campaign->engines);
            campaign->timeline = (struct timeline){ 0 };
        }
    }
    if (why != NULL)
        folder_set_aside(path, why);
    free(image.bytes);
}

void resume_read(struct campaign *campaign)
{
    read_state(campaign);
    for (uint32_t i = 0; i < campaign->result->target_count; i++)
        read_target(campaign, i);
}

bool resume_write(struct campaign *campaign)
{
    bool written = true;
    for (uint32_t i = 0; i < campaign->result->target_count && written; i++)
        written = write_target(campaign, i);
    return written && write_state(campaign);
}
