/* status.h: the live line of a campaign, on standard error when that is a terminal. */
#ifndef TREADLE_STATUS_H
#define TREADLE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

struct campaign_result;
struct campaign_options;

struct status {
    double shown; /* when the line was written last */
    bool visible; /* a line stands there */
};

/* Shows how far the campaign is, a few times a second at most. */
void status_show(struct status *status, const struct campaign_result *result,
                 const struct campaign_options *options);

/* Whether it is time for another line, and there is a terminal to show it on; shows one, of which
 * as much is left out as does not fit. */
bool status_is_due(struct status *status);
void status_line(struct status *status, const char *text);

/* Says that the findings of target number `position` are being replayed and saved. */
void status_keeping(struct status *status, const struct campaign_result *result,
                    uint32_t position);

/* Wipes the line. */
void status_end(struct status *status);

#endif
