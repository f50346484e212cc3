/* places.c: the program's functions, from its ELF symbols. */
#define _GNU_SOURCE
#include "places.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/abstract.h"
#include "../scheduler/check.h"

struct place_function {
    uint64_t start, end;
    uint64_t name; /* its hash */
};

static struct place_function *functions; /* by address */
static size_t function_count;
static uint64_t load_offset; /* of a program that may lie anywhere */

extern const char __executable_start[];

static int function_order(const void *left, const void *right)
{
    const struct place_function *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

static void add_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = header->sh_entsize > 0 ? header->sh_size / header->sh_entsize : 0;
    functions = reallocarray(functions, function_count + count + 1, sizeof *functions);
    CHECK(functions != NULL, ==, true);
    for (size_t i = 0; i < count; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(data, (int)i, &symbol) == NULL
            || GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_size == 0)
            continue;
        const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
        if (name != NULL)
            functions[function_count++] =
                (struct place_function){ .start = symbol.st_value,
                                         .end = symbol.st_value + symbol.st_size,
                                         .name = XXH3_64bits(name, strlen(name)) };
    }
}

static void read_symbols(void)
{
    elf_version(EV_CURRENT);
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    Elf *elf = file >= 0 ? elf_begin(file, ELF_C_READ_MMAP, NULL) : NULL;
    GElf_Ehdr ehdr;
    if (elf != NULL && gelf_getehdr(elf, &ehdr) != NULL && ehdr.e_type == ET_DYN)
        load_offset = (uint64_t)__executable_start;
    for (Elf_Scn *section = NULL; elf != NULL && (section = elf_nextscn(elf, section)) != NULL;) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_SYMTAB)
            add_symbols(elf, section, &header);
    }
    if (elf != NULL)
        elf_end(elf);
    if (file >= 0)
        close(file);
    if (function_count > 0)
        qsort(functions, function_count, sizeof *functions, function_order);
}

/* By function and offset; where there is no function, by its address in the program. */
static uint32_t name_place(uint64_t pc)
{
    uint64_t address = pc - load_offset;
    size_t low = 0, high = function_count; /* the first that starts behind it */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (functions[middle].start > address)
            high = middle;
        else
            low = middle + 1;
    }
    uint64_t words[2] = { 0, address };
    if (low > 0 && address <= functions[low - 1].end) {
        words[0] = functions[low - 1].name;
        words[1] = address - functions[low - 1].start;
    }
    return (uint32_t)XXH3_64bits(words, sizeof words);
}

void places_use(void)
{
    if (functions == NULL)
        read_symbols();
    abstract_name_place = name_place;
}
