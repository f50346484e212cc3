/* memory_model.c: memory models by name. */
#include "memory_model.h"

#include <string.h>

#include "check.h"

static const char *const MEMORY_MODEL_NAMES[MEMORY_MODEL_COUNT] = {
#define X(name, text) [MEMORY_##name] = text,
    MEMORY_MODELS(X)
#undef X
};

const char *memory_model_name(enum memory_model model)
{
    CHECK((unsigned)model, <, (unsigned)MEMORY_MODEL_COUNT);
    return MEMORY_MODEL_NAMES[model];
}

bool memory_model_find(const char *name, enum memory_model *ret_model)
{
    for (unsigned i = 0; i < MEMORY_MODEL_COUNT; i++)
        if (strcmp(MEMORY_MODEL_NAMES[i], name) == 0) {
            *ret_model = (enum memory_model)i;
            return true;
        }
    return false;
}
