# SPDX-License-Identifier: GPL-2.0-or-later
"""distcc's own options, its log, local jobs, and the host list's places."""
import os
import subprocess

import pytest

import clientlib


@pytest.fixture
def client(tmp_path):
    return clientlib.Client(tmp_path)


def test_version(client):
    result = client.run("--version")
    first, second = result.stdout.splitlines()[:2]
    assert result.returncode == 0
    assert first.split()[0] == "distcc" and len(first.split()) == 3
    assert second == "  (protocols 1, 2 and 3) (default port 3632)"


def test_help(client):
    result = client.run("--help")
    assert result.returncode == 0 and "Usage:" in result.stdout
    for word in ("--show-hosts", "--version", "-j", "DISTCC_HOSTS", "lzo"):
        assert word in result.stdout


def test_no_arguments(client):
    result = client.run()
    assert result.returncode == 101 and "--help" in result.stderr


def test_show_hosts_and_j(client):
    hosts = "a 127.0.0.1:4/3,lzo # no\n localhost/5 --localslots=3 [::1]:5"
    result = client.run("--show-hosts", hosts=hosts)
    assert result.stdout.splitlines() == [
        "a", "127.0.0.1:4/3,lzo", "localhost/5", "[::1]:5"]
    assert client.run("-j", hosts=hosts).stdout == "16\n"
    assert client.run("--show-hosts", hosts="").returncode == 116
    bad = client.run("--show-hosts", hosts="a b:99999")
    assert bad.returncode == 106
    assert 'entry 2 "b:99999"' in bad.stderr


def test_scan_includes(client):
    """Each file that a compile reads, and nothing is compiled."""
    client.write("own.h", "#include <stddef.h>\n")
    client.write("scan.c", '#include "own.h"\n')
    result = client.run("--scan-includes", "gcc", "-c", "scan.c", hosts="a")
    assert result.returncode == 0 and not client.exists("scan.o")
    lines = [line.split() for line in result.stdout.splitlines()]
    files = {words[1] for words in lines if words[0] == "FILE"}
    assert files >= {client.path("scan.c"), client.path("own.h")}


def test_show_principal(client):
    assert "Not Set" in client.run("--show-principal").stdout
    assert "a@B" in client.run("--show-principal",
                               DISTCC_PRINCIPAL="a@B").stdout


def test_variables_of_stock_that_change_nothing_here(client, our_daemon):
    """Corks, and mail about what failed there and not here."""
    result = client.run("gcc", "-c", "hello.c", hosts=our_daemon.hostspec,
                        DISTCC_FALLBACK=0, DISTCC_TCP_CORK=0,
                        DISTCC_ENABLE_DISCREPANCY_EMAIL=1,
                        DCC_EMAILLOG_WHOM_TO_BLAME="nobody")
    assert (result.returncode, result.stderr) == (0, "")


def test_rewriting_to_the_full_name(client, our_daemon):
    log = os.path.join(client.directory, "log")
    for name, sent in (("DISTCC_X", "-linux-gnu-gcc -c"),
                       ("DISTCC_NO_CROSS_REWRITE", ": gcc -c"),
                       ("DISTCC_NO_REWRITE_CROSS", ": gcc -c")):
        if os.path.exists(log):
            os.unlink(log)
        result = client.run("gcc", "-c", "hello.c", DISTCC_VERBOSE=1,
                            hosts=our_daemon.hostspec, DISTCC_LOG=log,
                            DISTCC_FALLBACK=0, **{name: "1"})
        assert result.returncode == 0
        with open(log) as file:
            assert f"exec on {our_daemon.hostspec}: " in (text := file.read())
        assert sent in text


def test_host_list_places(client):
    log = os.path.join(client.directory, "log")
    for place in (".distcc/hosts", "own/hosts"):
        path = os.path.join(client.directory, place)
        os.makedirs(os.path.dirname(path))
        with open(path, "w") as out:
            out.write(f"# from a file\nhost-of-{place.split('/')[0]}\n")
    own = os.path.join(client.directory, "own")
    assert client.run("--show-hosts", DISTCC_DIR=own).stdout == \
        "host-of-own\n"
    assert client.run("--show-hosts", DISTCC_DIR=None).stdout == \
        "host-of-.distcc\n"
    assert client.run("--show-hosts", hosts="env", DISTCC_DIR=own).stdout == \
        "env\n"
    # set, though to nothing
    result = client.run("--show-hosts", hosts="", DISTCC_DIR=own)
    assert result.stdout == "" and result.returncode == 116
    result = client.run("gcc", "-c", "hello.c", hosts="", DISTCC_LOG=log)
    assert result.returncode == 0
    with open(log) as file:
        text = file.read()
    assert "$DISTCC_HOSTS is empty or not defined; can't distribute work" \
        in text
    assert "failed to distribute, running locally instead" in text
    assert client.run("gcc", "-c", "hello.c", hosts="", DISTCC_LOG=log,
                      DISTCC_FALLBACK=0).returncode == 116


def test_bad_list_falls_back(client):
    result = client.run("gcc", "-c", "hello.c", hosts="a:0")
    assert result.returncode == 0 and "entry 1" in result.stderr
    assert client.exists("hello.o")


def test_recursion(client):
    result = client.run("gcc", "-c", "hello.c", hosts="localhost",
                        _DISTCC_SAFEGUARD=1)
    assert result.returncode == 111
    assert "recursively" in result.stderr


def test_recursion_through_a_script(client):
    script = os.path.join(client.directory, "mycc")
    with open(script, "w") as out:
        out.write(f'#!/bin/sh\nexec {clientlib.DISTCC} gcc "$@"\n')
    os.chmod(script, 0o755)
    result = client.run(script, "-c", "hello.c", hosts="localhost")
    assert result.returncode == 111


def test_only_masquerade_on_path(client):
    links = os.path.join(client.directory, "masq")
    os.mkdir(links)
    os.symlink(clientlib.DISTCC, os.path.join(links, "gcc"))
    result = client.run("gcc", "-c", "hello.c", hosts="localhost", PATH=links)
    assert result.returncode == 110
    assert "failed to exec gcc" in result.stderr


def test_masquerade_directory_is_taken_off_the_compilers_path(client):
    """A wrapper that runs gcc by name must not come back to us."""
    links, bin_ = (os.path.join(client.directory, d) for d in ("masq", "bin"))
    os.mkdir(links)
    os.mkdir(bin_)
    os.symlink(clientlib.DISTCC, os.path.join(links, "mycc"))
    os.symlink(clientlib.DISTCC, os.path.join(links, "gcc"))
    with open(os.path.join(bin_, "mycc"), "w") as out:
        out.write('#!/bin/sh\nexec gcc "$@"\n')
    os.chmod(os.path.join(bin_, "mycc"), 0o755)
    env = client.environment("localhost", {
        "PATH": f"{links}:{bin_}:{client.env['PATH']}"})
    subprocess.run(["mycc", "-c", "hello.c"], cwd=client.work, env=env,
                   check=True)
    assert client.exists("hello.o")


def test_missing_compiler(client):
    for args in (("-c", "hello.c"), ("-v",)):
        result = client.run("nosuchcc", *args, hosts="localhost")
        assert result.returncode == 110
        assert "failed to exec" in result.stderr


@pytest.mark.parametrize("args", [
    ("-v",), ("hello.c", "-E"), ("-M", "hello.c"), ("nix.c", "-c"),
    ("hello.c", "-fsyntax-only"), ("-c", "hello.c", "-march=native"),
    ("-c", "hello.c", "-o", "-"),
])
def test_local_jobs_are_the_compiler_alone(client, args):
    local = client.local("gcc", *args)
    result = client.run("gcc", *args, hosts="localhost")
    assert (result.returncode, result.stdout) == \
        (local.returncode, local.stdout)
    # "-v" names the temporary files of the moment
    if "-v" not in args:
        assert result.stderr == local.stderr


def test_linking(client):
    client.write("main.c", "int main(void) { return 0; }\n")
    assert client.run("gcc", "-c", "main.c", hosts="localhost").returncode == 0
    assert client.run("gcc", "main.o", "-o", "prog",
                      hosts="localhost").returncode == 0
    assert subprocess.run([client.path("prog")], check=False).returncode == 0


def test_verbose_tells_why_local(client):
    result = client.run("gcc", "hello.c", "-E", hosts="a", DISTCC_VERBOSE=1)
    lines = [line for line in result.stderr.splitlines()
             if "runs locally:" in line]
    assert len(lines) == 1 and "-E" in lines[0]


def test_log_file(client):
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-c", "hello.c", hosts="localhost",
                        DISTCC_VERBOSE=1, DISTCC_LOG=log)
    assert (result.returncode, result.stderr) == (0, "")
    with open(log) as file:
        assert "compile hello.c on localhost completed ok" in file.read()
    result = client.run("gcc", "-c", "hello.c", hosts="localhost",
                        DISTCC_LOG="/nowhere/log")
    assert result.returncode == 0
    assert "failed to open logfile /nowhere/log" in result.stderr


def test_uncached_err_fd(client):
    read, write = os.pipe()
    env = client.environment("", {"UNCACHED_ERR_FD": str(write)})
    result = subprocess.run([clientlib.DISTCC, "gcc", "-c", "hello.c"],
                            cwd=client.work, env=env, pass_fds=[write],
                            capture_output=True, text=True, check=True)
    os.close(write)
    with os.fdopen(read) as file:
        assert "can't distribute work" in file.read()
    assert result.stderr == ""


def test_exit_status_and_signal_of_a_local_compiler(client):
    script = os.path.join(client.directory, "dies")
    with open(script, "w") as out:
        out.write("#!/bin/sh\n[ \"$1\" = seven ] && exit 7\nkill -TERM $$\n")
    os.chmod(script, 0o755)
    assert client.run(script, "seven", hosts="localhost").returncode == 7
    result = client.run(script, "x", hosts="localhost", DISTCC_VERBOSE=1)
    assert result.returncode == 143
    assert client.run(script, "x", hosts="localhost").returncode in (143, -15)


def test_local_slots_are_kept(client):
    """Four by default, fewer with --localslots; freed at a compiler's end."""
    script = os.path.join(client.directory, "slow")
    count = os.path.join(client.directory, "count")
    os.mkdir(count)
    with open(script, "w") as out:
        out.write(f"#!/bin/sh\nmkdir {count}/$$\nls {count} | wc -l\n"
                  f"sleep 0.3\nrmdir {count}/$$\n")
    os.chmod(script, 0o755)
    for hosts, limit in (("localhost", 4), ("--localslots=2 localhost", 2)):
        jobs = [client.start(script, "x.o", hosts=hosts) for _ in range(7)]
        seen = [int(job.communicate(timeout=30)[0]) for job in jobs]
        assert max(seen) <= limit
        assert [job.returncode for job in jobs] == [0] * 7


@pytest.mark.skipif(not clientlib.has("ccache"), reason="no ccache")
def test_ccache_prefix(client):
    env = client.environment("localhost", {
        "CCACHE_PREFIX": clientlib.DISTCC,
        "CCACHE_DIR": os.path.join(client.directory, "ccache")})
    for _ in range(2):
        result = subprocess.run(["ccache", "gcc", "-c", "hello.c"],
                                cwd=client.work, env=env, check=True,
                                capture_output=True, text=True)
        assert result.stderr == ""
