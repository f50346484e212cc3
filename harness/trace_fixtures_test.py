#!/usr/bin/env python3
"""`treadle trace gomap` prints for every recorded stream of operations what Go 1.19.8 printed, byte
for byte, refuses what is no operation, and bounds what it takes of time and memory.

    trace_fixtures_test.py BUILD/treadle
"""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import PATIENCE_SECONDS, SOURCE_ROOT, ProgramCase, main

FIXTURES = os.path.join(SOURCE_ROOT, "maps", "gomap", "fixtures")
FIXTURES_MIN = 17  # so many were recorded
ARGUMENTS = {"rand": 1, "new": 1, "a": 2, "d": 1, "g": 1, "c": 0, "it": 0, "ii": 1, "in": 1,
             "ik": 1, "seed": 1, "H": 2, "h": 1, "xf": 1}  # how many each operation takes
LINE_BYTES_MAX = 1 << 20
SPARSE_PERIOD = 5000


def first_difference(expected, found):
    expected, found = expected.split(b"\n"), found.split(b"\n")
    for i in range(max(len(expected), len(found))):
        lines = [lines[i] if i < len(lines) else "(the end)" for lines in (expected, found)]
        if lines[0] != lines[1]:
            return f"line {i + 1}: expected {lines[0]}, found {lines[1]}"
    return "no difference"


class Fixtures(ProgramCase):
    def compare(self, name, dump):
        """name is s101-...-VARIANT-HASH; dump the kind of record that belongs to it."""
        variant, hash_name = name.split("-")[-2:]
        with open(os.path.join(FIXTURES, f"{name}.{dump}"), "rb") as file:
            recorded = file.read()
        with open(os.path.join(FIXTURES, name + ".ops"), "rb") as operations:
            done = subprocess.run([self.program, "trace", "gomap", "--variant", variant,
                                   "--hash", hash_name, "--dump", dump],
                                  stdin=operations, capture_output=True, check=False)
        if done.stdout != recorded:
            self.fail(first_difference(recorded, done.stdout))
        ended = recorded.splitlines()[-1].startswith(b"R FATAL")
        self.assertEqual(done.returncode, 1 if ended else 0, done.stderr)
        self.assertEqual(done.stderr, b"")

    def test_every_stream(self):
        records = [os.path.splitext(name) for name in sorted(os.listdir(FIXTURES))]
        names = [name for name, suffix in records if suffix == ".ops"]
        self.assertGreaterEqual(len(names), FIXTURES_MIN)
        for name in names:
            dumps = [suffix[1:] for other, suffix in records if other == name and suffix != ".ops"]
            self.assertEqual(len(dumps), 1, f"records of {name}: {dumps}")
            with self.subTest(name):
                self.compare(name, dumps[0])


class Sparse(ProgramCase):
    def lines(self, operations, dump):
        """Those of each operation, without its line O."""
        printed = self.call("trace", "gomap", "--dump", dump, stdin=operations).stdout
        return [part.split("\n", 1)[1] for part in ("\n" + printed).split("\nO ")[1:]]

    def test_sum_and_digest(self):
        """Behind every 5,000th sum stands the line of the digest: the same one, where no overflow
        bucket gets an id as a dump meets it."""
        operations = b"new 0\n" + b"".join(b"a %d %d\nd %d\nii %d\n" % (i % 8, i, i % 5, i % 3)
                                           for i in range(SPARSE_PERIOD))
        sums, digests, sparse = (self.lines(operations, dump)
                                 for dump in ("sum", "digest", "sparse"))
        self.assertGreaterEqual(len(sums), 2 * SPARSE_PERIOD)
        self.assertEqual(len(sparse), len(sums))
        for i, (one, digest) in enumerate(zip(sums, digests)):
            expected = one + "\n" + digest if (i + 1) % SPARSE_PERIOD == 0 else one
            self.assertEqual(sparse[i].rstrip("\n"), expected.rstrip("\n"), i + 1)


class BadOperations(ProgramCase):
    def refuse_third_line(self, line, *words):
        """What stands before the line is done, and the message names the line."""
        done = self.call("trace", "gomap", "--dump", "sum", code=2,
                         stdin=b"new 0\n# a comment\n" + line + b"\na 1 1\n")
        self.assertEqual(done.stdout.splitlines()[:1], ["O 1 new 0"])
        self.assertNotIn("O 2", done.stdout)
        self.assertRegex(done.stderr, r"\A[^\n]*line 3: [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertLess(len(done.stderr), 200)

    def test_unknown_operation(self):
        self.refuse_third_line(b"zz 1", "zz")

    def test_bad_number(self):
        for word in b"x", b"1x", b"0x", b"-1", b"1.5", b"18446744073709551616":
            with self.subTest(word):
                self.refuse_third_line(b"a 1 " + word, word.decode())

    def test_missing_argument(self):
        for line in b"a", b"a 1", b"g", b"new", b"ii":
            with self.subTest(line):
                self.refuse_third_line(line, "'" + line.split()[0].decode())

    def test_too_much(self):
        self.refuse_third_line(b"g 1 2")
        self.refuse_third_line(b"c 1")

    def test_every_operation(self):
        """Each with an argument missing, bad or too many; so too inside a call of another."""
        for name, count in ARGUMENTS.items():
            good = [name] + ["1"] * count
            wrong = [(good[:-1], "missing argument", name)] if count else []
            wrong += [(good[:i] + ["1o"] + good[i + 1:], "bad number", "1o")
                      for i in range(1, count + 1)]
            wrong += [(good + ["23"], "one argument too many", "23"),
                      ([name + "."] + good[1:], "unknown operation", name + ".")]
            self.call("trace", "gomap", stdin=f"new 0\n{' '.join(good)}\n".encode())
            for words, *cause in wrong:
                for before in "", "@1 ", "=2 g 1;":
                    line = before + " ".join(words)
                    with self.subTest(line):
                        self.refuse_third_line(line.encode(), *cause)

    def test_hint_too_large(self):
        self.refuse_third_line(b"new 1000001", "1000001")

    def test_nested(self):
        for line in (b"@1 zz", b"@x g 1", b"=1 a 1", b"@1", b"@", b"=", b"@ g 1", b"@1 g 1;",
                     b"@1 ;g 1", b"@-1 g 1", b"@1g 1"):
            with self.subTest(line):
                self.refuse_third_line(line)

    def test_overlong_line(self):
        self.refuse_third_line(b"a 1 " + b"1" * 1_000_000)
        self.refuse_third_line(b"z" * 1_000_000)

    def test_endless_line(self):
        """There is a limit, which holds for comments and nested operations, too."""
        cause = f"longer than {LINE_BYTES_MAX} bytes"
        for start in b"", b"#", b"@1 g 1;", b"a\0":
            with self.subTest(start):
                self.refuse_third_line(start + b" " * (LINE_BYTES_MAX + 1 - len(start)), cause)
        comment = b"#" * LINE_BYTES_MAX
        self.call("trace", "gomap", stdin=b"new 0\n" + comment + b"\na 1 1\n" + comment)
        with open("/dev/zero", "rb") as zeros:
            done = subprocess.run([self.program, "trace", "gomap"], stdin=zeros,
                                  capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        self.assertEqual((done.returncode, done.stderr), (2, f"line 1: {cause}\n".encode()))

    def test_binary(self):
        self.refuse_third_line(bytes(byte for byte in range(256) if byte != ord("\n")))
        self.refuse_third_line(b"a 1\0 1")
        self.refuse_third_line(b"\xff\xfe\xfd")

    def test_zero_byte_in_a_name(self):
        """What stands behind it belongs to the name."""
        for behind in b"", b"x", b"x" * 8, b"x" * 1_000_000:
            for before in b"", b"@1 ", b"=1 g 1;":
                with self.subTest(before + behind[:8]):
                    self.refuse_third_line(before + b"a\0" + behind + b" 1 2",
                                           "unknown operation 'a." + behind[:30].decode())

    def test_numbers_at_their_limits(self):
        self.call("trace", "gomap", stdin=b"new 0\na 18446744073709551615 0xffffffffffffffff\n")


class Limits(ProgramCase):
    def test_output_that_cannot_be_written(self):
        """Ends the trace, however much input there is."""
        operations = b"a 1 2\n" * 10_000
        with open("/dev/full", "wb") as full, tempfile.TemporaryFile() as errors, \
                subprocess.Popen([self.program, "trace", "gomap", "--dump", "sum"], stdout=full,
                                 stdin=subprocess.PIPE, stderr=errors) as trace:
            with self.assertRaises(BrokenPipeError):
                trace.stdin.write(b"new 0\n")
                for _ in range(10_000):
                    trace.stdin.write(operations)
            try:
                trace.stdin.close()
            except BrokenPipeError:
                pass
            self.assertEqual(trace.wait(PATIENCE_SECONDS), 2)
            errors.seek(0)
            self.assertEqual(errors.read(), b"treadle trace: standard output cannot be written\n")

    def test_memory_of_digests(self):
        """A map of 24 MiB has a dump nearly as large; not many are kept at a time."""
        with tempfile.TemporaryFile() as operations:
            operations.write(b"new 1000000\n" + b"g 1\n" * 63)
            operations.seek(0)
            # Not `with`: wait4 takes what wait would.
            trace = subprocess.Popen([self.program, "trace", "gomap", "--dump", "digest"],
                                     stdin=operations, stdout=subprocess.DEVNULL)
            _, trace.returncode, usage = os.wait4(trace.pid, 0)
        self.assertEqual(trace.returncode, 0)
        self.assertLess(usage.ru_maxrss, 256 << 10)  # KiB


if __name__ == "__main__":
    main()
