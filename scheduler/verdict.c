/* verdict.c: verdicts and their stable names (treadle.h, TREADLE_VERDICTS). */
#include <string.h>

#include "check.h"
#include "execution.h"

static const char *const VERDICT_NAMES[TREADLE_VERDICT_COUNT] = {
#define X(name, text) [TREADLE_##name] = text,
    TREADLE_VERDICTS(X)
#undef X
};

const char *verdict_name(enum treadle_verdict verdict)
{
    CHECK((unsigned)verdict, <, (unsigned)TREADLE_VERDICT_COUNT);
    return VERDICT_NAMES[verdict];
}

int verdict_from_name(const char *name)
{
    for (int i = 0; i < TREADLE_VERDICT_COUNT; i++)
        if (strcmp(VERDICT_NAMES[i], name) == 0)
            return i;
    return -1;
}
