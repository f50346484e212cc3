"""program_case.py: a test case that calls the program as a user does. The tests that are scripts
share it; each runs alone, too:

    NAME_test.py BUILD/treadle [ARGUMENT...] [Class.test_method...]

Fields of JSON are compared with shapes: a type, a tuple of types, [shape of each item],
{"field": shape} of fields that must be there, or {str: shape} for any names. number is an int or
a float; None in a tuple allows null.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COLUMNS_MAX = 100
PATIENCE_SECONDS = 900  # longer than any one call may take, on a busy machine

number = (int, float)


def fits(value, shape):
    """Whether a value out of a JSON text has this shape. True and False are no numbers."""
    if isinstance(shape, tuple):
        return any(value is None if one is None else fits(value, one) for one in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, dict) and str in shape:
        return isinstance(value, dict) and all(fits(item, shape[str]) for item in value.values())
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(
            name in value and fits(value[name], one) for name, one in shape.items())
    return isinstance(value, shape) and (shape is bool or not isinstance(value, bool))


def process_status(pid):
    """(state, parent, session), or None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[1]), int(fields[3])


def processes(place, pid):
    """{pid: state} of processes whose parent (place 1) or session (2) is pid."""
    statuses = {int(name): process_status(name) for name in os.listdir("/proc") if name.isdigit()}
    return {one: status[0] for one, status in statuses.items()
            if status is not None and status[place] == pid}


class ProgramCase(unittest.TestCase):
    program = None  # path of build/treadle

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="treadle_test_")  # every call's working directory
        self.addCleanup(shutil.rmtree, self.folder)
        os.environ["XDG_CACHE_HOME"] = self.path(".cache")  # the user's own stays as it is

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return name

    def call(self, *arguments, code=0, stdin=b"", **options):
        """What the program printed: .stdout and .stderr, text. Fails unless it exits with
        code, if that is not None."""
        done = subprocess.run([self.program, *arguments], input=stdin, capture_output=True,
                              cwd=self.folder, check=False,
                              **{"timeout": PATIENCE_SECONDS, **options})
        done.stdout = done.stdout.decode(errors="backslashreplace")
        done.stderr = done.stderr.decode(errors="backslashreplace")
        if code is not None and done.returncode != code:
            self.fail(f"exit code {done.returncode}, not {code}: treadle {' '.join(arguments)}\n"
                      f"{done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done

    def call_json(self, *arguments, code=0, **options):
        """The one JSON object that the program printed, and nothing else on standard output."""
        answer = json.loads(self.call(*arguments, "--json", code=code, **options).stdout)
        self.assertIsInstance(answer, dict)
        return answer

    def refuse(self, *arguments, **options):
        """The one line by which the program says why it does nothing; exit code 2."""
        done = self.call(*arguments, code=2, **options)
        self.assertEqual(done.stdout, "", arguments)
        self.assertRegex(done.stderr, r"\A[^\n]+\n\Z", f"not one line: {arguments}")
        return done.stderr.rstrip("\n")

    def targets(self):
        """What `list --json` says, by target."""
        return {one["target"]: one for one in self.call_json("list")["targets"]}

    def assert_fits(self, value, shape):
        self.assertTrue(fits(value, shape),
                        f"{json.dumps(value, indent=2)[:3000]}\ndoes not have the shape {shape}")

    def assert_plain(self, text):
        """Fits the screen, has no colours."""
        self.assertNotIn("\x1b", text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), COLUMNS_MAX, line)


class Schedule:
    """A schedule file as text, for tests that read or spoil it."""

    def __init__(self, path):
        with open(path, encoding="ascii") as file:
            self.lines = file.read().splitlines()

    def __getitem__(self, field):
        return next(line[len(field) + 1:] for line in self.lines if line.startswith(field + " "))

    def anchored(self):
        """[(line's number from 1, goroutine, count, anchor)] of the switches."""
        found = []
        for i, line in enumerate(self.lines):
            match = re.fullmatch(r"g(\d+) x(\d+) @ (.*)", line)
            if match:
                found.append((i + 1, int(match[1]), int(match[2]), match[3]))
        return found

    def with_line(self, line_number, text):
        """The file's text with another line there."""
        lines = list(self.lines)
        lines[line_number - 1] = text
        return "\n".join(lines) + "\n"

    def with_field(self, field, value):
        at = next(i for i, line in enumerate(self.lines) if line.startswith(field + " "))
        return self.with_line(at + 1, f"{field} {value}")


def schedules_below(folder):
    """Paths of all schedule files below a folder, sorted."""
    return sorted(os.path.join(place, name) for place, _, names in os.walk(folder)
                  for name in names if name.endswith(".sched"))


def main(argument_count=0):
    """Runs the calling script's tests. Returns the arguments that stand between program and names
    of tests: that many; None = all of them (then there are no names)."""
    if len(sys.argv) < 2 + (argument_count or 0):
        sys.exit(f"usage: {sys.argv[0]} BUILD/treadle [ARGUMENT...] [TEST...]")
    ProgramCase.program = os.path.abspath(sys.argv[1])
    ProgramCase.arguments = (sys.argv[2:] if argument_count is None
                             else sys.argv[2:2 + argument_count])
    names = [] if argument_count is None else sys.argv[2 + argument_count:]
    unittest.main(module="__main__", argv=[sys.argv[0], *names])
