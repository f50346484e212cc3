/* table.c: numbers for people. */
#include "table.h"

#include <math.h>
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

void table_count(double number, char *text, size_t bytes)
{
    char digits[64];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%.0f", number < 1e18 ? number : 1e18);
    size_t used = 0;
    for (size_t i = 0; i < length && used + 2 < bytes; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
}

void table_count_rounded(double number, char *text, size_t bytes)
{
    double unit = number < 100 ? 1 : pow(10, floor(log10(number)) - 1);
    if (number < 1e15)
        table_count(round(number / unit) * unit, text, bytes);
    else
        snprintf(text, bytes, "%.0e", number);
}

void table_duration(double seconds, char *text, size_t bytes)
{
    static const struct {
        double from, unit;
        const char *name;
    } units[] = { { 0, 1, "s" },
                  { 120, 60, "min" },
                  { 7200, 3600, "h" },
                  { 172800, 86400, "days" },
                  { 2 * 31557600.0, 31557600, "years" } };
    size_t unit = 0;
    while (unit + 1 < sizeof units / sizeof units[0] && seconds >= units[unit + 1].from)
        unit++;
    double number = seconds / units[unit].unit;
    snprintf(text, bytes, number < 1e6 ? "%.0f %s" : "%.0e %s", number, units[unit].name);
}
