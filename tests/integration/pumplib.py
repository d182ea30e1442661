# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of pump mode share: a tree to compile, a client beside a local
compiler, and namespaces in which a directory is another."""
import os
import re
import shlex
import subprocess

import harness

PUMPED = re.compile(r"exec on \S+ with \d+ bytes of files")
HERE = re.compile(r"is preprocessed here: (.*)")
CPP = re.compile(r"DEBUG: preprocess: ")
SCAND = f"{harness.BUILD}/libexec/distcc-scand"
PUMP = f"{harness.BUILD}/bin/pump"


class Tree:
    """A source tree, compiled here and there with the same words."""

    def __init__(self, directory, hosts, program=harness.OUR_CLIENT):
        self.top = str(directory)
        self.work = os.path.join(self.top, "work")
        self.log = os.path.join(self.top, "client.log")
        os.makedirs(self.work, exist_ok=True)
        self.program = program
        self.env = harness.clean_env(
            DISTCC_DIR=os.path.join(self.top, "state"), DISTCC_HOSTS=hosts,
            DISTCC_LOG=self.log, DISTCC_VERBOSE=1, DISTCC_FALLBACK=0,
            HOME=self.top, XDG_RUNTIME_DIR=self.top)
        self.env.pop("PWD", None)
        self.wrapper = []

    def write(self, name, text):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def read(self, name):
        try:
            with open(os.path.join(self.work, name), "rb") as f:
                return f.read()
        except FileNotFoundError:
            return None

    def run(self, argv, cwd=None, **env):
        return subprocess.run(
            [*self.wrapper, *argv], cwd=cwd or self.work,
            env={**self.env, **{k: str(v) for k, v in env.items()}},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=120, check=False)

    def outcome(self, argv, outputs, **kwargs):
        for name in outputs:
            path = os.path.join(self.work, name)
            if os.path.exists(path):
                os.unlink(path)
        p = self.run(argv, **kwargs)
        return (p.returncode, p.stdout, p.stderr,
                *(self.read(name) for name in outputs))

    def compare(self, command, outputs, **kwargs):
        """Asserts that both ways give the same; what the log says of it."""
        argv = shlex.split(command)
        here = self.outcome(argv, outputs, **kwargs)
        self.forget()
        there = self.outcome([self.program, *argv], outputs, **kwargs)
        assert there == here, self.text()
        return self.text()

    def forget(self):
        if os.path.exists(self.log):
            os.unlink(self.log)

    def text(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        subprocess.run([SCAND, "--stop"], env=self.env, check=False,
                       stderr=subprocess.DEVNULL)


def pumped(log):
    """Whether the job went out with its headers, and nothing else counted."""
    return bool(PUMPED.search(log)) and "completed ok" in log and \
        not HERE.search(log) and not CPP.search(log)


def why_here(log):
    m = HERE.search(log)
    return m.group(1) if m else None


def with_directory(source, place):
    """A command's prefix: it sees source in the place of another directory."""
    return ["unshare", "-m", "sh", "-c",
            f"mount --bind {shlex.quote(source)} {shlex.quote(place)} && "
            "exec \"$@\"", "sh"]
