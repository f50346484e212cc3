/* greybox_image.h: all of a target's search as bytes of a file: whoever reads them goes on as if
 * nothing had been between. */
#ifndef TREADLE_GREYBOX_IMAGE_H
#define TREADLE_GREYBOX_IMAGE_H

#include "greybox.h"
#include "image.h"

void greybox_put(struct image *image, const struct greybox *greybox);

/* Into one that greybox_init has begun; false if that is no search: it is to be begun anew then. */
bool greybox_take_image(struct image *image, struct greybox *greybox);

#endif
