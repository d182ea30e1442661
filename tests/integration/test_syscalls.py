# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of system calls lacks none that a compiler makes.

The daemon runs with its filters in their tracing mode: what the table does not
list is let through, and the kernel writes a line about it. The control makes a
call that no table lists and expects that line, so that silence means something.
"""
import os
import re
import shutil
import subprocess
import time

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
# refused by design and expected by the compilers, which do without
HARMLESS = {"clone3"}


def audit_lines():
    text = subprocess.run(["dmesg"], capture_output=True, text=True).stdout
    return [line for line in text.splitlines()
            if "type=1326" in line and "code=0x7ffc0000" in line]


def name_of(number):
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") as f:
        found = re.search(rf"__NR_(\w+) {number}\b", f.read())
    return found[1] if found else str(number)


def calls_since(before):
    """{(program, call)} of the audit lines that came since."""
    time.sleep(0.2)
    lines = audit_lines()
    new = lines[lines.index(before[-1]) + 1:] if before and \
        before[-1] in lines else lines
    found = set()
    for line in new:
        comm = re.search(r'comm="([^"]*)"', line)
        number = re.search(r"syscall=(\d+)", line)
        found.add((comm[1] if comm else "?", name_of(number[1])))
    return found


@pytest.fixture(scope="module")
def can_trace():
    if os.geteuid() != 0:
        pytest.skip("reading the kernel's log needs root")
    if os.uname().machine != "x86_64":
        pytest.skip("names of system calls are only known for x86_64")
    before = audit_lines()
    # the control: a filter that logs all of uname(), and a uname()
    code = ("import ctypes, os, struct\n"
            "c = ctypes.CDLL(None, use_errno=True)\n"
            "ins = [(0x20,0,0,0),(0x15,0,1,63),(6,0,0,0x7ffc0000),"
            "(6,0,0,0x7fff0000)]\n"
            "buf = ctypes.create_string_buffer(b''.join("
            "struct.pack('HBBI', *i) for i in ins))\n"
            "prog = struct.pack('HxxxxxxQ', len(ins), "
            "ctypes.addressof(buf))\n"
            "c.prctl(38, 1, 0, 0, 0)\n"
            "assert c.syscall(317, 1, 0, prog) == 0\n"
            "os.uname()\n")
    subprocess.run(["/usr/bin/python3", "-c", code], check=True)
    if not any(call == "uname" for _, call in calls_since(before)):
        pytest.skip("this kernel writes no line for a logged system call")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_compiler_makes_only_listed_calls(compiler, can_trace, start_daemon,
                                          make_client, tmp_path):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} here")
    daemon = start_daemon(["--sandbox-filter=log"])
    client = make_client(daemon.hostspec)
    is_cxx = "++" in compiler
    source = tmp_path / ("a.cc" if is_cxx else "a.c")
    before = audit_lines()
    for options in OPTIONS:
        source.write_text(CXX_SOURCE if is_cxx else C_SOURCE)
        out = "a.s" if "-S" in options else "a.o"
        done = client.run(compiler, *options, "-c", source.name, "-o", out,
                          cwd=tmp_path)
        assert done.returncode == 0, (options, done.stderr)
    source.write_text(BROKEN)
    assert client.run(compiler, "-c", source.name, "-o", "b.o",
                      cwd=tmp_path).returncode != 0
    found = {(who, call) for who, call in calls_since(before)
             if call not in HARMLESS and who != "distccd-jail"}
    # what the compilers try and do without, each looked at once
    assert found == set()
