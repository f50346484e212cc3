/* lines.c: input line by line. NOT instrumented. */
#include "gomap/lines.h"

void lines_deinit(struct lines *lines)
{
    text_deinit(&lines->line);
}

bool lines_next(struct lines *lines, char cause[OPERATION_CAUSE_BYTES])
{
    struct text *line = &lines->line;
    line->count = 0;
    cause[0] = 0;
    int byte;
    while ((byte = getc_unlocked(lines->in)) != EOF) {
        lines->number += line->count == 0;
        if (line->count == LINE_BYTES_MAX && byte != '\n') {
            snprintf(cause, OPERATION_CAUSE_BYTES, "longer than %d bytes", LINE_BYTES_MAX);
            return false;
        }
        text_byte(line, (char)byte);
        if (byte == '\n')
            break;
    }
    return line->count > 0 && !ferror(lines->in);
}
