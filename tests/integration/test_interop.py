# SPDX-License-Identifier: GPL-2.0-or-later
"""Every pair of client and daemon gives what a local compile gives.

The pair of stock with stock is the control: a test that fails there too says
something of the test or of the compiler, not of us.
"""
import itertools
import shutil
import socket
import struct
import subprocess
import threading

import pytest

from harness import OUR_CLIENT, clean_env, free_port

C_SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define SQUARE(x) ((x) * (x))
struct pair { int a; double b; const char *name; };
static int compare(const void *x, const void *y)
{ return ((const struct pair *)x)->a - ((const struct pair *)y)->a; }
int work(int n)
{
	struct pair p[64]; int sum = 0;
	for (int i = 0; i < 64; i++)
		p[i] = (struct pair){ (i * 37) % 64, i / 3.0, __FILE__ };
	qsort(p, 64, sizeof(p[0]), compare);
	for (int i = 0; i < n && i < 64; i++)
		sum += SQUARE(p[i].a) + (int)strlen(p[i].name);
	printf("%d %s:%d\n", sum, __func__, __LINE__);
	return sum;
}
"""

CXX_SOURCE = r"""
#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>
template <typename T> T total(const std::vector<T> &v)
{ T t{}; for (const auto &x : v) t += x; return t; }
std::string work(int n)
{
	std::map<std::string, std::vector<int>> m;
	for (int i = 0; i < n; i++)
		m[std::to_string(i % 7)].push_back(i);
	if (m.empty())
		throw std::runtime_error(__FILE__);
	auto it = std::max_element(m.begin(), m.end(), [](auto &a, auto &b) {
		return total(a.second) < total(b.second); });
	return it->first;
}
"""

PAIRS = list(itertools.product(("ours", "stock"), repeat=2))
MODES = {"plain": "", "lzo": ",lzo"}
COMPILERS = {"gcc": ".c", "g++": ".cc", "clang": ".c", "clang++": ".cc"}


@pytest.fixture
def connect(request, make_client):
    """connect(client, server, mode, **env) -> Client"""
    def make(client, server, mode="plain", **env):
        daemon = request.getfixturevalue(
            "our_daemon" if server == "ours" else "stock_daemon")
        program = OUR_CLIENT if client == "ours" else \
            request.getfixturevalue("stock_client_program")
        return make_client(daemon.hostspec + MODES[mode], program, **env)
    return make


def write(directory, compiler, text=None):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    name = "source" + COMPILERS[compiler]
    (directory / name).write_text(
        text if text is not None else
        C_SOURCE if name.endswith(".c") else CXX_SOURCE)
    return name


def local(directory, *args):
    return subprocess.run(args, cwd=directory, env=clean_env(),
                          capture_output=True, check=False)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("client,server", PAIRS)
def test_object(connect, tmp_path, client, server, mode, compiler):
    name = write(tmp_path, compiler)
    distcc = connect(client, server, mode)
    flags = [compiler, "-O2", "-Wall", "-DX=1", "-I.", "-c", name, "-o"]
    got = distcc.run(*flags, "remote.o")
    want = local(tmp_path, *flags, "local.o")
    assert (got.returncode, got.stdout, got.stderr) == \
        (want.returncode, want.stdout, want.stderr) == (0, b"", b"")
    assert (tmp_path / "remote.o").read_bytes() == \
        (tmp_path / "local.o").read_bytes()
    assert distcc.remote_jobs() == 1, distcc.log()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("client,server", PAIRS)
def test_assembly(connect, tmp_path, client, server, mode):
    name = write(tmp_path, "gcc")
    distcc = connect(client, server, mode)
    got = distcc.run("gcc", "-O1", "-S", name)
    assert got.returncode == 0, got.stderr
    local(tmp_path, "gcc", "-O1", "-S", name, "-o", "local.s")
    assert (tmp_path / "source.s").read_bytes() == \
        (tmp_path / "local.s").read_bytes()
    assert distcc.remote_jobs() == 1


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("client,server", PAIRS)
def test_compile_error(connect, tmp_path, client, server, mode, compiler):
    name = write(tmp_path, compiler, "int f(void)\n{\n\treturn nowhere;\n}\n")
    distcc = connect(client, server, mode)
    got = distcc.run(compiler, "-c", name, "-o", "remote.o")
    want = local(tmp_path, compiler, "-c", name, "-o", "local.o")
    assert got.returncode == want.returncode == 1
    assert not (tmp_path / "remote.o").exists()
    text = got.stderr.decode()
    assert f"{name}:3:" in text and "nowhere" in text
    # the local compiler's message; in preprocessed text gcc counts columns
    # another way
    for line in want.stderr.decode().splitlines():
        if "error:" in line:
            assert line.partition(":3:")[2].partition(":")[2] in text


@pytest.mark.parametrize("client,server", PAIRS)
def test_warning_passes(connect, tmp_path, client, server):
    name = write(tmp_path, "gcc", "int f(void)\n{\n\tint unused;\n"
                 "\treturn 0;\n}\n")
    got = connect(client, server).run("gcc", "-Wall", "-c", name)
    assert got.returncode == 0
    assert f"{name}:3:6: warning: unused variable".encode() in got.stderr
    assert (tmp_path / "source.o").stat().st_size > 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("client,server", PAIRS)
def test_empty_source(connect, tmp_path, client, server, mode):
    name = write(tmp_path, "gcc", "")
    got = connect(client, server, mode).run("gcc", "-c", name)
    assert got.returncode == 0, got.stderr
    local(tmp_path, "gcc", "-c", name, "-o", "local.o")
    assert (tmp_path / "source.o").read_bytes() == \
        (tmp_path / "local.o").read_bytes()


@pytest.mark.parametrize("client,server", PAIRS)
def test_large_source(connect, tmp_path, client, server):
    """Larger than any buffer on the way."""
    lines = [f"const char *text_{i} = \"{'x' * 200}{i}\";"
             for i in range(20000)]
    name = write(tmp_path, "gcc", "\n".join(lines) + "\n")
    got = connect(client, server, "lzo").run("gcc", "-c", name)
    assert got.returncode == 0, got.stderr
    local(tmp_path, "gcc", "-c", name, "-o", "local.o")
    assert (tmp_path / "source.o").read_bytes() == \
        (tmp_path / "local.o").read_bytes()


@pytest.mark.parametrize("client", ["ours", "stock"])
def test_many_at_once(connect, tmp_path, client):
    """Twenty jobs on four slots: all done, all remote, all right."""
    write(tmp_path, "gcc")
    distcc = connect(client, "ours", "lzo")
    local(tmp_path, "gcc", "-O2", "-c", "source.c", "-o", "local.o")
    results = {}

    def job(i):
        results[i] = distcc.run("gcc", "-O2", "-c", "source.c", "-o",
                                f"r{i}.o").returncode

    threads = [threading.Thread(target=job, args=(i,)) for i in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(results.values()) == {0}
    want = (tmp_path / "local.o").read_bytes()
    for i in range(20):
        assert (tmp_path / f"r{i}.o").read_bytes() == want
    assert distcc.remote_jobs() == 20


def token(name, value, body=b""):
    return struct.pack("4s", name.encode()) + b"%08x" % value + body


@pytest.fixture
def canned_server():
    """canned_server(reply) -> host spec of a server that answers one job"""
    listening = []

    def serve(reply):
        s = socket.create_server(("127.0.0.1", 0))
        listening.append(s)

        def answer():
            try:
                peer, _ = s.accept()
            except OSError:
                return
            with peer:
                read_request(peer)
                peer.sendall(reply)

        threading.Thread(target=answer, daemon=True).start()
        return f"127.0.0.1:{s.getsockname()[1]}"

    yield serve
    for s in listening:
        s.close()


def read_request(peer):
    """A protocol 1 request up to the end of its DOTI."""
    f = peer.makefile("rb")
    while True:
        head = f.read(12)
        if len(head) < 12:
            return
        name, value = head[:4], int(head[4:], 16)
        if name in (b"ARGV", b"DOTI"):
            f.read(value)
        if name == b"DOTI":
            return


@pytest.mark.parametrize("client", ["ours", "stock"])
def test_empty_output(request, make_client, tmp_path, canned_server, client):
    """Status 0 with an object of length 0 makes an empty file."""
    write(tmp_path, "gcc")
    program = OUR_CLIENT if client == "ours" else \
        request.getfixturevalue("stock_client_program")
    hosts = canned_server(token("DONE", 1) + token("STAT", 0) +
                          token("SERR", 4, b"note") + token("SOUT", 0) +
                          token("DOTO", 0))
    got = make_client(hosts, program).run("gcc", "-c", "source.c")
    assert got.returncode == 0, got.stderr
    assert got.stderr == b"note"
    assert (tmp_path / "source.o").read_bytes() == b""


@pytest.mark.parametrize("reply", [
    b"", b"DONE", token("DONE", 1) + token("STAT", 0) + token("SERR", 0) +
    token("SOUT", 0) + token("DOTO", 100, b"x" * 50)],
    ids=["nothing", "half a token", "half an object"])
def test_cut_reply_leaves_no_object(make_client, tmp_path, canned_server,
                                    reply):
    write(tmp_path, "gcc")
    got = make_client(canned_server(reply)).run("gcc", "-c", "source.c")
    assert got.returncode != 0
    assert not (tmp_path / "source.o").exists()


EXIT_CASES = {
    "no hosts": ("", ["gcc", "-c", "source.c"], {}),
    "bad host list": ("a:x", ["gcc", "-c", "source.c"], {}),
    "no server": ("127.0.0.1:{port}", ["gcc", "-c", "source.c"], {}),
    "no server, local instead": ("127.0.0.1:{port}", ["gcc", "-c", "source.c"],
                                 {"DISTCC_FALLBACK": 1}),
    "no such compiler": ("127.0.0.1:{port}", ["no-such-cc", "-v"], {}),
    "no such source": ("127.0.0.1:{port}", ["gcc", "-c", "nowhere.c"], {}),
    "no command": ("127.0.0.1:{port}", [], {}),
    "link, so local": ("127.0.0.1:{port}", ["gcc", "nowhere.o"], {}),
    "bad option": ("127.0.0.1:{port}", ["--no-such-option"], {}),
}


@pytest.mark.parametrize("case", EXIT_CASES)
def test_exit_code_as_stock(make_client, stock_client_program, tmp_path, case):
    hosts, args, env = EXIT_CASES[case]
    write(tmp_path, "gcc")
    hosts = hosts.format(port=free_port())
    codes = {}
    for which, program in (("ours", OUR_CLIENT),
                           ("stock", stock_client_program)):
        client = make_client(hosts, program, **env)
        codes[which] = client.run(*args).returncode
        client.forget()
    assert codes["ours"] == codes["stock"]


# (stock with stock is no control here: its client reports another refusal)
@pytest.mark.parametrize("client,server", PAIRS[:3])
def test_unknown_compiler_is_refused(connect, tmp_path, client, server):
    """A program that the client has and no server will run."""
    write(tmp_path, "gcc")
    tool = tmp_path / "bin" / "mycc"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nexec gcc \"$@\"\n")
    tool.chmod(0o755)
    distcc = connect(client, server,
                     PATH=f"{tool.parent}:/usr/local/bin:/usr/bin:/bin")
    got = distcc.run("mycc", "-c", "source.c")
    assert got.returncode != 0
    assert not (tmp_path / "source.o").exists()
    assert distcc.remote_jobs() == 0
