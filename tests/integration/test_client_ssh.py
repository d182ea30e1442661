# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts behind SSH: what is run, and jobs through a real sshd."""
import concurrent.futures
import os
import stat
import time

import pytest

import clientlib
import harness
import sshkit


@pytest.fixture
def client(tmp_path):
    return clientlib.Client(tmp_path)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    why = sshkit.missing()
    if why:
        pytest.skip(why)
    server = sshkit.Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


def write_program(client, name, text):
    path = os.path.join(client.directory, name)
    with open(path, "w") as out:
        out.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


# ---- the command ----

COMMON = ["--inetd", "--enable-tcp-insecure"]


@pytest.mark.parametrize("spec,words", [
    ("@h", ["h", "distccd", *COMMON]),
    ("u@h/3", ["-l", "u", "h", "distccd", *COMMON]),
    ("u@h/3:/opt/bin/distccd,lzo",
     ["-l", "u", "h", "/opt/bin/distccd", *COMMON]),
    ("@[::1]:d", ["::1", "d", *COMMON]),
])
def test_words(client, spec, words):
    seen = os.path.join(client.directory, "seen")
    fake = write_program(client, "fake",
                         f'printf "%s\\n" "$@" >{seen}\necho no luck >&2\n'
                         "exit 7\n")
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-c", "hello.c", hosts=spec, DISTCC_LOG=log,
                        DISTCC_SSH=f"  {fake} -a\t-b ")
    assert (result.returncode, result.stderr) == (0, "")
    with open(seen) as file:
        assert file.read().splitlines() == ["-a", "-b", *words]
    with open(log) as file:
        text = file.read()
    assert "ssh ended with status 7: no luck" in text
    assert [n for n in client.locks() if n.startswith("backoff_ssh_")]


def test_openssh_gets_an_end_of_options(client):
    seen = os.path.join(client.directory, "seen")
    os.mkdir(os.path.join(client.directory, "bin"))
    write_program(client, "bin/ssh", f'printf "%s\\n" "$@" >{seen}\n')
    path = os.path.join(client.directory, "bin") + ":" + client.env["PATH"]
    client.run("gcc", "-c", "hello.c", hosts="u@h", PATH=path)
    with open(seen) as file:
        assert file.read().splitlines() == [
            "-oConnectTimeout=10", "-l", "u", "--", "h", "distccd", *COMMON]


@pytest.mark.parametrize("spec", [
    "@-oProxyCommand=touch", "-oProxyCommand=x@h", "@h:-oProxyCommand=x",
    "u;id@h", "@h$(id)", "@`id`",
])
def test_words_that_ssh_or_a_shell_would_obey(client, spec):
    seen = os.path.join(client.directory, "seen")
    fake = write_program(client, "fake", f"touch {seen}\n")
    result = client.run("gcc", "-c", "hello.c", hosts=spec, DISTCC_SSH=fake)
    assert result.returncode == 0 and "entry 1" in result.stderr
    assert not os.path.exists(seen)
    assert client.run("--show-hosts", hosts=spec).returncode == 106


def test_no_ssh(client):
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-c", "hello.c", hosts="@h", DISTCC_LOG=log,
                        DISTCC_SSH="/nowhere/ssh")
    assert result.returncode == 0
    with open(log) as file:
        assert "failed to exec /nowhere/ssh" in file.read()


def test_far_end_that_hangs(client):
    fake = write_program(client, "fake", "exec sleep 20\n")
    start = time.monotonic()
    result = client.run("gcc", "-c", "hello.c", hosts="@h", DISTCC_SSH=fake,
                        DISTCC_IO_TIMEOUT=1)
    assert result.returncode == 0 and time.monotonic() - start < 6


# ---- a real one ----

def far_daemon(client, program, sandbox_args):
    """What the far end runs; its messages stay on its side."""
    log = os.path.join(client.directory, "far.log")
    ours = program == harness.OUR_DAEMON
    args = [*sandbox_args, "--allow", "127.0.0.1"] if ours else [
        "--allow", "127.0.0.1"]
    return write_program(
        client, "far-" + ("ours" if ours else "stock"),
        f'exec {program} {" ".join(args)} --log-file {log} "$@"\n')


@pytest.mark.parametrize("mode", ["", ",lzo"])
@pytest.mark.parametrize("who", ["ours", "stock"])
def test_job_through_sshd(client, sshd, sandbox_args, who, mode):
    program = harness.OUR_DAEMON if who == "ours" else harness.STOCK_DAEMON
    if who == "stock" and not harness.is_stock(program):
        pytest.skip("no stock distccd (Debian package distcc)")
    far = far_daemon(client, program, sandbox_args)
    spec = f"{sshd.user}@127.0.0.1/2:{far}{mode}"
    log = os.path.join(client.directory, "log")
    env = {"DISTCC_SSH": sshd.command(), "DISTCC_FALLBACK": 0,
           "DISTCC_LOG": log, "DISTCC_VERBOSE": 1}
    result = client.run("gcc", "-O2", "-c", "hello.c", hosts=spec, **env)
    with open(log) as file:
        text = file.read()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), \
        text
    assert f"compile hello.c on {spec} completed ok" in text
    made = client.read("hello.o")
    assert client.local("gcc", "-O2", "-c", "hello.c").returncode == 0
    assert client.read("hello.o") == made
    # the compiler's error comes back, too
    client.write("bad.c", "int f( {\n")
    result = client.run("gcc", "-c", "bad.c", hosts=spec, **env)
    assert result.returncode == 1 and "bad.c:1" in result.stderr


def test_many_jobs_through_sshd(client, sshd, sandbox_args):
    far = far_daemon(client, harness.OUR_DAEMON, sandbox_args)
    spec = f"@127.0.0.1/4:{far},lzo"
    source = 'char text[] = "%s";\n' % ("z" * 300_000)
    names = [f"m{i}" for i in range(8)]
    for name in names:
        client.write(name + ".c", source + f"int {name};\n")

    def one(name):
        return client.run("gcc", "-c", name + ".c", hosts=spec,
                          DISTCC_SSH=sshd.command(), DISTCC_FALLBACK=0)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        results = list(pool.map(one, names))
    assert [(r.returncode, r.stderr) for r in results] == [(0, "")] * 8
    used = [n for n in client.locks() if n.startswith("cpu_ssh_127.0.0.1_")]
    assert 1 <= len(used) <= 4


def test_refused_by_sshd(client, sshd):
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-c", "hello.c", hosts="nobody-here@127.0.0.1",
                        DISTCC_SSH=sshd.command(), DISTCC_LOG=log)
    assert (result.returncode, result.stderr) == (0, "")
    with open(log) as file:
        assert "Permission denied" in file.read()


def test_no_distccd_there(client, sshd):
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-c", "hello.c",
                        hosts="@127.0.0.1:/nowhere/distccd",
                        DISTCC_SSH=sshd.command(), DISTCC_LOG=log)
    assert (result.returncode, result.stderr) == (0, "")
    assert stat.S_ISREG(os.stat(client.path("hello.o")).st_mode)
    with open(log) as file:
        assert "ssh ended with status 127" in file.read()
