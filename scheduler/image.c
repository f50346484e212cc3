/* image.c: the data of a whole program. See image.h. */
#define _GNU_SOURCE
#include "image.h"

#include <string.h>
#include <sys/mman.h>

#include "check.h"
#include "fiber.h"
#include "heap_layout.h"

#define IMAGE_RANGES_MAX 3u
#define IMAGE_PAGE_BYTES 4096u
#define IMAGE_PAGES_KNOWN 256u
/* Where Linux puts libraries, mapped memory and the first thread's stack. */
#define IMAGE_FOREIGN_BEGIN UINT64_C(0x700000000000)
#define IMAGE_FOREIGN_END UINT64_C(0x800000000000)

extern char __executable_start[], __data_start[], _end[]; /* the linker's */
/* Of the engine's own sections, in a program that treadle-cc has linked. */
extern char __start_treadle_data[] __attribute__((weak));
extern char __stop_treadle_data[] __attribute__((weak));
extern char __start_treadle_bss[] __attribute__((weak));
extern char __stop_treadle_bss[] __attribute__((weak));

static struct {
    struct range {
        uint64_t begin, end;
    } ranges[IMAGE_RANGES_MAX];
    uint32_t range_count;
    uint64_t end; /* of all that the executable has mapped */
    char *copy;   /* of the ranges, one behind the other */
    uint64_t copy_bytes;
    uint64_t break_begin, break_end; /* at the process's break: foreign, too */
    uint64_t known[IMAGE_PAGES_KNOWN]; /* foreign pages that are mapped, by number % ... */
} image;

/* Adds what lies in [begin, end) outside [hole, hole_end), where the hole is one of them. */
static void add_ranges(uint64_t begin, uint64_t end, uint64_t hole, uint64_t hole_end)
{
    bool is_inside = hole < hole_end && hole >= begin && hole_end <= end;
    uint64_t first_end = is_inside ? hole : end;
    if (begin < first_end)
        image.ranges[image.range_count++] = (struct range){ begin, first_end };
    if (is_inside && hole_end < end)
        image.ranges[image.range_count++] = (struct range){ hole_end, end };
}

static void find_ranges(void)
{
    uint64_t data = (uint64_t)__start_treadle_data, data_end = (uint64_t)__stop_treadle_data;
    uint64_t bss = (uint64_t)__start_treadle_bss, bss_end = (uint64_t)__stop_treadle_bss;
    uint64_t begin = (uint64_t)__data_start, end = (uint64_t)_end;
    image.range_count = 0;
    image.end = end > bss_end ? end : bss_end;
    /* the engine's data lie before its zeros, as all data do */
    if (bss >= begin && bss_end <= image.end && bss < bss_end) {
        add_ranges(begin, bss, data, data_end);
        add_ranges(bss_end, image.end, 0, 0);
    } else {
        add_ranges(begin, end, data, data_end);
    }
}

void image_open(void)
{
    find_ranges();
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < image.range_count; i++)
        bytes += image.ranges[i].end - image.ranges[i].begin;
    if (image.copy != NULL)
        munmap(image.copy, image.copy_bytes);
    image.copy_bytes = bytes;
    image.copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (image.copy == MAP_FAILED)
        check_limit("no memory for a copy of the program's %llu bytes of data",
                    (unsigned long long)bytes);
    char *copy = image.copy;
    for (uint32_t i = 0; i < image.range_count; i++) {
        const struct range *range = &image.ranges[i];
        memcpy(copy, (const void *)range->begin, range->end - range->begin);
        copy += range->end - range->begin;
    }
}

void image_restore(void)
{
    const char *copy = image.copy;
    for (uint32_t i = 0; i < image.range_count; i++) {
        const struct range *range = &image.ranges[i];
        memcpy((void *)range->begin, copy, range->end - range->begin);
        copy += range->end - range->begin;
    }
    memset(image.known, 0, sizeof image.known);
}

uint8_t image_initial(uint64_t address)
{
    const char *copy = image.copy;
    for (uint32_t i = 0; i < image.range_count; i++) {
        const struct range *range = &image.ranges[i];
        if (address >= range->begin && address < range->end)
            return (uint8_t)copy[address - range->begin];
        copy += range->end - range->begin;
    }
    return *(const uint8_t *)address;
}

bool image_range(uint32_t index, uint64_t *ret_begin, uint64_t *ret_end)
{
    if (index >= image.range_count)
        return false;
    *ret_begin = image.ranges[index].begin;
    *ret_end = image.ranges[index].end;
    return true;
}

bool image_holds(uint64_t address, uint64_t bytes)
{
    for (uint32_t i = 0; i < image.range_count; i++) {
        const struct range *range = &image.ranges[i];
        if (address >= range->begin && address < range->end && bytes <= range->end - address)
            return true;
    }
    return false;
}

void image_add_foreign(uint64_t address, uint64_t bytes)
{
    if (image_is_foreign(address) && image_is_foreign(address + bytes - 1))
        return;
    bool first = image.break_begin == image.break_end;
    if (first || address < image.break_begin)
        image.break_begin = address;
    if (first || address + bytes > image.break_end)
        image.break_end = address + bytes;
}

bool image_is_foreign(uint64_t address)
{
    return (address >= IMAGE_FOREIGN_BEGIN && address < IMAGE_FOREIGN_END)
           || (address >= image.break_begin && address < image.break_end);
}

static bool page_is_mapped(uint64_t address)
{
    uint64_t page = address / IMAGE_PAGE_BYTES;
    uint64_t *known = &image.known[page % IMAGE_PAGES_KNOWN];
    unsigned char resident;
    if (*known == page)
        return page != 0;
    if (mincore((void *)(page * IMAGE_PAGE_BYTES), IMAGE_PAGE_BYTES, &resident) != 0)
        return false;
    *known = page;
    return true;
}

bool image_is_mapped(uint64_t address, uint64_t bytes)
{
    bool ours = address - HEAP_BASE < HEAP_BYTES
                || address - FIBER_BASE < FIBER_COUNT_MAX * FIBER_STRIDE
                || (address >= (uint64_t)__executable_start && address < image.end);
    return !ours && bytes <= UINT64_MAX - address && page_is_mapped(address)
           && page_is_mapped(address + bytes - 1);
}

bool image_permits(uint64_t address, uint64_t bytes, bool writes)
{
    if (image_holds(address, bytes))
        return true;
    uint64_t begin = (uint64_t)__executable_start;
    if (address >= begin && address < image.end)
        return !writes && bytes <= (uint64_t)__data_start - address
               && address < (uint64_t)__data_start;
    return image_is_mapped(address, bytes);
}
