/* tally.c: counting executions by verdict. */
#include "tally.h"

#include <string.h>
#include <time.h>

double tally_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool requirement_met(const struct treadle_requirement *requirement, uint64_t seen,
                            bool silent)
{
    if (!(seen >> requirement->verdict & 1) || (requirement->silent && !silent))
        return false;
    if (requirement->rule == NULL)
        return true;
    for (uint32_t i = 0; i < execution.verdict_count; i++) {
        const struct verdict_record *record = &execution.verdicts[i];
        if (record->verdict == requirement->verdict
            && strstr(record->rule, requirement->rule) != NULL)
            return true;
    }
    return false;
}

static inline struct tally_entry entry_now(void)
{
    const uint64_t loud = TREADLE_SET(GO_FATAL) | TREADLE_SET(PANIC) | TREADLE_SET(CRASH)
                          | TREADLE_SET(WILD_ACCESS);
    const struct treadle_target *target = execution.target;
    struct tally_entry entry = { .steps = execution.trace_run_count };
    if (execution.verdict_count == 0)
        return entry;
    for (uint32_t i = 0; i < execution.verdict_count; i++)
        entry.verdicts |= UINT64_C(1) << execution.verdicts[i].verdict;
    bool silent = !(entry.verdicts & loud);
    entry.detected = target->go_semantics && (entry.verdicts >> TREADLE_GO_FATAL & 1);
    entry.silent = target->go_semantics && silent;
    for (uint32_t i = 0; i < target->requirement_count; i++)
        if (requirement_met(&target->requires[i], entry.verdicts, silent))
            entry.requirements |= UINT64_C(1) << i;
    return entry;
}

struct tally_entry tally_entry(void)
{
    return entry_now();
}

static void count_verdict(struct tally *tally, enum treadle_verdict verdict, uint64_t number,
                          double start)
{
    tally->verdicts[verdict]++;
    if (tally->first[verdict] == 0 || number + 1 < tally->first[verdict]) {
        tally->first[verdict] = number + 1;
        tally->first_seconds[verdict] = tally_now() - start;
    }
}

void tally_add_entry(struct tally *tally, const struct tally_entry *entry, uint64_t number,
                     double start)
{
    tally->executions++;
    tally->steps += entry->steps;
    if (entry->verdicts == 0) {
        tally->verdicts[TREADLE_OK]++;
        return;
    }
    for (uint64_t left = entry->verdicts; left != 0; left &= left - 1)
        count_verdict(tally, (enum treadle_verdict)__builtin_ctzll(left), number, start);
    tally->detected += entry->detected;
    tally->silent += entry->silent;
    for (uint64_t left = entry->requirements; left != 0; left &= left - 1)
        tally->requirements[__builtin_ctzll(left)]++;
}

void tally_count(struct tally *tally, uint64_t number, double start)
{
    if (execution.verdict_count == 0) {
        tally->executions++;
        tally->steps += execution.trace_run_count;
        tally->verdicts[TREADLE_OK]++;
        return;
    }
    struct tally_entry entry = entry_now();
    tally_add_entry(tally, &entry, number, start);
}

void tally_add(struct tally *sum, const struct tally *part)
{
    sum->executions += part->executions;
    sum->steps += part->steps;
    sum->detected += part->detected;
    sum->silent += part->silent;
    sum->seconds += part->seconds;
    for (uint32_t i = 0; i < TREADLE_REQUIREMENTS_MAX; i++)
        sum->requirements[i] += part->requirements[i];
    for (uint32_t i = 0; i < TREADLE_VERDICT_COUNT; i++) {
        sum->verdicts[i] += part->verdicts[i];
        if (part->first[i] != 0 && (sum->first[i] == 0 || part->first[i] < sum->first[i])) {
            sum->first[i] = part->first[i];
            sum->first_seconds[i] = part->first_seconds[i];
        }
    }
}

uint64_t tally_seen(const struct tally *tally)
{
    uint64_t seen = 0;
    for (uint32_t i = TREADLE_OK + 1; i < TREADLE_VERDICT_COUNT; i++)
        if (tally->verdicts[i] > 0)
            seen |= UINT64_C(1) << i;
    return seen;
}

uint32_t tally_unmet(const struct tally *tally, const struct treadle_target *target)
{
    uint32_t unmet = 0;
    for (uint32_t i = 0; i < target->requirement_count; i++)
        unmet += tally->requirements[i] == 0;
    return unmet;
}
