# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel tells the include scanner of, and what it does not.

Each change is made to a tree in which everything is watched already and the
scanner's daemon asks for nothing; it must see the change in the next scan.
"""
import contextlib
import ctypes
import errno
import mmap
import os
import re
import shutil
import signal
import subprocess
import time
import traceback

import pytest

import scankit
from scankit import SCAND
from scankit import tree  # noqa: F401 pylint: disable=unused-import
from test_scan_daemon import start_by_hand

pytestmark = scankit.needs_scanner

IS_ROOT = os.geteuid() == 0
TELLING = {"ext2/ext3", "xfs", "btrfs", "f2fs", "tmpfs"}
needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")
COMMAND = ("gcc", "-Inone", "-Iinc1", "-Iinc2", "-Ig/p/inc", "-c", "m.c")
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = \
    0x20000, 4096, 16384, 1 << 18, 2

libc = ctypes.CDLL(None, use_errno=True)


def kind_of(path):
    out = subprocess.run(["stat", "-f", "-c", "%T", path], check=True,
                         capture_output=True)
    return out.stdout.decode().strip()


class Watched:
    """A tree whose daemon has come to rest."""

    def __init__(self, tree):   # noqa: F811
        self.tree = tree
        self.path = tree.path
        # only root can look into the daemon
        self.shows = IS_ROOT and kind_of(tree.root) in TELLING

    def needs_watches(self):
        if not self.shows:
            pytest.skip("needs root, and a temporary directory on ext4 or "
                        "another file system that is watched")

    def scan(self):
        return self.tree.files(*COMMAND, daemon=True)

    def fresh(self):
        """By a scanner that has seen nothing before."""
        return self.tree.files(*COMMAND)

    def inodes(self):
        """What the daemon watches."""
        pid, = self.tree.daemon_pids()
        found = set()
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as f:
                found |= {int(ino, 16) for ino in
                          re.findall(r"^inotify.* ino:(\w+)", f.read(), re.M)}
        return found

    def is_watched(self, name):
        return os.stat(self.path(name)).st_ino in self.inodes()

    def settle(self, *names):
        """Scans until all of the names are watched; what it then answers."""
        time.sleep(scankit.GRAIN_S)
        for _ in range(8):
            got = self.scan()
        for name in names if self.shows else ():
            assert self.is_watched(name), name
        return got

    def check(self, gone, came):
        """The next scan sees that `came` is read instead of `gone`."""
        got = self.scan()
        assert got == self.fresh()
        assert not gone & got
        assert came <= got


@pytest.fixture
def sources(tree):  # noqa: F811
    tree.write("m.c", '#include "a.h"\n#include <b.h>\n#include <c.h>\n'
                      '#include "l.h"\n')
    tree.write("a.h", '#include "x.h"\n')
    for name in "xyz":
        tree.write(f"inc2/{name}.h")
    tree.write("inc2/b.h")
    tree.write("inc1/b2.h")
    tree.write("g/p/inc/c.h")
    os.symlink("inc2/x.h", tree.path("l.h"))
    return Watched(tree)


@pytest.fixture
def rest(sources):
    want = sources.settle("a.h", "inc1", "inc2", "g/p/inc", "g/p", "g", ".",
                          "inc2/b.h", "inc2/x.h")
    assert want == {"m.c", "a.h", "inc2/x.h", "inc2/b.h", "g/p/inc/c.h"}
    return sources


# ---- contents -------------------------------------------------------------

X = {"inc2/x.h"}
Y = {"inc2/y.h"}


def say_y(path):
    """Has a.h include y.h, in place, by one byte."""
    with open(path, "r+b") as f:
        f.seek(10)
        f.write(b"y")


def retarget(sources):
    """So that x.h is named by a.h alone."""
    os.unlink(sources.path("l.h"))
    os.symlink("inc2/z.h", sources.path("l.h"))


@pytest.fixture
def alone(sources):
    retarget(sources)
    sources.settle("a.h", "inc2", "inc2/x.h")
    return sources


def test_written_in_place(alone):
    say_y(alone.path("a.h"))
    alone.check(X, Y)


def test_written_with_its_times_put_back(alone):
    before = os.stat(alone.path("a.h"))
    say_y(alone.path("a.h"))
    os.utime(alone.path("a.h"), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert os.stat(alone.path("a.h")).st_mtime_ns == before.st_mtime_ns
    alone.check(X, Y)


def test_replaced_by_rename(alone):
    alone.tree.write("new", '#include "y.h"\n')
    os.rename(alone.path("new"), alone.path("a.h"))
    alone.check(X, Y)


def test_exchanged_with_another(alone):
    alone.tree.write("other.h", "#include <y.h>\n")
    alone.settle("inc2", "inc2/x.h")
    if libc.renameat2(-100, os.fsencode(alone.path("other.h")), -100,
                      os.fsencode(alone.path("inc2/x.h")), 2) < 0:
        pytest.skip("this file system cannot exchange names")
    alone.check(set(), X | Y)


def test_written_through_another_hard_link(sources):
    os.mkdir(sources.path("elsewhere"))
    os.link(sources.path("a.h"), sources.path("elsewhere/a"))
    retarget(sources)
    sources.settle("a.h")
    say_y(sources.path("elsewhere/a"))
    sources.check(X, Y)


def test_written_by_a_descriptor_from_before(sources):
    retarget(sources)
    fd = os.open(sources.path("a.h"), os.O_RDWR)
    sources.settle("inc2", "inc2/x.h")
    os.pwrite(fd, b"y", 10)
    sources.check(X, Y)
    os.pwrite(fd, b"z", 10)
    sources.check(Y, {"inc2/z.h"})
    os.close(fd)


@contextlib.contextmanager
def mapped(path):
    """Nothing but the mapping holds the file."""
    fd = os.open(path, os.O_RDWR)
    m = mmap.mmap(fd, 0)
    os.close(fd)
    yield m
    m.close()


@pytest.mark.parametrize("first", ["map", "watch"])
def test_written_by_way_of_a_mapping(sources, first):
    """No event tells of it while the mapping is there."""
    retarget(sources)
    if first == "watch":
        sources.settle("a.h")
    with mapped(sources.path("a.h")) as m:
        sources.settle("inc2", "inc2/x.h")
        if sources.shows:
            assert not sources.is_watched("a.h")
        m[10:11] = b"y"
        sources.check(X, Y)
    for _ in range(40):
        sources.scan()
    sources.settle("a.h")   # once it is gone there is no doubt any more


def test_times_alone(alone):
    """They are a part of the answer: the client compares them."""
    path = alone.path("inc2/b.h")
    os.utime(path, (1, 1))
    alone.check(set(), {"inc2/b.h"})
    if alone.shows:     # it was looked at again, else it were watched still
        assert not alone.is_watched("inc2/b.h")


# ---- names ----------------------------------------------------------------

def appear(how, path, other):
    if how == "created":
        with open(path, "xb"):
            pass
    elif how == "renamed":
        os.rename(other, path)
    elif how == "linked":
        os.link(other, path)
    else:
        os.symlink(other, path)


@pytest.mark.parametrize("how", ["created", "renamed", "linked", "symlinked"])
def test_a_header_appears_earlier_in_the_path(rest, how):
    appear(how, rest.path("inc1/b.h"), rest.path("inc1/b2.h"))
    rest.check({"inc2/b.h"},
               {"inc1/b2.h" if how == "symlinked" else "inc1/b.h"})


@pytest.mark.parametrize("how", ["removed", "renamed"])
def test_a_header_vanishes(rest, how):
    rest.tree.write("inc1/b.h")
    rest.settle("inc1", "inc1/b.h")
    rest.check({"inc2/b.h"}, {"inc1/b.h"})
    if how == "removed":
        os.unlink(rest.path("inc1/b.h"))
    else:
        os.rename(rest.path("inc1/b.h"), rest.path("b.h"))
    rest.check({"inc1/b.h"}, {"inc2/b.h"})


def test_a_directory_of_the_path_appears(rest):
    rest.tree.write("none/b.h")
    rest.check({"inc2/b.h"}, {"none/b.h"})


@pytest.mark.parametrize("what", ["inc2", "g", "g/p", "g/p/inc"])
def test_another_directory_in_its_place(rest, what):
    """The very one that is watched, or one further up."""
    old, new = rest.path(what), rest.path("new")
    shutil.copytree(old, new, symlinks=True)
    for d, _, names in os.walk(new):
        for name in set(names) & {"b.h", "c.h"}:
            with open(os.path.join(d, name), "w", encoding="ascii") as f:
                f.write('#include "y.h"\n')
    assert rest.scan() == rest.fresh()
    time.sleep(scankit.GRAIN_S)
    rest.scan()
    os.rename(old, rest.path("old"))
    os.rename(new, old)
    rest.check(set(), Y)


def test_the_same_directory_back_in_its_place(rest):
    os.rename(rest.path("g"), rest.path("g2"))
    assert isinstance(rest.tree.scan(*COMMAND, daemon=True), str)
    os.rename(rest.path("g2"), rest.path("g"))
    rest.check(set(), {"g/p/inc/c.h"})


def test_a_symbolic_link_is_retargeted(alone):
    os.symlink("inc2/y.h", alone.path("l2.h"))
    os.rename(alone.path("l2.h"), alone.path("l.h"))
    alone.check({"inc2/z.h"}, Y)


def test_a_link_to_a_directory_is_retargeted(sources):
    os.rename(sources.path("inc1"), sources.path("one"))
    os.symlink("one", sources.path("inc1"))
    sources.tree.write("two/b.h")
    sources.settle("one")
    os.unlink(sources.path("inc1"))
    os.symlink("two", sources.path("inc1"))
    sources.check({"inc2/b.h"}, {"two/b.h"})


def test_a_link_to_a_directory_that_is_not_watched_yet(sources):
    """Of which nobody would be told: so it is looked at."""
    os.symlink("inc1", sources.path("none"))
    sources.tree.write("inc3/b.h")
    for directory in ("inc2", "inc3", "inc1"):
        os.unlink(sources.path("none"))
        os.symlink(directory, sources.path("none"))
        sources.check(set(), {"inc3/b.h"} if directory == "inc3" else
                      {"inc2/b.h"})


# ---- mounts ---------------------------------------------------------------

def mount(source, target, kind, flags, data=None):
    def text(s):
        return None if s is None else os.fsencode(s)
    if libc.mount(text(source), text(target), text(kind), flags,
                  text(data)) < 0:
        raise OSError(ctypes.get_errno(), f"mount on {target}")


def in_own_mounts(sources, what):
    """Runs what() and its daemon with mounts that nobody else sees."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if libc.unshare(CLONE_NEWNS) < 0:
                os._exit(77)
            mount(None, "/", None, MS_REC | MS_PRIVATE)
            what()
            status = 0
        except OSError as e:
            status = 77 if e.errno in (errno.EPERM, errno.EINVAL,
                                       errno.EOPNOTSUPP) else 1
            traceback.print_exc()
        except BaseException:   # pylint: disable=broad-except
            traceback.print_exc()
        sources.tree.stop()
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == 77:
        pytest.skip("cannot mount here")
    assert status == 0


def over_directory(sources):
    sources.tree.write("over/b.h", '#include "y.h"\n')
    sources.settle("inc1", "a.h")
    mount(sources.path("over"), sources.path("inc1"), None, MS_BIND)
    sources.check({"inc2/b.h"}, Y | {"inc1/b.h"})
    sources.settle("inc1")
    libc.umount2(os.fsencode(sources.path("inc1")), MNT_DETACH)
    sources.check({"inc1/b.h"}, {"inc2/b.h"})


def over_parent(sources):
    sources.settle("g/p/inc", "a.h")
    mount("none", sources.path("g"), "tmpfs", 0)
    sources.tree.write("g/p/inc/c.h", '#include "y.h"\n')
    sources.check(set(), Y | {"g/p/inc/c.h"})
    sources.settle("g/p/inc", "g")
    libc.umount2(os.fsencode(sources.path("g")), MNT_DETACH)
    sources.check(Y, {"g/p/inc/c.h"})


def over_file(sources):
    sources.tree.write("over.h", '#include "y.h"\n')
    sources.settle("a.h")
    mount(sources.path("over.h"), sources.path("a.h"), None, MS_BIND)
    sources.check(set(), Y)


@needs_root
@pytest.mark.parametrize("what", [over_directory, over_parent, over_file],
                         ids=["directory", "parent", "file"])
def test_something_is_mounted(sources, what):
    retarget(sources)
    in_own_mounts(sources, lambda: what(sources))


def one_directory_twice(sources):
    """A bind mount has the same inode: both names are right all the same."""
    mount(sources.path("inc2"), sources.path("inc1"), None, MS_BIND)
    sources.settle("inc2")
    assert "inc1/b.h" in sources.scan()
    os.unlink(sources.path("inc1/b.h"))
    sources.tree.write("g/p/inc/b.h")
    sources.check({"inc1/b.h", "inc2/b.h"}, {"g/p/inc/b.h"})


@needs_root
def test_one_directory_at_two_places(sources):
    in_own_mounts(sources, lambda: one_directory_twice(sources))


def case_does_not_count(sources):
    mount("none", sources.path("inc1"), "tmpfs", 0, "casefold")
    if subprocess.run(["chattr", "+F", sources.path("inc1")],
                      check=False).returncode != 0:
        raise OSError(errno.EOPNOTSUPP, "casefold")
    sources.tree.write("inc1/some.h")
    sources.settle("inc1")
    sources.tree.write("inc1/B.H", '#include "y.h"\n')
    sources.check({"inc2/b.h"}, Y | {"inc1/b.h"})


@needs_root
def test_a_directory_that_does_not_tell_case_apart(sources):
    in_own_mounts(sources, lambda: case_does_not_count(sources))


# ---- what need not be looked at -------------------------------------------

def looks(sources, scans, between):
    """How often files were asked for in so many scans."""
    pid, = sources.tree.daemon_pids()
    log = sources.path(".run/trace")
    with subprocess.Popen(["strace", "-qq", "-p", str(pid), "-o", log, "-e",
                           "trace=newfstatat,stat,lstat,statx,fstat"],
                          stderr=subprocess.PIPE) as p:
        try:
            for _ in range(100):
                with open(f"/proc/{pid}/status", encoding="ascii") as f:
                    if "TracerPid:\t0\n" not in f.read():
                        break
                time.sleep(0.05)
            else:
                pytest.skip("strace cannot trace here")
            for _ in range(scans):
                between()
                sources.scan()
        finally:
            p.send_signal(signal.SIGINT)
            p.wait()
    with open(log, encoding="utf-8", errors="replace") as f:
        return len([ln for ln in f if "(" in ln])


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_objects_beside_the_sources_are_no_change(rest):
    def objects():
        for name in ("m.o", "inc2/m.o", "m.d"):
            rest.tree.write(name + ".tmp")
            os.rename(rest.path(name + ".tmp"), rest.path(name))

    def header():
        rest.tree.write("inc1/b.h")
        os.unlink(rest.path("inc1/b.h"))

    rest.needs_watches()
    for _ in range(4):
        objects()
        rest.scan()
    # no look in a scan, but for one in a minute; and what one looks like
    assert looks(rest, 20, objects) < 5 * 20
    assert looks(rest, 20, header) > 5 * 20


def max_queued():
    with open("/proc/sys/fs/inotify/max_queued_events",
              encoding="ascii") as f:
        return int(f.read())


@pytest.mark.parametrize("what", ["file", "name"])
def test_more_events_than_the_kernel_keeps(alone, what):
    if max_queued() > 200000:
        pytest.skip("the kernel keeps too many events")
    noise = alone.path("inc2/noise")
    for _ in range(max_queued() // 2 + 1000):
        os.close(os.open(noise, os.O_CREAT | os.O_WRONLY))
        os.unlink(noise)
    if what == "file":
        say_y(alone.path("a.h"))
        alone.check(X, Y)
    else:
        alone.tree.write("inc1/b.h")
        alone.check({"inc2/b.h"}, {"inc1/b.h"})
    alone.settle("inc2", "inc2/z.h")


# ---- without --------------------------------------------------------------

def start_with(sources, limit, value):
    """A daemon in a user namespace where this little is left."""
    script = sources.tree.write(
        "scand", f"#!/bin/sh\necho {value} >/proc/sys/user/{limit} && "
        f"exec unshare -r {SCAND} \"$@\"\n")
    os.chmod(script, 0o755)
    done = subprocess.run(["unshare", "-r", "sh", "-c",
                           f"echo {value} >/proc/sys/user/{limit}"],
                          check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip("no user namespace with limits")
    start_by_hand(sources.tree, program=["unshare", "-r", script])


@pytest.mark.parametrize("limit, value", [
    ("max_inotify_instances", 0), ("max_inotify_watches", 0),
    ("max_inotify_watches", 4)])
def test_the_kernel_has_no_more_watches(sources, limit, value):
    retarget(sources)
    start_with(sources, limit, value)
    sources.settle()
    if sources.shows:
        assert len(sources.inodes()) == (value if "watches" in limit else 0)
    say_y(sources.path("a.h"))
    sources.check(X, Y)
    sources.tree.write("inc1/b.h")
    sources.check({"inc2/b.h"}, {"inc1/b.h"})


def test_what_is_forgotten_is_not_watched(sources):
    """Above its limit of memory the daemon begins anew."""
    sources.needs_watches()
    for n in range(6):
        sources.tree.write(f"big{n}.h", "".join(
            f"#define A{n}_{i} B C D E F G\n" for i in range(40000)))
        sources.tree.write(f"m{n}.c", f'#include "big{n}.h"\n')
    start_by_hand(sources.tree, "--memory", "30")
    sources.settle("a.h", "inc2")
    for n in range(6):
        sources.tree.files("gcc", "-c", f"m{n}.c", daemon=True)
    assert not sources.is_watched("a.h")
    assert not sources.is_watched("inc2")
    sources.settle("a.h", "inc2")
