/* debug_info.h: what names.c asks of DWARF, through libdw: pure questions about one entry (DIE) of
 * the debug information. No state, no cache. */
#ifndef TREADLE_DEBUG_INFO_H
#define TREADLE_DEBUG_INFO_H

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#define DEBUG_TEXT_BYTES_MAX 512

/* The innermost function, inlined or not, that contains the code at address in this unit. */
bool debug_function(Dwarf_Die *unit, uint64_t address, Dwarf_Die *ret_function);

/* The row of the unit's line table that covers address; where that one has no line (clang marks
 * what it made up itself by line 0), the nearest before it that has. NULL if there is none. */
Dwarf_Line *debug_row(Dwarf_Die *unit, uint64_t address);

/* The address of a variable, if it is a fixed one. */
bool debug_fixed_address(Dwarf_Die *variable, uint64_t *ret_address);

/* The type of a variable, member or array's element. */
bool debug_type(Dwarf_Die *die, Dwarf_Die *ret_type);

/* Size of a value of this type; 0 if it is not known. */
uint64_t debug_type_bytes(Dwarf_Die *type);

/* Adds to a text of DEBUG_TEXT_BYTES_MAX; what does not fit is cut off. printf-like. */
void debug_append(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends the way from a value of this type to its byte at offset: ".items[2].key", or
 * ".items.key" unless with_index. False if that byte is padding; the text is then unchanged. */
bool debug_append_members(Dwarf_Die type, uint64_t offset, bool with_index, char *text);

/* Whether a struct's last member is an array without a length, so that what lies behind the
 * struct's size still belongs to it. */
bool debug_has_open_end(Dwarf_Die *type);

#endif
