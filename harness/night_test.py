#!/usr/bin/env python3
"""`treadle fuzz --out DIR`: a campaign that goes on: it survives kill -9 of itself and of its
processes, a full disk and spoilt files, and tells how far it is in status.json and report.html.

    night_test.py BUILD/treadle
"""

import html.parser
import json
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import (ProgramCase, Schedule, main, number, process_status, processes,
                          schedules_below)

FOUND_AT_ONCE = "slice/torn-header"
SLOW = "rwmap/iterate-grow"
TARGETS = FOUND_AT_ONCE, "gomap/insert-insert-grow", "gomap/iterate-grow"
KILLS = 20
MEMORY_BYTES_MAX = 128 << 20

STATUS = {
    "version": int, "state": str, "written": str, "directory": str, "seed": int, "memory": str,
    "strategy": str, "jobs": int, "seconds": number, "seconds_left": (number[0], number[1], None),
    "executions": int, "executions_per_second": number, "steps": int, "features": int,
    "features_last_hour": int, "chance_of_new_behaviour": (float, int, None), "missing": int,
    "findings": {"count": int, "unsaved": int, "by_verdict": {str: int}},
    "targets": [{
        "target": str, "executions": int, "steps": int, "seconds": number,
        "executions_per_second": number, "features": int, "features_once": int,
        "corpus_entries": int, "chance_of_new_behaviour": (float, int, None), "missing": [str],
        "verdicts": {str: int}, "detected": (int, None), "silent": (int, None),
        "error": (str, None),
        "findings": [{
            "verdict": str, "expected": bool, "rule": str, "fingerprint": str, "switches": int,
            "events": int, "found_seconds": number, "saved": bool, "path": (str, None),
            "replay": (str, None),
        }],
    }],
    "health": {"runs": int, "workers_died": int, "unwritten": (str, None),
               "errors": [{"target": str, "error": str}]},
    "timeline": [{"seconds": number, "executions": int, "features": int, "findings": int}],
}


class Page(html.parser.HTMLParser):
    """What a report holds: the text of each element, and whether all of them are closed."""

    VOID = "meta", "br", "link", "img"

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.sources = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> in {self.open}"
        self.open.pop()

    def handle_data(self, data):
        if "td" in self.open:
            self.cells[-1] += data


class NightCase(ProgramCase):
    def start(self, *arguments, out="out"):
        """Starts `fuzz` with these arguments, in a session of its own, on 2 jobs."""
        command = [self.program, "fuzz", "--out", out, "--jobs", "2", *arguments]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
        return process

    def finish(self, process, code=0, lines=0):
        """Standard error of a campaign that ends in order."""
        stdout, stderr = process.communicate(timeout=120)
        self.assertEqual(process.returncode, code, stdout + stderr)
        self.assertEqual(stderr.count("\n"), lines, stderr)
        self.assertEqual(processes(2, process.pid), {}, "processes that go on")
        return stderr

    def fuzz(self, *arguments, out="out", code=0, lines=0):
        return self.finish(self.start(*arguments, out=out), code, lines)

    def status(self, out="out"):
        with open(self.path(out, "status.json"), encoding="utf-8") as file:
            return json.load(file)

    def counts(self, out="out"):
        return {one["target"]: one["executions"] for one in self.status(out)["targets"]}

    def files(self, out="out"):
        return sorted(os.path.relpath(os.path.join(place, name), self.path(out))
                      for place, _, names in os.walk(self.path(out)) for name in names)

    def contents(self, paths):
        """{path: content}"""
        found = {}
        for path in paths:
            with open(path, "rb") as file:
                found[path] = file.read()
        return found

    def assert_tidy(self, out="out"):
        self.assertEqual([name for name in self.files(out) if name.endswith(".new")], [])

    def wait_until(self, what, seconds=20):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.01)


class Killed(NightCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(1)
        self.executions = 0
        self.saved = set()

    def kill_one(self, process):
        """A worker, or what else the campaign has started; it must be waited for."""
        children = sorted(processes(1, process.pid))
        if not children:
            return
        victim = self.random.choice(children)
        os.kill(victim, signal.SIGKILL)
        self.wait_until(lambda: process_status(victim) is None or process.poll() is not None)

    def check_after_kill(self):
        """What lies there is whole, and no less than before."""
        if os.path.exists(self.path("out", "status.json")):
            executions = self.status()["executions"]
            self.assertGreaterEqual(executions, self.executions)
            self.executions = executions
        saved = {os.path.relpath(path, self.path("out"))
                 for path in schedules_below(self.path("out"))}
        files = set(self.files())
        lost = {path for path in self.saved - saved if path + ".surplus" not in files}
        self.assertEqual(lost, set())
        self.saved |= saved

    def test_twenty_times(self):
        for _ in range(KILLS // 2):
            process = self.start(*TARGETS, "--time", "60s")
            self.wait_until(lambda: len(processes(1, process.pid)) >= 2)
            time.sleep(self.random.uniform(0, 1.2))
            self.kill_one(process)
            time.sleep(self.random.uniform(0, 1.2))
            self.assertIsNone(process.poll())
            process.kill()
            _, stderr = process.communicate()
            self.assertEqual(stderr, "")
            self.wait_until(lambda: not processes(2, process.pid), 5)
            self.check_after_kill()
        self.assertGreater(self.executions, 0)
        before = self.counts()
        self.fuzz(*TARGETS, "--time", "2s")
        for name, count in self.counts().items():
            self.assertGreater(count, before[name])
        self.check_after_kill()
        self.assert_tidy()
        self.assertGreater(len(self.saved), 10)
        self.call("replay", "out")
        self.assertGreater(self.status()["health"]["runs"], 1)
        self.assertGreater(self.status()["health"]["workers_died"], 0)

    def test_same_counts(self):
        """Killed and started again, with another number of jobs, it ends in the same counts."""
        arguments = *TARGETS, "--executions", "100000"
        answers = []
        self.fuzz(*arguments, "--jobs", "2", out="undisturbed")
        process = self.start(*arguments)
        self.wait_until(lambda: os.path.exists(self.path("out", "status.json")) or
                        process.poll() is not None)
        self.assertIsNone(process.poll(), "too fast to be killed")
        process.kill()
        process.communicate()
        self.assertLess(self.status()["executions"], 300000)
        self.fuzz(*arguments, "--jobs", "3")
        for out in "undisturbed", "out":
            answers.append([[one[name] for name in ("target", "executions", "steps", "verdicts",
                                                    "features", "features_once",
                                                    "corpus_entries")]
                            for one in self.status(out)["targets"]])
        self.assertEqual(answers[0], answers[1])

    def test_left_behind(self):
        """What a killed one has left half written is removed; nothing else is."""
        os.makedirs(self.path("out", FOUND_AT_ONCE))
        for name in (f"{FOUND_AT_ONCE}/torn-read-0123456789abcdef.sched.77.new",
                     f"{FOUND_AT_ONCE}/campaign.corpus.new", "campaign.state.new",
                     "status.json.new", "report.html.new"):
            self.write(os.path.join("out", name), "half")
        self.write("out/notes.new", "mine")
        self.fuzz(FOUND_AT_ONCE, "--executions", "1000")
        self.assertEqual([name for name in self.files() if name.endswith(".new")], ["notes.new"])


class FullDisk(NightCase):
    def mount(self, size):
        os.mkdir(self.path("out"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "treadle-test",
                                  self.path("out")], capture_output=True, check=False)
        if mounted.returncode != 0:
            print("SKIPPED: a full disk, for nothing can be mounted here")
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.path("out")], check=True)

    def fill(self):
        with open(self.path("out", "filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def test_to_the_end(self):
        """What is saved stays; that nothing more is saved is said once, with exit code 2."""
        self.mount("4m")
        self.fuzz(FOUND_AT_ONCE, "--executions", "2000")
        saved = self.contents(schedules_below(self.path("out")))
        self.fill()
        stderr = self.fuzz("gomap/insert-insert-grow", "--time", "2s", code=2, lines=1)
        self.assertRegex(stderr, r"out\b.*: No space left on device")
        self.assertEqual(saved, self.contents(saved))
        self.assert_tidy()

    def test_for_a_while(self):
        self.mount("4m")
        self.fill()
        process = self.start(FOUND_AT_ONCE, "--time", "9s")
        time.sleep(1.5)
        self.assertIsNone(process.poll())
        os.unlink(self.path("out", "filler"))
        stderr = self.finish(process, lines=1)
        self.assertIn("No space left on device", stderr)
        self.assertGreater(len(schedules_below(self.path("out"))), 0)
        self.assertIsNone(self.status()["health"]["unwritten"])
        self.call("replay", "out")
        self.assert_tidy()

    def test_no_room_for_a_corpus(self):
        """Findings are saved all the same, so the exit code is as otherwise."""
        self.mount("96k")
        stderr = self.fuzz(FOUND_AT_ONCE, "--executions", "20000", lines=1)
        self.assertIn("No space left on device", stderr)
        self.assertGreater(len(schedules_below(self.path("out"))), 0)
        self.call("replay", "out")


class Spoilt(NightCase):
    OTHER = "gomap/iterate-grow"

    def setUp(self):
        super().setUp()
        self.fuzz(FOUND_AT_ONCE, self.OTHER, "--executions", "20000")

    def more(self, *arguments, lines=1):
        return self.fuzz(FOUND_AT_ONCE, self.OTHER, "--executions", "30000", *arguments,
                         lines=lines)

    def spoil(self, name, change):
        path = self.path("out", name)
        with open(path, "rb") as file:
            content = change(file.read())
        with open(path, "wb") as file:
            file.write(content)
        return content

    def check_aside(self, name, content):
        with open(self.path("out", name + ".aside-1"), "rb") as file:
            self.assertEqual(file.read(), content)

    def test_goes_on(self):
        before = self.status()
        self.more(lines=0)
        after = self.status()
        self.assertEqual(self.counts(), {FOUND_AT_ONCE: 30000, self.OTHER: 30000})
        self.assertGreater(after["seconds"], before["seconds"])
        self.assertEqual(after["health"]["runs"], 2)
        self.assertGreaterEqual(after["findings"]["count"], before["findings"]["count"])
        self.call("replay", "out")

    def test_corpus(self):
        def flip(content):
            middle = len(content) // 2
            return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:]

        name = FOUND_AT_ONCE + "/campaign.corpus"
        for turn, change in enumerate([flip, lambda content: content[:len(content) // 3],
                                       lambda content: b"", lambda content: b"notes\n" * 99]):
            with self.subTest(turn):
                shutil.copytree(self.path("out"), self.path(f"kept{turn}"))
                content = self.spoil(name, change)
                stderr = self.more()
                self.assertRegex(stderr, rf"\Atreadle fuzz: out/{name}: [^\n]+\n\Z")
                self.check_aside(name, content)
                self.assertEqual(self.counts(), {FOUND_AT_ONCE: 30000, self.OTHER: 30000})
                self.call("replay", "out")
                shutil.rmtree(self.path("out"))
                os.rename(self.path(f"kept{turn}"), self.path("out"))

    def test_state(self):
        content = self.spoil("campaign.state", lambda content: content[:-1])
        self.assertIn("out/campaign.state: it is damaged", self.more())
        self.check_aside("campaign.state", content)
        self.assertEqual(self.counts(), {FOUND_AT_ONCE: 30000, self.OTHER: 30000})

    def test_of_another_campaign(self):
        stderr = self.more("--seed", "2", lines=3)
        self.assertEqual(stderr.count("it was written with another --seed"), 3)
        self.assertEqual(self.counts(), {FOUND_AT_ONCE: 30000, self.OTHER: 30000})
        stderr = self.more("--seed", "2", "--memory", "tso", lines=3)
        self.assertEqual(stderr.count("another --memory"), 3)
        self.assertIn("campaign.state.aside-2", self.files())

    def test_findings(self):
        """A file that is no schedule is named and left alone; the finding gets another name."""
        spoilt = schedules_below(self.path("out", FOUND_AT_ONCE))[0]
        name = os.path.relpath(spoilt, self.folder)
        self.spoil(os.path.relpath(spoilt, self.path("out")), lambda content: content[:-9])
        self.write(f"out/{FOUND_AT_ONCE}/notes.sched", "not a schedule\n")
        before = self.contents(schedules_below(self.path("out")))
        stderr = self.more(lines=2)
        self.assertEqual(stderr.count("left alone"), 2)
        self.assertIn(name, stderr)
        self.assertIn("notes.sched", stderr)
        self.assertEqual(before, self.contents(before))
        other = spoilt.removesuffix(".sched") + "-1.sched"
        self.call("replay", other)
        self.assertIn(os.path.relpath(other, self.folder),
                      [one["path"] for target in self.status()["targets"]
                       for one in target["findings"]])

    def test_never_worse(self):
        """A saved finding that is as short as what is found again stays as it is."""
        paths = schedules_below(self.path("out"))
        for path in paths:
            schedule = Schedule(path)
            with open(path, "w", encoding="ascii") as file:
                file.write(schedule.with_line(2, schedule.lines[1] + "\n# seen"))
        for name in self.files():
            if name.startswith("campaign.") or name.endswith(".corpus"):
                os.unlink(self.path("out", name))
        self.fuzz(FOUND_AT_ONCE, self.OTHER, "--time", "2s")
        for path in paths:
            if not os.path.exists(path):  # no longer among the best
                path += ".surplus"
            with open(path, encoding="ascii") as file:
                seen = "# seen" in file.read()
            self.assertTrue(seen or self.is_shorter(path), path)

    def is_shorter(self, path):
        """Whether it is a better one than what was to be found in 20,000 executions."""
        self.fuzz(FOUND_AT_ONCE, self.OTHER, "--executions", "20000", out="again")
        old = Schedule(self.path("again", os.path.relpath(path, self.path("out"))))
        new = Schedule(path)
        return ([len(new.anchored()), int(new["events"])]
                < [len(old.anchored()), int(old["events"])])

    def test_two_at_a_time(self):
        first = self.start(FOUND_AT_ONCE, "--time", "60s")
        self.wait_until(lambda: len(processes(1, first.pid)) >= 2)
        stderr = self.fuzz(FOUND_AT_ONCE, "--time", "1s", code=2, lines=1)
        self.assertIn("another campaign is at work in out", stderr)
        first.send_signal(signal.SIGINT)
        self.finish(first)


class Told(NightCase):
    def check_page(self, out):
        with open(self.path(out, "report.html"), encoding="utf-8") as file:
            page = Page(file.read())
        self.assertEqual(page.open, [])
        self.assertEqual(page.sources, [], "it needs other files")
        status = self.status(out)
        findings = [one for target in status["targets"] for one in target["findings"]]
        self.assertGreater(len(findings), 3)
        for one in findings:
            self.assertIn(one["path"].split("/")[-1], one["replay"])
            for text in one["rule"], one["replay"]:
                self.assertIn(text, page.cells)
        for target in status["targets"]:
            self.assertIn(target["target"], page.cells)
            for missing in target["missing"]:
                self.assertIn(missing, page.cells)

    def test_shapes(self):
        self.fuzz(*TARGETS, SLOW, "--time", "3s")
        status = self.status()
        self.assert_fits(status, STATUS)
        self.assertEqual(status["state"], "done")
        self.assertEqual(status["executions"], sum(self.counts().values()))
        self.assertTrue(0 <= status["chance_of_new_behaviour"] < 0.1)
        for target in status["targets"]:
            self.assertLess(target["features_once"], target["features"] + 1)
            for one in target["findings"]:
                self.assertEqual(one["saved"], os.path.isfile(self.path(one["path"])))
        self.check_page("out")
        shown = subprocess.run(
            status["targets"][0]["findings"][0]["replay"].replace("treadle", self.program, 1),
            shell=True, cwd=self.folder, capture_output=True, check=False)
        self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_missing(self):
        self.fuzz("gomap/iterate-grow", "--executions", "1")
        self.assertGreater(self.status()["missing"], 0)
        with open(self.path("out", "report.html"), encoding="utf-8") as file:
            self.assertIn("iterator-skip silently", " ".join(Page(file.read()).cells))

    def test_escaped(self):
        out = "a<b>&\"c'd"
        self.fuzz(FOUND_AT_ONCE, "--executions", "5000", out=out)
        self.check_page(out)

    def test_equal_for_any_jobs(self):
        told = []
        for jobs in "1", "3":
            self.fuzz(*TARGETS, "--executions", "20000", "--jobs", jobs, out=jobs)
            told.append([(one["executions"], one["steps"], one["verdicts"], one["features"],
                          one["features_once"], one["corpus_entries"],
                          one["chance_of_new_behaviour"]) for one in self.status(jobs)["targets"]])
        self.assertEqual(told[0], told[1])

    def test_memory(self):
        process = subprocess.Popen([self.program, "fuzz", "--out", "out", "--time", "5s"],
                                   cwd=self.folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)  # its own peak and that of its processes
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertLess(usage.ru_maxrss << 10, MEMORY_BYTES_MAX)

    def test_line(self):
        ours, theirs = pty.openpty()
        subprocess.run([self.program, "fuzz", FOUND_AT_ONCE, "--time", "2s", "--out", "out"],
                       cwd=self.folder, stdout=subprocess.DEVNULL, stderr=theirs, check=True)
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # EIO: the other end is closed
            pass
        os.close(ours)
        lines = shown.decode().split("\r\x1b[K")
        self.assertIn("chance of new", lines[-2])
        self.assertIn(" s left ", lines[-2])
        self.assertIn("torn-read", lines[-2])
        self.assertEqual(lines[-1], "")
        for line in lines:
            self.assertLessEqual(len(line), 100)


if __name__ == "__main__":
    main()
