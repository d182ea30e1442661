# SPDX-License-Identifier: GPL-2.0-or-later
"""Build tools as people use them: make, CMake, Meson with Ninja, and ccache in
front.  Each tree has C and C++ and is built twice.  DISTCC_TEST_SOURCES=N makes
the trees larger (6)."""
import json
import os
import shutil
import subprocess

import pytest

import clientlib

SOURCES = int(os.environ.get("DISTCC_TEST_SOURCES", "6"))
HALF = SOURCES // 2
MAIN = """#include <stdio.h>
#include "all.h"
int main(void)
{
%s    return 0;
}
"""
C_PART = """#include <string.h>
#include "all.h"
unsigned c%(i)d(void) { return (unsigned)strlen(WORD) + %(i)d; }
"""
CXX_PART = """#include <map>
#include <string>
#include "all.h"
extern "C" unsigned x%(i)d(void)
{
    std::map<std::string, unsigned> m{{WORD, %(i)d}};
    return m[WORD];
}
"""
HEADER = """#ifdef __cplusplus
extern "C" {
#endif
#define WORD "distributed"
%s
#ifdef __cplusplus
}
#endif
"""
MAKEFILE = """OBJ = %(objects)s
prog: $(OBJ)
\t$(CXX) -o $@ $(OBJ)
%%.o: %%.c all.h
\t$(CC) -O1 -MMD -c -o $@ $<
%%.o: %%.cc all.h
\t$(CXX) -O1 -MMD -c -o $@ $<
clean:
\trm -f $(OBJ) prog *.d
"""
CMAKE = """cmake_minimum_required(VERSION 3.10)
project(tree C CXX)
add_executable(prog %(sources)s)
"""
MESON = """project('tree', 'c', 'cpp')
executable('prog', %(quoted)s)
"""


@pytest.fixture
def client(tmp_path, our_daemon):
    it = clientlib.Client(tmp_path)
    it.env.update({"CCACHE_DIR": os.path.join(it.directory, "ccache"),
                   "DISTCC_HOSTS": our_daemon.hostspec, "CI": ""})
    names = ["main.c"]
    calls = externs = ""
    for i in range(HALF):
        it.write(f"c{i}.c", C_PART % {"i": i})
        it.write(f"x{i}.cc", CXX_PART % {"i": i})
        names += [f"c{i}.c", f"x{i}.cc"]
        calls += f'    printf("%u %u\\n", c{i}(), x{i}());\n'
        externs += f"unsigned c{i}(void), x{i}(void);\n"
    it.write("all.h", HEADER % externs)
    it.write("main.c", MAIN % calls)
    os.unlink(it.path("hello.c"))
    words = {"sources": " ".join(names),
             "quoted": ", ".join(f"'{n}'" for n in names),
             "objects": " ".join(n.partition(".")[0] + ".o" for n in names)}
    it.write("Makefile", MAKEFILE % words)
    it.write("CMakeLists.txt", CMAKE % words)
    it.write("meson.build", MESON % words)
    it.expected = "".join(f"{11 + i} {i}\n" for i in range(HALF))
    return it


def need(*programs):
    for program in programs:
        if not clientlib.has(program):
            pytest.skip(f"no {program}")


def run(client, *args, **env):
    done = subprocess.run(
        args, cwd=client.work, env=client.environment(None, env), text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
        check=False)
    assert done.returncode == 0, (args, done.stdout, done.stderr)
    return done


def remote(client):
    """(jobs that were remote, those that a host missed or that failed)"""
    done = client.run("--stats", "--json")
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    return counted["remote"], counted["missed"] + counted["failed"]


def check(client, program, jobs):
    done = run(client, os.path.join(client.work, program))
    assert done.stdout == client.expected
    assert remote(client) == (jobs, 0)
    assert client.leftovers() == []


ALL = 2 * HALF + 1


@pytest.fixture(params=["alone", "ccache"])
def front(request):
    """What stands before the compiler; jobs of the second build, whose
    sources did not change."""
    if request.param == "alone":
        return "distcc", ALL
    need("ccache")
    return "ccache", 0


def prefix(front):
    """(the compiler's launcher, variables)"""
    if front == "ccache":
        return "ccache", {"CCACHE_PREFIX": clientlib.DISTCC}
    return clientlib.DISTCC, {}


def test_make(client, front):
    launcher, env = prefix(front[0])
    words = [f"CC={launcher} gcc", f"CXX={launcher} g++"]
    run(client, "make", "-j8", *words, **env)
    check(client, "prog", ALL)
    run(client, "make", "clean")
    run(client, "make", "-j8", *words, **env)
    check(client, "prog", ALL + front[1])


def test_cmake_launcher(client, front):
    need("cmake")
    launcher, env = prefix(front[0])
    run(client, "cmake", "-S", ".", "-B", "out",
        f"-DCMAKE_C_COMPILER_LAUNCHER={launcher}",
        f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}", **env)
    # its own trials are compiled through the launcher, too
    before, bad = remote(client)
    assert bad == 0
    run(client, "cmake", "--build", "out", "-j8", **env)
    check(client, "out/prog", before + ALL)
    run(client, "cmake", "--build", "out", "-j8", "--clean-first", **env)
    check(client, "out/prog", before + ALL + front[1])


def test_meson_and_ninja(client, front):
    """The compiler as "distcc gcc" and "ccache gcc" in CC and CXX."""
    need("meson", "ninja")
    launcher, env = prefix(front[0])
    env = {**env, "CC": f"{launcher} gcc", "CXX": f"{launcher} g++"}
    run(client, "meson", "setup", "out", **env)
    before, _ = remote(client)
    run(client, "ninja", "-C", "out", "-j8", **env)
    check(client, "out/prog", before + ALL)
    run(client, "ninja", "-C", "out", "-t", "clean", **env)
    run(client, "ninja", "-C", "out", "-j8", **env)
    check(client, "out/prog", before + ALL + front[1])


def test_masquerade_and_ccache(client):
    """PATH=DISTCC's links:..., which ccache finds before the compilers."""
    need("ccache")
    links = os.path.join(client.directory, "links")
    os.mkdir(links)
    for name in ("gcc", "g++"):
        os.symlink(clientlib.DISTCC, os.path.join(links, name))
    path = links + ":" + client.env["PATH"]
    run(client, "make", "-j8", "CC=ccache gcc", "CXX=ccache g++", PATH=path)
    check(client, "prog", ALL)
    run(client, "make", "clean")
    run(client, "make", "-j8", "CC=ccache gcc", "CXX=ccache g++", PATH=path)
    check(client, "prog", ALL)


def test_ccache_keeps_no_message_of_ours(client):
    """What distcc says of a host goes to UNCACHED_ERR_FD, which ccache does
    not keep: only the compiler's warning comes back from the cache."""
    need("ccache")
    client.write("warn.c", "#warning read me\n")
    env = {"CCACHE_PREFIX": clientlib.DISTCC, "CCACHE_NODIRECT": "1",
           "DISTCC_HOSTS": f"127.0.0.1:{clientlib.free_port()}"}
    words = ["ccache", "gcc", "-c", "warn.c"]
    first = run(client, *words, **env)
    assert "running locally instead" in first.stderr
    assert "read me" in first.stderr
    second = run(client, *words, **env)
    assert "read me" in second.stderr and "distcc" not in second.stderr
    shutil.rmtree(client.env["CCACHE_DIR"])
    third = run(client, *words, **env)
    assert "distcc" in third.stderr
