/* posix_park.c: threads that wait until another one lets them go. See posix_park.h. */
#include "posix_park.h"

#include "posix.h"
#include "synchronisation.h"
#include "thread_local.h"

static struct {
    uint64_t object; /* whose waiter it is; 0 = none */
    bool parks;
} parked[GOROUTINES_MAX];

static struct treadle_waitgroup *park_word(uint32_t goroutine)
{
    return thread_local_word(goroutine);
}

static void park_add(uint32_t goroutine, int32_t delta, struct caller caller)
{
    struct treadle_waitgroup *word = park_word(goroutine);
    struct event *event = posix_synchronise(EVENT_WAITGROUP_ADD, word, sizeof *word, caller);
    int32_t before = word->count;
    word->count = before + delta;
    synchronise_end(event, (uint32_t)before, (uint32_t)word->count);
}

void park_begin(uint32_t goroutine)
{
    parked[goroutine].object = 0;
    park_word(goroutine)->count = 0;
}

void park_prepare(struct caller caller)
{
    park_add(scheduler.running->id, 1, caller);
}

void park_wait_at(uint64_t object, bool parks)
{
    uint32_t self = scheduler.running->id;
    parked[self].object = object;
    parked[self].parks = parks;
}

void park(struct caller caller)
{
    struct treadle_waitgroup *word = park_word(scheduler.running->id);
    synchronise_end(posix_synchronise(EVENT_WAITGROUP_WAIT, word, sizeof *word, caller), 0, 0);
}

uint32_t park_waiters(uint64_t object, uint32_t *ret_waiters)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < scheduler.goroutine_count; id++)
        if (parked[id].object == object) {
            uint32_t place = count++;
            for (; place > 0 && goroutine_precedes(id, ret_waiters[place - 1]); place--)
                ret_waiters[place] = ret_waiters[place - 1];
            ret_waiters[place] = id;
        }
    return count;
}

bool park_leave(void)
{
    uint32_t self = scheduler.running->id;
    bool waited = parked[self].object != 0;
    parked[self].object = 0;
    return waited;
}

/* Who parks is known now: one that does not may go on at once, and wait elsewhere before the last
 * one has been let go. */
void park_let_go(const uint32_t *waiters, uint32_t count, struct caller caller)
{
    uint32_t parking[GOROUTINES_MAX];
    uint32_t parking_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        parked[waiters[i]].object = 0;
        if (parked[waiters[i]].parks)
            parking[parking_count++] = waiters[i];
    }
    for (uint32_t i = 0; i < parking_count; i++)
        park_add(parking[i], -1, caller);
}
