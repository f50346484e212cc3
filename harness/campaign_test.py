#!/usr/bin/env python3
"""`treadle fuzz` as a process among others: Ctrl-C, workers that are killed, folders that cannot be
written, time, memory, and nothing left behind.

    campaign_test.py BUILD/treadle
"""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import ProgramCase, main, process_status, processes, schedules_below

FOUND_AT_ONCE = "slice/torn-header"
SLOW = "rwmap/iterate-grow"  # about 150,000 executions a second
NOBODY = 65534
CAMPAIGN_FILES = "campaign.corpus", "campaign.state", "report.html", "status.json"
MEMORY_BYTES_MAX = 64 << 20


class CampaignCase(ProgramCase):
    def start(self, *arguments):
        """Starts `fuzz` with these arguments, in a session of its own, on 2 jobs."""
        command = [self.program, "fuzz", "--out", "out", "--jobs", "2", *arguments]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
        return process

    def wait_until(self, what, seconds=20):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.01)

    def workers(self, process, count=2):
        self.wait_until(lambda: len(processes(1, process.pid)) == count)
        return list(processes(1, process.pid))

    def finish(self, process, code=0):
        """What it printed; nothing of it may remain."""
        stdout, stderr = process.communicate(timeout=120)
        self.assertEqual(stderr, "")
        self.assertEqual(process.returncode, code, stdout)
        self.assertEqual(processes(2, process.pid), {}, "processes that go on")
        left = [name for _, _, names in os.walk(self.path("out")) for name in names
                if not name.endswith((".sched", ".sched.surplus")) and name not in CAMPAIGN_FILES]
        self.assertEqual(left, [], "files that are no findings")
        return stdout


class Interrupt(CampaignCase):
    def interrupt(self, process, seconds=2.0):
        """As a terminal does it: the signal goes to the whole group."""
        self.workers(process)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        begin = time.monotonic()
        printed = self.finish(process)
        self.assertLess(time.monotonic() - begin, 5)
        return printed

    def test_table(self):
        printed = self.interrupt(self.start("--time", "60s"))
        self.assertIn("Interrupted after", printed)
        for name in self.targets():
            self.assertEqual(f"\n{name} " in printed, not name.startswith("bench/"), name)
        found = schedules_below(self.path("out"))
        self.assertGreater(len(found), 30)
        self.assertIn(f" {len(found)} findings in out/", printed)
        self.call("replay", "out")

    def test_json(self):
        answer = json.loads(self.interrupt(self.start("--time", "60s", "--json"), seconds=1))
        named = sorted(path for one in answer["targets"] for path in one["findings"])
        self.assertEqual([self.path(path) for path in named], schedules_below(self.path("out")))

    def test_codes_as_otherwise(self):
        process = self.start(SLOW, "gomap/iterate-grow", "--strategy", "random", "--time", "60s",
                             "--require")
        self.workers(process)
        os.killpg(process.pid, signal.SIGINT)
        self.assertIn("missing: gomap/iterate-grow", self.finish(process, code=1))

    def test_impatience(self):
        """More signals, while findings are being saved, lose none of them."""
        process = self.start("--time", "60s", "--json")
        self.workers(process)
        time.sleep(1)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.005)
        answer = json.loads(self.finish(process))
        for one in answer["targets"]:
            self.assertNotIn("nondeterministic", one["verdicts"], one["target"])
            self.assertEqual(len(one["findings"]) > 0, len(one["first"]) > 0, one["target"])


class KilledWorker(CampaignCase):
    EXECUTIONS = 600_000

    def check_result(self, process, jobs):
        """Nothing is lost, and the counts are those of an undisturbed run."""
        counts = json.loads(self.finish(process))["targets"]
        undisturbed = self.call_json("fuzz", SLOW, FOUND_AT_ONCE, "--executions",
                                     str(self.EXECUTIONS), "--jobs", str(jobs), "--out", "other")
        self.assertEqual([(one["target"], one["executions"], one["verdicts"]) for one in counts],
                         [(one["target"], one["executions"], one["verdicts"])
                          for one in undisturbed["targets"]])

    def begin(self, jobs):
        return self.start(SLOW, FOUND_AT_ONCE, "--executions", str(self.EXECUTIONS), "--json",
                          "--jobs", str(jobs))

    def test_busy(self):
        process = self.begin(jobs=2)
        for turn in 0, 1, 0:
            time.sleep(0.3)
            os.kill(self.workers(process)[turn], signal.SIGKILL)
        self.check_result(process, jobs=2)

    def test_idle(self):
        process = self.begin(jobs=1)
        worker, = self.workers(process, count=1)
        time.sleep(0.3)
        process.send_signal(signal.SIGSTOP)  # so that the worker runs out of work
        self.wait_until(lambda: process_status(worker)[0] == "S")
        os.kill(worker, signal.SIGKILL)
        self.wait_until(lambda: process_status(worker)[0] == "Z")
        process.send_signal(signal.SIGCONT)
        self.check_result(process, jobs=1)


class Folder(CampaignCase):
    def refuse_folder(self, folder, **options):
        """Exit code 2, one line that names the folder, the table all the same."""
        done = self.call("fuzz", FOUND_AT_ONCE, "--executions", "2000", "--out", folder, code=2,
                         **options)
        self.assertRegex(done.stderr, rf"\A[^\n]*{folder[:50]}[^\n]*\n\Z")
        self.assertIn("torn-read", done.stdout)
        self.assertNotIn("nondeterministic", done.stdout)

    def test_is_a_file(self):
        self.refuse_folder(self.write("file", ""))
        self.refuse_folder("file/below")

    def test_read_only(self):
        os.mkdir(self.path("read-only"), mode=0o555)
        if os.geteuid() != 0:
            self.refuse_folder("read-only")
            return
        # Nothing is read-only for root; for nobody the program must lie where anyone can reach it.
        os.chmod(self.folder, 0o755)
        self.program = shutil.copy(self.program, self.path("program"))
        self.refuse_folder("read-only", user=NOBODY)

    def test_full(self):
        os.mkdir(self.path("full"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "treadle-test",
                                  self.path("full")], capture_output=True, check=False)
        if mounted.returncode != 0:
            print("SKIPPED: a full disk, for nothing can be mounted here")
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", self.path("full")], check=True)
        self.write("full/filler", b"x" * (12 << 10))
        self.refuse_folder("full")
        names = [name for _, _, names in os.walk(self.path("full")) for name in names]
        self.assertEqual([name for name in names if name.endswith(".new")], [])

    def test_odd_names(self):
        """Findings are saved whatever the folder is called."""
        for folder in "-x", "a b", "a;b'c\"", "\u00e4", "\udcff", "a/../b", "deep/" * 50:
            with self.subTest(os.fsencode(folder)):
                done = self.call("fuzz", FOUND_AT_ONCE, "--executions", "2000", "--out", folder)
                self.assertNotIn("nondeterministic", done.stdout)
                self.assertGreater(len(schedules_below(self.path(folder))), 0)

    def test_too_long_name(self):
        self.refuse_folder("a" * 300)
        done = self.call("fuzz", FOUND_AT_ONCE, "--executions", "2000", "--out",
                         ("a" * 200 + "/") * 25, code=2)
        self.assertEqual(done.stderr.count("\n"), 1)


class Limits(CampaignCase):
    def test_time(self):
        begin = time.monotonic()
        answer = json.loads(self.finish(self.start("--time", "3s", "--json")))
        self.assertTrue(3 <= time.monotonic() - begin < 8, answer["seconds"])
        for one in answer["targets"]:
            self.assertGreater(one["executions"], 0, one["target"])

    def test_stop_on_first(self):
        one, = self.call_json("fuzz", FOUND_AT_ONCE, "--executions", "10000000",
                              "--stop-on-first")["targets"]
        self.assertLess(one["executions"], 10000)
        self.assertGreater(len(one["findings"]), 0)

    def test_memory(self):
        for executions in "20000", "200000":
            process = subprocess.Popen([self.program, "fuzz", "gomap/iterate-grow", "--executions",
                                        executions], cwd=self.folder, stdout=subprocess.DEVNULL)
            # the peak of the process and of those that it has waited for
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            self.assertLess(usage.ru_maxrss << 10, MEMORY_BYTES_MAX)

    def test_status_line(self):
        """There is one on a terminal, and it is gone at the end."""
        ours, theirs = pty.openpty()
        done = subprocess.run([self.program, "fuzz", "--time", "2s"], cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=theirs, check=True)
        self.assertEqual(done.returncode, 0)
        os.close(theirs)
        shown = self.read_all(ours)
        self.assertIn(" executions ", shown)
        self.assertIn("of 2 s", shown)
        self.assertTrue(shown.endswith("\r\x1b[K"))
        for line in shown.split("\r\x1b[K"):
            self.assertLessEqual(len(line), 100)

    def read_all(self, terminal):
        parts = []
        try:
            while part := os.read(terminal, 4096):
                parts.append(part)
        except OSError:  # EIO: the other end is closed
            pass
        os.close(terminal)
        return b"".join(parts).decode()


class EngineCase(ProgramCase):
    """Those that this program was built with."""

    def fuzz(self, engine, *arguments):
        done = self.call("fuzz", "--engine", engine, "--out", "out", "--json", *arguments,
                         code=None)
        if done.returncode == 2 and "was installed" in done.stderr:
            self.skipTest(f"built without {engine}")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["targets"]

    def check_finds_and_keeps(self, engine):
        before = set(os.listdir("/tmp"))
        one, = self.fuzz(engine, FOUND_AT_ONCE, "--time", "3s", "--jobs", "2")
        self.assertEqual((one["strategy"], one["error"]), (engine, None))
        self.assertGreater(one["executions"], 10_000)
        self.assertGreater(len(one["findings"]), 0)
        self.call("replay", *one["findings"])
        left = set(os.listdir("/tmp")) - before
        self.assertEqual([name for name in left if name.startswith("treadle-inputs")], [])


class Afl(EngineCase):
    def test_finds_and_keeps(self):
        self.check_finds_and_keeps("afl")

    def test_stability(self):
        """No state is carried from one input to the next, says afl-fuzz itself."""
        program = os.path.join(os.path.dirname(self.program), "treadle-afl")
        if not os.path.exists(program) or shutil.which("afl-fuzz") is None:
            self.skipTest("built without AFL++")
        os.mkdir(self.path("in"))
        self.write("in/first", b"12345678\0")
        names = ("AFL_SKIP_CPUFREQ", "AFL_NO_AFFINITY", "AFL_NO_UI", "AFL_CUSTOM_MUTATOR_ONLY",
                 "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES")
        environment = dict(os.environ, **{name: "1" for name in names},
                           TREADLE_AFL_PAIRS=self.path("pairs"), AFL_CUSTOM_MUTATOR_LIBRARY=
                           os.path.join(os.path.dirname(program), "libtreadle-afl-mutator.so"))
        subprocess.run(["afl-fuzz", "-i", "in", "-o", "afl", "-V", "4", "-m", "none", "-t", "60000",
                        "--", program, "gomap/insert-insert-grow"], cwd=self.folder, check=True,
                       env=environment, stdout=subprocess.DEVNULL, timeout=120)
        with open(self.path("afl", "default", "fuzzer_stats"), encoding="ascii") as file:
            stats = dict(re.match(r"(\w+) *: (.*)", line).groups() for line in file)
        self.assertEqual(stats["stability"], "100.00%")
        self.assertIn("persistent shmem_testcase deferred", stats["target_mode"])
        self.assertGreater(int(stats["corpus_count"]), 5)
        self.assertGreater(os.path.getsize(self.path("pairs")), 100)


class LibFuzzer(EngineCase):
    def test_finds_and_keeps(self):
        self.check_finds_and_keeps("libfuzzer")

    def test_limits(self):
        slow, one = self.fuzz("libfuzzer", FOUND_AT_ONCE, SLOW, "--executions", "3200", "--jobs",
                              "1")
        self.assertEqual((slow["target"], one["target"]), (SLOW, FOUND_AT_ONCE))
        self.assertEqual((slow["executions"], one["executions"]), (3200, 3200))
        self.assertEqual(slow["verdicts"], {"ok": 3200})


class Shared(EngineCase):
    """A campaign of all engines that there are."""

    def status(self):
        with open(self.path("out", "status.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_share_findings_corpus_and_time(self):
        targets = self.fuzz("all", "gomap/*insert*", "--time", "16s", "--jobs", "2")
        status = self.status()
        engines = {engine["engine"]: engine for engine in status["engines"]}
        self.assertIn("own", engines)
        self.assertEqual(sum(engine["executions"] for engine in engines.values()),
                         sum(target["executions"] for target in targets))
        for engine in engines.values():
            self.assertGreater(engine["executions"], 1000, engine)
            self.assertGreater(engine["seconds"], 1.5, engine)
        if len(engines) == 1:
            self.skipTest("there is our own engine alone")
        self.assertEqual(set(status["strategy"].split(",")), set(engines))
        for target in targets:
            queue = self.path("out", target["target"], "inputs", "own", "queue")
            self.assertGreater(len(os.listdir(queue)), 1)
            self.call("corpus", "show", target["target"], queue)
        before = status["executions"]
        self.fuzz("all", "gomap/*insert*", "--time", "6s", "--jobs", "2")
        status = self.status()
        self.assertEqual(status["health"]["runs"], 2)
        self.assertGreater(status["executions"], before)
        self.assertEqual(status["health"]["workers_died"], 0)

    def processes(self):
        """Those that know of this test's folder, zombies apart."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    known = file.read()
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read()
            except OSError:
                continue
            if int(pid) != os.getpid() and self.folder.encode() in known + words:
                found.append(words)
        return found

    def test_a_killed_one_leaves_nobody(self):
        self.fuzz("all", "gomap/*", "--time", "1s")  # or is skipped
        with subprocess.Popen([self.program, "fuzz", "gomap/*", "--time", "100s", "--engine", "all",
                               "--jobs", "2", "--out", self.path("out")],
                              stdout=subprocess.DEVNULL) as campaign:
            end = time.monotonic() + 60
            while len(self.processes()) < 3 and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(4)  # AFL++ has its turn
            campaign.kill()
        end = time.monotonic() + 10
        while self.processes() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.processes(), [])
        self.assertEqual(self.fuzz("all", "gomap/*", "--time", "2s")[0]["error"], None)

    def test_explores_the_memory_model(self):
        """The outcome of store buffers is found by each engine, under tso alone."""
        for engine in ("own", "libfuzzer", "afl"):
            with self.subTest(engine):
                for memory, seen in (("sc", False), ("tso", True)):
                    done = self.call("fuzz", "bench/mutex-peterson", "--engine", engine,
                                     "--memory", memory, "--time", "3s", "--json", code=None)
                    if done.returncode == 2 and "was installed" in done.stderr:
                        self.skipTest(f"built without {engine}")
                    one, = json.loads(done.stdout)["targets"]
                    self.assertGreater(one["executions"], 1000)
                    self.assertEqual(len(one["verdicts"]) > 1, seen, one["verdicts"])

    def features(self, target, kinds):
        folder = f"{target.replace('/', '-')}-{kinds}"
        self.call("fuzz", target, "--feedback", kinds, "--executions", "20000", "--out", folder)
        with open(self.path(folder, "status.json"), encoding="utf-8") as file:
            return json.load(file)["features"]

    def test_kinds_of_feedback(self):
        for target, there, absent in (
                ("slice/locked-header", ("reads-from", "conflicts", "sync"), "states"),
                ("gomap/insert-insert-grow", ("reads-from", "conflicts", "states"), "sync")):
            counts = [self.features(target, kind) for kind in there]
            self.assertEqual(self.features(target, absent), 0)
            self.assertEqual(self.features(target, "none"), 0)
            self.assertTrue(all(counts), counts)
            self.assertEqual(self.features(target, ",".join(there)), self.features(target, "all"))
            self.assertGreater(self.features(target, "all"), max(counts))

    def test_bad_words(self):
        for words, said in ((("--engine", "own,,afl"), "there is no engine"),
                            (("--engine", "own,none"), "there is no engine none"),
                            (("--engine", "x" * 100), "no list of engines"),
                            (("--feedback", "nothing"), "there is no feedback nothing"),
                            (("--feedback", ""), "there is no feedback"),
                            (("--engine", "all", "--strategy", "pos"), "our own engine"),
                            (("--engine", "all", "--twice"), "our own engine")):
            done = self.call("fuzz", FOUND_AT_ONCE, *words, code=2)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    main()
