/* store_buffer.h: the goroutines' store buffers, under tso and pso (memory_model.h says what these
 * promise; under sc nothing here is ever called).
 *
 * Only one goroutine runs at a time, so memory can show *its* view: what main memory holds, and on
 * top of it the stores in its buffer. At each scheduling point the buffer of the goroutine that is
 * left is *lifted* off, newest first, which leaves main memory; the buffer of the one that goes on
 * is *laid* on, oldest first. Both exchange bytes: a buffered store holds its value while it is
 * lifted, and what lies beneath it while it is laid.
 *
 * That a store reaches main memory is a choice like any other: by a *drainer*, a goroutine without
 * a fiber that stands among the candidates while it can, with its next event, EVENT_DRAIN, pending.
 * A goroutine has one drainer under tso. Under pso it has one for each chain of overlapping stores:
 * a store joins the chain whose newest store it overlaps, the first of several, else it begins one;
 * behind an event that waited for all drains chains begin anew. So a drainer's events come in a
 * fixed order; where more is to be kept (a store that overlaps two chains, a release) a drainer
 * waits. Which chain a store is in depends on its goroutine's own history alone.
 *
 * Event by event:
 *   - A plain store, and a relaxed or release one, of up to STORE_BYTES_MAX bytes is buffered: its
 *     event is marked EVENT_BUFFERED and writes nothing that others see; its EVENT_DRAIN does.
 *   - Longer ones, and what memory_model.h lists, wait until the goroutine's buffer is empty, as a
 *     lock waits, and write at once. A join waits for the joined goroutine's buffer, too.
 *   - A load waits if the newest buffered store that overlaps it does not cover it, until no such
 *     store is left. A struct copy that the compiler announces in two halves reads its view.
 *   - A store to a stack frame that has been left (return, longjmp, exit) is *dead*: its drain
 *     still comes, but writes nothing. Left means: below the stack pointer of who called Treadle.
 *     Else lifting it would overwrite the frames that now lie there. */
#ifndef TREADLE_STORE_BUFFER_H
#define TREADLE_STORE_BUFFER_H

#include "goroutine.h"
#include "memory_model.h"

#define STORE_BYTES_MAX 64u /* of one buffered store */
#define DRAINERS_OF_ONE_MAX 64u /* chains of one goroutine; a store that needs more waits */

/* Gets ready for executions of up to so many events under that model. */
void buffer_open(enum memory_model model, uint32_t events_max);

/* All buffers are empty, and there is no drainer: a new execution begins. */
void buffer_reset(void);

/* A goroutine comes into being. */
void buffer_begin(uint32_t goroutine);

/* announce_schedule under tso and pso. frame: the stack pointer of who called Treadle; 0: as it
 * was at the goroutine's last call of this. */
void buffer_schedule(struct goroutine *self, uint64_t frame);

/* The running goroutine, whose pending event is this store, is about to write: keeps what lies
 * there, if the store is one to be buffered. */
void buffer_store(struct goroutine *self, struct event *event);

/* Whether no store that a goroutine's pending event must wait for is in a buffer. */
bool buffer_lets(const struct goroutine *goroutine);

/* The running goroutine's stack pointer is known. */
void buffer_note_frame(uint64_t frame);

/* Main memory shows: before others look at it while this goroutine still counts as the running one.
 * ends: it has left all its frames. */
void buffer_lift(struct goroutine *self, bool ends);

/* The execution is over: main memory shows, without what has not been drained. */
void buffer_end(void);

/* Calls visit with the bytes of each store that has not been drained, after buffer_end. */
void buffer_roots(void (*visit)(void *context, uint64_t begin, uint64_t end), void *context);

/* The drainer of a goroutine that serves its chain-th chain, from 0; NULL if there is none. */
struct goroutine *buffer_drainer(uint32_t goroutine, uint32_t chain);

/* Whose drainer that is, and which chain it serves. */
uint32_t buffer_drainer_owner(uint32_t drainer);
uint32_t buffer_drainer_chain(uint32_t drainer);

/* Whether the event waits until its goroutine's buffer is empty. */
bool buffer_event_drains(const struct event *event);

#endif
