/* names.c: names of code and memory, from the DWARF of the running program (see names.h; DWARF 5
 * of gcc 12 and clang 14, older versions too). Opened at the first question; what is found is
 * kept: places by pc, members by (type, block, offset), globals by address.
 *
 * Nothing relies on .debug_aranges, which clang does not write. */
#include "names.h"

#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <uthash.h>

#include "../scheduler/check.h"
#include "debug_info.h"

#define NESTING_MAX 64 /* of blocks in a function */

/* Code of one compilation unit. */
struct code {
    uint64_t start, end;
    Dwarf_Die unit;
};

/* A struct (or union) as one unit defines it; another unit may give the same name to another. */
struct definition {
    Dwarf_Die die;
    uint64_t bytes;
    struct definition *next;
};

/* Which byte of what: a block of a type, or a global (then offset is its address). */
struct field_key {
    uint64_t block_bytes, offset, with_index;
};

struct field {
    struct field_key key;
    UT_hash_handle hh;
    char text[];
};

struct type {
    struct definition *definitions; /* in the units' order; NULL = unknown type */
    struct field *fields;           /* those asked for */
    UT_hash_handle hh;
    char name[];
};

struct global {
    uint64_t address, bytes;
    const char *name;
    Dwarf_Die type;
    uint32_t number; /* in the units' order */
};

struct place {
    uint64_t pc;
    struct names_place place;
    bool known;
    UT_hash_handle hh;
};

static struct {
    bool opened;  /* or it was tried in vain: then dwarf is NULL */
    bool indexed; /* types and globals are known */
    int fd;
    Dwarf *dwarf;
    uint64_t bias;      /* address - link address; 0 when linked with -no-pie */
    struct code *codes; /* sorted by start */
    uint32_t code_count;
    struct global *globals; /* sorted by address */
    uint32_t global_count;
    struct type *types;
    struct field *global_fields;
    struct place *places;
} names;

static void *names_allocate(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    if (memory == NULL)
        check_limit("no memory for names");
    return memory;
}

/* Makes room for one more element behind `count`; the capacity is the next power of two. */
static void *names_grow(void *array, uint32_t count, size_t element_bytes)
{
    if ((count & (count - 1)) != 0)
        return array;
    return names_allocate(array, (count == 0 ? 1 : 2 * (size_t)count) * element_bytes);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int compare_codes(const void *left, const void *right)
{
    const struct code *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

static void add_codes(Dwarf_Die *unit)
{
    Dwarf_Addr base = 0, start, end;
    ptrdiff_t next = 0;
    while ((next = dwarf_ranges(unit, next, &base, &start, &end)) > 0) {
        if (start == 0 || start >= end) /* code that the linker dropped */
            continue;
        names.codes = names_grow(names.codes, names.code_count, sizeof *names.codes);
        names.codes[names.code_count++] = (struct code){ start, end, *unit };
    }
}

static uint64_t load_bias(void)
{
    GElf_Ehdr header;
    if (gelf_getehdr(dwarf_getelf(names.dwarf), &header) == NULL)
        return 0;
    return getauxval(AT_ENTRY) - header.e_entry;
}

/* Whether there is anything to look up. */
static bool names_open(void)
{
    if (names.opened)
        return names.dwarf != NULL;
    names.opened = true;
    names.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (names.fd < 0)
        return false;
    names.dwarf = dwarf_begin(names.fd, DWARF_C_READ);
    if (names.dwarf == NULL)
        return false;
    names.bias = load_bias();
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit;
    while (dwarf_get_units(names.dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0)
        add_codes(&unit);
    if (names.code_count > 0)
        qsort(names.codes, names.code_count, sizeof *names.codes, compare_codes);
    return true;
}

/* ---- places ---------------------------------------------------------------------------------- */

static struct code *find_code(uint64_t address)
{
    uint32_t low = 0, high = names.code_count; /* the last start <= address is before high */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (names.codes[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && address < names.codes[low - 1].end ? &names.codes[low - 1] : NULL;
}

static const char *base_name(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return slash != NULL ? slash + 1 : path;
}

static bool look_up_place(uint64_t pc, struct names_place *ret_place)
{
    if (!names_open())
        return false;
    uint64_t address = pc - 1 - names.bias;
    struct code *code = find_code(address);
    Dwarf_Die function;
    if (code == NULL || !debug_function(&code->unit, address, &function))
        return false;
    const char *name = dwarf_diename(&function);
    int line = 0, declared = 0;
    Dwarf_Line *row = debug_row(&code->unit, address);
    const char *file = row != NULL ? base_name(dwarf_linesrc(row, NULL, NULL)) : NULL;
    if (file == NULL || dwarf_lineno(row, &line) != 0)
        line = 0;
    if (dwarf_decl_line(&function, &declared) != 0 || line < declared)
        declared = line;
    *ret_place = (struct names_place){ .function = name != NULL ? name : "?",
                                       .file = file != NULL ? file : "?",
                                       .line = (uint32_t)line,
                                       .line_in_function = (uint32_t)(line - declared) };
    return true;
}

bool names_place(uint64_t pc, struct names_place *ret_place)
{
    struct place *place;
    HASH_FIND(hh, names.places, &pc, sizeof pc, place);
    if (place == NULL) {
        place = names_allocate(NULL, sizeof *place);
        *place = (struct place){ .pc = pc, .place = { .function = "?", .file = "?" } };
        place->known = look_up_place(pc, &place->place);
        HASH_ADD(hh, names.places, pc, sizeof place->pc, place);
    }
    *ret_place = place->place;
    return place->known;
}

/* ---- the index of types and globals ---------------------------------------------------------- */

static struct type *find_type(const char *name)
{
    struct type *type;
    HASH_FIND_STR(names.types, name, type);
    return type;
}

static struct type *add_type(const char *name)
{
    size_t bytes = strlen(name) + 1;
    struct type *type = names_allocate(NULL, sizeof *type + bytes);
    type->definitions = NULL;
    type->fields = NULL;
    memcpy(type->name, name, bytes);
    HASH_ADD_STR(names.types, name, type);
    return type;
}

/* A struct, union, or typedef of one. One of a known name and size is taken for the same. */
static void index_type(Dwarf_Die *die)
{
    Dwarf_Die peeled;
    const char *name = dwarf_diename(die);
    if (name == NULL || dwarf_peel_type(die, &peeled) != 0)
        return;
    int tag = dwarf_tag(&peeled);
    int bytes = dwarf_bytesize(&peeled);
    if ((tag != DW_TAG_structure_type && tag != DW_TAG_union_type) || bytes <= 0)
        return; /* among others a mere declaration */
    struct type *type = find_type(name);
    if (type == NULL)
        type = add_type(name);
    struct definition **last = &type->definitions;
    for (; *last != NULL; last = &(*last)->next)
        if ((*last)->bytes == (uint64_t)bytes)
            return;
    *last = names_allocate(NULL, sizeof **last);
    **last = (struct definition){ .die = peeled, .bytes = (uint64_t)bytes };
}

static void index_global(Dwarf_Die *die)
{
    struct global global = { .number = names.global_count };
    if (!debug_fixed_address(die, &global.address) || !debug_type(die, &global.type))
        return;
    global.name = dwarf_diename(die);
    global.bytes = debug_type_bytes(&global.type);
    if (global.name == NULL || global.bytes == 0 || global.address == 0)
        return;
    names.globals = names_grow(names.globals, names.global_count, sizeof *names.globals);
    names.globals[names.global_count++] = global;
}

/* Enters what stands in a unit, in its functions and their blocks. */
static void index_children(Dwarf_Die *parent, uint32_t nesting)
{
    Dwarf_Die child;
    if (nesting == NESTING_MAX || dwarf_child(parent, &child) != 0)
        return;
    do {
        switch (dwarf_tag(&child)) {
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
        case DW_TAG_typedef:
            index_type(&child);
            break;
        case DW_TAG_variable:
            index_global(&child);
            break;
        case DW_TAG_subprogram:
        case DW_TAG_lexical_block:
            index_children(&child, nesting + 1);
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(&child, &child) == 0);
}

static int compare_globals(const void *left, const void *right)
{
    const struct global *a = left, *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return a->number > b->number ? -1 : a->number < b->number; /* find_global takes the last */
}

static void names_index(void)
{
    if (names.indexed || !names_open())
        return;
    names.indexed = true;
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit;
    while (dwarf_get_units(names.dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0)
        index_children(&unit, 0);
    if (names.global_count > 0)
        qsort(names.globals, names.global_count, sizeof *names.globals, compare_globals);
}

/* ---- fields of blocks ------------------------------------------------------------------------ */

/* The definition of which the block can be an array; else the first. */
static struct definition *choose_definition(const struct type *type, uint64_t block_bytes)
{
    for (struct definition *one = type->definitions; one != NULL; one = one->next)
        if (block_bytes % one->bytes == 0)
            return one;
    return type->definitions;
}

/* Names the byte at key's offset in a block of that type. */
static void write_field(const struct type *type, const struct field_key *key, char *text)
{
    struct definition *definition = choose_definition(type, key->block_bytes);
    uint64_t offset = key->offset;
    debug_append(text, "%s", type->name);
    bool is_outside = key->block_bytes != 0 && offset >= key->block_bytes;
    if (definition != NULL && !is_outside) {
        if (!debug_has_open_end(&definition->die)) {
            if (key->with_index && key->block_bytes / definition->bytes > 1)
                debug_append(text, "[%" PRIu64 "]", offset / definition->bytes);
            offset %= definition->bytes;
        }
        if (debug_append_members(definition->die, offset, key->with_index, text))
            return;
    }
    debug_append(text, "+%" PRIu64, offset);
}

static struct field *find_field(struct field *fields, const struct field_key *key)
{
    struct field *field;
    HASH_FIND(hh, fields, key, sizeof *key, field);
    return field;
}

static struct field *add_field(struct field **fields, const struct field_key *key,
                               const char *text)
{
    size_t bytes = strlen(text) + 1;
    struct field *field = names_allocate(NULL, sizeof *field + bytes);
    field->key = *key;
    memcpy(field->text, text, bytes);
    HASH_ADD(hh, *fields, key, sizeof field->key, field);
    return field;
}

const char *names_field(const char *type_name, uint64_t block_bytes, uint64_t offset,
                        bool with_index)
{
    names_index();
    struct field_key key = { block_bytes, offset, with_index };
    struct type *type = find_type(type_name);
    if (type == NULL)
        type = add_type(type_name);
    struct field *field = find_field(type->fields, &key);
    if (field == NULL) {
        char text[DEBUG_TEXT_BYTES_MAX] = "";
        write_field(type, &key, text);
        field = add_field(&type->fields, &key, text);
    }
    return field->text;
}

/* ---- globals --------------------------------------------------------------------------------- */

static const struct global *find_global(uint64_t address)
{
    uint32_t low = 0, high = names.global_count; /* the last one at or before address */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (names.globals[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct global *global = low > 0 ? &names.globals[low - 1] : NULL;
    return global != NULL && address - global->address < global->bytes ? global : NULL;
}

const char *names_global(uint64_t address, bool with_index)
{
    names_index();
    struct field_key key = { 0, address, with_index };
    struct field *field = find_field(names.global_fields, &key);
    if (field != NULL)
        return field->text;
    const struct global *global = find_global(address - names.bias);
    if (global == NULL)
        return NULL;
    char text[DEBUG_TEXT_BYTES_MAX] = "";
    uint64_t offset = address - names.bias - global->address;
    debug_append(text, "%s", global->name);
    if (!debug_append_members(global->type, offset, with_index, text))
        debug_append(text, "+%" PRIu64, offset);
    return add_field(&names.global_fields, &key, text)->text;
}

/* ---- closing --------------------------------------------------------------------------------- */

static void free_fields(struct field **fields)
{
    struct field *field, *next;
    HASH_ITER(hh, *fields, field, next) {
        HASH_DEL(*fields, field);
        free(field);
    }
}

static void free_type(struct type *type)
{
    while (type->definitions != NULL) {
        struct definition *next = type->definitions->next;
        free(type->definitions);
        type->definitions = next;
    }
    free_fields(&type->fields);
    free(type);
}

void names_close(void)
{
    struct type *type, *next_type;
    HASH_ITER(hh, names.types, type, next_type) {
        HASH_DEL(names.types, type);
        free_type(type);
    }
    struct place *place, *next_place;
    HASH_ITER(hh, names.places, place, next_place) {
        HASH_DEL(names.places, place);
        free(place);
    }
    free_fields(&names.global_fields);
    free(names.codes);
    free(names.globals);
    dwarf_end(names.dwarf);
    if (names.opened && names.fd >= 0)
        close(names.fd);
    memset(&names, 0, sizeof names);
}
