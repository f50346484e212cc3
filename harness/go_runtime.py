"""go_runtime.py: the Go whose map maps/gomap ports, as Debian 12 installs it, and the programs of
maps/gomap/conformance/sequential: one drives that map by the trace language.
"""

import os
import subprocess

from program_case import SOURCE_ROOT

GO = "/usr/lib/go-1.19/bin/go"  # another go may stand first on the path
MISSING = f"skipped: {GO} is not there (Debian packages golang-1.19-go, golang-1.19-src)"
CONFORMANCE = os.path.join(SOURCE_ROOT, "maps", "gomap", "conformance")


def is_installed():
    return os.access(GO, os.X_OK)


def environment(folder):
    """Nothing of a user's own settings, no network."""
    return {"PATH": "/usr/bin:/bin", "HOME": folder, "GOCACHE": os.path.join(folder, "go-cache"),
            "GOPATH": os.path.join(folder, "go-path"), "GOPROXY": "off", "GOFLAGS": "",
            "GOENV": "off", "GOWORK": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}


def build(folder, package="."):
    """The path of a program built from a package of that module, in this folder, which also keeps
    Go's cache."""
    os.makedirs(folder, exist_ok=True)
    program = os.path.join(folder, "gomap" if package == "." else os.path.basename(package))
    done = subprocess.run([GO, "build", "-buildvcs=false", "-o", program, package],
                          cwd=os.path.join(CONFORMANCE, "sequential"), env=environment(folder),
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{GO} build {package}: {done.stderr}")
    return program
