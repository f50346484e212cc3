/* corpus.h: inputs worth varying, of one target, and how often each is taken: RFF's power schedule,
 * that is AFLFast's COE (Boehme, Pham, Roychoudhury, CCS 2016) over how often the reads-from
 * signature of an input has been seen: none for those above the mean, else twice as often each time
 * it is taken, up to a limit.
 *
 * A corpus only grows. Whoever is told how many entries and pairs it had, and the energies that
 * they had then, draws as it was then. */
#ifndef TREADLE_CORPUS_H
#define TREADLE_CORPUS_H

#include "mutate.h"

#define CORPUS_ENTRIES_MAX 1024u
#define CORPUS_PAIRS_MAX 4096u

struct corpus_entry {
    struct input input;
    uint64_t signature; /* of its execution (feedback.h) */
};

struct corpus {
    struct corpus_entry *entries;
    struct reads_from *pairs; /* that executions have shown, each once */
    uint32_t entry_count, entry_capacity;
    uint32_t pair_count, pair_capacity;
};

/* Adds copies; beyond the limits they are left out. */
void corpus_add(struct corpus *corpus, const struct corpus_entry *entry);
void corpus_add_pairs(struct corpus *corpus, const struct reads_from *pairs, uint32_t count);

/* What has become of entries: executions with their signature, and how often they were taken. */
struct corpus_use {
    uint32_t seen, taken;
};

/* The energies of entries after that, each at least 1 where any other is 0. */
void corpus_weigh(const struct corpus_use *uses, uint32_t count, uint32_t *ret_energies);

/* A corpus as it was at some time. */
struct corpus_view {
    const struct corpus *corpus;
    uint32_t entry_count, pair_count;
    const uint64_t *sums; /* energies of the entries up to each, itself included */
};

/* Draws an entry by energy and varies it; returns its index. The view has one. */
uint32_t corpus_draw(const struct corpus_view *view, struct rng *rng, struct input *ret_input);

void corpus_clear(struct corpus *corpus);

#endif
