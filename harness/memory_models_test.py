#!/usr/bin/env python3
"""`fuzz --memory`: what a weaker memory lets happen is found, written down and replayed.

    memory_models_test.py BUILD/treadle
"""

import os
import re
import sys

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import ProgramCase, Schedule, main

BROKEN = ("dekker", "peterson", "szymanski", "bakery")


class MemoryModels(ProgramCase):
    def fuzz(self, memory, *targets, code=0, executions=3000):
        """What is said of each target, by its name."""
        answer = self.call_json("fuzz", *targets, "--memory", memory, "--executions",
                                str(executions), "--out", memory, code=code)
        for one in answer["targets"]:
            self.assertEqual(one["memory"], memory)
        return {one["target"]: one for one in answer["targets"]}

    def findings(self, memory, name):
        one = self.fuzz(memory, name, code=1)[name]
        self.assertIn("assert", one["verdicts"])
        self.assertGreater(len(one["findings"]), 0)
        return [path for path in one["findings"] if "/assert-" in path]

    def test_found_and_replayed(self):
        for memory in "tso", "pso":
            for name in BROKEN:
                for path in self.findings(memory, "bench/mutex-" + name):
                    self.assertEqual(Schedule(self.path(path))["memory"], memory)
                    self.call("replay", path)

    def test_producer(self):
        """Right as long as stores keep their order."""
        for memory in "sc", "tso":
            self.assertEqual(self.fuzz(memory, "bench/mutex-producer")
                             ["bench/mutex-producer"]["verdicts"], {"ok": 3000})
        path, = self.findings("pso", "bench/mutex-producer")
        lines = Schedule(self.path(path)).lines
        self.assertTrue(any(re.fullmatch(r"d1\.1 x1", line.split(" @")[0]) for line in lines))
        trace = self.call("replay", "--trace", path).stdout
        self.assertRegex(trace, r"d1\.1 +produce\+\d+ producer\.c:\d+ drain "
                                r"producer_state\.is_there = 1 of 2\n")
        self.assertRegex(trace, r"store producer_state\.data = 1 \(buffered\)")

    def test_fences(self):
        for memory in "tso", "pso":
            for target in self.fuzz(memory, "bench/mutex-*-fence").values():
                self.assertEqual(target["verdicts"], {"ok": 3000}, target["target"])

    def test_deterministic(self):
        names = ("bench/mutex-dekker", "slice/*", "gomap/iterate-grow")
        first = self.fuzz("tso", *names, code=1, executions=600)
        for options in ["--jobs", "1"], ["--twice"]:
            answer = self.call_json("fuzz", *names, "--memory", "tso", "--executions", "600",
                                    "--out", "again", *options, code=1)
            for one in answer["targets"]:
                self.assertEqual(one["verdicts"], first[one["target"]]["verdicts"])
                for path in one["findings"]:
                    self.call("replay", path)

    def test_other_memory(self):
        """The file of a weaker memory is no execution of a stronger one."""
        path = self.findings("tso", "bench/mutex-dekker")[0]
        schedule = Schedule(self.path(path))
        self.write("sc.sched", schedule.with_field("memory", "sc"))
        self.assertRegex(self.refuse("replay", "sc.sched"), r"\Atreadle.*: sc\.sched:\d+: |"
                                                            r"\Asc\.sched:\d+: ")
        self.write("pso.sched", schedule.with_field("memory", "pso"))
        self.call("replay", "pso.sched", code=3)  # other drainers bring the same stores
        at = next(i for i, line in enumerate(schedule.lines, 1) if line.startswith("d"))
        for step in "d1.0 x1", "d1.64 x1", "d1. x1", "d9 x1", "d1.1x", "d x1":
            self.write("bad.sched", schedule.with_line(at, step))
            self.refuse("replay", "bad.sched")

    def test_unknown(self):
        for name in "rc11", "x86", "":
            self.assertIn("memory", self.refuse("fuzz", "--memory", name))
        self.assertFalse(os.path.exists(self.path("findings")))


if __name__ == "__main__":
    main()
