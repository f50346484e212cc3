#!/usr/bin/env python3
"""`treadle trace gomap --variant float64`: what is particular to keys that may not equal themselves.
What the real runtime does with them is recorded in maps/gomap/fixtures/ (trace_fixtures_test.py).

    trace_float_test.py BUILD/treadle
"""

import random
import re
import struct
import sys

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import ProgramCase, main

ZERO, MINUS_ZERO = 0, 1 << 63
INFINITY = 0x7ff << 52
NANS = [INFINITY + 1, INFINITY + (1 << 51), (1 << 64) - 1, MINUS_ZERO + INFINITY + 1]
GROW_AT = 13  # so many entries, and one more, make a map of two buckets grow


def bits(number):
    return struct.unpack("<Q", struct.pack("<d", number))[0]


class FloatCase(ProgramCase):
    def trace(self, operations, hash_name="mix", dump="sum"):
        """[(result, {field: value} of the line S, lines of the dump)], one for each operation."""
        printed = self.call("trace", "gomap", "--variant", "float64", "--hash", hash_name,
                            "--dump", dump, stdin="\n".join(operations).encode() + b"\n").stdout
        dumps = []
        for text in re.split(r"^O \d+ .*\n", printed, flags=re.MULTILINE)[1:]:
            lines = text.splitlines()
            dumps.append((lines[0].removeprefix("R "),
                          dict(re.findall(r"(\w+)=(\S+)", lines[1])), lines))
        self.assertEqual(len(dumps), len(operations))
        return dumps

    def results(self, operations, **options):
        return [result for result, _, _ in self.trace(operations, **options)]


class Keys(FloatCase):
    def test_zeros_are_equal_and_the_key_is_updated(self):
        dumps = self.trace(["rand 1", "new 0", f"a {ZERO} 1", f"a {MINUS_ZERO} 2", f"g {ZERO}",
                            f"d {ZERO}", f"g {MINUS_ZERO}"], dump="full")
        self.assertEqual([dump[0] for dump in dumps[4:]], ["hit 2", "", "miss"])
        self.assertEqual([dump[1]["count"] for dump in dumps[2:]], ["1", "1", "1", "0", "0"])
        self.assertIn(f",{ZERO}=1,", dumps[2][2][-1])
        self.assertIn(f",{MINUS_ZERO}=2,", dumps[3][2][-1])

    def test_other_keys_are_equal_by_their_bits(self):
        keys = [bits(1.0), bits(-1.0), bits(5e-324), 1, 2, INFINITY, MINUS_ZERO + INFINITY,
                INFINITY - 1, MINUS_ZERO + INFINITY - 1]
        keys = sorted(set(keys))
        results = self.results(["new 0"] + [f"a {key} {i}" for i, key in enumerate(keys)]
                               + [f"g {key}" for key in keys])
        self.assertEqual(results[-len(keys):], [f"hit {i}" for i in range(len(keys))])

    def test_nothing_equals_a_nan(self):
        for nan in NANS:
            dumps = self.trace(["rand 1", "new 0", f"a {nan} 1", f"a {nan} 2", f"g {nan}",
                                f"d {nan}", "it", "c", "it"])
            self.assertEqual([dump[1]["count"] for dump in dumps[2:]],
                             ["1", "2", "2", "2", "2", "0", "0"])
            self.assertEqual(dumps[4][0], "miss")
            self.assertEqual(sorted(dumps[6][0].split()[2:]), [f"{nan}=1", f"{nan}=2"])

    def test_hash_of_a_nan_is_drawn(self):
        dumps = self.trace(["rand 1", "new 0", f"a {NANS[0]} 1", f"a {bits(1.0)} 1", f"g {NANS[0]}",
                            f"d {NANS[0]}", f"g {ZERO}"])
        self.assertEqual([(dump[1]["fr"], dump[1]["hc"]) for dump in dumps[1:]],
                         [("1", "0"), ("1", "1"), ("0", "1"), ("1", "1"), ("1", "1"), ("0", "1")])
        for hash_name in "mix", "low", "blk", "table":
            hashes = self.results(["rand 1", "new 0", "seed 7"] + [f"h {NANS[0]}"] * 40
                                  + [f"h {key}" for key in (ZERO, MINUS_ZERO, bits(1.0), bits(1.0))],
                                  hash_name=hash_name)[3:]
            self.assertGreater(len(set(hashes[:40])), 20, hash_name)
            self.assertEqual(hashes[40], hashes[41])
            self.assertEqual(hashes[42], hashes[43])

    def test_injected_hash_of_zero(self):
        results = self.results(["new 0", f"H {ZERO} 0x123", f"h {ZERO}", f"h {MINUS_ZERO}"],
                               hash_name="table")
        self.assertEqual(results[2:], [f"{0x123:016x}"] * 2)


class Growth(FloatCase):
    """A range that is under way while the map grows produces each entry that was there when it
    began, and stays, once: the evacuation sends a NaN where the range expects it."""

    def entries_of_range(self, rng, hash_name):
        nans = rng.randrange(1, 60)
        keys = [bits(1.0 + i) for i in range(rng.randrange(0, 40))]
        before = [(rng.choice(NANS), i) for i in range(nans)]
        before += [(key, nans + i) for i, key in enumerate(keys)]
        rng.shuffle(before)
        operations = [f"rand {rng.getrandbits(64)}", f"new {rng.choice((0, 9, 20, 40))}"]
        # A first range makes evacuations follow the tophash; the second may begin within a growth.
        first = rng.randrange(len(before))
        operations += [f"a {key} {value}" for key, value in before[:first]]
        operations += ["ii 1"] + [f"a {key} {value}" for key, value in before[first:]] + ["ii 2"]
        value = 1000
        for _ in range(2 * len(before)):
            operations += ["in 2"] * rng.randrange(3)
            operations.append(f"a {rng.choice(NANS + [bits(1000.0 + value)])} {value}")
            value += 1
        begin = operations.index("ii 2")
        operations += ["in 2"] * (len(before) + value)
        dumps = self.trace(operations, hash_name=hash_name)
        grown = int(dumps[-1][1]["B"]) > int(dumps[begin][1]["B"])
        produced = [dump[0] for operation, dump in zip(operations, dumps)
                    if operation.endswith(" 2") and operation[0] == "i"]
        self.assertEqual(produced[-1], "none")
        return [f"{key}={value}" for key, value in before], produced, grown

    def test_range_across_growth(self):
        grown_count = 0
        for seed in range(30):
            rng = random.Random(seed)
            for hash_name in "mix", "low", "blk", "table":
                before, produced, grown = self.entries_of_range(rng, hash_name)
                grown_count += grown
                for entry in before:
                    self.assertEqual(produced.count(entry), 1, (seed, hash_name, entry))
        self.assertGreater(grown_count, 60)

    def test_evacuation_draws_for_each_nan(self):
        operations = ["rand 1", "new 9"] + [f"a {NANS[0]} {i}" for i in range(GROW_AT)]
        operations += [f"a {NANS[0]} {GROW_AT}"]
        dumps = self.trace(operations)
        self.assertEqual(dumps[-2][1]["old"], "-")
        fields = dumps[-1][1]
        # The hash of the new key, and one for each entry of the bucket that was moved, or both.
        self.assertEqual(fields["fr"], fields["hc"])
        self.assertGreater(int(fields["fr"]), 1)


class Outcomes(ProgramCase):
    def test_program(self):
        program = f"rand 5\nnew 0\na {ZERO} 1\npar a {MINUS_ZERO} 2 | g {ZERO}\n"
        printed = self.call("outcomes", "gomap", "--variant", "float64", "--executions", "5000",
                            stdin=program.encode()).stdout
        outcomes = {re.sub(" +", " ", line).split(" ", 1)[1]
                    for line in printed.split("outcomes:\n")[1].splitlines()}
        for outcome in "hit 1", "hit 2":
            self.assertIn(f'| "{outcome}" ; count=1 {{{MINUS_ZERO}=2}}', outcomes)
        self.assertFalse([outcome for outcome in outcomes if "miss" in outcome])


if __name__ == "__main__":
    main()
