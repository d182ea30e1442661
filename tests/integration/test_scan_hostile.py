# SPDX-License-Identifier: GPL-2.0-or-later
"""The include scanner's daemon against trees that mean it harm.

Each is answered in time, with a reason or rightly, and the same daemon goes on
to serve an honest job.
"""
import os
import resource
import subprocess
import sys
import time

import pytest

import scankit
from scankit import tree  # noqa: F401 pylint: disable=unused-import

pytestmark = scankit.needs_scanner

LIMIT_S = 15    # the scanner's own limit is 5 s; this machine may be busy
MEMORY_MB = 2500


def peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) // 1024
    return 0


@pytest.fixture
def honest(tree):   # noqa: F811
    """A daemon that has served a job, and must serve it again at the end."""
    tree.write("honest/a.h")
    tree.write("honest/m.c", '#include "a.h"\n')
    want = {"honest/a.h", "honest/m.c"}

    def ask():
        assert tree.files("gcc", "-c", "honest/m.c", daemon=True) == want
        pid, = tree.daemon_pids()
        return pid

    pid = ask()
    yield tree
    assert ask() == pid
    assert peak_mb(pid) < MEMORY_MB


def in_time(tree, *command):    # noqa: F811
    start = time.monotonic()
    found = tree.scan("gcc", *command, daemon=True)
    assert time.monotonic() - start < LIMIT_S
    return found


def calls(n, argument):
    return "F(" * n + argument + ")" * n


DOUBLING = "".join(f"#define A{i} A{i + 1} + A{i + 1}\n" for i in range(60))

HOSTILE = {
    "a macro that doubles":
        (DOUBLING + "#if A0\n#endif\n" * 200, "the scan takes too "),
    "a computed name that doubles":
        (DOUBLING + "#include A0\n", "computed"),
    "arguments within arguments":
        ("#define F(x) x\n#include " + calls(100000, "y") + "\n",
         "computed"),
    "conditions of arguments within arguments":
        ("#define F(x) x\n" + ("#if " + calls(50000, "1") + "\n#endif\n") * 9,
         None),
    "parentheses":
        ("#if " + "(" * 400000 + "\n#endif\n", None),
    "a word that doubles":
        ("#define C(a, b) a ## b\n#define D(a) C(a, a)\n#define W0 wwww\n" +
         "".join(f"#define W{i + 1}(m) D(m(W{i}))\n" for i in range(3)) +
         "#define X(a) a\n#if " + "D(" * 60 + "w" + ")" * 60 + "\n#endif\n",
         None),
    "a string that doubles":
        ("#define S_(x) #x\n#define S(x) S_(x x)\n#include " +
         "S(" * 40 + "w" + ")" * 40 + "\n", "computed"),
    "65 000 parameters":
        ("#define F(" + ",".join(f"p{i}" for i in range(65000)) + ") " +
         " ".join(f"p{i}" for i in range(65000)) + "\n",
         "too large macros"),
    "unclosed optional parts":
        ("#define F(...) " + "__VA_OPT__(" * 60000 + "\n",
         "too large macros"),
    "names that do not end":
        ("#if " + "__has_include(<" * 60000 + "\n#endif\n", None),
    "words and apostrophes":
        ("int i = 1" + "a'a'" * 5000000 + ";\n", None),
    "a number of apostrophes":
        ("int i = 1" + "'1" * 20000000 + ";\n", None),
    "a directive of 2 MB":
        ("#define X " + "x " * 1000000 + "\n", "more than 1 MB"),
    "backslashes":
        ("\\\n" * 5000000 + "int i;\n", None),
    "a comment that does not end":
        ("/*" + "*" * 20000000, None),
    "undecided conditions, each in another":
        ("#if __COUNTER__\n" * 4000 + "#endif\n" * 4000,
         "cannot be decided"),
    "conditions, each in another":
        ("#if 1\n" * 100000, "nested too deeply"),
    "branches behind many names":
        ("#if __COUNTER__\n" +
         "".join(f"#define N{i}\n" for i in range(200000)) +
         "#elif __COUNTER__\n" * 5000 + "#endif\n", "too many steps"),
    "a name that is looked for below many others":
        ('#pragma push_macro("A")\n' * 500000 +
         '#pragma pop_macro("B")\n' * 5000, "too many steps"),
    "branches that define the same otherwise":
        ("#if __COUNTER__\n" +
         "".join(f"#define N{i} {'+' * 1000}\n" for i in range(20000)) +
         "#else\n" +
         "".join(f"#define N{i} {'-' * 1000}\n" for i in range(20000)) +
         "#endif\n", None),
    "an argument of many tokens":
        ("#define F(x) x\n#define B " + "+" * 400000 + "\n#if F(" +
         "B " * 300 + ") 1\n#endif\n", None),
    "a file of directives":
        ("#define A 1\n" * 4000000, None),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_text(honest, case):
    text, why = HOSTILE[case]
    honest.write("m.c", text)
    found = in_time(honest, "-c", "m.c")
    if why is None:
        assert isinstance(found, str) or ("FILE", honest.path("m.c")) in found
    else:
        assert isinstance(found, str) and why in found


def test_one_line_of_100_mb(honest):
    honest.write("x.h", b"int x[] = {" + b"1," * (50 << 20) + b"};\n"
                 b'#include "honest/a.h"\n')
    honest.write("m.c", '#include "x.h"\n')
    assert ("FILE", honest.path("honest/a.h")) in in_time(honest, "-c", "m.c")


def test_a_file_that_is_too_large(honest):
    with open(honest.path("x.h"), "wb") as f:
        f.truncate(1 << 40)
    honest.write("m.c", '#include "x.h"\n')
    assert "cannot read" in in_time(honest, "-c", "m.c")


def test_a_loop_of_inclusions(honest):
    honest.write("x.h", '#include "y.h"\n')
    honest.write("y.h", '#include "x.h"\n')
    honest.write("m.c", '#include "x.h"\n')
    assert "nested too deeply" in in_time(honest, "-c", "m.c")


def test_a_tree_of_inclusions(honest):
    """2 to the 60th inclusions without a guard."""
    for i in range(60):
        honest.write(f"h{i}.h", f'#include "h{i + 1}.h"\n' * 2)
    honest.write("h60.h")
    honest.write("m.c", '#include "h0.h"\n')
    found = in_time(honest, "-c", "m.c")
    assert "the scan takes too " in found


def test_an_inclusion_that_is_done_again_very_often(honest):
    """What comes of a whole source is put together once an inclusion."""
    for i in range(3000):
        os.makedirs(honest.path(f"d/{i}"))
    honest.write("h.h", "".join(
        f"#ifdef Q{i}\n#endif\n#define K{i} 1\n" for i in range(10)) +
        "".join(f'#if __has_include("{honest.root}/d/{i}/x")\n#endif\n'
                for i in range(3000)))
    honest.write("w.c", "#include \"h.h\"\n" * 4)
    honest.write("big.c", "#include \"h.h\"\n" * 200000)
    time.sleep(scankit.GRAIN_S)
    for _ in range(10):
        honest.scan("gcc", "-c", "w.c", daemon=True)
    start = time.monotonic()
    found = honest.scan("gcc", "-c", "big.c", daemon=True)
    assert time.monotonic() - start < 1.5
    assert ("FILE", honest.path("h.h")) in found


def test_many_directories_and_names(honest):
    """Each name is looked for in each directory."""
    for i in range(400):
        os.mkdir(honest.path(f"d{i}"))
    honest.write("m.c", "#if __COUNTER__\n" + "".join(
        f"#include <n{i}.h>\n" for i in range(100000)) + "#endif\n")
    in_time(honest, *[f"-Id{i}" for i in range(400)], "-c", "m.c")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/tty", "/dev/stdin",
                                    "/dev/full", "/dev/random"])
def test_devices_are_not_opened(honest, device):
    if not os.path.exists(device):
        pytest.skip("no " + device)
    os.symlink(device, honest.path("x.h"))
    for name in (device, "x.h"):
        honest.write("m.c", f'#include "{name}"\n')
        assert isinstance(in_time(honest, "-c", "m.c"), str)


def test_pipes_and_sockets_are_not_opened(honest):
    os.mkfifo(honest.path("pipe"))
    honest.write("m.c", '#include "pipe"\n')
    assert isinstance(in_time(honest, "-c", "m.c"), str)
    # nor as the source, nor by an option
    assert isinstance(in_time(honest, "-x", "c", "-c", "pipe"), str)
    honest.write("n.c")
    assert isinstance(in_time(honest, "-include", "pipe", "-c", "n.c"), str)


def test_links_without_end(honest):
    os.symlink("loop.h", honest.path("loop.h"))
    for i in range(50):
        os.symlink(f"l{i + 1}/../l{i + 1}", honest.path(f"l{i}"))
    os.mkdir(honest.path("l50"))
    honest.write("l50/x.h")
    os.symlink("up/up/up/up/up/up/up/up", honest.path("up"))
    for name in ("loop.h", "l0/x.h", "up/x.h"):
        honest.write("m.c", f'#include "{name}"\n')
        assert isinstance(in_time(honest, "-c", "m.c"), str)


def test_a_very_long_name(honest):
    for name in ("x" * 300, "x" * 100000, "x/" * 3000, "../" * 3000 + "x"):
        honest.write("m.c", f'#include "{name}"\n')
        assert isinstance(in_time(honest, "-c", "m.c"), str)


def test_a_file_that_changes_while_it_is_read(honest):
    """Each answer is one of the two that the file could give."""
    honest.write("b.h")
    honest.write("c.h")
    honest.write("x.h", '#include "b.h"\n')
    honest.write("m.c", '#include "x.h"\n')
    writer = ("import os\n"
              "for i in range(100000000):\n"
              "    with open('t', 'w') as f:\n"
              "        f.write(f'#include \"{\"bc\"[i & 1]}.h\"\\n')\n"
              "    os.rename('t', 'x.h')\n")
    with subprocess.Popen([sys.executable, "-c", writer],
                          cwd=honest.root) as p:
        try:
            for _ in range(1000):
                found = honest.files("gcc", "-c", "m.c", daemon=True)
                assert found in ({"m.c", "x.h", "b.h"}, {"m.c", "x.h", "c.h"})
        finally:
            p.kill()


def test_this_would_hurt_without_limits(tree):  # noqa: F811
    """The control: gcc itself does not come back from one of these."""
    text, _ = HOSTILE["a macro that doubles"]
    tree.write("m.c", text)

    def little():   # what cc1 inherits: nothing of it may stay behind
        resource.setrlimit(resource.RLIMIT_CPU, (3, 5))
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    out = subprocess.run(["gcc", "-E", "m.c"], cwd=tree.root, check=False,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         env=dict(os.environ, LC_ALL="C"), preexec_fn=little)
    assert out.returncode != 0
    assert b"CPU time" in out.stderr or b"memory" in out.stderr
