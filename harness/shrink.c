/* shrink.c: the reduction. Minimizing delta debugging (Zeller, Hildebrandt, IEEE TSE 2002) over the
 * runs of a schedule, in halves, quarters and so on (what is to be left is not tried alone); then,
 * as in Jalbert and Sen's simplification of traces (FSE 2010), runs of one goroutine are merged.
 * Each candidate is executed leniently, and what was executed is looked at: so a candidate need not
 * be possible. All is done again until nothing changes. */
#include "shrink.h"

#include "../scheduler/check.h"

struct reduction {
    const struct shrink_plan *plan;
    struct shrink_execution *best;
    struct wish wish; /* the candidate */
    struct shrink_execution tried;
    bool over, changed;
};

bool shrink_is_smaller(const struct shrink_size *a, const struct shrink_size *b)
{
    if (a->preemptions > b->preemptions)
        return false;
    if (a->goroutines != b->goroutines)
        return a->goroutines < b->goroutines;
    if (a->preemptions != b->preemptions)
        return true;
    if (a->switches != b->switches)
        return a->switches < b->switches;
    return a->events != b->events ? a->events < b->events : a->answers < b->answers;
}

/* Executes the candidate; returns whether it is the best one from now on. */
static bool attempt(struct reduction *reduction)
{
    const struct shrink_plan *plan = reduction->plan;
    reduction->over = reduction->over || plan->is_over(plan->context);
    if (reduction->over
        || !plan->execute(plan->context, &reduction->wish, &reduction->tried)
        || !shrink_is_smaller(&reduction->tried.size, &reduction->best->size))
        return false;
    struct shrink_execution worse = *reduction->best;
    *reduction->best = reduction->tried;
    reduction->tried = worse;
    reduction->changed = true;
    return true;
}

/* ---- candidates ------------------------------------------------------------------------------ */

static bool same_runner(const struct wish_run *a, const struct wish_run *b)
{
    return a->goroutine == b->goroutine && a->drainer == b->drainer;
}

/* The best execution's wish, to be changed. */
static struct wish *candidate(struct reduction *reduction)
{
    wish_copy(&reduction->wish, &reduction->best->wish);
    return &reduction->wish;
}

static void leave_out(struct wish *wish, uint32_t first, uint32_t count)
{
    for (uint32_t i = first + count; i < wish->run_count; i++)
        wish->runs[i - count] = wish->runs[i];
    wish->run_count -= count;
}

/* The next run of who executes run i; the count of runs if there is none. */
static uint32_t next_run(const struct wish *wish, uint32_t i)
{
    uint32_t next = i + 1;
    while (next < wish->run_count && !same_runner(&wish->runs[next], &wish->runs[i]))
        next++;
    return next;
}

/* How often its runner is chosen in run i. */
static uint32_t run_length(const struct wish *wish, uint32_t i)
{
    for (uint32_t before = i; before-- > 0;)
        if (same_runner(&wish->runs[before], &wish->runs[i]))
            return wish->runs[i].until - wish->runs[before].until;
    return wish->runs[i].until;
}

/* Takes so many events out of run i: its runner gets less far in all later ones, too. */
static void take_out(struct wish *wish, uint32_t i, uint32_t count)
{
    for (; i < wish->run_count; i = next_run(wish, i))
        wish->runs[i].until -= count;
}

/* ---- one kind of step after the other: each changes `best` where it can ---------------------- */

static uint32_t goroutine_limit(const struct wish *wish)
{
    uint32_t limit = 0;
    for (uint32_t i = 0; i < wish->run_count; i++)
        if (wish->runs[i].goroutine >= limit)
            limit = wish->runs[i].goroutine + 1;
    return limit;
}

static void drop_goroutines(struct reduction *reduction)
{
    for (uint32_t id = 0; id < goroutine_limit(&reduction->best->wish) && !reduction->over; id++) {
        struct wish *wish = candidate(reduction);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < wish->run_count; i++)
            if (wish->runs[i].goroutine != id)
                wish->runs[kept++] = wish->runs[i];
        bool any = kept < wish->run_count;
        wish->run_count = kept;
        wish->avoided = id;
        if (any)
            attempt(reduction);
    }
}

static void drop_runs(struct reduction *reduction)
{
    const struct wish *best = &reduction->best->wish;
    for (uint32_t chunk = best->run_count / 2 + 1; chunk > 0; chunk /= 2)
        for (uint32_t i = 0; i < best->run_count && !reduction->over;) {
            uint32_t left = best->run_count - i;
            leave_out(candidate(reduction), i, chunk < left ? chunk : left);
            if (!attempt(reduction))
                i += chunk;
        }
}

/* Run i with the next one of the same goroutine: here. (To merge them there is to leave out i.) */
static bool merge(struct reduction *reduction, uint32_t i)
{
    struct wish *wish = candidate(reduction);
    uint32_t next = next_run(wish, i);
    if (next == wish->run_count)
        return false;
    wish->runs[i].until = wish->runs[next].until;
    leave_out(wish, next, 1);
    return attempt(reduction);
}

/* Run i is as long as it can be. */
static bool go_on(struct reduction *reduction, uint32_t i)
{
    candidate(reduction)->runs[i].until = UINT32_MAX;
    return attempt(reduction);
}

/* Without run i, what comes later comes earlier. */
static bool take_run_out(struct reduction *reduction, uint32_t i)
{
    struct wish *wish = candidate(reduction);
    take_out(wish, i, run_length(wish, i));
    leave_out(wish, i, 1);
    return attempt(reduction);
}

/* Run i is the last one that is given. */
static bool cut_behind(struct reduction *reduction, uint32_t i)
{
    struct wish *wish = candidate(reduction);
    wish_resize_runs(wish, i + 1);
    return attempt(reduction);
}

/* Run i is shorter, by as much as possible: what is left of it comes later, or never. */
static bool shorten(struct reduction *reduction, uint32_t i)
{
    uint32_t length = run_length(&reduction->best->wish, i), most = 1;
    while (most < length / 2)
        most *= 2;
    for (uint32_t less = most; less > 0 && less < length; less /= 2) {
        take_out(candidate(reduction), i, less);
        if (attempt(reduction))
            return true;
        candidate(reduction)->runs[i].until -= less;
        if (attempt(reduction))
            return true;
    }
    return false;
}

static void change_runs(struct reduction *reduction,
                        bool (*change)(struct reduction *reduction, uint32_t i))
{
    for (uint32_t i = 0; i < reduction->best->wish.run_count && !reduction->over;)
        if (!change(reduction, i))
            i++;
}

static void drop_answers(struct reduction *reduction)
{
    const struct wish *best = &reduction->best->wish;
    for (uint32_t chunk = best->answer_count; chunk > 0; chunk /= 2)
        for (uint32_t i = 0; i < best->answer_count && !reduction->over; i += chunk) {
            struct wish *wish = candidate(reduction);
            bool any = false;
            for (uint32_t k = i; k < i + chunk && k < wish->answer_count; k++) {
                any |= wish->answers[k].answer != 0;
                wish->answers[k].answer = 0;
            }
            if (any)
                attempt(reduction);
        }
}

static void search(struct reduction *reduction)
{
    const struct shrink_plan *plan = reduction->plan;
    if (!reduction->over && plan->search != NULL
        && plan->search(plan->context, reduction->best, &reduction->wish))
        attempt(reduction);
}

bool shrink(const struct shrink_plan *plan, struct shrink_execution *best)
{
    struct reduction reduction = { .plan = plan, .best = best };
    do {
        reduction.changed = false;
        drop_goroutines(&reduction);
        drop_runs(&reduction);
        change_runs(&reduction, merge);
        change_runs(&reduction, go_on);
        change_runs(&reduction, take_run_out);
        change_runs(&reduction, cut_behind);
        change_runs(&reduction, shorten);
        drop_answers(&reduction);
        if (!reduction.changed)
            search(&reduction);
    } while (reduction.changed && !reduction.over);
    wish_clear(&reduction.wish);
    wish_clear(&reduction.tried.wish);
    return !reduction.over;
}
