# SPDX-License-Identifier: GPL-2.0-or-later
"""A scanner that lies, dies or says nonsense: the client compiles all the same,
and sends nothing that is no plain file as it was named."""
import os
import socket
import struct
import threading

import harness
import pytest
import scankit
from pumplib import Tree, pumped, why_here

ANSWER, NAME = 4, 7
FILE, SYMLINK, DIRECTORY, SYSTEMDIR, ABSENT = 0, 1, 2, 3, 4


def text(s):
    data = os.fsencode(s)
    return struct.pack("=I", len(data)) + data


def entry(path, kind=FILE, stamp=None, target="", is_system=0):
    if stamp is None:
        try:
            st = os.stat(path)
            stamp = (st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns,
                     st.st_ctime_ns)
        except OSError:
            stamp = (0, 0, 0, 0, 0)
    return struct.pack("=II5q", kind, is_system, *stamp) + text(path) + \
        text(target)


def answer(*entries, n=None, numbers=(), nnumbers=None, rooted=""):
    # outcome and directives, why, facts, search path, rooted, queries
    body = struct.pack("=IQ", 0, 0) + text("") + struct.pack("=Q", 0) + \
        text("") + text(rooted) + text("") + \
        struct.pack("=QI", 77, len(numbers) if nnumbers is None else nnumbers
                    ) + struct.pack(f"={len(numbers)}I", *numbers) + \
        struct.pack("=I", len(entries) if n is None else n) + \
        b"".join(entries)
    return struct.pack("=II", ANSWER, len(body)) + body


class FakeScanner:
    """Says the same to everybody, in the place of distcc-scand, but to who asks
    what numbers stand for."""

    def __init__(self, directory, data, names=None):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self.data = data
        self.names = names
        self.asked = 0
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(os.path.join(directory, scankit.socket_name()))
        self.sock.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            with conn:
                self.asked += 1
                try:
                    kind, = struct.unpack("=I", conn.recv(1 << 20)[:4])
                    conn.sendall(self.names if kind == NAME and self.names
                                 else self.data)
                except OSError:
                    pass

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, sandbox_args):
    if sandbox_args:
        pytest.skip("pump mode needs a full jail")
    with harness.Daemon(str(tmp_path_factory.mktemp("daemon"))) as d:
        yield d


@pytest.fixture
def tree(tmp_path, daemon):
    t = Tree(tmp_path, daemon.hostspec + ",lzo,cpp")
    t.write("a.h", "#define A 1\n")
    t.write("a.c", '#include "a.h"\nint a = A;\n')
    os.mkfifo(t.work + "/fifo")
    os.symlink("/etc/passwd", t.work + "/link")
    yield t


def good(tree):
    return [entry(tree.work + "/a.c"), entry(tree.work + "/a.h")]


ANSWERS = {
    "nothing": lambda t: b"",
    "nonsense": lambda t: b"\xff" * 4096,
    "a length of 4 GB": lambda t: struct.pack("=II", ANSWER, 0xffffffff),
    "a cut answer": lambda t: answer(*good(t))[:-9],
    "more entries than there are": lambda t: answer(*good(t), n=190000),
    "entries without end": lambda t: answer(*good(t), n=0xffffffff),
    "a relative path": lambda t: answer(*good(t), entry("a.h")),
    "a climbing path": lambda t: answer(
        *good(t), entry(t.work + "/../../etc/passwd")),
    "a FIFO": lambda t: answer(*good(t), entry(t.work + "/fifo")),
    "a directory": lambda t: answer(*good(t), entry(t.work)),
    "a device": lambda t: answer(*good(t), entry("/dev/zero")),
    "no such file": lambda t: answer(*good(t), entry(t.work + "/none")),
    "another file's times": lambda t: answer(
        *good(t), entry("/etc/passwd", stamp=(1, 2, 3, 4, 5))),
    "a file of 1 EB": lambda t: answer(
        *good(t), entry(t.work + "/a.h", stamp=(1, 2, 1 << 60, 4, 5))),
    "a link to nowhere": lambda t: answer(
        *good(t), entry(t.work + "/lnk", SYMLINK)),
    "the same file twice": lambda t: answer(*good(t), *good(t)),
    "too few files": lambda t: answer(good(t)[0]),
    "no file": lambda t: answer(),
    "an unknown kind": lambda t: answer(
        *good(t), entry(t.work + "/a.h", kind=77)),
    "a number that it cannot explain": lambda t: answer(
        *good(t), numbers=[1]),
    "as many numbers as it then names files": lambda t: answer(
        *good(t), numbers=[5, 6]),
    "numbers without end": lambda t: answer(
        *good(t), numbers=[1], nnumbers=0xffffffff),
    "numbers that go to the end of all numbers": lambda t: answer(
        *good(t), numbers=[0, 0xffffffff]),
    "a system header that is none": lambda t: answer(
        *good(t), entry("/etc/passwd", is_system=1)),
    "a full name that is none": lambda t: answer(*good(t), rooted="\n%s"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_scanner_that_says(tree, what):
    local = tree.outcome(["gcc", "-c", "a.c", "-o", "a.o"], ["a.o"])
    scanner = FakeScanner(tree.top + "/distcc-scan", ANSWERS[what](tree))
    try:
        there = tree.outcome([tree.program, "gcc", "-c", "a.c", "-o", "a.o"],
                             ["a.o"])
    finally:
        scanner.close()
    assert there == local, tree.text()
    assert scanner.asked > 0


def test_control_a_scanner_that_tells_the_truth(tree):
    scanner = FakeScanner(tree.top + "/distcc-scan", answer(*good(tree)))
    try:
        tree.outcome([tree.program, "gcc", "-c", "a.c", "-o", "a.o"],
                     ["a.o"])
    finally:
        scanner.close()
    assert pumped(tree.text()), tree.text()
    assert "scanning without it" not in tree.text()
    assert scanner.asked == 1


def test_what_has_no_number_is_asked_for_all_the_same(tree):
    """A scanner may have none left: the others are known of the host already."""
    header = entry("/usr/include/stdio.h", is_system=1)
    absent = entry("/usr/include/stdlib.h", ABSENT, is_system=1)
    scanner = FakeScanner(tree.top + "/distcc-scan", answer(
        *good(tree), numbers=[5]), answer(header))
    argv = [tree.program, "gcc", "-c", "a.c", "-o", "a.o"]
    try:
        for _ in range(2):
            tree.forget()
            assert tree.run(argv).returncode == 0 and pumped(tree.text())
        assert scanner.asked == 3
        scanner.data = answer(*good(tree), absent, numbers=[5])
        assert tree.run(argv).returncode == 0
    finally:
        scanner.close()
    assert "has, and this machine has not, /usr/include/stdlib.h" in \
        why_here(tree.text()), tree.text()


def test_another_users_directory_is_not_used(tree):
    """What is there could have been put there by others."""
    os.mkdir(tree.top + "/distcc-scan", mode=0o777)
    os.chmod(tree.top + "/distcc-scan", 0o777)
    p = tree.run([tree.program, "gcc", "-c", "a.c", "-o", "a.o"])
    assert p.returncode == 0 and tree.read("a.o")
    assert "no private directory" in why_here(tree.text()), tree.text()
