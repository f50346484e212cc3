#!/usr/bin/env python3
"""Findings outlive builds, and say so when they do not outlive an edit. Builds a copy of the
sources three times: by another compiler; after an edit of the map; with the README's target.

    edited_test.py BUILD/treadle
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import SOURCE_ROOT, ProgramCase, Schedule, main, schedules_below

EDITED_FUNCTION = "evacuate_fast64"
EDIT = "    (void)*(volatile uint8_t *)&h->B; /* one read more */\n"
IN_THE_LOOP = "                (void)*(volatile uint64_t *)&b->elems[i]; /* in each round */\n"
COMMITTED = os.path.join(SOURCE_ROOT, "findings", "gomap")


class Copy:
    """A copy of the sources with its build directory, and what the program found."""

    def __init__(self, program):
        self.place = tempfile.mkdtemp(prefix="treadle_test_")
        unittest.addModuleCleanup(shutil.rmtree, self.place)
        self.found = os.path.join(self.place, "found")
        subprocess.run([program, "fuzz", "--executions", "5000", "--out", self.found],
                       stdout=subprocess.DEVNULL, check=True)
        self.source = os.path.join(self.place, "source")
        for name in "harness", "scheduler", "maps":
            shutil.copytree(os.path.join(SOURCE_ROOT, name), os.path.join(self.source, name))
        for name in "meson.build", "meson_options.txt":
            shutil.copy(os.path.join(SOURCE_ROOT, name), self.source)
        compiler = "clang-14" if shutil.which("clang-14") else "gcc-12"
        if compiler == "gcc-12":
            print("SKIPPED: another compiler than gcc-12, for there is no clang-14 here")
        self.run("meson", "setup", "build", "source", "-Dsanitize=false",
                 env=dict(os.environ, CC=compiler))
        self.other = self.build("other")

    def run(self, *command, **options):
        done = subprocess.run(command, cwd=self.place, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-3000:]}")

    def build(self, name):
        """Builds the sources as they are now; the path of the program, kept under that name."""
        self.run("ninja", "-C", "build", "treadle")
        return shutil.copy(os.path.join(self.place, "build", "treadle"),
                           os.path.join(self.place, name))

    def edit(self, name, old, new):
        path = os.path.join(self.source, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if old not in text:
            raise RuntimeError(f"{name} no longer has what this test edits: {old}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))


def setUpModule():  # pylint: disable=invalid-name # unittest's
    EditedCase.copy = Copy(EditedCase.program)


class EditedCase(ProgramCase):
    copy = None

    def call_by(self, program, *arguments, **options):
        ours, self.program = self.program, program
        try:
            return self.call_json(*arguments, **options)
        finally:
            self.program = ours


class OtherCompiler(EditedCase):
    def check_replays(self, paths):
        done = subprocess.run([self.copy.other, "replay", "--json", *paths], capture_output=True,
                              check=False)
        replays = json.loads(done.stdout)["replays"]
        self.assertEqual([one["file"] for one in replays], paths)
        for one in replays:
            schedule = Schedule(one["file"])
            with self.subTest(one["file"]):
                self.assertEqual([one[field] for field in ("verdict", "fingerprint", "hash")],
                                 [schedule[field] for field in ("verdict", "fingerprint", "hash")])
                self.assertTrue(one["matched"])
        self.assertEqual(done.returncode, 0)

    def test_just_found(self):
        self.check_replays(schedules_below(self.copy.found))

    def test_committed(self):
        kept = [path for path in schedules_below(os.path.join(SOURCE_ROOT, "findings"))
                if f"{os.sep}findings{os.sep}new{os.sep}" not in path]
        if kept:
            self.check_replays(kept)

    def test_same_campaign(self):
        """Its campaign executes and finds the very same."""
        self.call_by(self.copy.other, "fuzz", "--executions", "5000", "--out", self.path("found"))
        names = [[os.path.relpath(path, place) for path in schedules_below(place)]
                 for place in (self.copy.found, self.path("found"))]
        self.assertEqual(names[0], names[1])
        for name in names[0]:
            self.assertEqual(Schedule(os.path.join(self.copy.found, name)).lines,
                             Schedule(self.path("found", name)).lines, name)


class Edited(EditedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        head = (f"void {EDITED_FUNCTION}(const struct map_type *t, struct hmap *h, "
                "uint64_t oldbucket)\n{\n")
        cls.copy.edit("maps/gomap/evacuate.c", head, head + EDIT)
        cls.edited = cls.copy.build("edited")

    def first_behind_edit(self, path):
        """(number, anchor) of the schedule's first line `gN xCOUNT ...` behind which its goroutine
        has reached the edited place; the anchor is None without one. None if none has."""
        schedule = Schedule(path)
        events = self.call("replay", "--trace", path).stdout.splitlines()[1:]
        events = [event for event in events[:int(schedule["events"])]
                  if " choose " not in event and not event.endswith("  exit")]
        at = 0
        for number, line in enumerate(schedule.lines, 1):
            match = re.fullmatch(r"(g\d+) x(\d+)(?: @ (.*))?", line)
            if not match:
                continue
            run = events[at:at + int(match[2])]
            at += len(run)
            if f" {EDITED_FUNCTION}+" in " ".join([*run, "", match[3] or ""]):
                return number, match[3]
        return None

    def diverging(self, below):
        """(path, number of the line that no longer matches, its anchor) of findings whose schedule
        switches goroutines when the edited place has been reached."""
        for path in schedules_below(below):
            number, anchor = self.first_behind_edit(path) or (None, None)
            if anchor is not None:
                yield path, number, anchor

    def check_diverges(self, below):
        """replay names the anchor that no longer fits, and what it found instead."""
        cases = list(self.diverging(below))
        self.assertGreater(len(cases), 2, "no finding's schedule passes through the edited place")
        for path, line, anchor in cases:
            with self.subTest(path):
                done = subprocess.run([self.edited, "replay", path], stdout=subprocess.PIPE,
                                      text=True, check=False)
                self.assertEqual(done.returncode, 3, done.stdout[:1000])
                match = re.match(r".*: line (\d+) no longer matches at event (\d+): "
                                 r"expected (g\d+) at (.+), found \3 (?:waiting )?at (.+)\n",
                                 done.stdout)
                self.assertIsNotNone(match, done.stdout[:1000])
                self.assertEqual(int(match[1]), line)
                self.assertEqual(match[4], anchor)
                self.assertNotEqual(match[5], anchor)
                one, = self.call_by(self.edited, "replay", path, code=3)["replays"]
                self.assertEqual(one["diverged_at"], int(match[2]))

    def test_diverges(self):
        self.check_diverges(os.path.join(self.copy.found, "gomap"))
        self.check_diverges(COMMITTED)

    def test_resync(self):
        """Anchors find the way again."""
        for path, _, _ in self.diverging(os.path.join(self.copy.found, "gomap")):
            schedule = Schedule(path)
            one, = self.call_by(self.edited, "replay", "--resync", path)["replays"]
            self.assertTrue(one["matched"])
            self.assertEqual((one["verdict"], one["fingerprint"]),
                             (schedule["verdict"], schedule["fingerprint"]))

    def check_committed(self, program):
        """Of the committed findings at least 4 of 5 are found again, with their fingerprints."""
        kept = schedules_below(COMMITTED)
        self.assertGreater(len(kept), 9)
        plain, resynced = (self.call_by(program, "replay", *options, *kept, code=None)["replays"]
                           for options in ([], ["--resync"]))
        self.assertGreater(sum(not one["matched"] for one in plain), 2)  # there was need
        for one in resynced:
            if one["matched"]:
                self.assertEqual(one["fingerprint"], Schedule(one["file"])["fingerprint"])
        again = sum(one["matched"] for one in resynced)
        self.assertGreaterEqual(5 * again, 4 * len(kept),
                                [one["file"] for one in resynced if not one["matched"]])

    def test_committed(self):
        self.check_committed(self.edited)

    def test_committed_in_the_loop(self):
        """Where the number in the anchors changes with each round: a like access before each."""
        line = "                to->elems[to_i] = b->elems[i];\n"
        name = "maps/gomap/evacuate.c"
        with open(os.path.join(self.copy.source, name), encoding="utf-8") as file:
            text = file.read()
        at = text.index(line, text.index(f"void {EDITED_FUNCTION}("))
        before = text[at - 200:at]
        self.copy.edit(name, before + line, before + IN_THE_LOOP + line)
        try:
            self.check_committed(self.copy.build("in_the_loop"))
        finally:
            self.copy.edit(name, IN_THE_LOOP, "")

    def test_others_match(self):
        """What never passes the edited place replays as before, but for the promise of a hash."""
        paths = [path for path in schedules_below(self.copy.found)
                 if not path.startswith(os.path.join(self.copy.found, "gomap"))]
        self.assertGreater(len(paths), 3)
        self.call_by(self.edited, "replay", *paths)


class Mended(EditedCase):
    """Both sides lock: what --expect-fixed is for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for call in ("slice_assign(&slice->header, slice->large, LARGE_LEN);",
                     "slice_read_last(&slice->header);"):
            line = f"    {call}\n"
            cls.copy.edit("maps/slice/slice.c", f"    (void)argument;\n{line}}}\n",
                          "    (void)argument;\n    treadle_mutex_lock(&slice->mutex);\n"
                          f"{line}    treadle_mutex_unlock(&slice->mutex);\n}}\n")
        cls.mended = cls.copy.build("mended")

    def test_fixed(self):
        below = [schedules_below(os.path.join(self.copy.found, name)) for name in
                 ("slice/torn-header", "slicemap")]
        self.assertGreater(min(len(paths) for paths in below), 0)
        self.call_by(self.mended, "replay", *below[0], code=3)
        replays = self.call_by(self.mended, "replay", "--expect-fixed", *below[0])["replays"]
        self.assertEqual([one["fixed"] for one in replays], [True] * len(below[0]))
        replays = self.call_by(self.mended, "replay", "--expect-fixed", *below[0], *below[1],
                               code=3)["replays"]
        self.assertEqual([one["fixed"] for one in replays],
                         [True] * len(below[0]) + [False] * len(below[1]))


class Readme(EditedCase):
    """The README's target is a target, and finds its bug: exit code 1, for it expects nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(os.path.join(SOURCE_ROOT, "README.md"), encoding="utf-8") as file:
            code = re.search(r"```c\n(.*?)```", file.read(), re.DOTALL)[1]
        os.mkdir(os.path.join(cls.copy.source, "maps", "mine"))
        with open(os.path.join(cls.copy.source, "maps", "mine", "counter.c"), "w",
                  encoding="utf-8") as file:
            file.write(code)
        head = "instrumented_sources = [\n"
        cls.copy.edit("maps/meson.build", head, head + "  'mine/counter.c',\n")
        cls.mine = cls.copy.build("mine")

    def test_finds(self):
        answer = self.call_by(self.mine, "fuzz", "mine/*", "--executions", "1000", code=1)
        one, = answer["targets"]
        self.assertEqual(one["verdicts"].keys(), {"ok", "corrupt"})
        self.assertTrue(one["findings"])
        self.call_by(self.mine, "replay", *one["findings"])

    def test_unknown_elsewhere(self):
        self.call_by(self.mine, "fuzz", "mine/*", "--executions", "1000", code=1)
        path = schedules_below(self.folder)[0]
        self.assertRegex(self.refuse("replay", path), r":2: .*mine/")


if __name__ == "__main__":
    main()
