# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that fail in every way: the build goes on, nothing is left behind."""
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest

import clientlib
from clientlib import FakeServer, answer, reply, token

OBJECT = b"\x7fELF not really" * 100


@pytest.fixture
def client(tmp_path):
    return clientlib.Client(tmp_path)


@pytest.fixture
def fake():
    servers = []

    def make(serve, **kwargs):
        servers.append(FakeServer(serve, **kwargs))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def compile_hello(client, hosts, **env):
    return client.run("gcc", "-c", "hello.c", hosts=hosts, **env)


def test_good_reply_is_written(client, fake):
    server = fake(answer(reply(obj=OBJECT, err=b"a warning\n", out=b"hm\n")))
    result = compile_hello(client, server.spec, DISTCC_FALLBACK=0)
    assert (result.returncode, result.stderr, result.stdout) == \
        (0, "a warning\n", "hm\n")
    assert client.read("hello.o") == OBJECT
    assert client.leftovers() == []


def test_large_object_in_small_pieces(client, fake):
    data = os.urandom(300_000)

    def serve(conn):
        clientlib.read_request(conn)
        whole = reply(obj=data)
        for i in range(0, 40):
            conn.sendall(whole[i:i + 1])
        for i in range(40, len(whole), 7777):
            conn.sendall(whole[i:i + 7777])

    server = fake(serve)
    assert compile_hello(client, server.spec,
                         DISTCC_FALLBACK=0).returncode == 0
    assert client.read("hello.o") == data


def test_large_source(client, fake):
    """More than the socket takes at once, to a server that is slow to read."""
    got = []

    def serve(conn):
        time.sleep(0.2)
        got.append(clientlib.read_request(conn))
        conn.sendall(reply(obj=OBJECT))

    client.write("big.c", "/* */ int x;\n" + 'const char *s = "%s";\n' %
                 ("y" * 3_000_000))
    server = fake(serve)
    assert client.run("gcc", "-c", "big.c", hosts=server.spec,
                      DISTCC_FALLBACK=0).returncode == 0
    assert len(got[0][2]) > 3_000_000


def test_what_is_sent(client, fake):
    got = []

    def serve(conn):
        got.append(clientlib.read_request(conn))
        conn.sendall(reply(obj=OBJECT))

    server = fake(serve)
    result = client.run("gcc", "-DX=1", "-I.", "-O2", "-c", "hello.c",
                        hosts=server.spec, DISTCC_FALLBACK=0,
                        DISTCC_NO_REWRITE_CROSS=1)
    assert result.returncode == 0
    version, argv, source = got[0]
    assert version == 1
    assert argv == ["gcc", "-O2", "-c", "hello.c", "-o", "hello.o"]
    assert b"int hello(int n)" in source and source.startswith(b"#")


def test_empty_object(client, fake):
    server = fake(answer(reply()))
    assert compile_hello(client, server.spec,
                         DISTCC_FALLBACK=0).returncode == 0
    assert client.read("hello.o") == b""


def stop_reading(conn):
    time.sleep(30)


BROKEN = {
    "closes at once": lambda conn: None,
    "closes after the request": lambda conn: clientlib.read_request(conn),
    "garbage": answer(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10),
    "a wrong token": answer(token("WHAT", 1)),
    "another version": answer(reply(obj=OBJECT, version=3)),
    "a signed length": answer(b"DONE00000001STAT0000000 SERR-0000001"),
    "a huge length": answer(token("DONE", 1) + token("STAT", 0) +
                            token("SERR", 0xffffffff)),
    "a large length and nothing": answer(
        token("DONE", 1) + token("STAT", 0) + token("SERR", 0x3fffffff)),
    "half an object": answer(reply(obj=OBJECT)[:-7]),
    "an object although it failed": answer(reply(status=0x100, obj=OBJECT)),
    "a server's own status": answer(reply(status=110 << 8)),
    "a signal": answer(reply(status=9)),
    "never an answer": stop_reading,
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_server(client, fake, what):
    server = fake(BROKEN[what])
    log = os.path.join(client.directory, "log")
    env = {"DISTCC_IO_TIMEOUT": 1, "DISTCC_LOG": log}
    result = compile_hello(client, server.spec, **env)
    assert (result.returncode, result.stderr) == (0, "")
    assert client.read("hello.o").startswith(b"\x7fELF\x02")
    with open(log) as file:
        text = file.read()
    assert "failed to distribute, running locally instead" in text
    assert f"backoff_tcp_127.0.0.1_{server.port}_0" in client.locks()
    assert server.count == 1
    # left alone for a while
    assert compile_hello(client, server.spec, **env).returncode == 0
    assert server.count == 1
    os.unlink(client.path("hello.o"))
    # and never locally, if so wished; nor for ever
    result = compile_hello(client, server.spec, DISTCC_FALLBACK=0,
                           DISTCC_BACKOFF_PERIOD=0, **env)
    assert result.returncode == 116
    assert not client.exists("hello.o") and client.leftovers() == []
    assert server.count == 2


def test_lzo_garbage(client, fake):
    whole = token("DONE", 2) + token("STAT", 0) + token("SERR", 0) + \
        token("SOUT", 0) + token("DOTO", 40) + b"\xff" * 40
    server = fake(answer(whole))
    log = os.path.join(client.directory, "log")
    result = compile_hello(client, server.spec + ",lzo", DISTCC_FALLBACK=0,
                           DISTCC_LOG=log)
    assert result.returncode == 116
    assert not client.exists("hello.o")


def test_slow_bytes_within_the_timeout_are_fine(client, fake):
    def serve(conn):
        clientlib.read_request(conn)
        for piece in (b"DONE000", b"00001", reply(obj=OBJECT)[12:]):
            time.sleep(0.6)
            conn.sendall(piece)

    server = fake(serve)
    result = compile_hello(client, server.spec, DISTCC_FALLBACK=0,
                           DISTCC_IO_TIMEOUT=1)
    assert result.returncode == 0 and client.read("hello.o") == OBJECT


def test_next_host_before_local(client, fake):
    bad = fake(BROKEN["closes after the request"])
    good = fake(answer(reply(obj=OBJECT)))
    dead = f"127.0.0.1:{clientlib.free_port()}"
    log = os.path.join(client.directory, "log")
    result = compile_hello(client, f"{dead} {bad.spec} {good.spec}",
                           DISTCC_LOG=log)
    assert (result.returncode, result.stderr) == (0, "")
    assert client.read("hello.o") == OBJECT
    assert (bad.count, good.count) == (1, 1)
    compile_hello(client, f"{dead} {bad.spec} {good.spec}", DISTCC_LOG=log)
    assert (bad.count, good.count) == (1, 2)


def test_backoff_ends(client, fake):
    server = fake(BROKEN["closes at once"])
    assert compile_hello(client, server.spec).returncode == 0
    server.serve = answer(reply(obj=OBJECT))
    path = os.path.join(client.state, "lock",
                        f"backoff_tcp_127.0.0.1_{server.port}_0")
    os.utime(path, (time.time() - 61, time.time() - 61))
    assert compile_hello(client, server.spec).returncode == 0
    assert client.read("hello.o") == OBJECT
    assert not os.path.exists(path)


def test_server_refuses_before_it_has_read(client, fake):
    """Its answer arrives although we are not done sending."""
    def serve(conn):
        conn.sendall(reply(status=0x6e00, err=b"no such compiler\n"))
        time.sleep(0.5)

    client.write("big.c", 'const char *s = "%s";\n' % ("y" * 30_000_000))
    server = fake(serve)
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-c", "big.c", hosts=server.spec,
                        DISTCC_FALLBACK=0, DISTCC_LOG=log)
    assert result.returncode == 116
    with open(log) as file:
        assert "no such compiler" in file.read()


def test_wrong_host_is_found_out(client, fake):
    """It fails there and works here: the host is to blame."""
    server = fake(answer(reply(status=0x100, err=b"bad compiler\n")))
    log = os.path.join(client.directory, "log")
    result = compile_hello(client, server.spec, DISTCC_LOG=log)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"backoff_tcp_127.0.0.1_{server.port}_0" in client.locks()
    with open(log) as file:
        assert "remote compilation of 'hello.c' failed, retrying locally" \
            in file.read()


def test_control_characters_do_not_reach_the_log(client, fake):
    server = fake(answer(reply(status=110 << 8, err=b"\x1b[31mx\nforged")))
    result = compile_hello(client, server.spec)
    assert "\x1b" not in result.stderr and "\nforged" not in result.stderr


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_signal_leaves_nothing(client, fake, sig):
    waiting = threading.Event()

    def serve(conn):
        clientlib.read_request(conn)
        conn.sendall(reply(obj=OBJECT)[:-5])
        waiting.set()
        time.sleep(30)

    server = fake(serve)
    process = client.start("gcc", "-c", "hello.c", hosts=server.spec)
    assert waiting.wait(20)
    process.send_signal(sig)
    assert process.wait(timeout=10) == -sig
    process.communicate()
    assert not client.exists("hello.o") and client.leftovers() == []
    # and its slot is free at once
    server.serve = answer(reply(obj=OBJECT))
    assert compile_hello(client, server.spec + "/1",
                         DISTCC_FALLBACK=0).returncode == 0


def test_signal_ends_the_preprocessor(client, fake):
    slow = os.path.join(client.directory, "slowcc")
    pid_file = os.path.join(client.directory, "pid")
    with open(slow, "w") as out:
        out.write(f"#!/bin/sh\necho $$ >{pid_file}.new\n"
                  f"mv {pid_file}.new {pid_file}\nexec sleep 60\n")
    os.chmod(slow, 0o755)
    server = fake(answer(reply(obj=OBJECT)))
    process = client.start(slow, "-c", "hello.c", hosts=server.spec)
    for _ in range(200):
        if os.path.exists(pid_file):
            break
        time.sleep(0.05)
    with open(pid_file) as file:
        pid = int(file.read())
    process.terminate()
    process.wait(timeout=10)
    process.communicate()
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().split(")")[1].split()[0] == "Z":
                    return
        except FileNotFoundError:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the preprocessor lives on")


def test_waiting_for_a_host_holds_no_preprocessor_slot(client, fake):
    """One whose host failed waits for the next; who has that one waits for
    the only preprocessor's slot."""
    dead = f"127.0.0.1:{clientlib.free_port()}"
    server = fake(answer(reply(obj=OBJECT)))
    hosts = f"--localslots_cpp=1 {dead}/4 {server.spec}/1"
    jobs = [client.start("gcc", "-c", "hello.c", "-o", f"z{i}.o", hosts=hosts,
                         DISTCC_FALLBACK=0, DISTCC_BACKOFF_PERIOD=0,
                         DISTCC_LOG=os.path.join(client.directory, "log"))
            for i in range(12)]
    for job in jobs:
        job.communicate(timeout=60)
    assert [job.returncode for job in jobs] == [0] * 12


def test_standard_descriptors_may_be_closed(client, fake):
    server = fake(answer(reply(obj=OBJECT, err=b"a warning\n", out=b"x\n")))
    command = f'exec {clientlib.DISTCC} gcc -c hello.c 0<&- 1>&- 2>&-'
    subprocess.run(["/bin/sh", "-c", command], cwd=client.work, check=True,
                   env=client.environment(server.spec,
                                          {"DISTCC_FALLBACK": "0"}))
    assert client.read("hello.o") == OBJECT


def test_ignored_child_signal_is_no_failure(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    code = ("import os,signal,sys; signal.signal(signal.SIGCHLD, "
            "signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])")
    subprocess.run([sys.executable, "-c", code, clientlib.DISTCC, "gcc", "-c",
                    "hello.c"], cwd=client.work, check=True,
                   env=client.environment(server.spec,
                                          {"DISTCC_FALLBACK": "0"}))
    assert client.read("hello.o") == OBJECT


def test_killed_client_frees_its_slot(client, fake):
    first = threading.Event()

    def serve(conn):
        clientlib.read_request(conn)
        if not first.is_set():
            first.set()
            time.sleep(60)
        conn.sendall(reply(obj=OBJECT))

    server = fake(serve)
    one = client.start("gcc", "-c", "hello.c", hosts=server.spec + "/1")
    assert first.wait(20)
    two = client.start("gcc", "-c", "hello.c", "-o", "two.o",
                       hosts=server.spec + "/1", DISTCC_FALLBACK=0)
    time.sleep(0.3)
    assert two.poll() is None
    one.kill()
    one.communicate()
    start = time.monotonic()
    two.communicate(timeout=20)
    assert two.returncode == 0
    assert time.monotonic() - start < 5


def test_slots_are_kept_and_refilled_at_once(client, fake):
    running, most, lock = [0], [0], threading.Lock()

    def serve(conn):
        clientlib.read_request(conn)
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1
        conn.sendall(reply(obj=OBJECT))

    server = fake(serve)
    client.write("z.i", "int z;\n")
    start = time.monotonic()
    jobs = [client.start("gcc", "-c", "z.i", "-o", f"z{i}.o",
                         hosts=server.spec + "/2", DISTCC_FALLBACK=0)
            for i in range(20)]
    for job in jobs:
        job.communicate(timeout=60)
    assert [job.returncode for job in jobs] == [0] * 20
    assert most[0] == 2
    # 10 turns of 50 ms: nothing like a second's sleep each
    assert time.monotonic() - start < 5


def test_spread_over_hosts(client, fake):
    def serve(conn):
        clientlib.read_request(conn)
        time.sleep(0.3)
        conn.sendall(reply(obj=OBJECT))

    one, two = fake(serve), fake(serve)
    jobs = [client.start("gcc", "-c", "hello.c", "-o", f"z{i}.o",
                         hosts=f"{one.spec}/2 {two.spec}/2")
            for i in range(4)]
    for job in jobs:
        job.communicate(timeout=60)
    assert (one.count, two.count) == (2, 2)


def test_no_lock_directory(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    result = compile_hello(client, server.spec, DISTCC_FALLBACK=0,
                           DISTCC_DIR="/proc/nowhere")
    assert (result.returncode, result.stderr) == (0, "")
    result = compile_hello(client, server.spec, DISTCC_FALLBACK=0,
                           DISTCC_DIR=None, HOME=None)
    assert (result.returncode, result.stderr) == (0, "")


def test_directory_is_made(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    assert compile_hello(client, server.spec, DISTCC_DIR=None,
                         DISTCC_FALLBACK=0).returncode == 0
    assert os.path.isdir(os.path.join(client.directory, ".distcc", "lock"))


@pytest.mark.skipif(not clientlib.has_ipv6(), reason="no IPv6 here")
def test_ipv6(client, fake):
    server = fake(answer(reply(obj=OBJECT)), host="::1",
                  family=socket.AF_INET6)
    assert compile_hello(client, server.spec + "/2",
                         DISTCC_FALLBACK=0).returncode == 0


def test_host_by_name_with_several_addresses(client, fake):
    """"localhost:PORT" may be ::1 first, where nobody listens."""
    server = fake(answer(reply(obj=OBJECT)))
    assert compile_hello(client, f"localhost:{server.port}",
                         DISTCC_FALLBACK=0).returncode == 0
    assert server.count == 1


def test_unknown_host(client):
    log = os.path.join(client.directory, "log")
    result = compile_hello(client, "no-such-host.invalid", DISTCC_LOG=log)
    assert result.returncode == 0
    with open(log) as file:
        assert "cannot resolve" in file.read()


# ---- outputs ----

def test_output_to_a_device(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    result = client.run("gcc", "-c", "hello.c", "-o", "/dev/null",
                        hosts=server.spec, DISTCC_FALLBACK=0)
    assert result.returncode == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_output_replaces_and_obeys_umask(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    client.write("hello.o", "old")
    os.chmod(client.path("hello.o"), 0o444)
    old = os.umask(0o027)
    try:
        assert compile_hello(client, server.spec).returncode == 0
    finally:
        os.umask(old)
    assert client.read("hello.o") == OBJECT
    assert stat.S_IMODE(os.stat(client.path("hello.o")).st_mode) == 0o640


def test_output_with_the_longest_name(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    name = "x" * 253 + ".o"
    assert client.run("gcc", "-c", "hello.c", "-o", name, hosts=server.spec,
                      DISTCC_FALLBACK=0).returncode == 0
    assert client.read(name) == OBJECT


def test_output_directory_is_missing(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    log = os.path.join(client.directory, "log")
    args = ["gcc", "-c", "hello.c", "-o", "nowhere/x.o"]
    local = client.local(*args)
    result = client.run(*args, hosts=server.spec, DISTCC_LOG=log)
    assert (result.returncode, result.stderr) == \
        (local.returncode, local.stderr)
    assert result.returncode != 0
    result = client.run(*args, hosts=server.spec, DISTCC_LOG=log,
                        DISTCC_FALLBACK=0)
    assert result.returncode == 107
    # nobody's fault but ours
    assert not [name for name in client.locks() if "backoff" in name]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_output_in_a_read_only_directory(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    os.mkdir(client.path("ro"))
    client.write("ro/x.o", "old")
    os.chmod(client.path("ro"), 0o555)
    try:
        assert client.run("gcc", "-c", "hello.c", "-o", "ro/x.o",
                          hosts=server.spec).returncode == 0
        assert client.read("ro/x.o") == OBJECT
    finally:
        os.chmod(client.path("ro"), 0o755)


def test_full_disk(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-c", "hello.c", "-o", "/dev/full",
                        hosts=server.spec, DISTCC_FALLBACK=0, DISTCC_LOG=log)
    assert result.returncode == 107


def test_two_clients_one_output(client, fake):
    objects = [bytes([65 + i]) * 200_000 for i in range(8)]
    left = list(objects)
    lock = threading.Lock()

    def serve(conn):
        clientlib.read_request(conn)
        with lock:
            mine = left.pop()
        conn.sendall(reply(obj=mine))

    server = fake(serve)
    jobs = [client.start("gcc", "-c", "hello.c", hosts=server.spec + "/8")
            for _ in objects]
    for job in jobs:
        job.communicate(timeout=60)
    assert [job.returncode for job in jobs] == [0] * len(jobs)
    assert client.read("hello.o") in objects
    assert client.leftovers() == []


def test_save_temps(client, fake):
    server = fake(answer(reply(obj=OBJECT)))
    temps = os.path.join(client.directory, "temps")
    os.mkdir(temps)
    log = os.path.join(client.directory, "log")
    assert compile_hello(client, server.spec, TMPDIR=temps, DISTCC_LOG=log,
                         DISTCC_SAVE_TEMPS=1).returncode == 0
    names = os.listdir(temps)
    assert len(names) == 1 and names[0].endswith(".i")
    os.unlink(os.path.join(temps, names[0]))
    assert compile_hello(client, server.spec, TMPDIR=temps).returncode == 0
    assert os.listdir(temps) == []


def test_colour_when_the_terminal_has_it(client, fake):
    got = []

    def serve(conn):
        got.append(clientlib.read_request(conn)[1])
        conn.sendall(reply(obj=OBJECT))

    server = fake(serve)
    parent, child = os.openpty()
    env = client.environment(server.spec, {"TERM": "xterm",
                                           "DISTCC_FALLBACK": "0"})
    for term in ("xterm", "dumb"):
        env["TERM"] = term
        subprocess.run([clientlib.DISTCC, "gcc", "-c", "hello.c"],
                       cwd=client.work, env=env, stderr=child, check=True)
    os.close(child)
    os.close(parent)
    assert "-fdiagnostics-color=always" in got[0]
    assert "-fdiagnostics-color=always" not in got[1]
