/* program_origin.c: of which build the program is that treadle-cc has linked: compiler and flags as
 * its debug information has them, and a hash of all that is loaded of it, so of everything but
 * debug information and symbols. */
#define _GNU_SOURCE
#include "subject_origin.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../scheduler/check.h"

static uint64_t hash_sections(Elf *elf)
{
    uint64_t hash = 0;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL || !(header.sh_flags & SHF_ALLOC)
            || header.sh_type == SHT_NOBITS || header.sh_type == SHT_NOTE)
            continue;
        Elf_Data *data = elf_rawdata(section, NULL);
        if (data != NULL && data->d_buf != NULL)
            hash = XXH3_64bits_withSeed(data->d_buf, data->d_size, hash);
    }
    return hash;
}

/* The first unit's that gcc has compiled from C: "GNU C17 12.2.0 -mtune=generic ... -O1"; NULL if
 * there is none. */
static const char *find_producer(Dwarf *dwarf)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit;
    while (dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
        Dwarf_Attribute attribute;
        const char *producer = dwarf_formstring(dwarf_attr(&unit, DW_AT_producer, &attribute));
        if (producer != NULL && strncmp(producer, "GNU C", 5) == 0)
            return producer;
    }
    return NULL;
}

/* Copies the producer's version and flags. */
static void take_producer(struct subject_origin *origin, const char *producer)
{
    const char *version = producer != NULL ? strpbrk(producer + strlen("GNU C"), " ") : NULL;
    if (version == NULL)
        return;
    version++;
    int length = (int)strcspn(version, " ");
    char *compiler;
    int written = asprintf(&compiler, "gcc-%.*s", length, version);
    CHECK(written, >, 0);
    origin->compiler = compiler;
    if (version[length] != '\0')
        origin->flags = strdup(version + length + 1);
}

const struct subject_origin *subject_origin(void)
{
    static struct subject_origin origin;
    if (origin.compiler != NULL)
        return &origin;
    origin.compiler = "unknown";
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    Dwarf *dwarf = file >= 0 ? dwarf_begin(file, DWARF_C_READ) : NULL;
    if (dwarf != NULL) {
        origin.hash = hash_sections(dwarf_getelf(dwarf));
        take_producer(&origin, find_producer(dwarf));
        dwarf_end(dwarf);
    }
    if (file >= 0)
        close(file);
    return &origin;
}
