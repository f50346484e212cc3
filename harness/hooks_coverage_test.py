#!/usr/bin/env python3
"""Every access of a subject to memory that is not its own stack has a hook.

    hooks_coverage_test.py OBJECT...            checks instrumented object files (x86-64, ELF)
    hooks_coverage_test.py --self-test [CC]     checks the checker (CC: gcc-12)

A scheduling point is where the compiler put a __tsan_* call; an access without one would be
executed unseen in the middle of somebody's step. So each function is disassembled, and along all
its paths hooks and accesses are counted against each other:

  * __tsan_readN grants one load of at most N bytes, __tsan_writeN one store; a hook of more than
    8 bytes (struct copies, ranges) grants accesses of that many bytes altogether, of which the
    last may overlap the one before (gcc copies 13 bytes as 8 and 8).
  * A load or store uses its grant up. One that finds none is unhooked; there is no third kind.
  * A grant ends at the next hook of any kind and at the next call. One exception: gcc announces a
    struct copy by the write's hook, then the read's, of equal size; there both stay.
  * Where paths meet, only what every path brings is left.

Free of all that are accesses through rsp, through a register that on every path holds an address
derived from rsp in this function, and loads from .rodata. A hook whose argument is such a stack
address grants nothing. An instruction that is not known is taken to read and write its operand.
Calls of memcpy, memmove and memset are hooks themselves (the build gives subjects Treadle's);
strlen, memcmp and the like are unhooked accesses.

What remains unseen: a hook whose own access was optimised away lends its grant to an unhooked
access of the same direction that follows before the next call.

Exit status: 0 all hooked, 1 unhooked accesses (each with function, address, source line), 2 usage
or an object file that is not understood.
"""

import os
import re
import sys
import tempfile
from collections import namedtuple

sys.dont_write_bytecode = True  # the sources stay as they are
import hooks_coverage_cases as cases
from disassembly import STRING, accesses, base_mnemonic, disassemble, run, written_registers

HOOK = re.compile(r"__tsan_(?:unaligned_)?(?:volatile_)?(read|write|read_write)"
                  r"(?:(1|2|4|8|16)|_range)(?:_pc)?$")
LIBC_ACCESS = re.compile(
    r"(?:__)?(?:str(?:n?cpy|n?cat|n?cmp|n?len|n?dup|r?chr|c?spn|str|tok|toull?|toll?)"
    r"|stpn?cpy|mem(?:r?chr|cmp|ccpy|pcpy|mem)|bcmp|bcopy|bzero)(?:_chk)?$")


# ---- the check ---------------------------------------------------------------------------------

# What is known before an instruction. registers: whole register -> "stack", "rodata" or a number
# (a constant); absent = anything. reads, writes: None or (bytes, whether several accesses may share
# them).
State = namedtuple("State", "registers reads writes")
EMPTY = State({}, None, None)


def meet(a, b):
    registers = {name: kind for name, kind in a.registers.items() if b.registers.get(name) == kind}
    grants = [None if x is None or y is None else min(x, y)
              for x, y in ((a.reads, b.reads), (a.writes, b.writes))]
    return State(registers, *grants)


class Checker:
    """Checks one function; unhooked: [(instruction, what)]."""

    def __init__(self, function, sections):
        self.function, self.sections = function, sections
        self.by_address = {i.address: i for i in function.instructions}
        self.accesses, self.unhooked, self.reporting = 0, [], False

    def is_constant(self, relocation):
        """Whether the relocation leads to memory that nobody can write."""
        if "GOTPC" in relocation.kind:
            return True
        section = self.sections.get(relocation.symbol, relocation.symbol)
        return section.startswith((".rodata", ".data.rel.ro"))

    def displacement(self, instruction):
        """The relocation of the memory operand's displacement (not of an immediate), or None."""
        immediate = any(o.kind == "immediate" for o in instruction.operands)
        for relocation in instruction.relocations:
            if not (immediate and relocation.offset + 4 == instruction.next):
                return relocation
        return None

    def address_kind(self, instruction, operand, state):
        """"stack", "rodata" or None: where the operand's address leads."""
        def kind(register):
            known = "stack" if register == "rsp" else state.registers.get(register)
            return known if known in ("stack", "rodata") else None

        if operand.segment in ("fs", "gs"):
            # fs:0x28 is the stack protector's canary, which nobody writes
            return "rodata" if operand.text == "%fs:0x28" else None
        relocation = self.displacement(instruction)
        if relocation is not None and operand.base in (None, "rip"):
            return "rodata" if self.is_constant(relocation) else None
        kinds = [kind(r) for r in (operand.base, operand.index) if kind(r)]
        if relocation is not None:  # an array of fixed address, indexed by the byte
            return "rodata" if not kinds and self.is_constant(relocation) else None
        return kinds[0] if len(kinds) == 1 else None

    def report(self, instruction, what):
        if self.reporting:
            self.unhooked.append((instruction, what))

    def use(self, instruction, state, effect, size):
        """Takes one access from the grants; reports it if there is none that covers it."""
        for direction, field, word in (("r", "reads", "read"), ("w", "writes", "write")):
            if direction not in effect:
                continue
            grant = getattr(state, field)
            repeated = size is None and STRING.match(instruction.mnemonic)
            if repeated and grant and grant[1]:
                state = state._replace(**{field: None})
            elif grant is None or size is None or size > grant[0] and not grant[1]:
                self.report(instruction, f"{size or 'unknown'}-byte {word}")
            else:
                rest = (grant[0] - size, True) if grant[1] and grant[0] > size else None
                state = state._replace(**{field: rest})
        return state

    def hook(self, state, match):
        kind, size = match[1], match[2]
        bytes_granted = int(size) if size else state.registers.get("rsi")
        if not isinstance(bytes_granted, int):
            bytes_granted = 1 << 62  # a range whose length is known only at run time
        grant = (bytes_granted, bytes_granted > 8 or not size)
        if state.registers.get("rdi") == "stack":
            return state._replace(reads=None, writes=None)
        if kind == "read_write":
            return state._replace(reads=grant, writes=grant)
        if kind == "write":
            return state._replace(reads=None, writes=grant)
        return state._replace(reads=grant, writes=grant if state.writes == grant else None)

    def call(self, instruction, state):
        symbol = instruction.target and instruction.target[1]
        if instruction.relocations and not instruction.indirect:
            symbol = instruction.relocations[0].symbol
        if match := HOOK.match(symbol or ""):
            return self.hook(state, match)
        if LIBC_ACCESS.match(symbol or ""):
            self.report(instruction, f"call of {symbol}: access")
        return state._replace(reads=None, writes=None)

    def register_kind(self, instruction, state):
        """What the destination register holds afterwards: "stack", "rodata", a number or None."""
        mnemonic = base_mnemonic(instruction.mnemonic)[0]
        if len(instruction.operands) != 2:
            return None
        source, target = instruction.operands
        before = state.registers.get(target.text)
        if mnemonic == "lea":
            return self.address_kind(instruction, source, state)
        if mnemonic == "xor" and source == target:
            return 0
        given = "stack" if source.text == "rsp" else state.registers.get(source.text)
        if mnemonic in ("mov", "movabs") and source.kind == "register":
            return given
        if mnemonic in ("mov", "movabs") and source.kind == "immediate":
            if not instruction.relocations:
                return int(source.text[1:], 16)
            constant = self.is_constant(instruction.relocations[0])
            return "rodata" if constant else None
        if mnemonic == "and" and source.kind == "immediate" and before == "stack":
            return before  # alignment
        if mnemonic in ("add", "sub") and source.kind in ("register", "immediate"):
            places = [k for k in (before, given) if k in ("stack", "rodata")]
            if len(places) == 1 and (mnemonic == "add" or places[0] == before):
                return places[0]
        return None

    def step(self, instruction, state):
        for operand, effect, size in accesses(instruction):
            place = self.address_kind(instruction, operand, state)
            if place == "stack" or (place == "rodata" and effect == "r"):
                continue
            self.accesses += self.reporting
            state = self.use(instruction, state, effect, size)
        if instruction.mnemonic in ("call", "callq"):
            state = self.call(instruction, state)
        elif instruction.mnemonic == "jmp" and instruction.relocations and not instruction.indirect:
            state = self.call(instruction, state)  # a tail call
        written = written_registers(instruction)
        if written:
            kind = self.register_kind(instruction, state)
            registers = {r: k for r, k in state.registers.items() if r not in written}
            if kind is not None and len(written) == 1:
                registers[written[0]] = kind
            state = state._replace(registers=registers)
        return state

    def successors(self, instruction):
        after = []
        if instruction.is_jump() and instruction.target and not instruction.relocations:
            if instruction.target[0] in self.by_address:
                after.append(instruction.target[0])
        if instruction.is_jump() and instruction.indirect:
            after.extend(self.function.tabled)  # none: a tail call
        if not instruction.ends_path() and instruction.next is not None:
            after.append(instruction.next)
        return after

    def leaders(self):
        """Where basic blocks begin."""
        first = {self.function.instructions[0].address} | self.function.tabled
        first |= self.function.entered
        for instruction in self.function.instructions:
            if instruction.is_jump() or instruction.ends_path():
                first.add(instruction.next)
                first.add(instruction.target[0] if instruction.target else None)
        return sorted(address for address in first if address in self.by_address)

    def block(self, address, state, leaders):
        """Runs the block at address; returns its last instruction and the state behind it."""
        while True:
            instruction = self.by_address[address]
            state = self.step(instruction, state)
            ends = instruction.is_jump() or instruction.ends_path()
            if ends or instruction.next is None or instruction.next in leaders:
                return instruction, state
            address = instruction.next

    def check(self):
        leaders = self.leaders()
        starts = set(leaders)
        entry = {address: EMPTY for address in {leaders[0]} | self.function.entered}
        work = sorted(entry)
        while work:
            address = work.pop()
            last, state = self.block(address, entry[address], starts)
            for after in self.successors(last):
                known = meet(entry[after], state) if after in entry else state
                if entry.get(after) != known:
                    entry[after] = known
                    work.append(after)
        self.reporting = True
        for address in leaders:  # code that no path was found to gets no benefit of the doubt
            self.block(address, entry.get(address, EMPTY), starts)
        return self


def check_object(path):
    functions, sections = disassemble(path)
    return [Checker(function, sections).check() for function in functions]


def check_objects(paths):
    functions = count = unhooked = 0
    for path in paths:
        checked = check_object(path)
        if not checked:
            print(f"{path}: no code in it; is it the subject's object file?", file=sys.stderr)
            return 2
        for one in checked:
            for instruction, what in one.unhooked:
                print(f"{path}: {one.function.name} at {instruction.address:#x} "
                      f"({instruction.source}): unhooked {what}: {instruction.text}")
            count += one.accesses
            unhooked += len(one.unhooked)
        functions += len(checked)
    print(f"{functions} functions, {count} accesses, {unhooked} unhooked")
    return 1 if unhooked else 0


# ---- the checker's own test --------------------------------------------------------------------

def self_test_case(directory, compiler, title, suffix, source, flags, is_bad, exactly):
    """Compiles source and compares the functions flagged; exactly: unhooked accesses of each bad
    one, None for at least one."""
    path = os.path.join(directory, "case")
    with open(path + suffix, "w", encoding="ascii") as file:
        file.write(source)
    run(compiler, *flags, "-c", path + suffix, "-o", path + ".o")
    failures, checked = 0, check_object(path + ".o")
    for one in checked:
        found = [f"{what}: {instruction.text}" for instruction, what in one.unhooked]
        bad = is_bad(one.function.name)
        if bool(found) != bad or (bad and exactly and len(found) != exactly):
            failures += 1
            print(f"self-test: {title}: {one.function.name}: expected "
                  f"{(exactly or 'some') if bad else 'no'} unhooked, found {found}")
    print(f"self-test: {title}: {len(checked)} functions, {failures} failures")
    return failures + (not checked)


def self_test(compiler):
    def touches(name):
        return name.startswith(("touch_", "bad_"))

    def bad(name):
        return name.startswith("bad_")

    tests = [
        ("C with hooks", ".c", cases.C_ORDINARY, cases.FLAGS + cases.TSAN, bad, None),
        ("C without hooks", ".c", cases.C_ORDINARY, cases.FLAGS, touches, None),
        ("atomics with hooks", ".c", cases.C_ATOMIC, cases.FLAGS + cases.TSAN, bad, None),
        ("atomics without hooks", ".c", cases.C_ATOMIC, cases.FLAGS, touches, None),
        ("gaps of the compiler", ".c", cases.C_GAPS, cases.FLAGS + cases.TSAN, bad, None),
        ("assembler", ".s", cases.assembler_source(), [], bad, 1),
    ]
    with tempfile.TemporaryDirectory() as directory:
        failures = sum(self_test_case(directory, compiler, *test) for test in tests)
    return 1 if failures else 0


def main(arguments):
    if arguments[:1] == ["--self-test"] and len(arguments) <= 2:
        return self_test(arguments[1] if len(arguments) == 2 else "gcc-12")
    if not arguments or arguments[0].startswith("-"):
        print("usage: hooks_coverage_test.py OBJECT... | --self-test [CC]", file=sys.stderr)
        return 2
    try:
        return check_objects(arguments)
    except ValueError as error:  # disassembly that is not understood passes no test
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
