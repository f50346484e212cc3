/* check.c: how an impossible state or a met limit ends the program. */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crash.h"

void check_failed(const char *file, int line, const char *text, uint64_t left, uint64_t right)
{
    fprintf(stderr, "treadle: %s:%d: CHECK(%s) failed: 0x%llx against 0x%llx; this is a bug in "
                    "Treadle, please report it\n",
            file, line, text, (unsigned long long)left, (unsigned long long)right);
    crash_handler_remove();
    abort();
}

void check_limit(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("treadle: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(2);
}
