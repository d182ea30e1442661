#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The include scanner against the compilers' own word, over random trees.

Directories in which the same few names turn up again and again, links, macros
that name headers, conditions on them, and files that come, go and change
between one command and the next: what gcc -M and clang -M name, the scanner's
daemon must name, and the same as a scanner that remembers nothing.

As a test some hundred commands; by hand as long as wanted.

usage: test_scan_random.py [--seconds N] [--seed N]
exit status: 0 passed, 1 failed
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             "..")]
import scankit  # noqa: E402

pytestmark = scankit.needs_scanner

DIRS = [".", "a", "b", "a/c", "b/d", "s", "s/t"]
NAMES = ["x.h", "y.h", "z.h", "w.h", "a.h", "v.h"]
WAYS = ["", "", "", "a/", "b/", "../", "c/", "../a/", "d/../", "s/", "./",
        "lnk/", "lnk/../"]
MACROS = ["A", "B", "C", "D", "E", "F"]
SOURCES = [f"s/m{i}.c" for i in range(6)]
CHAINS = ["-I", "-I", "-iquote", "-isystem", "-idirafter"]


class Writer:
    """Random sources, most of which a compiler takes."""

    def __init__(self, rng, names, ways):
        self.rng, self.names, self.ways = rng, names, ways
        self.pick = rng.choice

    def chance(self, p):
        return self.rng.random() < p

    def name(self):
        way, name = self.pick(self.ways), self.pick(self.names)
        return self.pick([f'"{way}{name}"', f"<{way}{name}>"])

    def include(self):
        macro = self.pick(MACROS)
        if self.chance(0.15):     # IS: it names a header, as far as is known
            return [f"#if defined {macro} && {macro}IS", f"#include {macro}",
                    "#endif"]
        word = self.pick(["include", "include", "include", "include_next",
                          "import"])
        has = "__has_include" + "_next" * (word == "include_next")
        name = self.name()
        if self.chance(0.2):
            return [f"#{word} {name}"]
        return [f"#if {has}({name})", f"#{word} {name}", "#endif"]

    def define(self):
        macro = self.pick(MACROS)
        begin = [f"#undef {macro}IS", f"#undef {macro}"]
        if self.chance(0.5):
            name = self.name()
            return [f"#if __has_include({name})", *begin,
                    f"#define {macro}IS 1", f"#define {macro} {name}",
                    "#endif"]
        value = self.pick(["0", "1", "2", "3", "", self.pick(MACROS)])
        return [*begin, f"#define {macro} {value}"]

    def condition(self, depth=0):
        macro = self.pick(MACROS)
        kinds = [f"defined {macro}", f"!defined({macro})", f"{macro}IS",
                 f"__has_include({self.name()})",
                 f"__has_include_next({self.name()})", "__INCLUDE_LEVEL__ > 2"]
        if depth < 2 and self.chance(0.3):
            return (f"({self.condition(depth + 1)}) {self.pick(['&&', '||'])} "
                    f"({self.condition(depth + 1)})")
        return self.pick(kinds)

    def branches(self, depth):
        lines = [f"#if {self.condition()}", *self.body(depth + 1)]
        if self.chance(0.4):
            lines += [f"#elif {self.condition()}", *self.body(depth + 1)]
        if self.chance(0.4):
            lines += ["#else", *self.body(depth + 1)]
        return [*lines, "#endif"]

    def other(self):
        macro = self.pick(MACROS)
        return [self.pick([f'#pragma push_macro("{macro}")',
                           f'#pragma pop_macro("{macro}")', f"#undef {macro}",
                           '/* #\n#include "x.h"\n */', "int i;",
                           '// \\\n#include "y.h"', "#line 7 \"x.h\""])]

    def body(self, depth=0):
        lines = []
        for _ in range(self.rng.randint(1, 5)):
            k = self.rng.random()
            if k < 0.35:
                lines += self.include()
            elif k < 0.6:
                lines += self.define()
            elif k < 0.85 and depth < 3:
                lines += self.branches(depth)
            else:
                lines += self.other()
        return lines

    def header(self, path):
        guard = "G_" + "".join(c if c.isalnum() else "_" for c in path)
        lines = self.body()
        if self.chance(0.75):
            lines = [f"#ifndef {guard}", f"#define {guard}", *lines, "#endif"]
        elif self.chance(0.8):
            lines = ["#pragma once", *lines]
        return "\n".join(lines) + "\n"


class Trial:
    def __init__(self, root, seed):
        self.tree = scankit.Tree(root)
        self.rng = random.Random(seed)
        self.writer = Writer(self.rng, NAMES, WAYS)
        self.commands = self.compared = 0
        self.wrong = []
        self.compilers = [c for c in ("gcc", "clang") if shutil.which(c)]
        for d in DIRS:
            for name in NAMES:
                if self.rng.random() < 0.6:
                    self.write(f"{d}/{name}")
            os.makedirs(self.tree.path(d), exist_ok=True)
            os.symlink(self.rng.choice(["a", "b", "../a", "../s", "c", "d"]),
                       self.tree.path(f"{d}/lnk"))
        for source in SOURCES:
            self.write(source)

    def write(self, path):
        self.tree.write(path, "int z;\n" + self.writer.header(path)
                        if path in SOURCES else self.writer.header(path))

    def change(self):
        path = f"{self.rng.choice(DIRS)}/{self.rng.choice(NAMES)}"
        if os.path.exists(self.tree.path(path)):
            if self.rng.random() < 0.5:
                os.unlink(self.tree.path(path))
            if self.rng.random() < 0.5:
                return
        self.write(path)

    def command(self):
        words = [self.rng.choice(self.compilers)]
        for d in self.rng.sample(DIRS, self.rng.randint(0, 4)):
            words.append(self.rng.choice(CHAINS) + d)
        for _ in range(self.rng.randint(0, 2)):
            words.append(f"-D{self.rng.choice(MACROS)}={self.rng.randint(0, 2)}")
        if self.rng.random() < 0.1:
            words.append("-nostdinc")
        return [*words, "-w", "-c", self.rng.choice(SOURCES)]

    def named_by_compiler(self, words):
        try:
            return self.tree.by_compiler(words, timeout=5)
        except (AssertionError, subprocess.TimeoutExpired):
            return None         # an error; or endless inclusions

    def step(self):
        if self.rng.random() < 0.6:
            self.change()
        if self.rng.random() < 0.2:
            self.write(self.rng.choice(SOURCES))
        words = self.command()
        self.commands += 1
        found = self.tree.scan(*words, daemon=True)
        if self.rng.random() < 0.25 and found != self.tree.scan(*words) and \
                not isinstance(found, str):
            self.wrong.append(("another answer from memory", words))
        want = self.named_by_compiler(words)
        if want is None or isinstance(found, str):
            return
        self.compared += 1
        got = {os.path.relpath(path, self.tree.root) for _, path in found}
        if want - got:
            self.wrong.append(("missing", words, want - got))


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_that_a_compiler_names_is_missing(tmp_path, seed):
    trial = Trial(tmp_path, seed)
    try:
        for _ in range(200):
            trial.step()
            assert not trial.wrong, trial.wrong
    finally:
        trial.tree.stop()
    assert trial.compared > 40, trial.compared


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seconds", type=float, default=60)
    ap.add_argument("--seed", type=int, default=int(time.time()))
    args = ap.parse_args()
    end = time.monotonic() + args.seconds
    with tempfile.TemporaryDirectory() as root:
        trial = Trial(root, args.seed)
        try:
            while time.monotonic() < end and not trial.wrong:
                trial.step()
        finally:
            trial.tree.stop()
    print(f"seed {args.seed}: {trial.commands} commands, {trial.compared} "
          f"compared, wrong: {trial.wrong}")
    return 1 if trial.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
