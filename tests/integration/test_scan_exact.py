# SPDX-License-Identifier: GPL-2.0-or-later
"""The include scanner and two compilers, on what is seldom written.

The scanner may name more than the compiler; where a case gives more, it says
what.  It must not name less.
"""
import os
import shutil
import subprocess

import pytest

import scankit
from scankit import SCAND
from scankit import tree  # noqa: F401 pylint: disable=unused-import

pytestmark = scankit.needs_scanner

COMPILERS = [c for c in ("gcc", "clang") if shutil.which(c)]


@pytest.fixture(params=COMPILERS)
def cc(request):
    return request.param


def deep(n):
    """A macro whose value is n, by n definitions."""
    return "#define D0 0\n" + "".join(
        f"#define D{i + 1} (D{i} + 1)\n" for i in range(n))


CASES = {
    "no blanks": '#include"a.h"\n#include<b.h>\n',
    "what follows a name": '#include "a.h" /* "no.h" */ // "no.h"\n'
                           "#include <b.h>\\\n\n",
    "case": '#include "A.H"\n#include "a.h"\n',
    "deep macros": deep(300) + '#if D300 == 300\n#include "a.h"\n#else\n'
                   '#include "no.h"\n#endif\n',
    "a macro of its own name": "#define foo foo + 1\n#define bar foo\n"
                               "#if bar\n#include \"a.h\"\n#endif\n",
    "two macros of each other": "#define x y\n#define y x\n#if x || y\n"
                                "#include \"no.h\"\n#endif\n"
                                "#include \"a.h\"\n",
    "a call over lines": "#define F(a, b) a\n#include F(\"a.h\", \\\n 2)\n",
    "defined by expansion": "#define HAS defined(X)\n#define X\n#if HAS\n"
                            "#include \"a.h\"\n#endif\n",
    "macros for a name in brackets":
        "#define DIR sub\n#define EXT .h\n#define P <DIR/c.h>\n#include P\n",
    "a keyword in brackets": "#define linux no\n#include <linux/e.h>\n",
    "numbers in brackets": "#include <1x.h>\n#define N 1x\n"
                           "#define M(x) <x.h>\n#include M(1x)\n",
    "a string that is no name": "const char *s = \"#include \\\"no.h\\\"\";\n"
                                "char q = '\"'; char r = '\\'';\n"
                                "#include \"a.h\"\n",
    "import": '#import "t.h"\n#import "t.h"\n#ifdef T2\n'
              '#include "no.h"\n#endif\n',
    "import and include": '#include "t.h"\n#import "t.h"\n#ifdef T2\n'
                          '#include "no.h"\n#endif\n',
    "once, by another name": '#include "o.h"\n#include "sub/../o.h"\n'
                             '#include "lnk.h"\n#ifdef O2\n'
                             '#include "no.h"\n#endif\n',
    "once, in a pragma operator": '#include "po.h"\n#include "po.h"\n'
                                  '#ifdef PO2\n#include "a.h"\n#else\n'
                                  '#include "b.h"\n#endif\n',
    "a guard that is undone": '#include "g.h"\n#undef G\n#include "g.h"\n'
                              '#ifdef TWICE\n#include "a.h"\n#endif\n',
    "an #elif that is not looked at":
        '#if 1\n#include "a.h"\n#elif 1 / 0\n#elif nonsense(\n#endif\n',
    "a skipped group is not read": '#if 0\n#include nonsense\n#if x(\n'
                                   '#else garbage\n#endif\n#bad\n'
                                   "it's\n#endif\n#include \"a.h\"\n",
    "#else and #endif with words": '#ifdef X\n#else X\n#include "a.h"\n'
                                   '#endif X\n',
    "null directives": '#\n# /* x */\n#include "a.h"\n',
    "has_include": '#if __has_include("a.h") && !__has_include(<no_such.h>)\n'
                   '#include "b.h"\n#endif\n'
                   '#if defined __has_include\n#include "sub/c.h"\n#endif\n',
    "has_include of a macro": '#define H "a.h"\n#if __has_include(H)\n'
                              '#include H\n#endif\n',
    "vertical white space": '\f#include\v"a.h"\n',
    "utf-8 byte order mark": '\ufeff#include "a.h"\n',
    "wide characters": "#if L'a' == 97 && 'a' < 128\n#include \"a.h\"\n"
                       "#endif\n",
    "unsigned arithmetic": "#if -1 > 0u && (0u - 1) / 2 > 5 && "
                           "(1 ? -1 : 0u) > 0\n#include \"a.h\"\n#endif\n",
    "line, then the file's name": '#line 7 "sub/c.h"\n#ifndef ONCE\n'
                                  '#define ONCE\n#include __FILE__\n#endif\n',
    "variadic": '#define P(...) __VA_ARGS__\n#include P("a.h")\n'
                '#define Q(x, y...) S(x ## y.h)\n#define S(x) S_(x)\n'
                '#define S_(x) #x\n#include Q(b)\n',
    "a comma in brackets": "#define F(...) __VA_ARGS__\n"
                           "#include F(<sub/d,e.h>)\n",
    "empty macros around a name": '#define E\n#include E "a.h" E\n',
    "a macro is one of several": '#if __COUNTER__ > 3\n#define Z 1\n#else\n'
                                 '#define Z 2\n#endif\n#if Z == 1\n'
                                 '#include "a.h"\n#elif Z == 2\n'
                                 '#include "b.h"\n#endif\n',
}

# More than the compiler names, or nothing for sure: why that is so.
EXTRA = {
    "has_include": {"a.h"},     # it is asked for
    "a macro is one of several": {"a.h"},
}
UNSURE = {"line, then the file's name": "computed",
          "once, in a pragma operator": "_Pragma"}


@pytest.fixture
def headers(tree):  # noqa: F811
    for name in ("a.h", "A.H", "b.h", "1x.h", "sub/c.h", "sub/d,e.h",
                 "linux/e.h"):
        tree.write(name)
    tree.write("no.h", "#error this must not be read\n")
    tree.write("t.h", "#ifdef T\n#define T2\n#endif\n#define T\n")
    tree.write("o.h", "#pragma once\n#ifdef O\n#define O2\n#endif\n"
                      "#define O\n")
    tree.write("po.h", '_Pragma("once")\n#ifdef PO\n#define PO2\n#endif\n'
                       "#define PO\n")
    tree.write("g.h", "#ifndef G\n#ifdef SEEN\n#define TWICE\n#endif\n"
                      "#define SEEN\n#define G\n#endif\n")
    os.symlink("o.h", tree.path("lnk.h"))
    return tree


@pytest.mark.parametrize("case", CASES)
def test_directives(headers, cc, case):
    headers.write("m.c", CASES[case])
    args = [cc, "-I.", "-Wno-everything" if cc == "clang" else "-w", "-c",
            "m.c"]
    found = headers.scan(*args)
    if isinstance(found, str) and UNSURE.get(case, "\0") in found:
        return
    assert not isinstance(found, str), found
    want = headers.by_compiler(args)
    assert want <= headers.files(*args)
    assert headers.files(*args) <= want | EXTRA.get(case, set())
    # the same again, by a daemon that remembers, and with other macros
    for more in (["-DX", "-DG"], []):
        line = args + more
        got = headers.files(*line, daemon=True)
        assert got == headers.files(*line)
        assert headers.by_compiler(line) <= got


@pytest.mark.parametrize("n", [2, 3, 5])
def test_chains_of_include_next(tree, cc, n):   # noqa: F811
    for i in range(n):
        tree.write(f"d{i}/x.h", f"#define X{i}\n"
                   "#if defined __has_include_next\n"
                   "#if __has_include_next(<x.h>)\n"
                   "#include_next <x.h>\n#endif\n#endif\n")
    os.symlink("d0", tree.path("link"))
    tree.write("m.c", '#include <x.h>\n')
    dirs = [f"-Id{i}" for i in range(n)]
    for args in (dirs, ["-Ilink"] + dirs, dirs + ["-isystem", "link"],
                 ["-iquote", "d1"] + dirs, dirs[:1] + dirs):
        tree.check(cc, *args, "-c", "m.c")


@pytest.mark.parametrize("includes", [
    '"beside/x.h"', "<beside/x.h>", "<way.h>", '"{root}/beside/x.h"',
    '"{root}/beside/to.h"', '"beside/to.h"', "<past/x.h>"])
@pytest.mark.parametrize("dirs", [
    ["one", "two"], ["two", "one"], ["beside", "one"], ["one", "beside"],
    ["path", "one", "two"], ["one", "path", "two"], ["two", "path", "one"],
    ["one", "path", "two", "beside"], [".", "two", "path", "one"]])
def test_include_next_where_a_file_was_found_beside_another(tree, cc, dirs,
                                                            includes):
    """gcc begins anew; clang goes on behind the place of the other, if that
    was found along the path."""
    for d in ("one", "two"):
        tree.write(d + "/x.h", f"#ifndef X_{d}\n#define X_{d}\n"
                   "#include_next <x.h>\n#endif\n")
        tree.write(d + "/y.h")
    tree.write("last/x.h", "")
    tree.write("last/y.h", "")
    tree.write("beside/x.h", "#ifndef X\n#define X\n#include_next <x.h>\n"
               "#if __has_include_next(<y.h>)\n#include_next \"y.h\"\n"
               "#endif\n#endif\n")
    tree.write("beside/to.h", '#include "x.h"\n')
    tree.write("path/way.h", '#include "../beside/to.h"\n')
    tree.write("path/past/x.h", '#include "../../beside/x.h"\n')
    tree.write("m.c", f"#include {includes.format(root=tree.root)}\n")
    words = [cc, "-w", *(f"-I{d}" for d in dirs), "-I.", "-Ipath", "-Ilast",
             "-c", "m.c"]
    tree.check(*words)
    # and from memory, behind another place
    tree.write("n.c", '#include "beside/x.h"\n')
    for source in ("n.c", "m.c", "n.c"):
        words[-1] = source
        want = tree.by_compiler(words)
        assert tree.files(*words, daemon=True) == want


def test_angles_where_there_are_directories_for_quotes_only(tree, cc):  # noqa: F811
    """gcc looks there for want of others, clang does not."""
    tree.write("q/x.h")
    tree.write("q/y.h")
    tree.write("r/y.h")
    tree.write("m.c", "#if __has_include(<x.h>)\n#include <x.h>\n"
               "#include_next <y.h>\n#else\n#include \"y.h\"\n#endif\n")
    for more in ([], ["-I."], ["-isystem", "r"], ["-Inowhere"]):
        tree.check(cc, "-w", "-nostdinc", "-iquote", "q", "-iquote", "r", *more,
                   "-c", "m.c")


def test_symlinked_directories_and_dots(tree, cc):  # noqa: F811
    """foo/../bar.h is beside what foo points to."""
    tree.write("far/away/x.h")
    tree.write("far/bar.h", '#include "away/../near.h"\n')
    tree.write("far/near.h")
    tree.write("bar.h", "#error\n")
    os.symlink("far/away", tree.path("foo"))
    os.symlink(tree.path("foo"), tree.path("foo2"))
    tree.write("m.c", '#include "foo/../bar.h"\n'
                      '#include "foo2/./..//bar.h"\n')
    tree.check(cc, "-c", "m.c")
    tree.write("n.c", "#include <bar.h>\n")
    tree.check(cc, "-Ifoo/..", "-c", "n.c")
    tree.check(cc, "-Ifoo2/../", "-I", ".", "-c", "n.c")


def test_names_with_anything_in_them(tree, cc):     # noqa: F811
    odd = ["new\nline", "tab\t", " blank ", "dollar$", "quote'", "back\\slash",
           "häß", "per%cent", "semi;colon", "-dash", "a" * 200]
    for i, d in enumerate(odd):
        tree.write(f"{d}/h{i}.h")
        tree.write(f"{d}/in{i}.h", f'#include "h{i}.h"\n')
    tree.write("m.c", "".join(f"#include <in{i}.h>\n"
                              for i in range(len(odd))))
    out = subprocess.run([SCAND, "--print", "--", cc] +
                         [f"-I{d}" for d in odd] + ["-c", "m.c"],
                         cwd=tree.root, env=tree.env, check=True,
                         capture_output=True).stdout
    for i, d in enumerate(odd):
        assert os.fsencode(f"FILE      {tree.path(d)}/h{i}.h\n") in out


def test_options_that_include(tree, cc):    # noqa: F811
    """-imacros before -include, both before the source."""
    tree.write("macros.h", '#define M "a.h"\n#include "nested.h"\nint no;\n')
    tree.write("nested.h")
    tree.write("first.h", "#include M\n#define N <b.h>\n")
    tree.write("a.h")
    tree.write("inc/b.h")
    tree.write("m.c", "#include N\n")
    tree.check(cc, "-include", "first.h", "-imacros", "macros.h", "-Iinc",
               "-c", "m.c")
    tree.check(cc, "-include", tree.path("first.h"), "-imacros",
               "./macros.h", "-isystem", "inc", "-c", "m.c")


def test_assembler_source(tree, cc):    # noqa: F811
    """What the assembler reads itself cannot be told from outside."""
    tree.write("a.h", "#define X 1\n")
    tree.write("data.bin")
    tree.write("m.S", '#include "a.h"\n.byte X\n# a comment\'s apostrophe\n')
    found = tree.scan(cc, "-c", "m.S")
    assert isinstance(found, str) or ("FILE", tree.path("a.h")) in found
    tree.write("n.S", '#include "a.h"\n.incbin "data.bin"\n')
    found = tree.scan(cc, "-c", "n.S")
    assert isinstance(found, str) or ("FILE", tree.path("data.bin")) in found
    tree.write("i.s", ".byte 1\n")
    tree.write("o.S", '.include "i.s"\n')
    found = tree.scan(cc, "-c", "o.S")
    assert isinstance(found, str) or ("FILE", tree.path("i.s")) in found


def test_a_sysroot(tree, cc):   # noqa: F811
    tree.write("sys/usr/include/x.h")
    tree.write("sys/opt/y.h")
    tree.write("m.c", "#include <x.h>\n#include <y.h>\n")
    args = [cc, "--sysroot=" + tree.path("sys"), "-c", "m.c"]
    args[2:2] = ["-I=/opt"] if cc == "gcc" else ["-Isys/opt"]
    found = tree.scan(*args, system=True)
    assert {("FILE", tree.path("sys/usr/include/x.h")),
            ("FILE", tree.path("sys/opt/y.h"))} < found
    assert "sys/usr/include/x.h" in tree.by_compiler(args)


@pytest.mark.parametrize("var", ["CPATH", "C_INCLUDE_PATH"])
def test_paths_in_the_environment(tree, cc, var):   # noqa: F811
    """Empty parts are the working directory; -I goes before, -isystem too."""
    for d in ("one", "two", "."):
        tree.write(d + "/x.h")
        tree.write(d + f"/y{d[0]}.h")
    tree.write("src/m.c", "#include <x.h>\n")
    for value, args in (("one:two", []), ("two:one", []), (":one", []),
                        ("two:", []), ("one", ["-Itwo"]),
                        ("one", ["-isystem", "two"]),
                        ("one", ["-idirafter", "two"]), ("one::two", [])):
        tree.check(cc, *args, "-c", "src/m.c", env={var: value})


def test_cxx_path_in_the_environment(tree, cc):     # noqa: F811
    cxx = {"gcc": "g++", "clang": "clang++"}[cc]
    if shutil.which(cxx) is None:
        pytest.skip("no " + cxx)
    tree.write("one/x.h")
    tree.write("two/x.h")
    tree.write("m.cc", "#include <x.h>\n")
    tree.check(cxx, "-c", "m.cc", env={"CPLUS_INCLUDE_PATH": "two",
                                       "C_INCLUDE_PATH": "one"})
    tree.write("m.c", "#include <x.h>\n")
    # the C++ driver on a C file reads it as C++
    tree.check(cxx, "-c", "m.c", env={"CPLUS_INCLUDE_PATH": "two",
                                      "C_INCLUDE_PATH": "one"})
