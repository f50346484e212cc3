/* explored_finding.h: executing again what an exploration has found, so that it can be written down
 * as any other finding. */
#ifndef TREADLE_EXPLORED_FINDING_H
#define TREADLE_EXPLORED_FINDING_H

#include "finding.h"

/* As keep_plan.execute; context: the exploration's struct scheduler_options. Executes an order of
 * the finding's events without exploring, if there is one that breaks the same rule; else one while
 * exploring, in long runs of one goroutine each; else just what was found. */
const struct verdict_record *explored_finding_execute(const void *context, uint32_t target,
                                                      const struct finding *finding);

#endif
