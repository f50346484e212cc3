/* checkpoint.c: an exploration as a file. */
#define _GNU_SOURCE
#include "checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "program_call.h"

#define MAGIC "treadle checkpoint 3\n"
#define MAGIC_BYTES (sizeof MAGIC - 1)
#define NAME_BYTES_MAX 4096u

/* A file's bytes while they are put together or taken apart. */
struct image {
    uint8_t *bytes;
    size_t count, capacity;
    size_t at;      /* reading */
    bool too_short; /* reading: more was wanted than is there */
};

/* ---- bytes ----------------------------------------------------------------------------------- */

static void put(struct image *image, const void *data, size_t bytes)
{
    if (image->count + bytes > image->capacity) {
        image->capacity = 2 * (image->count + bytes);
        image->bytes = realloc(image->bytes, image->capacity);
        if (image->bytes == NULL)
            check_limit("no memory for a checkpoint");
    }
    if (bytes > 0)
        memcpy(image->bytes + image->count, data, bytes);
    image->count += bytes;
}

static void put_number(struct image *image, uint64_t number)
{
    put(image, &number, sizeof number);
}

static void put_text(struct image *image, const char *text)
{
    put_number(image, strlen(text));
    put(image, text, strlen(text));
}

/* The next bytes; NULL if there are not as many. */
static const void *take(struct image *image, size_t bytes)
{
    if (image->too_short || image->count - image->at < bytes) {
        image->too_short = true;
        return NULL;
    }
    const void *taken = image->bytes + image->at;
    image->at += bytes;
    return taken;
}

static void take_into(struct image *image, void *data, size_t bytes)
{
    const void *taken = take(image, bytes);
    memset(data, 0, bytes);
    if (taken != NULL && bytes > 0)
        memcpy(data, taken, bytes);
}

static uint64_t take_number(struct image *image)
{
    uint64_t number;
    take_into(image, &number, sizeof number);
    return number;
}

/* A text of less than `bytes` bytes; the empty one if there is none such. */
static void take_text(struct image *image, char *text, size_t bytes)
{
    size_t length = take_number(image);
    if (length >= bytes)
        image->too_short = true;
    text[0] = '\0';
    if (image->too_short)
        return;
    take_into(image, text, length);
    text[length] = '\0';
}

/* The whole file; false with errno. */
static bool read_file(const char *path, struct image *ret_image)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return false;
    struct image image = { 0 };
    char block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, in)) > 0;)
        put(&image, block, got);
    int cause = ferror(in) ? errno : 0;
    fclose(in);
    errno = cause;
    if (cause == 0)
        *ret_image = image;
    else
        free(image.bytes);
    return cause == 0;
}

/* Tells builds of the program apart. */
static uint64_t program_hash(void)
{
    struct image program = { 0 };
    if (!read_file("/proc/self/exe", &program))
        check_limit("the program cannot read its own file: %s", strerror(errno));
    uint64_t hash = XXH3_64bits(program.bytes, program.count);
    free(program.bytes);
    return hash;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_parameters(struct image *image, const struct exploration_parameters *parameters)
{
    put_text(image, parameters->memory);
    put(image, &parameters->preemptions, sizeof parameters->preemptions);
    put_number(image, parameters->deepen);
    put_number(image, parameters->scheduler.unroll);
}

static void put_target(struct image *image, const struct exploration_target *target)
{
    put_text(image, target_at(target->index)->name);
    put(image, &target->tally, sizeof target->tally);
    put_number(image, class_set_count(target->classes));
    for (const struct class_set *at = NULL; (at = class_set_next(target->classes, at)) != NULL;) {
        struct explore_class class = class_set_class(at);
        put(image, &class, sizeof class);
    }
    put_number(image, target->repeated);
    put_number(image, target->blocked);
    put_number(image, target->cut);
    put_number(image, target->crashed);
    put(image, &target->preemptions, sizeof target->preemptions);
    put_number(image, target->limited);
    put(image, &target->seconds, sizeof target->seconds);
    put_text(image, target->nondeterminism);
    put_number(image, target->frontier.byte_count);
    put(image, target->frontier.bytes, target->frontier.byte_count);
    put_number(image, target->findings.count);
    for (uint32_t i = 0; i < target->findings.count; i++) {
        struct finding finding = target->findings.items[i].finding;
        const struct choice *choices = finding.choices;
        finding.choices = NULL;
        put(image, &finding, sizeof finding);
        put(image, choices, finding.choice_count * sizeof *choices);
    }
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
    char copy[NAME_BYTES_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    fsync(folder);
    close(folder);
}

int checkpoint_write(const char *path, const struct exploration *exploration,
                     const struct exploration_parameters *parameters, char *error,
                     size_t error_bytes)
{
    char temporary[NAME_BYTES_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.new", path);
    struct image image = { 0 };
    put(&image, MAGIC, MAGIC_BYTES);
    put_number(&image, program_hash());
    put_parameters(&image, parameters);
    char *call = program_call();
    put_text(&image, call);
    free(call);
    put(&image, &exploration->seconds, sizeof exploration->seconds);
    put_number(&image, exploration->target_count);
    for (uint32_t i = 0; i < exploration->target_count; i++)
        put_target(&image, &exploration->targets[i]);
    put_number(&image, XXH3_64bits(image.bytes, image.count));
    errno = ENAMETOOLONG;
    bool written = length < (int)sizeof temporary && write_file(temporary, &image)
                   && rename(temporary, path) == 0;
    if (written)
        sync_folder(path);
    else
        snprintf(error, error_bytes, "the checkpoint %.150s cannot be written: %s", path,
                 strerror(errno));
    if (!written && length < (int)sizeof temporary)
        unlink(temporary);
    free(image.bytes);
    return written ? 0 : -1;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void take_findings(struct image *image, struct finding_list *list)
{
    uint64_t count = take_number(image);
    for (uint64_t i = 0; i < count && !image->too_short; i++) {
        struct finding finding;
        take_into(image, &finding, sizeof finding);
        size_t bytes = finding.choice_count * sizeof *finding.choices;
        const void *choices = take(image, bytes);
        if (choices == NULL)
            return;
        finding.choices = malloc(bytes + 1);
        CHECK(finding.choices != NULL, ==, true);
        memcpy(finding.choices, choices, bytes);
        finding_list_take(list, &finding);
    }
}

static bool take_target(struct image *image, struct exploration_target *target)
{
    char name[NAME_BYTES_MAX];
    take_text(image, name, sizeof name);
    uint32_t index = 0;
    while (index < target_count() && strcmp(target_at(index)->name, name) != 0)
        index++;
    target->index = index;
    take_into(image, &target->tally, sizeof target->tally);
    for (uint64_t left = take_number(image); left > 0 && !image->too_short; left--) {
        struct explore_class class;
        take_into(image, &class, sizeof class);
        class_set_add(&target->classes, class);
    }
    target->repeated = take_number(image);
    target->blocked = take_number(image);
    target->cut = take_number(image);
    target->crashed = take_number(image);
    take_into(image, &target->preemptions, sizeof target->preemptions);
    target->limited = take_number(image) != 0;
    take_into(image, &target->seconds, sizeof target->seconds);
    take_text(image, target->nondeterminism, sizeof target->nondeterminism);
    size_t byte_count = take_number(image);
    const void *items = take(image, byte_count);
    if (items == NULL || index == target_count())
        return false;
    memcpy(frontier_room(&target->frontier, byte_count + 1), items, byte_count);
    if (!frontier_filled(&target->frontier, byte_count))
        return false;
    take_findings(image, &target->findings);
    return !image->too_short;
}

/* Says what speaks against an image before its targets; NULL if nothing does. text: room for it. */
static const char *objection(struct image *image, const struct exploration_parameters *parameters,
                             char *text, size_t text_bytes)
{
    uint64_t hash;
    if (image->count < MAGIC_BYTES || memcmp(image->bytes, MAGIC, MAGIC_BYTES) != 0)
        return image->count >= 19 && memcmp(image->bytes, MAGIC, 19) == 0
                   ? "it was written by another version of Treadle; begin anew"
                   : "it is no checkpoint of Treadle; check which file this is";
    if (image->count < MAGIC_BYTES + 2 * sizeof hash)
        return "it is cut off; begin anew";
    memcpy(&hash, image->bytes + image->count - sizeof hash, sizeof hash);
    image->count -= sizeof hash;
    if (hash != XXH3_64bits(image->bytes, image->count))
        return "it is damaged; begin anew";
    image->at = MAGIC_BYTES;
    if (take_number(image) != program_hash())
        return "it was written by another build of this program; begin anew";
    struct image wanted = { 0 };
    put_parameters(&wanted, parameters);
    const void *written = take(image, wanted.count);
    bool same = written != NULL && memcmp(written, wanted.bytes, wanted.count) == 0;
    free(wanted.bytes);
    if (!same)
        return "it was written with another --memory, --preemptions or --unroll";
    size_t call_bytes = take_number(image);
    const char *call = take(image, call_bytes);
    char *difference = program_call_difference(call, call != NULL ? call_bytes : 0);
    if (difference == NULL)
        return NULL;
    snprintf(text, text_bytes, "the program was called with %.100s; call it alike or begin anew",
             difference);
    free(difference);
    return text;
}

struct exploration *checkpoint_read(const char *path,
                                    const struct exploration_parameters *parameters, char *error,
                                    size_t error_bytes)
{
    struct image image = { 0 };
    if (!read_file(path, &image)) {
        snprintf(error, error_bytes, "%.150s: it cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    char text[200];
    const char *why = objection(&image, parameters, text, sizeof text);
    struct exploration *exploration = NULL;
    if (why == NULL) {
        double seconds;
        take_into(&image, &seconds, sizeof seconds);
        uint64_t count = take_number(&image);
        bool fine = count <= target_count();
        exploration = exploration_create(NULL, fine ? (uint32_t)count : 0, parameters);
        exploration->seconds = seconds;
        for (uint32_t i = 0; i < exploration->target_count && fine; i++)
            fine = take_target(&image, &exploration->targets[i]);
        if (!fine)
            why = "it is damaged; begin anew";
    }
    if (why != NULL) {
        snprintf(error, error_bytes, "%.150s: %s", path, why);
        exploration_destroy(exploration);
        exploration = NULL;
    }
    free(image.bytes);
    return exploration;
}
