/* image.c: bytes of files of our own. */
#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/check.h"

#define PATH_BYTES 4096u

void image_put(struct image *image, const void *data, size_t bytes)
{
    if (image->count + bytes > image->capacity) {
        image->capacity = 2 * (image->count + bytes);
        image->bytes = realloc(image->bytes, image->capacity);
        if (image->bytes == NULL)
            check_limit("no memory for a file that is to be written");
    }
    if (bytes > 0)
        memcpy(image->bytes + image->count, data, bytes);
    image->count += bytes;
}

void image_put_number(struct image *image, uint64_t number)
{
    image_put(image, &number, sizeof number);
}

void image_put_text(struct image *image, const char *text)
{
    image_put_number(image, strlen(text));
    image_put(image, text, strlen(text));
}

const void *image_take(struct image *image, size_t bytes)
{
    if (image->too_short || image->count - image->at < bytes) {
        image->too_short = true;
        return NULL;
    }
    const void *taken = image->bytes + image->at;
    image->at += bytes;
    return taken;
}

void image_take_into(struct image *image, void *data, size_t bytes)
{
    const void *taken = image_take(image, bytes);
    memset(data, 0, bytes);
    if (taken != NULL && bytes > 0)
        memcpy(data, taken, bytes);
}

uint64_t image_take_number(struct image *image)
{
    uint64_t number;
    image_take_into(image, &number, sizeof number);
    return number;
}

void image_take_text(struct image *image, char *text, size_t bytes)
{
    size_t length = image_take_number(image);
    if (length >= bytes)
        image->too_short = true;
    text[0] = '\0';
    if (image->too_short)
        return;
    image_take_into(image, text, length);
    text[length] = '\0';
}

void image_seal(struct image *image)
{
    image_put_number(image, XXH3_64bits(image->bytes, image->count));
}

bool image_unseal(struct image *image)
{
    uint64_t hash;
    if (image->count < sizeof hash)
        return false;
    memcpy(&hash, image->bytes + image->count - sizeof hash, sizeof hash);
    if (hash != XXH3_64bits(image->bytes, image->count - sizeof hash))
        return false;
    image->count -= sizeof hash;
    return true;
}

/* ---- files ----------------------------------------------------------------------------------- */

bool image_read(const char *path, struct image *ret_image)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return false;
    struct image image = { 0 };
    char block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, in)) > 0;)
        image_put(&image, block, got);
    int cause = ferror(in) ? errno : 0;
    fclose(in);
    errno = cause;
    if (cause == 0)
        *ret_image = image;
    else
        free(image.bytes);
    return cause == 0;
}

uint64_t image_program_hash(void)
{
    struct image program = { 0 };
    if (!image_read("/proc/self/exe", &program))
        check_limit("the program cannot read its own file: %s", strerror(errno));
    uint64_t hash = XXH3_64bits(program.bytes, program.count);
    free(program.bytes);
    return hash;
}

/* Writes a new file of that name and makes sure that it is on the disk; false with errno. */
static bool write_file(const char *path, const struct image *image)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return false;
    bool written = true;
    for (size_t done = 0; done < image->count && written;) {
        ssize_t put_now = write(file, image->bytes + done, image->count - done);
        if (put_now > 0)
            done += (size_t)put_now;
        else if (put_now < 0 && errno != EINTR)
            written = false;
    }
    written = written && fsync(file) == 0;
    int cause = errno;
    if (close(file) != 0 && written) {
        written = false;
        cause = errno;
    }
    errno = cause;
    return written;
}

/* Makes sure that a file's name is on the disk, as far as its folder's file system can. */
static void sync_folder(const char *path)
{
    char copy[PATH_BYTES];
    snprintf(copy, sizeof copy, "%s", path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    fsync(folder);
    close(folder);
}

bool image_write(const struct image *image, const char *path, const char *temporary)
{
    bool written = write_file(temporary, image) && rename(temporary, path) == 0;
    int cause = errno;
    if (written)
        sync_folder(path);
    else
        unlink(temporary);
    errno = cause;
    return written;
}
