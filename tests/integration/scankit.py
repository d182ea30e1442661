# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the include scanner share: a small tree and its daemon.

DISTCC_SCAND names another program than the build's.
"""
import os
import re
import shutil
import subprocess

import pytest

import harness

SCAND = os.environ.get("DISTCC_SCAND",
                       os.path.join(harness.BUILD, "libexec/distcc-scand"))
UNSURE = 120
GRAIN_S = 2.2   # older than this, what was seen is trusted

needs_scanner = [
    pytest.mark.skipif(not os.access(SCAND, os.X_OK), reason="no " + SCAND),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc"),
]


def socket_name():
    """What the daemon's socket is called in its directory."""
    with open(os.path.join(os.path.dirname(__file__),
                           "../../client/scan/msg.h"),
              encoding="utf-8") as header:
        version, = re.findall(r"#define MSG_VERSION\s+(\d+)", header.read())
    return "scand-" + version


class Tree:
    """A directory of sources, and a daemon of its own."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.run = os.path.join(self.root, ".run")
        os.mkdir(self.run)
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.run, LC_ALL="C")
        for name in ("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"):
            self.env.pop(name, None)

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text=""):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text.encode() if isinstance(text, str) else text)
        return path

    def scan(self, *command, cwd=".", daemon=False, system=False, env=None):
        """{(kind, path)}, or the reason why the scanner is not sure."""
        mode = ["--print"] + ["--daemon"] * daemon + ["--all"] * system
        out = subprocess.run([SCAND] + mode + ["--"] + list(command),
                             cwd=self.path(cwd), env=dict(self.env,
                                                          **(env or {})),
                             capture_output=True, timeout=60, check=False)
        if out.returncode == UNSURE:
            return os.fsdecode(out.stderr)
        assert out.returncode == 0, out.stderr
        lines = os.fsdecode(out.stdout).rstrip("\n").split("\n")
        return {(ln[:9].rstrip(), ln[10:]) for ln in lines}

    def files(self, *command, **kw):
        """Names of files below the root, relative to it."""
        found = self.scan(*command, **kw)
        assert not isinstance(found, str), found
        return {os.path.relpath(p, self.root) for kind, p in found
                if kind == "FILE" and p.startswith(self.root + "/")}

    def by_compiler(self, command, cwd=".", env=None, timeout=None):
        """The same by gcc -M, links resolved."""
        out = subprocess.run([command[0], "-M"] + list(command[1:]),
                             cwd=self.path(cwd), env=dict(self.env,
                                                          **(env or {})),
                             capture_output=True, check=False,
                             timeout=timeout)
        assert out.returncode == 0, out.stderr
        text = os.fsdecode(out.stdout).split(":", 1)[1].replace("\\\n", " ")
        words = [re.sub(r"\\(.)", r"\1", w).replace("$$", "$")
                 for w in re.findall(r"(?:\\.|[^\s\\])+", text)]
        paths = {os.path.realpath(os.path.join(self.path(cwd), w))
                 for w in words}
        return {os.path.relpath(p, self.root) for p in paths
                if p.startswith(self.root + "/")}

    def check(self, *command, cwd=".", env=None, extra=()):
        """Exactly what gcc names, and what is known to be named on top."""
        want = self.by_compiler(command, cwd, env)
        got = self.files(*command, cwd=cwd, env=env)
        assert got == want | set(extra)
        return got

    def stop(self):
        subprocess.run([SCAND, "--stop"], env=self.env, check=False,
                       stderr=subprocess.DEVNULL)

    def daemon_pids(self):
        pids = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/net/unix", encoding="ascii",
                          errors="replace") as f:
                    paths = {ln.split()[6]: ln.split()[-1] for ln in f
                             if self.run in ln}
                fds = [os.readlink(f"/proc/{pid}/fd/3")]
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    is_ours = b"--listening" in f.read()
            except OSError:
                continue
            if is_ours and any(f"socket:[{inode}]" in fds
                               for inode in paths):
                pids.append(int(pid))
        return pids


@pytest.fixture
def tree(tmp_path):
    t = Tree(tmp_path)
    yield t
    t.stop()
