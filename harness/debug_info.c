/* debug_info.c: reads single entries of the debug information, as gcc 12 and clang 14 write it
 * (DWARF 5; older versions too). */
#include "debug_info.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NESTING_MAX 64
#define DIMENSIONS_MAX 8

/* ---- code ------------------------------------------------------------------------------------ */

bool debug_function(Dwarf_Die *unit, uint64_t address, Dwarf_Die *ret_function)
{
    Dwarf_Die *scopes = NULL;
    int count = dwarf_getscopes(unit, address, &scopes);
    bool found = false;
    for (int i = 0; i < count && !found; i++) {
        int tag = dwarf_tag(&scopes[i]);
        found = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
        if (found)
            *ret_function = scopes[i];
    }
    free(scopes);
    return found;
}

Dwarf_Line *debug_row(Dwarf_Die *unit, uint64_t address)
{
    Dwarf_Lines *rows;
    size_t count;
    if (dwarf_getsrclines(unit, &rows, &count) != 0)
        return NULL;
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        Dwarf_Addr start = 0;
        dwarf_lineaddr(dwarf_onesrcline(rows, middle), &start);
        if (start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    while (low-- > 0) {
        Dwarf_Line *row = dwarf_onesrcline(rows, low);
        bool is_end = false;
        int line = 0;
        if (dwarf_lineendsequence(row, &is_end) != 0 || is_end)
            return NULL;
        if (dwarf_lineno(row, &line) == 0 && line > 0)
            return row;
    }
    return NULL;
}

/* ---- variables and types --------------------------------------------------------------------- */

bool debug_fixed_address(Dwarf_Die *variable, uint64_t *ret_address)
{
    Dwarf_Attribute location, operand;
    Dwarf_Block block;
    Dwarf_Op *operations;
    size_t count;
    Dwarf_Addr address;
    if (dwarf_attr(variable, DW_AT_location, &location) == NULL
        || dwarf_formblock(&location, &block) != 0 || block.length == 0)
        return false;
    uint8_t first = block.data[0];
    if ((first != DW_OP_addr && first != DW_OP_addrx && first != DW_OP_GNU_addr_index)
        || dwarf_getlocation(&location, &operations, &count) != 0 || count != 1)
        return false;
    if (first == DW_OP_addr)
        address = operations[0].number;
    else if (dwarf_getlocation_attr(&location, operations, &operand) != 0
             || dwarf_formaddr(&operand, &address) != 0)
        return false;
    *ret_address = address;
    return true;
}

bool debug_type(Dwarf_Die *die, Dwarf_Die *ret_type)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, DW_AT_type, &attribute) != NULL
           && dwarf_formref_die(&attribute, ret_type) != NULL;
}

uint64_t debug_type_bytes(Dwarf_Die *type)
{
    Dwarf_Word bytes = 0;
    return dwarf_aggregate_size(type, &bytes) == 0 ? bytes : 0;
}

/* ---- members --------------------------------------------------------------------------------- */

void debug_append(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, DEBUG_TEXT_BYTES_MAX - used, format, arguments);
    va_end(arguments);
}

static bool number_of(Dwarf_Die *die, unsigned name, uint64_t *ret_number)
{
    Dwarf_Attribute attribute;
    Dwarf_Word number;
    if (dwarf_attr(die, name, &attribute) == NULL || dwarf_formudata(&attribute, &number) != 0)
        return false;
    *ret_number = number;
    return true;
}

/* Where a member begins: 0 in a union; the byte of the first bit of a bit-field. */
static uint64_t member_offset(Dwarf_Die *member)
{
    uint64_t offset = 0;
    if (!number_of(member, DW_AT_data_member_location, &offset)
        && number_of(member, DW_AT_data_bit_offset, &offset))
        offset /= 8;
    return offset;
}

/* How many bytes a member takes; 0 if it is an array without a length. */
static uint64_t member_bytes(Dwarf_Die *member, Dwarf_Die *type)
{
    uint64_t bits, start;
    if (number_of(member, DW_AT_bit_size, &bits)
        && number_of(member, DW_AT_data_bit_offset, &start))
        return (start % 8 + bits + 7) / 8;
    return debug_type_bytes(type);
}

/* A member, and where it begins. */
struct member {
    Dwarf_Die die, type;
    uint64_t start;
};

/* The first member of a struct or union that holds the byte at offset; if there is none, the last
 * member when that is an array without a length that begins before it. */
static bool find_member(Dwarf_Die *parent, uint64_t offset, struct member *ret_member)
{
    struct member member;
    bool is_open = false;
    if (dwarf_child(parent, &member.die) != 0)
        return false;
    do {
        if (dwarf_tag(&member.die) != DW_TAG_member || !debug_type(&member.die, &member.type))
            continue;
        member.start = member_offset(&member.die);
        uint64_t bytes = member_bytes(&member.die, &member.type);
        Dwarf_Die peeled;
        is_open = bytes == 0 && offset >= member.start
                  && dwarf_peel_type(&member.type, &peeled) == 0
                  && dwarf_tag(&peeled) == DW_TAG_array_type;
        if (is_open || (offset >= member.start && offset - member.start < bytes))
            *ret_member = member;
        if (offset >= member.start && offset - member.start < bytes)
            return true;
    } while (dwarf_siblingof(&member.die, &member.die) == 0);
    return is_open;
}

bool debug_has_open_end(Dwarf_Die *type)
{
    struct member member;
    return find_member(type, UINT64_MAX, &member);
}

/* How many elements each dimension of an array has, the outermost first; 0 = unknown. */
static uint32_t array_dimensions(Dwarf_Die *array, uint64_t ret_counts[DIMENSIONS_MAX])
{
    Dwarf_Die child;
    uint32_t dimensions = 0;
    if (dwarf_child(array, &child) != 0)
        return 0;
    do {
        uint64_t count = 0;
        if (dwarf_tag(&child) != DW_TAG_subrange_type || dimensions == DIMENSIONS_MAX)
            continue;
        if (!number_of(&child, DW_AT_count, &count)
            && number_of(&child, DW_AT_upper_bound, &count))
            count++;
        ret_counts[dimensions++] = count;
    } while (dwarf_siblingof(&child, &child) == 0);
    return dimensions;
}

/* Goes from an array to its element at *offset, which then counts from the element's start. False,
 * and nothing is changed, if an element's size is unknown. */
static bool enter_array(Dwarf_Die *array, uint64_t *offset, bool with_index, char *text)
{
    uint64_t counts[DIMENSIONS_MAX];
    uint32_t dimensions = array_dimensions(array, counts);
    Dwarf_Die element;
    if (!debug_type(array, &element))
        return false;
    uint64_t stride = debug_type_bytes(&element);
    for (uint32_t i = 1; i < dimensions; i++)
        stride *= counts[i];
    if (stride == 0)
        return false;
    for (uint32_t i = 0; i < dimensions; i++) {
        if (i > 0)
            stride /= counts[i];
        if (with_index)
            debug_append(text, "[%" PRIu64 "]", *offset / stride);
        *offset %= stride;
    }
    *array = element;
    return true;
}

bool debug_append_members(Dwarf_Die type, uint64_t offset, bool with_index, char *text)
{
    size_t before = strlen(text);
    for (uint32_t nesting = 0; nesting < NESTING_MAX; nesting++) {
        Dwarf_Die peeled;
        struct member member;
        if (dwarf_peel_type(&type, &peeled) != 0)
            return true;
        int tag = dwarf_tag(&peeled);
        if (tag == DW_TAG_array_type) {
            type = peeled;
            if (!enter_array(&type, &offset, with_index, text))
                return true;
            continue;
        }
        if (tag != DW_TAG_structure_type && tag != DW_TAG_union_type)
            return true;
        if (!find_member(&peeled, offset, &member)) {
            text[before] = '\0';
            return false;
        }
        const char *name = dwarf_diename(&member.die);
        if (name != NULL) /* else an unnamed struct or union, whose members are the parent's */
            debug_append(text, ".%s", name);
        type = member.type;
        offset -= member.start;
    }
    return true;
}
