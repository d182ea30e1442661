# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of system calls lacks none that a compiler makes.

The daemon runs with its filters in their tracing mode: what the table does not
list is let through, and the kernel writes a line about it. The control makes a
call that no table lists and expects that line, so that silence means something.
"""
import shutil

import audit
import pytest
from test_interop import CXX_SOURCE, C_SOURCE

COMPILERS = ["gcc-11", "g++-11", "gcc-12", "g++-12", "clang-14", "clang++-14",
             "arm-linux-gnueabihf-gcc", "arm-linux-gnueabihf-g++"]
OPTIONS = [
    ["-O2"], ["-O0", "-g"], ["-O3", "-g3", "-fPIC"], ["-O1", "-pipe"],
    ["-O2", "-flto"], ["-Os", "-Wall", "-Wextra", "-fstack-protector-strong"],
    ["-O2", "-fsanitize=undefined"], ["-ftime-report"], ["-S", "-O2"],
    ["-O2", "-ffunction-sections", "-gz"], ["-v"],
]
BROKEN = "int f(void) { return undeclared; }\n"


@pytest.fixture(scope="module")
def can_trace():
    why = audit.why_not()
    if why:
        pytest.skip(why)


@pytest.fixture
def trace(can_trace):
    with audit.Trace() as trace:
        yield trace
        assert not trace.lost


@pytest.mark.parametrize("compiler", COMPILERS)
def test_compiler_makes_only_listed_calls(compiler, trace, start_daemon,
                                          make_client, tmp_path):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} here")
    daemon = start_daemon(["--sandbox-filter=log"])
    client = make_client(daemon.hostspec)
    is_cxx = "++" in compiler
    source = tmp_path / ("a.cc" if is_cxx else "a.c")
    for options in OPTIONS:
        source.write_text(CXX_SOURCE if is_cxx else C_SOURCE)
        out = "a.s" if "-S" in options else "a.o"
        done = client.run(compiler, *options, "-c", source.name, "-o", out,
                          cwd=tmp_path)
        assert done.returncode == 0, (options, done.stderr)
    source.write_text(BROKEN)
    assert client.run(compiler, "-c", source.name, "-o", "b.o",
                      cwd=tmp_path).returncode != 0
    # what the compilers try and do without, each looked at once
    assert trace.calls() == set()
