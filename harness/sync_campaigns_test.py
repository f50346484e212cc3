#!/usr/bin/env python3
"""sync_campaigns.sh gives each machine's main instance to all others: directories stand for the
machines, and a script for ssh.

    sync_campaigns_test.py BUILD/treadle
"""

import os
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import SOURCE_ROOT, ProgramCase, main

SCRIPT = os.path.join(SOURCE_ROOT, "harness", "sync_campaigns.sh")
# What is to run on the machine runs here.
SSH = """#!/bin/sh
[ "$1" != -l ] || shift 2
shift
exec sh -c "$*"
"""


class SyncCase(ProgramCase):
    def sync(self, *machines, code=0, **environment):
        done = subprocess.run([SCRIPT, *machines], capture_output=True, text=True, check=False,
                              cwd=self.folder, env={**os.environ, **environment})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def put(self, path, content="x"):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        self.write(path, content)

    def files(self, folder):
        return sorted(os.path.relpath(os.path.join(place, name), self.path(folder))
                      for place, _, names in os.walk(self.path(folder)) for name in names)

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as file:
            return file.read()


class Usage(SyncCase):
    def test_refused(self):
        for machines, says in (([], "two machines"), (["one=a"], "two machines"),
                               (["a", "b"], "a has no name"), (["one=a", "one=b"], "called one"),
                               (["host:a", "you@host:b"], "called host"),
                               (["o e=a", "two=b"], "no name"), (["../o=a", "two=b"], "no name")):
            said = self.sync(*machines, code=2)
            self.assertRegex(said, rf"\Async_campaigns.sh: .*{says}.*\n\Z")

    def test_no_rsync(self):
        os.mkdir(self.path("bin"))
        said = self.sync("one=a", "two=b", code=2, PATH=self.path("bin"))
        self.assertIn("install the package rsync", said)


@unittest.skipIf(shutil.which("rsync") is None, "the package rsync is not there")
class Copies(SyncCase):
    def setUp(self):
        super().setUp()
        for name in "one", "two":
            self.put(f"{name}/main-{name}/queue/id:000000", name)
            self.put(f"{name}/main-{name}/.cur_input")
            self.put(f"{name}/main-{name}/queue/.state/what")
            self.put(f"{name}/job1/queue/id:000000")

    def check_both(self, one="one", two="two"):
        self.assertEqual(self.read(f"{one}/main-two/queue/id:000000"), "two")
        self.assertEqual(self.read(f"{two}/main-one/queue/id:000000"), "one")
        self.assertEqual(self.files(f"{one}/main-two"), ["queue/id:000000"])
        self.assertEqual(self.files(f"{two}/main-one"), ["queue/id:000000"])
        self.assertEqual(len(self.files(one)), 5)
        self.assertEqual(self.files(f"{one}/job1"), ["queue/id:000000"])

    def test_two(self):
        self.assertEqual(self.sync("one=one", "two=two"), "")
        self.check_both()
        self.put("one/main-one/queue/id:000001")
        self.put("two/main-one/queue/id:000009")
        self.put("two/main-one/queue/id:000000", "spoiled, which is not what one has")
        self.sync("one=one", "two=two")
        self.assertEqual(self.files("two/main-one"), [f"queue/id:00000{i}" for i in (0, 1, 9)])
        self.assertEqual(self.files("one/main-one/queue"),
                         [".state/what", "id:000000", "id:000001"])  # its own is left alone
        self.assertEqual(self.read("two/main-one/queue/id:000000"), "one")

    def test_by_ssh(self):
        os.rename(self.path("one"), self.path("a place"))
        self.write("ssh", SSH)
        os.chmod(self.path("ssh"), 0o755)
        self.sync(f"one=somewhere:{self.path('a place')}", f"you@two:{self.path('two')}",
                  RSYNC_RSH=self.path("ssh"))
        self.check_both(one="a place")

    def test_three_one_away(self):
        said = self.sync("gone=no/such", "one=one", "two=two", code=1)
        self.assertIn("sync_campaigns.sh: not all of main-gone could be read\n", said)
        self.assertIn("sync_campaigns.sh: gone has not got all of main-one\n", said)
        self.check_both()

    def test_leaves_nothing(self):
        os.mkdir(self.path("temporary"))
        self.sync("one=one", "gone=no/such", code=1, TMPDIR=self.path("temporary"))
        self.assertEqual(os.listdir(self.path("temporary")), [])


@unittest.skipIf(shutil.which("rsync") is None or shutil.which("afl-fuzz") is None,
                 "the packages rsync and afl++ are not there")
class ByAfl(SyncCase):
    """AFL++ itself takes what has come from the other machine."""

    TARGET = "gomap/iterate-grow"

    def fuzz(self, name, start, **environment):
        build = os.path.dirname(self.program)
        done = subprocess.run(
            ["afl-fuzz", "-i", start, "-o", name, "-M", f"main-{name}", "-V", "4", "-t", "60000",
             "-m", "none", "--", os.path.join(build, "treadle-afl"), self.TARGET],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "AFL_CUSTOM_MUTATOR_LIBRARY":
                 os.path.join(build, "libtreadle-afl-mutator.so"), "AFL_CUSTOM_MUTATOR_ONLY": "1",
                 "AFL_DISABLE_TRIM": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1",
                 "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_NO_UI": "1", **environment})
        self.assertEqual(done.returncode, 0, done.stdout[-1000:])

    def test_imports(self):
        if not os.path.exists(os.path.join(os.path.dirname(self.program), "treadle-afl")):
            self.skipTest("Treadle was built without AFL++")
        self.put("seeds/first")
        for name in "one", "two":
            self.fuzz(name, "seeds")
        self.sync("one=one", "two=two")
        self.fuzz("two", "-", AFL_IMPORT_FIRST="1")
        self.assertTrue([name for name in os.listdir(self.path("two", "main-two", "queue"))
                         if "sync:main-one" in name])


if __name__ == "__main__":
    main()
