#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random jobs between a client and a host that have other headers.

Two directories differ here and there in a few files and links: one of the
compiler's own, and one that our server shows besides and stock's has like any
other.  Sources, links and options lead into them by all sorts of ways.  A job
that goes out with its headers gives what a local compile gives; others are
preprocessed here.

As a test some jobs; by hand as long as wanted.

usage: test_pump_random.py [--seconds N] [--seed N] [--stock]
exit status: 0 passed, 1 failed
"""
import argparse
import ctypes
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import harness  # noqa: E402
import test_scan_random  # noqa: E402
from pumplib import Tree, pumped  # noqa: E402
from test_pump_headers import (  # noqa: E402
    MS_BIND, PLACE, SHOWN, in_own_namespace)

NAMES = ["x.h", "y.h", "z.h", "w.h"]
THEIR_DIRS = [".", "a", "b", "a/c"]
WAYS = ["", "", "", "a/", "b/", "../", "a/c/", "c/", "../a/", "./", "lnk/",
        "lnk/../", f"{SHOWN}/", f"{SHOWN}/a/", f"{PLACE}/",
        f"../..{SHOWN}/", "a/../b/", "nope/", "nope/../"]
LINKS = ["a", "b", "../a", "../s", "c", "nope", SHOWN, f"{SHOWN}/a", PLACE,
         f"{PLACE}/a"]
OPTION_DIRS = [".", "a", "s", "lnk", "a/lnk", "s/../a", "nope", "/nope",
               SHOWN, f"{SHOWN}/a", f"{SHOWN}/a/c", f"{SHOWN}/nope", PLACE,
               f"{PLACE}/a", os.path.dirname(PLACE), "/", "../../../..",
               f"../../../..{SHOWN}/b", "/tmp"]


def clear(directory):
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


class Sides:
    """What client and host have in the two places, and a daemon that sees the
    host's."""

    def __init__(self, top, seed, is_stock):
        self.top, self.is_stock = top, is_stock
        self.rng = random.Random(seed)
        self.writer = test_scan_random.Writer(self.rng, NAMES, WAYS)
        self.written = self.rounds = self.refused = 0
        self.sent = self.here = 0
        self.wrong = []
        self.compilers = [c for c in ("gcc", "clang") if shutil.which(c)]
        for side in ("ours", "theirs"):
            for place in "01":
                os.makedirs(f"{top}/{side}{place}", mode=0o755)
        self.daemon = harness.Daemon(
            f"{top}/daemon", harness.STOCK_DAEMON if is_stock else
            harness.OUR_DAEMON, () if is_stock else ("--toolchain", SHOWN),
            preexec=self.enter)

    def enter(self):
        in_own_namespace(f"{self.top}/theirs0", PLACE)()
        if ctypes.CDLL(None).mount(f"{self.top}/theirs1".encode(),
                                   SHOWN.encode(), None, MS_BIND, None):
            os._exit(99)

    def header(self, path):
        """that shows in the object"""
        self.written += 1
        return (self.writer.header(f"{path}{self.written}") +
                f"int h_{self.written};\n")

    def put(self, side, directory, name):
        path = f"{self.top}/{side}/{directory}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w", encoding="ascii") as f:
            f.write(self.header(name))

    def fill(self):
        for place in "01":
            clear(f"{self.top}/ours{place}")
            clear(f"{self.top}/theirs{place}")
            for d in THEIR_DIRS:
                for name in NAMES:
                    if self.rng.random() < 0.4:
                        self.put(f"ours{place}", d, name)
                if os.path.isdir(f"{self.top}/ours{place}/{d}") and \
                        self.rng.random() < 0.2:
                    os.symlink(self.rng.choice(LINKS),
                               f"{self.top}/ours{place}/{d}/lnk")
            if self.rng.random() < 0.8:
                shutil.copytree(f"{self.top}/ours{place}",
                                f"{self.top}/theirs{place}", symlinks=True,
                                dirs_exist_ok=True)

    def change(self, side):
        directory = self.rng.choice(THEIR_DIRS)
        name = self.rng.choice([*NAMES, *NAMES, "lnk"])
        path = f"{self.top}/{side}/{directory}/{name}"
        if not os.path.isdir(os.path.dirname(path)) or \
                (os.path.isdir(path) and not os.path.islink(path)):
            return
        if os.path.lexists(path) and self.rng.random() < 0.5:
            os.unlink(path)
        elif name != "lnk":
            self.put(side, directory, name)
        elif not os.path.lexists(path):
            os.symlink(self.rng.choice(LINKS), path)

    def tree(self):
        """A fresh source tree, whose client knows nothing of the host."""
        self.rounds += 1
        self.fill()
        for _ in range(self.rng.choice([0, 1, 1, 2, 3])):
            self.change("theirs" + self.rng.choice("01"))
        tree = Tree(f"{self.top}/round{self.rounds}",
                    self.daemon.hostspec + ",lzo,cpp")
        os.chmod(tree.top, 0o755)
        tree.wrapper = [
            "unshare", "-m", "sh", "-c",
            f"mount --bind {self.top}/ours0 {PLACE} && mount --bind "
            f"{self.top}/ours1 {SHOWN} && exec \"$@\"", "sh"]
        for d in (".", "a", "s"):
            for name in NAMES:
                if self.rng.random() < 0.4:
                    tree.write(f"{d}/{name}", self.header(name))
            os.makedirs(f"{tree.work}/{d}", exist_ok=True)
            if self.rng.random() < 0.5:
                os.symlink(self.rng.choice(LINKS), f"{tree.work}/{d}/lnk")
        return tree

    def words(self, source):
        compiler = self.rng.choice(self.compilers)
        words = [compiler]
        for _ in range(self.rng.randint(0, 3)):
            words.append(self.rng.choice(test_scan_random.CHAINS) +
                         self.rng.choice(OPTION_DIRS))
        if self.rng.random() < 0.1:
            words.append("-nostdinc")
        if self.rng.random() < 0.3 and not self.is_stock:
            words.append("-g")
        words.append("-Wmissing-include-dirs" if self.rng.random() < 0.1 and
                     not self.is_stock else "-w")
        return [*words, "-MD", "-c", source, "-o", "o.o"]

    def job(self, tree):
        if self.rng.random() < 0.3:
            self.change("ours" + self.rng.choice("01"))
        source = self.rng.choice(["m.c", "s/m.c"])
        tree.write(source, "\n".join(self.writer.body() +
                                     self.writer.body()) + "\nint z;\n")
        words = self.words(source)
        outputs = ["o.o"] if self.is_stock else ["o.o", "o.d"]
        here = tree.outcome(["timeout", "5", *words], outputs)
        if here[0] != 0:    # an error; or endless inclusions
            self.refused += 1
            return
        tree.forget()
        there = tree.outcome([tree.program, *words], outputs)
        if not pumped(tree.text()):
            self.here += 1
            return
        self.sent += 1
        if there != here:
            self.wrong.append((words, tree.work, tree.text()))

    def round(self, jobs):
        tree = self.tree()
        try:
            for _ in range(jobs):
                self.job(tree)
                if self.wrong:
                    return
        finally:
            tree.stop()
        shutil.rmtree(tree.top, ignore_errors=True)


def needs():
    """why it cannot run here, or None"""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return "needs root and unshare(1) to mount directories"
    if not os.path.isdir(PLACE) or not os.path.isdir(SHOWN):
        return f"no {PLACE} or {SHOWN}"
    return None


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("is_stock", [False, True], ids=["ours", "stock"])
def test_jobs_sent_with_their_headers_are_the_local_ones(
        is_stock, seed, sandbox_args, request):
    if sandbox_args or needs():
        pytest.skip(needs() or "pump mode needs a full jail")
    if is_stock:
        request.getfixturevalue("stock_daemon_program")
    # not below /tmp: jails have their own, and options name it
    with tempfile.TemporaryDirectory(dir="/var/tmp") as top:
        os.chmod(top, 0o755)
        sides = Sides(top, seed, is_stock)
        try:
            for _ in range(8):
                sides.round(14)
                assert not sides.wrong, sides.wrong
        finally:
            sides.daemon.stop()
    assert sides.sent > 5 and sides.here > 5, (sides.sent, sides.here)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seconds", type=float, default=60)
    ap.add_argument("--seed", type=int, default=int(time.time()))
    ap.add_argument("--stock", action="store_true")
    args = ap.parse_args()
    if needs():
        print("skipped: " + needs())
        return 77
    end = time.monotonic() + args.seconds
    top = tempfile.mkdtemp(dir="/var/tmp")
    os.chmod(top, 0o755)
    sides = Sides(top, args.seed, args.stock)
    try:
        while time.monotonic() < end and not sides.wrong:
            sides.round(14)
    finally:
        sides.daemon.stop()
    print(f"seed {args.seed}: {sides.sent} sent, {sides.here} preprocessed "
          f"here, {sides.refused} refused by the compiler")
    for words, work, log in sides.wrong:
        print(f"DIFFERS: {words}\n  in {work}\n{log}")
    if not sides.wrong:
        shutil.rmtree(top)
    return 1 if sides.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
