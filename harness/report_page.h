/* report_page.h: DIR/report.html: how far a campaign is, for people in the morning: what was found,
 * what is missing, how it went. One file that needs nothing else, no network either. */
#ifndef TREADLE_REPORT_PAGE_H
#define TREADLE_REPORT_PAGE_H

#include "progress.h"

/* Writes it anew; false after folder_say_trouble. */
bool report_page_write(struct campaign *campaign, const struct progress *progress);

#endif
