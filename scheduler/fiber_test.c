/* fiber_test.c: fibers go on where they stopped, with the stack and the registers that they had;
 * their stacks are aligned and guarded. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fiber.h"

#define FIBERS 1000u

static struct fiber main_fiber, fibers[FIBERS];
static uint32_t running; /* number of the fiber that runs */

static __attribute__((noinline)) void yield_to_main(void)
{
    fiber_switch(&fibers[running], &main_fiber);
}

static void resume(uint32_t number)
{
    running = number;
    fiber_switch(&main_fiber, &fibers[number]);
}

/* ---- order ----------------------------------------------------------------------------------- */

static char order[64];

static void note(char letter)
{
    size_t length = strlen(order);
    assert_true(length + 1 < sizeof order);
    order[length] = letter;
}

static void noting_entry(void)
{
    fiber_started();
    for (char step = 0;; step++) {
        note((char)((running == 0 ? 'a' : 'A') + step));
        yield_to_main();
    }
}

static void goes_on_where_it_stopped(void **state)
{
    (void)state;
    memset(order, 0, sizeof order);
    fiber_prepare(&fibers[0], 0, noting_entry);
    fiber_prepare(&fibers[1], 1, noting_entry);
    resume(0);
    resume(1);
    resume(1);
    note('-');
    resume(0);
    resume(1);
    resume(0);
    assert_string_equal(order, "aAB-bCc");
}

/* A ring: each fiber switches to the next one, never back to main until all rounds are over. */
#define RING 7u
#define RING_ROUNDS 100u
static volatile uint32_t ring_steps[RING];
static volatile uint32_t ring_disorder;
static volatile uint32_t ring_total;

static void ring_entry(void)
{
    fiber_started();
    uint32_t self = running;
    for (;;) {
        ring_disorder += ring_total % RING != self;
        ring_steps[self]++;
        if (++ring_total == RING * RING_ROUNDS)
            yield_to_main();
        running = (self + 1) % RING;
        fiber_switch(&fibers[self], &fibers[running]);
        ring_disorder += running != self;
    }
}

static void fibers_switch_among_themselves(void **state)
{
    (void)state;
    for (uint32_t number = 0; number < RING; number++)
        fiber_prepare(&fibers[number], number, ring_entry);
    resume(0);
    assert_int_equal(ring_total, RING * RING_ROUNDS);
    assert_int_equal(ring_disorder, 0);
    for (uint32_t number = 0; number < RING; number++)
        assert_int_equal(ring_steps[number], RING_ROUNDS);
}

static volatile uint32_t self_switches;

static void self_switching_entry(void)
{
    fiber_started();
    for (;;) {
        for (int i = 0; i < 5; i++) {
            fiber_switch(&fibers[running], &fibers[running]);
            self_switches++;
        }
        yield_to_main();
    }
}

static void switching_to_itself_goes_on_at_once(void **state)
{
    (void)state;
    self_switches = 0;
    fiber_prepare(&fibers[0], 0, self_switching_entry);
    resume(0);
    resume(0);
    assert_int_equal(self_switches, 10);
}

static void prepared_anew_forgets_what_ran(void **state)
{
    (void)state;
    memset(order, 0, sizeof order);
    for (int round = 0; round < 3; round++) {
        fiber_prepare(&fibers[0], 0, noting_entry);
        resume(0);
        resume(0);
    }
    assert_string_equal(order, "ababab");
}

/* ---- stacks ---------------------------------------------------------------------------------- */

/* Written by fibers, which never return: without volatile a compiler may leave the stores out. */
static volatile uint32_t damaged, finished;

/* Fills 2 KiB of its stack, lets all others run, and looks again. */
static void filling_entry(void)
{
    fiber_started();
    uint32_t self = running;
    volatile uint32_t words[512];
    for (uint32_t round = 0;; round++) {
        for (uint32_t i = 0; i < 512; i++)
            words[i] = self * 1000 + i + round;
        yield_to_main();
        damaged += running != self;
        for (uint32_t i = 0; i < 512; i++)
            damaged += words[i] != self * 1000 + i + round;
        damaged += fiber_of_address((uint64_t)words) != (int32_t)self;
        finished++;
    }
}

static void a_thousand_stacks_keep_their_contents(void **state)
{
    (void)state;
    damaged = finished = 0;
    for (uint32_t number = 0; number < FIBERS; number++)
        fiber_prepare(&fibers[number], number, filling_entry);
    for (int round = 0; round < 3; round++)
        for (uint32_t number = 0; number < FIBERS; number++)
            resume(number);
    for (uint32_t number = FIBERS; number-- > 0;)
        resume(number);
    assert_int_equal(finished, 3 * FIBERS);
    assert_int_equal(damaged, 0);
}

static volatile uint32_t misaligned;

/* movaps faults where the frame is not aligned as the compiler takes for granted. */
static __attribute__((noinline)) void use_movaps(void)
{
    float four[4] __attribute__((aligned(16)));
    __asm__ volatile("movaps %%xmm0, %0" : "=m"(four));
}

static void aligned_entry(void)
{
    fiber_started();
    for (;;) {
        misaligned += (uint64_t)__builtin_frame_address(0) % 16 != 0;
        use_movaps();
        yield_to_main();
    }
}

static void stacks_are_aligned(void **state)
{
    (void)state;
    misaligned = 0;
    for (uint32_t number = 0; number < 40; number++) {
        fiber_prepare(&fibers[number], number, aligned_entry);
        resume(number);
        resume(number);
    }
    assert_int_equal(misaligned, 0);
}

static volatile uint64_t room_sum;

static void roomy_entry(void)
{
    fiber_started();
    volatile uint8_t room[240u << 10];
    for (uint32_t i = 0; i < sizeof room; i += 512)
        room[i] = 1;
    for (uint32_t i = 0; i < sizeof room; i += 512)
        room_sum += room[i];
    for (;;)
        yield_to_main();
}

static void stacks_have_their_256_kib(void **state)
{
    (void)state;
    room_sum = 0;
    fiber_prepare(&fibers[15], 15, roomy_entry); /* the one whose top lies lowest */
    resume(15);
    assert_int_equal(room_sum, 480);
}

/* ---- registers ------------------------------------------------------------------------------- */

/* Calls function with pattern + 1 .. pattern + 6 in rbx, rbp and r12 to r15: the registers that it
 * must leave as they are. Returns how many it changed. */
uint64_t registers_changed(void (*function)(void), uint64_t pattern);

#define COMPARE(register, number)                                                                  \
    "sub %rsi, %" register "\n\t"                                                                  \
    "xor %ecx, %ecx\n\t"                                                                           \
    "cmp $" number ", %" register "\n\t"                                                           \
    "setne %cl\n\t"                                                                                \
    "add %rcx, %rax\n\t"

__asm__(".pushsection .text\n"
        ".type registers_changed, @function\n"
        "registers_changed:\n\t"
        "push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
        "push %rsi\n\t"
        "lea 1(%rsi), %rbx\n\t"
        "lea 2(%rsi), %rbp\n\t"
        "lea 3(%rsi), %r12\n\t"
        "lea 4(%rsi), %r13\n\t"
        "lea 5(%rsi), %r14\n\t"
        "lea 6(%rsi), %r15\n\t"
        "call *%rdi\n\t"
        "pop %rsi\n\t"
        "xor %eax, %eax\n\t"
        COMPARE("rbx", "1") COMPARE("rbp", "2") COMPARE("r12", "3") COMPARE("r13", "4")
        COMPARE("r14", "5") COMPARE("r15", "6")
        "pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop %rbx\n\t"
        "ret\n"
        ".size registers_changed, . - registers_changed\n"
        ".popsection\n");

static volatile uint64_t changed;

static void registers_entry(void)
{
    fiber_started();
    uint64_t pattern = (running + 1) * UINT64_C(0x0101010101010000);
    for (;;)
        changed += registers_changed(yield_to_main, pattern);
}

static void resume_two(void)
{
    resume(0);
    resume(1);
}

static void change_rbx(void)
{
    __asm__ volatile("xor %%ebx, %%ebx" ::: "memory"); /* unbeknown to the compiler */
}

static void callee_saved_registers_survive(void **state)
{
    (void)state;
    changed = 0;
    fiber_prepare(&fibers[0], 0, registers_entry);
    fiber_prepare(&fibers[1], 1, registers_entry);
    for (int round = 0; round < 10; round++)
        changed += registers_changed(resume_two, UINT64_C(0x7777777777770000));
    assert_int_equal(changed, 0);
    assert_int_equal(registers_changed(change_rbx, 0x70000), 1); /* it would be noticed */
}

/* ---- guards ---------------------------------------------------------------------------------- */

static void guards_lie_below_stacks(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < FIBER_COUNT_MAX; number += 341) {
        uint64_t guard = FIBER_BASE + number * FIBER_STRIDE;
        uint64_t stack = guard + FIBER_GUARD_BYTES;
        assert_true(fiber_is_guard(guard));
        assert_true(fiber_is_guard(stack - 1));
        assert_false(fiber_is_guard(stack));
        assert_false(fiber_is_guard(guard + FIBER_STRIDE - 1));
        assert_int_equal(fiber_of_address(guard), -1);
        assert_int_equal(fiber_of_address(stack - 1), -1);
        assert_int_equal(fiber_of_address(stack), (int32_t)number);
        assert_int_equal(fiber_of_address(guard + FIBER_STRIDE - 1), (int32_t)number);
    }
    const uint64_t elsewhere[] = { 0, FIBER_BASE - 1, UINT64_MAX, (uint64_t)&main_fiber,
                                   FIBER_BASE + FIBER_COUNT_MAX * FIBER_STRIDE };
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        assert_false(fiber_is_guard(elsewhere[i]));
        assert_int_equal(fiber_of_address(elsewhere[i]), -1);
    }
}

/* The signal that kills a child which writes one byte there; 0 if it lives. */
static int signal_of_write(uint64_t address)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        __asm__ volatile("movb $1, (%0)" ::"r"(address) : "memory");
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void guards_cannot_be_written(void **state)
{
    (void)state;
    for (uint32_t number = 0; number < 3; number++) {
        fiber_prepare(&fibers[number], number, aligned_entry);
        uint64_t guard = FIBER_BASE + number * FIBER_STRIDE;
        assert_int_equal(signal_of_write(guard), SIGSEGV);
        assert_int_equal(signal_of_write(guard + FIBER_GUARD_BYTES - 1), SIGSEGV);
        assert_int_equal(signal_of_write(guard + FIBER_GUARD_BYTES), 0);
        assert_int_equal(signal_of_write(guard + FIBER_STRIDE - 1), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_where_it_stopped),
        cmocka_unit_test(fibers_switch_among_themselves),
        cmocka_unit_test(switching_to_itself_goes_on_at_once),
        cmocka_unit_test(prepared_anew_forgets_what_ran),
        cmocka_unit_test(a_thousand_stacks_keep_their_contents),
        cmocka_unit_test(stacks_are_aligned),
        cmocka_unit_test(stacks_have_their_256_kib),
        cmocka_unit_test(callee_saved_registers_survive),
        cmocka_unit_test(guards_lie_below_stacks),
        cmocka_unit_test(guards_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
