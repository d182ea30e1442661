# SPDX-License-Identifier: GPL-2.0-or-later
"""distccmon-text, lsdistcc, distcc --stats and --doctor: alone and beside
stock's."""
import json
import os
import re
import signal
import struct
import subprocess
import time

import pytest

import clientlib

BIN = os.path.dirname(clientlib.DISTCC)
MON = os.path.join(BIN, "distccmon-text")
LS = os.path.join(BIN, "lsdistcc")
STOCK_MON = "/usr/bin/distccmon-text"
STOCK_LS = "/usr/bin/lsdistcc"

needs_stock = pytest.mark.skipif(
    not os.path.exists(STOCK_LS) or not os.path.exists(STOCK_MON),
    reason="no stock distcc tools (Debian package distcc)")


@pytest.fixture
def client(tmp_path):
    return clientlib.Client(tmp_path)


@pytest.fixture
def fake():
    """start(serve) -> FakeServer, closed at the test's end"""
    servers = []

    def start(serve):
        servers.append(clientlib.FakeServer(serve))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def run(*args, timeout=30, **env):
    return subprocess.run(
        args, text=True, capture_output=True, timeout=timeout, check=False,
        stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/nonexistent",
             **env})


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.02)


def slow(seconds=2.0):
    def serve(conn):
        clientlib.read_request(conn)
        time.sleep(seconds)
        conn.sendall(clientlib.reply(obj=b"object"))
    return serve


# ---- distccmon-text ----

def record(pid, file, host, slot, phase, size=296, magic=0x44494800):
    """What stock distcc 3.4 was seen to write on x86-64."""
    return struct.pack("<QIIQ128s128siIQ", size, magic, 0, pid, file, host,
                       slot, phase, 0)


def put(directory, name, data):
    os.makedirs(os.path.join(directory, "state"), exist_ok=True)
    with open(os.path.join(directory, "state", name), "wb") as out:
        out.write(data)


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"])
    yield process.pid
    process.kill()
    process.wait()


@needs_stock
@pytest.mark.skipif(struct.calcsize("P") != 8, reason="not a 64-bit machine")
def test_mon_prints_like_stock(tmp_path, sleeper):
    for phase in range(8):
        put(tmp_path, f"binstate_{phase}", record(
            sleeper, b"file%d.c" % phase, b"host%d" % phase, 10 * phase, phase))
    put(tmp_path, "binstate_long", record(
        sleeper, b"f" * 127, b"h" * 127, 123456, 5))
    put(tmp_path, "binstate_dead", record(999999999, b"d.c", b"d", 0, 5))
    put(tmp_path, "binstate_short", record(sleeper, b"s.c", b"s", 0, 5)[:200])
    put(tmp_path, "other", record(sleeper, b"o.c", b"o", 0, 5))
    ours = run(MON, DISTCC_DIR=str(tmp_path))
    stock = run(STOCK_MON, DISTCC_DIR=str(tmp_path))
    assert ours.returncode == stock.returncode == 0
    assert ours.stdout == stock.stdout
    assert len(ours.stdout.splitlines()) == 9
    assert ours.stderr == ""


def test_mon_usage():
    for args in (["--help"], ["x"], ["1x"], ["1", "2"]):
        done = run(MON, *args)
        assert done.returncode == 1
        assert "usage: distccmon-text [DELAY]" in done.stderr
        assert done.stdout == ""


def test_mon_without_a_directory(tmp_path):
    done = run(MON, DISTCC_DIR=str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (0, "\n")


def test_mon_repeats(tmp_path, sleeper):
    put(tmp_path, "binstate_1", record(sleeper, b"a.c", b"h", 0, 5))
    process = subprocess.Popen([MON, "0.1"], stdout=subprocess.PIPE, text=True,
                               env={"DISTCC_DIR": str(tmp_path)})
    lines = [process.stdout.readline() for _ in range(6)]
    process.kill()
    process.wait()
    assert lines[1] == lines[3] == lines[5] == "\n"
    assert lines[0] == lines[2] == lines[4] != "\n"


@needs_stock
def test_both_monitors_show_our_job(client, fake):
    server = fake(slow())
    job = client.start("gcc", "-c", "hello.c", hosts=server.spec)
    env = {"DISTCC_DIR": client.state}
    until(lambda: "Compile" in run(MON, **env).stdout)
    ours, stock = run(MON, **env).stdout, run(STOCK_MON, **env).stdout
    assert ours == stock
    assert re.fullmatch(r" *%d  Compile     hello\.c +127\.0\.0\.1\[0\]\n\n"
                        % job.pid, ours)
    job.communicate()
    assert run(MON, **env).stdout == run(STOCK_MON, **env).stdout == "\n"


@needs_stock
def test_our_monitor_shows_stocks_job(client, fake):
    server = fake(slow())
    stock = clientlib.Client(client.directory, clientlib.STOCK_CLIENT)
    job = stock.start("gcc", "-c", "hello.c", hosts=server.spec)
    env = {"DISTCC_DIR": client.state}
    until(lambda: "hello.c" in run(MON, **env).stdout)
    assert "127.0.0.1[0]" in run(MON, **env).stdout
    job.communicate()


def test_a_killed_job_is_not_shown(client, fake):
    server = fake(slow(30))
    job = client.start("gcc", "-c", "hello.c", hosts=server.spec)
    env = {"DISTCC_DIR": client.state}
    until(lambda: "Compile" in run(MON, **env).stdout)
    job.send_signal(signal.SIGKILL)
    job.communicate()
    assert run(MON, **env).stdout == "\n"


def test_a_waiting_job_is_blocked(client, fake):
    server = fake(slow(3))
    hosts = server.spec + "/1"
    jobs = [client.start("gcc", "-c", "hello.c", "-o", f"{i}.o", hosts=hosts)
            for i in range(2)]
    env = {"DISTCC_DIR": client.state}
    until(lambda: "Blocked" in run(MON, **env).stdout
          and "Compile" in run(MON, **env).stdout)
    for job in jobs:
        job.communicate()
        assert job.returncode == 0
    assert run(MON, **env).stdout == "\n"


def test_jobs_leave_one_state_file_a_slot(client, fake):
    server = fake(clientlib.answer(clientlib.reply(obj=b"object")))
    for _ in range(5):
        assert client.run("gcc", "-c", "hello.c",
                          hosts=server.spec).returncode == 0
    names = os.listdir(os.path.join(client.state, "state"))
    assert names == [f"binstate_cpu_tcp_127.0.0.1_{server.port}_0"]


# ---- distcc --stats ----

def counts(client, *args):
    done = client.run("--stats", "--json", *args)
    assert done.returncode == 0
    return json.loads(done.stdout)


def test_stats_counts_by_reason(client, fake):
    good = fake(clientlib.answer(clientlib.reply(obj=b"object")))
    dead = f"127.0.0.1:{clientlib.free_port()}"
    both = f"{dead} {good.spec}"
    client.run("gcc", "-c", "hello.c", hosts=both)
    client.run("gcc", "-c", "hello.c", hosts=both)
    client.run("gcc", "-E", "hello.c", hosts=both)
    client.run("gcc", "-c", "hello.c", hosts="localhost")
    client.run("gcc", "-c", "hello.c", hosts="")
    client.run("gcc", "-c", "hello.c", hosts=f"{good.spec},down",
               DISTCC_FALLBACK=0)
    fresh = f"127.0.0.1:{clientlib.free_port()}"
    client.run("gcc", "-c", "hello.c", hosts=fresh)
    got = counts(client)
    assert (got["remote"], got["local"], got["failed"], got["missed"]) == \
        (2, 4, 1, 2)
    sorts = {(c["kind"], c["host"], c["reason"]): c["count"]
             for c in got["counts"]}
    refused = "cannot connect: Connection refused"
    assert sorts["remote", good.spec, "-"] == 2
    assert sorts["missed", dead, refused] == 1
    assert sorts["missed", fresh, refused] == 1
    assert sorts["local", fresh, refused] == 1
    assert sorts["local", "-", "localhost is in the host list"] == 1
    assert sorts["local", "-", "there is no valid host list"] == 1
    text = client.run("--stats").stdout
    assert re.search(r"^ +2  remote jobs$", text, re.M)
    assert re.search(r"^ +1  .*localhost is in the host list$", text, re.M)


ENDINGS = [
    # kind, reason, what the host replies, command, variables
    ("remote", "-", {"obj": b"object"}, ["-c", "hello.c"], {}),
    ("local", "-E does not make", {}, ["-E", "hello.c"], {}),
    ("local", "does not preprocess", {}, ["-c", "bad.c"], {}),
    ("failed", "does not preprocess", {}, ["-c", "bad.c"],
     {"DISTCC_FALLBACK": 0}),
    ("local", "what fails there compiles here", {"status": 256, "err": b"no"},
     ["-c", "hello.c"], {}),
    ("failed", "the compiler says so", {"status": 256, "err": b"no"},
     ["-c", "hello.c"], {"DISTCC_SKIP_LOCAL_RETRY": 1}),
    ("failed", "the compiler says so", {"status": 256, "err": b"no"},
     ["-c", "wrong.c"], {}),
    ("local", "exit code 110", {"status": 110 << 8, "err": b"no"},
     ["-c", "hello.c"], {}),
    ("failed", "DISTCC_FALLBACK=0", {"status": 110 << 8, "err": b"no"},
     ["-c", "hello.c"], {"DISTCC_FALLBACK": 0}),
    ("local", "the object cannot be written", {"obj": b"object"},
     ["-c", "hello.c", "-o", "none/x.o"], {}),
    ("failed", "the object cannot be written", {"obj": b"object"},
     ["-c", "hello.c", "-o", "none/x.o"], {"DISTCC_FALLBACK": 0}),
]


@pytest.mark.parametrize("kind,reason,answer,args,env", ENDINGS)
def test_each_job_is_counted_once(client, fake, kind, reason, answer, args,
                                  env):
    """However it ends; and what ends here says so in one line."""
    client.write("bad.c", "#error no\n")
    client.write("wrong.c", "int x = ;\n")
    server = fake(clientlib.answer(clientlib.reply(**answer)))
    log = os.path.join(client.directory, "log")
    client.run("gcc", *args, hosts=server.spec, DISTCC_LOG=log,
               DISTCC_VERBOSE=1, **env)
    ended = [c for c in counts(client)["counts"] if c["kind"] != "missed"]
    assert [(c["kind"], c["count"]) for c in ended] == [(kind, 1)]
    assert reason in ended[0]["reason"]
    with open(log) as file:
        said = [line for line in file if "runs locally: " in line]
    retried = reason == "what fails there compiles here"
    assert len(said) == (1 if kind == "local" and not retried else 0)
    assert all(reason in line for line in said)


def test_a_missing_compiler_is_counted(client):
    assert client.run("no-such-cc", "-c", "hello.c",
                      hosts="a").returncode == 110
    assert [(c["kind"], c["reason"]) for c in counts(client)["counts"]] == [
        ("failed", "there is no such compiler")]


def test_stats_since(client):
    with open(os.path.join(client.state, "stats.log"), "w",
              encoding="ascii") as out:
        for age in (10, 4000, 100000):
            line = f"{int(time.time()) - age:011} local  {'-':40} x"
            out.write(f"{line:127}\n")
        out.write("what a full disk left\n")
    assert counts(client)["local"] == 3
    assert counts(client, "--since", "1d")["local"] == 2
    assert counts(client, "--since=1h")["local"] == 1
    assert counts(client, "--since", "@99999999999")["local"] == 0
    for bad in (["--since", "x"], ["--since"], ["--foo"], ["x"]):
        assert client.run("--stats", *bad).returncode == 101


def test_stats_of_many_jobs_at_once(client, fake):
    server = fake(clientlib.answer(clientlib.reply(obj=b"object")))
    jobs = [client.start("gcc", "-c", "hello.c", "-o", f"{i}.o",
                         hosts=server.spec + "/30") for i in range(30)]
    for job in jobs:
        job.communicate()
    assert counts(client)["remote"] == 30
    size = os.path.getsize(os.path.join(client.state, "stats.log"))
    assert size == 30 * 128


# ---- lsdistcc ----

@pytest.fixture
def port(stock_daemon):
    return stock_daemon.port


LS_CASES = [
    ["127.0.0.1"],
    ["127.0.0.1", "127.0.0.2"],
    ["-x", "127.0.0.1", "127.0.0.2"],
    ["-n", "localhost"],
    ["-n", "-x", "localhost", "127.0.0.3"],
    ["-P2", "127.0.0.1"],
    ["-P3", "127.0.0.1"],
    ["-pgcc", "127.0.0.1"],
    ["-pgcc", "-P2", "127.0.0.1"],
    ["-pgcc", "-P3", "127.0.0.1"],
    ["-pgcc", "-P3", "-x", "127.0.0.1", "127.0.0.2"],
    ["-pno-such-compiler", "127.0.0.1"],
    ["-pno-such-compiler", "-x", "127.0.0.1"],
    ["-k0", "-pno-such-compiler", "127.0.0.1"],
    ["-c0", "127.0.0.1", "127.0.0.2"],
    ["-m8", "-x", "127.0.0.1", "127.0.0.2"],
    ["-m24", "127.0.0.1", "127.0.0.2"],
    ["127.0.0.%d"],
    ["-x", "127.0.0.%d"],
    ["127.0.0.1", "127.0.0.1"],
    ["-t9", "127.0.0.1"],
    ["-h3", "127.0.0.1"],
    ["-o3", "127.0.0.%d"],
    ["-g2", "127.0.0.%d"],
    ["-g2", "nosuch%d.invalid"],
    ["nosuch.invalid"],
    ["nosuch.invalid", "127.0.0.1"],
    ["nosuch%d.invalid"],
]


@needs_stock
@pytest.mark.parametrize("args", LS_CASES, ids=" ".join)
def test_ls_prints_like_stock(port, args):
    """The order is the answers'; so it is sorted."""
    ours = run(LS, f"-r{port}", *args)
    stock = run(STOCK_LS, f"-r{port}", *args)
    assert sorted(ours.stdout.splitlines()) == sorted(stock.stdout.splitlines())
    assert ours.stderr == ""


@needs_stock
def test_ls_domain(port):
    """-d puts this machine's domain behind a pattern; here it may have none."""
    ours = run(LS, "-d", f"-r{port}", "nosuch%d")
    stock = run(STOCK_LS, "-d", f"-r{port}", "nosuch%d")
    assert (ours.stdout, ours.returncode) == (stock.stdout, stock.returncode)


@needs_stock
def test_ls_verbose(port):
    """-v tells more, and not on stdout, where the list is."""
    quiet = run(LS, f"-r{port}", "127.0.0.1", "127.0.0.2")
    loud = run(LS, "-v", f"-r{port}", "127.0.0.1", "127.0.0.2")
    assert loud.stdout == quiet.stdout
    assert "127.0.0.2" in loud.stderr and quiet.stderr == ""


@needs_stock
def test_ls_latency(port):
    done = run(LS, "-l", f"-r{port}", "127.0.0.1")
    assert re.fullmatch(r"127\.0\.0\.1:%d \d+\n" % port, done.stdout)


@pytest.mark.parametrize("args", [
    ["--help"], ["-z"], ["-r"], ["-rx", "h"], ["-P4", "h"], ["-P0", "h"],
    ["-r0", "h"], ["-m129", "h"]], ids=" ".join)
def test_ls_usage(args):
    done = run(LS, *args)
    assert done.returncode == 1
    assert done.stdout.startswith("Usage: lsdistcc ")


@pytest.mark.parametrize("pattern", ["%n%d", "%s", "%d%d", "x%"])
def test_ls_refuses_patterns(pattern):
    done = run(LS, pattern)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pattern" in done.stderr


def test_ls_exit_status(fake):
    server = fake(lambda conn: None)
    dead = clientlib.free_port()
    assert run(LS, f"-r{server.port}", "127.0.0.1").returncode == 0
    assert run(LS, f"-r{dead}", "127.0.0.1").returncode == 1
    assert run(LS, f"-r{dead}", "-x", "127.0.0.1").returncode == 1
    assert run(LS, "nosuch.invalid").returncode == 1


def test_ls_skips_missing_names_of_a_list(fake):
    server = fake(lambda conn: None)
    done = run(LS, f"-r{server.port}", "a.invalid", "b.invalid", "c.invalid",
               "127.0.0.1")
    assert done.stdout == f"127.0.0.1:{server.port}\n"


def test_ls_gives_up_on_silence(fake):
    """A server that takes the job and says nothing: -k, for all at once."""
    server = fake(lambda conn: time.sleep(20))
    start = time.monotonic()
    done = run(LS, f"-r{server.port}", "-k300", "-pgcc", "-x", "-v",
               *["127.0.0.1"] * 20)
    assert time.monotonic() - start < 3
    assert done.stdout == f"127.0.0.1:{server.port},down\n" * 20
    assert "timed out" in done.stderr


@pytest.mark.parametrize("answer", [
    b"", b"DONE", b"x" * 64, clientlib.reply(status=256),
    clientlib.reply(obj=b""), clientlib.reply(obj=b"x", version=2),
    b"DONE00000001STAT00000000SERRffffffff"])
def test_ls_believes_no_broken_reply(fake, answer):
    server = fake(clientlib.answer(answer))
    done = run(LS, f"-r{server.port}", "-pgcc", "-x", "127.0.0.1")
    assert done.stdout == f"127.0.0.1:{server.port},down\n"


@pytest.mark.skipif(not clientlib.has_ipv6(), reason="no IPv6")
def test_ls_ipv6():
    server = clientlib.FakeServer(lambda conn: None, "::1",
                                  clientlib.socket.AF_INET6)
    try:
        done = run(LS, f"-r{server.port}", "::1", "[::1]")
        assert done.stdout == f"[::1]:{server.port}\n" * 2
    finally:
        server.close()


def test_ls_finds_our_daemon(our_daemon):
    for protocol, form in ((1, ""), (2, ",lzo"), (3, ",lzo,cpp")):
        done = run(LS, f"-r{our_daemon.port}", "-k10000", "-pgcc",
                   f"-P{protocol}", "127.0.0.1")
        assert done.stdout == f"127.0.0.1:{our_daemon.port}{form}\n"


# ---- distcc --doctor ----

def answer(data):
    """As clientlib's, but hang up on protocol 3, which has a CDIR."""
    def serve(conn):
        if conn.recv(12, clientlib.socket.MSG_PEEK) != b"DIST00000003":
            clientlib.answer(data)(conn)
    return serve


def doctor(client, hosts, *args, **env):
    done = client.run("--doctor", "--json", *args, hosts=hosts, **env)
    return done.returncode, json.loads(done.stdout)["hosts"]


def test_doctor_and_our_daemon(client, our_daemon):
    spec = f"127.0.0.1:{our_daemon.port}"
    code, hosts = doctor(client, f"{spec} {spec},lzo localhost/2")
    assert code == 0
    for host in hosts[:2]:
        assert host["status"] == "ok"
        assert host["protocols"] == [1, 2, 3]
        assert host["addresses"][0]["address"] == "127.0.0.1"
        assert host["compiler_same"] and host["compiler_version"]
        assert host["jobs_per_s"] > 0 and host["job_ms"] > 0
    assert [h["compressed"] for h in hosts] == [False, True, False]
    assert hosts[2]["kind"] == "local"


def test_doctor_and_stocks_daemon(client, stock_daemon):
    code, hosts = doctor(client, f"127.0.0.1:{stock_daemon.port}")
    assert code == 0
    assert hosts[0]["protocols"] == [1, 2, 3]
    assert hosts[0]["compiler_same"]


def test_doctor_tells_what_is_wrong(client, our_daemon):
    good = f"127.0.0.1:{our_daemon.port}"
    dead = f"127.0.0.1:{clientlib.free_port()}"
    code, hosts = doctor(client, f"{good} {dead} {good}/9,down nosuch.invalid")
    assert code == 1
    assert [h["status"] for h in hosts] == ["ok", "failed", "skipped",
                                            "failed"]
    assert "refused" in hosts[1]["why"]
    assert "down" in hosts[2]["skipped"]
    assert "resolve" in hosts[3]["why"]
    assert doctor(client, dead)[0] == 116
    text = client.run("--doctor", hosts=f"{good} {dead}")
    assert text.returncode == 1
    assert text.stdout.startswith("HOST ")
    assert f"{dead}: cannot connect: Connection refused" in text.stdout


def test_doctor_tells_of_backoff(client, our_daemon):
    dead = f"127.0.0.1:{clientlib.free_port()}"
    client.run("gcc", "-c", "hello.c", hosts=dead)
    _, hosts = doctor(client, dead)
    assert "DISTCC_BACKOFF_PERIOD" in hosts[0]["skipped"]


def assembly(version, code="\tnop\n"):
    return b'\t.file\t"x.c"\n%s\t.ident\t"%s"\n' % (
        code.encode(), version.encode())


def test_doctor_sees_another_compiler(client, fake):
    server = fake(answer(clientlib.reply(
        obj=assembly("GCC: (Elsewhere) 9.9.9"))))
    code, hosts = doctor(client, server.spec)
    assert code == 1
    assert hosts[0]["status"] == "differs"
    assert hosts[0]["compiler_version"] == "(Elsewhere) 9.9.9"
    assert not hosts[0]["compiler_same"]


def test_doctor_sees_another_target(client, fake):
    own = client.local("gcc", "-S", "-x", "c", "/dev/null", "-o", "-").stdout
    version = re.search(r'\.ident\t"(.*)"', own)[1]
    server = fake(answer(clientlib.reply(obj=assembly(version))))
    code, hosts = doctor(client, server.spec, "gcc")
    assert code == 1
    assert hosts[0]["status"] == "differs"
    assert "other output" in client.run("--doctor", "gcc",
                                        hosts=server.spec).stdout


def test_doctor_survives_a_hostile_server(client, fake):
    for data in (b"", b"DONE00000001", clientlib.reply(obj=b"\0\x1b[31m\n"),
                 assembly("\x1b[31m"),
                 clientlib.reply(status=256, err=b"\x1b]0;x\x07")):
        server = fake(answer(data))
        done = client.run("--doctor", hosts=server.spec)
        assert done.returncode in (1, 116)
        assert "\x1b" not in done.stdout + done.stderr


def test_doctor_usage(client):
    assert client.run("--doctor", "--foo").returncode == 101
    assert client.run("--doctor", "a", "b").returncode == 101
    assert client.run("--doctor", hosts="a/x").returncode == 106
    assert client.run("--doctor", hosts="").returncode == 116
    assert client.run("--doctor", "no-such-compiler",
                      hosts="localhost").returncode == 110
