/* subject_origin.c: of which build the targets in maps/ are: their build has written it down. */
#include "subject_origin.h"

#include "subject_build.h"

const struct subject_origin *subject_origin(void)
{
    static const struct subject_origin origin = { SUBJECT_COMPILER, SUBJECT_FLAGS, SUBJECT_HASH };
    return &origin;
}
