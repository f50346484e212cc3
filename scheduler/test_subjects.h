/* test_subjects.h: the smallest subjects there are, for the engine's tests: functions of one access
 * each, compiled like everything in maps/ (scheduler/test_subjects.c), so that a call is an event.
 * Tests themselves are compiled without hooks: what they do beside these calls is no event. */
#ifndef TREADLE_TEST_SUBJECTS_H
#define TREADLE_TEST_SUBJECTS_H

#include "treadle.h"

/* Scalars: one READ or WRITE each; bump is a READ and a WRITE. */
#define SUBJECT_SCALARS(X)                                                                         \
    X(8, uint8_t)                                                                                  \
    X(16, uint16_t)                                                                                \
    X(32, uint32_t)                                                                                \
    X(64, uint64_t)                                                                                \
    X(128, unsigned __int128)

#define X(bits, type)                                                                              \
    type peek##bits(const type *from);                                                             \
    void poke##bits(type *to, type value);                                                         \
    void bump##bits(type *at);
SUBJECT_SCALARS(X)
#undef X

/* Members at odd addresses. */
struct __attribute__((packed)) packed_record {
    uint8_t first;
    uint16_t half;
    uint32_t word;
    uint64_t wide;
};
uint16_t packed_half(const struct packed_record *from);
uint32_t packed_word(const struct packed_record *from);
uint64_t packed_wide(const struct packed_record *from);
void packed_set_half(struct packed_record *to, uint16_t value);
void packed_set_word(struct packed_record *to, uint32_t value);
void packed_set_wide(struct packed_record *to, uint64_t value);

/* Struct copies: one COPY each, of that many bytes. */
struct words1 {
    uint64_t word[1];
};
struct words2 {
    uint64_t word[2];
};
struct words3 {
    uint64_t word[3];
};
struct words5 {
    uint64_t word[5];
};
struct words12 {
    uint64_t word[12];
};
struct halves2 {
    uint32_t half[2];
};
void copy8(struct words1 *to, const struct words1 *from);
void copy8_of_halves(struct halves2 *to, const struct halves2 *from);
void copy16(struct words2 *to, const struct words2 *from);
void copy24(struct words3 *to, const struct words3 *from);
void copy40(struct words5 *to, const struct words5 *from);
void copy96(struct words12 *to, const struct words12 *from);
void clear24(struct words3 *to); /* one WRITE */
/* Two in a row. */
void copy24_twice(struct words3 *to, const struct words3 *from, struct words3 *to_2,
                  const struct words3 *from_2);
/* The sum of a copy's words: it is made on the stack and escapes, the goroutine's own events. */
uint64_t sum24(const struct words3 *from);

/* The memory functions, called as the subject's own. */
void *subject_memcpy(void *to, const void *from, size_t bytes);
void *subject_memmove(void *to, const void *from, size_t bytes);
void *subject_memset(void *to, int value, size_t bytes);

/* Atomics, seq_cst where the name says nothing else: one event each. The compare-and-swaps return
 * what was there; C11's form has its argument on the stack, whose accesses are events too unless
 * stacks are private. */
#define SUBJECT_ATOMICS(X)                                                                         \
    X(8, uint8_t)                                                                                  \
    X(16, uint16_t)                                                                                \
    X(32, uint32_t)                                                                                \
    X(64, uint64_t)

#define X(bits, type)                                                                              \
    type atomic_load##bits(_Atomic type *from);                                                    \
    type atomic_load_acquire##bits(_Atomic type *from);                                            \
    void atomic_store##bits(_Atomic type *to, type value);                                         \
    void atomic_store_release##bits(_Atomic type *to, type value);                                 \
    type atomic_exchange##bits(_Atomic type *at, type value);                                      \
    type atomic_add##bits(_Atomic type *at, type value);                                           \
    type atomic_sub##bits(_Atomic type *at, type value);                                           \
    type atomic_and##bits(_Atomic type *at, type value);                                           \
    type atomic_or##bits(_Atomic type *at, type value);                                            \
    type atomic_xor##bits(_Atomic type *at, type value);                                           \
    type atomic_nand##bits(_Atomic type *at, type value);                                          \
    type atomic_cas##bits(_Atomic type *at, type expected, type desired);                          \
    type atomic_cas_weak_relaxed##bits(_Atomic type *at, type expected, type desired);             \
    type atomic_cas_sync##bits(_Atomic type *at, type expected, type desired);
SUBJECT_ATOMICS(X)
#undef X
void subject_fence(void);

/* Loops that wait. */
void await_word(const volatile uint64_t *at);                              /* until it is not 0 */
void await_either(const volatile uint64_t *at, const volatile uint64_t *or); /* one of them */
void spin_word(_Atomic uint64_t *at);                                      /* until 0 became 1 */
void spin_lock(struct treadle_mutex *mutex);

/* Global data. */
extern uint64_t subject_global;
extern uint64_t subject_globals[64];
extern struct words3 subject_global_words;
extern const uint64_t subject_constant;

/* What ends badly: no hook stands before it. */
void write_to_null(void);          /* SIGSEGV */
int divide(int dividend, int divisor); /* by zero: SIGFPE */
void illegal_instruction(void);    /* SIGILL */
uint64_t recurse(uint64_t depth);  /* 64 bytes of stack or more a level */
void loop_without_hooks(void);     /* for ever */

#endif
