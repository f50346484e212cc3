/* greybox.h: our own greybox loop: a third of the executions vary what earlier ones have shown; a
 * sixth, where nothing new was shown for long.
 *
 * Executions are numbered, and divided into *generations*, each about an eighth of all before it.
 * An execution of generation g is a function of its number and of what those of the generations up
 * to g - 2 have shown; so all of a generation can be made in any order by any number of processes,
 * and the next one begun meanwhile. What a generation has shown is put together in the order of
 * numbers when all of it is there.
 *
 * Of each feature it is known whether one execution has shown it so far, or more: from that
 * follows how likely the next one shows something new (greybox_chance). */
#ifndef TREADLE_GREYBOX_H
#define TREADLE_GREYBOX_H

#include "corpus.h"

/* The first execution of a generation's successor; first: its own first. */
uint64_t greybox_generation_end(uint64_t first);

/* ---- in the process that executes ------------------------------------------------------------ */

/* An execution that was worth keeping where it was made. */
struct candidate {
    uint64_t number;
    struct corpus_entry entry;
    uint16_t feature_count, pair_count; /* so many follow it */
};

/* What a piece of work has shown. */
struct shown {
    uint8_t *bytes; /* candidates, each with its features and pairs */
    size_t byte_count, byte_capacity;
    struct corpus_use *uses; /* of the entries known to it */
    uint32_t use_count, use_capacity;
    uint16_t *again; /* features that were shown once more, and are not known to be settled */
    uint32_t again_count, again_capacity;
    uint64_t looked; /* executions that were looked at */
};

/* What a worker knows of a target. */
struct greybox_target {
    struct corpus corpus;
    struct feedback feedback;
    struct constrained constrained;
    struct input input; /* of the execution, if it is a varied one */
    int64_t drawn;      /* the entry that it was made of, or -1 */
    uint32_t varied_period; /* one execution in so many varies an entry */
    uint64_t *sums;     /* of the view's energies */
    uint32_t sum_capacity;
    struct corpus_view view;
    struct known_signature *signatures; /* of the first known_entries entries */
    uint32_t known_entries;
    uint16_t *learned; /* features that this piece of work has shown first */
    uint32_t learned_count, learned_capacity;
    uint16_t *settled; /* those that it has shown as often as anybody asks */
    uint32_t settled_count, settled_capacity;
};

/* Goes on to the corpus that a piece of work is to see; what only pieces before it have shown is
 * forgotten. */
void greybox_see(struct greybox_target *target, uint32_t entry_count, uint32_t pair_count,
                 const uint32_t *energies, uint32_t varied_period);

/* Whether execution `number` varies an entry; then its input is drawn, and *ret_strategy follows
 * it. */
bool greybox_draw(struct greybox_target *target, uint64_t number, uint64_t seed,
                  struct strategy *ret_strategy);

/* Looks at the execution that has just been made, which was `number`; adds what it has shown. */
void greybox_look(struct greybox_target *target, uint64_t number, struct shown *shown);

void greybox_clear(struct greybox_target *target);

/* Looks at the execution that has just been made, which was `number` and was wished to be like that
 * (NULL: like nothing); adds what it has shown, which the feedback then knows. */
void shown_look(struct shown *shown, struct feedback *feedback, uint64_t number,
                const struct input *wish);

/* Empty, with room for the uses of so many entries. */
void shown_begin(struct shown *shown, uint32_t entry_count);
/* Room for byte_count more bytes, which the caller fills in. */
void *shown_room(struct shown *shown, size_t byte_count);
/* The same for features shown again. */
uint16_t *shown_room_again(struct shown *shown, uint32_t count);
/* Whether its bytes are candidates, none of them cut off. */
bool shown_is_whole(const struct shown *shown);
void shown_clear(struct shown *shown);

/* ---- in the process that collects ------------------------------------------------------------ */

struct generation {
    uint64_t first, end;  /* numbers of its executions */
    uint64_t done;
    uint32_t entry_count, pair_count; /* of the corpus that it sees */
    uint32_t varied_period; /* one of its executions in so many varies an entry */
    uint32_t *energies;
    struct shown shown; /* by its executions so far, in any order */
};

/* kinds: enum feedback_kind that it goes by. Without feedback nothing that was shown is varied, but
 * for the pairs that constraints are made of; without constraints there are none. */
struct greybox_options {
    uint32_t kinds;
    bool without_feedback, without_constraints;
};

/* All of one target's search. */
struct greybox {
    struct corpus corpus;
    struct feedback feedback; /* its known features are those of all generations put together */
    struct corpus_use *uses;
    struct generation generations[2]; /* the oldest that is not done, and the next one */
    uint16_t *features;   /* those, in the order in which they were shown first */
    uint32_t feature_count;
    uint16_t *settled;    /* those that more than one execution has shown, in that order */
    uint32_t settled_count;
    uint64_t looked;      /* executions that were looked at */
    struct greybox_options options;
    uint64_t fresh_count; /* executions that have shown a new feature */
    uint64_t last_fresh;  /* the number of the last one */
};

void greybox_init(struct greybox *greybox, const struct greybox_options *options);

/* The generation of execution `number`; NULL if it cannot be begun yet. */
struct generation *greybox_generation(struct greybox *greybox, uint64_t number);

/* Takes what a piece of `done` executions of that generation has shown. */
void greybox_take(struct greybox *greybox, struct generation *generation,
                  const struct shown *shown, uint64_t done);

/* Takes what executions have shown that are of no generation: another engine's. They do not count
 * for greybox_chance: engines execute the same input again and again. */
void greybox_import(struct greybox *greybox, const struct shown *shown);

/* The chance that the next execution shows a new feature, as Good and Turing estimate it: features
 * that one execution has shown, by executions (Boehme, "STADS: Software Testing as Species
 * Discovery", TOSEM 2018). 1 as long as nothing was looked at. */
double greybox_chance(const struct greybox *greybox);

void greybox_deinit(struct greybox *greybox);

/* ---- between them ---------------------------------------------------------------------------- */

/* What of a target's search a worker has been sent. */
struct greybox_sent {
    uint32_t entries, pairs, features, settled;
};

/* All of these: false if the other end is gone. */
bool greybox_send(const struct greybox *greybox, const struct generation *generation,
                  struct greybox_sent *sent, int socket);
bool greybox_receive(struct greybox_target *target, int socket);
bool shown_send(const struct shown *shown, int socket);
bool shown_receive(struct shown *shown, int socket);

#endif
