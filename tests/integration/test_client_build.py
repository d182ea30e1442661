# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole builds: hosts that die in the middle, and many clients on one
DISTCC_DIR.  DISTCC_TEST_SOURCES=N makes the build larger (32)."""
import contextlib
import ctypes
import fcntl
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest

import clientlib
import harness
from clientlib import FakeServer, reply

SOURCES = int(os.environ.get("DISTCC_TEST_SOURCES", "32"))
STEPS = 60
MAKEFILE = """SRC = $(wildcard *.c)
all: $(SRC:.c=.o)
%.o: %.c
\t$(CC) -O2 -c $< -o $@
"""
SOURCE = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static const char name[] = "%(name)s";
%(bulk)s
int %(name)s(int n)
{
    return printf("%%s %%d\\n", name, n + last_%(name)s(n));
}
"""
BULK = """static int step_%(name)s_%(i)d(int n)
{ int s = %(i)d; while (n > 0) { s = s * 31 + n; n /= 3; } return s; }
"""


def write_tree(client):
    client.write("Makefile", MAKEFILE)
    for k in range(SOURCES):
        name = f"part{k}"
        steps = range(STEPS)
        bulk = "".join(BULK % {"name": name, "i": i} for i in steps)
        calls = " + ".join(f"step_{name}_{i}(n)" for i in steps)
        bulk += f"static int last_{name}(int n) {{ return {calls}; }}\n"
        client.write(name + ".c", SOURCE % {"name": name, "bulk": bulk})
    os.unlink(client.path("hello.c"))


def objects(client):
    return {name: client.read(name) for name in os.listdir(client.work)
            if name.endswith(".o")}


@pytest.fixture
def client(tmp_path):
    it = clientlib.Client(tmp_path)
    write_tree(it)
    return it


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The objects as the compiler alone makes them."""
    it = clientlib.Client(tmp_path_factory.mktemp("alone"))
    write_tree(it)
    made = it.local("make", "-s", "-j4", "CC=gcc")
    assert made.returncode == 0, made.stderr
    return objects(it)


def stats(client):
    result = client.run("--stats", "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def signal_session(daemon, number):
    """To a daemon and everything that it started: they share its session."""
    session = daemon.process.pid
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            if os.getsid(int(entry)) == session:
                os.kill(int(entry), number)


def make_build(client, hosts, then, **env):
    """make -j16, with then() called once some objects are there."""
    process = subprocess.Popen(
        ["make", "-s", "-j16", f"CC={clientlib.DISTCC} gcc"], cwd=client.work,
        env=client.environment(hosts, env), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while len(objects(client)) < 4 and time.monotonic() < end:
        time.sleep(0.02)
    early = len(objects(client))
    then()
    _, err = process.communicate(timeout=300)
    assert 4 <= early < SOURCES
    return process.returncode, err


def check_build(client, expected, code, err):
    assert code == 0, err
    assert objects(client) == expected
    assert client.leftovers() == []


CABLE = """ip link set lo up &&
ip link add {inner} type veth peer name {outer} netns {parent} &&
ip addr add {address}2/30 dev {inner} && ip link set {inner} up &&
nsenter -t {parent} -n sh -c '
    ip addr add {address}1/30 dev {outer} && ip link set {outer} up'
"""


def can_make_networks():
    return os.geteuid() == 0 and clientlib.has("ip") and subprocess.run(
        ["unshare", "-n", "sh", "-c",
         "ip link add a type veth peer name b && nsenter -t $$ -n true"],
        capture_output=True, check=False).returncode == 0


class Cable:
    """A network namespace and the one cable that it hangs on."""

    def __init__(self):
        self.address = "10.98.7."
        self.host = self.address + "2"
        self.parent = os.getpid()

    def plug_in(self):
        """In the process that is to live there."""
        if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):
            raise OSError(ctypes.get_errno(), "unshare")
        # what is left of an earlier one may not be gone yet
        name = f"dc{os.getpid()}"
        subprocess.run(["sh", "-c", CABLE.format(
            inner=name + "i", outer=name + "o", parent=self.parent,
            address=self.address)], check=True)

    @staticmethod
    def cut(pid):
        subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", "link", "set",
                        f"dc{pid}i", "down"], check=True)


def test_build_while_hosts_die(client, expected, start_daemon):
    """One host is killed, one stopped, one cut off the network, one has no
    room for a file; the build succeeds and its objects are right."""
    good = start_daemon(jobs=4)
    killed = start_daemon(jobs=4)
    stopped = start_daemon(jobs=4)
    full = start_daemon(jobs=4, args=["--max-scratch", "1M"])
    bad = [full, killed, stopped]
    cable = Cable()
    if can_make_networks():
        bad.append(start_daemon(jobs=4, host=cable.host,
                                args=["--allow", cable.address + "1"],
                                preexec=cable.plug_in))
    # what fills the scratch there, without being much work; make starts with
    # it, and distcc with the first host
    client.write("a_big.c", "char big[] = {" + "1," * 150_000 + "};\n")
    alone = client.local("gcc", "-O2", "-c", "a_big.c", "-o", "big.ref")
    assert alone.returncode == 0
    big = client.read("big.ref")
    hosts = " ".join(f"{d.hostspec}/4,lzo" for d in [*bad, good])

    def then():
        signal_session(killed, signal.SIGKILL)
        signal_session(stopped, signal.SIGSTOP)
        for lost in bad[3:]:
            cable.cut(lost.process.pid)

    try:
        code, err = make_build(client, hosts, then, DISTCC_IO_TIMEOUT=6,
                               DISTCC_LOG=os.path.join(client.directory,
                                                       "log"))
    finally:
        signal_session(stopped, signal.SIGCONT)
    check_build(client, {**expected, "a_big.o": big}, code, err)
    counted = stats(client)
    assert counted["failed"] == 0
    assert counted["remote"] + counted["local"] == SOURCES + 1
    assert counted["remote"] >= SOURCES // 2
    missed = {(c["host"].split("/")[0], c["reason"])
              for c in counted["counts"] if c["kind"] == "missed"}
    # the full one is to blame if it was given the file that fills it
    blamed = {host for host, _ in missed} - {full.hostspec}
    assert blamed == {d.hostspec for d in bad[1:]}, missed
    for lost in bad[2:]:
        assert any(host == lost.hostspec and "timed out" in reason
                   for host, reason in missed), missed


def test_full_scratch_goes_to_the_next_host(client, start_daemon):
    full = start_daemon(args=["--max-scratch", "1M"])
    good = start_daemon()
    client.write("big.c", "char big[] = {" + "1," * 150_000 + "};\n")
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-O2", "-c", "big.c", DISTCC_FALLBACK=0,
                        hosts=f"{full.hostspec} {good.hostspec}",
                        DISTCC_LOG=log, DISTCC_VERBOSE=1)
    with open(log) as file:
        text = file.read()
    assert (result.returncode, result.stderr) == (0, ""), text
    assert f"compile big.c on {good.hostspec} completed ok" in text
    made = client.read("big.o")
    assert client.local("gcc", "-O2", "-c", "big.c").returncode == 0
    assert client.read("big.o") == made
    assert any(f"{full.port}" in name for name in client.locks()
               if name.startswith("backoff"))


def test_daemon_that_is_stopped_before_it_answers(client, start_daemon):
    daemon = start_daemon()
    signal_session(daemon, signal.SIGSTOP)
    try:
        start = time.monotonic()
        result = client.run("gcc", "-c", "part0.c", hosts=daemon.hostspec,
                            DISTCC_IO_TIMEOUT=1)
        assert result.returncode == 0
        assert 0.9 < time.monotonic() - start < 10
    finally:
        signal_session(daemon, signal.SIGCONT)


# ---- slots ----

class Counter:
    """A server that knows how many it serves at one time."""

    def __init__(self):
        self.running = self.most = self.total = 0
        self.lock = threading.Lock()

    def serve(self, conn):
        clientlib.read_request(conn)
        with self.lock:
            self.running += 1
            self.total += 1
            self.most = max(self.most, self.running)
        time.sleep(0.002)
        with self.lock:
            self.running -= 1
        conn.sendall(reply(obj=b"object"))


def held_locks(client):
    """Lock files that somebody still holds."""
    held = []
    for name in client.locks():
        with open(os.path.join(client.state, "lock", name), "r+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                held.append(name)
    return held


def test_twenty_clients_of_eight_jobs(tmp_path):
    """20 x -j8 on one DISTCC_DIR, some killed: limits are kept, all jobs are
    done, and no slot stays taken."""
    client = clientlib.Client(tmp_path)
    client.write("z.i", "int z;\n")
    counters = [Counter(), Counter()]
    servers = [FakeServer(counter.serve) for counter in counters]
    hosts = f"{servers[0].spec}/5 {servers[1].spec}/3"
    env = client.environment(hosts, {"DISTCC_FALLBACK": "0"})
    jobs = 20
    builds = [subprocess.Popen(
        ["sh", "-c", f"seq {jobs} | xargs -P8 -I@ {clientlib.DISTCC} "
         f"gcc -c z.i -o b{b}-@.o"], cwd=client.work, env=env,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True) for b in range(20)]
    victims = [client.start("gcc", "-c", "z.i", "-o", f"v{i}.o", hosts=hosts)
               for i in range(40)]
    choice = random.Random(4)
    for victim in victims:
        time.sleep(choice.random() / 50)
        victim.kill()
        victim.communicate()
    errors = [build.communicate(timeout=240)[1] for build in builds]
    for server in servers:
        server.close()
    assert [b.returncode for b in builds] == [0] * 20, errors
    assert [e for e in errors if e] == []
    made = [n for n in os.listdir(client.work)
            if n.startswith("b") and n.endswith(".o")]
    assert len(made) == 20 * jobs
    # a victim's job may still be served while another has its slot
    assert counters[0].most + counters[1].most <= 5 + 3 + 4
    assert held_locks(client) == []
    names = [n for n in client.locks() if n.startswith("cpu_tcp")]
    assert len(names) <= 8


def test_freed_slot_is_taken_at_once(tmp_path):
    """No second's sleep: also with the longest pause that may be set."""
    client = clientlib.Client(tmp_path)
    first = threading.Event()

    def serve(conn):
        clientlib.read_request(conn)
        if not first.is_set():
            first.set()
            time.sleep(0.5)
        conn.sendall(reply(obj=b"object"))

    server = FakeServer(serve)
    one = client.start("gcc", "-c", "hello.c", hosts=server.spec + "/1")
    assert first.wait(20)
    start = time.monotonic()
    result = client.run("gcc", "-c", "hello.c", "-o", "two.o",
                        hosts=server.spec + "/1", DISTCC_FALLBACK=0,
                        DISTCC_PAUSE_TIME_MSEC=100000)
    assert result.returncode == 0 and time.monotonic() - start < 3
    one.communicate()
    server.close()


# ---- hosts that are down ----

def test_backoff_period(tmp_path):
    client = clientlib.Client(tmp_path)
    port = clientlib.free_port()
    log = os.path.join(client.directory, "log")

    def compile_once(**env):
        if os.path.exists(log):
            os.unlink(log)
        result = client.run("gcc", "-c", "hello.c", DISTCC_LOG=log,
                            hosts=f"127.0.0.1:{port}", DISTCC_VERBOSE=1,
                            **env)
        assert result.returncode == 0
        with open(log) as file:
            return file.read()

    assert "Connection refused" in compile_once()
    assert "failed lately and is left alone" in compile_once()
    # the period is over: it is tried again, and again left alone
    time.sleep(1.1)
    assert "Connection refused" in compile_once(DISTCC_BACKOFF_PERIOD=1)
    assert "left alone" in compile_once(DISTCC_BACKOFF_PERIOD=60)
    # never left alone
    assert "Connection refused" in compile_once(DISTCC_BACKOFF_PERIOD=0)


def test_backoff_ends_when_the_host_is_back(tmp_path, our_daemon):
    client = clientlib.Client(tmp_path)
    spec = our_daemon.hostspec
    lock = os.path.join(client.state, "lock")
    os.mkdir(lock)
    path = os.path.join(lock, f"backoff_tcp_127.0.0.1_{our_daemon.port}_0")
    with open(path, "w") as file:
        file.write("\n")
    os.utime(path, (time.time() - 100, time.time() - 100))
    assert client.run("gcc", "-c", "hello.c", hosts=spec,
                      DISTCC_FALLBACK=0).returncode == 0
    assert not os.path.exists(path)


def test_next_host_before_the_local_machine(tmp_path, our_daemon):
    client = clientlib.Client(tmp_path)
    dead = f"127.0.0.1:{clientlib.free_port()}"
    silent = FakeServer(lambda conn: None)
    log = os.path.join(client.directory, "log")
    result = client.run(
        "gcc", "-c", "hello.c", DISTCC_LOG=log, DISTCC_VERBOSE=1,
        hosts=f"{dead} {silent.spec} {our_daemon.hostspec}")
    silent.close()
    assert (result.returncode, result.stderr) == (0, "")
    with open(log) as file:
        text = file.read()
    assert f"on {our_daemon.hostspec} completed ok" in text
    assert "running locally" not in text
    counted = stats(client)
    assert [counted[kind] for kind in ("remote", "local", "failed",
                                       "missed")] == [1, 0, 0, 2]


def test_down_host_is_never_asked(tmp_path):
    client = clientlib.Client(tmp_path)
    server = FakeServer(lambda conn: None)
    assert client.run("gcc", "-c", "hello.c",
                      hosts=server.spec + ",down").returncode == 0
    assert server.count == 0
    server.close()


def test_randomize_spreads(tmp_path):
    """The first slots of a list of four do not always go to the first."""
    client = clientlib.Client(tmp_path)
    client.write("z.i", "int z;\n")
    counters = [Counter() for _ in range(4)]
    servers = [FakeServer(counter.serve) for counter in counters]
    hosts = " ".join(s.spec for s in servers)
    for _ in range(40):
        assert client.run("gcc", "-c", "z.i", hosts="--randomize " + hosts,
                          DISTCC_FALLBACK=0).returncode == 0
    assert min(c.total for c in counters) >= 1
    for server in servers:
        server.close()


# ---- what the harness needs ----

def test_signal_session_reaches_every_process(start_daemon):
    daemon = start_daemon()
    signal_session(daemon, signal.SIGSTOP)
    def state():
        with open(f"/proc/{daemon.process.pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]

    deadline = time.monotonic() + 10
    while state() != "T" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state() == "T"
    signal_session(daemon, signal.SIGCONT)
    assert harness.is_listening(daemon.port)
