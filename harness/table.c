/* table.c: numbers for people. */
#include "table.h"

#include <stdio.h>

void table_number(double number, char *text, size_t bytes)
{
    static const char *const units[] = { "", " k", " M", " G", " T" };
    size_t unit = 0;
    while (number >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        number /= 1000;
        unit++;
    }
    int decimals = unit == 0 ? 0 : number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
    snprintf(text, bytes, "%.*f%s", decimals, number, units[unit]);
}
