/* image.h: files of our own that another run reads again: their bytes, put together and taken
 * apart, and written in one step. */
#ifndef TREADLE_IMAGE_H
#define TREADLE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file's bytes while they are put together or taken apart; all zero when it is begun. */
struct image {
    uint8_t *bytes; /* to be freed */
    size_t count, capacity;
    size_t at;      /* reading */
    bool too_short; /* reading: more was wanted than is there */
};

void image_put(struct image *image, const void *data, size_t bytes);
void image_put_number(struct image *image, uint64_t number);
void image_put_text(struct image *image, const char *text);

/* The next bytes; NULL if there are not as many. */
const void *image_take(struct image *image, size_t bytes);
/* Zeroes in their place. */
void image_take_into(struct image *image, void *data, size_t bytes);
uint64_t image_take_number(struct image *image);
/* A text of less than `bytes` bytes; the empty one if there is none such. */
void image_take_text(struct image *image, char *text, size_t bytes);

/* Puts an XXH3-64 of all before behind it. */
void image_seal(struct image *image);
/* Takes it off; false if it is not there or another. */
bool image_unseal(struct image *image);

/* The whole file; false with errno. */
bool image_read(const char *path, struct image *ret_image);

/* Writes path anew, by way of temporary, in one step: whenever this process or the machine ends,
 * the file is either as it was or complete. False with errno; then temporary is gone. */
bool image_write(const struct image *image, const char *path, const char *temporary);

/* Tells builds of the program apart. */
uint64_t image_program_hash(void);

#endif
