#!/usr/bin/env python3
"""`treadle outcomes gomap` reaches what the real runtime reached under random interleavings
(maps/gomap/fixtures/NAME.txt), but for what maps/gomap/CONFORMANCE.md names.

    outcomes_test.py BUILD/treadle
"""

import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import SOURCE_ROOT, ProgramCase, main

GOMAP = os.path.join(SOURCE_ROOT, "maps", "gomap")
NEVER_ASKED = {"WILD", "ENDLESS"}  # what the real runtime did then is undefined
# Some outcomes come once in a million executions.
EXECUTIONS = {
    "insert-insert": 300_000,
    "insert-insert-grow": 12_000_000,
    "iterate-grow": 2_000_000,
    "read-grow": 1_000_000,
}


def program_text(name):
    with open(os.path.join(GOMAP, "fixtures", name + ".txt"), encoding="ascii") as file:
        return file.read()


def parse(text):
    """(program's lines, [(count, outcome)]) of a file or of what was printed."""
    program, outcomes = text.split("outcomes:\n")
    pairs = [re.sub(" +", " ", line).split(" ", 1) for line in outcomes.splitlines()]
    return program.splitlines(), [(int(count), outcome) for count, outcome in pairs]


def unreachable():
    """{(name, outcome): reason} of CONFORMANCE.md's rows | `NAME.txt` | `OUTCOME` | REASON |"""
    with open(os.path.join(GOMAP, "CONFORMANCE.md"), encoding="utf-8") as file:
        rows = [line.strip().strip("|").replace("\\|", "\0").split("|")
                for line in file if re.match(r"\| `[\w-]+\.txt` \|", line)]
    cells = [[cell.replace("\0", "|").strip() for cell in row] for row in rows]
    return {(file.strip("`").removesuffix(".txt"), outcome.strip("`")): reason
            for file, outcome, reason in cells}


class OutcomesCase(ProgramCase):
    def outcomes(self, name, executions, seed=1):
        return self.call("outcomes", "gomap", "--executions", str(executions), "--seed", str(seed),
                         stdin=program_text(name).encode()).stdout


class Outcomes(OutcomesCase):
    def check(self, name):
        _, recorded = parse(program_text(name))
        _, counted = parse(self.outcomes(name, EXECUTIONS[name]))
        excused = {outcome: reason for (file, outcome), reason in unreachable().items()
                   if file == name}
        real = {outcome for _, outcome in recorded} - NEVER_ASKED
        found = {outcome for _, outcome in counted}
        for outcome, reason in excused.items():
            print(f"{name}: not reachable: {outcome}: {reason}")
        self.assertLessEqual(excused.keys(), real, "CONFORMANCE.md names what no real run did")
        self.assertFalse(excused.keys() & found, "CONFORMANCE.md says that the port cannot")
        missed = [f"{outcome} (real runs: {count})" for count, outcome in recorded
                  if outcome in real - found - excused.keys()]
        self.assertFalse(missed, f"not reached in {EXECUTIONS[name]:,} executions")

    def test_every_file_is_checked(self):
        names = {name.removesuffix(".txt") for name in os.listdir(os.path.join(GOMAP, "fixtures"))
                 if name.endswith(".txt")}
        self.assertEqual(names, EXECUTIONS.keys())
        self.assertLessEqual({file for file, _ in unreachable()}, names)

    def test_insert_insert(self):
        self.check("insert-insert")

    def test_insert_insert_grow(self):
        self.check("insert-insert-grow")

    def test_iterate_grow(self):
        self.check("iterate-grow")

    def test_read_grow(self):
        self.check("read-grow")


class Schedules(OutcomesCase):
    """By the schedules of NAME.schedules, which the real code has followed, the port makes the same
    accesses to the same outcomes."""

    def test_every_schedule(self):
        for name in EXECUTIONS:
            path = os.path.join(GOMAP, "fixtures", name)
            with open(path + ".schedules", "rb") as file:
                schedules = file.read()
            followed = subprocess.run(
                [os.path.join(os.path.dirname(self.program), "conformance_port"), "follow",
                 path + ".txt"], input=schedules, capture_output=True, check=True).stdout
            with self.subTest(name):
                self.assertEqual(
                    [line.split(b"\t")[:2] for line in followed.splitlines()],
                    [line.split(b"\t")[:2] for line in schedules.splitlines()])


class Output(OutcomesCase):
    def test_format(self):
        for name in EXECUTIONS:
            printed = self.outcomes(name, 5000)
            program, counted = parse(printed)
            recorded_program, _ = parse(program_text(name))
            comments = [line for line in recorded_program if line.startswith("#")]
            self.assertIn(program, (recorded_program, recorded_program[len(comments):]))
            self.assertEqual(sum(count for count, _ in counted), 5000)
            self.assertEqual(len({outcome for _, outcome in counted}), len(counted))
            self.assertEqual([count for count, _ in counted],
                             sorted((count for count, _ in counted), reverse=True))
            for _, outcome in counted:
                self.assertRegex(outcome, r'\A(FATAL .+|PANIC|WILD|ENDLESS|("[^"]*" )*\| '
                                          r'("[^"]*" )*; count=\d+ \{(\d+=\d+( \d+=\d+)*)?\})\Z')

    def test_negative_count(self):
        """Two deletes of one key both count it; Go's count is signed."""
        program = b"rand 5\nnew 0\na 0 1\npar d 0 | d 0\n"
        printed = self.call("outcomes", "gomap", "--executions", "20000", stdin=program).stdout
        self.assertIn("| ; count=-1 {}", {outcome for _, outcome in parse(printed)[1]})

    def test_large_map(self):
        """Outcomes are printed whole, however long, and so are told apart by their ends."""
        first, count = 10 ** 18, 5000
        last = first + count - 1
        entries = "".join(f"a {first + i} {first}\n" for i in range(count))
        program = f"rand 1\nnew 20000\n{entries}par a {last} 7 | a {last} 8\n"
        printed = self.call("outcomes", "gomap", "--executions", "300",
                            stdin=program.encode()).stdout
        start = "| ; count=5000 {" + "".join(f"{first + i}={first} " for i in range(count - 1))
        found = {outcome.removeprefix(start) for _, outcome in parse(printed)[1]
                 if not outcome.startswith("FATAL")}
        self.assertEqual(found, {f"{last}=7}}", f"{last}=8}}"})

    def test_no_newline_at_the_end(self):
        for program in "new 0\npar g 1", "new 0\npar g 1\n", "new 0\npar\tg 1\t\n# the end":
            with self.subTest(program):
                printed = self.call("outcomes", "gomap", "--executions", "10",
                                    stdin=program.encode()).stdout
                self.assertEqual(printed, program.rstrip("\n")
                                 + '\noutcomes:\n10 "miss" ; count=0 {}\n')

    def test_cut_off(self):
        """Where an execution has no end in time, --exhaustive prints no outcomes."""
        entries = "".join(f"a {i} 1\n" for i in range(4000))
        program = f"rand 1\nnew 4000\n{entries}par it\n"
        printed = self.call("outcomes", "gomap", "--executions", "3", stdin=program.encode()).stdout
        self.assertEqual(parse(printed)[1], [(3, "ENDLESS")])
        self.assertIn("cut off", self.refuse("outcomes", "gomap", "--exhaustive",
                                             stdin=program.encode()))

    def test_seed(self):
        first = self.outcomes("iterate-grow", 20000, seed=7)
        self.assertEqual(self.outcomes("iterate-grow", 20000, seed=7), first)
        self.assertNotEqual(self.outcomes("iterate-grow", 20000, seed=8), first)

    def test_bad_program(self):
        """One line that names line and cause."""
        for text, line, cause in (
                ("new 0\nzz 1\npar g 1\n", 2, "unknown operation 'zz'"),
                ("# a comment\n\nnew 0\nxyzzy\n", 4, "unknown operation 'xyzzy'"),
                ("new 0\n@1 g 1\npar g 1\n", 2, "unknown operation '@1'"),
                ("\0\xff\n", 1, "unknown operation '..'"),
                ("new 0\na 1 x\npar g 1\n", 2, "bad number 'x'"),
                ("new 0\npar a 1 1 | a -1 1\n", 2, "bad number '-1'"),
                ("rand 18446744073709551616\n", 1, "bad number '18446744073709551616'"),
                ("new 0\npar g 0x\n", 2, "bad number '0x'"),
                ("new\npar g 1\n", 1, "missing argument of 'new'"),
                ("new 0\npar a 1 1 | a 2\n", 2, "missing argument of 'a'"),
                ("par g 1;\n", 1, "missing operation"), ("par |\n", 1, "missing operation"),
                ("new 0\nc 1\npar g 1\n", 2, "one argument too many: '1'"),
                ("new 1000001\npar g 1\n", 1, "size hint above 1000000: '1000001'"),
                ("new 0\npar g 1\na 1 1\n", 3, "an operation of the set-up behind 'par'"),
                ("par g 1\npar g 1\n", 2, "a second line 'par'"),
                ("new 0\npar g 1;new 0\n", 2, "only the set-up may do operation 2"),
                ("par " + " | ".join(["g 1"] * 17), 1, "more than 16 goroutines"),
                ("new 0\na 1 1\n", 2, "no line 'par'"), ("", 1, "no line 'par'"),
                ("outcomes:\npar g 1\n", 1, "no line 'par'"),
                ("new 0\npar\n", 2, "missing operation"),
                ("new 0\npar \t\n", 2, "missing operation"),
                ("new 0\npary g 1\n", 2, "unknown operation 'pary'"),
                ("new 0\npar c\0xxxxxxxx\n", 2, "unknown operation 'c.xxxxxxxx'"),
                ("par ii 4294967295\n", 1, "iterator id above 4294967294: '4294967295'"),
                ("par " + ";".join(f"ii {i}" for i in range(9)), 1, "more than 8 iterators"),
                ("new 0\n#" + " " * (1 << 20) + "\npar g 1\n", 2,
                 "longer than 1048576 bytes")):
            with self.subTest(text):
                self.assertEqual(
                    self.refuse("outcomes", "gomap", stdin=text.encode("latin-1")),
                    f"line {line}: {cause}")

    def test_input_that_cannot_be_read(self):
        folder = os.open(self.folder, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        for command in "outcomes", "trace":
            done = subprocess.run([self.program, command, "gomap"], stdin=folder,
                                  capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (2, b"", f"treadle {command}: standard input cannot be read\n"
                              .encode()))


if __name__ == "__main__":
    main()
