/* store_buffer.c: store buffers and the choice of when they drain; store_buffer.h has the rules.
 * (The operational models: Owens, Sarkar, Sewell, "A Better x86 Memory Model: x86-TSO", TPHOLs
 * 2009; The SPARC Architecture Manual, version 8, appendix K.) */
#include "store_buffer.h"

#include <string.h>
#include <sys/mman.h>

#include "announce.h"

#define KIND(name) (UINT64_C(1) << EVENT_##name)
#define KINDS_STORING (KIND(WRITE) | KIND(COPY) | KIND(ATOMIC_STORE))
#define KINDS_DRAINING                                                                             \
    (KIND(GO) | KIND(JOIN) | KIND(ATOMIC_RMW) | KIND(ATOMIC_CAS) | KIND(LOCK) | KIND(TRYLOCK)      \
     | KIND(UNLOCK) | KIND(RWLOCK) | KIND(RWDRAIN) | KIND(RWUNLOCK) | KIND(RLOCK) | KIND(RUNLOCK)  \
     | KIND(WAITGROUP_ADD) | KIND(WAITGROUP_WAIT) | KIND(ALLOC) | KIND(FREE) | KIND(RDLOCK)        \
     | KIND(WRLOCK) | KIND(TRYRDLOCK) | KIND(TRYWRLOCK) | KIND(RDWRUNLOCK) | KIND(SEM_WAIT)        \
     | KIND(SEM_TRYWAIT) | KIND(SEM_POST) | KIND(COND_WAIT) | KIND(COND_TIMEOUT)                   \
     | KIND(COND_SIGNAL) | KIND(COND_BROADCAST) | KIND(BARRIER))
#define CHAIN_NONE UINT32_MAX
#define STORE_NONE 0u
#define LAID_NONE UINT32_MAX

/* One store in a buffer. */
struct buffered_store {
    uint64_t address;
    uint32_t size;
    uint32_t event;        /* trace position of the store */
    uint32_t after;        /* own stores before this trace position must drain first */
    uint32_t drainer;      /* id */
    uint32_t older, newer; /* of the same goroutine; STORE_NONE at the ends */
    bool on_stack;
    bool dead; /* its frame has been left */
    /* its value, or, while it is laid, what lies beneath it; words of it may be pointers */
    _Alignas(8) uint8_t bytes[STORE_BYTES_MAX];
};

/* A goroutine's buffer. */
struct store_buffer {
    uint32_t oldest, newest, count;
    uint32_t barrier;       /* `after` of stores to come */
    uint32_t chain_count;   /* since its goroutine last waited for all drains */
    uint32_t drainer_count; /* that there have been in this execution */
    uint64_t frame;         /* frames below this address have been left */
    struct {
        uint64_t address; /* the newest store's */
        uint32_t size;
        uint32_t drainer;
    } chains[DRAINERS_OF_ONE_MAX];
};

static struct {
    struct buffered_store *stores; /* number 0 is STORE_NONE */
    uint32_t capacity;
    uint32_t used;   /* stores that have been in use in this execution */
    uint32_t unused; /* list of those that are so no longer, by `newer` */
    uint32_t laid;   /* goroutine whose stores are laid on memory, or LAID_NONE */
    struct store_buffer of[GOROUTINES_MAX];
} buffers;

/* ---- what waits for what --------------------------------------------------------------------- */

static bool is_kind(const struct event *event, uint64_t kinds)
{
    return kinds >> event->kind & 1;
}

static enum event_order order_of(const struct event *event)
{
    return (enum event_order)(event->order & (EVENT_BUFFERED - 1));
}

bool buffer_event_drains(const struct event *event)
{
    if (is_kind(event, KINDS_STORING))
        return !(event->order & EVENT_BUFFERED);
    return is_kind(event, KINDS_DRAINING)
           || (event->kind == EVENT_FENCE && order_of(event) == EVENT_SEQ_CST);
}

/* Whether a load of these bytes can take its value from the goroutine's view. */
static bool buffer_covers(const struct store_buffer *buffer, uint64_t address, uint32_t size)
{
    for (uint32_t i = buffer->newest; i != STORE_NONE; i = buffers.stores[i].older) {
        const struct buffered_store *store = &buffers.stores[i];
        if (event_bytes_overlap(store->address, store->size, address, size))
            return store->address <= address
                   && address + size <= store->address + store->size;
    }
    return true;
}

bool buffer_lets(const struct goroutine *goroutine)
{
    const struct store_buffer *buffer = &buffers.of[goroutine->id];
    const struct event *pending = &goroutine->pending;
    if (pending->kind == EVENT_JOIN && buffers.of[pending->source].count > 0)
        return false;
    if (buffer->count == 0)
        return true;
    if (buffer_event_drains(pending))
        return false;
    if (pending->kind == EVENT_READ || pending->kind == EVENT_ATOMIC_LOAD)
        return buffer_covers(buffer, pending->address, pending->size);
    if (pending->kind == EVENT_COPY)
        return buffer_covers(buffer, pending->source, pending->size);
    return scheduler.buffered_max == 0 || buffer->count < scheduler.buffered_max
           || !is_kind(pending, KINDS_STORING);
}

/* ---- the view of one goroutine --------------------------------------------------------------- */

/* Dead stacks may be poisoned. */
static __attribute__((no_sanitize_address)) void exchange_bytes(uint8_t *memory, uint8_t *bytes,
                                                                uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t byte = memory[i];
        memory[i] = bytes[i];
        bytes[i] = byte;
    }
}

/* Whether the store is to a frame that has been left. Set-up's stack runs no code any more. */
static bool store_dies(struct buffered_store *store)
{
    if (store->on_stack && !store->dead) {
        int32_t fiber = fiber_of_address(store->address);
        store->dead = fiber >= (int32_t)scheduler.goroutine_first
                      && store->address < buffers.of[fiber].frame;
    }
    return store->dead;
}

static void store_exchange(struct buffered_store *store)
{
    if (!store_dies(store))
        exchange_bytes((uint8_t *)store->address, store->bytes, store->size);
}

static void buffer_take_off(uint32_t goroutine)
{
    if (buffers.laid != goroutine)
        return;
    for (uint32_t i = buffers.of[goroutine].newest; i != STORE_NONE; i = buffers.stores[i].older)
        store_exchange(&buffers.stores[i]);
    buffers.laid = LAID_NONE;
}

static void buffer_lay(uint32_t goroutine)
{
    CHECK(buffers.laid, ==, LAID_NONE);
    for (uint32_t i = buffers.of[goroutine].oldest; i != STORE_NONE; i = buffers.stores[i].newer)
        store_exchange(&buffers.stores[i]);
    buffers.laid = goroutine;
}

void buffer_note_frame(uint64_t frame)
{
    if (execution.phase == PHASE_RUN)
        buffers.of[scheduler.running->id].frame = frame;
}

void buffer_lift(struct goroutine *self, bool ends)
{
    if (ends)
        buffers.of[self->id].frame = UINT64_MAX;
    buffer_take_off(self->id);
}

void buffer_end(void)
{
    if (buffers.laid != LAID_NONE)
        buffer_take_off(buffers.laid);
}

void buffer_roots(void (*visit)(void *context, uint64_t begin, uint64_t end), void *context)
{
    for (uint32_t id = 0; scheduler.memory != MEMORY_SC && id < scheduler.goroutine_count; id++)
        for (uint32_t i = buffers.of[id].oldest; i != STORE_NONE; i = buffers.stores[i].newer) {
            uint64_t bytes = (uint64_t)buffers.stores[i].bytes;
            visit(context, bytes, bytes + buffers.stores[i].size);
        }
}

/* ---- drainers -------------------------------------------------------------------------------- */

static struct goroutine *drainer_create(uint32_t owner, uint32_t chain)
{
    uint32_t id = scheduler.drainer_base + scheduler.drainer_count;
    if (scheduler.drainer_count == DRAINERS_MAX)
        check_limit("an execution has more than %u drainers of store buffers", DRAINERS_MAX);
    scheduler.drainer_count++;
    struct goroutine *drainer = &scheduler.goroutines[id];
    memset(drainer, 0, sizeof *drainer);
    drainer->id = id;
    drainer->parent = owner;
    drainer->child_index = chain;
    drainer->state = GOROUTINE_DONE;
    drainer->pending.success = 1;
    return drainer;
}

struct goroutine *buffer_drainer(uint32_t goroutine, uint32_t chain)
{
    if (goroutine >= scheduler.goroutine_count || chain >= buffers.of[goroutine].drainer_count)
        return NULL;
    return &scheduler.goroutines[buffers.of[goroutine].chains[chain].drainer];
}

uint32_t buffer_drainer_owner(uint32_t drainer)
{
    return scheduler.goroutines[drainer].parent;
}

uint32_t buffer_drainer_chain(uint32_t drainer)
{
    return scheduler.goroutines[drainer].child_index;
}

/* The drainer's oldest store; STORE_NONE if it has nothing to do. */
static uint32_t drainer_store(const struct goroutine *drainer)
{
    uint32_t i = buffers.of[drainer->parent].oldest;
    while (i != STORE_NONE && buffers.stores[i].drainer != drainer->id)
        i = buffers.stores[i].newer;
    return i;
}

/* Whether no older store must reach memory before this one, the oldest of its drainer's. */
static bool store_can_drain(const struct buffered_store *store)
{
    if (scheduler.memory == MEMORY_TSO)
        return true;
    for (uint32_t i = store->older; i != STORE_NONE; i = buffers.stores[i].older) {
        const struct buffered_store *older = &buffers.stores[i];
        if (older->event < store->after
            || event_bytes_overlap(older->address, older->size, store->address, store->size))
            return false;
    }
    return true;
}

/* READY, BLOCKED (an older store must come first) or DONE (nothing to do), as the buffer now is. */
static void drainer_update(struct goroutine *drainer)
{
    uint32_t number = drainer_store(drainer);
    enum goroutine_state state = GOROUTINE_DONE;
    if (number != STORE_NONE) {
        const struct buffered_store *store = &buffers.stores[number];
        bool same = drainer->state != GOROUTINE_DONE && drainer->pending.store == store->event;
        if (!same) {
            drainer->pending.address = store->address;
            drainer->pending.pc = execution.trace[store->event].pc;
            drainer->pending.what =
                event_what(EVENT_DRAIN, EVENT_PLAIN, store->size, drainer->id);
            drainer->pending.store = store->event;
            drainer->priority = 0;
        }
        state = store_can_drain(store) ? GOROUTINE_READY : GOROUTINE_BLOCKED;
    }
    if (drainer->state == GOROUTINE_READY && state != GOROUTINE_READY)
        scheduler_remove_candidate(drainer);
    else if (drainer->state != GOROUTINE_READY && state == GOROUTINE_READY)
        scheduler_add_candidate(drainer);
    drainer->state = state;
}

static void drainers_update(const struct store_buffer *buffer)
{
    for (uint32_t i = 0; i < buffer->drainer_count; i++)
        drainer_update(&scheduler.goroutines[buffer->chains[i].drainer]);
}

/* Who might have waited for this drain. */
static void drain_wakes(uint32_t owner)
{
    struct goroutine *goroutine = &scheduler.goroutines[owner];
    if (goroutine->state < GOROUTINE_DONE)
        goroutine_update(goroutine);
    else if (buffers.of[owner].count == 0 && scheduler.blocked_count > 0)
        for (uint32_t id = scheduler.goroutine_first; id < scheduler.goroutine_count; id++)
            if (scheduler.goroutines[id].state == GOROUTINE_BLOCKED)
                goroutine_update(&scheduler.goroutines[id]);
}

static void store_remove(struct store_buffer *buffer, uint32_t number)
{
    struct buffered_store *store = &buffers.stores[number];
    *(store->older != STORE_NONE ? &buffers.stores[store->older].newer : &buffer->oldest) =
        store->newer;
    *(store->newer != STORE_NONE ? &buffers.stores[store->newer].older : &buffer->newest) =
        store->older;
    buffer->count--;
    store->newer = buffers.unused;
    buffers.unused = number;
}

/* The drainer's pending event happens. Memory that has been freed meanwhile is written all the
 * same, as in reality: nobody is there whom a verdict could stop. */
static void drain(struct goroutine *drainer)
{
    struct store_buffer *buffer = &buffers.of[drainer->parent];
    uint32_t number = drainer_store(drainer);
    struct buffered_store *store = &buffers.stores[number];
    const struct event *pending = &drainer->pending;
    struct event *event =
        announce_execute(drainer, pending->what, pending->address, pending->pc);
    event->store = store->event;
    bool own = memory_owner(store->address, 1) == (int32_t)drainer->parent;
    if (!own && !memory_known(store->address, store->size)) {
        struct verdict_record *record =
            execution_add_verdict(TREADLE_USE_AFTER_FREE, "a buffered store to freed memory");
        if (record != NULL)
            record->events[record->event_count++] = (uint32_t)(event - execution.trace);
    }
    uint64_t value = memory_value((uint64_t)store->bytes, store->size);
    store_exchange(store);
    event->value_written = store->dead ? execution.trace[store->event].value_written : value;
    event->source = store->size <= 8 ? memory_value((uint64_t)store->bytes, store->size) : 0;
    execution_keep_written(event);
    store_remove(buffer, number);
    drainers_update(buffer);
    drain_wakes(drainer->parent);
}

/* ---- scheduling ------------------------------------------------------------------------------ */

/* Which of its chains a store belongs to: chain_count for a new one. */
static uint32_t buffer_chain(const struct store_buffer *buffer, uint64_t address, uint32_t size)
{
    if (scheduler.memory == MEMORY_TSO)
        return 0;
    for (uint32_t i = 0; i < buffer->chain_count; i++)
        if (event_bytes_overlap(buffer->chains[i].address, buffer->chains[i].size, address, size))
            return i;
    return buffer->chain_count < DRAINERS_OF_ONE_MAX ? buffer->chain_count : CHAIN_NONE;
}

/* Marks a pending store that is to be buffered. */
static void pending_mark(struct event *pending, const struct store_buffer *buffer)
{
    bool fits = is_kind(pending, KINDS_STORING) && pending->size <= STORE_BYTES_MAX
                && pending->order != EVENT_SEQ_CST;
    if (fits && buffer_chain(buffer, pending->address, pending->size) != CHAIN_NONE)
        pending->order |= EVENT_BUFFERED;
}

/* Lets the strategy choose until it is a goroutine's turn. */
static struct goroutine *choose_goroutine(void)
{
    for (;;) {
        if (scheduler_watches())
            scheduler_watch();
        if (scheduler.candidate_count == 0) {
            if (scheduler.live_count == 0 && scheduler.ended_count == 0)
                scheduler_leave();
            scheduler_deadlock();
        }
        uint32_t index =
            choose(CHOICE_SCHEDULE, scheduler.candidates, scheduler.candidate_count);
        struct goroutine *next = scheduler.candidates[index];
        if (next->id < scheduler.drainer_base)
            return next;
        execution.switches++;
        drain(next);
    }
}

/* The goroutine's pending event is about to happen: what it changes for stores to come. */
static void pending_passes(const struct event *pending, struct store_buffer *buffer)
{
    bool releases = pending->kind == EVENT_FENCE
                    && (pending->order == EVENT_RELEASE || pending->order == EVENT_ACQ_REL);
    if (buffer_event_drains(pending))
        buffer->chain_count = 0;
    else if (releases)
        buffer->barrier = execution.trace_count;
}

void buffer_schedule(struct goroutine *self, uint64_t frame)
{
    struct store_buffer *buffer = &buffers.of[self->id];
    if (frame != 0)
        buffer->frame = frame;
    buffer_take_off(self->id);
    if (self->state < GOROUTINE_DONE) {
        pending_mark(&self->pending, buffer);
        goroutine_update(self);
    }
    struct goroutine *next = choose_goroutine();
    execution.switches += next != self;
    scheduler.running = next;
    buffer_lay(next->id);
    fiber_switch(&self->fiber, &next->fiber);
    pending_passes(&self->pending, buffer);
}

void buffer_store(struct goroutine *self, struct event *event)
{
    if (!(self->pending.order & EVENT_BUFFERED) || execution.phase != PHASE_RUN)
        return;
    struct store_buffer *buffer = &buffers.of[self->id];
    event->order |= EVENT_BUFFERED;
    uint32_t chain = buffer_chain(buffer, event->address, event->size);
    if (chain >= buffer->drainer_count)
        buffer->chains[buffer->drainer_count++].drainer = drainer_create(self->id, chain)->id;
    if (chain >= buffer->chain_count)
        buffer->chain_count = chain + 1;
    buffer->chains[chain].address = event->address;
    buffer->chains[chain].size = event->size;
    uint32_t number = buffers.unused;
    if (number != STORE_NONE)
        buffers.unused = buffers.stores[number].newer;
    else
        number = ++buffers.used;
    CHECK(number, <, buffers.capacity);
    struct buffered_store *store = &buffers.stores[number];
    store->address = event->address;
    store->size = event->size;
    store->event = (uint32_t)(event - execution.trace);
    store->after = order_of(event) == EVENT_RELEASE ? store->event : buffer->barrier;
    store->drainer = buffer->chains[chain].drainer;
    store->on_stack = fiber_of_address(event->address) >= 0;
    store->dead = false;
    memcpy(store->bytes, (const void *)event->address, event->size);
    store->older = buffer->newest;
    store->newer = STORE_NONE;
    *(buffer->newest != STORE_NONE ? &buffers.stores[buffer->newest].newer : &buffer->oldest) =
        number;
    buffer->newest = number;
    buffer->count++;
    event->store = store->drainer;
    drainer_update(&scheduler.goroutines[store->drainer]);
}

/* ---- executions ------------------------------------------------------------------------------ */

void buffer_open(enum memory_model model, uint32_t events_max)
{
    scheduler.memory = model;
    if (model == MEMORY_SC || events_max < buffers.capacity)
        return;
    if (buffers.capacity > 0)
        munmap(buffers.stores, buffers.capacity * sizeof *buffers.stores);
    buffers.capacity = events_max + 1;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    buffers.stores = mmap(NULL, buffers.capacity * sizeof *buffers.stores, PROT_READ | PROT_WRITE,
                          flags, -1, 0);
    if (buffers.stores == MAP_FAILED)
        check_limit("no memory for the store buffers of %u events", events_max);
}

void buffer_begin(uint32_t goroutine)
{
    struct store_buffer *buffer = &buffers.of[goroutine];
    buffer->oldest = buffer->newest = STORE_NONE;
    buffer->count = buffer->barrier = buffer->chain_count = buffer->drainer_count = 0;
    buffer->frame = UINT64_MAX;
}

void buffer_reset(void)
{
    buffers.used = 0;
    buffers.unused = STORE_NONE;
    buffers.laid = LAID_NONE;
    scheduler.drainer_count = 0;
    buffer_begin(0);
}
