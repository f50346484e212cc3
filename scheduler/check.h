/* check.h: assertions on our own bugs, always on. A finding is a verdict, bad input an error
 * code; only what must be impossible stands in a CHECK. It prints both values and aborts. */
#ifndef TREADLE_CHECK_H
#define TREADLE_CHECK_H

#include <stdint.h>

/* Prints and aborts; the crash handler takes it for what it is, not for a finding. */
_Noreturn void check_failed(const char *file, int line, const char *text, uint64_t left,
                            uint64_t right);

/* Ends the run with exit code 2 after a limit that the user can raise was met; printf-like. */
_Noreturn void check_limit(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on check_limit writes what it has to say there, for whoever shares that memory, and not
 * to standard error. */
void check_limit_tell(char *text, uint64_t text_bytes);

#define CHECK(left, relation, right)                                                               \
    do {                                                                                           \
        __auto_type check_left_ = (left);                                                          \
        __typeof__(check_left_) check_right_ = (right);                                            \
        if (__builtin_expect(!(check_left_ relation check_right_), 0))                             \
            check_failed(__FILE__, __LINE__, #left " " #relation " " #right,                       \
                         (uint64_t)check_left_, (uint64_t)check_right_);                           \
    } while (0)

#endif
