# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scanner remembers of conditions changes no answer.

One scanner that remembers and one that evaluates each condition anew scan the
same commands, in an order that mixes options and languages (tests/bench/scan).
"""
import glob
import os
import random
import shutil
import subprocess

import pytest

import harness
import scankit
from scankit import tree  # noqa: F401 pylint: disable=unused-import

TOOL = os.path.join(harness.BUILD, "test/scan")

pytestmark = scankit.needs_scanner + [
    pytest.mark.skipif(not os.access(TOOL, os.X_OK), reason="no " + TOOL)]

NAMES = ["A", "B", "C", "F", "__GNUC__", "__STDC_VERSION__", "__OPTIMIZE__",
         "__cplusplus", "NDEBUG", "__LINE__", "__INCLUDE_LEVEL__"]
OPTIONS = [[], ["-DA"], ["-DA=2"], ["-DB=A", "-DA=0"], ["-O2"], ["-ansi"],
           ["-DF(x)=x", "-DC=1"], ["-U__GNUC__"], ["-DNDEBUG", "-DA=C"],
           ["-include", "h29.h"], ["-DB=__LINE__"], ["-x", "c++"]]


def compare(commands):
    """What the tool says: (commands, differing)."""
    text = "".join("\t".join([cwd, shutil.which(words[0])] + words) + "\n"
                   for cwd, words in commands)
    out = subprocess.run([TOOL, "compare"], input=os.fsencode(text),
                         capture_output=True, check=False)
    last = os.fsdecode(out.stdout).rstrip("\n").split("\n")[-1].split()
    assert last[1] == "commands,", out
    return int(last[0]), int(last[4]), out.stdout


def operand(rng, depth):
    name = rng.choice(NAMES[:4])
    if depth == 0:
        return rng.choice([name, str(rng.randrange(4)), f"defined({name})",
                           f"!defined {name}", rng.choice(NAMES),
                           f"F({name})", "__has_include(<h3.h>)",
                           "__has_builtin(__builtin_expect)"])
    return "(%s %s %s)" % (operand(rng, depth - 1),
                           rng.choice(["&&", "||", "==", ">", "+"]),
                           operand(rng, depth - 1))


def body(rng, i, n, depth):
    """A few directives of header i; it includes later ones only."""
    lines = []
    for _ in range(rng.randrange(1, 4)):
        what = rng.randrange(7)
        name = rng.choice(NAMES[:3])
        if what == 0:
            lines.append(f"#undef {name}")
        elif what == 1:
            lines.append(f"#define {name} {operand(rng, 1)}")
        elif what == 2 and rng.random() < 0.3:
            lines += ["#undef F", f"#define F(x) (x + {rng.randrange(3)})"]
        elif what <= 4 and i + 1 < n:
            lines.append(f'#include "h{rng.randrange(i + 1, n)}.h"')
        elif depth < 3:
            lines.append(f"#if {operand(rng, rng.randrange(3))}")
            lines += body(rng, i, n, depth + 1)
            if rng.random() < 0.5:
                lines.append(f"#elif {operand(rng, 1)}")
                lines += body(rng, i, n, depth + 1)
            lines += ["#else"] + body(rng, i, n, depth + 1) + ["#endif"]
    return lines


def fill(tree, rng, n=30):  # noqa: F811
    for i in range(n):
        lines = body(rng, i, n, 0)
        if rng.random() < 0.6:
            lines = [f"#ifndef H{i}", f"#define H{i}"] + lines + ["#endif"]
        tree.write(f"h{i}.h", "\n".join(lines) + "\n")
    for i in range(5):
        tree.write(f"m{i}.c", "".join(
            f'#include "h{rng.randrange(n)}.h"\n' for _ in range(6)))


@pytest.mark.parametrize("seed", range(8))
def test_random_headers(tree, seed):    # noqa: F811
    rng = random.Random(seed)
    fill(tree, rng)
    commands = [(tree.root, ["gcc"] + rng.choice(OPTIONS) +
                 ["-I.", "-c", f"m{rng.randrange(5)}.c"]) for _ in range(150)]
    n, differ, out = compare(commands)
    assert n == len(commands) and differ == 0, out
    # and some of them are right: gcc refuses those with bad conditions
    for _, words in commands[:10]:
        try:
            want = tree.by_compiler(words)
        except AssertionError:
            continue
        found = tree.scan(*words)
        if not isinstance(found, str):
            assert want <= tree.files(*words)


def test_installed_headers_with_mixed_options(tree):    # noqa: F811
    rng = random.Random(1)
    some = ["-DNDEBUG", "-D_GNU_SOURCE", "-D_POSIX_C_SOURCE=200809L", "-O2",
            "-ansi", "-std=gnu11", "-U__GNUC__", "-D_FORTIFY_SOURCE=2"]
    headers = glob.glob("/usr/include/*.h") + \
        glob.glob("/usr/include/linux/*.h") + \
        glob.glob("/usr/include/boost/*.hpp")
    commands = []
    for i, header in enumerate(rng.sample(sorted(headers),
                                          min(40, len(headers)))):
        cxx = header.endswith("pp")
        name = tree.write(f"m{i}.{'cc' if cxx else 'c'}",
                          f'#include "{header}"\n')
        for _ in range(3):
            option = rng.choice(some if not cxx else some[:4])
            commands.append((tree.root, ["g++" if cxx else "gcc", option,
                                         "-c", os.path.basename(name)]))
    rng.shuffle(commands)
    n, differ, out = compare(commands)
    assert n == len(commands) and differ == 0, out
