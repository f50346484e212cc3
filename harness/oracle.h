/* oracle.h: an oracle looks at an execution that has ended (execution.h: trace, history, heap)
 * and adds verdicts (execution_add_verdict) that name the rule broken and the events that broke
 * it. Oracles are passive: they change nothing else, decide nothing, print nothing; they depend
 * on no clock, address or hash order. They run after every execution, so an execution without
 * anything to say must cost them next to nothing; `detail` is written only if execution.explain. */
#ifndef TREADLE_ORACLE_H
#define TREADLE_ORACLE_H

#include "../scheduler/execution.h"
#include "../scheduler/heap.h"

/* Records (treadle_record): words read in a row by one goroutine come from one assignment. */
void oracle_torn_read(void);

/* The history of map operations: missed-key, wrong-value, lost-update, iterator-*. */
void oracle_history(void);

/* A compare-and-swap that succeeded although its location changed in between: aba. */
void oracle_aba(void);

/* Access to a block through a pointer loaded before its present life began: stale-pointer. */
void oracle_stale_pointer(void);

/* Live blocks that nothing points to any more: leak. Not for garbage-collected targets. */
void oracle_leak(void *state);

/* The target's registered invariants are run by the scheduler's final phase, not here. */

/* All of the above that apply to the target and to how the execution ended. */
void oracle_judge(void);

#endif
