#!/usr/bin/env python3
"""A sound target shows nothing in a million executions.

    never_test.py BUILD/treadle TARGET            executes it
    never_test.py BUILD/treadle --all TARGET...   these are all sound targets there are
"""

import sys

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import ProgramCase, main, schedules_below

EXECUTIONS = 1_000_000


class Never(ProgramCase):
    def test_never(self):
        if self.arguments[0] == "--all":
            self.check_names(self.arguments[1:])
        else:
            self.check_target(*self.arguments)

    def check_names(self, names):
        sound = {name for name, one in self.targets().items()
                 if one["sound"] and not name.startswith("bench/")}
        self.assertEqual(sorted(names), sorted(sound))
        for name, one in self.targets().items():
            self.assertEqual(one["sound"], one["expects"] == [], name)

    def check_target(self, name):
        answer = self.call_json("fuzz", name, "--executions", str(EXECUTIONS), "--seed", "1",
                                "--jobs", "1", "--out", self.path("out"))
        result, = answer["targets"]
        self.assertEqual(result["target"], name)
        self.assertEqual(result["executions"], EXECUTIONS)
        self.assertEqual(result["verdicts"], {"ok": EXECUTIONS})
        self.assertEqual(result["first"], {})
        self.assertEqual(result["findings"], [])
        self.assertEqual(schedules_below(self.path("out")), [])


if __name__ == "__main__":
    main(argument_count=None)
