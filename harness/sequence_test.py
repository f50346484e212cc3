#!/usr/bin/env python3
"""One goroutine: the port equals the Go runtime that is installed, byte for byte, on streams of
operations generated from a seed (sequence_streams.py); CI always takes the same one.

    sequence_test.py BUILD/treadle SEED [Class.test...]

What was compared goes to BUILD/conformance/sequence.json, one flat object:

    go, seed                the runtime's version, the seed
    FAMILY_streams          streams compared
    FAMILY_operations       and operations in them, nested ones not counted
    whole_COUNT             what the streams of 20,000 operations made the runtime do, as
                            sequential/coverage.go counts; b_max, iterators_paused_max: maxima
    whole_seconds, whole_cpu_seconds
                            what these took: two processes at a time; processors' time
    large_COUNT             the same of maps of 2^16 and 2^17 buckets
    large_digests           operations after which everything was compared, not only results and
                            hmap
    checked_ended_MESSAGE   streams that this check of Go's ended, blanks as underscores
    cleared_maps            maps over which a range began, a growth too, a loop deleted all
    cleared_maps_with_stale ... where the range went on with entries nevertheless
    cleared_stale_entries   ... so many
    plain_maps, plain_maps_with_stale, plain_stale_entries
                            the same by a program in plain Go (sequential/stale)
    fixtures, fixtures_sum  recorded streams that the runtime reproduces; of them with results
                            and hmap only

Figures of streams come once more for each variant and hash: whole_growths_fast64_mix.

Without that Go: skipped, exit code 77.
"""

import collections
import concurrent.futures
import itertools
import json
import os
import re
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True  # the sources stay as they are
import go_runtime
import sequence_streams
from program_case import PATIENCE_SECONDS, SOURCE_ROOT, ProgramCase, main

sys.path.append(go_runtime.CONFORMANCE)
import render

FIXTURES = os.path.join(SOURCE_ROOT, "maps", "gomap", "fixtures")
PROCESSES = 2
WHOLE_OPERATIONS = 20_000
SPARSE_PERIOD = 5000  # operations from one digest to the next
CHECKED_SEEDS = 20
CLEARED_MAPS = 60
SHOWN_BEFORE, SHOWN = 60, 240  # bytes of lines that differ
MAXIMA = ("b_max", "iterators_paused_max")
MESSAGES = ("concurrent map writes", "concurrent map read and map write",
            "concurrent map iteration and map write")

# What the whole streams of a variant have to contain, far below what they do contain: a generator
# that no longer gets there compares less than it says.
WHOLE_AT_LEAST = {
    "growths": 300, "same_size_growths": 10, "growths_inside_calls": 1, "overflow_buckets": 2000,
    "overflow_preallocated": 500, "clears": 200, "clears_during_growth": 5,
    "clears_during_iteration": 200, "iterator_steps": 50_000,
    "iterator_steps_during_growth": 3000, "iterator_steps_during_same_size_growth": 10,
    "iterator_steps_filtered": 1000, "iterator_steps_outgrown": 2000,
    "iterator_steps_looked_up": 2000, "iterators_paused_max": 12, "nested_in_hasher": 3000,
    "nested_in_equal": 50, "key_collisions": 100, "b_max": 7}
FLOAT_AT_LEAST = {"nan_assigns": 2000, "nan_steps_during_growth": 100}
LARGE_AT_LEAST = {"growths": 1, "same_size_growths": 1, "overflow_draws": 10_000,
                  "overflow_buckets": 10_000, "overflow_preallocated": 5000,
                  "iterator_steps_during_growth": 100,
                  "iterator_steps_during_same_size_growth": 100, "b_max": 17}

figures = {}
finished = set()  # test classes

Stream = collections.namedtuple("Stream", "family variant hash dump name text")
# ended: the message of the check that ended it, or None. difference: text, or None.
Outcome = collections.namedtuple("Outcome", "stream output ended coverage difference")


def driver():
    """The program around the runtime, built once."""
    if driver.path is None:
        driver.path = go_runtime.build(folder())
    return driver.path


driver.path = None


def folder():
    return os.path.join(os.path.dirname(ProgramCase.program), "conformance")


def seed():
    return int(ProgramCase.arguments[0])


def cpu_seconds():
    """Of this process and the programs that it has called."""
    return sum(os.times()[:4])


def command(program, stream):
    return [*program, "--variant", stream.variant, "--hash", stream.hash, "--dump", stream.dump]


def port():
    return [ProgramCase.program, "trace", "gomap"]


def run(program, stream, *arguments):
    done = subprocess.run([*command(program, stream), *arguments], input=stream.text,
                          capture_output=True, check=False, timeout=PATIENCE_SECONDS)
    if done.returncode not in (0, 1) or done.stderr:
        raise RuntimeError(f"{program[0]}: exit code {done.returncode}: "
                           f"{done.stderr[:300].decode(errors='replace')}: {stream.name}")
    return done.stdout


# ---- what differs

def first_difference(real, found):
    """(line `O n OP` before it or of it, line, other line) of two iterables of lines; None if they
    are equal."""
    title = b"O 0 (nothing)"
    for one, other in itertools.zip_longest(real, found, fillvalue=b"(the end)"):
        if one.startswith(b"O "):
            title = one
        if one != other:
            return title, one, other
    return None


def up_to_operation(text, number):
    """The stream's lines up to that operation."""
    lines = []
    for line in text.split(b"\n"):
        lines.append(line)
        number -= line.strip() != b"" and line[:1] not in b"#@="
        if number == 0:
            break
    return b"\n".join(lines) + b"\n"


def difference_in_full(stream, path):
    """As first_difference, of full dumps, which are too long to be kept. The operations are in a
    file."""
    stream = stream._replace(dump="full")
    with open(path, "rb") as one, open(path, "rb") as other, \
            subprocess.Popen(command([driver()], stream), stdin=one,
                             stdout=subprocess.PIPE) as real, \
            subprocess.Popen(command(port(), stream), stdin=other,
                             stdout=subprocess.PIPE) as found:
        difference = first_difference(real.stdout, found.stdout)
        real.kill()
        found.kill()
    return difference


def shown(line, other):
    """The part of a line where it differs from the other."""
    same = len(os.path.commonprefix((line, other)))
    start = max(same - SHOWN_BEFORE, 0)
    return ("..." if start else "") + line[start:start + SHOWN].decode(errors="replace").rstrip()


def describe_difference(stream, real, found):
    title, real, found = first_difference(real.split(b"\n"), found.split(b"\n"))
    path = os.path.join(folder(), stream.name.replace(" ", "-") + ".ops")
    with open(path, "wb") as file:
        file.write(up_to_operation(stream.text, int(title.split()[1])))
    described = [f"{stream.name}: first difference at operation {title[2:].decode()}"]
    if stream.dump == "digest":
        _, real, found = difference_in_full(stream, path) or (title, b"(equal in full)", b"")
    described += [f"  Go:   {shown(real, found)}", f"  port: {shown(found, real)}",
                  "  operations up to there: treadle trace gomap "
                  f"--variant {stream.variant} --hash {stream.hash} < {path}"]
    return "\n".join(described)


# ---- comparing

def compare(stream):
    coverage_path = os.path.join(folder(), f"coverage-{stream.name.replace(' ', '-')}.json")
    real = run([driver()], stream, "--coverage", coverage_path)
    found = run(port(), stream)
    last = real[real.rfind(b"\nR ") + 3:].decode().rstrip("\n")
    ended = last.removeprefix("FATAL ") if last.startswith("FATAL ") else None
    coverage = collections.Counter()
    if ended is None:
        with open(coverage_path, encoding="ascii") as file:
            coverage = json.load(file)
        os.remove(coverage_path)
        figures["go"] = coverage.pop("go")
    different = describe_difference(stream, real, found) if real != found else None
    return Outcome(stream, real if stream.family == "cleared" else None, ended, coverage, different)


def stream_of(family, variant, hash_name, dump, key_count=0, stream_seed=None, count=0):
    stream_seed = seed() if stream_seed is None else stream_seed
    generate = getattr(sequence_streams, family)
    arguments = {"whole": (variant, hash_name, key_count, count),
                 "large": (variant, count), "large_growth": (variant, count),
                 "large_same_size_growth": (variant, count),
                 "checked": (variant, hash_name, count), "cleared": (variant, hash_name, count),
                 "evacuated_twice": (variant,)}
    name = f"{family} seed {stream_seed} {variant} {hash_name} keys {key_count} {dump}"
    return Stream(family.split("_")[0], variant, hash_name, dump, name,
                  generate(stream_seed, *arguments[family]))


def add(family, name, number, stream):
    """Adds to a figure, and to the same of the stream's variant and hash."""
    for place in "", f"_{stream.variant}_{stream.hash}":
        figure = f"{family}_{name}{place}"
        known = figures.get(figure, 0)
        figures[figure] = max(known, number) if name in MAXIMA else known + number


class SequenceCase(ProgramCase):
    def compare_all(self, shapes):
        """The outcomes of the streams of these shapes (arguments of stream_of)."""
        driver()
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            outcomes = list(pool.map(lambda shape: compare(stream_of(**shape)), shapes))
        different = [one.difference for one in outcomes if one.difference is not None]
        self.assertFalse(different, "\n" + "\n".join(different))
        return outcomes

    def count(self, family, outcomes, names=None):
        for stream, _, _, coverage, _ in outcomes:
            add(family, "streams", 1, stream)
            for name in names or coverage:
                add(family, name, coverage[name], stream)

    def require(self, outcomes, least):
        """Together these outcomes cover at least that much."""
        for name, number in least.items():
            counts = [one.coverage[name] for one in outcomes]
            with self.subTest(name):
                self.assertGreaterEqual(max(counts) if name in MAXIMA else sum(counts), number)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) == before:
            finished.add(self.id())


class Whole(SequenceCase):
    def test_streams(self):
        began = time.monotonic(), cpu_seconds()
        outcomes = self.compare_all([
            {"family": "whole", "variant": variant, "hash_name": hash_name, "dump": "digest",
             "key_count": key_count, "count": WHOLE_OPERATIONS}
            for key_count in sequence_streams.KEY_COUNTS
            for variant in sequence_streams.VARIANTS for hash_name in sequence_streams.HASHES])
        figures["whole_seconds"] = round(time.monotonic() - began[0], 1)
        figures["whole_cpu_seconds"] = round(cpu_seconds() - began[1], 1)
        self.assertGreaterEqual(len(outcomes), 64)
        for outcome in outcomes:
            self.assertIsNone(outcome.ended, outcome.stream.name)
            self.assertEqual(outcome.coverage["operations"], WHOLE_OPERATIONS)
        for variant in sequence_streams.VARIANTS:
            least = {**WHOLE_AT_LEAST, **(FLOAT_AT_LEAST if variant == "float64" else {})}
            with self.subTest(variant):
                self.require([one for one in outcomes if one.stream.variant == variant], least)
        self.count("whole", outcomes)


class Large(SequenceCase):
    def test_streams(self):
        shapes = (("large_same_size_growth", "mix", "sparse", 10_000),
                  ("large_growth", "mix", "sparse", 60_000), ("large", "blk", "sparse", 20_000),
                  ("large", "blk", "digest", 12))
        outcomes = self.compare_all([
            {"family": family, "variant": variant, "hash_name": hash_name, "dump": dump,
             "count": count}
            for family, hash_name, dump, count in shapes for variant in sequence_streams.VARIANTS])
        for outcome in outcomes:
            stream, operations = outcome.stream, outcome.coverage["operations"]
            self.assertIsNone(outcome.ended, stream.name)
            add("large", "digests", operations if stream.dump == "digest"
                else operations // SPARSE_PERIOD, stream)
        for variant in sequence_streams.VARIANTS:
            with self.subTest(variant):
                self.require([one for one in outcomes if one.stream.variant == variant],
                             LARGE_AT_LEAST)
        self.count("large", outcomes)


class Checked(SequenceCase):
    """Where Go's own check ends the trace, the port ends it too, by the same message."""

    def test_streams(self):
        outcomes = self.compare_all([
            {"family": "checked", "variant": variant, "hash_name": hash_name, "dump": "full",
             "stream_seed": 1000 * seed() + i, "count": 2000}
            for variant in sequence_streams.VARIANTS for hash_name in sequence_streams.HASHES
            for i in range(CHECKED_SEEDS)])
        ends = collections.Counter((one.stream.variant, one.ended) for one in outcomes)
        self.assertLessEqual({message for _, message in ends}, {*MESSAGES, None})
        for variant in sequence_streams.VARIANTS:
            for message in MESSAGES:
                self.assertGreaterEqual(ends[variant, message], 1, (variant, message))
        for outcome in outcomes:
            add("checked", "streams", 1, outcome.stream)
            if outcome.ended is not None:
                add("checked", f"ended_{outcome.ended.replace(' ', '_')}", 1, outcome.stream)

    def test_throw(self):
        outcomes = self.compare_all([
            {"family": "evacuated_twice", "variant": variant, "hash_name": "mix", "dump": "full",
             "stream_seed": 1000 * seed() + i}
            for variant in sequence_streams.VARIANTS for i in range(5)])
        self.assertEqual({one.ended for one in outcomes}, {"THROW bad map state"})
        for outcome in outcomes:
            add("checked", "ended_THROW_bad_map_state", 1, outcome.stream)

    def test_no_map(self):
        text = b"rand 5\ng 1\nd 1\nc\nit\nii 1\nin 1\nik 1\nh 3\nseed 1\nxf 3\na 1 1\na 2 2\n"
        for variant in sequence_streams.VARIANTS:
            stream = Stream("checked", variant, "mix", "full", "no map", text)
            real = run([driver()], stream)
            self.assertEqual(run(port(), stream), real)
            self.assertTrue(real.endswith(b"R PANIC assignment to entry in nil map\n"))


class Cleared(SequenceCase):
    """A defect of Go's before 1.21 that the port must have too: a range that began before a growth
    gives entries that a loop has deleted since."""

    def stale(self, output):
        """(maps, maps with stale entries, stale entries) of the dump of such a stream."""
        counts = []
        operation, assigned = "", None  # None: not yet cleared
        for line in output.decode().split("\n"):
            if line.startswith("O "):
                operation = line.split()[2:]
                if operation[0] == "new":
                    counts.append(0)
                    assigned = None
                elif operation[0] == "c":
                    assigned = set()
                elif operation[0] == "a" and assigned is not None:
                    assigned.add(operation[1])
            elif operation[:1] == ["in"] and assigned is not None:
                entry = re.fullmatch(r"R (\d+)=\d+", line)
                if entry and entry[1] not in assigned:
                    counts[-1] += 1
        return len(counts), sum(count > 0 for count in counts), sum(counts)

    def compare_cleared(self, dump):
        return self.compare_all([
            {"family": "cleared", "variant": variant, "hash_name": hash_name, "dump": dump,
             "count": CLEARED_MAPS}
            for variant in sequence_streams.VARIANTS for hash_name in ("mix", "low", "blk")])

    def test_streams(self):
        self.compare_cleared("digest")  # all of it; the results stand in the sums
        outcomes = self.compare_cleared("sum")
        self.count("cleared", outcomes, ["operations"])
        for outcome in outcomes:
            stream = outcome.stream
            self.assertIsNone(outcome.ended, stream.name)
            maps, with_stale, entries = self.stale(outcome.output)
            self.assertEqual(maps, CLEARED_MAPS)
            self.assertGreater(with_stale, 0, stream.name)
            add("cleared", "maps", maps, stream)
            add("cleared", "maps_with_stale", with_stale, stream)
            add("cleared", "stale_entries", entries, stream)
        self.assertGreaterEqual(figures["cleared_maps"], 400)
        self.assertGreaterEqual(figures["cleared_maps_with_stale"], 200)

    def test_plain_go(self):
        program = go_runtime.build(folder(), "./stale")
        done = subprocess.run([program], capture_output=True, text=True, check=True)
        maps, with_stale, entries = (int(word) for word in done.stdout.split())
        self.assertGreater(with_stale, maps // 2)
        self.assertGreaterEqual(entries, with_stale)
        figures.update({"plain_maps": maps, "plain_maps_with_stale": with_stale,
                        "plain_stale_entries": entries})


class Coverage(SequenceCase):
    """What is counted of a stream is what it does."""

    def coverage(self, lines):
        text = "\n".join(["rand 1", *lines, ""]).encode()
        return compare(Stream("coverage", "fast64", "blk", "full", "coverage", text)).coverage

    def test_overflow_buckets(self):
        """32 buckets, behind them five preallocated overflow buckets: 37 are what fits into memory
        of the size class that 34 need. 64 keys of one block take 7."""
        fill = [f"a {key} 1" for key in range(64)]
        for lines, overflow, preallocated in (
                (fill[:8], 0, 0), (fill[:9], 1, 1), (fill[:48], 5, 5), (fill, 7, 5),
                (fill[:9] + ["c"], 1, 1), (fill + ["c"], 7, 5), (fill + ["c", *fill[:20]], 9, 7),
                ((fill + ["c"]) * 3, 21, 15)):
            counted = self.coverage(["new 200", *lines])
            self.assertEqual((counted["overflow_buckets"], counted["overflow_preallocated"]),
                             (overflow, preallocated), lines)


class Fixtures(SequenceCase):
    """What is recorded is what this runtime does."""

    def test_every_stream(self):
        names = [name.removesuffix(".ops") for name in sorted(os.listdir(FIXTURES))
                 if name.endswith(".ops")]
        sums = 0
        for name in names:
            variant, hash_name = name.split("-")[-2:]
            dump, = [kind for kind in ("full", "digest", "sum")
                     if os.path.exists(os.path.join(FIXTURES, f"{name}.{kind}"))]
            with open(os.path.join(FIXTURES, name + ".ops"), "rb") as file:
                stream = Stream("fixture", variant, hash_name, dump, name, file.read())
            with open(os.path.join(FIXTURES, f"{name}.{dump}"), "rb") as file:
                recorded = file.read()
            real = run([driver()], stream)
            sums += dump == "sum"
            with self.subTest(name):
                self.assertIsNone(first_difference(real.split(b"\n"), recorded.split(b"\n")))
        figures["fixtures"] = len(names)
        figures["fixtures_sum"] = sums


def figures_path():
    return os.path.join(folder(), "sequence.json")


def setUpModule():
    """Figures of another run must not outlast this one."""
    if os.path.exists(figures_path()):
        os.remove(figures_path())


def tearDownModule():
    """Writes the figures, if all tests ran and passed, and compares the document with them."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    if {test.id() for tests in suite for test in tests} <= finished:
        figures["seed"] = seed()
        with open(figures_path(), "w", encoding="ascii") as file:
            json.dump(dict(sorted(figures.items())), file, indent=2)
            file.write("\n")
        render.check(render.sequence, figures)


if __name__ == "__main__":
    if not go_runtime.is_installed():
        print(go_runtime.MISSING)
        sys.exit(77)
    main(argument_count=1)
