"""hooks_coverage_cases.py: what hooks_coverage_test.py --self-test is tried on. A function called
bad_* has an unhooked access, touch_* has one unless it is compiled with hooks, others have none."""

import re

FLAGS = ["-std=gnu11", "-O1", "-g", "-fno-pie", "-fno-builtin-memcpy", "-fno-builtin-memmove",
         "-fno-builtin-memset", "-fno-strict-aliasing"]
TSAN = ["-fsanitize=thread", "--param=tsan-instrument-func-entry-exit=0"]

# With hooks all is good; without them exactly the functions called touch_* are bad.
C_ORDINARY = r"""
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
struct pair { uint64_t a, b; };
struct triple { uint64_t a, b, c; };
struct large { uint64_t words[40]; };
struct odd { uint8_t bytes[13]; };
struct object { void (*call)(void *); uint8_t byte; uint16_t half; uint32_t word; double real; };
static uint64_t counter;
uint64_t table[8];
uint32_t unknown(void *);
uint64_t touch_load(uint64_t *p) { return *p; }
void touch_store(uint64_t *p) { *p = 7; }
void touch_increment(uint32_t *p) { ++*p; }
void touch_flags(volatile uint8_t *p) { if (*p & 4) *p ^= 4; }
void touch_global(void) { counter++; }
uint64_t touch_table(uint32_t i) { return table[i & 7]; }
void touch_pair(struct pair *to, struct pair *from) { *to = *from; }
void touch_triple(struct triple *to, struct triple *from) { *to = *from; }
void touch_large(struct large *to, struct large *from) { *to = *from; }
void touch_odd(struct odd *to, struct odd *from) { *to = *from; }
void touch_clear(struct triple *to) { *to = (struct triple){ 0 }; }
void touch_call(struct object *o) { o->call(o); }
int touch_narrow(struct object *o) { return o->byte + o->half + (int)o->word; }
void touch_real(struct object *o, double x) { o->real = o->real * x + 1; }
uint64_t touch_loop(uint64_t *p, int n) { uint64_t s = 0; while (n--) s += p[n]; return s; }
uint64_t touch_branch(uint64_t *p, int c) { uint64_t x = c ? p[1] : p[2]; return x + 1; }
void touch_escaping(uint64_t *p) { uint64_t local = *p; unknown(&local); *p = local; }
int touch_switch(uint32_t *p, int n)
{
    switch (n) {
    case 0: unknown(p); /* fall through */
    case 1: *p = 3; return 5;
    case 2: return (int)*p;
    case 3: p[1] = 1; return 8;
    case 4: unknown(p); return (int)p[4] + 9;
    case 5: return 77;
    }
    return 0;
}
uint64_t local_array(int n)
{
    volatile uint64_t words[6] = { 1, 2, 3, 4, 5, 6 };
    for (int i = 0; i < 6; i++) words[i] += words[(i + n) & 3];
    return words[n & 3];
}
int local_constant(int i) { static const int primes[] = { 2, 3, 5, 7 }; return primes[i & 3]; }
void local_copy(void *to, const void *from) { memcpy(to, from, 8); memset(to, 0, 4); }
double local_real(double x) { return x * 0.1; }
"""

# Atomics are hooks themselves; gcc inlines them where there are none.
C_ATOMIC = r"""
#include <stdatomic.h>
#include <stdint.h>
uint64_t touch_load(_Atomic uint64_t *p) { return atomic_load(p); }
void touch_store(_Atomic uint64_t *p) { atomic_store(p, 1); }
uint64_t touch_add(_Atomic uint64_t *p) { return atomic_fetch_add(p, 1); }
uint32_t touch_swap(_Atomic uint32_t *p) { return atomic_exchange(p, 1); }
int touch_cas(_Atomic uint64_t *p, uint64_t x) { return atomic_compare_exchange_strong(p, &x, 1); }
"""

# Compiled with -fsanitize=thread, and yet bad: gcc's own gaps.
C_GAPS = r"""
#include <stdint.h>
#include <string.h>
struct header { int64_t *ptr; int64_t len, cap; };
struct bits { uint32_t low : 3, high : 29; };
int64_t by_value(struct header header);
struct header by_result(void);
int64_t bad_argument(struct header *shared) { return by_value(*shared) + 1; }
struct header bad_result(int64_t *p) { struct header h = { p, 1, 2 }; return h; }
void bad_memcpy(void *to, const void *from) { __builtin_memcpy(to, from, 24); }
void bad_memset(void *to) { __builtin_memset(to, 0, 24); }
void bad_bits(struct bits *bits) { bits->low = 3; }
int bad_memcmp(const void *a, const void *b) { return memcmp(a, b, 24); }
unsigned long bad_strlen(const char *text) { return strlen(text) + 1; }
__attribute__((no_sanitize("thread"))) void bad_exempt(int *p) { *p = 1; }
int64_t good_pointer(struct header *shared) { return shared->ptr[shared->len - 1]; }
"""

# Each bad function has exactly one unhooked access. R8 stands for a call of __tsan_read8, W8 and
# RW8 for the write and the two in one, RR24 and WR24 for __tsan_read_range and __tsan_write_range
# of 24 bytes.
ASSEMBLER = r"""
bad_load: mov (%rdi),%rax; ret
bad_store: mov %rax,8(%rdi); ret
bad_store_immediate: movl $1,(%rdi); ret
bad_add_from: add (%rdi),%rax; ret
bad_add_to: mov %rdi,%rbx; R8; addq $1,(%rbx); ret
bad_add_to_write: mov %rdi,%rbx; W8; addq $1,(%rbx); ret
bad_compare: cmpb $0,(%rdi); ret
bad_compare_constant: cmpq $constant,(%rdi); ret
bad_test: testb $4,(%rdi); ret
bad_push: pushq (%rdi); pop %rax; ret
bad_pop: push %rax; popq (%rdi); ret
bad_call: call *8(%rdi); ret
bad_tail_call: jmp *8(%rdi)
bad_stos: rep stosq; ret
bad_movs_read: lea 8(%rsp),%rdi; rep movsq; ret
bad_movs_write: lea 8(%rsp),%rsi; rep movsq; ret
bad_scas: repne scasb; ret
bad_vector_load: movups (%rdi),%xmm0; ret
bad_vector_store: movups %xmm0,(%rdi); ret
bad_vector_add: paddq (%rdi),%xmm0; ret
bad_double: addsd (%rdi),%xmm0; ret
bad_exchange: mov %rdi,%rbx; R8; xchg %rax,(%rbx); ret
bad_set: sete (%rdi); ret
bad_cmov: cmove (%rdi),%rax; ret
bad_multiply: imul $24,(%rdi),%rax; ret
bad_divide: divq (%rdi); ret
bad_increment: mov %rdi,%rbx; R8; incq (%rbx); ret
bad_widen: movzbl (%rdi),%eax; ret
bad_indexed: mov (%rdi,%rsi,8),%rax; ret
bad_global: mov shared(%rip),%rax; ret
bad_global_absolute: movq $0,shared; ret
bad_global_indexed: mov shared(,%rdi,8),%rax; ret
bad_global_text: movq $constant,shared(%rip); ret
bad_thread_local: mov %fs:own@tpoff,%rax; ret
bad_constant_store: movl $1,constant(%rip); ret
bad_second: mov %rdi,%rbx; R8; mov (%rbx),%rax; mov (%rbx),%rdx; ret
bad_wide: mov %rdi,%rbx; R4; mov (%rbx),%rax; ret
bad_direction: mov %rdi,%rbx; R8; mov %rax,(%rbx); ret
bad_after_call: mov %rdi,%rbx; R8; call other; mov (%rbx),%rax; ret
bad_after_hook: mov %rdi,%rbx; R8; R8; mov (%rbx),%rax; mov 8(%rbx),%rax; ret
bad_read_then_write: mov %rdi,%rbx; R8; W8; mov (%rbx),%rax; mov %rax,(%rbx); ret
bad_pair_sizes: mov %rdi,%rbx; W8; R4; mov (%rbx),%eax; mov %rax,(%rbx); ret
bad_range: mov %rdi,%rbx; RR16; movups (%rbx),%xmm0; mov 16(%rbx),%al; ret
bad_stack_hook: mov %rdi,%rbx; lea 8(%rsp),%rdi; W8; mov %rax,(%rbx); ret
bad_one_path: mov %rdi,%rbx; test %esi,%esi; je 1f; R8; 1: mov (%rbx),%rax; ret
bad_loop: mov %rdi,%rbx; R8; 1: mov (%rbx),%rax; test %rax,%rax; jne 1b; ret
bad_register_lost: lea 8(%rsp),%rbx; mov (%rdi),%rbx; ret
bad_register_reused: mov %rsp,%rbx; mov %rdi,%rbx; mov (%rbx),%rax; ret
bad_register_one_path: mov %rsp,%rbx; test %esi,%esi; je 1f; mov %rdi,%rbx; \
                       1: mov (%rbx),%rax; ret
bad_register_called: lea 8(%rsp),%rcx; call other; mov (%rcx),%rax; ret
bad_unknown: mov %rdi,%rbx; WR32; vmaskmovps %ymm0,%ymm1,(%rbx); ret
bad_libc: call memcmp; ret
bad_table: mov %rdi,%rbx; test %esi,%esi; je 2f; jmp *places(,%rsi,8); 2: R8; \
           3: mov (%rbx),%rax; ret
good_load: mov %rdi,%rbx; R8; mov (%rbx),%rax; ret
good_store: mov %rdi,%rbx; W4; movl $1,(%rbx); ret
good_narrower: mov %rdi,%rbx; R4; testb $4,(%rbx); ret
good_call: mov %rdi,%rbx; R8; call *8(%rbx); ret
good_both: mov %rdi,%rbx; RW8; addq $1,(%rbx); ret
good_copy: mov %rdi,%rbx; W16; R16; movups (%rbx),%xmm0; movups %xmm0,32(%rbx); ret
good_copy_words: mov %rdi,%rbx; W16; R16; mov (%rbx),%rax; mov 8(%rbx),%rdx; \
                 mov %rax,32(%rbx); mov %rdx,40(%rbx); ret
good_range: mov %rdi,%rbx; RR24; movups (%rbx),%xmm0; mov 16(%rbx),%rax; ret
good_range_long: mov %rdi,%rbx; WR320; mov %rbx,%rdi; rep stosq; ret
good_range_overlap: mov %rdi,%rbx; RR13; mov (%rbx),%rax; mov 5(%rbx),%rdx; ret
good_paths: mov %rdi,%rbx; test %esi,%esi; je 1f; R8; jmp 2f; 1: R8; 2: mov (%rbx),%rax; ret
good_loop: mov %rdi,%rbx; 1: R8; mov (%rbx),%rax; test %rax,%rax; jne 1b; ret
good_stack: mov 8(%rsp),%rax; mov %rax,-8(%rsp,%rdi,8); addq $1,8(%rsp); ret
good_frame: push %rbp; mov %rsp,%rbp; mov -8(%rbp),%rax; leave; ret
good_stack_register: lea 8(%rsp),%rbx; add %rdi,%rbx; mov %rax,(%rbx); call other; \
                     mov (%rbx),%rax; ret
good_stack_spill: mov %rdi,%rbx; R8; mov %rax,8(%rsp); mov 8(%rsp),%rdx; mov (%rbx),%rax; ret
good_canary: mov %fs:0x28,%rax; ret
good_constant: mov constant(%rip),%eax; mov constant(,%rdi,4),%eax; mov $constant,%ecx; \
               mov (%rcx),%eax; ret
good_lea: lea 8(%rdi,%rsi,8),%rax; nopw 8(%rax,%rax,1); ret
good_atomic: call __tsan_atomic64_fetch_add; ret
good_memmove: call memmove; ret
"""

ASSEMBLER_DATA = r"""
.bss
shared: .zero 64
.section .tbss,"awT",@nobits
own: .zero 8
.section .rodata
constant: .long 1, 2, 3, 4
places: .quad .Lplace, .Lplace
"""


def assembler_hook(match):
    kind, size = match[1], match[2]
    if kind in ("RR", "WR"):
        name = "read" if kind == "RR" else "write"
        return f"mov ${size},%esi; call __tsan_{name}_range"
    name = {"R": "read", "W": "write", "RW": "read_write"}[kind]
    return f"call __tsan_{name}{size}"


def assembler_source():
    lines = [".text"]
    for line in re.sub(r"\\\n\s+", "", ASSEMBLER).strip().splitlines():
        name, body = line.split(":", 1)
        body = re.sub(r"\b(RR|WR|RW|R|W)(\d+)\b", assembler_hook, body).replace("3:", ".Lplace:")
        lines.append(f".type {name},@function\n{name}: " + body.replace("; ", "\n"))
    return "\n".join(lines) + ASSEMBLER_DATA
