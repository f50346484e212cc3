/* check.c: how an impossible state or a met limit ends the program. */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crash.h"

static struct {
    char *text; /* NULL: standard error */
    uint64_t bytes;
} check_told;

void check_failed(const char *file, int line, const char *text, uint64_t left, uint64_t right)
{
    dprintf(STDERR_FILENO, /* stderr may be a program's under test */
            "treadle: %s:%d: CHECK(%s) failed: 0x%llx against 0x%llx; this is a bug in Treadle, "
            "please report it\n",
            file, line, text, (unsigned long long)left, (unsigned long long)right);
    crash_handler_remove();
    abort();
}

void check_limit_tell(char *text, uint64_t text_bytes)
{
    check_told.text = text;
    check_told.bytes = text_bytes;
}

void check_limit(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (check_told.text != NULL)
        snprintf(check_told.text, check_told.bytes, "%s", text);
    else
        dprintf(STDERR_FILENO, "treadle: %s\n", text);
    _exit(2);
}
