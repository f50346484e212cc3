/* table.h: results as tables that fit 100 columns. */
#ifndef TREADLE_TABLE_H
#define TREADLE_TABLE_H

#include <stddef.h>

/* A number for people: "812", "41.2 k", "3.05 M". */
void table_number(double number, char *text, size_t bytes);

/* A whole number: "1,376,256"; the same with two digits that count: "1,300,000". */
void table_count(double number, char *text, size_t bytes);
void table_count_rounded(double number, char *text, size_t bytes);

/* A time: "3 s", "12 min", "5 h", "40 days". */
void table_duration(double seconds, char *text, size_t bytes);

#endif
