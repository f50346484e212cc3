#!/usr/bin/env python3
"""Programs of pthreads, compiled by treadle-cc as they are: `fuzz`, `check` and `replay` find in
each program of harness/programs/ what its first comment says, and nothing in those that are right;
and without --treadle a program is itself.

    treadle_cc_test.py BUILD/treadle
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import SOURCE_ROOT, ProgramCase, Schedule, main, number, schedules_below

PROGRAMS = os.path.join(SOURCE_ROOT, "harness", "programs")
FUZZ = {"seed": int, "seconds": number, "targets": [{
    "target": str, "strategy": str, "memory": str, "executions": int, "seconds": number,
    "executions_per_second": number, "steps": int, "verdicts": {str: int}, "first": {str: dict},
    "findings": [str], "detected": (int, None), "silent": (int, None)}]}
CUT_OFF = {"segfault"}  # by a signal: no exploration goes on behind that

HELLO = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static int sum;
static void *add(void *argument) { __atomic_fetch_add(&sum, *(int *)argument, 5); return NULL; }
int main(int argc, char **argv)
{
    pthread_t thread;
    int numbers[16], count = argc - 1;
    for (int i = 0; i < count; i++) {
        numbers[i] = atoi(argv[i + 1]);
        pthread_create(&thread, NULL, add, &numbers[i]);
        pthread_join(thread, NULL);
    }
    printf("the sum is %d\n", sum);
    fprintf(stderr, "%s\n", getenv("GREETING") ? getenv("GREETING") : "none");
    return sum;
}
"""


class TreadleCc(ProgramCase):
    """Compiles in the test's folder."""

    def setUp(self):
        super().setUp()
        self.treadle_cc = self.program + "-cc"

    def compile(self, *arguments, code=0):
        done = subprocess.run([self.treadle_cc, *arguments], capture_output=True, text=True,
                              cwd=self.folder, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def build(self, source, name="prog", *options):
        """Compiles source (a text, or a file of PROGRAMS); calls go to the program from then on."""
        path = os.path.join(PROGRAMS, source)
        if "\n" in source:
            path = self.path(name + ".c")
            self.write(name + ".c", source)
        self.compile("-Wall", "-Wextra", "-Werror", path, "-o", name, *options)
        self.program = self.path(name)

    def fuzz(self, *arguments, code=0):
        """What `fuzz --json` says of the one target."""
        answer = self.call_json("--treadle", "fuzz", "--executions", "2000", *arguments, code=code)
        self.assert_fits(answer, FUZZ)
        self.assertEqual(len(answer["targets"]), 1)
        return answer["targets"][0]


class Found(TreadleCc):
    def shown(self, source):
        """Which verdict the program's first comment announces; None: it is right."""
        with open(os.path.join(PROGRAMS, source), encoding="utf-8") as file:
            verdict = re.search(r"Shows: ([a-z-]+)\. \*/", file.read())[1]
        return None if verdict == "nothing" else verdict

    def expect_fuzz(self, name, verdict):
        target = self.fuzz(code=1 if verdict else 0)
        self.assertEqual(target["target"], name)
        self.assertEqual(set(target["verdicts"]) - {"ok"}, {verdict} if verdict else set(), name)
        self.assertEqual(len(target["findings"]) > 0, verdict is not None)
        return target["findings"]

    def expect_replay(self, findings, verdict):
        replays = self.call_json("--treadle", "replay", *findings)["replays"]
        for replay in replays:
            self.assertTrue(replay["matched"], replay)
            self.assertEqual(replay["verdict"], verdict)

    def expect_check(self, name, verdict):
        target = self.call_json("--treadle", "check", "--out", "checked",
                                code=1 if verdict else 0)["targets"][0]
        self.assertEqual(set(target["verdicts"]) - {"ok"}, {verdict} if verdict else set(), name)
        self.assertEqual(target["complete"], name not in CUT_OFF, name)
        if verdict:
            self.expect_replay(schedules_below(self.path("checked")), verdict)

    def test_programs(self):
        sources = sorted(os.listdir(PROGRAMS))
        self.assertGreater(len(sources), 20)
        for source in sources:
            with self.subTest(source), tempfile.TemporaryDirectory() as self.folder:
                self.program, verdict = None, self.shown(source)
                self.build(source, source[:-2])
                findings = self.expect_fuzz(source[:-2], verdict)
                if findings:
                    self.expect_replay(findings, verdict)
                self.expect_check(source[:-2], verdict)

    def test_store_buffers(self):
        self.build("""
#include <assert.h>
#include <pthread.h>
static volatile int x, y;
static int a;
static void *other(void *argument) { x = 1; a = y; return argument; }
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, other, NULL);
    y = 1;
    int b = x;
    pthread_join(thread, NULL);
    assert(a == 1 || b == 1);
    return 0;
}
""")
        self.expect_fuzz("prog", None)
        target = self.fuzz("--memory", "tso", code=1)
        self.assertEqual(set(target["verdicts"]), {"ok", "assert"})
        self.expect_replay(target["findings"], "assert")

    def test_every_optimisation(self):
        for option in ["-O0", "-O1", "-O2", "-O3", "-Os", "-fPIC", "-D_FORTIFY_SOURCE=2"]:
            with self.subTest(option), tempfile.TemporaryDirectory() as self.folder:
                self.build("counter.c", "counter", option)
                self.expect_replay(self.expect_fuzz("counter", "assert"), "assert")

    def test_finding(self):
        self.build("counter.c", "counter", "-O1")
        path = self.expect_fuzz("counter", "assert")[0]
        schedule = Schedule(self.path(path))
        self.assertEqual(schedule["target"], "counter")
        self.assertEqual(schedule["rule"], "counter == 2")
        self.assertRegex(schedule["subject"], r"\Agcc-12\.[0-9.]+ [0-9a-f]{16}\Z")
        self.assertIn("-fsanitize=thread", schedule["flags"])
        self.assertIn("goroutine 0 0 main", schedule.lines)
        text = self.call("--treadle", "replay", "--trace", path).stdout
        self.assertIn("assert: counter == 2: counter.c:", text)
        self.assertRegex(text, r"g1 +count\+\d+ counter\.c:\d+ write counter = 1")
        # another build of the same code, in another folder, with other comments
        with open(os.path.join(PROGRAMS, "counter.c"), encoding="utf-8") as file:
            source = file.read()
        self.write("other/counter.c".replace("/", "_"), source)
        os.mkdir(self.path("other"))
        self.build(source.replace("/* counter.c", "/* counter!c"), "counter", "-O1")
        self.call("--treadle", "replay", path)
        self.build(source.replace("counter++", "counter += 2"), "counter", "-O1")
        self.assertIn("expected", self.call("--treadle", "replay", path, code=3).stdout)

    def test_same_seed_same_counts(self):
        self.build("stack.c", "stack")
        one = self.fuzz("--jobs", "1", code=1)
        two = self.fuzz("--jobs", "2", "--twice", code=1)
        for field in ["verdicts", "steps", "findings"]:
            self.assertEqual(one[field], two[field])

    def test_ends_with_buffered_stores(self):
        """What they hold is no leak."""
        self.build("""
#include <pthread.h>
#include <stdlib.h>
static int *volatile kept[2];
static void *keep(void *argument) { kept[1] = malloc(4); return argument; }
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, keep, NULL);
    kept[0] = malloc(4);
    return 0;
}
""")
        for memory in "tso", "pso":
            self.fuzz("--memory", memory, code=0)

    def test_wide_atomics(self):
        """A pointer with its tag: 16 bytes at once, and the same as two words."""
        source = r"""
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
struct pair { long a, b; };
static _Atomic(struct pair) pair;
static struct pair plain;
static void *change(void *argument)
{
    struct pair old = atomic_load(&pair);
    while (!atomic_compare_exchange_weak(&pair, &old, ((struct pair){ old.a + 1, old.b + 1 })))
        ;
    plain.a++;
    plain.b++;
    return argument;
}
int main(void)
{
    pthread_t thread;
    atomic_store(&pair, ((struct pair){ 1, 1 }));
    pthread_create(&thread, NULL, change, NULL);
    change(NULL);
    struct pair now = atomic_exchange(&pair, ((struct pair){ 0, 0 }));
    assert(now.a == now.b && now.a >= 2);
    pthread_join(thread, NULL);
    now = atomic_load(&pair);
    assert(now.a == now.b);
    return CHECKED;
}
"""
        self.build(source, "pairs", "-DCHECKED=0")
        self.call()
        self.expect_fuzz("pairs", None)
        self.fuzz("--memory", "pso", code=0)
        self.assertIn("atomics of 16 bytes cannot be explored",
                      self.call("--treadle", "check", code=2).stderr)
        self.build(source, "pairs", "-DCHECKED=(plain.a != 2)")
        self.expect_replay(self.expect_fuzz("pairs", "assert"), "assert")

    def test_endless(self):
        """What is too long to be explored is a finding; --unroll makes it shorter."""
        source = """
#include <string.h>
volatile int x;
char to[64], from[64];
int main(void)
{
    for (;;)
        STEP;
}
"""
        for step in "x++", "memcpy(to, from, sizeof to)":
            self.build(source, "prog", "-DSTEP=" + step)
            target, = self.call_json("--treadle", "check", "--out", "out", code=1)["targets"]
            self.assertEqual((target["complete"], target["verdicts"]), (False, {"timeout": 1}))
            self.assertIn("--unroll", target["incomplete"])
            self.expect_replay(target["findings"], "timeout")
            target, = self.call_json("--treadle", "check", "--unroll", "3")["targets"]
            self.assertEqual((target["complete"], target["verdicts"]), (False, {"ok": 1}))

    def test_asks_for_the_time(self):
        """A loop that ends by the clock is none that waits for others."""
        self.build("""
#include <stdatomic.h>
#include <time.h>
static _Atomic int flag;
int main(void)
{
    time_t end = time(NULL) + 100;
    while (!flag && time(NULL) < end)
        ;
    return 0;
}
""")
        target, = self.call_json("--treadle", "check", code=1)["targets"]
        self.assertEqual((target["complete"], target["verdicts"]), (False, {"timeout": 1}))

    def test_nondeterministic(self):
        self.build("""
#include <stdint.h>
#include <time.h>
volatile uint64_t stamp;
int main(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    stamp = (uint64_t)now.tv_nsec;
    return 0;
}
""")
        self.assertIn("nondeterministic", self.fuzz("--twice", code=1)["verdicts"])

    def test_libc_addresses_do_not_count(self):
        self.build(r"""
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
static FILE *volatile file;
static struct { FILE *file; int *number; char text[20]; } copied, kept;
static volatile int order;
static void *other(void *argument) { order = 1; return argument; }
int main(void)
{
    pthread_t thread;
    file = stdout;
    copied.file = stderr;
    copied.number = &errno;
    kept = copied;
    pthread_create(&thread, NULL, other, NULL);
    fprintf(file, "%p\n", (void *)kept.file);
    assert(order == 0);
    pthread_join(thread, NULL);
    return 0;
}
""")
        target = self.fuzz("--twice", code=1)
        self.assertEqual(set(target["verdicts"]), {"ok", "assert"})
        self.expect_replay(target["findings"], "assert")


class Plain(TreadleCc):
    def test_runs_as_always(self):
        self.build(HELLO)
        done = self.call("3", "4", code=7, env={"GREETING": "hello"})
        self.assertEqual((done.stdout, done.stderr), ("the sum is 7\n", "hello\n"))
        self.assertEqual(self.call().stdout, "the sum is 0\n")

    def test_output_under_treadle(self):
        self.build(HELLO)
        done = self.call("1", "--treadle", "fuzz", "--executions", "100", "--json", code=1)
        self.assertNotIn("the sum", done.stdout + done.stderr)
        self.assertNotIn("none", done.stderr)
        finding = schedules_below(self.folder)[0]
        text = self.call("1", "--treadle", "replay", "--trace", finding).stdout
        self.assertRegex(text, r"\n +g0 +# the sum is 1\n")
        self.assertIn("exit status 0: the program ended with 1", text)
        done = self.call("1", "--treadle", "replay", finding)
        self.assertNotIn("the sum", done.stdout + done.stderr)

    def test_arguments_of_its_own(self):
        self.build(HELLO)
        self.assertEqual(self.fuzz(code=0)["verdicts"], {"ok": 2000})
        answer = self.call_json("2", "3", "--treadle", "fuzz", "--executions", "10", code=1)
        self.assertEqual(answer["targets"][0]["verdicts"], {"assert": 10})
        shown = self.call("2", "3", "--treadle", "fuzz", "--executions", "10", code=1).stdout
        self.assertIn(f"{self.program} 2 3 --treadle replay --trace ", shown)

    def test_reads_no_input(self):
        self.build(r"""
#include <stdio.h>
int main(void) { return getchar() == EOF ? 0 : 1; }
""")
        self.call(code=1, stdin=b"x")
        self.call("--treadle", "fuzz", "--executions", "10", stdin=b"xxxxxxxxxxxxxxxxxxxxxxx")


class Compiling(TreadleCc):
    def test_several_files(self):
        self.write("count.h", "extern int counter;\nvoid *count(void *argument);\n")
        self.write("count.c", '#include "count.h"\nint counter = START;\n'
                              "void *count(void *argument) { counter++; return argument; }\n")
        os.mkdir(self.path("main"))
        self.write("main/main.c", "#include <assert.h>\n#include <math.h>\n#include <pthread.h>\n"
                   '#include "count.h"\nint main(int argc, char **argv)\n{\n    pthread_t thread;\n'
                   "    (void)argv;\n    pthread_create(&thread, 0, count, 0);\n    count(0);\n"
                   "    pthread_join(thread, 0);\n"
                   "    assert(counter == (int)lround(sqrt(36.0 * argc)));\n    return 0;\n}\n")
        self.compile("-c", "-DSTART=4", "count.c", "-o", "count.o")
        self.compile("-c", "-I.", "-O2", "main/main.c")
        subprocess.run(["ar", "rcs", "libcount.a", "count.o"], cwd=self.folder, check=True)
        self.compile("main.o", "-L.", "-lcount", "-lm", "-pthread", "-o", "apart")
        self.compile("-DSTART=4", "-I.", "main/main.c", "count.c", "-lm", "-o", "together")
        for name in ["apart", "together"]:
            self.program = self.path(name)
            self.call()
            target = self.fuzz(code=1)
            self.assertEqual((target["target"], set(target["verdicts"])), (name, {"ok", "assert"}))

    def test_names_do_not_clash(self):
        """What Treadle's own files define is a program's to define, too."""
        self.build(r"""
#include <pthread.h>
int execution, scheduler, choose, commands, names, image, fibers_mapped;
void fiber_map(void);
void fiber_map(void) { execution++; }
int heap_allocate(void);
int heap_allocate(void) { return scheduler + choose + commands + names + image + fibers_mapped; }
void command_main(void);
void command_main(void) { fiber_map(); }
int main(void) { command_main(); return execution - 1 + heap_allocate(); }
""")
        self.call()
        self.fuzz(code=0)

    def test_gcc_says_what_is_wrong(self):
        self.assertIn("no input files", self.compile(code=1).stderr)
        self.assertIn("absent.c: No such file", self.compile("absent.c", code=1).stderr)
        self.write("broken.c", "int main(void) { return nothing; }\n")
        done = self.compile("broken.c", "-o", "broken", code=1)
        self.assertIn("broken.c:1:25: error: ‘nothing’ undeclared", done.stderr)
        self.assertFalse(os.path.exists(self.path("broken")))
        self.write("missing.c", "void missing(void);\nint main(void) { missing(); return 0; }\n")
        self.assertIn("undefined reference to `missing'", self.compile("missing.c", code=1).stderr)
        self.assertIn("is not supported", self.compile("-shared", "missing.c", code=2).stderr)

    def test_no_other_language(self):
        """Whatever comes without hooks would be explored as if it did nothing."""
        self.write("a.cc", "int main() { return 0; }\n")
        self.write("a.c", "int main(void) { return 0; }\n")
        for *arguments, word in (
                ("a.cc", "C++"), ("-c", "a.cc", "-o", "a.o", "C++"), ("-x", "c++", "a.c", "C++"),
                ("-xc++", "a.c", "C++"), ("a.c", "-lstdc++", "C++"),
                ("-fsanitize=thread", "a.c", "-fsanitize=thread"),
                ("-fsanitize=undefined,thread", "a.c", "-fsanitize=undefined,thread"),
                ("-fsanitize=address", "a.c", "-fsanitize=address"),
                ("-fopenmp", "a.c", "-fopenmp")):
            done = self.compile(*arguments, code=2)
            self.assertRegex(done.stderr, r"\Atreadle-cc: [^\n]* is not supported\n\Z")
            self.assertIn(word, done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.c", "a.cc"])
        self.compile("-x", "c", "a.c", "-o", "b.cc", "-fsanitize=undefined", "-D", "a.cc")

    def test_help(self):
        text = self.compile("--help").stdout
        self.assertIn("--treadle fuzz", text)
        self.assert_plain(text)

    def test_gcc_is_asked(self):
        self.assertRegex(self.compile("-dumpfullversion").stdout, r"\A12\.")
        self.write("one.c", "int one = __SANITIZE_THREAD__;\n")
        self.assertIn("int one = 1;", self.compile("-E", "one.c").stdout)
        self.compile("-S", "one.c")
        self.assertTrue(os.path.exists(self.path("one.s")))


class Misused(TreadleCc):
    def test_commands(self):
        self.build(HELLO)
        self.assertEqual(self.call_json("--treadle", "list")["targets"][0]["target"], "prog")
        self.assertIn("there is no command nonsense", self.refuse("--treadle", "nonsense"))
        self.assertIn("no target is called other", self.refuse("--treadle", "fuzz", "other"))
        self.assertEqual(self.call("--treadle", code=2).stdout, "")

    def test_what_is_not_supported(self):
        self.build(r"""
#include <pthread.h>
#include <unistd.h>
static void *sleep_on(void *argument) { sleep(1); return argument; }
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_on, NULL);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    return 0;
}
""")
        self.call()
        done = self.call("--treadle", "fuzz", "--executions", "10", code=2)
        self.assertIn("pthread_cancel is not supported by treadle-cc", done.stderr)


class Resumed(TreadleCc):
    def test_another_call(self):
        """What was explored with some arguments and environment says nothing of others."""
        self.build(HELLO)
        call = "--treadle", "check", "--executions", "1", "--checkpoint", "state"
        alike = "--treadle", "check", "--resume", "state"
        env = {"GREETING": "hello", "PATH": "/bin", "_": "prog"}
        self.call("1", "2", *call, code=1, env=env)
        self.call("1", "2", *alike, code=1, env={**env, "_": self.program})
        for arguments in ("1", "3"), ("1",), ("1", "2", "3"), ("1 2",), ():
            line = self.refuse(*arguments, *alike, env=env)
            self.assertRegex(line, "state: .* other arguments;")
        for name in "GREETING", "ZZ", "A":
            line = self.refuse("1", "2", *alike, env={**env, name: "hallo"})
            self.assertIn(f"another {name} in the environment", line)
        del env["PATH"]
        self.assertIn("another PATH in", self.refuse("1", "2", *alike, env=env))


BLOCKS = r"""
#include <stdlib.h>
#include <sys/select.h>
int main(void)
{
    if (getenv("BLOCK") != NULL)
        select(0, NULL, NULL, NULL, NULL);
    return 3;
}
"""


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Lost(TreadleCc):
    """A process that runs the program is never waited for for ever, nor started again in vain."""

    def expect_error(self, *arguments, says, **options):
        """Of fuzz and check: one line on standard error, and the same in the JSON text."""
        for command in "check", "fuzz":
            done = self.call("--treadle", command, *arguments, "--json", code=2, **options)
            target, = json.loads(done.stdout)["targets"]
            self.assertEqual(done.stderr, f"treadle {command}: prog: {target['error']}\n")
            self.assertRegex(target["error"], says)
            self.assertEqual((target["executions"], target["findings"]), (0, []))

    def interrupt(self, *arguments):
        """How the program ends by Ctrl-C, again and again, once it has processes to end."""
        process = subprocess.Popen([self.program, "--treadle", *arguments], cwd=self.folder,
                                   stdout=subprocess.DEVNULL, env={"BLOCK": "1"},
                                   start_new_session=True)
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        end = time.monotonic() + 60
        while arguments[0] != "replay" and not read(children) and time.monotonic() < end:
            time.sleep(0.01)
        while process.poll() is None and time.monotonic() < end:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.1)
        return process.wait(timeout=60)

    def test_blocks(self):
        self.build(BLOCKS)
        self.call("--treadle", "check", "--out", "out", code=1)
        self.expect_error("--time", "1s", says="blocks in a call", env={"BLOCK": "1"})
        self.assertEqual(self.interrupt("replay", "out"), -signal.SIGINT)
        for command in "check", "fuzz":
            self.assertEqual(self.interrupt(command), 0)  # it would be 2 after a while

    def test_closes_files(self):
        self.build(r"""
#include <unistd.h>
int main(void)
{
    for (int file = 0; file < 256; file++)
        close(file);
    return 0;
}
""")
        self.expect_error("--time", "60s", says="3 times.*closed files")

    def test_replay_of_several(self):
        """Each is executed in a process of its own: one that is destroyed spoils no other."""
        self.build(r"""
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int first, second;
static void *set(void *argument) { first = 1; return argument; }
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, set, NULL);
    second = first;
    if (second == 0 && getenv("DIE") != NULL)
        kill(getpid(), SIGKILL);
    pthread_join(thread, NULL);
    if (second == 0)
        abort();
    return pthread_mutex_unlock(&mutex);
}
""")
        found = [self.path(path) for path in self.fuzz(code=1)["findings"]]
        paths = {Schedule(path)["verdict"]: path for path in found}
        self.assertEqual(len(paths), 2)
        dies = next(path for verdict, path in paths.items() if verdict in ("crash", "assert"))
        other = next(path for path in paths.values() if path != dies)
        os.mkdir(self.path("several"))
        for name, path in (("a", other), ("b", dies), ("c", other)):
            shutil.copy(path, self.path("several", name + ".sched"))
        self.call("--treadle", "replay", "several")
        for options in [], ["--expect-fixed"]:
            done = self.call("--treadle", "replay", *options, "--json", "--junit", "report.xml",
                             "several", code=2, env={"DIE": "1"})
            replays = json.loads(done.stdout)["replays"]
            self.assertEqual([(one["file"], one["matched"]) for one in replays],
                             [("several/a.sched", True), ("several/c.sched", True)])
            self.assertIn("several/b.sched: its process did not come to an end in good order: "
                          "signal 9\n", done.stderr)
            with open(self.path("report.xml"), encoding="utf-8") as file:
                self.assertEqual(file.read().count("<error message="), 1)

    def test_limits(self):
        """Said once, though there are processes enough to say it more often."""
        self.build(r"""
#include <unistd.h>
int main(void) { return fork() < 0; }
""")
        self.expect_error("--jobs", "2", says=r"\Afork is not supported by treadle-cc")
        self.build(r"""
#include <pthread.h>
static void *nothing(void *argument) { return argument; }
int main(void)
{
    for (int i = 0; i < 30; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, nothing, NULL);
        pthread_join(thread, NULL);
    }
    return 0;
}
""")
        done = self.call("--treadle", "check", "--memory", "tso", code=2)
        self.assertEqual(done.stderr.count("more than 24 goroutines"), 1)
        self.assertEqual(done.stdout.count("more than 24 goroutines"), 1)


if __name__ == "__main__":
    main()
