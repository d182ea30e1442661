# SPDX-License-Identifier: GPL-2.0-or-later
"""A distccd-auth that somebody else runs: what it can make the listener do.

The daemon finds its helpers beside itself, so it is given another program in the
place of distccd-auth, which starts as the real one does and then lies.
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

PROGRAM = r'''
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FORK = 24, FORKED = 25, READY = 16, NAME = 20, VERDICT = 21, OVER = 22 };
struct head { uint32_t type, job; };
struct ready { struct head h; char realm[512]; };
struct forked { struct head h; int32_t pid; uint32_t zero; };
struct name { struct head h; uint32_t sealed, zero; char peer[512], own[512]; };
struct over { struct head h; uint32_t end, sealed; char text[256]; };

static int chan = 3, memfd;
static uint32_t job;

static void
say(const void *data, size_t n, int fd)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } aux;
	struct iovec part = { (void *)data, n };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = &aux;
		m.msg_controllen = sizeof(aux);
		aux.head = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET,
		    SCM_RIGHTS };
		memcpy(CMSG_DATA(&aux.head), &fd, sizeof(fd));
	}
	sendmsg(chan, &m, MSG_NOSIGNAL);
}

static int
hear(struct head *h)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(8 * sizeof(int))]; } aux;
	char data[1000];
	struct iovec part = { data, sizeof(data) };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1,
	    .msg_control = &aux, .msg_controllen = sizeof(aux) };
	int fd = -1;

	if (recvmsg(chan, &m, 0) <= 0)
		_exit(0);
	memcpy(h, data, sizeof(*h));
	if (m.msg_controllen > 0)
		memcpy(&fd, CMSG_DATA(&aux.head), sizeof(fd));
	return fd;
}

static struct name
name_of(const char *peer, uint32_t sealed)
{
	struct name n = { { NAME, job }, .sealed = sealed };

	strcpy(n.peer, peer);
	strcpy(n.own, "distcc/h@TEST.LOCAL");
	return n;
}

static struct name alice(void) { return name_of("alice@TEST.LOCAL", 0); }
static void name(struct name n) { say(&n, sizeof(n), -1); }
static void verdict(void) { struct head h; hear(&h); }

static void
over(uint32_t end, uint32_t sealed, int fd)
{
	struct over o = { { OVER, job }, end, sealed, "said so" };

	say(&o, sizeof(o), fd);
}

static void
answers(void)
{
	struct name n = alice();

	(void)n;
	WAY
}

int
main(void)
{
	struct ready ready = { { READY, 0 }, "TEST.LOCAL" };
	struct head h;

	memfd = memfd_create("context", MFD_ALLOW_SEALING);
	if (write(memfd, &ready, 100) != 100)
		return 1;
	hear(&h);
	say(&ready, sizeof(ready), -1);
	for (;;) {
		int fd = hear(&h);
		struct forked m = { { FORKED, h.job } };

		m.pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
		if (m.pid == 0) {
			chan = fd;
			hear(&h);
			job = h.job;
			answers();
			_exit(0);
		}
		close(fd);
		if (PID != 0)
			m.pid = PID;
		say(&m, sizeof(m), -1);
	}
}
'''

ALICE = "name(alice()); verdict(); over(0, 0, -1);"
WAYS = {
    "no name": "over(0, 0, -1);",
    "two names": "name(n); verdict(); name(n);",
    "name without end": "memset(n.peer, 'a', 512); name(n);",
    "other's number": "n.h.job++; name(n);",
    "short": "say(&n, sizeof(n) - 1, -1);",
    "long": "struct { struct name n; char more; } m = { n }; "
            "say(&m, sizeof(n) + 1, -1);",
    "unknown": "n.h.type = 99; say(&n, sizeof(n.h), -1);",
    "master's word": "struct forked f = { { FORKED, job }, 1 }; "
                     "say(&f, sizeof(f), -1);",
    "unknown end": "name(n); verdict(); over(99, 0, -1);",
    "sealed without context":
        "n.sealed = 1; name(n); verdict(); over(0, 1, -1);",
    "denied": 'name(name_of("mallory@TEST.LOCAL", 0)); verdict(); '
              "over(0, 0, -1);",
    "other service": 'strcpy(n.own, "host/h@TEST.LOCAL"); name(n); '
                     "verdict(); over(0, 0, -1);",
    "over twice": "name(n); verdict(); over(1, 0, -1); over(0, 0, -1);",
    "context when in clear": "name(n); verdict(); over(0, 0, memfd);",
    "unsealed context": "n.sealed = 1; name(n); verdict(); over(0, 1, memfd);",
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
        subprocess.run(["cc", "-x", "c", "-w", "-", "-o",
                        f"{top}/libexec/distccd-auth"], check=True, text=True,
                       input=PROGRAM.replace("WAY", way)
                       .replace("PID", str(pid)))
        shutil.copy(f"{os.path.dirname(real)}/bin/distccd", f"{top}/bin")
        return start_daemon(["--auth", "--deny-principal=mallory", *args],
                            program=f"{top}/bin/distccd",
                            env=realm.server_env())
    yield make
    for top in tops:
        shutil.rmtree(top)


def test_it_can_say_who_comes(taken):
    """The control, and what is its to say: it has the keys."""
    d = taken(ALICE)
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
    d = taken(ALICE, 0, "--auth=seal")
    assert b"DONE" not in authlib.talk(d.port, authlib.job())
    assert logged(d, "event=auth_violation")


def test_it_can_not_have_others_killed(taken):
    """The listener kills what does not end, and as root may kill anything."""
    other = subprocess.Popen(["sleep", "60"])
    try:
        d = taken("", other.pid)
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
    """{pid: how many filters it has} of a daemon's helpers of this name.

    They begin with the listener's, or none; each that is forked has one more
    than the first process."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                s = dict(line.rstrip("\n").split(":\t", 1) for line in f
                         if ":\t" in line)
        except OSError:
            continue
        if s["PPid"] == str(daemon.process.pid) and name.startswith(s["Name"]):
            found[int(pid)] = int(s["Seccomp_filters"])
    return found


def forked(daemon, name):
    found = children(daemon, name)
    return [p for p, n in found.items() if n > min(found.values())]


def first(daemon, name):
    end = time.monotonic() + 10
    while True:
        found = children(daemon, name)
        found = [p for p, n in found.items() if n == min(found.values())]
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
        for pid in forked(d, "distccd-auth"):
            os.kill(pid, signal.SIGSEGV)
        assert s.recv(1) == b""
    assert logged(d, "event=auth_crashed")
    # the old one ends by itself when it finds its channel closed
    end = time.monotonic() + 10
    while first(d, "distccd-auth") == before:
        assert time.monotonic() < end
        time.sleep(0.02)
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
        found = forked(d, "distccd-worker-gss")
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
    while first(d, "distccd-worker-gss") == before:
        assert time.monotonic() < end
        time.sleep(0.02)


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
