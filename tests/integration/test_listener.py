# SPDX-License-Identifier: GPL-2.0-or-later
"""The listener is shut in and still does what it must."""
import os
import re
import signal
import socket
import subprocess
import time

import harness
import pytest

ROOT = os.geteuid() == 0
# CAP_KILL, CAP_SETGID, CAP_SETUID
KEPT = 0xe0 if ROOT else 0


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(re.findall(r"^(\w+):\s+(.*)$", f.read(), re.M))


def children(pid, name):
    found = []
    for other in filter(str.isdigit, os.listdir("/proc")):
        try:
            s = status_of(other)
        except OSError:
            continue
        if s["PPid"] == str(pid) and s["Name"] == name and s["State"][0] != "Z":
            found.append(int(other))
    return sorted(found)


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def job(make_client, tmp_path):
    def run(daemon, **env):
        (tmp_path / "a.c").write_text("int f(void) { return 1; }\n")
        p = make_client(daemon.hostspec, **env).run("gcc", "-c", "a.c")
        assert p.returncode == 0, p.stderr
    return run


def is_up(daemon):
    return "event=started" in daemon.log()


def test_layers_are_in_force(start_daemon, job):
    daemon = start_daemon()
    wait_until(lambda: is_up(daemon))
    s = status_of(daemon.process.pid)
    assert (s["Seccomp"], s["NoNewPrivs"]) == ("2", "1")
    assert int(s["CapPrm"], 16) == int(s["CapEff"], 16) == KEPT
    # the control: what it started before is not, or no jail could be made
    for pid in children(daemon.process.pid, "distccd-jail"):
        assert status_of(pid)["Seccomp"] == "0"
    job(daemon)


@pytest.mark.parametrize("which", [0, 1], ids=["keeper", "jailer"])
def test_life_after_a_crash(start_daemon, job, which):
    """a killed jailer comes back; without a keeper only the first one works"""
    daemon = start_daemon()
    wait_until(lambda: is_up(daemon))
    jail = children(daemon.process.pid, "distccd-jail")
    assert len(jail) == 2
    os.kill(jail[which], signal.SIGKILL)
    if which == 1:
        wait_until(lambda: "event=jailer_restarted" in daemon.log())
    else:
        wait_until(lambda: "event=keeper_gone" in daemon.log())
    job(daemon)
    if which == 0:      # nobody is left who could: whoever started us may
        os.kill(jail[1], signal.SIGKILL)
        assert daemon.process.wait(10) == 100
        assert "event=jailer_lost" in daemon.log()


@pytest.mark.skipif(not ROOT, reason="only root's listener loses rights")
def test_jailer_returns_under_no_new_privs(start_daemon, job):
    """as under a service manager with NoNewPrivileges=yes"""
    def preexec():
        import ctypes
        assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0

    daemon = start_daemon(preexec=preexec)
    wait_until(lambda: is_up(daemon))
    os.kill(children(daemon.process.pid, "distccd-jail")[1], signal.SIGKILL)
    wait_until(lambda: "event=jailer_restarted" in daemon.log())
    job(daemon)


def test_log_is_opened_again(start_daemon, job):
    daemon = start_daemon()
    wait_until(lambda: is_up(daemon))
    for _ in range(2):
        os.rename(daemon.log_file, daemon.log_file + ".1")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: os.path.exists(daemon.log_file) and
                   "event=log_reopened" in daemon.log())
    job(daemon)
    wait_until(lambda: "COMPILE_OK" in daemon.log())


def test_pid_file_goes_with_it(start_daemon, job, tmp_path):
    place = tmp_path / "run"
    place.mkdir()
    place.chmod(0o777)
    daemon = start_daemon(["--pid-file", str(place / "pid")])
    wait_until(lambda: is_up(daemon))
    assert int((place / "pid").read_text()) == daemon.process.pid
    job(daemon)
    assert daemon.stop() == 0
    assert not (place / "pid").exists()


def test_syslog_still_works(sandbox_args, job, tmp_path):
    """without a log file; nobody may listen there, and all goes on"""
    port = harness.free_port()
    with subprocess.Popen(
            [harness.OUR_DAEMON, "--daemon", "--no-detach", "--allow",
             "127.0.0.1", "--port", str(port), *sandbox_args],
            env=harness.clean_env(), stdin=subprocess.DEVNULL) as p:
        try:
            wait_until(lambda: harness.is_listening(port))

            class Here:
                hostspec = f"127.0.0.1:{port}"
            job(Here)
        finally:
            p.terminate()
        assert p.wait(10) == 0


def request():
    argv = [b"gcc", b"-c", b"a.c", b"-o", b"a.o"]
    body = b"int f(void) { return 1; }\n"
    return b"DIST00000001ARGC%08x" % len(argv) + b"".join(
        b"ARGV%08x%s" % (len(a), a) for a in argv) + \
        b"DOTI%08x%s" % (len(body), body)


def test_inetd_is_confined_too(sandbox_args):
    """one connection, on standard input and output"""
    with socket.create_server(("127.0.0.1", 0)) as listener, \
            socket.create_connection(listener.getsockname()) as client:
        conn, _ = listener.accept()
        with conn:
            p = subprocess.Popen(
                [harness.OUR_DAEMON, "--inetd", "--allow", "127.0.0.1",
                 *sandbox_args], env=harness.clean_env(), stdin=conn,
                stdout=conn, stderr=subprocess.DEVNULL)
        wait_until(lambda: status_of(p.pid)["Seccomp"] == "2")
        client.sendall(request())
        reply = b""
        while block := client.recv(4096):
            reply += block
        assert p.wait(10) == 0
    assert reply.startswith(b"DONE00000001STAT00000000"), reply[:100]
    assert b"\x7fELF" in reply


@pytest.mark.skipif(not ROOT, reason="unshare needs root")
def test_daemons_of_several_containers_share_a_host():
    """their process ids are the same, their control groups and uids not"""
    running = [subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", harness.OUR_DAEMON,
         "--show-sandbox"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=harness.clean_env(), stdin=subprocess.DEVNULL)
        for _ in range(6)]
    said = [p.communicate(timeout=60)[0] for p in running]
    assert [p.returncode for p in running] == [0] * 6, said
    uids = {re.search(r"^uid .* uid (\d+)", text, re.M)[1] for text in said}
    assert len(uids) == 6, said
