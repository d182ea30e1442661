# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scanner remembers of whole inclusions changes no answer.

The same against a scanner that remembers nothing: over random headers that
do all that can matter to an inclusion, and over a tree in which something
changes between two scans.
"""
import os
import random
import shutil
import subprocess
import tempfile
import time

import pytest

import scankit
from scankit import tree  # noqa: F401 pylint: disable=unused-import
from test_scan_daemon import (  # noqa: F401 pylint: disable=unused-import
    brief, exchange, exchange_raw, own, request, small)
from test_scan_recall import TOOL, compare

pytestmark = scankit.needs_scanner
needs_tool = pytest.mark.skipif(not os.access(TOOL, os.X_OK),
                                reason="no " + TOOL)

NAMES = ["A", "B", "C", "D", "__GNUC__", "__cplusplus", "F(1)",
         "defined A", "defined(D)", "__has_include(<h7.h>)",
         "__has_include(\"h3.h\")", "__INCLUDE_LEVEL__ > 4",
         "__has_builtin(__builtin_trap)", "UNKNOWN_THING"]
OPTIONS = [[], ["-DA"], ["-DB=1"], ["-DD=A"], ["-x", "c++"], ["-UA"],
           ["-include", "h2.h"], ["-DWHICH=<h4.h>"], ["-DF(x)=0"]]
PATHS = [["-Ia", "-Ib", "-Ic"], ["-Ib", "-Ia", "-Ic"], ["-Ic", "-Ia", "-Ib"],
         ["-iquote", "b", "-Ia", "-Ic", "-Ib"],
         ["-Ia", "-isystem", "b", "-idirafter", "c"]]


def line(rng, i, n):
    later = f"h{rng.randrange(i + 1, n)}.h" if i + 1 < n else None
    name = rng.choice("ABCD")
    kinds = [f"#define {name} {rng.randrange(3)}", f"#undef {name}",
             f"#define {name} {rng.choice('ABCD')}",
             "#define F(x) x", "int text; /* none */"]
    if later is not None:
        kinds += [f'#include "{later}"', f"#include <{later}>"] * 3
        kinds += [f'#include "sub/../{later}"',
                  f"#define WHICH <{later}>\n#include WHICH\n#undef WHICH"]
    if later is not None and rng.random() < 0.15:
        kinds += [f"#include_next <{later}>", f'#import "{later}"',
                  f'#pragma push_macro("{name}")',
                  f'#pragma pop_macro("{name}")',
                  "#ifdef WHICH\n#include WHICH\n#endif",
                  f"#line 7 \"other{rng.randrange(2)}\""]
    return rng.choice(kinds)


def body(rng, i, n, depth=0):
    lines = []
    for _ in range(rng.randrange(2, 6)):
        if depth < 2 and rng.random() < 0.3:
            lines.append(f"#if {rng.choice(NAMES)}")
            lines += body(rng, i, n, depth + 1)
            if rng.random() < 0.5:
                lines += ["#else"] + body(rng, i, n, depth + 1)
            lines.append("#endif")
        else:
            lines.append(line(rng, i, n))
    return lines


def fill(tree, rng, n=24):  # noqa: F811
    for d in "abc":
        os.makedirs(tree.path(d + "/sub"))
        for i in range(n):
            if rng.random() < 0.5 and d != "a":
                continue
            lines = body(rng, i, n)
            how = rng.random()
            if how < 0.5:
                lines = [f"#ifndef H{i}", f"#define H{i}", *lines, "#endif"]
            elif how < 0.7:
                lines = ["#pragma once", *lines]
            tree.write(f"{d}/h{i}.h", "\n".join(lines) + "\n")
    for i in range(6):
        tree.write(f"m{i}.c", "".join(
            rng.choice([f"#include <h{rng.randrange(n)}.h>\n",
                        f"#define {rng.choice('ABCD')} 1\n"])
            for _ in range(8)))


@needs_tool
@pytest.mark.parametrize("seed", range(12))
def test_random_headers(tree, seed):    # noqa: F811
    rng = random.Random(seed)
    fill(tree, rng)
    commands = [(tree.root, ["gcc", *rng.choice(OPTIONS), *rng.choice(PATHS),
                             "-c", f"m{rng.randrange(6)}.c"])
                for _ in range(60)]
    time.sleep(scankit.GRAIN_S)
    n, differ, out = compare(rng.choices(commands, k=600))
    assert n == 600 and differ == 0, out
    assert int(out.split()[-2]) > 50, "few whole commands were done again"


@needs_tool
def test_what_pop_macro_brings_back_is_this_jobs(tree):     # noqa: F811
    """An option's definition lives no longer than its scan."""
    tree.write("h.h", '#pragma push_macro("X")\n#undef X\n#define X 9\n' +
               "".join(f"#define G{i}\n" for i in range(9)) +
               '#pragma pop_macro("X")\n')
    tree.write("other.h")
    commands = []
    for i in range(8):  # each has a condition of its own, and a longer option
        tree.write(f"m{i}.c", '#include "h.h"\n#if X == 3\n'
                   '#include "other.h"\n#endif\n')
        commands.append((tree.root, ["gcc", "-DQ=" + "1 " * 20 * i, "-DX=3",
                                     "-c", f"m{i}.c"]))
    time.sleep(scankit.GRAIN_S)
    n, differ, out = compare(commands)
    assert n == 8 and differ == 0, out


@needs_tool
@pytest.mark.skipif(shutil.which("clang") is None, reason="no clang")
def test_what_clang_goes_on_behind_is_where_the_other_file_was(tree):  # noqa: F811
    """Its #include_next in a file that was found beside another."""
    tree.write("beside/x.h", "".join(f"#define X{i}\n" for i in range(40)) +
               "#include_next <y.h>\n")
    tree.write("path/way.h", '#include "../beside/x.h"\n')
    tree.write("one/y.h")
    tree.write("two/y.h")
    tree.write("m.c", '#include "beside/x.h"\n')
    tree.write("n.c", "#include <way.h>\n")
    commands = [(tree.root, ["clang", "-Ione", "-Ipath", "-Itwo", "-c", name])
                for name in ("m.c", "n.c")]
    time.sleep(scankit.GRAIN_S)
    n, differ, out = compare(commands * 8)
    assert n == 16 and differ == 0, out


# ---- something changes ----------------------------------------------------

ARGS = ["gcc", "-Ione", "-Itwo", "-c", "m.c"]


def fill_tree(tree, source):  # noqa: F811
    os.mkdir(tree.path("one"))
    tree.write("two/top.h", "#ifndef TOP\n#define TOP\n#include <mid.h>\n"
               "#include \"sub/leaf.h\"\n#endif\n")
    tree.write("two/mid.h", "".join(f"#define MID{i} {i}\n"
                                    for i in range(40)) +
               "#include <lib/deep.h>\n")
    tree.write("two/sub/leaf.h", "#if MID3 == 3\n#include <three.h>\n"
               "#else\n#include <other.h>\n#endif\n")
    tree.write("two/lib/deep.h", "#ifdef FROM_SOURCE\n#include <other.h>\n"
               "#endif\n#if __has_include(<maybe.h>)\n#include <maybe.h>\n"
               "#endif\n")
    tree.write("two/three.h", "#define THREE\n")
    tree.write("two/other.h", "#define OTHER\n")
    tree.write("m.c", source + "#include <top.h>\n")
    time.sleep(scankit.GRAIN_S)


@pytest.fixture
def warm(tree):     # noqa: F811
    """A tree whose inclusions the daemon does from memory."""
    fill_tree(tree, "")
    for _ in range(6):
        tree.scan(*ARGS, daemon=True)
    assert directives(tree) < 10, "nothing is remembered"
    return tree


def directives(tree, *words):   # noqa: F811
    """How many the daemon looks at for that, or for ARGS."""
    return int.from_bytes(exchange_raw(
        tree, request(tree, *(words or ARGS)[1:]))[1][4:12], "little")


def directives_by_tool(tree, rounds):   # noqa: F811
    """The same for each of so many scans at once, without a daemon."""
    with tempfile.TemporaryFile() as f:
        f.write(os.fsencode("\t".join([tree.root, shutil.which("gcc"),
                                       *ARGS]) + "\n"))
        f.seek(0)
        out = subprocess.run([TOOL, str(rounds)], stdin=f, env=tree.env,
                             capture_output=True, check=True).stdout
    counts = [int(ln.split()[1]) for ln in out.splitlines()
              if not ln.startswith(b"total")]
    assert len(counts) == rounds
    return counts


def changing_and_not(tree):     # noqa: F811
    """Whether names in one/ may be changing: they are, and later are not."""
    tree.write("one/new.h")
    yield True
    time.sleep(scankit.GRAIN_S)
    yield False


def replace(path, text):
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.rename(path + ".new", path)


def in_place(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def swap_directories(t):
    shutil.copytree(t.path("two/lib"), t.path("two/lib2"))
    replace(t.path("two/lib2/deep.h"), "#include <other.h>\n")
    os.rename(t.path("two/lib"), t.path("two/lib1"))
    os.rename(t.path("two/lib2"), t.path("two/lib"))


def link_elsewhere(t):
    os.rename(t.path("two/lib"), t.path("two/lib1"))
    os.symlink("sub", t.path("two/lib"))
    t.write("two/sub/deep.h", "#include <other.h>\n")


CHANGES = {
    "a leaf, in place": lambda t: in_place(
        t.path("two/three.h"), "#include <other.h>\n"),
    "a leaf, replaced": lambda t: replace(
        t.path("two/three.h"), "#include <other.h>\n"),
    "the middle, in place": lambda t: in_place(
        t.path("two/mid.h"), "#define MID3 4\n"),
    "the top, replaced": lambda t: replace(
        t.path("two/top.h"), "#include <other.h>\n"),
    "a header earlier in the path": lambda t: t.write(
        "one/mid.h", "#define MID3 5\n"),
    "a header earlier in the path, below a directory": lambda t: t.write(
        "one/lib/deep.h", "#include <other.h>\n"),
    "what __has_include asked for": lambda t: t.write("two/maybe.h"),
    "a header that vanishes": lambda t: os.unlink(t.path("two/lib/deep.h")),
    "a macro of the source's": lambda t: t.write(
        "m.c", "#define FROM_SOURCE\n#include <top.h>\n"),
    "what was included before": lambda t: t.write(
        "m.c", "#define TOP\n#include <top.h>\n"),
    "another directory of that name": swap_directories,
    "a link in a directory's place": link_elsewhere,
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_seen(warm, what):
    before = warm.scan(*ARGS, daemon=True)
    CHANGES[what](warm)
    for _ in range(5):
        now = warm.scan(*ARGS, daemon=True)
        assert now == warm.scan(*ARGS)
        assert now != before


# ---- a whole source -------------------------------------------------------

LONG_SOURCE = "#undef NOTHING\n" * 17000 + """\
#if __INCLUDE_LEVEL__ == 0 && __LINE__ > 17000
#include "leaf.h"
#endif
"""


@pytest.fixture
def long_source(tree):  # noqa: F811
    """A tree whose source the daemon does from memory as a whole."""
    tree.write("leaf.h")
    tree.write("always.h")
    fill_tree(tree, LONG_SOURCE)
    words = [*ARGS[:-2], "-include", "always.h", *ARGS[-2:]]
    for _ in range(2):
        for command in (ARGS, words):
            tree.scan(*command, daemon=True)
    assert directives(tree) == 0, "it is not remembered"
    return tree


MORE_CHANGES = {
    "a file beside the source": lambda t: in_place(
        t.path("leaf.h"), "#include <other.h>\n"),
}


@pytest.mark.parametrize("what", [*CHANGES, *MORE_CHANGES])
def test_a_change_is_seen_by_a_whole_source(long_source, what):
    before = long_source.scan(*ARGS, daemon=True)
    {**CHANGES, **MORE_CHANGES}[what](long_source)
    for _ in range(5):
        now = long_source.scan(*ARGS, daemon=True)
        assert now == long_source.scan(*ARGS)
        assert now != before


def test_a_link_on_the_way_to_the_source_leads_elsewhere(long_source):
    t = long_source
    for d in ("old", "new"):
        t.write(d + "/leaf.h")
        t.write(d + "/n.c", "#ifndef SHORT\n" + LONG_SOURCE + "#endif\n")
    os.symlink("old", t.path("here"))
    time.sleep(scankit.GRAIN_S)
    for _ in range(8):
        t.scan("gcc", "-DSHORT", "-c", "here/n.c", daemon=True)
    words = ["gcc", "-c", "here/n.c"]
    t.scan(*words, daemon=True)
    assert directives(t, *words) == 0
    os.unlink(t.path("here"))
    os.symlink("new", t.path("here"))
    for _ in range(3):
        assert t.scan(*words, daemon=True) == t.scan(*words)


def test_data_has_directories_of_its_own(long_source):
    """What .incbin asks on its way is not traced: nothing of it is kept."""
    t = long_source
    t.write("x/e2/data", "old")
    t.write("x/s/data", "new")
    t.write("n.c", LONG_SOURCE + 'asm(".incbin \\"data\\"");\n')
    t.write("w.c", 'asm(".incbin \\"data\\"");\n')
    words = ["gcc", "-Ix/e1", "-Ix/e2", "-isystem", "x/s", "-c"]
    time.sleep(scankit.GRAIN_S)
    for _ in range(8):  # then the ways to the directories are known
        t.scan(*words, "w.c", daemon=True)
    before = t.scan(*words, "n.c", daemon=True)
    assert ("FILE", t.path("x/e2/data")) in before
    os.symlink("s", t.path("x/e1"))
    for _ in range(3):
        assert t.scan(*words, "n.c", daemon=True) == t.scan(*words, "n.c")


def test_what_was_found_before_is_recorded_of_another_as_well(tree):  # noqa: F811
    """The answer has it already, but the next one is outer.h's alone."""
    tree.write("leaf.h")
    tree.write("inner.h", "".join(f"#ifdef Q{i}\n#endif\n" for i in range(
        40)) + '#include "leaf.h"\n')
    tree.write("outer.h", '#include "inner.h"\n' + "".join(
        f"#ifdef R{i}\n#endif\n#define S{i}\n" for i in range(200)))
    sources = {"w.c": '#include "inner.h"\n',
               "m.c": '#include "inner.h"\n#include "outer.h"\n',
               "n.c": '#include "outer.h"\n'}
    for name, text in sources.items():
        tree.write(name, text)
    time.sleep(scankit.GRAIN_S)
    for name in sources:
        for _ in range(6):
            words = ["gcc", "-c", name]
            assert tree.scan(*words, daemon=True) == tree.scan(*words)
    assert directives(tree, "gcc", "-c", "n.c") < 10, "nothing is remembered"


def test_other_words_are_another_source(long_source):
    """Each with its own macros, files, directory and environment."""
    t = long_source
    t.write("elsewhere/m.c", LONG_SOURCE)
    t.write("elsewhere/leaf.h", "#include <three.h>\n")
    t.write("mid.h", "#define MID3 3\n")
    t.write("always.h", "#define FROM_SOURCE\n")
    time.sleep(scankit.GRAIN_S)
    orders = [(words, kw) for words in (
        ARGS, ["gcc", "-DFROM_SOURCE", *ARGS[1:]],
        ["gcc", "-include", "always.h", *ARGS[1:]],
        ["gcc", "-imacros", "always.h", *ARGS[1:]],
        ["gcc", "-I.", *ARGS[1:]], ["gcc", "-Itwo", "-c", "m.c"])
              for kw in ({}, {"env": {"CPATH": t.path("two/sub")}})]
    orders.append((["gcc", "-I../two", "-c", "m.c"],
                   {"cwd": t.path("elsewhere")}))
    want = [t.scan(*words, **kw) for words, kw in orders]
    for _ in range(3):
        assert [t.scan(*words, daemon=True, **kw)
                for words, kw in orders] == want


def test_a_directory_that_becomes_another_one(long_source):
    """The same words in a working directory that is not the same, where the
    search path, which has no directory of ours, is."""
    t = long_source
    for d, text in (("old", ""), ("new", '#include "three.h"\n')):
        t.write(d + "/n.c", LONG_SOURCE)
        t.write(d + "/leaf.h", text)
        t.write(d + "/three.h")
    os.symlink("old", t.path("here"))
    time.sleep(scankit.GRAIN_S)
    for target in ("old", "new", "old", "new"):
        os.unlink(t.path("here"))
        os.symlink(target, t.path("here"))
        message = request(t, "-c", "n.c", cwd=t.path("here"))
        for _ in range(2):
            _, _, _, paths = exchange(t, message)
            assert t.path(target + "/leaf.h") in paths
            assert (t.path("new/three.h") in paths) == (target == "new")


@needs_tool
def test_a_source_beside_names_that_may_be_changing_is_not_kept(long_source):
    t = long_source
    for is_changing in changing_and_not(t):
        counts = directives_by_tool(t, 2)
        assert (counts[1] != 0) == is_changing, counts


def test_another_compiler_of_the_same_name(long_source):
    t = long_source
    path = t.path("bin") + ":" + os.environ["PATH"]
    for words in ("", "-DFROM_SOURCE", ""):
        t.write("bin/gcc", f"#!/bin/sh\nexec {shutil.which('gcc')} {words} "
                "\"$@\"\n")
        os.chmod(t.path("bin/gcc"), 0o755)
        want = t.scan(*ARGS, env={"PATH": path})
        assert (("FILE", t.path("two/other.h")) in want) == (words != "")
        for _ in range(2):
            assert t.scan(*ARGS, env={"PATH": path}, daemon=True) == want


def test_sources_are_kept_up_to_a_number(long_source):
    for i in range(70):
        words = ["gcc", f"-DN={i}", *ARGS[1:]]
        assert long_source.scan(*words, daemon=True) == \
            long_source.scan(*words)
    assert directives(long_source) != 0     # 64 others came later


# ---- no change, and other commands ----------------------------------------

def test_control_nothing_changes(warm):
    before = warm.scan(*ARGS, daemon=True)
    warm.write("m.c", "#define NOT_ASKED_FOR\n#include <top.h>\n")
    assert warm.scan(*ARGS, daemon=True) == before
    time.sleep(scankit.GRAIN_S)
    warm.scan(*ARGS, daemon=True)
    assert directives(warm) < 10


def test_another_path_has_its_own(warm):
    """The same headers, found by another search path."""
    warm.write("one/three.h", "#include <other.h>\n")
    time.sleep(scankit.GRAIN_S)
    orders = [["gcc", *i, "-c", "m.c"] for i in (
        ["-Ione", "-Itwo"], ["-Itwo", "-Ione"], ["-Itwo"],
        ["-iquote", "one", "-Itwo"])]
    want = [warm.scan(*o) for o in orders]
    assert want[0] != want[1]
    for _ in range(5):
        assert [warm.scan(*o, daemon=True) for o in orders] == want


def test_once_is_of_a_scan(warm):
    """A header that is read once is read again by the next job."""
    warm.write("two/three.h", "#pragma once\n#include <other.h>\n" +
               "".join(f"#define T{i}\n" for i in range(20)))
    warm.write("n.c", "#include <three.h>\n#include <top.h>\n")
    warm.write("o.c", "#include <top.h>\n#include <three.h>\n")
    time.sleep(scankit.GRAIN_S)
    for _ in range(4):
        for name in ("m.c", "n.c", "o.c"):
            words = [*ARGS[:-1], name]
            assert warm.scan(*words, daemon=True) == warm.scan(*words)


# ---- what an inclusion depends on besides names and texts -----------------

FILLER = "".join(f"#define FILL{i}\n" for i in range(12))


def settle(t, *sources):
    """Scan each source until the daemon does its inclusions from memory."""
    time.sleep(scankit.GRAIN_S)
    for _ in range(3):
        for source in sources:
            t.scan(*ARGS[:-1], source, daemon=True)


def is_right(t, *words):
    words = words if len(words) > 1 else (*ARGS[:-1], *words)
    found = t.scan(*words, daemon=True)
    assert found == t.scan(*words)
    return found


def test_the_level_of_inclusion(warm):
    warm.write("two/level.h", FILLER + "#if __INCLUDE_LEVEL__ > 1\n"
               "#include <other.h>\n#endif\n")
    warm.write("two/deeper.h", "#include <level.h>\n")
    warm.write("m.c", "#include <level.h>\n")
    warm.write("n.c", "#include <deeper.h>\n")
    settle(warm, "m.c")
    assert ("FILE", warm.path("two/other.h")) in is_right(warm, "n.c")
    assert ("FILE", warm.path("two/other.h")) not in is_right(warm, "m.c")


def test_a_name_that_was_looked_up_before(warm):
    """The second search of a scan is from memory: so it is a part of both."""
    os.rename(warm.path("two/three.h"), warm.path("two/real.h"))
    os.symlink("real.h", warm.path("two/three.h"))
    warm.write("two/both.h", FILLER + "#include <three.h>\n")
    warm.write("m.c", "#include <three.h>\n#include <both.h>\n")
    warm.write("n.c", "#include <both.h>\n")
    settle(warm, "m.c")
    assert ("SYMLINK", warm.path("two/three.h")) in is_right(warm, "n.c")
    warm.write("one/three.h", "#include <other.h>\n")
    assert ("FILE", warm.path("two/other.h")) in is_right(warm, "n.c")


@needs_tool
def test_a_name_that_may_be_changing_was_looked_up_before(tree):    # noqa: F811
    """A second search is from memory, and no surer than the first was."""
    os.mkdir(tree.path("one"))
    tree.write("two/three.h", "#define THREE\n")
    tree.write("two/both.h", FILLER + "#include <three.h>\n")
    tree.write("m.c", "#include <three.h>\n#include <both.h>\n")
    time.sleep(scankit.GRAIN_S)
    for is_changing in changing_and_not(tree):
        counts = directives_by_tool(tree, 4)
        assert (counts[3] > 12) == is_changing, counts


def test_what_a_name_was_before_a_branch_that_may_not_be_taken(warm):
    """__COUNTER__ is not known: so X is what it was, or 1."""
    warm.write("two/maybe_x.h", FILLER +
               "#if __COUNTER__\n#define X 1\n#endif\n")
    warm.write("m.c", "#define X 1\n#include <maybe_x.h>\n")
    warm.write("n.c", "#include <maybe_x.h>\n#ifndef X\n"
               "#include <other.h>\n#endif\n")
    settle(warm, "m.c")
    assert ("FILE", warm.path("two/other.h")) in is_right(warm, "n.c")


def test_an_embed_directory_that_appears(warm):
    """No compiler here has #embed: this one says it had."""
    wrapper = warm.write("bin/gcc", "#!/bin/sh\nexec %s "
                         "-D__distcc_scan_has__has_embed=1 \"$@\"\n" %
                         shutil.which("gcc"))
    os.chmod(wrapper, 0o755)
    warm.env["PATH"] = warm.path("bin") + ":" + warm.env["PATH"]
    warm.write("two/embeds.h", FILLER + "#if __has_embed(<data>)\n"
               "#include <other.h>\n#endif\n")
    warm.write("m.c", "#include <embeds.h>\n")
    first, second = ([*ARGS[:-1], "--embed-dir=" + name, "m.c"]
                     for name in ("e1", "e2"))
    time.sleep(scankit.GRAIN_S)
    other = ("FILE", warm.path("two/other.h"))
    for _ in range(6):
        assert other not in is_right(warm, *first)
    warm.write("e1/data", "x")
    assert other in is_right(warm, *first)
    assert other not in is_right(warm, *second)
    os.unlink(warm.path("e1/data"))
    assert other not in is_right(warm, *first)


def test_a_guard_that_may_not_be_there(warm):
    warm.write("two/guarded.h", "#ifndef GUARD\n#include <other.h>\n#endif\n")
    warm.write("m.c", "#if __COUNTER__\n#define GUARD\n#endif\n"
               "#include <guarded.h>\n")
    warm.write("n.c", "#define GUARD\n#include <guarded.h>\n")
    settle(warm, "m.c", "n.c")
    assert ("FILE", warm.path("two/other.h")) in is_right(warm, "m.c")
    assert ("FILE", warm.path("two/other.h")) not in is_right(warm, "n.c")


def test_a_way_that_was_walked_before_counts_again(warm):
    """What includes a header by way of "..", read anew, depends on that way."""
    os.mkdir(warm.path("one/sub"))
    warm.write("two/late.h", "#define LATE\n")
    text = FILLER + "#include <sub/../late.h>\n"
    warm.write("two/up.h", text)
    warm.write("m.c", "#include <up.h>\n")
    settle(warm, *["m.c"] * 8)
    replace(warm.path("two/up.h"), text + "int again;\n")
    settle(warm, *["m.c"] * 8)
    warm.write("one/late.h")
    assert ("FILE", warm.path("one/late.h")) in is_right(warm, "m.c")


def test_a_name_that_somebody_asks_for_after_all(warm):
    """What nobody ever asked for is left out, until somebody does."""
    warm.write("two/many.h", "".join(f"#define MANY{i} {i}\n"
                                     for i in range(40)))
    warm.write("two/fewer.h", "#include <many.h>\n#undef MANY7\n" + FILLER)
    asks = '#ifdef MANY%d\n#include <other.h>\n#endif\n'
    warm.write("m.c", "#include <many.h>\n")
    warm.write("two/later.h", "#undef MANY13\n" + FILLER)
    warm.write("o.c", "#include <fewer.h>\n#include <later.h>\n")
    warm.write("n.c", "#include <many.h>\n" + asks % 3)
    warm.write("p.c", "#define MANY5 0\n#include <many.h>\n"
               "#if MANY5 == 5\n#include <other.h>\n#endif\n")
    warm.write("q.c", "#include <fewer.h>\n" + asks % 7)
    warm.write("r.c", "#include <many.h>\n#undef MANY9\n" + asks % 9)
    warm.write("s.c", "#include <fewer.h>\n#if __COUNTER__\n"
               "#define MANY11 12\n#endif\n#if MANY11 == 11\n"
               "#include <other.h>\n#endif\n")
    warm.write("t.c", "#include <many.h>\n#include <later.h>\n" + asks % 13)
    warm.write("u.c", "#include <later.h>\n#include <many.h>\n" + asks % 13)
    settle(warm, "m.c", "o.c")
    for _ in range(2):
        for name in "npqrstu":
            found = is_right(warm, name + ".c")
            assert (("FILE", warm.path("two/other.h")) in found) == \
                (name in "npsu")


def test_a_header_that_is_left_out_counts_as_a_level(warm):
    """What includes it, done again, is as deep as when it was done."""
    warm.write("two/leaf.h", "#ifndef LEAF\n#define LEAF\n#endif\n")
    warm.write("two/twig.h", FILLER + "#include <leaf.h>\n")
    for i in range(1, 200):
        warm.write(f"two/branch{i}.h", "#include <%s.h>\n" % (
            f"branch{i + 1}" if i < 199 else "twig"))
    warm.write("m.c", "#include <leaf.h>\n#include <twig.h>\n")
    warm.write("n.c", "#include <leaf.h>\n#include <branch1.h>\n")
    warm.write("o.c", "#include <leaf.h>\n#include <branch2.h>\n")
    settle(warm, "m.c")
    assert "nested too deeply" in is_right(warm, "n.c")
    assert ("FILE", warm.path("two/twig.h")) in is_right(warm, "o.c")


def test_an_import_asks_whether_a_file_was_read(warm):
    warm.write("two/twice.h", FILLER + "#ifdef FILL3\n#ifdef AGAIN\n"
               "#include <other.h>\n#endif\n#define AGAIN\n#endif\n")
    warm.write("two/holds.h", FILLER + "#include <twice.h>\n")
    warm.write("m.c", "#include <holds.h>\n")
    warm.write("n.c", "#include <holds.h>\n#import <twice.h>\n")
    warm.write("o.c", "#include <holds.h>\n#include <twice.h>\n")
    settle(warm, "m.c")
    for _ in range(2):
        assert ("FILE", warm.path("two/other.h")) not in \
            is_right(warm, "n.c")
        assert ("FILE", warm.path("two/other.h")) in is_right(warm, "o.c")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file of another user")
def test_a_change_that_nobody_tells_of(warm):
    """Another user's file is not watched: it is looked at in each scan."""
    os.chown(warm.path("two/three.h"), 12345, 12345)
    settle(warm, *["m.c"] * 8)
    before = is_right(warm, "m.c")
    warm.scan(*ARGS, daemon=True)
    in_place(warm.path("two/three.h"), "#include <other.h>\n")
    assert is_right(warm, "m.c") != before


def test_the_number_of_what_is_there_but_not_read(own):     # noqa: F811
    own.write("sys/usr/include/one.h", FILLER +
              "#if __has_include(<two.h>)\n#endif\n")
    own.write("m.c", "#include <one.h>\n")
    time.sleep(scankit.GRAIN_S)
    for _ in range(6):
        before = brief(own)
    in_place(own.path("sys/usr/include/two.h"), "int two;\n")
    after = brief(own)
    assert set(after[1]) != set(before[1])
    assert len(after[1]) == len(before[1])


def test_memory_has_an_end(warm):
    """Many states of large headers: what is kept stays within bounds."""
    for i in range(60):
        warm.write(f"two/big{i}.h", "#if STATE\n#endif\n" + "".join(
            f"#define BIG{i}_{k} STATE\n" for k in range(4000)))
    warm.write("m.c", "".join(f"#include <big{i}.h>\n" for i in range(60)))
    time.sleep(scankit.GRAIN_S)
    for state in range(12):
        words = [*ARGS[:-2], f"-DSTATE={state}", "-c", "m.c"]
        assert len(warm.scan(*words, daemon=True)) >= 61
        warm.scan(*words, daemon=True)
    pid, = warm.daemon_pids()
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        kb, = [int(ln.split()[1]) for ln in f if ln.startswith("VmRSS")]
    assert kb < 400 * 1024


@needs_tool
def test_what_a_scan_looks_up_counts_as_memory(tree):   # noqa: F811
    tree.write("m.c", "".join(f'#if __has_include("n{i}.h")\n#endif\n'
                              for i in range(270000)))
    command = "\t".join([tree.root, shutil.which("gcc"), "gcc", "-c", "m.c"])
    with subprocess.Popen([TOOL], stdin=subprocess.PIPE, env=tree.env,
                          stdout=subprocess.PIPE) as p:
        p.stdin.write(os.fsencode(command) + b"\n")
        p.stdin.close()
        held = int(p.stdout.read().split(b", ")[-1].split()[0])
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = status
    assert status == 0
    assert held > usage.ru_maxrss * 1024 * 0.6
