"""go_recorder.py: the recorder of maps/gomap/conformance/concurrent, built with the map code of the
Go that is installed, and the program that follows schedules on the port. Both speak of schedules
as harness/conformance_port.c says.
"""

import collections
import os
import subprocess

import go_runtime
from program_case import PATIENCE_SECONDS

FOLDER = os.path.join(go_runtime.CONFORMANCE, "concurrent")

# needed: the switches inside statements without which the outcome was not reached, [(function,
# line, access before, access after)].
Followed = collections.namedtuple("Followed", "outcome same needed")
# strayed: runs of them in which an access left live memory (in crowded memory, else 0)
Recorded = collections.namedtuple("Recorded", "outcome count strayed")


def build(folder):
    """The path of the recorder, built in this folder."""
    environment = go_runtime.environment(folder)
    copy = os.path.join(folder, "copy")
    os.makedirs(copy, exist_ok=True)

    def call(*command):
        done = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")

    instrument, recorder = (os.path.join(folder, name) for name in ("instrument", "record"))
    call(go_runtime.GO, "build", "-buildvcs=false", "-o", instrument, "./instrument")
    call(instrument, "-with", "runtime", "-out", copy)
    call(go_runtime.GO, "build", "-buildvcs=false", "-overlay", os.path.join(copy, "overlay.json"),
         "-o", recorder, "./record")
    return recorder


def run(*command, stdin=None):
    done = subprocess.run(command, stdin=stdin, capture_output=True, check=False,
                          timeout=PATIENCE_SECONDS)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}: "
                           f"{done.stderr[:2000].decode(errors='replace')}")
    return done.stdout.decode("ascii").splitlines()


def outcomes_of(lines):
    """[(count, ..., outcome)] of lines `outcomes:` and behind, as lists of words."""
    return lines[lines.index("outcomes:") + 1:]


class Program:
    """A program of the trace language in a file, with variant and hash."""

    def __init__(self, recorder, port, path, variant="fast64", hash_name="mix"):
        self.path, self.variant, self.hash_name = path, variant, hash_name
        self.recorder = [recorder, "-variant", variant, "-hash", hash_name]
        self.port = [port, "--variant", variant, "--hash", hash_name]

    def record(self, runs, seed=1, crowded=False, schedules=None, more=0, wild=None):
        """What random interleavings of the real code end in: [Recorded]. Files to write: schedules
        with one of each outcome and `more` out of all; wild, see read_wild."""
        options = ["-runs", str(runs), "-seed", str(seed)]
        if wild is not None:
            options += ["-wild", wild]
        if schedules is not None:
            options += ["-schedules", schedules, "-more", str(more)]
        if crowded:
            options.append("-crowded")
        recorded = []
        for line in outcomes_of(run(*self.recorder, *options, self.path)):
            count, rest = line.split(" ", 1)
            strayed, outcome = rest.split(" ", 1) if crowded else ("0", rest)
            recorded.append(Recorded(outcome, int(count), int(strayed)))
        return recorded

    def explore_port(self, executions, seed, schedules):
        """Writes one schedule of each outcome of the port."""
        lines = run(*self.port, "explore", str(executions), str(seed), self.path)
        with open(schedules, "w", encoding="ascii") as file:
            file.writelines(line + "\n" for line in lines)

    def follow_on_port(self, schedules):
        """[(outcome, digest)] of the port, a pair for each schedule."""
        with open(schedules, "rb") as file:
            lines = run(*self.port, "follow", self.path, stdin=file)
        return [tuple(line.split("\t")[:2]) for line in lines]

    def follow_on_go(self, schedules):
        """What the real code makes of the port's schedules: [Followed]."""
        followed = []
        for line in run(*self.recorder, "-follow", schedules, self.path):
            fields = line.split("\t")
            if fields[0] != "same":
                followed.append(Followed(fields[1], False, []))
                continue
            needed = [tuple(part.split("|")) for part in fields[2:]]
            followed.append(Followed(fields[1], True, needed))
        return followed


def read_wild(path):
    """{(function, line of Go's source): runs in which an access there left live memory}"""
    runs = collections.Counter()
    with open(path, encoding="ascii") as file:
        for line in file:
            count, function, number, _ = line.split("\t")
            runs[function, int(number)] += int(count)
    return runs


def read_schedules(path):
    """[(outcome, digest)]"""
    with open(path, encoding="ascii") as file:
        return [tuple(line.rstrip("\n").split("\t")[:2]) for line in file]
