#!/usr/bin/env python3
"""One campaign of 200,000 executions of each target, with the seed given, finds everything that a
target must show, and nothing that one does not expect.

    required_test.py BUILD/treadle SEED
"""

import os
import sys

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import ProgramCase, main, schedules_below

EXECUTIONS = 200_000
FINDINGS_MAX = 20  # kept for each target

# What is promised, apart from what the program says of itself: verdicts of which each must be
# found (any of those joined by "or"), and whether that must have happened silently.
REQUIRED = {
    "slice/torn-header": (["torn-read", "wild-access"], False),
    "slicemap/append": (["lost-update"], False),
    "gomap/insert-insert": (["go-fatal", "lost-update"], True),
    "gomap/insert-insert-grow": (["corrupt", "panic", "go-fatal"], False),
    "gomap/read-grow": (["missed-key", "wrong-value"], False),
    "gomap/iterate-grow": (["iterator-skip"], True),
    "gomap/iterate-clear": (["iterator-ghost"], False),
    "gomap/next-overflow": (["corrupt", "panic"], False),
    "gomap/program": (["go-fatal", "wrong-value", "iterator-skip"], True),
    "gomap/overflow-list-gc": (["stale-pointer or use-after-free"], False),
    "overflowcas/aba": (["aba"], False),
    "overflowcas/lost-node": (["leak"], False),
}
GO_SUBJECTS = ("gomap/", "rwmap/", "slicemap/")


class Required(ProgramCase):
    def test_declared(self):
        targets = self.targets()
        for name, (verdicts, _) in REQUIRED.items():
            for verdict in verdicts:
                self.assertTrue(set(verdict.split(" or ")) & set(targets[name]["requires"]),
                                f"{name} does not require {verdict}")
        requiring = {name for name, one in targets.items() if one["requires"]}
        self.assertEqual(requiring, REQUIRED.keys())
        listed = " ".join(self.call("list").stdout.split())
        for words in ("iterator-skip, silently", "lost-update, silently",
                      "go-fatal (bad map state)", "corrupt (linked in two chains)",
                      "corrupt (past its array)"):
            self.assertIn(words, listed)

    def check_target(self, result):
        name = result["target"]
        verdicts, silently = REQUIRED[name]
        saved = [os.path.basename(path) for path in result["findings"]]
        self.assertEqual(result["executions"], EXECUTIONS)
        self.assertNotIn("nondeterministic", result["verdicts"])
        for verdict in verdicts:
            found = [one for one in verdict.split(" or ") if result["verdicts"].get(one, 0) > 0]
            self.assertTrue(found, f"{name}: {verdict} not found")
            self.assertLessEqual(result["first"][found[0]]["execution"], EXECUTIONS)
            self.assertTrue([file for file in saved if file.startswith(found[0] + "-")],
                            f"{name}: no schedule of {found[0]} was saved")
        if name.startswith(GO_SUBJECTS):
            self.assertIsInstance(result["detected"], int)
            self.assertIsInstance(result["silent"], int)
            self.assertEqual(result["detected"], result["verdicts"].get("go-fatal", 0))
        if silently:
            self.assertGreater(result["silent"], 0, name)
        self.assertLessEqual(len(saved), FINDINGS_MAX)
        for path in result["findings"]:
            self.assertTrue(os.path.isfile(path), path)

    def test_campaign(self):
        seed, = self.arguments
        answer = self.call_json("fuzz", *REQUIRED, "--executions", str(EXECUTIONS), "--seed", seed,
                                "--require", "--jobs", "1", "--out", self.path("out"))
        self.assertEqual(answer["seed"], int(seed))
        self.assertEqual({one["target"] for one in answer["targets"]}, REQUIRED.keys())
        for result in answer["targets"]:
            with self.subTest(result["target"]):
                self.check_target(result)
        named = sorted(path for one in answer["targets"] for path in one["findings"])
        self.assertEqual(named, schedules_below(self.path("out")))


if __name__ == "__main__":
    main(argument_count=1)
