/* status_file.c: a campaign's status as JSON. */
#include "status_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "campaign_turns.h"
#include "command.h"
#include "keep.h"
#include "report.h"

#define STATUS_VERSION 1

static json_t *number_or_null(double number)
{
    return number < 0 ? json_null() : json_real(number);
}

static json_t *time_now(void)
{
    char text[32];
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return json_string(text);
}

/* ---- targets --------------------------------------------------------------------------------- */

static json_t *finding_json(const struct campaign *campaign, const struct treadle_target *target,
                            const struct finding_kept *item)
{
    char path[FOLDER_PATH_BYTES], replay[2 * FOLDER_PATH_BYTES], fingerprint[20];
    keep_path(campaign->options.directory, target, &item->finding, path, sizeof path);
    progress_replay(campaign, target, &item->finding, replay, sizeof replay);
    snprintf(fingerprint, sizeof fingerprint, "%016llx",
             (unsigned long long)item->finding.fingerprint);
    bool saved = item->life.saved;
    json_int_t switches = saved ? item->life.switches : item->finding.switches;
    json_int_t events = saved ? item->life.events : item->finding.steps;
    bool expected = target->expects >> item->finding.verdict & 1;
    json_t *json = json_pack("{s:s, s:b, s:s, s:I, s:I, s:f, s:b}", "verdict",
                             verdict_name(item->finding.verdict), "expected", expected,
                             "fingerprint", fingerprint, "switches", switches, "events", events,
                             "found_seconds", item->life.found_seconds, "saved", saved);
    json_object_set_new(json, "rule", command_json_text(item->life.rule));
    json_object_set_new(json, "path", saved ? command_json_text(path) : json_null());
    json_object_set_new(json, "replay", saved ? command_json_text(replay) : json_null());
    return json;
}

static json_t *missing_json(const struct campaign_target *target)
{
    const struct treadle_target *known = target_at(target->index);
    json_t *missing = json_array();
    for (uint32_t i = 0; i < known->requirement_count; i++) {
        char text[512];
        progress_requirement(&known->requires[i], text, sizeof text);
        if (target->tally.requirements[i] == 0)
            json_array_append_new(missing, command_json_text(text));
    }
    return missing;
}

static json_t *target_json(const struct campaign *campaign, const struct campaign_target *target)
{
    const struct treadle_target *known = target_at(target->index);
    const struct tally *tally = &target->tally;
    const struct greybox *greybox = target->greybox;
    bool knows_chance = greybox != NULL && (campaign->options.engines >> ENGINE_OWN & 1);
    double rate = tally->seconds > 0 ? (double)tally->executions / tally->seconds : 0;
    json_t *findings = json_array();
    for (uint32_t i = 0; i < target->findings.count; i++)
        json_array_append_new(findings,
                              finding_json(campaign, known, &target->findings.items[i]));
    json_t *json = json_pack(
        "{s:s, s:I, s:I, s:f, s:f, s:I, s:I, s:I, s:o, s:o, s:o}", "target", known->name,
        "executions", (json_int_t)tally->executions, "steps", (json_int_t)tally->steps, "seconds",
        tally->seconds, "executions_per_second", rate, "features",
        (json_int_t)(greybox != NULL ? greybox->feature_count : 0), "features_once",
        (json_int_t)(greybox != NULL ? greybox->feature_count - greybox->settled_count : 0),
        "corpus_entries", (json_int_t)(greybox != NULL ? greybox->corpus.entry_count : 0),
        "chance_of_new_behaviour", number_or_null(knows_chance ? greybox_chance(greybox) : -1),
        "missing", missing_json(target), "findings", findings);
    json_object_set_new(json, "verdicts", report_verdicts_json(tally));
    json_object_set_new(json, "detected", report_go_json(known, tally->detected));
    json_object_set_new(json, "silent", report_go_json(known, tally->silent));
    json_object_set_new(json, "error", report_error_json(target->error));
    return json;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static json_t *timeline_json(const struct timeline *timeline)
{
    json_t *samples = json_array();
    for (uint32_t i = 0; i < timeline->count; i++) {
        const struct sample *sample = &timeline->samples[i];
        json_array_append_new(samples,
                              json_pack("{s:f, s:I, s:I, s:I}", "seconds", sample->seconds,
                                        "executions", (json_int_t)sample->executions, "features",
                                        (json_int_t)sample->features, "findings",
                                        (json_int_t)sample->findings));
    }
    return samples;
}

/* What each engine that takes part has done. */
static json_t *engines_json(const struct campaign *campaign)
{
    json_t *engines = json_array();
    for (enum campaign_engine i = 0; i < ENGINE_COUNT; i++) {
        const struct engine_account *account = &campaign->engines[i];
        if (campaign->options.engines >> i & 1)
            json_array_append_new(
                engines, json_pack("{s:s, s:f, s:I, s:I, s:I}", "engine", turns_engine_name(i),
                                   "seconds", account->seconds, "executions",
                                   (json_int_t)account->executions, "new_behaviours",
                                   (json_int_t)account->behaviours, "new_findings",
                                   (json_int_t)account->findings));
    }
    return engines;
}

static json_t *health_json(const struct campaign *campaign)
{
    json_t *errors = json_array();
    for (uint32_t i = 0; i < campaign->result->target_count; i++) {
        const struct campaign_target *target = &campaign->result->targets[i];
        if (target->error[0] != '\0')
            json_array_append_new(errors,
                                  json_pack("{s:s, s:o}", "target", target_at(target->index)->name,
                                            "error", command_json_text(target->error)));
    }
    return json_pack("{s:I, s:I, s:o, s:o}", "runs", (json_int_t)campaign->runs, "workers_died",
                     (json_int_t)campaign->died, "errors", errors, "unwritten",
                     report_error_json(campaign->folder.troubled ? campaign->folder.trouble : ""));
}

struct json_t *status_file_json(const struct campaign *campaign, const struct progress *progress)
{
    const struct campaign_options *options = &campaign->options;
    json_t *by_verdict = json_object(), *targets = json_array();
    for (uint32_t i = 0; i < TREADLE_VERDICT_COUNT; i++)
        if (progress->findings[i] > 0)
            json_object_set_new(by_verdict, verdict_name((enum treadle_verdict)i),
                                json_integer((json_int_t)progress->findings[i]));
    for (uint32_t i = 0; i < campaign->result->target_count; i++)
        json_array_append_new(targets, target_json(campaign, &campaign->result->targets[i]));
    json_t *json = json_pack(
        "{s:i, s:s, s:o, s:o, s:I, s:s, s:s, s:i, s:f, s:o, s:I, s:f, s:I}", "version",
        STATUS_VERSION, "state", progress->state, "written", time_now(), "directory",
        command_json_text(options->directory), "seed", (json_int_t)options->plan.seed, "memory",
        memory_model_name(options->plan.memory), "strategy", options->strategy, "jobs",
        (int)options->jobs, "seconds", progress->now.seconds, "seconds_left",
        number_or_null(progress->seconds_left), "executions",
        (json_int_t)progress->now.executions, "executions_per_second", progress->rate, "steps",
        (json_int_t)progress->steps);
    CHECK(json != NULL, ==, true);
    json_object_set_new(json, "features", json_integer((json_int_t)progress->now.features));
    json_object_set_new(json, "features_last_hour",
                        json_integer((json_int_t)progress->features_last_hour));
    json_object_set_new(json, "chance_of_new_behaviour", number_or_null(progress->chance));
    json_object_set_new(json, "findings",
                        json_pack("{s:I, s:I, s:o}", "count", (json_int_t)progress->now.findings,
                                  "unsaved", (json_int_t)progress->unsaved, "by_verdict",
                                  by_verdict));
    json_object_set_new(json, "missing", json_integer((json_int_t)progress->missing));
    json_object_set_new(json, "engines", engines_json(campaign));
    json_object_set_new(json, "targets", targets);
    json_object_set_new(json, "health", health_json(campaign));
    json_object_set_new(json, "timeline", timeline_json(&campaign->timeline));
    return json;
}

bool status_file_write(struct campaign *campaign, const struct progress *progress)
{
    json_t *json = status_file_json(campaign, progress);
    char *text = json_dumps(json, JSON_INDENT(1));
    json_decref(json);
    CHECK(text != NULL, ==, true);
    struct image image = { 0 };
    image_put(&image, text, strlen(text));
    image_put(&image, "\n", 1);
    free(text);
    bool written = folder_write(&campaign->folder, NULL, "status.json", &image);
    free(image.bytes);
    return written;
}
