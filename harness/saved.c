/* saved.c: schedule files that are there already. */
#include "saved.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scheduler/check.h"
#include "../scheduler/schedule.h"
#include "../scheduler/target.h"
#include "folder.h"
#include "subject_origin.h"

#define PLACES_MAX 10u

/* Times that another goroutine, or store buffer, goes on. */
static uint32_t switches_of(const struct schedule *schedule)
{
    uint32_t switches = 0;
    const struct schedule_step *last = NULL;
    for (uint32_t i = 0; i < schedule->step_count; i++) {
        const struct schedule_step *step = &schedule->steps[i];
        if (step->kind != SCHEDULE_RUN)
            continue;
        switches += last != NULL
                    && (last->goroutine != step->goroutine || last->drainer != step->drainer);
        last = step;
    }
    return switches;
}

static bool is_shorter(const struct schedule *a, const struct schedule *b)
{
    uint32_t switches_a = switches_of(a), switches_b = switches_of(b);
    return switches_a != switches_b ? switches_a < switches_b : a->events < b->events;
}

static bool is_of_this_build(const struct schedule *schedule)
{
    return schedule->subject_hash == subject_origin()->hash;
}

/* ---- moving ---------------------------------------------------------------------------------- */

enum there { THERE_NOTHING, THERE_SOMETHING_ELSE, THERE_AS_SHORT, THERE_LONGER };

/* What lies where a finding is to go; a schedule of another build is set aside. */
static enum there what_is_there(const char *path, const struct finding *finding,
                                const char *temporary)
{
    char error[4096], aside[FOLDER_PATH_BYTES];
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return THERE_NOTHING;
    struct schedule *known = schedule_load(path, error, sizeof error);
    struct schedule *mine = schedule_load(temporary, error, sizeof error);
    enum there there = THERE_SOMETHING_ELSE;
    if (known != NULL && mine != NULL && known->fingerprint == finding->fingerprint) {
        if (is_of_this_build(known))
            there = is_shorter(mine, known) ? THERE_LONGER : THERE_AS_SHORT;
        else if (folder_rename_aside(path, aside))
            there = THERE_NOTHING;
    }
    schedule_destroy(known);
    schedule_destroy(mine);
    return there;
}

static bool move(const char *directory, uint32_t target, struct finding *finding,
                 const char *temporary, bool shorter_stays)
{
    for (; finding->place < PLACES_MAX; finding->place++) {
        char path[FOLDER_PATH_BYTES];
        keep_path(directory, target_at(target), finding, path, sizeof path);
        switch (what_is_there(path, finding, temporary)) {
        case THERE_SOMETHING_ELSE:
            continue;
        case THERE_AS_SHORT:
            if (shorter_stays)
                return true;
            return rename(temporary, path) == 0;
        case THERE_NOTHING:
        case THERE_LONGER:
            return rename(temporary, path) == 0;
        }
    }
    errno = EEXIST;
    return false;
}

bool saved_move(const struct keep_plan *plan, uint32_t target, struct finding *finding,
                const char *temporary)
{
    return move(plan->directory, target, finding, temporary, true);
}

bool saved_replace(const struct keep_plan *plan, uint32_t target, struct finding *finding,
                   const char *temporary)
{
    return move(plan->directory, target, finding, temporary, false);
}

void saved_retire(const char *directory, uint32_t target, const struct finding *finding)
{
    char path[FOLDER_PATH_BYTES], surplus[FOLDER_PATH_BYTES + 16];
    keep_path(directory, target_at(target), finding, path, sizeof path);
    snprintf(surplus, sizeof surplus, "%s.surplus", path);
    rename(path, surplus);
}

/* ---- loading --------------------------------------------------------------------------------- */

/* Fills in what a schedule tells. */
static void describe(const struct schedule *schedule, struct finding_life *life)
{
    life->saved = true;
    life->switches = switches_of(schedule);
    life->events = schedule->events;
    snprintf(life->rule, sizeof life->rule, "%s", schedule->rule != NULL ? schedule->rule : "");
}

void saved_describe(const char *directory, uint32_t target, const struct finding *finding,
                    struct finding_life *life)
{
    char path[FOLDER_PATH_BYTES], error[4096];
    keep_path(directory, target_at(target), finding, path, sizeof path);
    struct schedule *schedule = schedule_load(path, error, sizeof error);
    if (schedule != NULL)
        describe(schedule, life);
    schedule_destroy(schedule);
}

static struct finding_kept *list_find(struct finding_list *list, uint64_t fingerprint)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].finding.fingerprint == fingerprint)
            return &list->items[i];
    return NULL;
}

/* Takes a schedule in if it has the name that a finding of a campaign has. */
static void load_schedule(const char *directory, const char *path, uint32_t target,
                          const struct schedule *schedule, struct finding_list *list)
{
    struct finding finding = { .fingerprint = schedule->fingerprint,
                               .verdict = schedule->verdict,
                               .preemptions = PREEMPTIONS_UNKNOWN,
                               .switches = switches_of(schedule),
                               .steps = schedule->events };
    char expected[FOLDER_PATH_BYTES];
    bool named = false;
    for (; finding.place < PLACES_MAX && !named; finding.place += !named) {
        keep_path(directory, target_at(target), &finding, expected, sizeof expected);
        named = strcmp(expected, path) == 0;
    }
    if (!named || !is_of_this_build(schedule)
        || strcmp(schedule->target, target_at(target)->name) != 0)
        return;
    struct finding_kept *known = list_find(list, finding.fingerprint);
    if (known == NULL) {
        finding_list_take(list, &finding);
        known = list_find(list, finding.fingerprint);
        CHECK(known != NULL, ==, true);
    }
    known->finding.place = finding.place;
    known->life.earlier = true;
    known->kept = known->finding.choices == NULL;
    describe(schedule, &known->life);
}

static int is_schedule_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 6 && strcmp(entry->d_name + length - 6, ".sched") == 0;
}

/* Leaves those that are saved, or can be. */
static void drop_lost(struct finding_list *list)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].life.saved || list->items[i].finding.choices != NULL)
            list->items[count++] = list->items[i];
    list->count = count;
}

void saved_load(const char *directory, uint32_t target, struct finding_list *list)
{
    char folder[FOLDER_PATH_BYTES], path[2 * FOLDER_PATH_BYTES], error[4096];
    snprintf(folder, sizeof folder, "%s/%s", directory, target_at(target)->name);
    for (uint32_t i = 0; i < list->count; i++)
        list->items[i].life.saved = list->items[i].kept = false;
    struct dirent **entries;
    int count = scandir(folder, &entries, is_schedule_file, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        struct schedule *schedule = schedule_load(path, error, sizeof error);
        if (schedule != NULL)
            load_schedule(directory, path, target, schedule, list);
        else
            fprintf(stderr, "treadle fuzz: %s; it is left alone\n", error);
        schedule_destroy(schedule);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    drop_lost(list);
}
