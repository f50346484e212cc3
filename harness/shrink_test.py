#!/usr/bin/env python3
"""`treadle shrink` keeps the finding and makes everything else less, until no single step does any
more: which this test looks for itself, by editing schedules and replaying them.

    shrink_test.py BUILD/treadle
"""

import os
import random
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import SOURCE_ROOT, ProgramCase, Schedule, main, schedules_below

SIZE = {"goroutines": int, "events": int, "preemptions": int, "switches": int, "answers": int,
        "bytes": int}
SHRINK = {"file": str, "before": SIZE, "after": SIZE, "minimal": bool, "certified": bool,
          "written": bool}
ORDER = "goroutines", "preemptions", "switches", "events", "answers"
SAME = "target", "memory", "verdict", "fingerprint"
SEED = 1


def is_smaller(one, other):
    return one[1] <= other[1] and one < other


class Steps:
    """The choices of a schedule, to be edited: [runner, count] or [None, answer, the rest]."""

    def __init__(self, path):
        lines = Schedule(path).lines
        begin = lines.index("choices") + 1
        self.head, self.steps = lines[:begin], []
        # The event hash is promised only for the same code of the subject.
        self.head = [re.sub(r"^(subject \S+) .*", r"\1 " + 16 * "0", line) for line in self.head]
        for line in lines[begin:-1]:
            words = line.split()
            if words[0] == "choose":
                answer, rest = words[1].split("/")
                self.steps.append([None, int(answer), " ".join([rest] + words[2:])])
            else:
                self.steps.append([words[0], int(words[1][1:])])

    def text(self, steps):
        lines = [f"choose {step[1]}/{step[2]}" if step[0] is None else f"{step[0]} x{step[1]}"
                 for step in join(steps)]
        return "\n".join(self.head + lines + ["end"]) + "\n"


def join(steps):
    """Neighbouring runs of one runner as one, empty ones left out."""
    joined = []
    for step in steps:
        if step[0] is not None and step[1] == 0:
            continue
        if joined and step[0] is not None and joined[-1][0] == step[0]:
            joined[-1] = [step[0], joined[-1][1] + step[1]]
        else:
            joined.append(list(step))
    return joined


def next_of(steps, i):
    """Where its runner runs again, or None."""
    return next((k for k in range(i + 1, len(steps)) if steps[k][0] == steps[i][0]), None)


def single_steps(steps):
    """Everything that leaves out, merges, delays or shortens one thing."""
    for i, step in enumerate(steps):
        rest = steps[:i] + steps[i + 1:]
        if step[0] is None:
            if step[1] != 0:
                yield steps[:i] + [[None, 0, step[2]]] + steps[i + 1:]
            continue
        yield rest
        yield steps[:i + 1]
        yield steps[:i] + [[step[0], 1000000]] + steps[i + 1:]
        yield steps[:i] + [[step[0], step[1] - 1]] + steps[i + 1:]
        following = next_of(steps, i)
        if following is None:
            continue
        both = [step[0], step[1] + steps[following][1]]
        yield steps[:i] + [both] + steps[i + 1:following] + steps[following + 1:]
        yield steps[:i] + steps[i + 1:following] + [both] + steps[following + 1:]
    for runner in {step[0] for step in steps if step[0] is not None}:
        yield [step for step in steps if step[0] != runner]
        yield ([step for step in steps if step[0] != runner]
               + [step for step in steps if step[0] == runner])


def split(steps, rng):
    """The same events with one more switch: who runs next begins before this one is done."""
    runs = [i for i in range(len(steps) - 1)
            if steps[i][0] is not None and steps[i][1] > 1 and steps[i + 1][0] is not None]
    if not runs:
        return steps
    i = rng.choice(runs)
    (one, count), (other, others) = steps[i], steps[i + 1]
    here, there = rng.randint(1, count - 1), rng.randint(1, others)
    return join(steps[:i] + [[one, here], [other, there], [one, count - here],
                             [other, others - there]] + steps[i + 2:])


class ShrinkCase(ProgramCase):
    def called(self):
        """The words that call Treadle."""
        return [self.program]

    def replay_size(self, text):
        """(fingerprint, size) of what a schedule leads to, followed as far as it can be."""
        done = subprocess.run([*self.called(), "replay", "--trace",
                               self.write("edited.sched", text)],
                              cwd=self.folder, capture_output=True, check=False)
        out = done.stdout.decode(errors="replace")
        counts = re.search(r"(\d+) events, \d+ switches, (\d+) preemptions", out)
        fingerprint = re.search(r"fingerprint ([0-9a-f]{16})", out)
        if counts is None or fingerprint is None:
            return None, None
        runners = re.findall(r"^ *\d+  ([gd][0-9.]+) ", out, re.MULTILINE)[:int(counts[1])]
        answers = len(re.findall(r"^choose [1-9]", text, re.MULTILINE))
        switches = sum(one != other for one, other in zip(runners, runners[1:]))
        return fingerprint[1], (len({one for one in runners if one[0] == "g"}), int(counts[2]),
                                switches, int(counts[1]), answers)

    def shrink(self, path, *arguments, code=0):
        answer = self.call_json("shrink", path, *arguments, code=code)
        self.assert_fits(answer, SHRINK)
        return answer

    def assert_same_finding(self, path, other):
        for field in SAME:
            self.assertEqual(Schedule(self.path(path))[field], Schedule(other)[field], other)
        self.call("replay", path)

    def assert_minimal(self, path):
        """No edit of one step is smaller and shows the same."""
        schedule = Steps(self.path(path))
        wanted = Schedule(self.path(path))["fingerprint"]
        fingerprint, size = self.replay_size(schedule.text(schedule.steps))
        self.assertEqual(fingerprint, wanted, path)
        for steps in single_steps(schedule.steps):
            if not join(steps) or join(steps)[0][0] is None:
                continue
            fingerprint, edited = self.replay_size(schedule.text(steps))
            if fingerprint == wanted:
                self.assertFalse(is_smaller(edited, size), f"{path}: {size}, but "
                                 f"{edited}\n{schedule.text(steps)}")

    def make_longer(self, path, name, switches):
        """Writes a schedule of the same finding with more switches; returns how many were added."""
        rng = random.Random(f"{SEED} {os.path.basename(path)}")
        schedule = Steps(path)
        added = 0
        for _ in range(4 * switches):
            steps = split(schedule.steps, rng)
            self.write(name, schedule.text(steps))
            done = subprocess.run([*self.called(), "replay", name],
                                  cwd=self.folder, capture_output=True, check=False)
            if done.returncode == 0 and len(steps) > len(schedule.steps):
                schedule.steps = steps
                added += 1
            if added == switches:
                break
        self.write(name, schedule.text(schedule.steps))
        return added


def committed():
    return [path for path in schedules_below(os.path.join(SOURCE_ROOT, "findings"))
            if f"{os.sep}findings{os.sep}new{os.sep}" not in path]


class Committed(ShrinkCase):
    def test_all(self):
        """They are as small as they can be: to shrink them again changes nothing."""
        for path in committed():
            with self.subTest(path):
                shutil.copy(path, self.path("kept.sched"))
                answer = self.shrink("kept.sched")
                self.assertTrue(answer["minimal"])
                self.assertFalse(answer["written"])
                self.assertEqual(answer["before"], answer["after"])
                with open(path, "rb") as one, open(self.path("kept.sched"), "rb") as other:
                    self.assertEqual(one.read(), other.read())
                self.assertLess(answer["after"]["bytes"], 1024)

    def test_independently(self):
        for path in committed():
            with self.subTest(path):
                shutil.copy(path, self.path("kept.sched"))
                self.assert_minimal("kept.sched")


class Longer(ShrinkCase):
    def test_all(self):
        """Whatever is added goes again."""
        for path in committed():
            with self.subTest(path):
                added = self.make_longer(path, "longer.sched", 6)
                answer = self.shrink("longer.sched", "-o", "shrunk.sched")
                before, after = ([answer[when][field] for field in ORDER]
                                 for when in ("before", "after"))
                self.assertTrue(answer["minimal"])
                self.assertTrue(answer["written"])
                self.assertTrue(is_smaller(after, before) if added > 0 else after == before, answer)
                self.assertEqual(answer["after"]["bytes"],
                                 os.path.getsize(self.path("shrunk.sched")))
                self.assert_same_finding("shrunk.sched", path)
                self.assert_minimal("shrunk.sched")
                self.assertFalse(self.shrink("shrunk.sched")["written"])
                again = self.shrink("longer.sched", "-o", "again.sched")
                self.assertEqual({**again, "file": ""}, {**answer, "file": ""})
                with open(self.path("shrunk.sched"), "rb") as one, \
                     open(self.path("again.sched"), "rb") as other:
                    self.assertEqual(one.read(), other.read())

    def test_in_place(self):
        path = next(path for path in committed() if "missed-key" in path)
        self.assertGreater(self.make_longer(path, "longer.sched", 2), 0)
        os.symlink("longer.sched", self.path("link.sched"))
        done = self.call("shrink", "link.sched")
        self.assert_plain(done.stdout)
        for word in ("before", "after", "goroutines", "events", "preemptions", "switches", "bytes",
                     "1-minimal", "written"):
            self.assertIn(word, done.stdout)
        self.assertTrue(os.path.islink(self.path("link.sched")))
        self.assert_same_finding("longer.sched", path)
        self.assertIn("as it was", self.call("shrink", "longer.sched").stdout)
        self.assertEqual(sorted(os.listdir(self.folder)), ["link.sched", "longer.sched"])

    def test_time(self):
        path = max(committed(), key=lambda path: int(Schedule(path)["events"]))
        self.make_longer(path, "longer.sched", 6)
        answer = self.shrink("longer.sched", "--time", "1ms", "-o", "shrunk.sched")
        self.assertFalse(answer["minimal"])
        self.assert_same_finding("shrunk.sched", path)
        self.assertIn("not known to be 1-minimal",
                      self.call("shrink", "longer.sched", "--time", "1ms").stdout)


class Saved(ShrinkCase):
    def test_fuzz(self):
        """What fuzz saves depends on the seed alone, and little is left to be shrunk."""
        targets = "gomap/insert-insert*", "slice/*", "overflowcas/*"
        for jobs in "1", "2":
            self.call("fuzz", *targets, "--executions", "4000", "--jobs", jobs, "--out", jobs)
        found = schedules_below(self.path("1"))
        self.assertGreater(len(found), 5)
        self.assertEqual([path.replace("/1/", "/2/") for path in found],
                         schedules_below(self.path("2")))
        for path in found:
            with open(path, "rb") as one, open(path.replace("/1/", "/2/"), "rb") as other:
                self.assertEqual(one.read(), other.read())
            before = self.shrink(path)["before"]
            self.assertLessEqual(before["switches"], 12, path)

    def test_memory_models(self):
        for model in "tso", "pso":
            self.call("check", "bench/mutex-dekker", "--memory", model, "--out", model, code=1)
            for path in schedules_below(self.path(model)):
                self.shrink(path, "-o", "shrunk.sched")
                self.assert_same_finding("shrunk.sched", path)
                self.assertFalse(self.shrink("shrunk.sched")["written"])


class Programs(ShrinkCase):
    """Programs of treadle-cc: a crash must not reach the executions behind it."""

    def called(self):
        return ["./program", "--treadle"]

    def compile(self, name):
        source = os.path.join(SOURCE_ROOT, "harness", "programs", name)
        wrapper = os.path.join(os.path.dirname(self.program), "treadle-cc")
        subprocess.run([wrapper, source, "-o", self.path("program")], check=True)

    def run_treadle(self, *arguments, code=0):
        done = subprocess.run([*self.called(), *arguments], cwd=self.folder, capture_output=True,
                              check=False, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_all(self):
        for name in "segfault.c", "abort.c", "lost_wakeup.c", "lock_order.c":
            with self.subTest(name):
                self.compile(name)
                self.run_treadle("fuzz", "--executions", "500", "--out", name, code=1)
                found = schedules_below(self.path(name))
                self.assertGreater(len(found), 0)
                for path in found:
                    self.make_longer(path, "longer.sched", 2)
                    self.run_treadle("shrink", "longer.sched", "-o", "shrunk.sched")
                    self.run_treadle("replay", "shrunk.sched")
                    self.assertIn("as it was", self.run_treadle("shrink", "shrunk.sched").stdout)
                    self.assert_minimal("shrunk.sched")


class Refused(ShrinkCase):
    def setUp(self):
        super().setUp()
        self.source = next(path for path in committed() if "torn-header" in path)
        shutil.copy(self.source, self.path("good.sched"))

    def test_usage(self):
        self.assertIn("one schedule file", self.refuse("shrink"))
        self.assertIn("one schedule file", self.refuse("shrink", "good.sched", "good.sched"))
        self.assertIn("--wrong", self.refuse("shrink", "good.sched", "--wrong"))
        self.assertIn("1parsec", self.refuse("shrink", "good.sched", "--time", "1parsec"))
        self.assertIn("wants a value", self.refuse("shrink", "good.sched", "-o"))
        self.assertIn("shrink", self.call("shrink", "--help").stdout)

    def test_unreadable(self):
        self.assertIn("none.sched", self.refuse("shrink", "none.sched"))
        os.mkdir(self.path("folder"))
        self.assertIn("no regular file", self.refuse("shrink", "folder"))
        self.write("bad.sched", "treadle schedule 1\ntarget\n")
        self.assertIn("bad.sched:2", self.refuse("shrink", "bad.sched"))
        self.write("other.sched", Schedule(self.source).with_field("target", "no/target"))
        self.assertIn("no/target", self.refuse("shrink", "other.sched"))

    def test_unwritable(self):
        self.assertIn("cannot be written",
                      self.refuse("shrink", "good.sched", "-o", "none/shrunk.sched"))
        os.mkdir(self.path("folder"))
        self.assertIn("cannot be written", self.refuse("shrink", "good.sched", "-o", "folder"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["folder", "good.sched"])

    def test_no_match(self):
        text = Schedule(self.source).with_field("fingerprint", 16 * "0")
        self.write("wrong.sched", text)
        done = self.call("shrink", "wrong.sched", code=3)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"\Awrong\.sched: expected [^\n]+\n\Z")
        with open(self.path("wrong.sched"), encoding="ascii") as file:
            self.assertEqual(file.read(), text)


if __name__ == "__main__":
    main()
