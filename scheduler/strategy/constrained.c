/* constrained.c: constraints over partial order sampling, as RFF does it (Wolff et al., ASPLOS
 * 2024): before each event it is seen who is wished to go on, and who should wait. "w then r" lets
 * r wait until w was executed, then other writes there wait until r was. "not w then r" lets r wait
 * from w on until somebody else has written there; and w where r is pending. Where all should wait,
 * nobody does. After many decisions they are given up: who waits must not wait for somebody who
 * spins. */
#include "../constraints.h"

#include <string.h>

#include "../abstract.h"
#include "pos.h"

#define DECISIONS_MAX 1024u

enum wish { WISH_WAIT, WISH_NONE, WISH_GO };

static bool overlap(const struct event *event, uint64_t address)
{
    return address - event->address < event->size;
}

static bool is_named(const struct constrained *constrained, uint16_t abstract)
{
    return constrained->named[abstract % 1024 / 64] >> abstract % 64 & 1;
}

static void constrained_begin(struct strategy *self, uint64_t seed)
{
    struct constrained *constrained = self->constrained;
    const struct input *input = constrained->input;
    rng_seed(&self->rng, seed);
    abstract_begin();
    constrained->answers_given = 0;
    memset(constrained->states, 0, input->constraint_count * sizeof constrained->states[0]);
    memset(constrained->named, 0, sizeof constrained->named);
    constrained->written_count = constrained->decisions = 0;
    for (uint32_t i = 0; i < input->constraint_count; i++) {
        const uint16_t named[] = { input->constraints[i].write, input->constraints[i].read };
        for (uint32_t k = 0; k < 2; k++)
            constrained->named[named[k] % 1024 / 64] |= UINT64_C(1) << named[k] % 64;
    }
}

/* Whether somebody's pending event is that one. */
static bool is_pending(const uint16_t *pending, uint32_t count, uint16_t abstract)
{
    for (uint32_t i = 0; i < count; i++)
        if (pending[i] == abstract)
            return true;
    return false;
}

/* What one constraint says of a candidate. */
static enum wish wish_of(const struct constrained *constrained, uint32_t index,
                         const struct event *event, uint16_t abstract, const uint16_t *pending,
                         uint32_t count)
{
    const struct constraint *constraint = &constrained->input->constraints[index];
    bool due = constrained->states[index].reads == constraint->occurrence;
    if (constrained->states[index].over || !due)
        return WISH_NONE;
    bool written = constrained->states[index].written;
    if (abstract == constraint->read) {
        if (constraint->write == 0)
            return constraint->negative ? WISH_WAIT : WISH_GO; /* the set-up's write */
        return written != constraint->negative ? WISH_GO : written ? WISH_WAIT
               : constraint->negative ? WISH_NONE : WISH_WAIT;
    }
    bool reader_waits = is_pending(pending, count, constraint->read);
    if (abstract == constraint->write)
        return !reader_waits ? WISH_NONE : constraint->negative ? WISH_WAIT : WISH_GO;
    if (written && (event_effect(event) & EVENT_WRITES)
        && overlap(event, constrained->states[index].address))
        return constraint->negative ? WISH_GO : WISH_WAIT;
    return WISH_NONE;
}

static enum wish wish_of_all(const struct constrained *constrained, const struct event *event,
                             uint16_t abstract, const uint16_t *pending, uint32_t count)
{
    enum wish wish = WISH_NONE;
    if (constrained->written_count == 0 && !is_named(constrained, abstract))
        return wish;
    for (uint32_t i = 0; i < constrained->input->constraint_count; i++) {
        const struct constraint *constraint = &constrained->input->constraints[i];
        if (abstract != constraint->read && abstract != constraint->write
            && !constrained->states[i].written)
            continue;
        enum wish one = wish_of(constrained, i, event, abstract, pending, count);
        if (one == WISH_WAIT)
            return WISH_WAIT;
        wish = one > wish ? one : wish;
    }
    return wish;
}

/* Notes that the event is executed. */
static void follow(struct constrained *constrained, const struct event *event, uint16_t abstract)
{
    bool writes = event_effect(event) & EVENT_WRITES;
    for (uint32_t i = 0; i < constrained->input->constraint_count; i++) {
        const struct constraint *constraint = &constrained->input->constraints[i];
        if (abstract == constraint->read) {
            bool last = constrained->states[i].reads++ >= constraint->occurrence;
            constrained->states[i].over |= last;
        }
        bool written = constrained->states[i].written;
        if (abstract == constraint->write) {
            constrained->states[i].written = true;
            constrained->states[i].address = event->address;
        } else if (written && writes && overlap(event, constrained->states[i].address)) {
            constrained->states[i].written = false;
        }
        constrained->written_count += constrained->states[i].written - (uint32_t)written;
    }
}

#define CANDIDATES_MAX 32u /* with more, constraints are not looked at */

static uint32_t constrained_pick(struct strategy *self, struct goroutine *const *candidates,
                                 uint32_t count)
{
    struct constrained *constrained = self->constrained;
    bool concerned = constrained->written_count > 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = candidates[i]->id;
        if (candidates[i]->priority == 0) {
            uint16_t abstract = abstract_event(candidates[i]->pending.pc, id);
            constrained->pending[id].abstract = abstract;
            constrained->pending[id].named = is_named(constrained, abstract);
        }
        concerned |= constrained->pending[id].named;
    }
    if (!concerned || constrained->decisions++ >= DECISIONS_MAX)
        return pos_highest(self, candidates, count);
    uint16_t pending[CANDIDATES_MAX] = { 0 };
    for (uint32_t i = 0; i < count; i++)
        pending[i] = constrained->pending[candidates[i]->id].abstract;
    enum wish best = WISH_WAIT;
    uint32_t picked = 0;
    uint64_t highest = 0;
    for (uint32_t i = 0; i < count; i++) {
        enum wish wish = wish_of_all(constrained, &candidates[i]->pending, pending[i], pending,
                                     count);
        uint64_t priority = pos_priority(self, candidates[i]);
        if (wish > best || (wish == best && priority > highest)) {
            best = wish;
            highest = priority;
            picked = i;
        }
    }
    follow(constrained, &candidates[picked]->pending, pending[picked]);
    return picked;
}

static uint32_t constrained_answer(struct strategy *self, uint32_t count)
{
    struct constrained *constrained = self->constrained;
    if (constrained->answers_given < constrained->input->answer_count)
        return constrained->input->answers[constrained->answers_given++] % count;
    return rng_below(&self->rng, count);
}

static uint32_t constrained_choose(struct strategy *self, enum choice_kind kind,
                                   struct goroutine *const *candidates, uint32_t count)
{
    if (kind == CHOICE_DATA)
        return constrained_answer(self, count);
    pos_redraw(candidates, count);
    bool plain = self->constrained->input->constraint_count == 0 || count > CANDIDATES_MAX;
    uint32_t picked = plain ? pos_highest(self, candidates, count)
                            : constrained_pick(self, candidates, count);
    pos_executed(candidates, count, picked);
    return picked;
}

struct strategy strategy_constrained(struct constrained *constrained)
{
    return (struct strategy){ .name = "constrained",
                              .begin = constrained_begin,
                              .choose = constrained_choose,
                              .constrained = constrained };
}
