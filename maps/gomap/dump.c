/* dump.c: a map's state as text. NOT instrumented. */
#include "gomap/dump.h"

#include <stdlib.h>
#include <string.h>

#include "treadle.h"

enum { CHAIN_MAX = 300 }; /* a longer chain is a cycle */

/* A main array: buckets from start on, number number. */
struct dump_array {
    uintptr_t start;
    uint64_t bucket_count;
    uint64_t number;
};

/* A separately allocated bucket; 0 is a free place. */
struct dump_single {
    uintptr_t address;
    uint64_t number;
};

/* Where a bucket belongs. */
enum dump_place { PLACE_UNKNOWN, PLACE_ARRAY, PLACE_SINGLE };
struct dump_id {
    enum dump_place place;
    uint64_t number;
    uint64_t index;
};

static void *allocate(void *old, size_t bytes)
{
    void *grown = realloc(old, bytes);
    if (grown == NULL)
        abort();
    return grown;
}

void dumper_deinit(struct dumper *dumper)
{
    free(dumper->arrays);
    free(dumper->singles);
    free(dumper->buckets);
    free(dumper->iterators);
    for (size_t i = 0; i < DUMP_LISTS; i++)
        text_deinit(&dumper->lists[i].text);
    *dumper = (struct dumper){ 0 };
}

void dumper_forget(struct dumper *dumper)
{
    dumper->array_count = 0;
    dumper->single_count = 0;
    if (dumper->single_capacity != 0)
        memset(dumper->singles, 0, dumper->single_capacity * sizeof *dumper->singles);
    if (!dumper->remembers)
        return;
    dump_memory_forget(dumper->buckets);
    dump_memory_forget(dumper->iterators);
    for (size_t i = 0; i < DUMP_LISTS; i++)
        dumper->lists[i].array = NULL;
}

void dumper_remember(struct dumper *dumper)
{
    dumper->remembers = true;
    dumper->buckets = dump_memory_create();
    dumper->iterators = dump_memory_create();
}

/* ---- ids ------------------------------------------------------------------------------------- */

/* The last array that begins at or before address; NULL if none does. */
static struct dump_array *array_before(const struct dumper *dumper, uintptr_t address)
{
    size_t low = 0;
    size_t high = dumper->array_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (dumper->arrays[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &dumper->arrays[low - 1];
}

/* Makes an array known that some field of the map holds. */
static void meet_array(struct dumper *dumper, const struct bmap *buckets)
{
    uintptr_t address = (uintptr_t)buckets;
    struct dump_array *before = array_before(dumper, address);
    if (address == 0 || (before != NULL && before->start == address))
        return;
    void *start;
    size_t bytes;
    if (!treadle_block(buckets, &start, &bytes) || start != (const void *)buckets)
        return;
    if (dumper->array_count == dumper->array_capacity) {
        dumper->array_capacity = dumper->array_capacity == 0 ? 16 : 2 * dumper->array_capacity;
        size_t index = before != NULL ? (size_t)(before - dumper->arrays) : 0;
        dumper->arrays = allocate(dumper->arrays,
                                  dumper->array_capacity * sizeof *dumper->arrays);
        before = before != NULL ? &dumper->arrays[index] : NULL;
    }
    size_t at = before != NULL ? (size_t)(before - dumper->arrays) + 1 : 0;
    memmove(&dumper->arrays[at + 1], &dumper->arrays[at],
            (dumper->array_count - at) * sizeof *dumper->arrays);
    dumper->arrays[at] = (struct dump_array){
        .start = address,
        .bucket_count = bytes / sizeof(struct bmap),
        .number = dumper->array_count,
    };
    dumper->array_count++;
}

static struct dump_single *single_place(const struct dumper *dumper, uintptr_t address)
{
    size_t mask = dumper->single_capacity - 1;
    size_t at = (size_t)(address / 16 * UINT64_C(0x9e3779b97f4a7c15) >> 20) & mask;
    while (dumper->singles[at].address != 0 && dumper->singles[at].address != address)
        at = (at + 1) & mask;
    return &dumper->singles[at];
}

static void grow_singles(struct dumper *dumper)
{
    struct dumper grown = *dumper;
    grown.single_capacity = dumper->single_capacity == 0 ? 64 : 2 * dumper->single_capacity;
    grown.singles = calloc(grown.single_capacity, sizeof *grown.singles);
    if (grown.singles == NULL)
        abort();
    for (size_t i = 0; i < dumper->single_capacity; i++) {
        if (dumper->singles[i].address != 0)
            *single_place(&grown, dumper->singles[i].address) = dumper->singles[i];
    }
    free(dumper->singles);
    *dumper = grown;
}

/* The id of a bucket, given now if a dump meets it for the first time. */
static struct dump_id meet(struct dumper *dumper, const struct bmap *b)
{
    uintptr_t address = (uintptr_t)b;
    const struct dump_array *array = array_before(dumper, address);
    uint64_t distance = array != NULL ? address - array->start : 0;
    bool in_array = array != NULL && distance % sizeof *b == 0;
    if (in_array && distance < array->bucket_count * sizeof *b)
        return (struct dump_id){ PLACE_ARRAY, array->number, distance / sizeof *b };
    if (2 * (dumper->single_count + 1) > dumper->single_capacity)
        grow_singles(dumper);
    struct dump_single *single = single_place(dumper, address);
    if (single->address == 0) {
        void *start;
        size_t bytes;
        if (treadle_block(b, &start, &bytes) && start == (const void *)b && bytes >= sizeof *b)
            *single = (struct dump_single){ address, dumper->single_count++ };
        else if (in_array && distance == array->bucket_count * sizeof *b)
            /* Right behind the end: a racing goroutine can leave next_overflow there. */
            return (struct dump_id){ PLACE_ARRAY, array->number, array->bucket_count };
        else
            return (struct dump_id){ PLACE_UNKNOWN, 0, 0 };
    }
    return (struct dump_id){ PLACE_SINGLE, single->number, 0 };
}

static void write_id(struct text *out, struct dump_id id)
{
    switch (id.place) {
    case PLACE_UNKNOWN:
        text_byte(out, '?');
        break;
    case PLACE_ARRAY:
        text_number(out, id.number);
        text_byte(out, '.');
        text_number(out, id.index);
        break;
    case PLACE_SINGLE:
        text_byte(out, 'h');
        text_number(out, id.number);
        break;
    }
}

void dump_id(struct dumper *dumper, const struct bmap *b, struct text *out)
{
    if (b == NULL)
        text_byte(out, '-');
    else
        write_id(out, meet(dumper, b));
}

/* ---- the map --------------------------------------------------------------------------------- */

static void write_field(struct text *out, const char *name, uint64_t number)
{
    text_string(out, name);
    text_number(out, number);
}

static void dump_sum(struct dumper *dumper, const struct hmap *h, uint64_t draws,
                     uint64_t hash_calls, struct text *out)
{
    text_string(out, "S count=");
    text_signed(out, h->count);
    write_field(out, " flags=", h->flags);
    write_field(out, " B=", h->B);
    write_field(out, " nov=", h->noverflow);
    text_string(out, " hash0=");
    text_hex(out, h->hash0, 1);
    write_field(out, " nevac=", h->nevacuate);
    text_string(out, " buckets=");
    dump_id(dumper, h->buckets, out);
    text_string(out, " old=");
    dump_id(dumper, h->oldbuckets, out);
    write_field(out, " fr=", draws);
    write_field(out, " hc=", hash_calls);
    text_byte(out, '\n');
}

static void write_list(struct dumper *dumper, const struct bmap_slice *list, struct text *out)
{
    text_byte(out, '[');
    for (int64_t i = 0; i < list->len; i++) {
        if (!treadle_readable(&list->array[i], sizeof list->array[i])) {
            text_string(out, i == 0 ? "?" : " ?");
            break;
        }
        if (i != 0)
            text_byte(out, ' ');
        dump_id(dumper, list->array[i], out);
    }
    text_byte(out, ']');
}

/* known is what was written of it last time. */
static void dump_list(struct dumper *dumper, const struct bmap_slice *list,
                      struct dump_list *known, struct text *out)
{
    if (list == NULL) {
        text_byte(out, '-');
        return;
    }
    if (!treadle_readable(list, sizeof *list)) {
        text_byte(out, '?');
        return;
    }
    if (known->array != NULL && known->array == list->array && known->len == list->len) {
        text_bytes(out, known->text.bytes, known->text.count);
        return;
    }
    size_t start = out->count;
    write_list(dumper, list, out);
    known->array = NULL;
    size_t count = out->count - start;
    if (!dumper->remembers || memchr(out->bytes + start, '?', count) != NULL)
        return;
    known->array = list->array;
    known->len = list->len;
    known->text.count = 0;
    text_bytes(&known->text, out->bytes + start, count);
}

static void dump_extra(struct dumper *dumper, const struct mapextra *extra, struct text *out)
{
    if (extra == NULL) {
        text_string(out, "X -\n");
        return;
    }
    text_string(out, "X next=");
    if (!treadle_readable(extra, sizeof *extra)) {
        text_string(out, "?\n");
        return;
    }
    dump_id(dumper, extra->next_overflow, out);
    text_string(out, " oldovf=");
    dump_list(dumper, extra->oldoverflow, &dumper->lists[0], out);
    text_string(out, " ovf=");
    dump_list(dumper, extra->overflow, &dumper->lists[1], out);
    text_byte(out, '\n');
}

/* " ID:TOPHASH,k=v,..." */
static void write_bucket(struct text *out, struct dump_id id, const struct bmap *b)
{
    uint64_t tops; /* slot 0 lowest, to be printed first */
    memcpy(&tops, (const void *)b->tophash, sizeof tops);
    text_byte(out, ' ');
    write_id(out, id);
    text_byte(out, ':');
    text_hex(out, __builtin_bswap64(tops), 2 * BUCKET_COUNT);
    for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
        text_byte(out, ',');
        text_entry(out, b->keys[i], b->elems[i]);
    }
}

/* Two buckets never share a slot unless they are far apart. */
static size_t slot_of(const struct bmap *b)
{
    return (uintptr_t)b / sizeof *b;
}

/* A bucket's part of a line. line is 0, or the letter of a line that begins here, with this index:
 * in an array that is always the same. False if the bucket cannot be read. */
static bool write_part(struct dumper *dumper, const struct bmap *b, char line, uint64_t index,
                       struct text *out)
{
    size_t start = out->count;
    if (line != 0) {
        text_byte(out, line);
        text_byte(out, ' ');
        text_number(out, index);
    }
    struct dump_id id = meet(dumper, b);
    if (id.place == PLACE_UNKNOWN || !treadle_readable(b, sizeof *b)) {
        text_string(out, " ?");
        return false;
    }
    write_bucket(out, id, b);
    if (dumper->remembers)
        dump_memory_keep(dumper->buckets, slot_of(b), b, sizeof *b, (uint64_t)line, out, start);
    return true;
}

static inline bool dump_bucket(struct dumper *dumper, const struct bmap *b, char line,
                               uint64_t index, struct text *out)
{
    return (dumper->remembers
            && dump_memory_recall(dumper->buckets, slot_of(b), b, sizeof *b, (uint64_t)line, out))
        || write_part(dumper, b, line, index, out);
}

/* A line: the chain from the bucket of this index on. */
static void dump_chain(struct dumper *dumper, const struct bmap *b, char line, uint64_t index,
                       struct text *out)
{
    if (dump_bucket(dumper, b, line, index, out)) {
        uint32_t length = 1;
        for (b = b->overflow; b != NULL; b = b->overflow) {
            if (length++ == CHAIN_MAX) {
                text_string(out, " CYCLE");
                break;
            }
            if (!dump_bucket(dumper, b, 0, 0, out))
                break;
        }
    }
    text_byte(out, '\n');
}

/* The chains of an array of at most count buckets. */
static void dump_array(struct dumper *dumper, const struct bmap *buckets, uint64_t count, char line,
                       struct text *out)
{
    if (buckets == NULL)
        return;
    const struct dump_array *array = array_before(dumper, (uintptr_t)buckets);
    if (array == NULL || array->start != (uintptr_t)buckets)
        return;
    if (count > array->bucket_count)
        count = array->bucket_count;
    for (uint64_t i = 0; i < count; i++)
        dump_chain(dumper, buckets + i, line, i, out);
}

void dump_map(struct dumper *dumper, const struct hmap *h, uint64_t draws, uint64_t hash_calls,
              bool sum, struct text *out)
{
    if (h == NULL) {
        text_string(out, "S nil\n");
        return;
    }
    meet_array(dumper, h->oldbuckets);
    meet_array(dumper, h->buckets);
    dump_sum(dumper, h, draws, hash_calls, out);
    if (sum)
        return;
    dump_extra(dumper, h->extra, out);
    dump_array(dumper, h->oldbuckets, noldbuckets(h), 'o', out);
    dump_array(dumper, h->buckets, bucket_shift(h->B), 'b', out);
}

/* ---- iterators ------------------------------------------------------------------------------- */

/* "BUCKET/k3" for the address of a bucket's fourth key. */
static void dump_slot(struct dumper *dumper, const struct bmap *b, const volatile uint64_t *word,
                      struct text *out)
{
    if (word == NULL) {
        text_byte(out, '-');
        return;
    }
    uintptr_t address = (uintptr_t)word;
    uint64_t distance = address - (uintptr_t)b;
    if (b == NULL || distance >= sizeof *b) {
        text_byte(out, '?');
        return;
    }
    bool elem = distance >= offsetof(struct bmap, elems);
    dump_id(dumper, b, out);
    text_string(out, elem ? "/e" : "/k");
    text_number(out,
                (distance - (elem ? offsetof(struct bmap, elems) : offsetof(struct bmap, keys)))
                    / sizeof(uint64_t));
}

/* The bucket that holds this word: the iterator's own, or wherever the entry has moved. */
static const struct bmap *bucket_of(struct dumper *dumper, const struct hiter *it,
                                    const volatile uint64_t *word)
{
    uintptr_t address = (uintptr_t)word;
    if (address - (uintptr_t)it->bptr < sizeof(struct bmap))
        return it->bptr;
    const struct dump_array *array = array_before(dumper, address);
    if (array != NULL) {
        uint64_t distance = address - array->start;
        if (distance < array->bucket_count * sizeof(struct bmap))
            return (const struct bmap *)(address - distance % sizeof(struct bmap));
    }
    void *start;
    size_t bytes;
    if (!treadle_block(word, &start, &bytes))
        return NULL;
    return start;
}

void dump_meet_iterators(struct dumper *dumper, const struct iterator *iterators, size_t count)
{
    for (size_t i = 0; i < count; i++)
        meet_array(dumper, iterators[i].it->buckets);
}

static void write_iterator(struct dumper *dumper, uint64_t id, const struct hiter *it,
                           struct text *out)
{
    meet_array(dumper, it->buckets);
    write_field(out, "I ", id);
    text_string(out, " buckets=");
    dump_id(dumper, it->buckets, out);
    write_field(out, " B=", it->B);
    write_field(out, " start=", it->start_bucket);
    write_field(out, " off=", it->offset);
    text_string(out, it->wrapped ? " wrapped=true" : " wrapped=false");
    write_field(out, " bucket=", it->bucket);
    text_string(out, " bptr=");
    dump_id(dumper, it->bptr, out);
    write_field(out, " i=", it->i);
    if (it->check_bucket == NO_CHECK)
        text_string(out, " check=-1");
    else
        write_field(out, " check=", it->check_bucket);
    text_string(out, " k=");
    dump_slot(dumper, bucket_of(dumper, it, it->key), it->key, out);
    text_string(out, " e=");
    dump_slot(dumper, bucket_of(dumper, it, it->elem), it->elem, out);
    text_byte(out, '\n');
}

static void dump_iterator(struct dumper *dumper, const struct iterator *iterator, struct text *out)
{
    const struct hiter *it = iterator->it;
    uint64_t id = iterator->id;
    if (dumper->remembers
        && dump_memory_recall(dumper->iterators, id, it, sizeof *it, id, out))
        return;
    size_t start = out->count;
    write_iterator(dumper, id, it, out);
    /* What has no id yet may still get one. */
    if (dumper->remembers && memchr(out->bytes + start, '?', out->count - start) == NULL)
        dump_memory_keep(dumper->iterators, id, it, sizeof *it, id, out, start);
}

void dump_iterators(struct dumper *dumper, const struct iterator *iterators, size_t count,
                    struct text *out)
{
    for (size_t i = 0; i < count; i++)
        dump_iterator(dumper, &iterators[i], out);
}
