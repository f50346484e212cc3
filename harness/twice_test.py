#!/usr/bin/env python3
"""Executions are functions of target, seed and number: nothing else changes counts or findings.

    twice_test.py BUILD/treadle
"""

import os
import sys

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import ProgramCase, main, schedules_below

EXECUTIONS = 3000
OF_THE_CLOCK = {"seconds", "executions_per_second"}


def without_clock(value):
    """A JSON value without what depends on the time."""
    if isinstance(value, dict):
        return {name: without_clock(one) for name, one in value.items()
                if name not in OF_THE_CLOCK}
    return [without_clock(one) for one in value] if isinstance(value, list) else value


class Twice(ProgramCase):
    def fuzz(self, folder, *options, seed=1):
        """(counts by target, {path below folder: content} of the findings)."""
        answer = self.call_json("fuzz", "*", "--executions", str(EXECUTIONS), "--seed", str(seed),
                                "--out", self.path(folder), *options)
        for one in answer["targets"]:
            one["findings"] = [os.path.relpath(path, self.path(folder)) for path in one["findings"]]
        files = {}
        for path in schedules_below(self.path(folder)):
            with open(path, "rb") as file:
                files[os.path.relpath(path, self.path(folder))] = file.read()
        self.assertEqual({one["target"] for one in answer["targets"]}, self.targets().keys())
        return {one["target"]: without_clock(one) for one in answer["targets"]}, files

    def assert_same(self, first, second):
        for part in 0, 1:
            self.assertEqual(first[part].keys(), second[part].keys())
            for name in first[part]:
                self.assertEqual(first[part][name], second[part][name], name)

    def test_twice(self):
        counts, files = self.fuzz("twice", "--twice")
        for name, one in counts.items():
            self.assertNotIn("nondeterministic", one["verdicts"], name)
            self.assertEqual(one["executions"], EXECUTIONS)
        self.assert_same((counts, files), self.fuzz("once"))

    def test_jobs_and_folders(self):
        first = self.fuzz("one", "--jobs", "1")
        self.assertGreater(len(first[1]), 30)
        self.assert_same(first, self.fuzz("two", "--jobs", "2"))
        self.assert_same(first, self.fuzz("three/of/three", "--jobs", "3"))
        self.assert_same(first, self.fuzz("one", "--jobs", "2"))  # over what is there

    def test_seed(self):
        one, two = self.fuzz("one"), self.fuzz("two", seed=2)
        # most of bench/ makes the same number of steps in any order
        names = [name for name in one[0] if not name.startswith("bench/")]
        different = [name for name in names if one[0][name] != two[0][name]]
        self.assertGreater(len(different), len(names) // 2)
        self.assertNotEqual(one[1], two[1])


if __name__ == "__main__":
    main()
