#!/usr/bin/env python3
"""`treadle check`: how many executions there are, exactly; what they show; and that an exploration
survives whatever happens to its processes.

    check_test.py BUILD/treadle
"""

import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import ProgramCase, Schedule, main, number, schedules_below

CHECK = {"targets": [{
    "target": str, "memory": str, "complete": bool, "preemptions": (int, None),
    "executions": int, "blocked": int, "steps": int, "seconds": number,
    "executions_per_second": number, "verdicts": {str: int}, "detected": (int, None),
    "silent": (int, None), "findings": [str]}]}
MEMORY_BYTES_MAX = 64 << 20

COUNTS = {
    **{f"bench/readers-{n}": 2 ** n for n in range(2, 14)},
    "bench/lastzero-5": 64, "bench/lastzero-10": 3_328, "bench/lastzero-12": 15_360,
    "bench/lastzero-15": 147_456,
    **{f"bench/indexer{form}-{n}": count for form in ("", "-mutex")
       for n, count in ((12, 8), (14, 512), (15, 4_096))},
    "bench/filesystem-14": 2, "bench/filesystem-16": 8, "bench/filesystem-18": 32,
    "bench/filesystem-19": 64,
    "bench/fib_bench-2": 140, "bench/fib_bench-3": 1_698, "bench/fib_bench-4": 19_605,
    "bench/fib_bench-5": 218_243,
}
WITH_FINDINGS = ("gomap/insert-insert", "slicemap/append", "slice/torn-header", "overflowcas/*",
                 "gomap/iterate-clear", "gomap/read-grow")
COUNTED = "executions", "blocked", "steps", "verdicts", "detected", "silent", "complete"


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


class CheckCase(ProgramCase):
    def check(self, *arguments, code=0):
        """What it says of each target."""
        return self.call_json("check", "--out", "out", *arguments, code=code)["targets"]

    def counts(self, *arguments, code=0):
        return [[one[field] for field in ("target", *COUNTED)]
                for one in self.check(*arguments, code=code)]


class Counts(CheckCase):
    def test_exact(self):
        counts = dict(COUNTS)
        for name in self.targets():
            match = re.fullmatch(r"bench/writers-(\d+)", name)
            if match:
                counts[name] = factorial(int(match[1]))
        self.assertGreater(len(counts), len(COUNTS))
        found = {one["target"]: one for one in self.check(*counts)}
        self.assertEqual({name: one["executions"] for name, one in found.items()}, counts)
        for one in found.values():
            self.assertTrue(one["complete"], one)
            self.assertEqual(one["blocked"], 0, one)
            self.assertEqual(one["verdicts"], {"ok": one["executions"]})

    def test_jobs(self):
        targets = "bench/fib_bench-4", "gomap/insert-insert", "slicemap/append"
        once = self.counts(*targets, "--jobs", "1")
        for jobs in "2", "4":
            self.assertEqual(self.counts(*targets, "--jobs", jobs), once)


class Memory(CheckCase):
    def test_lastzero_18(self):
        """All its processes together stay small."""
        process = subprocess.Popen([self.program, "check", "bench/lastzero-18", "--json"],
                                   cwd=self.folder, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        peaks = {}
        while process.poll() is None:
            for pid in [process.pid, *children(process.pid)]:
                peaks[pid] = max(peaks.get(pid, 0), peak_bytes(pid))
            time.sleep(0.2)
        one, = json.loads(process.stdout.read())["targets"]
        process.stdout.close()
        self.assertEqual((one["executions"], one["complete"]), (1_376_256, True))
        self.assertGreater(min(peaks.values()), 1 << 20)
        self.assertLess(sum(peaks.values()), MEMORY_BYTES_MAX)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(one) for one in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def peak_bytes(pid):
    """Of the memory that it ever used at once."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            match = re.search(r"VmHWM:\s+(\d+) kB", file.read())
            return int(match[1]) << 10 if match else 0
    except (FileNotFoundError, ProcessLookupError):
        return 0


class Findings(CheckCase):
    def test_every_verdict_is_saved(self):
        for one in self.check(*WITH_FINDINGS):
            with self.subTest(one["target"]):
                self.assertTrue(one["complete"])
                shown = one["verdicts"].keys() - {"ok"}
                saved = [Schedule(self.path(path)) for path in one["findings"]]
                self.assertEqual({schedule["verdict"] for schedule in saved}, shown)
                for schedule in saved:
                    self.assertEqual(schedule["target"], one["target"])
        found = schedules_below(self.path("out"))
        self.assertGreater(len(found), 20)
        answer = self.call_json("replay", "out")
        self.assertTrue(all(one["matched"] for one in answer["replays"]))
        self.assertEqual(len(answer["replays"]), len(found))

    def test_few_need_to_explore(self):
        """Most findings are schedules as `fuzz` writes them, in long runs of one goroutine."""
        self.check(*WITH_FINDINGS)
        files = [Schedule(path) for path in schedules_below(self.path("out"))]
        exploring = [one for one in files if "exploring 1" in one.lines]
        self.assertLess(len(exploring), len(files) / 3)
        for one in files:
            runs = sum(re.match(r"g\d+ x", line) is not None for line in one.lines)
            self.assertLess(runs, 12, one["target"])

    def test_go_subjects(self):
        one, = self.check("gomap/insert-insert")
        self.assertEqual(one["detected"], one["verdicts"]["go-fatal"])
        self.assertLessEqual(one["detected"] + one["silent"] + one["verdicts"].get("ok", 0),
                             one["executions"])
        self.assertGreater(one["silent"], 0)
        one, = self.check("bench/readers-2")
        self.assertEqual((one["detected"], one["silent"]), (None, None))


class Output(CheckCase):
    def test_json(self):
        answer = self.call_json("check", "bench/readers-*", "gomap/insert-insert", "--out", "out")
        self.assert_fits(answer, CHECK)
        for one in answer["targets"]:
            self.assertEqual((one["memory"], one["preemptions"]), ("sc", None))

    def test_table(self):
        done = self.call("check", "bench/fib_bench-4", "gomap/insert-insert", "--out", "out")
        self.assertEqual(done.stderr, "")
        self.assert_plain(done.stdout)
        self.assertRegex(done.stdout, r"bench/fib_bench-4 +19,605 .* complete, no finding\n")
        self.assertRegex(done.stdout, r"gomap/insert-insert +1,110 .* complete\n")
        self.assertIn("go-fatal 352", done.stdout)
        self.assertIn("detected 31.7 %", done.stdout)
        for path in schedules_below(self.path("out")):
            self.assertIn("    " + os.path.relpath(path, self.folder) + "\n", done.stdout)

    def test_limits(self):
        for jobs in "1", "2":
            one, = self.check("bench/fib_bench-5", "--executions", "1000", "--jobs", jobs)
            self.assertEqual((one["executions"], one["complete"]), (1000, False))
            self.assertLess(one["estimate"]["low"], one["estimate"]["high"])
            self.assertGreaterEqual(one["estimate"]["low"], 1000)
        begin = time.monotonic()
        one, = self.check("bench/lastzero-18", "--time", "500ms")
        self.assertLess(time.monotonic() - begin, 20)
        self.assertFalse(one["complete"])
        text = self.call("check", "bench/fib_bench-5", "--executions", "1000").stdout
        self.assertRegex(text, r"incomplete: so many executions were wanted, no finding\n"
                               r" +of about [\d,]+ to [\d,]+ executions\n")

    def test_time_is_shared(self):
        """A large target does not keep the small ones from their turn."""
        small = "bench/readers-3", "bench/lastzero-5"
        found = {one["target"]: one
                 for one in self.check("bench/lastzero-18", *small, "--time", "6s")}
        for name in small:
            self.assertTrue(found[name]["complete"], found[name])

    def test_findings_cannot_be_kept(self):
        """What was found is known all the same, and that it was all."""
        self.write("file", "")
        arguments = "check", "gomap/insert-insert", "--out", "file", "--json"
        done = self.call(*arguments, code=2)
        one, = json.loads(done.stdout)["targets"]
        self.assertEqual((one["complete"], one["incomplete"], one["executions"]),
                         (True, None, 1_110))
        self.assertEqual(one["findings"], [])
        self.assertIn("findings cannot be written below file", one["error"])
        self.assertEqual(done.stderr, f"treadle check: gomap/insert-insert: {one['error']}\n")

    def test_exit_code(self):
        self.call("check", "bench/readers-2", "gomap/insert-insert", "--out", "out")
        self.call("check", "bench/mutex-dekker", "--memory", "tso", "--out", "out", code=1)


class Bounds(CheckCase):
    def test_preemptions(self):
        whole, = self.check("gomap/insert-insert")
        seen = set()
        for bound in range(3):
            one, = self.check("gomap/insert-insert", "--preemptions", str(bound), "--jobs", "1")
            self.assertTrue(one["complete"])
            self.assertEqual((one["preemptions"], one["limited"]), (bound, True))
            self.assertLessEqual(seen, one["verdicts"].keys())
            seen = set(one["verdicts"])
        self.assertLessEqual(seen, whole["verdicts"].keys())

    def test_auto(self):
        for jobs in "1", "2":
            one, = self.check("bench/fib_bench-2", "--preemptions", "auto", "--jobs", jobs)
            self.assertEqual((one["complete"], one["limited"]), (True, False))
            self.assertGreater(one["preemptions"], 0)
            self.assertEqual(one["executions"], 140)

    def test_jobs(self):
        """Classes are counted, each once, whoever executes them, and how often."""
        targets = "bench/fib_bench-3", "gomap/read-grow", "rwmap/iterate-grow"
        for bound in "1", "2":
            once = self.counts(*targets, "--preemptions", bound, "--jobs", "1")
            self.assertEqual(self.counts(*targets, "--preemptions", bound, "--jobs", "2"), once)

    def test_resume(self):
        arguments = "check", "gomap/read-grow", "--preemptions", "2", "--out", "out"
        whole, = self.call_json(*arguments)["targets"]
        self.call(*arguments, "--executions", "300", "--checkpoint", "state")
        one, = self.call_json(*arguments, "--resume", "state")["targets"]
        self.assertEqual([one[field] for field in COUNTED], [whole[field] for field in COUNTED])

    def test_fewest(self):
        """A finding says how few preemptions show it, and its schedule has no more."""
        targets = "gomap/insert-insert", "slicemap/append", "slice/torn-header", "overflowcas/aba"
        for one in self.check(*targets):
            fewest = one["fewest_preemptions"]
            self.assertEqual(sorted(fewest), sorted(one["findings"]))
            self.assertTrue(all(each["certified"] for each in fewest.values()), one)
            replays = self.call_json("replay", *fewest)["replays"]
            self.assertEqual({each["file"]: each["preemptions"] for each in replays},
                             {path: each["preemptions"] for path, each in fewest.items()})
            needed = {}
            for each in replays:
                verdict = each["verdict"]
                needed[verdict] = min(each["preemptions"], needed.get(verdict, 99))
            self.assertEqual(needed.keys(), one["verdicts"].keys() - {"ok"})
            for bound in range(max(needed.values()) + 1):
                bounded, = self.check(one["target"], "--preemptions", str(bound))
                self.assertEqual(bounded["verdicts"].keys() - {"ok"},
                                 {verdict for verdict in needed if needed[verdict] <= bound})

    def test_fewest_not_certified(self):
        one, = self.check("gomap/read-grow", "--preemptions", "2", "--executions", "200")
        self.assertFalse(one["complete"])
        self.assertFalse(any(each["certified"] for each in one["fewest_preemptions"].values()))


class MemoryModels(CheckCase):
    def test_dekker(self):
        """Safe under sc; broken where stores are buffered, which findings show by replay."""
        name = "bench/mutex-dekker"
        one, = self.check(name, "--memory", "sc")
        self.assertEqual((one["memory"], one["verdicts"]), ("sc", {"ok": one["executions"]}))
        for model in "tso", "pso":
            one, = self.check(name, "--memory", model, code=1)
            self.assertEqual((one["memory"], one["complete"]), (model, True))
            self.assertGreater(len(one["findings"]), 0)
            for path in one["findings"]:
                self.assertEqual(Schedule(self.path(path))["memory"], model)
            self.call("replay", *one["findings"])

    def test_resume(self):
        self.call("check", "bench/fib_bench-3", "--executions", "10", "--checkpoint", "state")
        self.assertIn("--memory", self.refuse("check", "--resume", "state", "--memory", "tso"))


class Survival(CheckCase):
    TARGET = "gomap/read-grow"

    def start(self, *arguments):
        command = [self.program, "check", self.TARGET, "--out", "out", "--json", *arguments]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(process.wait)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
        return process

    def finish(self, process):
        stdout, stderr = process.communicate(timeout=300)
        self.assertEqual((process.returncode, stderr), (0, ""), stdout)
        one, = json.loads(stdout)["targets"]
        return one

    def assert_same(self, one):
        undisturbed, = self.check(self.TARGET)
        self.assertEqual([one[field] for field in COUNTED],
                         [undisturbed[field] for field in COUNTED])

    def test_killed_workers(self):
        """Each loses what it had been given; nothing of that is lost or counted twice."""
        process = self.start("--jobs", "2")
        chance = random.Random(1)
        for _ in range(6):
            time.sleep(chance.uniform(0.05, 0.2))
            for pid in children(process.pid)[:1]:
                os.kill(pid, signal.SIGKILL)
        self.assert_same(self.finish(process))

    def test_killed(self):
        """Goes on from the last checkpoint, whenever it was killed."""
        chance = random.Random(2)
        arguments = "--jobs", "2", "--checkpoint", "state"
        for _ in range(8):
            resume = ("--resume", "state") if os.path.exists(self.path("state")) else ()
            process = self.start(*arguments, *resume)
            time.sleep(chance.uniform(0.05, 0.6))
            process.send_signal(chance.choice((signal.SIGKILL, signal.SIGINT)))
            process.communicate(timeout=60)
        resume = ("--resume", "state") if os.path.exists(self.path("state")) else ()
        self.assert_same(self.finish(self.start(*arguments, *resume)))

    def test_pieces(self):
        """Some executions at a time, each from the checkpoint before: the same in the end."""
        arguments = "check", self.TARGET, "--out", "out", "--checkpoint", "state"
        self.call(*arguments, "--executions", "3000")
        for wanted in 5000, 9999, 12000:
            one, = self.call_json(*arguments, "--executions", str(wanted), "--resume",
                                  "state")["targets"]
            self.assertEqual((one["executions"], one["complete"]), (wanted, False))
        one, = self.call_json("check", "--out", "out", "--resume", "state")["targets"]
        self.assert_same(one)

    def test_interrupt(self):
        process = subprocess.Popen([self.program, "check", "bench/lastzero-18", "--jobs", "2"],
                                   cwd=self.folder, stdout=subprocess.PIPE, text=True,
                                   start_new_session=True)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertIn("incomplete: interrupted", stdout)


class Misuse(CheckCase):
    def test_options(self):
        for arguments, *words in (
                (["--memory", "rc11"], "rc11", "fuzz"), (["--memory", "arm"], "arm"),
                (["--preemptions", "x"], "--preemptions", "x"),
                (["--preemptions", "-1"], "--preemptions"), (["--unroll", "0"], "--unroll"),
                (["--time", "soon"], "--time", "soon"), (["--executions", "0"], "--executions"),
                (["--jobs", "257"], "--jobs"), (["--jobs", "0"], "--jobs"),
                (["--checkpoint", ""], "--checkpoint"), (["--resume", ""], "--resume"),
                (["--out", ""], "--out"), (["--nothing"], "--nothing"), (["--time"], "--time"),
                (["bench/nothing"], "bench/nothing")):
            with self.subTest(arguments):
                line = self.refuse("check", *arguments)
                for word in words:
                    self.assertIn(word, line)
        self.assertEqual(os.listdir(self.folder), [])

    def test_resume(self):
        self.call("check", "bench/fib_bench-4", "--executions", "100", "--checkpoint", "state")
        with open(self.path("state"), "rb") as file:
            state = file.read()
        self.assertIn("bench/fib_bench-4", self.refuse("check", "bench/fib_bench-3", "--resume",
                                                       "state"))
        self.assertIn("--preemptions", self.refuse("check", "--resume", "state", "--preemptions",
                                                   "1"))
        for name, content in (
                ("cut", state[:len(state) // 2]), ("shorter", state[:30]), ("empty", b""),
                ("flipped", state[:200] + bytes([state[200] ^ 1]) + state[201:]),
                ("longer", state + b"\0"), ("version", state.replace(b"t 3\n", b"t 4\n", 1)),
                ("other", b"not a checkpoint\n" * 100)):
            with self.subTest(name):
                self.write(name, content)
                self.assertIn(f"{name}: ", self.refuse("check", "--resume", name))
        self.assertIn("missing: ", self.refuse("check", "--resume", "missing"))
        self.assertIn("another version", self.refuse("check", "--resume", "version"))

    def test_another_build(self):
        """Any other program, even one that differs by nothing that counts."""
        self.call("check", "bench/fib_bench-4", "--executions", "100", "--checkpoint", "state")
        with open(self.program, "rb") as file:
            self.write("treadle", file.read() + b"\0")
        os.chmod(self.path("treadle"), 0o755)
        self.program = self.path("treadle")
        self.assertIn("another build", self.refuse("check", "--resume", "state"))

    def test_checkpoint_cannot_be_written(self):
        done = self.call("check", "bench/fib_bench-4", "--checkpoint", "no/folder", code=2)
        self.assertRegex(done.stderr, r"\A[^\n]*no/folder[^\n]*\n\Z")
        done = self.call("check", "bench/lastzero-18", "--checkpoint", "no/folder", code=2)
        self.assertRegex(done.stdout, "incomplete: its checkpoint cannot be written")
        self.assertNotIn("time is over", done.stdout)

    def test_checkpoint_is_a_folder(self):
        os.mkdir(self.path("folder"))
        self.assertIn("--checkpoint folder", self.refuse("check", "bench/fib_bench-4",
                                                         "--checkpoint", "folder"))
        self.assertEqual(os.listdir(self.folder), ["folder"])

    def test_checkpoint_leaves_nothing_else(self):
        """No half of a file either, when there is no room for it."""
        os.mkdir(self.path("late"))
        process = subprocess.Popen([self.program, "check", "bench/lastzero-18", "--checkpoint",
                                    "late/state"], cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while not os.path.exists(self.path("late/state")) and time.monotonic() < end:
            time.sleep(0.01)
        os.unlink(self.path("late/state"))
        os.mkdir(self.path("late/state"))
        self.assertIn("late/state", process.communicate(timeout=60)[1])
        self.assertEqual((process.returncode, os.listdir(self.path("late"))), (2, ["state"]))


class Outcomes(CheckCase):
    PROGRAM = b"rand 5\nnew 0\na 0 100\npar a 1 1 | a 2 2\n"
    LARGE = b"rand 5\nnew 0\na 0 100\npar a 1 1; a 3 3 | a 2 2; a 4 4 | a 5 5; a 6 6\n"

    def test_exhaustive(self):
        """Every outcome that random executions come upon is among all."""
        def outcomes(*arguments):
            text = self.call("outcomes", "gomap", *arguments, stdin=self.PROGRAM).stdout
            return {line.split(" ", 1)[1]: int(line.split(" ", 1)[0])
                    for line in text.split("outcomes:\n")[1].splitlines()}
        every = outcomes("--exhaustive")
        self.assertEqual(outcomes("--exhaustive"), every)
        self.assertLessEqual(outcomes("--executions", "100000").keys(), every.keys())
        self.assertIn("FATAL concurrent map writes", every)

    def test_cut_off(self):
        """Nothing that looks like all outcomes is printed of some."""
        program, arguments = self.LARGE, ("outcomes", "gomap", "--exhaustive")
        line = self.refuse(*arguments, "--executions", "100", stdin=program)
        self.assertIn("incomplete: so many executions were wanted", line)
        line = self.refuse(*arguments, "--time", "200ms", stdin=program)
        self.assertIn("incomplete: time is over", line)
        every = self.call(*arguments, stdin=self.PROGRAM).stdout
        self.assertEqual(self.call(*arguments, "--executions", "1000000", "--time", "1h",
                                   stdin=self.PROGRAM).stdout, every)

    def test_interrupt(self):
        """On a terminal there is a line of how far it is, which is gone in the end."""
        ours, theirs = pty.openpty()
        self.write("program", self.LARGE)
        with open(self.path("program"), "rb") as program:
            process = subprocess.Popen([self.program, "outcomes", "gomap", "--exhaustive"],
                                       stdin=program, stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        shown = b""
        while b" executions, " not in shown:
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
        self.assertEqual((process.returncode, stdout), (2, b""))
        shown += os.read(ours, 4096)
        self.assertRegex(shown.decode(), r"\r\x1b\[Ktreadle outcomes: incomplete: interrupted")
        os.close(ours)

    def test_misuse(self):
        self.assertIn("--time", self.refuse("outcomes", "gomap", "--time", "1s",
                                            stdin=self.PROGRAM))
        for option, value in ("--seed", "5"), ("--strategy", "pos"):
            self.assertIn(option, self.refuse("outcomes", "gomap", "--exhaustive", option, value,
                                              stdin=self.PROGRAM))


if __name__ == "__main__":
    main()
