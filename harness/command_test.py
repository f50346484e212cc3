#!/usr/bin/env python3
"""The command line as promised: JSON shapes, help, exit codes, and one line for each misuse.

    command_test.py BUILD/treadle
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True  # the sources stay as they are
from program_case import ProgramCase, main, number

COMMANDS = ["list", "fuzz", "check", "replay", "trace", "outcomes", "bench", "help"]
PROGRAM = b"rand 5\nnew 0\na 0 100\npar a 1 1 | a 2 2\n"
FOUND_AT_ONCE = "slice/torn-header"
NEEDS_A_SEARCH = "gomap/iterate-grow"

number_or_null = (*number, None)

LIST = {"targets": [{"target": str, "description": str, "expects": [str], "requires": [str],
                     "sound": bool}]}
FUZZ = {"seed": int, "seconds": number, "targets": [{
    "target": str, "strategy": str, "memory": str, "executions": int, "seconds": number,
    "executions_per_second": number, "steps": int, "verdicts": {str: int},
    "detected": (int, None), "silent": (int, None),
    "first": {str: {"execution": int, "seconds": number}}, "findings": [str]}]}
BENCH = {"calibration_ns": number, "benches": [{
    "name": str, "executions_per_second": number_or_null, "steps_per_second": number_or_null,
    "ns": number_or_null, "bytes_max": (int, None)}]}


class Json(ProgramCase):
    def test_list(self):
        answer = self.call_json("list")
        self.assert_fits(answer, LIST)
        names = [one["target"] for one in answer["targets"]]
        self.assertEqual(names, sorted(set(names)))
        for one in answer["targets"]:
            self.assertLessEqual(set(one["requires"]), set(one["expects"]), one["target"])

    def test_fuzz(self):
        answer = self.call_json("fuzz", "*", "--executions", "500", "--seed", "9")
        self.assert_fits(answer, FUZZ)
        self.assertEqual(answer["seed"], 9)
        self.assertEqual([one["target"] for one in answer["targets"]], sorted(self.targets()))
        for one in answer["targets"]:
            self.assertEqual((one["strategy"], one["memory"]), ("portfolio", "sc"))
            self.assertEqual(one["executions"], 500)
            self.assertEqual(one["first"].keys(), one["verdicts"].keys() - {"ok"})
            is_go = one["target"].startswith(("gomap/", "rwmap/", "slice"))
            self.assertEqual([one["detected"] is None, one["silent"] is None], [not is_go] * 2,
                             one["target"])

    def test_fuzz_jobs(self):
        """The same is executed, and found, however many processes do it."""
        seen = []
        for jobs in 1, 2, 3:
            one, = self.call_json("fuzz", "gomap/iterate-grow", "--executions", "20000", "--jobs",
                                  str(jobs), "--out", "out")["targets"]
            first = {verdict: at["execution"] for verdict, at in one["first"].items()}
            seen.append((one["verdicts"], one["steps"], first, one["findings"]))
        self.assertEqual(seen[1:], seen[:1] * 2)

    def test_fuzz_default_targets(self):
        answer = self.call_json("fuzz", "--executions", "1")
        self.assertEqual([one["target"] for one in answer["targets"]],
                         sorted(name for name in self.targets() if not name.startswith("bench/")))

    def test_fuzz_strategy(self):
        for strategy in "portfolio", "random", "sticky", "pos":
            one, = self.call_json("fuzz", FOUND_AT_ONCE, FOUND_AT_ONCE, "--executions", "100",
                                  "--strategy", strategy)["targets"]
            self.assertEqual(one["strategy"], strategy)

    def test_bench(self):
        answer = self.call_json("bench", "fiber/*", "bench/counter-2x4")
        self.assert_fits(answer, BENCH)
        switch, counter = answer["benches"]
        self.assertEqual([switch["name"], counter["name"]], ["fiber/switch", "bench/counter-2x4"])
        for name in "executions_per_second", "steps_per_second", "bytes_max":
            self.assertIsNone(switch[name])
            self.assertGreater(counter[name], 0)
        self.assertGreater(switch["ns"], 0)
        self.assertIsNone(counter["ns"])


class Help(ProgramCase):
    def test_overview(self):
        text = self.call("help").stdout
        self.assert_plain(text)
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  treadle {command} +\w")
        self.assertEqual(self.call("--help").stdout, text)

    def test_each(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.call("help", command).stdout
                self.assertRegex(text, rf"Example:\n  .*treadle {command}")
                self.assertEqual(self.call(command, "--help").stdout, text)
                self.assert_plain(text)

    def test_options(self):
        for command, options in (
                ("list", "json"),
                ("fuzz", "time executions seed strategy engine memory jobs out stop-on-first "
                         "require twice json"),
                ("check", "memory preemptions unroll time executions jobs checkpoint resume out "
                          "json"),
                ("replay", "trace resync junit json"), ("trace", "variant hash dump"),
                ("outcomes", "variant hash strategy executions seed exhaustive"),
                ("bench", "json")):
            text = self.call("help", command).stdout
            for option in options.split():
                self.assertIn("--" + option, text, command)


class Misuse(ProgramCase):
    def refuse_each(self, *calls):
        """Each (arguments, words): refused in one line that holds the words."""
        for arguments, *words in calls:
            with self.subTest(arguments):
                line = self.refuse(*arguments)
                for word in words:
                    self.assertIn(word, line)
        self.assertEqual(os.listdir(self.folder), [])

    def test_commands(self):
        self.refuse_each((["nothing"], "nothing"), (["help", "nothing"], "nothing"),
                         (["--nothing"], "--nothing"), ([""],),
                         (["help", "fuzz", "more"], "more"))

    def test_options(self):
        for command in "list", "fuzz", "check", "replay", "trace", "outcomes", "bench":
            self.refuse_each(([command, "--nothing"], "--nothing", "treadle " + command),
                             ([command, "-n"], "-n"))
        self.refuse_each((["list", "-xy"], "-xy"), (["fuzz", FOUND_AT_ONCE, "-xy"], "-xy"))

    def test_missing_values(self):
        for command, options in (
                ("fuzz", "time executions seed strategy engine memory jobs out"),
                ("replay", "junit"), ("trace", "variant hash dump"),
                ("check", "memory preemptions unroll time executions jobs checkpoint resume out"),
                ("outcomes", "variant hash strategy executions seed")):
            for option in options.split():
                self.refuse_each(([command, "--" + option], "--" + option))

    def test_names(self):
        self.refuse_each(
            (["fuzz", "nothing"], "nothing"), (["fuzz", "nothing/*"], "nothing/*"), (["fuzz", ""],),
            (["fuzz", FOUND_AT_ONCE, "nothing"], "nothing"), (["fuzz", "two\nlines"],),
            (["list", "nothing"], "nothing"), (["bench", "nothing"], "nothing"),
            (["trace"],), (["trace", "nothing"], "nothing"), (["trace", "gomap", "gomap"],),
            (["trace", "gomap", "--hash", "two\nlines"],),
            (["outcomes"],), (["outcomes", "nothing"], "nothing"), (["replay"],),
            (["fuzz", "--strategy", "nothing"], "nothing"),
            (["outcomes", "gomap", "--strategy", "nothing"], "nothing"),
            (["fuzz", "--memory", "x86"], "x86"), (["fuzz", "--memory", "rc11"], "rc11"),
            (["fuzz", "--engine", "nothing"], "nothing"))
        for command, options in ("trace", ["variant", "hash", "dump"]), ("outcomes",
                                                                         ["variant", "hash"]):
            for option in options:
                self.refuse_each(([command, "gomap", "--" + option, "nothing"], "nothing"))

    def test_numbers(self):
        for option in "executions", "seed", "jobs":
            for text in "x", "", "1x", "-1", "+1", " 1", "1.5", "1e3", "99999999999999999999":
                self.refuse_each((["fuzz", "--" + option, text], "--" + option, text))
        self.refuse_each((["fuzz", "--executions", "0"],), (["fuzz", "--jobs", "0"],),
                         (["fuzz", "--jobs", "257"],),
                         (["fuzz", "--seed", "9223372036854775808"],),
                         (["outcomes", "gomap", "--executions", "0"],),
                         (["outcomes", "gomap", "--seed", "x"],))

    def test_times(self):
        for text in "60", "s", "", "0s", "-1s", "x", "1y", "1 s", "inf s", "nans", ".", "1s2":
            self.refuse_each((["fuzz", "--time", text], "--time", text))
        for text in "20ms", "0.02s", "0.0005m":
            self.call("fuzz", FOUND_AT_ONCE, "--time", text)

    def test_numbers_are_decimal(self):
        one, = self.call_json("fuzz", FOUND_AT_ONCE, "--executions", "010")["targets"]
        self.assertEqual(one["executions"], 10)


class ExitCode(ProgramCase):
    def test_as_declared(self):
        self.call("fuzz", FOUND_AT_ONCE, "--executions", "1000", "--require")
        self.call("fuzz", NEEDS_A_SEARCH, "--executions", "1")

    def test_requirement_missing(self):
        done = self.call("fuzz", NEEDS_A_SEARCH, "--executions", "1", "--require", code=1)
        self.assertIn(f"missing: {NEEDS_A_SEARCH} must show iterator-skip silently", done.stdout)
        self.call_json("fuzz", NEEDS_A_SEARCH, "--executions", "1", "--require", code=1)

    def test_output_cannot_be_written(self):
        self.call("fuzz", FOUND_AT_ONCE, "--executions", "1000", "--out", "found")
        for arguments in (["list"], ["list", "--json"], ["help"], ["help", "fuzz"],
                          ["fuzz", FOUND_AT_ONCE, "--executions", "10"],
                          ["fuzz", FOUND_AT_ONCE, "--executions", "10", "--json"],
                          ["replay", "found"], ["replay", "found", "--json"],
                          ["trace", "gomap"], ["outcomes", "gomap", "--executions", "10"],
                          ["bench", "fiber/switch"]):
            with self.subTest(arguments), open("/dev/full", "wb") as full:
                done = subprocess.run([self.program, *arguments], cwd=self.folder, stdout=full,
                                      input=PROGRAM if arguments[0] == "outcomes" else b"new 0\n",
                                      stderr=subprocess.DEVNULL, check=False)
                self.assertEqual(done.returncode, 2)


class Tables(ProgramCase):
    def test_list(self):
        text = self.call("list").stdout
        self.assert_plain(text)
        for name in self.targets():
            self.assertIn(f"\n{name} ", "\n" + text)

    def test_fuzz(self):
        done = self.call("fuzz", "--executions", "3000")
        self.assertEqual(done.stderr, "")
        self.assert_plain(done.stdout)
        header, *lines = done.stdout.split("\n\n")[0].splitlines()
        names = [line.split()[0] for line in lines if not line.startswith(" ")]
        self.assertEqual(names, sorted(name for name in self.targets()
                                       if not name.startswith("bench/")))
        for line in lines:
            if line.startswith(" "):
                self.assertEqual(len(line) - len(line.lstrip()), header.index("verdicts"),
                                 f"not below its column: {line}")

    def test_bench(self):
        done = self.call("bench", "fiber/switch")
        self.assertEqual(done.stderr, "")
        self.assert_plain(done.stdout)

    def test_outcomes(self):
        done = self.call("outcomes", "gomap", "--executions", "100", stdin=PROGRAM)
        self.assertEqual(done.stderr, "")
        self.assertIn("outcomes:\n", done.stdout)


if __name__ == "__main__":
    main()
