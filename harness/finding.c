/* finding.c: noticing which executions are worth keeping, and which of those are kept. */
#include "finding.h"

#include <stdlib.h>
#include <string.h>

/* Keys of the tables below are hashes themselves. */
#define HASH_FUNCTION(key, key_bytes, value) memcpy(&(value), key, sizeof(value))
#include <uthash.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/check.h"
#include "../scheduler/heap.h"
#include "describe.h"
#include "process.h"

/* At most so many different findings of a target are noted. */
#define FINDINGS_MAX 4096u
/* The fingerprints of so many different verdicts are remembered; others are computed each time. */
#define VERDICTS_MAX 65536u
#define CHOICES_MAX (16u << 20)

static inline bool is_shorter(const struct finding *a, const struct finding *b)
{
    if (a->preemptions != b->preemptions)
        return a->preemptions < b->preemptions;
    if (a->switches != b->switches)
        return a->switches < b->switches;
    return a->steps != b->steps ? a->steps < b->steps : a->number < b->number;
}

bool finding_is_shorter(const struct finding *a, const struct finding *b)
{
    return is_shorter(a, b);
}

bool finding_send(int socket, const struct finding *finding)
{
    struct finding sent = *finding;
    sent.choices = NULL;
    return process_write(socket, &sent, sizeof sent)
           && process_write(socket, finding->choices,
                            finding->choice_count * sizeof *finding->choices);
}

bool finding_receive(int socket, struct finding *ret_finding)
{
    struct finding finding;
    if (!process_read(socket, &finding, sizeof finding))
        return false;
    CHECK(finding.choice_count, <=, CHOICES_MAX);
    finding.choices = NULL;
    if (finding.choice_count > 0) {
        size_t bytes = finding.choice_count * sizeof *finding.choices;
        finding.choices = malloc(bytes);
        CHECK(finding.choices != NULL, ==, true);
        if (!process_read(socket, finding.choices, bytes)) {
            free(finding.choices);
            return false;
        }
    }
    *ret_finding = finding;
    return true;
}

/* ---- notes ----------------------------------------------------------------------------------- */

struct known_finding {
    struct finding finding;
    bool sent; /* this state of it */
    UT_hash_handle hh;
};

/* What is known of a verdict, by what decides its fingerprint: names are slow to look up. */
struct known_verdict {
    uint64_t key;
    uint64_t fingerprint;
    struct known_finding *finding; /* the one of that fingerprint, or NULL: not looked up yet */
    UT_hash_handle hh;
};

struct finding_notes {
    struct known_verdict *verdicts;
    struct known_finding *findings;
};

struct finding_notes *finding_notes_create(void)
{
    struct finding_notes *notes = calloc(1, sizeof *notes);
    CHECK(notes != NULL, ==, true);
    return notes;
}

static uint64_t verdict_key(const struct verdict_record *record)
{
    uint64_t words[2 + 3 * VERDICT_EVENTS_MAX] = { record->verdict, (uint64_t)record->rule };
    size_t count = 2;
    for (uint32_t i = 0; i < record->event_count; i++) {
        const struct event *event = &execution.trace[record->events[i]];
        const struct heap_block *block = heap_find_at(event->address, record->events[i]);
        bool labelled = event->kind == EVENT_CHOOSE || event->kind == EVENT_ALLOC;
        words[count++] = event->pc << 8 | event->kind;
        words[count++] = labelled ? event->source : block != NULL ? (uint64_t)block->type : 0;
        words[count++] = block != NULL ? event->address - block->start : event->address;
    }
    return XXH3_64bits(words, count * sizeof words[0]);
}

/* Returns what is known of the verdict; if no more are remembered, in *space. */
static inline struct known_verdict *verdict_of(struct finding_notes *notes,
                                               const struct verdict_record *record,
                                               struct known_verdict *space)
{
    uint64_t key = verdict_key(record);
    struct known_verdict *known;
    HASH_FIND(hh, notes->verdicts, &key, sizeof key, known);
    if (known != NULL)
        return known;
    bool remembered = HASH_COUNT(notes->verdicts) < VERDICTS_MAX;
    known = remembered ? malloc(sizeof *known) : space;
    CHECK(known != NULL, ==, true);
    *known =
        (struct known_verdict){ .key = key, .fingerprint = describe_fingerprint(record) };
    if (remembered)
        HASH_ADD(hh, notes->verdicts, key, sizeof key, known);
    return known;
}

uint64_t finding_notes_fingerprint(struct finding_notes *notes,
                                   const struct verdict_record *record)
{
    struct known_verdict space;
    return verdict_of(notes, record, &space)->fingerprint;
}

/* The finding of that verdict, or NULL. */
static inline struct known_finding *finding_of(const struct finding_notes *notes,
                                               struct known_verdict *verdict)
{
    if (verdict->finding == NULL)
        HASH_FIND(hh, notes->findings, &verdict->fingerprint, sizeof verdict->fingerprint,
                  verdict->finding);
    return verdict->finding;
}

/* Puts the witness's choices in. */
static void copy_choices(struct finding *finding, const struct witness *witness)
{
    free(finding->choices);
    finding->choices = NULL;
    finding->choice_count = witness->choice_count;
    if (finding->choice_count == 0)
        return;
    size_t bytes = finding->choice_count * sizeof *finding->choices;
    finding->choices = malloc(bytes);
    CHECK(finding->choices != NULL, ==, true);
    memcpy(finding->choices, witness->choices, bytes);
}

static void note_new(struct finding_notes *notes, const struct finding *finding,
                     const struct witness *witness)
{
    if (HASH_COUNT(notes->findings) == FINDINGS_MAX)
        return;
    struct known_finding *known = calloc(1, sizeof *known);
    CHECK(known != NULL, ==, true);
    known->finding = *finding;
    copy_choices(&known->finding, witness);
    HASH_ADD(hh, notes->findings, finding.fingerprint, sizeof finding->fingerprint, known);
}

static inline void note_again(struct known_finding *known, const struct finding *finding,
                              const struct witness *witness)
{
    bool uncertain = known->finding.uncertain || finding->uncertain;
    known->sent &= uncertain == known->finding.uncertain;
    if (is_shorter(finding, &known->finding)) {
        struct choice *choices = known->finding.choices;
        known->finding = *finding;
        known->finding.choices = choices;
        copy_choices(&known->finding, witness);
        known->sent = false;
    }
    known->finding.uncertain = uncertain;
}

void finding_notes_add(struct finding_notes *notes, const struct witness *witness)
{
    if (execution.verdict_count == 0)
        return;
    struct finding finding = {
        .number = witness->number != NULL
                      ? *witness->number
                      : XXH3_64bits(witness->choices,
                                    witness->choice_count * sizeof *witness->choices),
        .preemptions = witness->preemptions,
        .uncertain = witness->uncertain,
        .switches = witness->switches,
        .steps = execution.trace_run_count,
    };
    for (uint32_t i = 0; i < execution.verdict_count; i++) {
        struct known_verdict space;
        struct known_verdict *verdict = verdict_of(notes, &execution.verdicts[i], &space);
        struct known_finding *known = finding_of(notes, verdict);
        finding.fingerprint = verdict->fingerprint;
        finding.verdict = execution.verdicts[i].verdict;
        if (known == NULL)
            note_new(notes, &finding, witness);
        else
            note_again(known, &finding, witness);
    }
}

uint32_t finding_notes_limit(struct finding_notes *notes)
{
    uint32_t limit = 0;
    for (uint32_t i = 0; i < execution.verdict_count; i++) {
        struct known_verdict space;
        const struct known_finding *known =
            finding_of(notes, verdict_of(notes, &execution.verdicts[i], &space));
        uint32_t fewest = known == NULL ? PREEMPTIONS_UNKNOWN : known->finding.preemptions;
        limit = fewest > limit ? fewest : limit;
    }
    return limit;
}

uint32_t finding_notes_new_count(const struct finding_notes *notes)
{
    uint32_t count = 0;
    struct known_finding *known, *next;
    HASH_ITER(hh, notes->findings, known, next)
    count += !known->sent;
    return count;
}

bool finding_notes_send(struct finding_notes *notes, int socket)
{
    bool sent = true;
    struct known_finding *known, *next;
    HASH_ITER(hh, notes->findings, known, next)
    {
        if (sent && !known->sent)
            sent = finding_send(socket, &known->finding);
        known->sent = true;
    }
    return sent;
}

void finding_notes_clear(struct finding_notes *notes)
{
    struct known_verdict *verdict, *next_verdict;
    HASH_ITER(hh, notes->verdicts, verdict, next_verdict)
    verdict->finding = NULL;
    struct known_finding *known, *next;
    HASH_ITER(hh, notes->findings, known, next)
    {
        HASH_DEL(notes->findings, known);
        free(known->finding.choices);
        free(known);
    }
}

/* ---- lists ----------------------------------------------------------------------------------- */

void finding_list_take(struct finding_list *list, struct finding *finding)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct finding_kept *known = &list->items[i];
        if (known->finding.fingerprint != finding->fingerprint)
            continue;
        bool better = finding_is_shorter(finding, &known->finding);
        bool uncertain = known->finding.uncertain || finding->uncertain;
        free(better ? known->finding.choices : finding->choices);
        uint32_t place = known->finding.place;
        if (better)
            *known = (struct finding_kept){ .finding = *finding, .life = known->life };
        known->finding.place = place;
        known->finding.uncertain = uncertain;
        return;
    }
    list->items = realloc(list->items, (list->count + 1) * sizeof *list->items);
    CHECK(list->items != NULL, ==, true);
    list->items[list->count++] = (struct finding_kept){ .finding = *finding };
}

/* By verdict, then the shorter first. */
static int finding_order(const void *left, const void *right)
{
    const struct finding *a = &((const struct finding_kept *)left)->finding;
    const struct finding *b = &((const struct finding_kept *)right)->finding;
    if (a->verdict != b->verdict)
        return a->verdict < b->verdict ? -1 : 1;
    if (finding_is_shorter(a, b))
        return -1;
    return finding_is_shorter(b, a);
}

/* Marks the chosen ones of a sorted list. */
static void mark_chosen(const struct finding_list *list, bool *chosen)
{
    uint32_t left = FINDINGS_KEPT_MAX;
    for (uint32_t rank = 0; left > 0; rank++) {
        bool any = false;
        uint32_t in_verdict = 0;
        for (uint32_t i = 0; i < list->count && left > 0; i++) {
            bool first = i == 0
                         || list->items[i].finding.verdict != list->items[i - 1].finding.verdict;
            in_verdict = first ? 0 : in_verdict + 1;
            if (in_verdict == rank) {
                chosen[i] = any = true;
                left--;
            }
        }
        if (!any)
            return;
    }
}

void finding_list_choose(struct finding_list *list)
{
    if (list->count == 0)
        return;
    bool *chosen = calloc(list->count, sizeof *chosen);
    CHECK(chosen != NULL, ==, true);
    qsort(list->items, list->count, sizeof *list->items, finding_order);
    mark_chosen(list, chosen);
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (chosen[i])
            list->items[count++] = list->items[i];
        else
            free(list->items[i].finding.choices);
    }
    list->count = count;
    free(chosen);
}

void finding_list_clear(struct finding_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free(list->items[i].finding.choices);
    free(list->items);
    *list = (struct finding_list){ 0 };
}
