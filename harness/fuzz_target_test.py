#!/usr/bin/env python3
""".clusterfuzzlite/build.sh, called as ClusterFuzzLite and OSS-Fuzz call it, leaves a program for
each target, with seeds and options, which libFuzzer drives and which reports what is found. Keeps
its build directory beside the program, so that only what has changed is compiled again.

    fuzz_target_test.py BUILD/treadle
"""

import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import zipfile

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import SOURCE_ROOT, ProgramCase, main, schedules_below

RUNS = 300


def has_fuzzer():
    """Whether clang comes with libFuzzer: package libclang-rt-14-dev."""
    if shutil.which("clang-14") is None or shutil.which("clang++-14") is None:
        return False
    library = subprocess.run(["clang-14", "--print-file-name=libclang_rt.fuzzer-x86_64.a"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return os.path.exists(library) or bool(
        glob.glob("/usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a"))


class FuzzTarget(ProgramCase):
    @classmethod
    def setUpClass(cls):
        place = os.path.join(os.path.dirname(cls.program), "clusterfuzzlite")
        cls.out = os.path.join(place, "out")
        os.makedirs(place, exist_ok=True)
        lock = os.open(place, os.O_RDONLY)  # two runs at a time must not share it
        fcntl.flock(lock, fcntl.LOCK_EX)
        cls.addClassCleanup(os.close, lock)
        shutil.rmtree(cls.out, ignore_errors=True)
        flags = "-O1 -gline-tables-only -fsanitize=undefined -fno-sanitize-recover=undefined"
        flags += " -fsanitize=fuzzer-no-link"
        environment = {**os.environ, "OUT": cls.out, "WORK": os.path.join(place, "work"),
                       "CC": "clang-14", "CXX": "clang++-14", "CFLAGS": flags, "CXXFLAGS": flags,
                       "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer"}
        for name in "OUT", "WORK":
            os.makedirs(environment[name], exist_ok=True)
        done = subprocess.run(["bash", os.path.join(".clusterfuzzlite", "build.sh")],
                              cwd=SOURCE_ROOT, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"build.sh:\n{done.stdout[-3000:]}")

    def fuzz(self, name, *arguments, code=0, **environment):
        done = subprocess.run([os.path.join(self.out, name), *arguments], capture_output=True,
                              text=True, cwd=self.folder, check=False, timeout=300,
                              env={**os.environ, **environment})
        if code is not None:
            self.assertEqual(done.returncode, code, f"{name}: {done.stderr[-2000:]}")
        return done.stderr

    def test_each(self):
        names = {target.replace("/", "_") for target in self.targets()
                 if not target.startswith("bench/")}
        self.assertEqual(names, {name for name in os.listdir(self.out)
                                 if name != "lib" and "_seed_corpus" not in name
                                 and not name.endswith(".options")})
        for name in sorted(names):
            with self.subTest(name):
                with open(os.path.join(self.out, name + ".options"), encoding="utf-8") as file:
                    self.assertEqual(file.readline(), "[libfuzzer]\n")
                seeds = self.path(name)
                with zipfile.ZipFile(os.path.join(self.out, name + "_seed_corpus.zip")) as seed:
                    self.assertGreater(len(seed.namelist()), 0)
                    seed.extractall(seeds)
                said = self.fuzz(name, f"-runs={RUNS}", "-seed=1", seeds)
                self.assertIn("DONE   cov: ", said)
                features = re.findall(r" ft: (\d+) ", said)
                self.assertGreater(int(features[-1]), 1, "the counters count nothing")

    def test_seeds_of_findings(self):
        for target in "gomap/read-grow", "gomap/overflow-list-gc", "slice/torn-header":
            kept = schedules_below(os.path.join(SOURCE_ROOT, "findings", target))
            name = target.replace("/", "_") + "_seed_corpus.zip"
            with zipfile.ZipFile(os.path.join(self.out, name)) as seed:
                self.assertGreater(len(seed.namelist()), len(kept))

    def test_reports(self):
        """What is not expected ends the process; the input shows it again, and so does the schedule
        that is printed. (No shipped target shows what it does not expect.)"""
        said = self.fuzz("slice_torn-header", "-seed=1", "-runs=1000", code=77,
                         TREADLE_FUZZ_ANY="1")
        verdict = re.search(r"^treadle: slice/torn-header shows ([a-z-]+): ", said, re.MULTILINE)[1]
        saved, = glob.glob(self.path("crash-*"))
        self.assertIn(verdict, self.fuzz("slice_torn-header", saved, code=77,
                                         TREADLE_FUZZ_ANY="1"))
        self.fuzz("slice_torn-header", saved)
        schedule = re.search(r"^treadle schedule 1\n.*?^end\n", said, re.MULTILINE | re.DOTALL)[0]
        self.write("printed.sched", schedule)
        self.call("replay", "printed.sched")

    def test_other_name(self):
        shutil.copy(os.path.join(self.out, "slice_torn-header"), self.path("other"))
        said = self.fuzz(self.path("other"), "-runs=1", code=2)
        self.assertIn("no target is called other", said)
        self.assertIn("  gomap/read-grow\n", said)


if __name__ == "__main__":
    if not has_fuzzer():
        print("SKIPPED: libFuzzer is not here (packages clang-14, libclang-rt-14-dev)")
        sys.exit(77)
    main()
