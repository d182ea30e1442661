# SPDX-License-Identifier: GPL-2.0-or-later
"""What the compiler prints: to the byte what it prints here, in colour where
that is wanted, on a terminal and in a pipe.

Preprocessed source has no macros any more, and gcc shows the lines of a source
only if it finds the file; so, as with stock, gcc's remote warnings come without
these lines.  Errors come from the local compiler and have everything."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

import clientlib

# gcc cuts a source line that is wider than the terminal
LONG = " + ".join(f"value{i}" for i in range(30))
SOURCE = f"""
int unused_result(const char *text)
{{
    int value = text;
    return text == value;
}}
int longer({", ".join(f"int value{i}" for i in range(30))})
{{
    char *p = {LONG};
    return 0;
}}
"""


@pytest.fixture
def client(tmp_path):
    it = clientlib.Client(tmp_path)
    it.write("warn.c", SOURCE)
    return it


def on_terminal(client, columns, words, env):
    """(exit status, what the terminal shows)"""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ,
                struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(words, cwd=client.work, stdin=slave,
                               stdout=slave, stderr=slave, env=env,
                               start_new_session=True)
    os.close(slave)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:         # the terminal has no writer any more
            chunk = b""
        if not chunk:
            break
        shown += chunk
    os.close(master)
    return process.wait(), shown


def in_pipe(client, columns, words, env):
    del columns
    done = subprocess.run(words, cwd=client.work, env=env, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


WISHES = [
    ([], {}), (["-Wall", "-Wextra"], {}),
    (["-fdiagnostics-color=always"], {}), (["-fdiagnostics-color=never"], {}),
    (["-fdiagnostics-color=auto"], {}), (["-fdiagnostics-color"], {}),
    (["-fno-diagnostics-color"], {}), (["-fno-diagnostics-show-option"], {}),
    (["-fmessage-length=60"], {}), ([], {"COLUMNS": "50"}),
    ([], {"TERM": "dumb"}), ([], {"TERM": None}), ([], {"GCC_COLORS": ""}),
    (["-fdiagnostics-color=never", "-fdiagnostics-color=auto"], {}),
]
SHOWS = [(on_terminal, 64), (in_pipe, 0)]


def compare(client, host, show, columns, words, env):
    """Its status and messages, which are those of the compiler alone."""
    if not clientlib.has(words[0]):
        pytest.skip(f"no {words[0]}")
    env = {"TERM": "xterm", **env}
    alone = show(client, columns, words, client.environment("", env))
    log = os.path.join(client.directory, "log")
    there = show(client, columns, [clientlib.DISTCC, *words],
                 client.environment(host, {**env, "DISTCC_LOG": log,
                                           "DISTCC_VERBOSE": "1"}))
    assert there == alone
    with open(log) as file:
        return *alone, file.read()


@pytest.mark.parametrize("show,columns", SHOWS)
@pytest.mark.parametrize("compiler", [
    ["gcc", "-fno-diagnostics-show-caret"], ["clang"]])
@pytest.mark.parametrize("args,env", WISHES)
def test_warnings(client, our_daemon, show, columns, compiler, args, env):
    words = [*compiler, *args, "-c", "warn.c"]
    status, text, log = compare(client, our_daemon.hostspec, show, columns,
                                words, env)
    assert status == 0 and b"warning" in text
    assert f"on {our_daemon.hostspec} completed ok" in log


@pytest.mark.parametrize("show,columns", SHOWS)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_errors(client, our_daemon, show, columns, compiler):
    client.write("bad.c", "#define USE(x) x.member\n"
                 "int f(void) { return USE(0); }\n")
    words = [compiler, "-c", "bad.c"]
    status, text, _ = compare(client, our_daemon.hostspec, show, columns,
                              words, {})
    plain = re.sub(rb"\x1b\[[0-9;]*[mK]", b"", text)
    assert status == 1 and b"^" in plain and b"USE(0)" in plain
    assert (b"\x1b[" in text) == (show is on_terminal)
