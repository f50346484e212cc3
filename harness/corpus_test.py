#!/usr/bin/env python3
"""`treadle corpus`: inputs of fuzzing engines as text, as schedules, and made of schedules.

    corpus_test.py BUILD/treadle
"""

import os
import re
import sys

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import SOURCE_ROOT, ProgramCase, Schedule, main, schedules_below

FINDINGS = os.path.join(SOURCE_ROOT, "findings")


class Import(ProgramCase):
    def test_every_finding(self):
        """Each becomes an input, which shows most of them again in some executions."""
        files = schedules_below(FINDINGS)
        lines = self.call("corpus", "import", *files, "-o", "in").stdout.splitlines()
        self.assertEqual(len(lines), len(files))
        again = 0
        for path, line in zip(files, lines):
            name, shown, tried = re.fullmatch(
                re.escape(path) + r": (\S+), which shows it in (\d+) of (\d+) executions",
                line).groups()
            schedule = Schedule(path)
            self.assertEqual(name, f"in/{schedule['target']}/{schedule['fingerprint']}")
            self.assertLessEqual(os.path.getsize(self.path(name)), 300)
            self.assertEqual(tried, "200")
            again += int(shown) > 0
        self.assertGreater(again, len(files) / 2)

    def test_the_same_each_time(self):
        path = os.path.join(FINDINGS, "gomap")
        once = self.call("corpus", "import", *schedules_below(path), "-o", "one").stdout
        again = self.call("corpus", "import", *schedules_below(path), "-o", "two").stdout
        self.assertEqual(once.replace("one/", "two/"), again)

    def test_show(self):
        self.call("corpus", "import", os.path.join(FINDINGS, "slice", "torn-header"), "-o", "in")
        text = self.call("corpus", "show", "slice/torn-header", "in/slice/torn-header").stdout
        self.assertRegex(text, r"(?m)^  reader: slice_read_last\+\d+ read slice_state\.header\.\w+"
                               r", time 1\n    must see ")
        self.assertRegex(text, r"must see (the set-up|assigner: slice_assign\+\d+ write )")


class Export(ProgramCase):
    def test_export(self):
        """What shows a verdict becomes a schedule that replays, other inputs do not."""
        os.mkdir(self.path("in"))
        for seed in range(40):
            self.write(f"in/{seed:02}", seed.to_bytes(8, "little"))
        lines = self.call("corpus", "export", "slice/torn-header", "in", "-o",
                          "out").stdout.splitlines()
        self.assertEqual(len(lines), 40)
        found = sorted({line.split(": ", 1)[1] for line in lines if ".sched" in line})
        self.assertGreater(len(found), 1)
        self.assertIn("in/00", lines[0])
        self.assertTrue(any(line.endswith("shows nothing") for line in lines))
        self.call("replay", *found)
        self.assertEqual([name for name in os.listdir(self.path("out/slice/torn-header"))
                          if name.endswith(".new")], [])

    def test_any_bytes(self):
        """Empty, short, long, of ones: each is an input."""
        for name, content in (("empty", b""), ("short", b"x"), ("ones", b"\xff" * 5000)):
            self.write(name, content)
        done = self.call("corpus", "show", "gomap/insert-insert", "empty", "short", "ones")
        self.assertIn("seed 0000000000000000", done.stdout)
        self.assertEqual(done.stdout.count("event ffff") // 2, 32)
        self.call("corpus", "export", "gomap/insert-insert", "empty", "short", "ones", "-o", "out")


class Misuse(ProgramCase):
    def test_words(self):
        for arguments in ([], ["eat"], ["show"], ["show", "gomap/insert-insert"],
                          ["show", "gomap/nothing", "file"], ["export", "slice/torn-header"],
                          ["import"], ["import", "missing.sched"], ["import", "--what"],
                          ["import", "-o"], ["show", "slice/torn-header", "missing"],
                          ["export", "slice/torn-header", "missing"]):
            with self.subTest(arguments):
                self.refuse("corpus", *arguments)

    def test_cannot_be_written(self):
        self.write("file", b"")
        path, *_ = schedules_below(FINDINGS)
        for arguments in (["import", path], ["export", "slice/torn-header", "file"]):
            self.assertIn("Not a directory",
                          self.refuse("corpus", *arguments, "-o", "file/below"))

    def test_import_of_what_no_longer_matches(self):
        path, *_ = schedules_below(os.path.join(FINDINGS, "slice"))
        with open(path, encoding="utf-8") as file:
            self.write("edited.sched", re.sub(r"(?m)^fingerprint \w+$", "fingerprint " + "0" * 16,
                                              file.read()).encode())
        self.assertIn("does not match", self.call("corpus", "import", "edited.sched",
                                                  code=3).stderr)


if __name__ == "__main__":
    main()
