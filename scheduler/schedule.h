/* schedule.h: schedule files (`.sched`, version 1), the written form of an execution: text,
 * small, complete, made to be read, edited and diffed. design.md, "Schedule files".
 *
 *   treadle schedule 1
 *   target gomap/iterate-grow
 *   memory sc
 *   reuse never
 *   exploring 1                               as scheduler_options.exploring has it (below)
 *   subject gcc-12.2.0 0123456789abcdef       compiler and hash of the subjects' objects
 *   flags -O1 -g ...                          that they were compiled with
 *   verdict iterator-skip
 *   rule an entry present throughout is produced exactly once
 *   fingerprint 89abcdef01234567
 *   events 151                                events of the execution, final check excluded
 *   hash 0123456789abcdef                     event hash
 *   goroutine 1 0.1 ranger                    id, spawn path, role
 *   choices
 *   g1 x41 @ evacuate+3 write hmap.oldbuckets #2
 *   choose 5/16 iterator start
 *   g2 x12
 *   d1 x1
 *   end
 *
 * A line of `choices`: `gN xCOUNT` lets goroutine N execute COUNT events, after which it is about
 * to do what stands behind `@` (its anchor; none where it then exits, ends or waits). `choose
 * A/COUNT LABEL` answers a data choice; it belongs to the goroutine of the line before (which
 * meets it after exactly that many events), so it is never the first line. `dN xCOUNT` lets the
 * drainer of goroutine N's store buffer bring COUNT of its stores to memory (memory tso or pso; its
 * anchor is the next store it has to do with); under pso a goroutine may have more than one, `dN`,
 * `dN.1`, `dN.2` and so on (store_buffer.h).
 *
 * `exploring 1` stands only where an exploration has found what no order of events alone shows:
 * what lies between two events of a goroutine (where an operation ends, where the program does)
 * happens later there than right behind the first.
 *
 * Fields come in this order, each once; `exploring`, `flags`, `rule`, roles, anchors and labels may
 * be absent; an unknown field is an error. Words are parted by one space, no line ends in one;
 * numbers are decimal without leading zeros, hashes 16 lower-case hexadecimal digits. From the
 * second line on, empty lines and lines that begin with `#` are comments: they are not kept. */
#ifndef TREADLE_SCHEDULE_H
#define TREADLE_SCHEDULE_H

#include <stdio.h>

#include "treadle.h"

#define SCHEDULE_VERSION 1
#define SCHEDULE_FILE_BYTES_MAX (8u << 20)
#define SCHEDULE_LINE_BYTES_MAX 4096
#define SCHEDULE_GOROUTINES_MAX 1024
#define SCHEDULE_EVENTS_MAX 10000000u  /* in `events`, and in all run lines together */
#define SCHEDULE_STEPS_MAX 500000u     /* lines of `choices`; keeps a schedule below 64 MiB */
#define SCHEDULE_ANSWERS_MAX 65536u    /* candidates of one data choice */
#define SCHEDULE_DRAINERS_MAX 64u      /* of one goroutine */
#define SCHEDULE_TEXT_BYTES_MAX 1500   /* of a text that schedule_copy_text keeps */

enum schedule_step_kind { SCHEDULE_RUN, SCHEDULE_CHOOSE };

struct schedule_step {
    enum schedule_step_kind kind;
    uint32_t line;      /* where it stands in the file, from 1; 0 if it comes from no file */
    uint32_t goroutine; /* RUN */
    uint32_t drainer;   /* RUN: 0: the goroutine itself; i + 1: its drainer number i */
    uint32_t count;     /* RUN: events, >= 1; CHOOSE: number of answers, 1..65536 */
    uint32_t answer;    /* CHOOSE: < count */
    char *text;         /* RUN: anchor or NULL; CHOOSE: label or NULL; owned */
};

struct schedule_goroutine {
    uint32_t id;
    char *path; /* "0.1": the first child of goroutine 0 */
    char *role; /* may be NULL */
};

/* All strings are owned by the schedule; NULL means that the line is absent where that is allowed
 * (flags, rule). */
struct schedule {
    char *target, *memory, *reuse, *subject_compiler, *flags, *rule;
    uint32_t target_line, memory_line; /* where they stand in the file; 0 as in schedule_step */
    uint64_t subject_hash, fingerprint, hash;
    enum treadle_verdict verdict;
    bool exploring;
    uint32_t events;
    struct schedule_goroutine *goroutines;
    uint32_t goroutine_count;
    struct schedule_step *steps;
    uint32_t step_count;
};

/* Reads a schedule from text of that many bytes (which need not end in 0). Returns NULL and writes
 * one line, "NAME:LINE: cause; what to do", to error when it is not a schedule of this version. */
struct schedule *schedule_parse(const char *name, const char *text, size_t bytes, char *error,
                                size_t error_bytes);

/* The same from a file; one that cannot be read is an error like any other, of line 0. */
struct schedule *schedule_load(const char *path, char *error, size_t error_bytes);

/* Writes the schedule; schedule_parse(schedule_print(x)) equals x. Returns 0, or -1 with errno and
 * nothing written to out: EFBIG when it is larger than a file may be, EINVAL when something in it
 * cannot stand in a file (a field missing, a number out of range, a text with a line break). */
int schedule_print(const struct schedule *schedule, FILE *out);

/* Who runs in a RUN step, as files and reports say it: "g2", "d1", "d1.3". */
#define SCHEDULE_RUNNER_BYTES 24
void schedule_runner_name(uint32_t goroutine, uint32_t drainer, char *text);

/* A copy of text that can stand in a schedule, for the caller to free or hand to a schedule's
 * field: control characters become spaces, spaces at its ends go, what exceeds
 * SCHEDULE_TEXT_BYTES_MAX is cut off. NULL if nothing is left or text is NULL. */
char *schedule_copy_text(const char *text);

/* An empty schedule to be filled in: strings with schedule_copy_text, steps and goroutines with the
 * calls below, which copy theirs in the same way. */
struct schedule *schedule_create(void);
void schedule_add_goroutine(struct schedule *schedule, uint32_t id, const char *path,
                            const char *role);
void schedule_add_run(struct schedule *schedule, uint32_t goroutine, uint32_t drainer,
                      uint32_t count, const char *anchor);
void schedule_add_choose(struct schedule *schedule, uint32_t answer, uint32_t count,
                         const char *label);
void schedule_destroy(struct schedule *schedule); /* NULL is fine */

#endif
