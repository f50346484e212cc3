/* report.h: what fuzz and check say alike of a target's executions, for people and as JSON. */
#ifndef TREADLE_REPORT_H
#define TREADLE_REPORT_H

#include "finding.h"
#include "tally.h"

struct json_t;

/* {"ok": N, "torn-read": N, ...}: only verdicts that came. */
struct json_t *report_verdicts_json(const struct tally *tally);

/* Paths of the findings that were kept. */
struct json_t *report_findings_json(const char *directory, const struct treadle_target *target,
                                    const struct finding_list *list);

/* A count as JSON for Go subjects, null for others. */
struct json_t *report_go_json(const struct treadle_target *target, uint64_t count);

/* What went wrong with a target, null if nothing did (""). */
struct json_t *report_error_json(const char *error);

/* Prints "torn-read 3, ! leak 812" and ends the line; wraps into the columns from 52 on. ! marks
 * what the target does not expect. Prints nothing but the line's end where there are none. */
void report_print_verdicts(const struct treadle_target *target, const struct tally *tally);

/* Whether it has a verdict that it does not expect. */
bool report_is_unexpected(const struct treadle_target *target, const struct tally *tally);

#endif
