# SPDX-License-Identifier: GPL-2.0-or-later
"""harness - start daemons on loopback and run clients, for tests, demo, bench.

Everything it starts it ends, by process id.  Standard library only.
"""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

BUILD = os.path.abspath(os.environ.get("DISTCC_BUILD", "build"))
OUR_CLIENT = f"{BUILD}/bin/distcc"
OUR_DAEMON = f"{BUILD}/bin/distccd"
STOCK_CLIENT = "/usr/bin/distcc"
STOCK_DAEMON = "/usr/bin/distccd"
# errno, kill or log: every daemon of ours runs with its filters in that mode
FILTER_MODE = os.environ.get("DISTCC_TEST_FILTER")
FILTER_ARGS = [f"--sandbox-filter={FILTER_MODE}"] if FILTER_MODE else []


def is_stock(program):
    """Whether program is there and is the original, of the 3.x series."""
    try:
        out = subprocess.run([program, "--version"], capture_output=True,
                             text=True, timeout=10, check=False).stdout
    except OSError:
        return False
    return out.split()[1:2] != [] and out.split()[1].startswith("3.")


def free_port(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def is_listening(port):
    """By the kernel's table: a connection would be a client to the daemon."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(table, encoding="ascii") as f:
            for line in f.readlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                    return True
    return False


def clean_env(**more):
    """The environment without any setting of distcc's."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("DISTCC", "UNCACHED_ERR", "MAKEFLAGS"))}
    env["LC_ALL"] = "C"
    env.update({k: str(v) for k, v in more.items()})
    return env


def missing_layers(daemon=OUR_DAEMON):
    """(text of --show-sandbox, whether --sandbox=strict can start here)"""
    p = subprocess.run([daemon, "--show-sandbox"], capture_output=True,
                       text=True, timeout=60, env=clean_env(), check=False,
                       stdin=subprocess.DEVNULL)
    return p.stdout + p.stderr, p.returncode == 0


class Daemon:
    """One distccd in the foreground, ours or stock's."""

    def __init__(self, directory, program=OUR_DAEMON, args=(), env=None,
                 host="127.0.0.1", jobs=4, log_level="info", preexec=None):
        os.makedirs(directory, exist_ok=True)
        if os.geteuid() == 0:
            os.chmod(directory, 0o777)  # stock opens its log as its user
        self.port = free_port(host)
        self.host = host
        self.log_file = os.path.join(directory, f"distccd-{self.port}.log")
        self.args = [program, "--daemon", "--no-detach", "--listen", host,
                     "--port", str(self.port), "--allow", host, "--jobs",
                     str(jobs), "--log-file", self.log_file, "--log-level",
                     log_level, *args]
        with open(self.log_file + ".out", "wb") as out:
            self.process = subprocess.Popen(
                self.args, env=env or clean_env(), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True, cwd="/",
                preexec_fn=preexec)
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def hostspec(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def log(self):
        text = ""
        for path in (self.log_file, self.log_file + ".out"):
            with contextlib.suppress(OSError), \
                    open(path, encoding="utf-8", errors="replace") as f:
                text += f.read()
        return text

    def wait_ready(self, seconds=20):
        end = time.monotonic() + seconds
        while not is_listening(self.port):
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.args} ended with status "
                                   f"{self.process.returncode}:\n{self.log()}")
            if time.monotonic() > end:
                raise RuntimeError(f"{self.args} does not listen after "
                                   f"{seconds} s:\n{self.log()}")
            time.sleep(0.02)

    def stop(self, seconds=10):
        """SIGTERM, then SIGKILL to its session; the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


class Client:
    """distcc with a directory, a log and hosts of its own."""

    def __init__(self, directory, program=OUR_CLIENT, hosts="", **env):
        self.directory = directory
        self.program = program
        self.log_file = os.path.join(directory, "client.log")
        os.makedirs(os.path.join(directory, "state"), exist_ok=True)
        self.env = clean_env(
            DISTCC_DIR=os.path.join(directory, "state"),
            DISTCC_HOSTS=hosts, DISTCC_LOG=self.log_file, DISTCC_VERBOSE=1,
            DISTCC_FALLBACK=0, HOME=directory)
        self.env.update({k: str(v) for k, v in env.items()})

    def run(self, *args, cwd=None, timeout=60, **env):
        return subprocess.run(
            [self.program, *args], cwd=cwd or self.directory,
            env={**self.env, **{k: str(v) for k, v in env.items()}},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=timeout, check=False)

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def remote_jobs(self):
        """Jobs that a server did, by the line that people grep for."""
        return sum("completed ok" in line and " on localhost " not in line
                   for line in self.log().splitlines())

    def forget(self):
        """Empty the log, drop locks and back-off times."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.log_file)
        shutil.rmtree(os.path.join(self.directory, "state"))
        os.makedirs(os.path.join(self.directory, "state"))
