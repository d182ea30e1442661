# SPDX-License-Identifier: GPL-2.0-or-later
"""distccd's options and variables, one by one, as stock's manual lists them;
docs/COMPATIBILITY.md names these tests."""
import contextlib
import glob
import os
import pwd
import signal
import socket
import subprocess
import time

import pytest

import clientlib
import harness

is_root = os.geteuid() == 0


@pytest.fixture
def client(tmp_path):
    return clientlib.Client(tmp_path)


def compiles(client, host):
    result = client.run("gcc", "-c", "hello.c", hosts=host, DISTCC_FALLBACK=0)
    return result.returncode == 0


def until(is_true, seconds=20):
    end = time.monotonic() + seconds
    while not is_true() and time.monotonic() < end:
        time.sleep(0.02)
    return is_true()


def run(*args, **env):
    return subprocess.run([harness.OUR_DAEMON, *args], text=True,
                          env=harness.clean_env(**env), timeout=30,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)


def words(port, sandbox_args, *args):
    return [harness.OUR_DAEMON, "--port", str(port), "--allow", "127.0.0.1",
            "--jobs", "2", *sandbox_args, *args]


def read(path):
    with contextlib.suppress(OSError):
        with open(path) as file:
            return file.read()
    return ""


def end(pid):
    """It is no child of ours; nobody may be there to reap it."""
    os.kill(pid, signal.SIGTERM)
    assert until(lambda: read(f"/proc/{pid}/stat").rpartition(")")[2][1:2]
                 in ("", "Z"))


def test_help_and_version():
    for option in ("--help", "--version"):
        result = run(option)
        assert result.returncode == 0 and "distccd" in result.stdout
    assert "default port 3632" in run("--version").stdout


@pytest.mark.parametrize("args", [
    ["--no-such-option"], ["word"], ["--port", "0"], ["--port", "65536"],
    ["--jobs", "0"], ["--jobs", "x"], ["--allow", "10.1.2.3/x"],
    ["--log-level", "loud"], ["--nice", "21"]])
def test_mistakes(args):
    assert run("--allow", "127.0.0.1", *args).returncode == 101


def test_no_allow_no_service():
    result = run("--daemon", "--no-detach", "--port",
                 str(harness.free_port()))
    assert result.returncode == 101 and "--allow" in result.stderr


def test_show_principal():
    assert "Not Set" in run("--show-principal").stdout
    assert "a@B" in run("--show-principal", DISTCCD_PRINCIPAL="a@B").stdout


def test_detaches_and_writes_its_pid(client, sandbox_args, tmp_path):
    """--daemon, --pid-file, --log-file; the file goes with the daemon."""
    port = harness.free_port()
    os.chmod(tmp_path, 0o777)
    pid_file, log = tmp_path / "pid", tmp_path / "daemon.log"
    started = subprocess.run(
        words(port, sandbox_args, "--daemon", "--pid-file", str(pid_file),
              "--log-file", str(log), "--log-level", "info"),
        env=harness.clean_env(), stdin=subprocess.DEVNULL, capture_output=True,
        timeout=30, check=False)
    assert started.returncode == 0, started.stderr
    assert until(lambda: read(pid_file).endswith("\n"))
    pid = int(read(pid_file))
    try:
        assert os.getsid(pid) != os.getsid(0)
        assert until(lambda: harness.is_listening(port))
        assert compiles(client, f"127.0.0.1:{port}")
        assert until(lambda: "COMPILE_OK" in read(log)), read(log)
    finally:
        end(pid)
    assert not os.path.exists(pid_file)


@pytest.mark.parametrize("args", [
    ["--daemon", "--no-detach", "--log-stderr"],
    ["--daemon", "--no-fork", "--log-stderr"], ["--wizard"]])
def test_stays_in_the_foreground(client, sandbox_args, tmp_path, args):
    """--no-detach, --no-fork (stock's, for debugging) and --wizard log to
    stderr and end with the exit status 0."""
    port = harness.free_port()
    log = tmp_path / "stderr"
    with open(log, "w") as out, subprocess.Popen(
            words(port, sandbox_args, *args), env=harness.clean_env(),
            stdin=subprocess.DEVNULL, stdout=out, stderr=out) as daemon:
        try:
            assert until(lambda: harness.is_listening(port)), read(log)
            assert daemon.poll() is None
            assert compiles(client, f"127.0.0.1:{port}")
        finally:
            daemon.terminate()
        assert daemon.wait(20) == 0
    assert "event=started" in read(log)
    # --wizard is --verbose, too
    assert ("DEBUG" in read(log)) == (args == ["--wizard"])


def test_log_level_and_verbose(client, start_daemon):
    quiet = start_daemon(log_level="error")
    loud = start_daemon(["--verbose"])
    for daemon in (quiet, loud):
        assert compiles(client, daemon.hostspec)
    assert until(lambda: "COMPILE_OK" in loud.log())
    assert "DEBUG" in loud.log() and quiet.log() == ""


def test_lifetime(start_daemon):
    daemon = start_daemon(["--lifetime", "1"])
    assert daemon.process.wait(20) == 0


def test_listen_and_allow(client, start_daemon):
    """One address is listened on; another client's is not served."""
    daemon = start_daemon()
    with socket.socket() as sock:
        sock.settimeout(5)
        assert sock.connect_ex(("127.0.0.2", daemon.port)) != 0
    assert compiles(client, daemon.hostspec)
    closed = start_daemon(host="127.0.0.3")
    assert not compiles(client, f"127.0.0.3:{closed.port}")
    assert until(lambda: "127.0.0.1" in closed.log())


def test_allow_private(client, sandbox_args, start_daemon):
    """127/8 is among them: the harness's own --allow names another."""
    daemon = start_daemon(["--allow-private"], host="127.0.0.3")
    assert compiles(client, f"127.0.0.3:{daemon.port}")


SLOW = """template <int N> struct f {
    static constexpr long v = f<N - 1>::v + N; int a[N % 7 + 1]; };
template <> struct f<0> { static constexpr long v = 0; };
""" + "".join(f"""template <int N> struct g{k} {{
    static constexpr long v = g{k}<N - 1>::v + N * {k}; }};
template <> struct g{k}<0> {{ static constexpr long v = 0; }};
long s{k} = g{k}<800>::v;
""" for k in range(12))


def compilers_running():
    """niceness of each cc1plus"""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = read(path).partition("(")[2].rpartition(")")
            if name == "cc1plus":
                found.append(int(rest.split()[16]))
    return found


def test_jobs_and_nice(client, start_daemon):
    """Never more than --jobs compilers, each of them as nice as told."""
    daemon = start_daemon(["--nice", "7"], jobs=2)
    for i in range(4):
        client.write(f"slow{i}.ii", SLOW)
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    before = [n for n in compilers_running() if n == mine + 7]
    jobs = [client.start("g++", "-c", f"slow{i}.ii", DISTCC_FALLBACK=0,
                         hosts=daemon.hostspec + "/4") for i in range(4)]
    most = 0
    while any(job.poll() is None for job in jobs):
        seen = [n for n in compilers_running() if n == mine + 7]
        most = max(most, len(seen) - len(before))
        time.sleep(0.01)
    assert [job.communicate()[1] for job in jobs] == [""] * 4
    assert [job.returncode for job in jobs] == [0] * 4
    assert 1 <= most <= 2


@pytest.mark.skipif(not is_root, reason="only root can change its user")
def test_user(start_daemon):
    daemon = start_daemon(["--user", "games"])
    uid = pwd.getpwnam("games").pw_uid
    with socket.create_connection(("127.0.0.1", daemon.port)) as s:
        s.sendall(b"D")
        assert until(lambda: workers_of(daemon))
        assert {os.stat(path).st_uid for path in workers_of(daemon)} == {uid}
    result = run("--daemon", "--no-detach", "--allow", "127.0.0.1", "--user",
                 "nobody-has-this-name", "--port", str(harness.free_port()))
    assert result.returncode == 112


def test_port_is_taken(our_daemon, sandbox_args):
    result = run(*words(our_daemon.port, sandbox_args, "--daemon",
                        "--no-detach", "--log-stderr")[1:])
    assert result.returncode == 102


def test_distccd_path(client, start_daemon, sandbox_args):
    """Compilers are looked for in $DISTCCD_PATH and nowhere else: with none
    there, no service."""
    none = run(*words(harness.free_port(), sandbox_args, "--daemon",
                      "--no-detach", "--log-stderr")[1:],
               DISTCCD_PATH="/nowhere")
    assert none.returncode == 100 and "no usable compiler" in none.stderr
    usual = start_daemon(env=harness.clean_env(
        DISTCCD_PATH="/usr/local/bin:/usr/bin"))
    assert compiles(client, usual.hostspec)


def test_command_list(client, start_daemon, tmp_path):
    """DISTCC_CMDLIST: only what the file names is served."""
    path = tmp_path / "commands"
    path.write_text("/usr/bin/g++\n")
    env = harness.clean_env(DISTCC_CMDLIST=str(path))
    daemon = start_daemon(env=env)
    assert not compiles(client, daemon.hostspec)
    path.write_text("/usr/bin/gcc\n/usr/bin/x86_64-linux-gnu-gcc\n")
    other = start_daemon(env=env)
    assert client.run("gcc", "-c", "hello.c", hosts=other.hostspec,
                      DISTCC_FALLBACK=0).returncode == 0


def workers_of(daemon):
    return [path for path in glob.glob("/proc/[0-9]*")
            if read(path + "/cmdline").startswith("distccd-worker")
            and f"PPid:\t{daemon.process.pid}\n" in read(path + "/status")]


def test_defer_accept(start_daemon):
    """DISTCC_TCP_DEFER_ACCEPT: whoever is silent is not met at once, and so
    sent away later."""
    seconds = {}
    for value in ("0", "1"):
        daemon = start_daemon(["--header-timeout", "500"],
                              env=harness.clean_env(
                                  DISTCC_TCP_DEFER_ACCEPT=value))
        assert until(lambda d=daemon: "event=started" in d.log())
        start = time.monotonic()
        with socket.create_connection(("127.0.0.1", daemon.port), 20) as s:
            assert s.recv(1) == b""
        seconds[value] = time.monotonic() - start
    assert seconds["0"] > 0.4 and seconds["1"] > seconds["0"] + 0.4


@pytest.mark.parametrize("option", [["--stats"], ["--stats-port", "3633"]])
def test_what_is_not_there_is_refused(option):
    """Nobody believes to have it who has not."""
    result = run("--daemon", "--allow", "127.0.0.1", *option)
    assert result.returncode == 101 and "not built in" in result.stderr
