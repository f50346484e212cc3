#!/usr/bin/env python3
"""What `fuzz` saved, `treadle replay` executes again exactly, in a new process; what it cannot, it
says in one line.

    replay_test.py BUILD/treadle
"""

import functools
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import SOURCE_ROOT, ProgramCase, Schedule, main, schedules_below

REPLAY = {"file": str, "matched": bool, "verdict": str, "fingerprint": str, "hash": str,
          "steps": int, "preemptions": int, "diverged_at": (int, None)}
EVENT = re.compile(r" *(?P<number>\d+)  g(?P<goroutine>\d+) +(?:start|exit|(?P<function>\w+)"
                   r"\+(?P<offset>\d+) (?P<file>\w+\.[ch]):(?P<line>\d+) \S+ .+?"
                   r"(?:  \[(?P<go>.+)\])?)")
# In maps/gomap, but no part of a Go function: what Go calls by pointer; the garbage collector; who
# draws a program.
NOT_PORTED = {"hash_key", "hash_slot", "key_equal", "collect_overflow", "run_collector",
              "run_drawn", "draw_goroutine", "draw_operation"}


def expected(path):
    """What `replay --json` must say of a saved finding, but for what the file does not hold."""
    schedule = Schedule(path)
    return {"file": path, "matched": True, "verdict": schedule["verdict"],
            "fingerprint": schedule["fingerprint"], "hash": schedule["hash"],
            "steps": int(schedule["events"]), "diverged_at": None}


def without_preemptions(replay):
    return {field: value for field, value in replay.items() if field != "preemptions"}


@functools.cache
def source_lines(name):
    paths = [os.path.join(place, name) for place, _, names in
             os.walk(os.path.join(SOURCE_ROOT, "maps")) if name in names]
    with open(paths[0], encoding="utf-8") as file:  # subjects' files have names of their own
        return paths[0], [""] + file.read().splitlines()


class ReplayCase(ProgramCase):
    """Has the findings of a short campaign."""

    @classmethod
    def setUpClass(cls):
        cls.found = tempfile.mkdtemp(prefix="treadle_test_")
        cls.addClassCleanup(shutil.rmtree, cls.found)
        subprocess.run([cls.program, "fuzz", "--executions", "5000", "--out", cls.found],
                       stdout=subprocess.DEVNULL, check=True)
        cls.findings = schedules_below(cls.found)

    def finding(self, pattern):
        """The first finding whose path holds this."""
        return next(path for path in self.findings if pattern in path)

    def replay(self, *paths, code=0):
        answer = self.call_json("replay", *paths, code=code)
        self.assert_fits(answer, {"replays": [{**REPLAY, "preemptions": int}]})
        return [{field: one[field] for field in REPLAY} for one in answer["replays"]]


class Matches(ReplayCase):
    def test_all(self):
        self.assertGreater(len(self.findings), 30)
        replays = self.replay(self.found)
        self.assertEqual(sorted(one["file"] for one in replays), self.findings)
        for one in replays:
            self.assertEqual(without_preemptions(one), expected(one["file"]))

    def test_each_alone(self):
        for path in self.findings:
            one, = self.replay(path)
            self.assertEqual(without_preemptions(one), expected(path))

    def test_committed(self):
        kept = [path for path in schedules_below(os.path.join(SOURCE_ROOT, "findings"))
                if f"{os.sep}findings{os.sep}new{os.sep}" not in path]
        if not kept:
            self.skipTest("no findings are committed yet")
        for path in kept:
            with self.subTest(path):
                one, = self.replay(path)
                self.assertEqual(without_preemptions(one), expected(path))
        pairs = {(Schedule(path)["target"], Schedule(path)["verdict"]) for path in kept}
        for name, target in self.targets().items():
            for verdict in target["requires"]:
                self.assertIn((name, verdict), pairs, "no finding of it is committed")

    def test_folder(self):
        os.makedirs(self.path("a", "b"))
        for place in "one.sched", "a/two.sched", "a/b/three.sched":
            shutil.copy(self.findings[0], self.path(place))
        self.write("a/notes.txt", "no schedule")
        self.assertEqual([one["file"] for one in self.replay(".")],
                         ["./a/b/three.sched", "./a/two.sched", "./one.sched"])

    def test_resync(self):
        for path in self.findings:
            self.call("replay", "--resync", path)

    def test_quickly(self):
        """A process for each costs next to nothing."""
        start = time.monotonic()
        self.call("replay", *self.findings[:20])
        self.assertLess(time.monotonic() - start, 5)  # 0.15 s where nothing else runs


class Trace(ReplayCase):
    def check_event(self, event, path):
        if event["function"] is None:
            return
        file, lines = source_lines(event["file"])
        line = int(event["line"])
        self.assertTrue(lines[line].strip(), f"{file}:{line} is empty")
        self.assertIn(event["function"] + "(", lines[line - int(event["offset"])], f"{file}:{line}")
        if "gomap" in file and event["function"] not in NOT_PORTED:
            self.assertIsNotNone(event["go"], f"no Go function for {event['function']}")
        elif "gomap" not in file:
            self.assertIsNone(event["go"], path)

    def check_trace(self, path):
        schedule = Schedule(path)
        lines = self.call("replay", "--trace", path).stdout.splitlines()
        self.assertEqual(lines[0], f"{path}: matches")
        lines = [line for line in lines[1:] if not re.match(r" +g\d+ +#", line)]  # treadle_log
        events = [EVENT.fullmatch(line) for line in lines[:int(schedule["events"])]]
        for i, event in enumerate(events):
            self.assertIsNotNone(event, f"{path}: no event: {lines[i]}")
            self.assertEqual(int(event["number"]), i)
            self.assertIn(f"goroutine {event['goroutine']} ", "\n".join(schedule.lines))
            self.check_event(event, path)
        self.assertTrue(lines[len(events)].startswith(f"  {schedule['verdict']}: ")
                        or f"  {schedule['verdict']}: " in "\n".join(lines[len(events):]), path)
        counts = [int(count) for count in re.findall(r"^g\d+ x(\d+)", "\n".join(schedule.lines),
                                                     re.MULTILINE)]
        unscheduled = sum(" choose " in line or line.endswith("  exit")
                          for line in lines[:len(events)])
        self.assertEqual(sum(counts) + unscheduled, len(events), path)
        for goroutine in re.findall(r"^goroutine (\d+)", "\n".join(schedule.lines), re.MULTILINE):
            self.assertRegex("\n".join(lines[len(events):]),
                             rf"(?m)^  g{goroutine}\b.*: (about to|waiting to|ended|stopped)")

    def test_every_event_has_its_line(self):
        for path in self.findings:
            with self.subTest(path):
                self.check_trace(path)

    def test_without_trace(self):
        path = self.finding("iterator-skip")
        text = self.call("replay", path).stdout
        self.assertIn("state of gomap:\nS count=", text)
        self.assertLess(text.count("map_iternext"), 5)


class Mismatch(ReplayCase):
    def edit(self, text):
        return self.write("edited.sched", text)

    def check_count(self, schedule, line, goroutine, count, anchor):
        """Another count: the replay leaves the schedule at this line."""
        edited = self.edit(schedule.with_line(line, f"g{goroutine} x{count} @ {anchor}"))
        one, = self.replay(edited, code=3)
        self.assertFalse(one["matched"])
        self.assertIsInstance(one["diverged_at"], int)
        printed = self.call("replay", edited, code=3).stdout.splitlines()[0]
        match = re.fullmatch(rf"edited.sched: line {line} no longer matches at event "
                             rf"{one['diverged_at']}: expected (.+), found (.+)", printed)
        self.assertIsNotNone(match, f"{printed}, not line {line}")
        self.call("replay", "--resync", edited)
        return match

    def test_count(self):
        for pattern in "iterator-skip", "missed-key", "torn-read", "aba-", "use-after-free":
            schedule = Schedule(self.finding(pattern))
            for line, goroutine, count, anchor in schedule.anchored():
                with self.subTest(pattern, line=line):
                    self.check_count(schedule, line, goroutine, count + 1, anchor)
                    if count > 1:
                        match = self.check_count(schedule, line, goroutine, count - 1, anchor)
                        self.assertEqual(match[1], f"g{goroutine} at {anchor}")
                        self.assertRegex(match[2], rf"\Ag{goroutine} (waiting )?at \w+\+\d+ ")
                        self.assertNotIn(anchor, match[2])

    def test_anchor(self):
        schedule = Schedule(self.finding("iterator-skip"))
        line, goroutine, count, anchor = schedule.anchored()[0]
        other = anchor.replace(anchor.split()[0], "nowhere+1")
        edited = self.edit(schedule.with_line(line, f"g{goroutine} x{count} @ {other}"))
        printed = self.call("replay", edited, code=3).stdout
        self.assertIn(f"line {line} ", printed)
        self.assertIn(f"expected g{goroutine} at {other}, found g{goroutine} at {anchor}\n",
                      printed)

    def test_moved_lines_match(self):
        """Only the function's name counts, and what is done there: code may move up and down."""
        schedule = Schedule(self.finding("iterator-skip"))
        line, goroutine, count, anchor = schedule.anchored()[0]
        moved = re.sub(r"\+\d+", "+99", anchor)
        self.replay(self.edit(schedule.with_line(line, f"g{goroutine} x{count} @ {moved}")))

    def test_result(self):
        schedule = Schedule(self.finding("iterator-skip"))
        for field in "fingerprint", "hash":
            edited = self.edit(schedule.with_field(field, "0123456789abcdef"))
            one, = self.replay(edited, code=3)
            self.assertFalse(one["matched"])
            self.assertIsNone(one["diverged_at"])
            self.assertEqual((one["fingerprint"], one["hash"]),
                             (schedule["fingerprint"], schedule["hash"]))
            self.assertIn("0123456789abcdef", self.call("replay", edited, code=3).stdout)
        edited = self.edit(schedule.with_field("verdict", "deadlock"))
        self.replay(edited, code=3)
        self.assertIn("expected deadlock", self.call("replay", edited, code=3).stdout)

    def test_events(self):
        schedule = Schedule(self.finding("iterator-skip"))
        self.replay(self.edit(schedule.with_field("events", "7")), code=3)

    def test_other_target(self):
        schedule = Schedule(self.finding("gomap/insert-insert/"))
        self.replay(self.edit(schedule.with_field("target", "gomap/insert-insert-grow")), code=3)


class ExpectFixed(ReplayCase):
    """What was found must no longer appear; edited_test.py mends something."""

    def fixed(self, *arguments, code):
        answer = self.call_json("replay", "--expect-fixed", *arguments, code=code)
        self.assert_fits(answer, {"replays": [{**REPLAY, "fixed": bool}]})
        return [one["fixed"] for one in answer["replays"]]

    def test_still_there(self):
        self.assertEqual(self.fixed(self.found, code=3), [False] * len(self.findings))
        path = self.findings[0]
        printed = self.call("replay", "--expect-fixed", path, code=3).stdout
        schedule = Schedule(path)
        self.assertEqual(printed, f"{path}: not fixed: still shows {schedule['verdict']} "
                                  f"{schedule['fingerprint']}\n")
        self.assertIn("  0  g", self.call("replay", "--expect-fixed", "--trace", path,
                                          code=3).stdout)

    def test_another_finding(self):
        schedule = Schedule(self.finding("iterator-skip"))
        self.write("other.sched", schedule.with_field("fingerprint", "0123456789abcdef"))
        self.write("not.sched", "\n".join(schedule.lines) + "\n")
        self.assertEqual(self.fixed("other.sched", code=0), [True])
        self.assertEqual(self.call("replay", "--expect-fixed", "other.sched").stdout,
                         f"other.sched: fixed: shows iterator-skip {schedule['fingerprint']}\n")
        self.assertEqual(self.fixed("not.sched", "other.sched", code=3), [False, True])
        self.call("replay", "--expect-fixed", "--junit", "report.xml", ".", code=3)
        suite = xml.etree.ElementTree.parse(self.path("report.xml")).getroot()
        failed = {case.get("name"): case.find("failure") for case in suite.iter("testcase")}
        self.assertIsNone(failed["./other.sched"])
        self.assertIn("still shows iterator-skip", failed["./not.sched"].get("message"))

    def test_resync(self):
        """A schedule that does not fit says nothing yet: the way is looked for by the anchors."""
        schedule = Schedule(self.finding("iterator-skip"))
        line, goroutine, count, anchor = schedule.anchored()[0]
        self.write("edited.sched", schedule.with_line(line,
                                                      f"g{goroutine} x{count + 1} @ {anchor}"))
        self.call("replay", "edited.sched", code=3)
        self.assertEqual(self.fixed("edited.sched", code=3), [False])

    def test_unreadable(self):
        self.write("bad.sched", "nothing\n")
        self.assertIn("bad.sched:1: ", self.refuse("replay", "--expect-fixed", "bad.sched"))


class LastFailureFirst(ReplayCase):
    NAMES = ["a.sched", "b.sched", "c/d.sched", "e.sched"]

    def setUp(self):
        super().setUp()
        self.cache = {**os.environ, "XDG_CACHE_HOME": self.path("cache")}
        os.makedirs(self.path("folder", "c"))
        for name in self.NAMES:
            shutil.copy(self.findings[0], self.path("folder", name))

    def spoil(self, *names):
        text = Schedule(self.findings[0]).with_field("fingerprint", "0123456789abcdef")
        for name in names:
            self.write("folder/" + name, text)

    def order(self, folder="folder", code=0, **options):
        answer = self.call_json("replay", folder, code=code, **{"env": self.cache, **options})
        return [os.path.relpath(one["file"], folder) for one in answer["replays"]]

    def kept(self):
        return [name for _, _, names in os.walk(self.path("cache")) for name in names]

    def test_order(self):
        self.assertEqual(self.order(), self.NAMES)
        self.assertEqual(self.kept(), [])
        self.spoil("c/d.sched", "e.sched")
        self.assertEqual(self.order(code=3), self.NAMES)
        self.assertEqual(self.order(code=3), ["c/d.sched", "e.sched", "a.sched", "b.sched"])
        self.assertEqual(self.order("folder/../folder/", code=3)[0], "c/d.sched")
        self.assertEqual(self.order("folder/c", code=3), ["d.sched"])  # keyed by the folder
        self.assertEqual(len(self.kept()), 2)
        shutil.copy(self.findings[0], self.path("folder", "c", "d.sched"))
        self.assertEqual(self.order(code=3), ["c/d.sched", "e.sched", "a.sched", "b.sched"])
        self.assertEqual(self.order(code=3), ["e.sched", "a.sched", "b.sched", "c/d.sched"])
        shutil.copy(self.findings[0], self.path("folder", "e.sched"))
        self.assertEqual(self.order()[0], "e.sched")
        self.assertEqual(self.order(), self.NAMES)
        self.assertEqual(len(self.kept()), 1)

    def test_unreadable_first(self):
        self.write("folder/e.sched", "nothing\n")
        for _ in range(2):
            done = self.call("replay", "folder", code=2, env=self.cache)
        self.assertIn("folder/e.sched:1: ", done.stderr)
        self.spoil("e.sched")
        self.assertEqual(self.order(code=3)[0], "e.sched")

    def test_cannot_be_kept(self):
        """Then the order is that of names, and not a word is said."""
        self.spoil("e.sched")
        self.write("file", "")
        for cache in self.path("file"), self.path("file", "below"), "relative", "":
            environment = {**self.cache, "XDG_CACHE_HOME": cache, "HOME": self.path("file")}
            for _ in range(2):
                done = self.call("replay", "folder", "--json", code=3, env=environment)
                self.assertEqual(len(done.stderr.splitlines()), 1)  # which file failed
                self.assertEqual(self.order(code=3, env=environment), self.NAMES)
        self.assertEqual(sorted(os.listdir(self.folder)), ["file", "folder"])

    def test_corrupt(self):
        self.spoil("e.sched")
        self.order(code=3)
        kept, = self.kept()
        for content in (b"", b"\0", b"\n\n", b"\xff" * 5000, b"e.sche", b"no/such\ne.sched\n",
                        random.Random(1).randbytes(2_000_000)):
            self.write(os.path.join("cache", "treadle", kept), content)
            self.assertEqual(sorted(self.order(code=3)), self.NAMES)

    def test_home(self):
        self.spoil("b.sched")
        environment = {**os.environ, "HOME": self.path("home")}
        del environment["XDG_CACHE_HOME"]
        os.mkdir(self.path("home"))
        self.order(code=3, env=environment)
        self.assertEqual(self.order(code=3, env=environment)[0], "b.sched")
        self.assertEqual(os.listdir(self.path("home")), [".cache"])


class Unreadable(ReplayCase):
    def setUp(self):
        super().setUp()
        self.schedule = Schedule(min(self.findings, key=os.path.getsize))
        self.text = "\n".join(self.schedule.lines) + "\n"

    def refuse_text(self, content, line=None):
        self.write("bad.sched", content)
        printed = self.refuse("replay", "bad.sched")
        self.assertRegex(printed, rf"\Abad\.sched:{line or r'[0-9]+'}: .")
        self.assertEqual(self.call("replay", "bad.sched", "--json", code=2).stderr, printed + "\n")

    def test_truncated(self):
        for end in range(0, len(self.text) - 1, 7):
            with self.subTest(end):
                self.refuse_text(self.text[:end])
        for lines in range(len(self.schedule.lines)):
            with self.subTest(lines=lines):
                self.refuse_text("".join(self.text.splitlines(keepends=True)[:lines]))

    def test_version(self):
        for version in "0", "2", "10", "x", "":
            self.refuse_text(self.schedule.with_line(1, f"treadle schedule {version}".strip()), 1)

    def test_garbage(self):
        self.refuse_text("", 1)
        self.refuse_text("\n", 1)
        self.refuse_text(random.Random(1).randbytes(5000), 1)
        self.refuse_text("not a schedule\n" * 100, 1)
        self.refuse_text(self.text.replace("\n", "\r\n"))
        self.refuse_text(self.text.replace("choices\n", "choices\n\0\n"))
        self.refuse_text(self.text + "end\n")
        self.refuse_text(self.text + "#" * 9_000_000)

    def test_out_of_range(self):
        at = self.schedule.lines.index("choices") + 2
        for step in ("g1 x0", "g1 x-1", "g1 x99999999999", "g1 x10000001", "g5000 x1", "g7 x1",
                     "choose 5/4", "choose 0/0", "choose 1/65537", "g1", "g1 x1 @", "stop",
                     "d1 x1"):
            with self.subTest(step):
                self.refuse_text(self.schedule.with_line(at, step), at)
        for field, value in (("verdict", "nothing"), ("memory", "x86"), ("memory", "rc11"),
                             ("reuse", "always"), ("fingerprint", "12"), ("hash", "X" * 16),
                             ("events", "10000001"), ("target", "no/such"), ("target", "")):
            with self.subTest(field, value=value):
                at = next(i for i, line in enumerate(self.schedule.lines, 1)
                          if line.startswith(field + " "))
                self.refuse_text(self.schedule.with_field(field, value).replace(" \n", "\n"), at)

    def test_no_file(self):
        self.assertIn("missing.sched: ", self.refuse("replay", "missing.sched"))
        os.mkdir(self.path("empty"))
        self.refuse("replay", "empty")
        os.mkfifo(self.path("empty", "pipe.sched"))  # opening it would wait for ever
        self.refuse("replay", "empty", timeout=10)

    def test_unreadable_wins(self):
        self.write("good.sched", self.text)
        self.write("other.sched", self.schedule.with_field("fingerprint", "0123456789abcdef"))
        self.write("bad.sched", "nothing\n")
        self.call("replay", "good.sched", "other.sched", code=3)
        self.call("replay", "other.sched", "good.sched", code=3)
        for names in (["good", "other", "bad"], ["bad", "other", "good"], ["other", "bad"],
                      ["good", "bad"], ["bad", "good"], ["other", "missing"]):
            paths = [name + ".sched" for name in names]
            replays = self.replay(*paths, code=2)
            self.assertEqual([one["file"] for one in replays],
                             [path for path in paths if path not in ("bad.sched", "missing.sched")])
        self.assertEqual(len(self.replay(".", code=2)), 2)


class Junit(ReplayCase):
    def junit(self, *paths, code):
        self.call("replay", "--junit", "report.xml", *paths, code=code)
        suite = xml.etree.ElementTree.parse(self.path("report.xml")).getroot()
        self.assertEqual(suite.tag, "testsuite")
        return suite, {case.get("name"): case for case in suite.iter("testcase")}

    def assert_counts(self, suite, tests, failures, errors):
        self.assertEqual([int(suite.get(name)) for name in ("tests", "failures", "errors")],
                         [tests, failures, errors])
        self.assertEqual([len(list(suite.iter(tag))) for tag in ("testcase", "failure", "error")],
                         [tests, failures, errors])

    def test_all_pass(self):
        suite, cases = self.junit(self.found, code=0)
        self.assert_counts(suite, len(self.findings), 0, 0)
        self.assertEqual(sorted(cases), self.findings)

    def test_mixed(self):
        schedule = Schedule(self.finding("iterator-skip"))
        line, goroutine, count, anchor = schedule.anchored()[0]
        shutil.copy(self.findings[0], self.path("good.sched"))
        name = self.write("a&<b>\"'.sched",
                          schedule.with_line(line, f"g{goroutine} x{count + 1} @ {anchor}"))
        self.write("bad.sched", "nothing\n")
        suite, cases = self.junit("good.sched", name, "bad.sched", code=2)
        self.assert_counts(suite, 3, 1, 1)
        self.assertEqual(len(cases["good.sched"]), 0)
        self.assertIn(f"line {line} ", cases[name].find("failure").get("message"))
        self.assertIn("bad.sched:1: ", cases["bad.sched"].find("error").get("message"))

    def test_missing_file(self):
        shutil.copy(self.findings[0], self.path("good.sched"))
        suite, cases = self.junit("good.sched", "missing.sched", code=2)
        self.assert_counts(suite, 2, 0, 1)
        self.assertIsNotNone(cases["missing.sched"].find("error"))

    def test_odd_names(self):
        """Files whose names are no UTF-8, or no characters of XML, are in JSON and JUnit all the
        same."""
        for name in "one\x01.sched", "two\udcff.sched":
            with self.subTest(os.fsencode(name)):
                shutil.copy(self.findings[0], self.path(name))
                self.assertEqual(len(self.replay(name)), 1)
                suite, _ = self.junit(name, code=0)
                self.assert_counts(suite, 1, 0, 0)

    def test_readme(self):
        """What the README gives to a CI service to call."""
        shutil.copytree(os.path.join(SOURCE_ROOT, "findings"), self.path("findings"),
                        ignore=shutil.ignore_patterns("new"))
        with open(os.path.join(SOURCE_ROOT, "README.md"), encoding="utf-8") as file:
            job = re.search(r"```yaml\n(.*?)```", file.read(), re.DOTALL)[1]
        call, = re.findall(r"^      - run: \./treadle (.*)", job, re.MULTILINE)
        self.call(*call.split())
        report, = re.findall(r"^          path: (.*)", job, re.MULTILINE)
        suite = xml.etree.ElementTree.parse(self.path(report)).getroot()
        self.assert_counts(suite, len(schedules_below(self.path("findings"))), 0, 0)

    def test_cannot_be_written(self):
        self.assertIn("no/such/report.xml",
                      self.refuse("replay", "--junit", "no/such/report.xml", self.findings[0]))


if __name__ == "__main__":
    main()
