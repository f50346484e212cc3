#!/usr/bin/env python3
"""Several goroutines: what the installed Go's map code does under thousands of interleavings, its
port does too, access by access; and the other way round. Programs are generated from a seed
(concurrency_programs.py); CI always takes the same one.

    concurrency_test.py BUILD/treadle BUILD/conformance_port SEED [Class.test...]

Without that Go: skipped, exit code 77. What was compared goes to
BUILD/conformance/concurrency.json, from which CONFORMANCE.md is made.
"""

import collections
import concurrent.futures
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True  # the sources stay as they are
import concurrency_programs
import go_recorder
import go_runtime
from outcomes_test import EXECUTIONS, parse, program_text
from program_case import SOURCE_ROOT, ProgramCase, main

sys.path.append(go_runtime.CONFORMANCE)
import render

FIXTURES = os.path.join(SOURCE_ROOT, "maps", "gomap", "fixtures")
PROCESSES = 2
PROGRAMS = 60
RUNS = 50_000            # of the real code, a program
RUNS_FOLLOWED = 1000     # of them on the port, beside the first of each outcome
ROUND_EXECUTIONS = 100_000  # of the port; another round while it has not met every real outcome
ROUNDS_MAX = 4
FIXTURE_RUNS = 1_000_000
CROWDED_RUNS = 100_000
CROWDED_SEEDS = {"insert-insert-grow": 10, "read-grow": 5}  # with these the rarest come, too
UNDEFINED = {"WILD", "ENDLESS"}  # what comes then depends on other memory, or on a limit

figures = {}
finished = set()  # tests


def setUpModule():
    if os.path.exists(figures_path()): # of an earlier run
        os.remove(figures_path())


def folder(*names):
    place = os.path.join(os.path.dirname(ProgramCase.program), "conformance", *names[:-1])
    os.makedirs(place, exist_ok=True)
    return os.path.join(place, *names[-1:])


class Built:
    """The recorder, built once."""
    path = None

    @classmethod
    def recorder(cls):
        if cls.path is None:
            cls.path = go_recorder.build(folder(""))
        return cls.path


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def accesses_in(schedules):
    with open(schedules, encoding="ascii") as file:
        return sum(int(stretch.split("x")[1]) for line in file
                   for stretch in line.rsplit("\t", 1)[1].split())


class Comparison:
    """Everything about one generated program. differences: what must not be, as text."""

    def __init__(self, generated, call_outcomes):
        self.generated = generated
        self.call_outcomes = call_outcomes
        path = write(folder("programs", f"{generated.name}.txt"), generated.text)
        self.program = go_recorder.Program(Built.recorder(), ProgramCase.arguments[0], path,
                                           generated.variant, generated.hash_name)
        self.path = path
        self.differences = []
        self.counts = collections.Counter()
        self.wild = collections.Counter()  # {(function, line): runs that left live memory there}
        self.needed = collections.Counter()  # {(where, ...): outcomes of the port that need it}

    def differ(self, what, schedules=None):
        text = (f"{self.path} {self.generated.variant} {self.generated.hash_name}: {what}")
        self.differences.append(text + (f" (schedules in {schedules})" if schedules else ""))

    def run(self):
        schedules = self.path.replace(".txt", ".real")
        wild = self.path.replace(".txt", ".wild")
        recorded = self.program.record(RUNS, schedules=schedules, more=RUNS_FOLLOWED, wild=wild)
        self.wild = go_recorder.read_wild(wild)
        self.counts["runs"] = sum(one.count for one in recorded)
        self.counts["runs_wild"] = sum(one.count for one in recorded if one.outcome == "WILD")
        self.counts["runs_endless"] = sum(one.count for one in recorded
                                          if one.outcome == "ENDLESS")
        real = {one.outcome for one in recorded} - UNDEFINED
        reached = self.follow_on_port(schedules)
        searched = self.search(real)
        self.counts["outcomes"] = len(real)
        self.counts["outcomes_searched"] = len(real & searched)
        self.counts["outcomes_followed"] = len(real - searched)
        for outcome in sorted(real - searched - reached):
            self.differ(f"the port does not end in {outcome}", schedules)
        self.counts["port_outcomes"] = len(searched - UNDEFINED)
        self.counts["port_only"] = len(searched - real - UNDEFINED)
        return self

    def follow_on_port(self, schedules):
        """Follows what the real code did; the outcomes in which the port did the same."""
        real = go_recorder.read_schedules(schedules)
        port = self.program.follow_on_port(schedules)
        if len(real) != len(port):
            self.differ(f"{len(port)} of {len(real)} schedules were followed", schedules)
        same = set()
        for number, ((outcome, digest), (other, other_digest)) in enumerate(zip(real, port)):
            if outcome == other and (digest == other_digest or outcome == "ENDLESS"):
                same.add(outcome)
            else:
                self.differ(f"schedule {number}: Go ends in {outcome}, the port in {other}"
                            + (" after other accesses" if outcome == other else ""), schedules)
        self.counts["runs_followed"] = len(real)
        self.counts["accesses_followed"] = accesses_in(schedules)
        return same

    def search(self, real):
        """`treadle outcomes` in rounds; the outcomes of all of them."""
        found = set()
        for number in range(1, ROUNDS_MAX + 1):
            _, counted = parse(self.call_outcomes(self, number))
            outcomes = {outcome for _, outcome in counted}
            self.counts["executions"] += sum(count for count, _ in counted)
            self.follow_on_go(outcomes - found, outcomes - found - real, number)
            found |= outcomes
            if real <= found:
                break
        return found

    def follow_on_go(self, new, port_only, number):
        """Lets the real code do what the port did in this round. new: outcomes that it was the
        first to show; port_only: those of them that the real code did not come to by itself."""
        schedules = self.path.replace(".txt", f".port{number}")
        self.program.explore_port(ROUND_EXECUTIONS, number, schedules)
        followed = self.program.follow_on_go(schedules)
        if not new <= {one.outcome for one in followed}:
            self.differ("conformance_port shows other outcomes than treadle", schedules)
        for one in followed:
            if not one.same and one.outcome != "ENDLESS":
                self.differ(f"Go does not follow the port to {one.outcome}", schedules)
            if one.outcome not in port_only or one.outcome in UNDEFINED:
                continue
            self.counts["port_only_inside" if one.needed else "port_only_between"] += 1
            for place in set(one.needed):
                self.needed[place] += 1
        self.counts["executions_followed"] += len(followed)


class Case(ProgramCase):
    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) == before:
            finished.add(self.id())


class Programs(Case):
    def call_outcomes(self, comparison, seed):
        generated = comparison.generated
        return self.call("outcomes", "gomap", "--variant", generated.variant, "--hash",
                         generated.hash_name, "--executions", str(ROUND_EXECUTIONS), "--seed",
                         str(seed), stdin=generated.text.encode()).stdout

    def test_programs(self):
        seed = int(ProgramCase.arguments[1])
        generated = [concurrency_programs.generate(seed, i) for i in range(PROGRAMS)]
        Built.recorder()
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            compared = list(pool.map(lambda one: Comparison(one, self.call_outcomes).run(),
                                     generated))
        differences = [text for one in compared for text in one.differences]
        self.assertFalse(differences, "\n" + "\n".join(differences[:20]))
        total = sum((one.counts for one in compared), collections.Counter())
        figures.update({name: total[name] for name in (
            "runs", "runs_wild", "runs_endless", "outcomes", "outcomes_searched",
            "outcomes_followed", "runs_followed", "accesses_followed", "executions",
            "executions_followed", "port_outcomes", "port_only", "port_only_between",
            "port_only_inside")})
        needed = sum((one.needed for one in compared), collections.Counter())
        figures["port_only_needs"] = [
            {"function": function, "line": int(line), "after": after, "before": before,
             "outcomes": count}
            for (function, line, after, before), count in sorted(needed.items())]
        wild = sum((one.wild for one in compared), collections.Counter())
        figures["wild"] = [{"function": function, "line": line, "runs": count}
                           for (function, line), count in sorted(wild.items())]
        self.count_programs(generated)
        # A generator that gets nowhere near trouble compares less than it says.
        self.assertGreaterEqual(total["outcomes"], 10 * PROGRAMS)
        self.assertGreaterEqual(total["accesses_followed"], 1_000_000)

    def count_programs(self, generated):
        figures["programs"] = len(generated)
        for name, values in (("variant", [one.variant for one in generated]),
                             ("hash", [one.hash_name for one in generated]),
                             ("goroutines", [one.goroutines for one in generated])):
            figures[f"programs_by_{name}"] = {
                str(value): count for value, count in sorted(collections.Counter(values).items())}


class Fixtures(Case):
    """What another recorder saw (NAME.txt), the real code and the port do by the schedules of
    NAME.schedules; but for what no run shows in which every access stays inside live memory."""

    def check(self, name):
        path = write(folder("programs", f"{name}.txt"), program_text(name))
        program = go_recorder.Program(Built.recorder(), ProgramCase.arguments[0], path)
        schedules = os.path.join(FIXTURES, f"{name}.schedules")
        expected = go_recorder.read_schedules(schedules)
        self.assertEqual(program.follow_on_port(schedules), expected)
        for one in program.follow_on_go(schedules):
            self.assertTrue(one.same, f"{name}: {one.outcome}")
        _, fixture = parse(program_text(name))
        recorded = {outcome: count for count, outcome in fixture if outcome not in UNDEFINED}
        left = recorded.keys() - {outcome for outcome, _ in expected}
        return len(recorded), self.excuse(name, program, {one: recorded[one] for one in left})

    def excuse(self, name, program, left):
        """Shows of outcomes that only runs come to in which an access leaves live memory."""
        if not left:
            return []
        inside = {one.outcome for one in program.record(FIXTURE_RUNS)}
        self.assertIn("WILD", inside)
        self.assertFalse(left.keys() & inside)
        crowded = {one.outcome: one for one in
                   program.record(CROWDED_RUNS, seed=CROWDED_SEEDS[name], crowded=True)}
        self.assertLessEqual(left.keys(), crowded.keys())
        for outcome in left:
            self.assertEqual(crowded[outcome].strayed, crowded[outcome].count, outcome)
        return [{"file": f"{name}.txt", "outcome": outcome, "recorded": left[outcome],
                 "crowded": crowded[outcome].count} for outcome in sorted(left)]

    def test_fixtures(self):
        Built.recorder()
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            checked = list(pool.map(self.check, sorted(EXECUTIONS)))
        figures["fixture_outcomes"] = sum(outcomes for outcomes, _ in checked)
        figures["fixture_outcomes_wild"] = [row for _, rows in checked for row in rows]
        figures["fixture_runs"] = FIXTURE_RUNS


class Recorder(Case):
    def test_same_seed_same_runs(self):
        path = write(folder("programs", "twice.txt"), program_text("insert-insert-grow"))
        program = go_recorder.Program(Built.recorder(), ProgramCase.arguments[0], path)
        first = program.record(20_000, seed=7)
        self.assertEqual(program.record(20_000, seed=7), first)
        self.assertNotEqual(program.record(20_000, seed=8), first)

    def test_reads_as_the_port(self):
        """Numbers with leading zeros are decimal, `par` ends at any blank."""
        path = write(folder("programs", "decimal.txt"),
                     "rand 010\nnew 0\na 010 0X1f\npar\ta 08 1\n")
        program = go_recorder.Program(Built.recorder(), ProgramCase.arguments[0], path)
        schedules = folder("programs", "decimal.port")
        program.explore_port(10, 1, schedules)
        outcome = "; count=2 {8=1 10=31}"
        self.assertEqual([one.outcome for one in program.record(10)], [outcome])
        self.assertEqual([(one.outcome, one.same) for one in program.follow_on_go(schedules)],
                         [(outcome, True)])

    def test_differences_are_seen(self):
        """A schedule that is not what its outcome and digest say."""
        path = write(folder("programs", "seen.txt"), program_text("insert-insert"))
        program = go_recorder.Program(Built.recorder(), ProgramCase.arguments[0], path)
        schedules = folder("programs", "seen.real")
        program.record(1000, schedules=schedules, more=10)
        real = go_recorder.read_schedules(schedules)
        self.assertEqual(program.follow_on_port(schedules), real)
        self.assertTrue(all(one.same for one in program.follow_on_go(schedules)))
        with open(schedules, encoding="ascii") as file:
            lines = [line.rsplit("\t", 1) for line in file]
        serial = next(i for i, (_, one) in enumerate(lines) if len(one.split()) == 2)
        other = " ".join(reversed(lines[serial][1].split()))
        write(schedules, f"{lines[serial][0]}\t{other}\n")
        self.assertNotEqual(program.follow_on_port(schedules)[0], real[serial])
        self.assertFalse(program.follow_on_go(schedules)[0].same)


def figures_path():
    return folder("concurrency.json")


def tearDownModule():
    """Writes the figures, if all tests ran and passed, and compares the document with them."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    if {test.id() for tests in suite for test in tests} <= finished:
        figures["go"] = go_recorder.run(go_runtime.GO, "env", "GOVERSION")[0]
        figures["seed"] = int(ProgramCase.arguments[1])
        write(figures_path(), json.dumps(figures, indent=2, sort_keys=True) + "\n")
        render.check(render.concurrency, figures)


if __name__ == "__main__":
    if not go_runtime.is_installed():
        print(go_runtime.MISSING)
        sys.exit(77)
    main(argument_count=2)
