/* oracle.c: which oracles look at the execution that just ended. What is asked here is asked after
 * every execution, so each oracle is reached only when it could have something to say. */
#include "oracle.h"

/* Whether a block was allocated after the set-up. */
static bool oracle_heap_grew(void)
{
    uint32_t count = heap_block_count();
    return count > 1 && !heap_block_is_setup(count - 1);
}

/* An execution that a verdict ended has no end state: nothing was lost, nothing leaked. What its
 * goroutines did until then is judged all the same. */
void oracle_judge(void)
{
    if (execution.record_count > 0)
        oracle_torn_read();
    if (execution.operation_count > execution.operation_setup_count)
        oracle_history();
    if (heap_reused_count() > 0) {
        oracle_aba();
        oracle_stale_pointer();
    }
    if (!execution.ended_early && !execution.target->garbage_collected && oracle_heap_grew())
        oracle_leak(execution.state);
}
