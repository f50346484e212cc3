/* report_plots.h: the plots of a report: by dygraphs, which is put into the page, if Debian's
 * package libjs-dygraphs is installed; else a table. */
#ifndef TREADLE_REPORT_PLOTS_H
#define TREADLE_REPORT_PLOTS_H

#include <stdio.h>

#include "timeline.h"

/* What belongs into the page's head. */
void report_plots_head(FILE *out);

/* The plots themselves: new behaviours and executions a second over time. */
void report_plots(FILE *out, const struct timeline *timeline);

#endif
