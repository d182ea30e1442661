# SPDX-License-Identifier: GPL-2.0-or-later
"""Pump mode between us and stock: our client with stock's daemon, stock's
`pump` with our daemon, and servers that do not know protocol 3."""
import os
import re
import shutil
import subprocess

import clientlib
import harness
import pytest
from pumplib import Tree, pumped, why_here

HEADER = """#include <stdio.h>
#define GREETING "hello"
"""
SOURCE = """#include "inc/a.h"
int f(int n)
{
	int unused;
	return printf("%s %s %d\\n", GREETING, __FILE__, n);
}
"""


def fill(tree):
    tree.write("inc/a.h", HEADER)
    tree.write("a.c", SOURCE)
    tree.write("a.cc", "#include <string>\n#include <vector>\n"
               "std::vector<std::string> v() { return {__FILE__}; }\n" +
               SOURCE)


@pytest.fixture
def at_stock(tmp_path, tmp_path_factory, stock_daemon_program):
    env = harness.clean_env()
    with harness.Daemon(str(tmp_path_factory.mktemp("stock")),
                        stock_daemon_program, env=env) as daemon:
        tree = Tree(tmp_path, daemon.hostspec + ",cpp,lzo")
        fill(tree)
        yield tree
        tree.stop()


# ---- our client, stock's daemon ----------------------------------------------

@pytest.mark.parametrize("compiler", ["gcc", "g++", "clang", "clang++"])
def test_objects_from_stocks_daemon_are_the_local_ones(at_stock, compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    source = "a.cc" if "+" in compiler else "a.c"
    log = at_stock.compare(f"{compiler} -O2 -Wall -c {source} -o a.o", ["a.o"])
    assert pumped(log), log


@pytest.mark.parametrize("words", [
    "-I/usr/include/arpa", "-isystem /usr/include/arpa",
    "-I/usr/include/arpa -Wmissing-include-dirs",
    "-I/usr/include/netinet -Wmissing-include-dirs -I/usr/include/arpa",
    "-Iway/arpa"])
def test_option_below_the_compilers_directories_at_stocks_daemon(at_stock,
                                                                 words):
    """It looks for all absolute names below a directory of its own."""
    os.symlink("/usr/include", at_stock.work + "/way")
    at_stock.write("s.c", "#include <inet.h>\n#include <vector.h>\n"
                   "int f(struct in_addr *a) { return a->s_addr; }\n")
    at_stock.write("inc/vector.h", "")
    log = at_stock.compare(f"gcc {words} -Iinc -c s.c -o s.o", ["s.o"])
    assert pumped(log), log


def test_directories_of_options_are_no_question_to_stocks_daemon(at_stock):
    """It lays out all of them elsewhere, which it is asked for once."""
    for name in ("inc", "one", "two"):
        log = at_stock.compare(f"gcc -I{name} -Inone/{name} -c a.c -o a.o",
                               ["a.o"])
        assert pumped(log), log
        assert ("comparing" in log) == (name == "inc"), log


def test_working_directory_behind_a_link_at_stocks_daemon(at_stock):
    """It makes the directory before the link, which it cannot make then."""
    os.symlink(at_stock.work, at_stock.top + "/way")
    way = at_stock.top + "/way"
    os.symlink("inc", at_stock.work + "/link")
    at_stock.write("b.c", SOURCE.replace("inc/", "link/"))
    for words in ("-c b.c", "-I../way/inc -include a.h -c ../way/a.c",
                  f"-w -I{way}/inc -c a.c"):
        log = at_stock.compare(f"gcc -O2 -Wall {words} -o x.o", ["x.o"],
                               cwd=way, PWD=way)
        assert pumped(log), log


def test_dependencies_with_two_targets_at_stocks_daemon(at_stock):
    """It forgets the first."""
    log = at_stock.compare("gcc -MMD -MT one -MT two -c a.c -o a.o",
                           ["a.o", "a.d"])
    assert "but the last" in why_here(log), log
    log = at_stock.compare("gcc -MMD -MT one -c a.c -o a.o", ["a.o", "a.d"])
    assert pumped(log), log


def test_null_device_at_stocks_daemon(at_stock):
    """It looks for it below the job."""
    log = at_stock.compare("gcc -include /dev/null -c a.c -o a.o", ["a.o"])
    assert "full name /dev/null" in why_here(log), log


def test_what_stocks_daemon_refuses_shuts_nothing_else_out(at_stock):
    """It hangs up on -flto, without a word."""
    p = at_stock.run([at_stock.program, "gcc", "-flto", "-c", "a.c", "-o",
                      "a.o"], DISTCC_FALLBACK=1)
    assert p.returncode == 0 and not pumped(at_stock.text())
    assert "hangs up" in why_here(at_stock.text()), at_stock.text()
    log = at_stock.compare("gcc -c a.c -o a.o", ["a.o"])
    assert pumped(log), log


def words(deps):
    return deps.decode().replace("\\\n", " ").split()


def test_dependencies_from_stocks_daemon_name_the_same_files(at_stock):
    """Stock's daemon takes its own directory out of names after the lines
    were broken, so lines end elsewhere."""
    argv = f"gcc -I{at_stock.work}/inc -MD -c {at_stock.work}/a.c -o a.o"
    here = at_stock.outcome(argv.split(), ["a.o", "a.d"])
    there = at_stock.outcome([at_stock.program, *argv.split()],
                             ["a.o", "a.d"])
    assert there[0] == 0 and pumped(at_stock.text()), at_stock.text()
    assert words(there[-1]) == words(here[-1])


@pytest.mark.parametrize("file", ["{work}/abs.d", "sub/x.d", "a b.d"])
def test_dependency_file_from_stocks_daemon_has_its_name(at_stock, file):
    os.makedirs(at_stock.work + "/sub", exist_ok=True)
    name = file.format(work=at_stock.work)
    argv = ["gcc", "-MD", "-MF", name, "-c", "a.c", "-o", "sub/a.o"]
    here = at_stock.outcome(argv, ["sub/a.o", name])
    there = at_stock.outcome([at_stock.program, *argv], ["sub/a.o", name])
    assert there[:-1] == here[:-1] and pumped(at_stock.text()), \
        at_stock.text()
    assert words(there[-1]) == words(here[-1])


def debug_lines(path):
    out = subprocess.run(["objdump", "--dwarf=info", path], check=True,
                         capture_output=True, text=True).stdout
    return [re.sub(r"offset: (0x)?[0-9a-f]+|string: 0x[0-9a-f]+", "", line)
            for line in out.splitlines()]


def test_debug_info_from_stocks_daemon_differs_in_its_directory_only(
        at_stock):
    if shutil.which("objdump") is None:
        pytest.skip("no objdump (Debian package binutils)")
    lines = []
    for prefix in ([], [at_stock.program]):
        out = at_stock.outcome([*prefix, "gcc", "-g", "-c", "a.c", "-o",
                                "a.o"], ["a.o"])
        assert out[0] == 0, at_stock.text()
        lines.append(debug_lines(at_stock.work + "/a.o"))
    assert pumped(at_stock.text()), at_stock.text()
    differ = [b for a, b in zip(*lines) if a != b]
    assert len(lines[0]) == len(lines[1])
    assert all("distccd_" in n or "////" in n for n in differ), differ


# ---- stock's pump, our daemon ------------------------------------------------

# Debian's extension module for Python was built without PY_SSIZE_T_CLEAN, which
# Python 3.10 and later demand for one of its calls: so it packs nothing, and
# everything is preprocessed locally.  This stands in for it.
EXTENSION = '''
import ctypes, os
Error = OSError
lzo = ctypes.CDLL("liblzo2.so.2")
OsPathExists, OsPathIsFile = os.path.exists, os.path.isfile
Realpath = os.path.realpath

def CompressLzo1xAlloc(data):
    data = data.encode() if isinstance(data, str) else data
    out = ctypes.create_string_buffer(len(data) + len(data) // 16 + 67)
    n, work = ctypes.c_size_t(len(out)), ctypes.create_string_buffer(1 << 17)
    lzo.lzo1x_1_compress(data, ctypes.c_size_t(len(data)), out,
                         ctypes.byref(n), work)
    return out.raw[:n.value]

def read(fd, n):
    data = b""
    while len(data) < n:
        part = os.read(fd, n - len(data))
        if not part:
            raise Error("end of file")
        data += part
    return data

def number(fd, name):
    head = read(fd, 12)
    if head[:4] != name:
        raise Error(repr(head))
    return int(head[4:], 16)

def RTokenString(fd, name):
    return read(fd, number(fd, name.encode())).decode()

def RCwd(fd):
    return RTokenString(fd, "CDIR")

def RArgv(fd):
    return [RTokenString(fd, "ARGV") for _ in range(number(fd, b"ARGC"))]

def XArgv(fd, words):
    data = b"ARGC%08x" % len(words)
    for word in words:
        word = word.encode() if isinstance(word, str) else word
        data += b"ARGV%08x" % len(word) + word
    while data:
        data = data[os.write(fd, data):]
'''


@pytest.fixture
def stock_pump(tmp_path_factory, stock_client_program):
    """stock's pump with the module replaced, in a directory of its own"""
    assert stock_client_program
    script = shutil.which("distcc-pump")
    module = "/usr/lib/python3/dist-packages/include_server"
    if script is None or not os.path.isdir(module):
        pytest.skip("no stock pump (Debian package distcc-pump)")
    top = tmp_path_factory.mktemp("stock-pump")
    copy = shutil.copytree(module, top / "include_server", ignore=shutil
                           .ignore_patterns("*.so", "__pycache__"))
    (top / "include_server" / "distcc_pump_c_extensions.py").write_text(
        EXTENSION)
    with open(script, encoding="utf-8") as f:
        text = f.read()
    changed = text.replace(module + "/", f"{copy}/")
    if changed == text:
        pytest.skip("stock's pump is not as we know it")
    path = top / "pump"
    path.write_text(changed)
    path.chmod(0o755)
    return str(path)


def test_stocks_pump_with_our_daemon(tmp_path, stock_pump, start_daemon,
                                     sandbox_args):
    if sandbox_args:
        pytest.skip("pump mode needs a full jail")
    daemon = start_daemon()
    tree = Tree(tmp_path, daemon.hostspec + ",cpp,lzo",
                harness.STOCK_CLIENT)
    fill(tree)
    os.makedirs(tree.top + "/state")
    # a link of the user's, and one that climbs: the compiler's own headers
    os.symlink("inc", tree.work + "/way")
    tree.write("a.c", SOURCE.replace("inc/", "way/"))
    argv = "gcc -g -O2 -Iway -MD -c a.c -o a.o".split()
    here = tree.outcome(argv, ["a.o", "a.d"])
    there = tree.outcome([stock_pump, harness.STOCK_CLIENT, *argv],
                         ["a.o", "a.d"], DISTCC_LOCATION="/usr/bin")
    assert there[0] == 0 and there[-2:] == here[-2:], \
        tree.text() + daemon.log()
    log = daemon.log()
    assert "COMPILE_OK" in log and "file=a.c" in log
    # protocol 3: stock's client preprocesses when its include server fails
    assert "preprocessing locally" not in tree.text() + \
        there[2].decode(errors="replace")


# ---- servers that cannot -----------------------------------------------------

def test_server_that_hangs_up_gets_preprocessed_text(tmp_path):
    """and is not asked again for a while"""
    versions = []

    def serve(conn):
        name, version = clientlib.read_token(conn)
        versions.append(version)
        if version == 3:
            return
        conn.recv(1 << 20)
        obj = clientlib.reply(obj=b"", version=2)
        conn.sendall(obj[:-12] + clientlib.token("DOTO", 0))

    server = clientlib.FakeServer(serve)
    tree = Tree(tmp_path, server.spec + ",lzo,cpp")
    tree.write("a.c", "int a;\n")
    try:
        for _ in range(2):
            p = tree.run([tree.program, "gcc", "-c", "a.c", "-o", "a.o"])
            assert p.returncode == 0, tree.text()
            assert "hangs up" in why_here(tree.text())
    finally:
        server.close()
        tree.stop()
    assert versions == [3, 2, 2]


def test_server_that_sends_no_dependency_file_gets_preprocessed_text(
        tmp_path):
    """make would forget what the object depends on."""
    versions = []

    def serve(conn):
        name, version = clientlib.read_token(conn)
        versions.append(version)
        conn.recv(1 << 20)
        conn.sendall(clientlib.reply(version=version) +
                     (clientlib.token("DOTD", 0) if version == 3 else b""))

    server = clientlib.FakeServer(serve)
    tree = Tree(tmp_path, server.spec + ",lzo,cpp")
    tree.write("a.c", '#include "a.h"\nint a;\n')
    tree.write("a.h", "\n")
    argv = ["gcc", "-nostdinc", "-MD", "-c", "a.c", "-o", "a.o"]
    try:
        p = tree.run([tree.program, *argv])
    finally:
        server.close()
        tree.stop()
    assert p.returncode == 0 and versions == [3, 2], tree.text()
    assert "no dependency file" in why_here(tree.text())
    assert tree.read("a.d") == b"a.o: a.c a.h\n"


def test_reduced_sandbox_refuses_and_gets_preprocessed_text(tmp_path,
                                                            start_daemon):
    daemon = start_daemon(["--sandbox=reduced"])
    tree = Tree(tmp_path, daemon.hostspec + ",lzo,cpp")
    fill(tree)
    try:
        log = tree.compare("gcc -O2 -c a.c -o a.o", ["a.o"])
    finally:
        tree.stop()
    assert "pump mode needs a full jail" in why_here(log), log
