# SPDX-License-Identifier: GPL-2.0-or-later
"""A distccd-auth that somebody else runs: what it can make the listener do.

The daemon finds its helpers beside itself, so it is given a script in the place
of distccd-auth, which starts as the real one does and then lies.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import authlib
import harness
from authlib import build, logged

SCRIPT = '''#!/usr/bin/python3
import array, ctypes, os, socket, struct, sys
FORK, FORKED, READY, NAME, VERDICT, OVER, LOG = 24, 25, 16, 20, 21, 22, 10
MEMFD = os.memfd_create("context", 2)
os.write(MEMFD, bytes(100))
chan = socket.socket(fileno=3)
chan.recv(100)
chan.send(struct.pack("II512s", READY, 0, b"TEST.LOCAL"))

def name(job, peer=b"alice@TEST.LOCAL", sealed=0, own=b"distcc/h@TEST.LOCAL"):
    return struct.pack("IIII512s512s", NAME, job, sealed, 0, peer, own)

def over(job, end=0, sealed=0):
    return struct.pack("IIII256s", OVER, job, end, sealed, b"said so")

def answers(job, chan):
    fds = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [MEMFD]))]
    def verdict():
        return struct.unpack("IIII256s", chan.recv(1000))[2]
    def said(*messages):
        for m in messages:
            chan.send(m)
    def after_name(*messages, **how):
        said(name(job, **how))
        verdict()
        said(*messages)
    WAYS

while True:
    data, aux, _, _ = chan.recvmsg(100, 100)
    if not data:
        sys.exit(0)
    fd = array.array("i", aux[0][2][:4])[0]
    job = struct.unpack("II", data)[1]
    lie = PID
    pid = ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0)
    if pid == 0:
        own = socket.socket(fileno=fd)
        data, aux, _, _ = own.recvmsg(100, 100)
        if data:
            answers(struct.unpack("II", data)[1], own)
        os._exit(0)
    os.close(fd)
    chan.send(struct.pack("IIiI", FORKED, job, lie or pid, 0))
'''

WAYS = {
    "no name": "said(over(job))",
    "two names": "after_name(name(job))",
    "name without end": "said(name(job, b'a' * 512))",
    "other's number": "said(name(job + 1))",
    "short": "said(name(job)[:-1])",
    "long": "said(name(job) + bytes(1))",
    "unknown": "said(struct.pack('II', 99, job))",
    "master's word": "said(struct.pack('IIiI', FORKED, job, 1, 0))",
    "unknown end": "after_name(over(job, 99))",
    "sealed without context": "after_name(over(job, 0, 1), sealed=1)",
    "denied": "after_name(over(job), peer=b'mallory@TEST.LOCAL')",
    "other service": "after_name(over(job), own=b'host/h@TEST.LOCAL')",
    "over twice": "after_name(over(job, 1), over(job))",
    "context when in clear":
        "said(name(job)); verdict(); chan.sendmsg([over(job)], fds)",
    "unsealed context": "said(name(job, sealed=1)); verdict(); "
        "chan.sendmsg([over(job, 0, 1)], fds)",
}


@pytest.fixture
def taken(realm, start_daemon):
    """taken(way, pid=0, *args) -> a daemon whose distccd-auth does that."""
    tops = []

    def make(way, pid=0, *args):
        top = tempfile.mkdtemp(prefix="distcc-taken-")
        tops.append(top)
        os.chmod(top, 0o755)
        os.makedirs(f"{top}/libexec")
        os.makedirs(f"{top}/bin")
        real = os.path.realpath(f"{harness.BUILD}/libexec")
        for helper in os.listdir(real):
            if helper != "distccd-auth":
                os.symlink(f"{real}/{helper}", f"{top}/libexec/{helper}")
        with open(f"{top}/libexec/distccd-auth", "w", encoding="ascii") as f:
            f.write(SCRIPT.replace("WAYS", way).replace("PID", str(pid)))
            os.fchmod(f.fileno(), 0o755)
        shutil.copy(f"{os.path.dirname(real)}/bin/distccd", f"{top}/bin")
        return start_daemon(["--auth", "--deny-principal=mallory", *args],
                            program=f"{top}/bin/distccd",
                            env=realm.server_env())
    yield make
    for top in tops:
        shutil.rmtree(top)


def test_it_can_say_who_comes(taken):
    """The control, and what is its to say: it has the keys."""
    d = taken("after_name(over(job))")
    assert b"DONE00000001STAT00000000" in authlib.talk(d.port, authlib.job())
    assert logged(d, "principal=alice@TEST.LOCAL")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_it_can_not(taken, way):
    d = taken(way)
    for _ in range(3):
        assert b"DONE" not in authlib.talk(d.port, authlib.job())
    time.sleep(0.1)
    assert d.process.poll() is None
    assert "COMPILE" not in d.log()
    if way != WAYS["over twice"]:
        assert logged(d, "event=auth_violation")


def test_it_can_not_skip_sealing(taken):
    d = taken("after_name(over(job))", 0, "--auth=seal")
    assert b"DONE" not in authlib.talk(d.port, authlib.job())
    assert logged(d, "event=auth_violation")


def test_it_can_not_have_others_killed(taken):
    """The listener kills what does not end, and as root may kill anything."""
    other = subprocess.Popen(["sleep", "60"])
    try:
        d = taken("pass", other.pid)
        for _ in range(3):
            assert b"DONE" not in authlib.talk(d.port, authlib.job())
        d.stop()
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.5)
    finally:
        other.kill()
        other.wait()


# -- the real ones, ended from outside


def children(daemon, name):
    """{pid: has a filter} of a daemon's helpers of this name."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                s = dict(line.rstrip("\n").split(":\t", 1) for line in f
                         if ":\t" in line)
        except OSError:
            continue
        if s["PPid"] == str(daemon.process.pid) and name.startswith(s["Name"]):
            found[int(pid)] = s["Seccomp"] == "2"
    return found


def first(daemon, name):
    end = time.monotonic() + 10
    while True:
        found = [p for p, has_filter in children(daemon, name).items()
                 if not has_filter]
        if len(found) == 1:
            return found[0]
        assert time.monotonic() < end, found
        time.sleep(0.02)


def test_crash_in_a_handshake(server, client):
    """It costs that client, and the next meet other addresses."""
    d = server("--auth=seal", "--allow", "127.0.0.0/8")
    before = first(d, "distccd-auth")
    # from another address, which has to pay for it
    with socket.create_connection(("127.0.0.1", d.port), 10,
                                  ("127.0.0.9", 0)) as s:
        s.sendall(b"S")
        time.sleep(0.3)
        # the ones in waiting go with it: any may be the client's
        for pid, has_filter in children(d, "distccd-auth").items():
            if has_filter:
                os.kill(pid, signal.SIGSEGV)
        assert s.recv(1) == b""
    assert logged(d, "event=auth_crashed")
    assert first(d, "distccd-auth") != before
    assert build(client(d.port, ",seal=localhost"))


def stalled(d, client):
    """A sealed client whose job never comes; its worker's pid."""
    def stall(side, number, name, data):
        return b"" if (side, name) == ("client", "SREC") else data

    m = authlib.Middle(d.port, stall)
    c = client(m.port, ",seal=localhost")
    p = subprocess.Popen([c.program, "gcc", "-c", "a.c"], env=c.env,
                         cwd=c.directory, stdin=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while True:
        found = [pid for pid, has_filter in
                 children(d, "distccd-worker-gss").items() if has_filter]
        if found and m.records("client"):
            return m, p, found[0]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_crash_of_a_sealed_worker(server, client):
    d = server("--auth=seal")
    before = first(d, "distccd-worker-gss")
    m, p, worker = stalled(d, client)
    with m:
        os.kill(worker, signal.SIGSEGV)
        assert p.wait(20) == 116
    assert logged(d, "event=worker_crashed")
    c = client(d.port, ",seal=localhost")
    time.sleep(1.1)             # what crashed costs its principal a second
    end = time.monotonic() + 15
    while not build(c):         # or more
        assert time.monotonic() < end, c.log()
        time.sleep(1)
    assert first(d, "distccd-worker-gss") != before


def test_first_processes_are_started_again(server, client):
    d = server("--auth=seal")
    for name in ("distccd-auth", "distccd-worker-gss"):
        os.kill(first(d, name), signal.SIGKILL)
        time.sleep(1.2)         # it is not tried again at once
        assert build(client(d.port, ",seal=localhost"))


def test_sealed_workers_end_with_the_daemon(server, client):
    d = server("--auth=seal")
    m, p, worker = stalled(d, client)
    with m:
        d.process.kill()
        end = time.monotonic() + 5
        while os.path.exists(f"/proc/{worker}"):
            with open(f"/proc/{worker}/stat", encoding="ascii") as f:
                if f.read().rpartition(")")[2].split()[0] == "Z":
                    break
            assert time.monotonic() < end
            time.sleep(0.02)
        assert p.wait(20) == 116
