/* oracle_leak.c: blocks that live when the execution has ended although nothing leads to them any
 * more. A conservative mark, as of a garbage collector (Boehm, Weiser 1988): every aligned word
 * that may be a pointer into a block, or just behind it, is one; a tag in its upper 16 bits is
 * taken off.
 *
 * Roots are the set-up's live blocks, which hold what lasts from one goroutine to the next, and the
 * state that set-up returned; then every other place outside heap and stacks that an event of
 * this execution wrote: so the subject's globals count and the engine's do not. What only a
 * goroutine's stack leads to has leaked: the goroutine is gone. Blocks of the final check are not
 * judged.
 *
 * A whole program's roots are its data, and the stacks of the threads that its end met alive. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scheduler/check.h"
#include "../scheduler/fiber.h"
#include "../scheduler/program.h"
#include "heap_life.h"

#define BLOCKS_STACK_MAX 256u

static const char rule_leak[] = "a live block is reachable when the execution has ended";

struct mark {
    struct found {
        const struct heap_block *block;
        bool reached;
    } *found; /* live blocks of the execution, sorted by start */
    uint32_t *queue; /* the reached ones, in the order in which they were */
    uint32_t count;
    uint32_t reached;
    uint64_t begin, end; /* all of them lie in between */
};

/* ---- marking --------------------------------------------------------------------------------- */

/* Takes the word for a pointer. Most words are out of the blocks' range. */
static void mark_word(struct mark *mark, uint64_t word)
{
    uint64_t pointer = pointer_untagged(word);
    if (pointer - mark->begin > mark->end - mark->begin)
        return;
    uint32_t low = 0; /* the last block that starts at or before the pointer is in [low, high) */
    uint32_t high = mark->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (mark->found[middle].block->start <= pointer)
            low = middle;
        else
            high = middle;
    }
    struct found *found = &mark->found[low];
    if (found->reached || pointer - found->block->start > found->block->bytes)
        return;
    found->reached = true;
    mark->queue[mark->reached++] = low;
}

static void mark_block(struct mark *mark, const struct heap_block *block)
{
    uint64_t end = block->start + block->bytes;
    for (uint64_t at = (block->start + 7) & ~UINT64_C(7);
         at + 8 <= end && mark->reached < mark->count; at += 8) {
        uint64_t word;
        memcpy(&word, (const void *)at, sizeof word);
        mark_word(mark, word);
    }
}

/* What is reached from the blocks that were reached, from number `from` on. */
static void mark_reached(struct mark *mark, uint32_t from)
{
    for (; from < mark->reached && mark->reached < mark->count; from++)
        mark_block(mark, mark->found[mark->queue[from]].block);
}

static void mark_setup(struct mark *mark)
{
    for (uint32_t number = 1; mark->reached < mark->count && heap_block_is_setup(number); number++)
        if (heap_block_live(heap_block_at(number)))
            mark_block(mark, heap_block_at(number));
}

/* The words around what this execution wrote outside heap and stacks. */
static void mark_globals(struct mark *mark)
{
    for (uint32_t i = 0; i < execution.trace_count && mark->reached < mark->count; i++) {
        const struct event *event = &execution.trace[i];
        if (event->kind == EVENT_FREE || !(event_effect(event) & EVENT_WRITES)
            || event->address == 0 || heap_find(event->address) != NULL
            || fiber_of_address(event->address) >= 0)
            continue;
        struct heap_block place = { .start = event->address & ~UINT64_C(7) };
        place.bytes = (event->address + event->size - place.start + 7) & ~UINT64_C(7);
        mark_block(mark, &place);
    }
}

/* A range of a whole program's memory. */
static void mark_root(void *context, uint64_t begin, uint64_t end)
{
    struct heap_block place = { .start = begin, .bytes = end - begin };
    mark_block(context, &place);
}

/* ---- the verdict ----------------------------------------------------------------------------- */

/* The goroutine's last failed compare-and-swap after the allocation; EVENT_INDEX_NONE if none. */
static uint32_t last_failure(const struct heap_block *block)
{
    for (uint32_t position = execution.trace_run_count; position-- > block->alloc_event;) {
        const struct event *event = &execution.trace[position];
        if (event->kind == EVENT_ATOMIC_CAS && !event->success
            && event->goroutine == block->owner)
            return position;
    }
    return EVENT_INDEX_NONE;
}

static void leak_accuse(const struct heap_block *block, uint32_t count)
{
    struct verdict_record *verdict = execution_add_verdict(TREADLE_LEAK, rule_leak);
    if (verdict == NULL)
        return;
    uint32_t failure = last_failure(block);
    verdict->events[verdict->event_count++] = block->alloc_event;
    if (failure != EVENT_INDEX_NONE)
        verdict->events[verdict->event_count++] = failure;
    if (execution.explain)
        snprintf(verdict->detail, sizeof verdict->detail,
                 "%s, allocation %u of goroutine %u; %u unreachable in all",
                 block->type != NULL ? block->type : "a block", block->serial, block->owner,
                 count);
}

static void leak_judge(struct mark *mark, void *state)
{
    mark_word(mark, (uint64_t)state);
    mark_setup(mark);
    mark_reached(mark, 0);
    if (mark->reached == mark->count)
        return;
    uint32_t before = mark->reached;
    if (execution.target->main != NULL)
        program_roots(mark_root, mark);
    else
        mark_globals(mark);
    mark_reached(mark, before);
    if (mark->reached == mark->count)
        return;
    const struct heap_block *first = NULL;
    for (uint32_t i = 0; i < mark->count; i++)
        if (!mark->found[i].reached
            && (first == NULL || mark->found[i].block->alloc_event < first->alloc_event))
            first = mark->found[i].block;
    leak_accuse(first, mark->count - mark->reached);
}

static int found_compare(const void *left, const void *right)
{
    uint64_t a = ((const struct found *)left)->block->start;
    uint64_t b = ((const struct found *)right)->block->start;
    return (a > b) - (a < b);
}

/* Collects the live blocks from number `first` on. */
static void mark_collect(struct mark *mark, uint32_t first)
{
    for (uint32_t number = first; number < heap_block_count(); number++) {
        const struct heap_block *block = heap_block_at(number);
        if (heap_block_live(block) && block->alloc_event < execution.trace_run_count)
            mark->found[mark->count++] = (struct found){ .block = block };
    }
    if (mark->count == 0)
        return;
    qsort(mark->found, mark->count, sizeof *mark->found, found_compare);
    const struct heap_block *last = mark->found[mark->count - 1].block;
    mark->begin = mark->found[0].block->start;
    mark->end = last->start + last->bytes;
}

void oracle_leak(void *state)
{
    uint32_t first = heap_block_count();
    while (first > 1 && !heap_block_is_setup(first - 1))
        first--;
    uint32_t count_max = heap_block_count() - first;
    struct found found_stack[BLOCKS_STACK_MAX];
    uint32_t queue_stack[BLOCKS_STACK_MAX];
    struct mark mark = { .found = found_stack, .queue = queue_stack };
    if (count_max > BLOCKS_STACK_MAX) {
        mark.found = malloc(count_max * sizeof *mark.found);
        mark.queue = malloc(count_max * sizeof *mark.queue);
    }
    CHECK(mark.found, !=, NULL);
    CHECK(mark.queue, !=, NULL);
    mark_collect(&mark, first);
    if (mark.count > 0)
        leak_judge(&mark, state);
    if (mark.found != found_stack) {
        free(mark.found);
        free(mark.queue);
    }
}
