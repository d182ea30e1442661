# SPDX-License-Identifier: GPL-2.0-or-later
"""Our client and stock distccd: objects equal to local ones."""
import concurrent.futures
import os
import subprocess

import pytest

import clientlib

CXX = """#include <string>
#include <vector>
namespace { int hidden(int x) { return x * 3; } }
std::string join(const std::vector<std::string> &v)
{
    std::string s;
    for (const auto &x : v) s += x + std::to_string(hidden((int)x.size()));
    return s;
}
"""
MODES = ["", ",lzo"]


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    if not os.access(clientlib.STOCK_DAEMON, os.X_OK):
        pytest.skip("no stock distccd (Debian package distcc)")
    daemon = clientlib.StockDaemon(str(tmp_path_factory.mktemp("stock")))
    yield daemon
    daemon.close()


@pytest.fixture
def client(tmp_path):
    it = clientlib.Client(tmp_path)
    it.write("hello.cc", CXX)
    return it


def build_both(client, hosts, command, output):
    """The object made remotely, and the one made here, by one command."""
    compiler, *args = command
    result = client.run(compiler, *args, hosts=hosts, DISTCC_FALLBACK=0)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    remote = client.read(output)
    os.unlink(client.path(output))
    assert client.local(compiler, *args).returncode == 0
    return remote, client.read(output)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("command,output", [
    (["gcc", "-c", "hello.c"], "hello.o"),
    (["gcc", "-O2", "-Wall", "-c", "hello.c", "-o", "x.o"], "x.o"),
    (["gcc", "-O2", "-c", "hello.c", "-ox.o"], "x.o"),
    (["gcc", "-S", "-O1", "hello.c"], "hello.s"),
    (["gcc", "-x", "c", "-c", "hello.c"], "hello.o"),
    (["g++", "-O2", "-c", "hello.cc"], "hello.o"),
    (["g++", "-std=c++20", "-fPIC", "-c", "hello.cc", "-o", "y.o"], "y.o"),
    (["cc", "-c", "hello.c"], "hello.o"),
])
def test_object_is_local_one(client, stock, mode, command, output):
    remote, local = build_both(client, stock.spec + mode, command, output)
    assert remote == local


@pytest.mark.skipif(not clientlib.has("clang"), reason="no clang")
@pytest.mark.parametrize("mode", MODES)
def test_clang(client, stock, mode):
    for command in (["clang", "-O2", "-c", "hello.c"],
                    ["clang++", "-O2", "-c", "hello.cc"]):
        remote, local = build_both(client, stock.spec + mode, command,
                                   "hello.o")
        assert remote == local


def test_debug_information_names_our_directory(client, stock):
    result = client.run("gcc", "-g", "-c", "hello.c", hosts=stock.spec,
                        DISTCC_FALLBACK=0)
    assert result.returncode == 0
    dump = subprocess.run(["readelf", "--debug-dump=info", "hello.o"],
                          cwd=client.work, capture_output=True, text=True,
                          check=True).stdout
    directory = [line for line in dump.splitlines() if "DW_AT_comp_dir" in line]
    assert directory and all(client.work in line for line in directory)


def test_implicit_and_masquerade(client, stock):
    assert client.run("-c", "hello.c", hosts=stock.spec,
                      DISTCC_FALLBACK=0).returncode == 0
    assert client.exists("hello.o")
    os.unlink(client.path("hello.o"))
    links = os.path.join(client.directory, "masq")
    os.mkdir(links)
    os.symlink(clientlib.DISTCC, os.path.join(links, "gcc"))
    log = os.path.join(client.directory, "log")
    env = client.environment(stock.spec, {
        "PATH": f"{links}:{client.env['PATH']}", "DISTCC_FALLBACK": "0",
        "DISTCC_VERBOSE": "1", "DISTCC_LOG": log})
    subprocess.run(["gcc", "-c", "hello.c"], cwd=client.work, env=env,
                   check=True)
    assert client.exists("hello.o")
    with open(log) as file:
        assert f"compile hello.c on {stock.spec} completed ok" in file.read()
    # the same name in a second directory, through a link to a link
    os.mkdir(links + "2")
    os.symlink("../masq/gcc", os.path.join(links + "2", "gcc"))
    env["PATH"] = f"{links}2:{env['PATH']}"
    subprocess.run(["gcc", "-c", "hello.c"], cwd=client.work, env=env,
                   check=True)


def test_preprocessed_source_is_sent_as_it_is(client, stock):
    client.write("pre.i", '# 0 "pre.c"\nint linux = 3;\n')
    remote, local = build_both(client, stock.spec, ["gcc", "-c", "pre.i"],
                               "pre.o")
    assert remote == local


def test_macro_names_survive_an_explicit_language(client, stock):
    client.write("odd.c", "#undef linux\nint linux = 3;\n")
    remote, local = build_both(
        client, stock.spec, ["gcc", "-x", "c", "-c", "odd.c"], "odd.o")
    assert remote == local


def test_empty_output(client, stock):
    client.write("empty.c", "")
    remote, local = build_both(client, stock.spec, ["gcc", "-c", "empty.c"],
                               "empty.o")
    assert remote == local


@pytest.mark.parametrize("args,dep", [
    (["-MD", "-c", "dir/b.c", "-o", "out/x.o"], "out/x.d"),
    (["-MMD", "-c", "dir/b.c"], "b.d"),
    (["-MD", "-MF", "q.d", "-c", "dir/b.c", "-o", "out/x.o"], "q.d"),
    (["-MD", "-MT", "goal", "-c", "dir/b.c", "-o", "out/x.o"], "out/x.d"),
    (["-Wp,-MD,w.d", "-c", "dir/b.c", "-o", "out/x.o"], "w.d"),
    (["-MD", "-MP", "-c", "dir/b.c", "-oout/x.y.o"], "out/x.y.d"),
])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_dependency_file(client, stock, compiler, args, dep):
    if not clientlib.has(compiler):
        pytest.skip(f"no {compiler}")
    client.write("dir/b.c", clientlib.HELLO)
    os.mkdir(client.path("out"))
    result = client.run(compiler, *args, hosts=stock.spec, DISTCC_FALLBACK=0)
    assert (result.returncode, result.stderr) == (0, "")
    made = client.read(dep)
    os.unlink(client.path(dep))
    assert client.local(compiler, *args).returncode == 0
    assert made == client.read(dep)


def test_warnings_come_once_and_name_the_source(client, stock):
    client.write("warn.c", "#warning first\nint f(void) { int x; return 1; }\n")
    result = client.run("gcc", "-Wall", "-c", "warn.c", hosts=stock.spec,
                        DISTCC_FALLBACK=0)
    assert result.returncode == 0
    assert result.stderr.count("#warning first") >= 1
    assert result.stderr.count("warn.c:2") >= 1
    assert result.stdout == ""


def test_source_error(client, stock):
    client.write("bad.c", "int f( {\n")
    local = client.local("gcc", "-c", "bad.c")
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-c", "bad.c", hosts=stock.spec,
                        DISTCC_LOG=log)
    assert (result.returncode, result.stderr) == (1, local.stderr)
    # the source is to blame, not the host
    assert not [name for name in client.locks() if "backoff" in name]
    for env in ({"DISTCC_FALLBACK": 0}, {"DISTCC_SKIP_LOCAL_RETRY": 1}):
        result = client.run("gcc", "-c", "bad.c", hosts=stock.spec,
                            DISTCC_LOG=log, **env)
        assert result.returncode == 1
        assert "bad.c:1:8: error:" in result.stderr
    assert not client.exists("bad.o") and client.leftovers() == []


def test_missing_header(client, stock):
    client.write("bad.c", '#include "nix.h"\n')
    local = client.local("gcc", "-c", "bad.c")
    log = os.path.join(client.directory, "log")
    result = client.run("gcc", "-c", "bad.c", hosts=stock.spec,
                        DISTCC_LOG=log)
    assert (result.returncode, result.stderr) == (1, local.stderr)
    result = client.run("gcc", "-c", "bad.c", hosts=stock.spec,
                        DISTCC_LOG=log, DISTCC_FALLBACK=0)
    assert result.returncode == 1 and "nix.h" in result.stderr


def test_many_jobs(client, stock):
    names = [f"m{i}" for i in range(40)]
    for name in names:
        client.write(name + ".c", f"int {name}(int x) {{ return x + 1; }}\n")

    def one(name):
        return client.run("gcc", "-O2", "-c", name + ".c",
                          hosts=stock.spec + "/3,lzo", DISTCC_FALLBACK=0)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, names))
    assert all(r.returncode == 0 and r.stderr == "" for r in results)
    for name in names:
        remote = client.read(name + ".o")
        assert client.local("gcc", "-O2", "-c", name + ".c").returncode == 0
        assert client.read(name + ".o") == remote
    used = [n for n in client.locks() if n.startswith("cpu_tcp")]
    assert len(used) <= 3


def test_same_slots_as_stock(client, stock, tmp_path):
    """A slot that stock's client holds is one that ours does not take."""
    if not os.access(clientlib.STOCK_CLIENT, os.X_OK):
        pytest.skip("no stock distcc (Debian package distcc)")
    theirs = clientlib.Client(tmp_path, clientlib.STOCK_CLIENT)
    assert theirs.run("gcc", "-c", "hello.c", hosts=stock.spec).returncode == 0
    names = theirs.locks()
    assert client.run("gcc", "-c", "hello.c", hosts=stock.spec).returncode == 0
    assert [n for n in client.locks() if not n.startswith("line")] == names
