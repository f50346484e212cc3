"""disassembly.py: object files (x86-64, ELF) as functions of instructions, by objdump of binutils,
and what each instruction does to memory and registers. For hooks_coverage_test.py."""

import os
import re
import subprocess
import sys
from collections import namedtuple

PREFIXES = {"lock", "rep", "repz", "repnz", "repe", "repne", "notrack", "bnd", "data16", "cs", "ds",
            "rex.W", "xacquire", "xrelease"}
CALLER_SAVED = ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"]
SUFFIX_BYTES = {"b": 1, "w": 2, "l": 4, "q": 8}


def register_table():
    """Register name -> (name of the whole 64-bit register, bytes)."""
    table = {}
    for letter in "abcd":
        whole = f"r{letter}x"
        table.update({whole: (whole, 8), f"e{letter}x": (whole, 4), f"{letter}x": (whole, 2),
                      f"{letter}l": (whole, 1), f"{letter}h": (whole, 1)})
    for short in ("si", "di", "bp", "sp"):
        whole = f"r{short}"
        table.update({whole: (whole, 8), f"e{short}": (whole, 4), short: (whole, 2),
                      f"{short}l": (whole, 1)})
    for number in range(8, 16):
        whole = f"r{number}"
        table.update({whole: (whole, 8), f"{whole}d": (whole, 4), f"{whole}w": (whole, 2),
                      f"{whole}b": (whole, 1)})
    for number in range(32):
        table[f"xmm{number}"] = (f"xmm{number}", 16)
        table[f"ymm{number}"] = (f"xmm{number}", 32)
        table[f"zmm{number}"] = (f"xmm{number}", 64)
    for number in range(8):
        table[f"mm{number}"] = (f"mm{number}", 8)
    return table


REGISTERS = register_table()

# ---- disassembly ---------------------------------------------------------------------------

Relocation = namedtuple("Relocation", "offset kind symbol addend")
Operand = namedtuple("Operand", "kind text segment base index")  # kind: register immediate memory


class Instruction:
    def __init__(self, address, prefixes, mnemonic, operands, target, text, source):
        self.address, self.prefixes, self.mnemonic = address, prefixes, mnemonic
        self.operands = operands  # Operands, the destination last
        self.target = target  # (address, name) of a direct jump or call
        self.indirect = False  # jump or call through a register or memory
        self.text, self.source = text, source
        self.relocations = []
        self.next = None  # address of the instruction behind it

    def is_jump(self):
        return self.mnemonic.startswith("j") or self.mnemonic.startswith("loop")

    def ends_path(self):
        return self.mnemonic in ("jmp", "jmpq", "ret", "retq", "ud2", "hlt")


class Function:
    def __init__(self, name, section):
        self.name, self.section, self.instructions = name, section, []
        self.tabled = set()  # addresses in it that jump tables hold
        self.entered = set()  # addresses in it that other sections jump to


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        print(f"{' '.join(command)}: {result.stderr.strip()}", file=sys.stderr)
        sys.exit(2)
    return result.stdout


def parse_relocation(offset, kind, value):
    match = re.fullmatch(r"(.+?)([-+]0x[0-9a-f]+)?", value)
    return Relocation(int(offset, 16), kind, match[1], int(match[2] or "0", 16))


def parse_operand(text):
    if text.startswith("$"):
        return Operand("immediate", text, None, None, None)
    name = text.lstrip("%")
    if text.startswith("%") and ":" not in text:
        return Operand("register", REGISTERS.get(name, (name, 0))[0], None, None, None)
    match = re.fullmatch(r"(?:%(\w+):)?(-?(?:0x)?[0-9a-f]+)?(?:\((.*)\))?", text)
    if not match:
        raise ValueError(f"operand {text!r}")
    inner = (match[3] or "").split(",")
    parts = [part.strip().lstrip("%") for part in inner] + [""]
    base, index = (REGISTERS.get(part, (part or None, 0))[0] for part in parts[:2])
    return Operand("memory", text, match[1], base, index)


def parse_instruction(address, text, source):
    words = text.split("#")[0].split(None)
    prefixes = []
    while len(words) > 1 and words[0] in PREFIXES:
        prefixes.append(words.pop(0))
    mnemonic, rest = words[0], " ".join(words[1:])
    mnemonic = mnemonic.split(",")[0]  # branch hints
    branch = re.fullmatch(r"([0-9a-f]+)(?: <(.+?)(?:\+0x[0-9a-f]+)?>)?", rest)
    jumps = mnemonic.startswith(("j", "call", "loop"))
    if jumps and branch:
        return Instruction(address, prefixes, mnemonic, [], (int(branch[1], 16), branch[2]), text,
                           source)
    pieces = re.findall(r"(?:[^,(]|\([^)]*\))+", rest.replace("*", ""))
    operands = [parse_operand(piece.strip()) for piece in pieces]
    instruction = Instruction(address, prefixes, mnemonic, operands, None, text, source)
    instruction.indirect = jumps
    return instruction


def jump_tables(path):
    """The addresses that constants hold, as {(section, address)}: where indirect jumps may lead."""
    targets, constant = set(), False
    for line in run("objdump", "-r", path).splitlines():
        if match := re.match(r"RELOCATION RECORDS FOR \[(.+)\]:", line):
            constant = match[1].startswith((".rodata", ".data.rel.ro"))
        elif constant and (match := re.match(r"([0-9a-f]{16}) (R_\S+)\s+(\S+)$", line)):
            relocation = parse_relocation(*match.groups())
            if relocation.kind != "R_X86_64_64" and relocation.symbol.startswith(".text"):
                raise ValueError(f"{path}: a relative jump table; compile with -fno-pie")
            targets.add((relocation.symbol, relocation.addend))
    return targets


def disassemble(path):
    """All functions of an object file, and symbol -> section."""
    sections = {}
    for line in run("objdump", "-t", path).splitlines():
        match = re.match(r"[0-9a-f]{16} .{7} (\S+)\s+[0-9a-f]+\s+(?:\.\w+ )?(\S+)$", line)
        if match:
            sections[match[2]] = match[1]
    functions, section, source = [], None, "?"
    for line in run("objdump", "-drl", "--no-show-raw-insn", path).splitlines():
        if match := re.match(r"Disassembly of section (\S+):", line):
            section = match[1]
        elif match := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            functions.append(Function(match[1], section))
            source = "?"
        elif match := re.match(r"\s+([0-9a-f]+): (R_\S+)\t(\S+)$", line):
            relocations = functions[-1].instructions[-1].relocations
            relocations.append(parse_relocation(*match.groups()))
        elif match := re.match(r"\s+([0-9a-f]+):\t(.+?)\s*$", line):
            instruction = parse_instruction(int(match[1], 16), match[2], source)
            functions[-1].instructions.append(instruction)
        elif match := re.match(r"(\S.*:\d+)(?: \(discriminator \d+\))?$", line):
            source = os.path.basename(match[1])
        elif line.strip() and not re.match(r"\S+\(\):$|.*file format |\s*\.\.\.$", line):
            raise ValueError(f"{path}: line of objdump not understood: {line!r}")
    tables, jumped = jump_tables(path), set()
    for function in functions:
        for one, behind in zip(function.instructions, function.instructions[1:]):
            one.next = behind.address
        for one in function.instructions:  # jumps between sections: cold parts, and back
            if one.is_jump() and not one.indirect:
                jumped.update((r.symbol, r.addend + 4) for r in one.relocations)
    for function in functions:
        addresses = {one.address for one in function.instructions}
        function.tabled = {a for s, a in tables if s == function.section and a in addresses}
        function.entered = {a for s, a in jumped if s == function.section and a in addresses}
    return [function for function in functions if function.instructions], sections


# ---- what an instruction does ------------------------------------------------------------------

SUFFIXED = {"mov", "movabs", "add", "sub", "and", "or", "xor", "adc", "sbb", "cmp", "test", "inc",
            "dec", "neg", "not", "shl", "sal", "shr", "sar", "shld", "shrd", "rol", "ror", "rcl",
            "rcr", "push", "pop", "mul", "imul", "div", "idiv", "xchg", "xadd", "cmpxchg", "bt",
            "bts", "btr", "btc", "call", "jmp"}
LAST_IS_READ = {"cmp", "test", "bt", "push", "mul", "imul", "div", "idiv", "call", "jmp", "fld",
                "flds", "fldl", "fldt", "filds", "fildl", "fildll", "fldcw", "ldmxcsr"}
LAST_IS_WRITTEN = {"pop", "fsts", "fstl", "fstps", "fstpl", "fstpt", "fistps", "fistpl", "fistpll",
                   "fnstcw", "stmxcsr"}
NO_ACCESS = re.compile(r"lea[wlq]?$|nop[wlq]?$|prefetch|endbr")
STRING = re.compile(r"(movs|stos|lods|scas|cmps)[bwlq]?$")


def base_mnemonic(mnemonic):
    """The mnemonic without its size suffix, and the suffix's bytes (None without one)."""
    if mnemonic not in SUFFIXED and mnemonic[:-1] in SUFFIXED and mnemonic[-1] in SUFFIX_BYTES:
        return mnemonic[:-1], SUFFIX_BYTES[mnemonic[-1]]
    return mnemonic, None


def access_bytes(instruction):
    """How many bytes the memory operand has; None if that is not known."""
    mnemonic, suffix = base_mnemonic(instruction.mnemonic)
    if suffix:
        return suffix
    if match := re.fullmatch(r"mov[sz]([bwl])[wlq]", mnemonic):
        return SUFFIX_BYTES[match[1]]
    if mnemonic.startswith("set"):
        return 1
    if mnemonic in ("call", "jmp", "push", "pop"):
        return 8
    if match := re.fullmatch(r"v?cvt(?:t?)(si|ss|sd)2\w+?([lq]?)", mnemonic):
        return {"ss": 4, "sd": 8, "si": SUFFIX_BYTES.get(match[2])}[match[1]]
    if re.fullmatch(r"v?(mov[lh]p[sd]|movq|movsd|\w+sd)", mnemonic):
        return 8
    if re.fullmatch(r"v?(movd|movss|\w+ss)", mnemonic):
        return 4
    names = re.findall(r"%(\w+)", re.sub(r"\([^)]*\)", "", instruction.text))
    sizes = [REGISTERS[name][1] for name in names if name in REGISTERS]
    return sizes[-1] if sizes else None


def accesses(instruction):
    """[(operand, "r" | "w" | "rw", bytes or None)] for the memory operands."""
    if NO_ACCESS.match(instruction.mnemonic):
        return []
    memory = [operand for operand in instruction.operands if operand.kind == "memory"]
    if not memory:
        return []
    if STRING.match(instruction.mnemonic) and any(o.segment in ("ds", "es") for o in memory):
        writes = instruction.mnemonic.startswith(("movs", "stos"))
        return [(o, "w" if writes and o.segment == "es" else "r", None) for o in memory]
    assert len(memory) == 1, instruction.text
    mnemonic, size = base_mnemonic(instruction.mnemonic)[0], access_bytes(instruction)
    if memory[0] is not instruction.operands[-1]:
        effect = "rw" if mnemonic in ("xchg", "xadd") else "r"
    elif mnemonic in LAST_IS_READ:
        effect = "r"
    elif mnemonic in LAST_IS_WRITTEN or re.match(r"v?mov|set", mnemonic):
        effect = "w"
    else:
        effect = "rw"
    return [(memory[0], effect, size)]


def written_registers(instruction):
    mnemonic = base_mnemonic(instruction.mnemonic)[0]
    registers = [o.text for o in instruction.operands if o.kind == "register"]
    if mnemonic in ("cmp", "test", "push", "bt") or instruction.is_jump():
        return []
    if mnemonic == "call":
        return CALLER_SAVED
    if STRING.match(mnemonic):
        return registers + ["rax", "rcx", "rsi", "rdi"]
    written = {"cqto": ["rdx"], "cltd": ["rdx"], "cwtd": ["rdx"], "cltq": ["rax"], "cwtl": ["rax"],
               "cbtw": ["rax"], "leave": ["rbp"], "leaveq": ["rbp"]}.get(mnemonic)
    if written is not None:
        return written
    if mnemonic in ("mul", "imul", "div", "idiv") and len(instruction.operands) == 1:
        return ["rax", "rdx"]
    if mnemonic.startswith(("xchg", "xadd", "cmpxchg")) or len(instruction.operands) > 2:
        return registers + ["rax", "rdx"]
    if not instruction.operands:
        return CALLER_SAVED + ["rbx"]  # cpuid, rdtsc and whatever else hides its results
    last = instruction.operands[-1]
    return [last.text] if last.kind == "register" else []
