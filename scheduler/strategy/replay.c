/* replay.c: answers every choice as a schedule says. At each switch the goroutine that is left must
 * be about to do what the schedule's anchor says: so a replay of a changed subject stops being
 * believed where it stops being the same run. */
#include "../scheduler.h"
#include "../store_buffer.h"

/* With resync a goroutine may run this many times its count, and this much more, to its anchor. */
#define RESYNC_FACTOR 4u
#define RESYNC_EVENTS 1000u

static void replay_begin(struct strategy *self, uint64_t seed)
{
    (void)seed;
    struct replay *replay = self->replay;
    replay->step = 0;
    replay->step_run = 0;
    replay->diverged = false;
    replay->turns = (struct turns){ 0 };
    self->last = NULL;
}

static void replay_diverge(struct replay *replay)
{
    if (replay->diverged)
        return;
    replay->diverged = true;
    replay->diverged_event = execution.trace_count;
    replay->diverged_step = replay->step;
    if (replay->diverging != NULL)
        replay->diverging(replay);
}

/* The present step, or NULL behind the last one. */
static const struct schedule_step *replay_step(const struct replay *replay)
{
    return replay->step < replay->schedule->step_count ? &replay->schedule->steps[replay->step]
                                                       : NULL;
}

const struct goroutine *replay_runner(const struct schedule_step *step)
{
    if (step->drainer > 0)
        return buffer_drainer(step->goroutine, step->drainer - 1);
    return step->goroutine < scheduler.goroutine_count ? &scheduler.goroutines[step->goroutine]
                                                       : NULL;
}

static bool replay_at_anchor(const struct replay *replay, const struct schedule_step *step)
{
    const struct goroutine *goroutine = replay_runner(step);
    return goroutine != NULL && goroutine->state < GOROUTINE_DONE
           && replay->matches(&goroutine->pending, step->text);
}

static bool replay_can_run(const struct schedule_step *step)
{
    const struct goroutine *goroutine = replay_runner(step);
    return goroutine != NULL && goroutine->state == GOROUTINE_READY;
}

/* Whether the present RUN step is over, before another choice. */
static bool replay_step_over(struct replay *replay, const struct schedule_step *step)
{
    if (!replay->resync || step->text == NULL) {
        bool over = replay->resync ? !replay_can_run(step) && replay->step_run > 0
                                   : replay->step_run == step->count;
        if (over && step->text != NULL && !replay_at_anchor(replay, step))
            replay_diverge(replay);
        return over;
    }
    if (replay->step_run > 0 && replay_at_anchor(replay, step))
        return true;
    if (replay->step_run > step->count * RESYNC_FACTOR + RESYNC_EVENTS)
        replay_diverge(replay);
    return false;
}

/* After a divergence: whoever ran last goes on if it can. */
static uint32_t replay_run_on(struct strategy *self, struct goroutine *const *candidates,
                              uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (candidates[i] == self->last)
            return i;
    self->last = candidates[0];
    return 0;
}

static uint32_t replay_schedule_choice(struct strategy *self, struct goroutine *const *candidates,
                                       uint32_t count)
{
    struct replay *replay = self->replay;
    const struct schedule_step *step = replay_step(replay);
    if (!replay->diverged && step != NULL && step->kind == SCHEDULE_RUN
        && replay_step_over(replay, step)) {
        replay->step++;
        replay->step_run = 0;
        step = replay_step(replay);
    }
    if (step == NULL && replay->resync)
        return replay_run_on(self, candidates, count);
    const struct goroutine *runner =
        step != NULL && step->kind == SCHEDULE_RUN ? replay_runner(step) : NULL;
    for (uint32_t i = 0; !replay->diverged && i < count; i++)
        if (candidates[i] == runner) {
            replay->step_run++;
            self->last = candidates[i];
            return i;
        }
    replay_diverge(replay);
    return replay_run_on(self, candidates, count);
}

static uint32_t replay_data_choice(struct replay *replay, uint32_t count)
{
    const struct schedule_step *step = replay_step(replay);
    if (!replay->diverged && step != NULL && step->kind == SCHEDULE_RUN
        && (replay->resync || replay->step_run == step->count)) {
        replay->step++;
        replay->step_run = 0;
        step = replay_step(replay);
    }
    if (!replay->diverged && step != NULL && step->kind == SCHEDULE_CHOOSE
        && step->count == count) {
        replay->step++;
        return step->answer;
    }
    replay_diverge(replay);
    return 0;
}

static uint32_t replay_choose(struct strategy *self, enum choice_kind kind,
                              struct goroutine *const *candidates, uint32_t count)
{
    if (kind == CHOICE_DATA)
        return replay_data_choice(self->replay, count);
    uint32_t picked = replay_schedule_choice(self, candidates, count);
    turns_note(&self->replay->turns, candidates, count, picked);
    return picked;
}

struct strategy strategy_replay(struct replay *replay)
{
    return (struct strategy){ .name = "replay",
                              .begin = replay_begin,
                              .choose = replay_choose,
                              .forced = true,
                              .replay = replay };
}
