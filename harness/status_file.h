/* status_file.h: DIR/status.json: how far a campaign is, for scripts. */
#ifndef TREADLE_STATUS_FILE_H
#define TREADLE_STATUS_FILE_H

#include "progress.h"

struct json_t;

/* The whole status as an object. */
struct json_t *status_file_json(const struct campaign *campaign, const struct progress *progress);

/* Writes it anew; false after folder_say_trouble. */
bool status_file_write(struct campaign *campaign, const struct progress *progress);

#endif
