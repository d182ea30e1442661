# SPDX-License-Identifier: GPL-2.0-or-later
"""S, X: jobs are apart from the host, from the server and from each other."""
import os
import re
import secrets
import shutil
import signal
import subprocess
import time

import pytest
import wirekit
from arena import (KIT_NAME, VICTIM_UID, Row, fresh_source,
                   is_running, wait_until)
from rows import test_control, test_holds  # noqa: F401

A = ["-c", "a.c", "-o", "a.o"]
NO_EFFECT = "no effect is known on any server"
SHARED = "see the pair of jobs below"
# a call that fails for its arguments only has been reached: EPERM, EACCES and
# ENOSYS are what a denied one says
REACHED = r"(ok|errno (?!1 |13 |38 ))"


def wrapper(id, title, script, **kwargs):
    return Row(id, title, ["gcc", "-wrapper", "sh,-c," + script, *A],
               **kwargs)


def steps(id, title, text, marker=None, **kwargs):
    """without a marker of its own: the last step works"""
    if marker is None:
        marker = "|".join(
            "^KIT " + re.escape(s.strip()) + " ?: " +
            (REACHED if s.strip().startswith("surface") else "ok")
            for s in text.split(";"))
    return Row(id, "V " + title, steps=text, marker=marker, **kwargs)


ROWS = [
    wrapper("S00", "kernel surface by -wrapper",
            "{STAGE}/tool --steps 'surface unix'; exit 1",
            marker=r"surface unix: ok"),
    wrapper("S03", "process outlives its job by -wrapper",
            "setsid {STAGE}/tool --steps 'hang 4; write {OUT}/m x' "
            ">/dev/null 2>&1 </dev/null & exec 2>/dev/null; touch {OUT}/m;"
            " exit 1"),
    wrapper("S08", "job ends the server by -wrapper",
            "kill -TERM {DAEMONPID}; exit 1", control=SHARED),
    steps("S40", "abstract local socket", "unix @{ABSTRACT} HELLO"),
    steps("S41", "local socket in a directory", "unix {OUT}/s HELLO"),
    steps("S42", "TCP to the host", "tcp 127.0.0.1 {TCP} HELLO"),
    steps("S43", "UDP to the host", "udp 127.0.0.1 {UDP} HELLO"),
    steps("S44", "a system daemon's sockets",
          "unix /run/systemd/journal/stdout x ; unix /dev/log x ; "
          "unix /run/dbus/system_bus_socket x", control="none may run here"),
    steps("S45", "user and network namespaces",
          "surface userns ; surface netns ; surface clone_userns"),
    steps("S46", "io_uring, bpf, userfaultfd",
          "surface iouring ; surface bpf ; surface uffd"),
    steps("S47", "keyrings, perf, tracing",
          "surface addkey ; surface keyctl ; surface perf ; "
          "surface traceme ; surface vm_read"),
    steps("S48", "clock, mount, kernel log, terminals, device nodes",
          "surface clock_settime ; surface fsopen ; surface klog ; "
          "surface tiocsti ; mkdev", control="local"),
    steps("S63", "inherits descriptors", "fdnames", control=NO_EFFECT),
    steps("S66", "processes of the host", "procs"),
    steps("S67", "control bytes on stderr",
          "say \\x9b2J\\x1b[2J\\x1b]0;title\\x07\\x08\\x7f\\xc2\\x9bX",
          marker="[\x1b\x07\x08\x7f\x9b]"),
    steps("S67.out", "control bytes on stdout",
          "sayout \\x9b2J\\x1b[2J\\x1b]0;title\\x07X",
          marker="[\x1b\x07\x9b]"),
    # relatives
    steps("S90", "System V message, segment, semaphore",
          "sysvput 7106932 x ; shmseg 7106932 ; sem 7106932"),
    steps("S91", "POSIX queue and shared memory",
          "mqput /kit-queue x ; mqdrop /kit-queue ; shmput /new-mark x"),
    steps("S92", "signals to everyone who can be named",
          "kill 2 9 ; kill -1 0 ; pidfd {DAEMONPID} 0 ; kill {DAEMONPID} 0",
          control="would signal this system's processes"),
    steps("S93", "tracing the first process", "trace1",
          control="would trace this system's first process"),
    steps("S94", "device nodes", "mkdev ./dev ; mkdev /tmp/dev",
          control="local" if os.geteuid() == 0 else "needs root"),
    steps("S95", "set-uid, owner and attributes of its own file",
          "writex x x ; chown x ; xattr x",
          marker=r"chown x *: ok", control="local"
          if os.geteuid() == 0 else "needs root"),
    steps("S96", "the tool chain's own places",
          "rename /usr/bin/as /usr/bin/as.old ; unlink /usr/bin/gcc ; "
          "exchange /usr/bin /tmp ; rename /lib /tmp/lib ; "
          "write /usr/bin/gcc x ; symlink /tmp /usr/bin/x ; "
          "unlink /lib64/ld-linux-x86-64.so.2 ; rmdir /.lib ; "
          "unlink /.lib/0 ; mkdir /usr/bin/x ; unlink /dev/null",
          control="would harm this system"),
]


def test_s06_log_line(server, attempt):
    """a newline in a name must not begin a line of the log"""
    fake = f"x\ndistccd[1] (forged) ERROR: {attempt.token}\n.c"
    server.send(wirekit.request(["gcc", "-c", fake, "-o", "a.o"], "int x;"))
    server.send(wirekit.request([f"a\n{attempt.token}\ngcc", *A], "int x;"))
    server.send(wirekit.request([KIT_NAME, *A],
                                f"say \\x0a{attempt.token}\nexit 1\n"))
    assert server.normal() is not None
    assert not re.search(rf"^(distccd\[1\]|{attempt.token}|\.c)",
                         server.log(), re.M)
    assert "\x1b" not in server.log()


# --- signals: by effect ------------------------------------------------------

@pytest.mark.parametrize("number", [
    signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL, signal.SIGHUP])
def test_s59_s60_signals(server, number):
    """S59, S60: a concurrent job of another client, and the server, live on"""
    with server.start_job("sleep 2 ; say SURVIVED") as other:
        time.sleep(0.5)
        reply = server.job(f"killall {int(number)}")
        assert "KILLED" in reply.text, reply
        assert server.is_alive() and server.wait_normal()
        assert "SURVIVED" in other.receive(10).text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGSTOP])
def test_s59_control(world, as_root, number):
    """as a user of its own, so that only the victim is within reach"""
    victim = subprocess.Popen([world.kit, "--steps", "sleep 20"],
                              user=VICTIM_UID, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.2)
        subprocess.run([world.kit, "--steps", f"killall {int(number)}"],
                       user=VICTIM_UID, stderr=subprocess.DEVNULL,
                       timeout=20, check=False)
        if number == signal.SIGSTOP:
            with open(f"/proc/{victim.pid}/stat", encoding="ascii") as f:
                assert f.read().rpartition(")")[2].split()[0] == "T"
        else:
            assert victim.wait(5) == -number
    finally:
        victim.kill()
        victim.wait()


def test_job_cannot_stop_its_own_keeper(server):
    """the first process of the jail takes no signal of the job's"""
    reply = server.job("kill 1 19 ; kill 1 9 ; kill 1 15 ; kill 1 6")
    assert "KIT done" in reply.text, reply


# --- S58: the client leaves --------------------------------------------------

@pytest.mark.parametrize("how", ["reset", "close"])
def test_s58_job_ends_with_its_client(server, how):
    c = server.start_job("hang 30")
    assert wait_until(server.job_pids, 5)
    getattr(c, how)()
    # a plain close looks like a half-close until the reply's first packet
    assert wait_until(server.is_idle, 6), "the job goes on"


def test_s58_control(world):
    p = subprocess.Popen([world.kit, "--steps", "hang 30"],
                         stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        p.terminate()
        time.sleep(0.5)
        assert is_running(p.pid)
    finally:
        p.kill()
        p.wait()


# --- S62: descriptors --------------------------------------------------------

def test_s62_descriptors(server, attempt):
    reply = server.job(f"fdwrite {attempt.token}")
    assert "KIT done" in reply.text and reply.wrong is None, reply
    stripped = reply.raw.replace(reply.serr, b"")
    assert attempt.token.encode() not in stripped
    assert attempt.token not in server.log()


def test_s62_control(world, attempt):
    r, w = os.pipe()
    subprocess.run([world.kit, "--steps", f"fdwrite {attempt.token}"],
                   pass_fds=[w], stderr=subprocess.DEVNULL, check=False)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        assert f.read() == attempt.token.encode()


# --- two jobs of two clients -------------------------------------------------

def both(server, first, second):
    """second runs while first does; the two replies"""
    with server.start_job(first) as c:
        time.sleep(0.4)
        reply = server.job(second)
        return c.receive(15), reply


def both_plain(world, first, second):
    """the same two, without walls, as one user"""
    a = subprocess.Popen([world.kit, "--steps", first],
                         stderr=subprocess.PIPE, text=True)
    time.sleep(0.4)
    b = subprocess.run([world.kit, "--steps", second], capture_output=True,
                       text=True, timeout=30, check=False)
    return a.communicate(timeout=30)[1], b.stderr


NAME = "/kit-" + secrets.token_hex(4)
KEY = str(0x6b690000 + secrets.randbelow(0xffff))
HALVES = ("kit0half", secrets.token_hex(8))
PAIRS = {
    "S51-POSIX_queue": (f"mqput {NAME} TOKEN ; sleep 1", f"mqget {NAME}",
                        "GOT TOKEN"),
    "POSIX_shared_memory": (f"shmput {NAME} TOKEN ; sleep 1",
                            f"shmget {NAME}", "GOT TOKEN"),
    "System_V_message": (f"sysvput {KEY} TOKEN ; sleep 1",
                         f"sysvget {KEY}", "GOT TOKEN"),
    "S55-source_of_another_job": (
        f"mkdir /tmp/kit-left.d ; "
        f"write /tmp/kit-left.d/x {HALVES[0]}{HALVES[1]} ; sleep 1",
        f"find {HALVES[0]} {HALVES[1]} /tmp/kit-left.d /tmp /w . /proc",
        "FOUND "),
    "file_in_tmp": ("write /tmp/kit-left x ; sleep 1", "exists /tmp/kit-left",
                    "exists /tmp/kit-left *: ok"),
    "S65-X01-X02-memory_tracing_signals": (
        "sleep 2", "procs ; reach", r"REACHED [1-9]|FELT [1-9]"),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_two_jobs(server, pair):
    first, second, sign = PAIRS[pair]
    one, two = both(server, first, second)
    assert "KIT done" in two.text, two
    assert not re.search(sign, two.text), two
    assert "KIT done" in one.text, one


@pytest.mark.parametrize("pair", PAIRS)
def test_two_jobs_control(world, pair):
    first, second, sign = PAIRS[pair]
    if pair.startswith("S65"):
        # /proc and kill(2) of this whole system, but signal 0 and a look only
        second = "procs"
    try:
        _, two = both_plain(world, first, second)
        if "errno 38" in two:
            pytest.skip("this kernel has none")
        assert re.search(sign, two), two
    finally:
        shutil.rmtree("/tmp/kit-left.d", ignore_errors=True)
        if os.path.exists("/tmp/kit-left"):
            os.unlink("/tmp/kit-left")


def test_killing_another_job(server):
    """S65: a job ends another client's job by brute force"""
    one, two = both(server, "sleep 3 ; say STILL HERE",
                    "killall 9 ; reach ; killall 19")
    assert "STILL HERE" in one.text, one
    assert "KILLED" in two.text, two


def test_uids_differ(server, as_root):
    """two jobs at one time run as two users, neither the server's"""
    first = server.start_job("hang 3")
    second = server.start_job("hang 3", source=fresh_source())
    try:
        assert wait_until(lambda: len(server.job_pids()) == 2, 5)
        uids = [os.stat(f"/proc/{pid}").st_uid for pid in server.job_pids()]
        assert len(set(uids)) == 2 and 0 not in uids, uids
    finally:
        first.reset()
        second.reset()
        assert wait_until(server.is_idle, 5)
