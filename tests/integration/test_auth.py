# SPDX-License-Identifier: GPL-2.0-or-later
"""Authentication: who comes in, who does not, and what each is told."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

import authlib
import harness
from authlib import build, logged


OPTIONS = [",auth=localhost", ",seal=localhost", ",lzo,auth=localhost",
           ",lzo,seal=localhost"]


# -- who comes in


@pytest.mark.parametrize("option", OPTIONS)
def test_ours_to_ours(server, client, option):
    d = server()
    assert build(client(d.port, option))
    assert logged(d, "principal=alice@TEST.LOCAL")
    assert (" sealed " in d.log()) == ("seal" in option)


@pytest.mark.parametrize("option", [",auth", ",lzo,auth"])
def test_stock_client(server, client, stock_client_program, option):
    d = server()
    # stock takes DISTCC_PRINCIPAL for the name of the service
    assert build(client(d.port, option, program=stock_client_program,
                        DISTCC_PRINCIPAL="distcc"))
    assert logged(d, "principal=alice@TEST.LOCAL")


@pytest.mark.parametrize("option", [",auth=localhost", ",lzo,auth=localhost"])
def test_stock_daemon(realm, start_daemon, client, stock_daemon_program,
                      option):
    d = start_daemon(["--auth"], program=stock_daemon_program,
                     env=realm.server_env(DISTCCD_PRINCIPAL="distcc@localhost"))
    assert build(client(d.port, option))


def test_stock_daemon_does_not_seal(realm, start_daemon, client,
                                    stock_daemon_program):
    env = realm.server_env(DISTCCD_PRINCIPAL="distcc@localhost")
    for args in (["--auth"], []):
        d = start_daemon(args, program=stock_daemon_program, env=env)
        c = client(d.port, ",seal=localhost")
        assert not build(c)
        assert "does not seal" in c.log()
        assert authlib.MARKER not in d.log()


def test_our_plain_daemon_does_not_seal(start_daemon, client):
    d = start_daemon()
    c = client(d.port, ",seal=localhost")
    assert not build(c)
    assert "does not seal" in c.log()
    assert build(client(d.port, ""))        # the control


def test_host_service_like_stock(server, realm, client):
    """,auth without a name falls back to host@, if there is no distcc@; ,seal
    does not: who denies that there is one is not known."""
    keytab = realm.kdc.keytab("hostonly", "host/hostonly")
    os.chmod(keytab, 0o644)
    d = server(DISTCCD_PRINCIPAL="host", KRB5_KTNAME=keytab)
    assert build(client(d.port, ",auth=hostonly"))
    c = client(d.port, ",seal=hostonly")
    assert not build(c)
    assert "not found in Kerberos database" in c.log()
    # the control: it is only not asked for
    assert build(client(d.port, ",seal=hostonly", DISTCC_PRINCIPAL="host"))


def test_no_fallback_where_there_is_a_service(server, client):
    d = server(DISTCCD_PRINCIPAL="host@localhost")
    assert build(client(d.port, ",auth=localhost", DISTCC_PRINCIPAL="host"))
    assert not build(client(d.port, ",auth=localhost"))
    assert logged(d, "authenticated to another service")


@pytest.mark.parametrize("name", ["distcc", "distcc/localhost",
                                  "distcc/localhost@TEST.LOCAL"])
def test_distcc_principal(server, client, name):
    assert build(client(server().port, ",seal=localhost",
                        DISTCC_PRINCIPAL=name))


@pytest.mark.parametrize("name", ["distcc", "distcc@localhost",
                                  "distcc/localhost",
                                  "distcc/localhost@TEST.LOCAL"])
def test_distccd_principal(server, client, name):
    d = server(DISTCCD_PRINCIPAL=name)
    assert build(client(d.port, ",auth=localhost"))


# -- who does not, and why


def test_no_authentication_no_service(server, client):
    d = server()
    assert not build(client(d.port, ""))
    assert logged(d, "did not begin with a handshake")
    assert build(client(d.port, ",auth=localhost"))


def test_seal_only(server, client, stock_client_program):
    d = server("--auth=seal")
    assert build(client(d.port, ",seal=localhost"))
    for c in (client(d.port, ",auth=localhost"),
              client(d.port, ",auth", program=stock_client_program,
                     DISTCC_PRINCIPAL="distcc")):
        assert not build(c)
    assert logged(d, "only sealed connections")


def test_no_ticket(server, realm, client):
    nothing = realm.kdc.env(KRB5CCNAME="FILE:" + realm.dir + "/nothing")
    c = client(server().port, ",seal=localhost", ticket=nothing)
    assert not build(c)
    assert "can't authenticate: No Kerberos credentials available" in c.log()


def test_expired_ticket(server, realm, client):
    ticket = realm.kdc.kinit("alice", cache="short", args=("-l", "1s"))
    time.sleep(2.1)
    c = client(server().port, ",auth=localhost", ticket=ticket)
    assert not build(c)
    assert "expired" in c.log()


def test_unknown_service(server, client):
    c = client(server().port, ",seal=nowhere")
    assert not build(c)
    assert "not found in Kerberos database" in c.log()


@pytest.mark.parametrize("option", [",auth=localhost", ",seal=localhost"])
def test_ticket_of_another_service(server, client, option):
    d = server()
    c = client(d.port, option, DISTCC_PRINCIPAL="host")
    assert not build(c)
    assert logged(d, "the client authenticated to another service")
    if "seal" in option:
        assert "refuses us: the client authenticated to another" in c.log()
    assert build(client(d.port, option))


@pytest.mark.parametrize("option", [",auth=localhost", ",seal=localhost"])
def test_clock_skew(server, realm, client, option):
    conf = realm.dir + "/strict.conf"
    realm.kdc.write_conf(conf, clockskew=1)
    d = server(KRB5_CONFIG=conf)

    def delay(side, number, name, data):
        if side == "client" and name == "TLEN":
            time.sleep(3)
        return data

    with authlib.Middle(d.port, delay) as m:
        c = client(m.port, option)
        assert not build(c)
        assert "Clock skew too great" in c.log()
        assert logged(d, "Clock skew too great")
    with authlib.Middle(d.port) as m:
        assert build(client(m.port, option))


@pytest.mark.parametrize("option", [",auth=localhost", ",seal=localhost"])
def test_replayed_token(server, client, option):
    d = server()
    with authlib.Middle(d.port) as m:
        assert build(client(m.port, option))
    recorded = b"".join(data for _, data in m.seen["client"])
    authlib.talk(d.port, recorded)
    assert logged(d, "Request is a replay")
    assert d.log().count("COMPILE_OK") == 1


@pytest.mark.parametrize("option", [",auth=localhost", ",seal=localhost"])
def test_replay_after_restart(realm, start_daemon, client, option):
    """The cache is a file: a new daemon remembers."""
    env = realm.server_env()
    d = start_daemon(["--auth"], env=env)
    with authlib.Middle(d.port) as m:
        assert build(client(m.port, option))
    d.stop()
    d = start_daemon(["--auth"], env=env)
    authlib.talk(d.port, b"".join(data for _, data in m.seen["client"]))
    assert logged(d, "Request is a replay")


# -- rules


@pytest.mark.parametrize("option", [",auth=localhost", ",seal=localhost"])
def test_lists(server, realm, client, option, tmp_path):
    ticket = realm.kdc.kinit("mallory")
    black = tmp_path / "black"
    black.write_text("# not these\n  mallory  \n")
    d = server(f"--blacklist={black}")
    c = client(d.port, option, ticket=ticket)
    assert not build(c)
    assert logged(d, "principal=mallory@TEST.LOCAL "
                  "reason=\"the principal is denied\"")
    assert ("the principal is denied" if "seal" in option else
            "refuses this principal") in c.log()
    assert build(client(d.port, option))


def test_whitelist(server, realm, client, tmp_path):
    white = tmp_path / "white"
    white.write_text("alice@TEST.LOCAL\n")
    d = server(f"--whitelist={white}")
    assert build(client(d.port, ",seal=localhost"))
    c = client(d.port, ",seal=localhost", ticket=realm.kdc.kinit("mallory"))
    assert not build(c)
    assert "not among those allowed" in c.log()


def test_pattern_options(server, realm, client):
    d = server("--allow-principal=*@TEST.LOCAL", "--deny-principal=mal*")
    assert build(client(d.port, ",seal=localhost"))
    assert not build(client(d.port, ",seal=localhost",
                            ticket=realm.kdc.kinit("mallory")))


def other_alice(realm):
    conf = realm.dir + "/other.conf"
    realm.kdc.write_conf(conf)
    with open(conf, encoding="ascii") as f:
        text = f.read().replace("default_realm = TEST.LOCAL",
                                "default_realm = OTHER.LOCAL")
    with open(conf, "w", encoding="ascii") as f:
        f.write(text + "[domain_realm]\n  localhost = TEST.LOCAL\n")
    ticket = realm.kdc.kinit("alice@OTHER.LOCAL", cache="other")
    return {**ticket, "KRB5_CONFIG": conf}


def test_cross_realm_namesake(server, realm, client, tmp_path):
    """alice of another realm is somebody else."""
    ticket = other_alice(realm)
    white = tmp_path / "white"
    white.write_text("alice\n")
    for d in (server(), server(f"--whitelist={white}")):
        c = client(d.port, ",seal=localhost", ticket=ticket)
        assert not build(c)
        assert logged(d, "principal=alice@OTHER.LOCAL")
        assert build(client(d.port, ",seal=localhost"))
    # the control: that she comes in at all, where she is meant
    d = server("--allow-principal=alice@OTHER.LOCAL")
    assert build(client(d.port, ",seal=localhost", ticket=ticket))
    assert not build(client(d.port, ",seal=localhost"))


def test_stock_lets_the_namesake_in(realm, start_daemon, client,
                                    stock_daemon_program):
    """Why the test above is worth its time."""
    white = realm.dir + "/white"        # where stock's user can read it
    with open(white, "w", encoding="ascii") as f:
        f.write("alice\n")
    d = start_daemon(["--auth", f"--whitelist={white}"],
                     program=stock_daemon_program,
                     env=realm.server_env(DISTCCD_PRINCIPAL="distcc@localhost"))
    assert build(client(d.port, ",auth=localhost", ticket=other_alice(realm)))


def test_reload(server, realm, client, tmp_path):
    white = tmp_path / "white"
    white.write_text("mallory\n")
    d = server(f"--whitelist={white}")
    assert not build(client(d.port, ",seal=localhost"))
    white.write_text("alice\n")
    assert not build(client(d.port, ",seal=localhost"))
    d.process.send_signal(signal.SIGHUP)
    assert logged(d, "event=reloaded allow=1")
    assert build(client(d.port, ",seal=localhost"))
    # a mistake leaves the rules as they are
    white.write_text("ali ce\n")
    d.process.send_signal(signal.SIGHUP)
    assert logged(d, "line 1: no name or pattern")
    assert logged(d, "reload_failed")
    assert build(client(d.port, ",seal=localhost"))
    white.chmod(0o666)
    white.write_text("mallory\n")
    d.process.send_signal(signal.SIGHUP)
    assert logged(d, "others can write it")
    assert build(client(d.port, ",seal=localhost"))


def start_fails(realm, *args, **env):
    p = subprocess.run(
        [harness.OUR_DAEMON, "--daemon", "--no-detach", "--allow",
         "127.0.0.1", "--listen", "127.0.0.1", "--port",
         str(harness.free_port()), "--log-stderr", *args],
        env=realm.server_env(**env), capture_output=True, text=True,
        timeout=30, check=False, stdin=subprocess.DEVNULL)
    assert p.returncode == 119, p.stderr
    return p.stderr


@pytest.mark.parametrize("mode", [0o660, 0o602, 0o666])
def test_file_that_others_can_write(realm, tmp_path, mode):
    rules = tmp_path / "rules"
    rules.write_text("alice\n")
    rules.chmod(mode)
    for option in ("--whitelist", "--blacklist"):
        assert "others can write it" in start_fails(
            realm, "--auth", f"{option}={rules}")


def test_directory_that_others_can_write(realm, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text("alice\n")
    tmp_path.chmod(0o777)
    assert "its directory" in start_fails(realm, "--auth",
                                          f"--whitelist={rules}")


def test_starting_mistakes(realm, tmp_path):
    assert "need --auth" in start_fails(realm, "--allow-principal=alice")
    assert "can't read" in start_fails(realm, "--auth", "--whitelist=/none")
    assert "keytab" in start_fails(realm, "--auth",
                                   KRB5_KTNAME=str(tmp_path / "none"))
    empty = tmp_path / "empty"
    empty.write_bytes(b"\x05\x02")
    assert "no key to authenticate with" in start_fails(
        realm, "--auth", KRB5_KTNAME=str(empty))


# -- what never arrives, and what is too much


def test_token_limits(server, client):
    d = server()
    for data in (b"*TLEN7fffffff", b"*TLEN00010001", b"*TLEN00000000",
                 b"*TLEN-0000001", b"*XXXX00000001x", b"SEAL00000002" +
                 b"NONC00000020" + bytes(32), b"SEAL00000001NONC00000021" +
                 bytes(33), b"DIST00000001", b"\0" * 100,
                 b"*TLEN00000004abcd"):
        assert b"DONE" not in authlib.talk(d.port, data)
    assert logged(d, "a token is too long")
    assert "crashed" not in d.log()
    assert build(client(d.port, ",auth=localhost"))


def test_half_open_times_out(server):
    d = server("--header-timeout", "300")
    with socket.create_connection(("127.0.0.1", d.port), 10) as s:
        s.sendall(b"*")
        began = time.monotonic()
        while s.recv(100):
            pass
        assert time.monotonic() - began < 3
    assert logged(d, "the handshake took too long")


@pytest.mark.parametrize("source", ["127.0.0.9", "127.0.0.1"])
def test_flood_of_half_open_handshakes(realm, start_daemon, client, source):
    """500 that never finish, while a build goes on; from elsewhere, and from
    the builder's own address."""
    d = start_daemon(["--auth", "--allow", "127.0.0.0/8"],
                     env=realm.server_env())
    c = client(d.port, ",seal=localhost")

    def timed():
        began = time.monotonic()
        for _ in range(10):
            assert build(c)
        return time.monotonic() - began

    alone = timed()
    held = []
    try:
        for i in range(500):
            s = socket.socket()
            s.bind((source, 0))
            s.settimeout(10)
            s.connect(("127.0.0.1", d.port))
            s.send((b"*", b"", b"*TLEN00000100", b"S")[i % 4])
            held.append(s)
            if i == 250:
                assert build(c)
        under = timed()
    finally:
        for s in held:
            s.close()
    print(f"ten compiles: {alone:.2f} s alone, {under:.2f} s under the flood")
    assert under < 3 * alone + 1


@pytest.mark.parametrize("option", [",auth=localhost", ",seal=localhost"])
def test_inetd(realm, client, sandbox_args, option):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        c = client(listener.getsockname()[1], option)
        p = subprocess.Popen([c.program, "gcc", "-c", "a.c"], env=c.env,
                             cwd=c.directory, stdin=subprocess.DEVNULL)
        conn, _ = listener.accept()
        with conn:
            d = subprocess.Popen(
                [harness.OUR_DAEMON, "--inetd", "--auth", "--allow",
                 "127.0.0.1", "--log-file", realm.replay_dir() + "/log",
                 *sandbox_args],
                env=realm.server_env(), stdin=conn, stdout=conn,
                stderr=subprocess.DEVNULL)
        assert p.wait(30) == 0, c.log()
        assert d.wait(30) == 0


def test_quota_counts_by_principal(server, realm, client):
    """From one address: alice's second connection is one too many, mallory's
    first is not."""
    d = server("--max-per-source", "1")

    def stall(side, number, name, data):
        return b"" if (side, name) == ("client", "SREC") else data

    with authlib.Middle(d.port, stall) as m:
        c = client(m.port, ",seal=localhost")
        p = subprocess.Popen([c.program, "gcc", "-c", "a.c"], env=c.env,
                             cwd=c.directory, stdin=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 10
            while not m.records("client"):
                assert time.monotonic() < end
                time.sleep(0.02)
            c = client(d.port, ",seal=localhost")
            assert not build(c)
            assert "refuses us: --max-per-source" in c.log()
            assert build(client(d.port, ",seal=localhost",
                                ticket=realm.kdc.kinit("mallory")))
        finally:
            p.kill()
            p.wait()
    logged(d, "CLIENT_LEFT")
    assert build(client(d.port, ",seal=localhost"))


def auth_processes():
    """What /proc says of each: {"Pid": …, "Seccomp": …}"""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), \
                open(f"/proc/{pid}/status", encoding="utf-8") as f:
            s = dict(line.rstrip("\n").split(":\t", 1) for line in f
                     if ":\t" in line)
            if s["Name"] == "distccd-auth":
                yield s


def test_processes_are_confined(server):
    d = server()
    end = time.monotonic() + 5
    while True:
        found = [s for s in auth_processes()
                 if s["PPid"] == str(d.process.pid)]
        forked = [s for s in found if s["Seccomp"] == "2"]
        if len(forked) == 2 and len(found) == 3:
            break
        assert time.monotonic() < end, found
        time.sleep(0.02)
    for s in found:
        assert s["NoNewPrivs"] == "1"
        assert int(s["CapEff"], 16) == int(s["CapPrm"], 16) == 0
        if os.geteuid() == 0:
            assert "0" not in s["Uid"].split() + s["Gid"].split()


def test_ends_with_the_daemon(server):
    d = server()
    with socket.create_connection(("127.0.0.1", d.port), 10) as s:
        s.sendall(b"*")
        assert s.recv(1) == b"*"
        mine = {p["Pid"] for p in auth_processes()
                if p["PPid"] == str(d.process.pid)}
        assert len(mine) >= 2
        d.stop()
        assert s.recv(1) == b""
    end = time.monotonic() + 5
    while mine & {s["Pid"] for s in auth_processes()}:
        assert time.monotonic() < end
        time.sleep(0.02)
