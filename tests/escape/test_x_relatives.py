# SPDX-License-Identifier: GPL-2.0-or-later
"""Relatives of the listed attacks: the kernel's whole surface, row by row.

kit_surface.c has the list.  Each row is tried in a job, where it must be denied,
and by the kit as a plain process, which shows that the row can be reached on
this kernel; where even that is denied, the row is skipped as untestable.
"""
import os
import re
import subprocess

import pytest
import wirekit
from arena import HERE, KIT_NAME, IS_ROOT, read_text, wait_until

A = ["-c", "a.c", "-o", "a.o"]


def names():
    """the rows, from the kit's own table"""
    text = read_text(os.path.join(HERE, "kit_surface.c"))
    return re.findall(r'^\t\{ "(\w+)", (?:SYS_\w+|\d+|try_\w+|open_\w+)',
                      text, re.M)


NAMES = names()


def results(text):
    return dict(re.findall(r"^SURFACE (\w+) (\w+)", text, re.M))


@pytest.fixture(scope="module")
def inside(world):
    import arena
    server = arena.Server(world)
    try:
        reply = server.job("surface all", timeout=60)
        assert "KIT done" in reply.text, reply
        yield results(reply.text)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def outside(world, tmp_path_factory):
    p = subprocess.run([world.kit, "--steps", "surface all"],
                       cwd=tmp_path_factory.mktemp("surface"),
                       stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=60, check=False)
    return results(p.stdout + p.stderr)


def test_every_row_was_tried(inside, outside):
    assert len(NAMES) > 100
    assert set(inside) == set(outside) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_surface(inside, outside, name):
    assert inside[name] == "denied", \
        f"{name} can be reached by a job (outside: {outside[name]})"
    if outside[name] != "reached":
        pytest.skip("denied to this user or missing in this kernel: "
                    "no control")


@pytest.mark.parametrize("steps", [
    "kill 1 9", "kill 1 19", "kill -1 9", "kill 0 9", "trace1",
    "chmod /w 777 ; chmod / 777", "rename /tmp /t", "rename /w /v",
    "mkdir /x ; write /x y", "unlink /lib64 ; rename /lib /tmp/lib",
    "symlink / ./root ; ls ./root", "chdir / ; write ./x x",
    "write /proc/self/mem x ; write /dev/null x", "exit 255",
    "die 6", "die 11", "die 31", "out directory", "flood 1 1 ; flood 2 1"])
def test_odd_job_harms_itself_only(server, attempt, steps):
    """whatever it does, there is an answer and the next one is served"""
    reply = server.job(steps)
    assert reply.ended == "eof" and reply.wrong is None, reply
    assert attempt.effects(reply) == []
    assert server.is_alive() and server.normal() is not None
    assert wait_until(server.is_idle, 2)


@pytest.mark.parametrize("cdir", ["/tmp", "/", "/dev", "/usr", "/usr/bin",
                                  "/usr/lib/gcc", "/lib", "/lib64", "/etc",
                                  "/.lib", "/.job", "/proc", "/sys"])
def test_working_directory_anywhere(server, attempt, cdir):
    """protocol 3 may name any: no more rights come with it"""
    steps = ("write ./m x ; writex ./p x ; exec ./p ; unlink ./as ; "
             "rename ./as ./x ; unlink ./gcc ; unlink ./0 ; write ./0 x ; "
             "unlink ./null ; rename ../usr ../u ; symlink / ./l ; "
             "write /usr/bin/as x ; mapexec a.c ; copyexec a.c ./c\n")
    reply = server.send(wirekit.pump_request(
        [KIT_NAME, *A], [(cdir.rstrip("/") + "/a.c", steps)], cdir))
    assert attempt.effects(reply) == []
    assert not re.search(r"exec .*: ok", reply.text), reply
    assert server.is_alive() and server.normal() is not None
    # what it did to its own view is gone with it
    for compiler in ("gcc", KIT_NAME):
        text = "int x;" if compiler == "gcc" else "exit 0\n"
        assert server.send(wirekit.request([compiler, *A], text)).ok


def test_tool_chain_below_tmp(make_server, world, tmp_path):
    """--toolchain may be anywhere, also where a job has its own directory"""
    import shutil
    import tempfile
    directory = tempfile.mkdtemp(prefix="distcc-kit-", dir="/tmp")
    try:
        os.chmod(directory, 0o755)
        shutil.copy(world.kit, os.path.join(directory,
                                            "x86_64-tmp-linux-gcc"))
        server = make_server("--toolchain", directory, jobs=2)
        assert server.normal() is not None
        reply = server.send(wirekit.request(
            ["x86_64-tmp-linux-gcc", *A],
            f"write {directory}/new x ; unlink {directory}/"
            "x86_64-tmp-linux-gcc\n"))
        assert os.listdir(directory) == ["x86_64-tmp-linux-gcc"]
        assert "KIT done" in reply.text and ": ok" not in reply.text, reply
    finally:
        shutil.rmtree(directory)


def test_root_is_not_needed_to_know(server):
    """the job is not root, whoever started the server"""
    reply = server.job("chown a.c ; surface setuid ; chmod a.c 600")
    assert not re.search(r"(chown|setuid) ?.*: ok", reply.text), reply
    assert IS_ROOT or "KIT done" in reply.text
