/* table.h: results as tables that fit 100 columns. */
#ifndef TREADLE_TABLE_H
#define TREADLE_TABLE_H

#include <stddef.h>

/* A number for people: "812", "41.2 k", "3.05 M". */
void table_number(double number, char *text, size_t bytes);

#endif
