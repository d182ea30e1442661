# SPDX-License-Identifier: GPL-2.0-or-later
"""The include scanner's daemon: whom it serves, and how it begins and ends."""
import contextlib
import os
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import time

import pytest

import scankit
from scankit import SCAND
from scankit import tree  # noqa: F401 pylint: disable=unused-import

pytestmark = scankit.needs_scanner

SCAN, STOP, ANSWER, REFUSED, NAME = 1, 3, 4, 6, 7
NEEDS = 2   # an outcome
CLIENTS_MAX = 512   # serve.h


@pytest.fixture
def small(tree):    # noqa: F811
    tree.write("a.h")
    tree.write("m.c", '#include "a.h"\n')
    return tree


def ask(tree, **kw):    # noqa: F811
    return tree.files("gcc", "-c", "m.c", daemon=True, **kw)


def socket_path(tree):  # noqa: F811
    d = tree.path(".run/distcc-scan")
    name, = [n for n in os.listdir(d) if n != "scand.lock"]
    return os.path.join(d, name)


def connect(tree):  # noqa: F811
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(socket_path(tree))
    return s


def string(text):
    data = os.fsencode(text)
    return struct.pack("=I", len(data)) + data


def words(*items):
    return struct.pack("=I", len(items)) + b"".join(map(string, items))


def request(tree, *args, brief=0, cwd=None):    # noqa: F811
    """A message as a client's, for `gcc -c m.c`, or gcc with other words."""
    cwd = cwd or tree.root
    root, here = os.stat("/"), os.stat(cwd)
    body = struct.pack("=4Q", root.st_dev, root.st_ino, here.st_dev,
                       here.st_ino)
    # as the client's in all that the compiler's answers depend on
    body += string(shutil.which("gcc")) + string(cwd)
    body += words("gcc", *(args or ("-c", "m.c")))
    body += words("PATH=" + os.environ["PATH"]) + struct.pack("=I", brief)
    return struct.pack("=II", SCAN, len(body)) + body


def receive(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            return None
        data += part
    return data


def kind_of_answer(s):
    head = receive(s, 8)
    return None if head is None else struct.unpack("=II", head)[0]


def exchange_raw(tree, message):    # noqa: F811
    """What the daemon says to it: (kind, body)."""
    with connect(tree) as s:
        s.sendall(message)
        kind, length = struct.unpack("=II", receive(s, 8))
        return kind, receive(s, length)


def texts(body):
    """where an answer's numbers begin, and its why, path, rooted, queries"""
    at, found = 12, []                      # outcome, directives
    for skipped in (8, 0, 0, 0):            # the facts
        length, = struct.unpack_from("=I", body, at)
        found.append(os.fsdecode(body[at + 4:at + 4 + length]))
        at += 4 + length + skipped
    return at, *found


def exchange(tree, message):    # noqa: F811
    """(kind, epoch, numbers, paths) of that."""
    kind, body = exchange_raw(tree, message)
    if kind != ANSWER:
        return kind, None, None, None
    at = texts(body)[0]
    epoch, n = struct.unpack_from("=QI", body, at)
    numbers = struct.unpack_from(f"={n}I", body, at + 12)
    at += 12 + 4 * n
    count, = struct.unpack_from("=I", body, at)
    at += 4
    paths = []
    for _ in range(count):
        at += 48                            # kind, whose, stamp
        length, = struct.unpack_from("=I", body, at)
        paths.append(os.fsdecode(body[at + 4:at + 4 + length]))
        at += 4 + length
        at += 4 + struct.unpack_from("=I", body, at)[0]     # target
    assert at == len(body)
    return kind, epoch, numbers, paths


def name(epoch, *numbers):
    body = struct.pack(f"=QI{len(numbers)}I", epoch, len(numbers), *numbers)
    return struct.pack("=II", NAME, len(body)) + body


def wait_until(what, limit_s=10):
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return False


def many_headers(tree):     # noqa: F811
    """big.c, whose answer is larger than a socket's buffer."""
    os.mkdir(tree.path("h"))
    names = [f"h/{'x' * 200}{i}.h" for i in range(2000)]
    for n in names:
        tree.write(n)
    tree.write("big.c", "".join(f'#include "{n}"\n' for n in names))
    time.sleep(scankit.GRAIN_S)


# ---- who may ask ----------------------------------------------------------

def test_its_directory_is_private(small):
    ask(small)
    mode = os.stat(small.path(".run/distcc-scan")).st_mode
    assert stat.S_IMODE(mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_another_user_is_not_served(small):
    """Even where the directory's mode would let them in."""
    want = ask(small)
    path = socket_path(small)
    part = os.path.dirname(path)
    while part != "/":
        os.chmod(part, os.stat(part).st_mode | 0o755)
        part = os.path.dirname(part)
    os.chmod(path, 0o777)
    answers = []
    for uid in (65534, 0):
        pid = os.fork()
        if pid == 0:
            os.setresuid(uid, uid, uid)
            try:
                with connect(small) as s:
                    s.sendall(request(small))
                    os._exit(kind_of_answer(s) or 99)
            except OSError:
                os._exit(99)
        answers.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    # the control is our own user with the same bytes
    assert answers == [99, ANSWER]
    os.chmod(os.path.dirname(path), 0o700)
    assert ask(small) == want


def test_two_directories_have_two_daemons(small):
    other = small.path(".other")
    os.mkdir(other)
    ask(small)
    first = small.daemon_pids()
    assert ask(small, env={"XDG_RUNTIME_DIR": other}) == {"m.c", "a.h"}
    second = {int(p) for p in os.listdir("/proc") if p.isdigit()
              and is_daemon_at(p, other)}
    assert len(first) == 1 and len(second) == 1
    assert not second & set(first)
    subprocess.run([SCAND, "--stop"], check=True,
                   env=dict(small.env, XDG_RUNTIME_DIR=other))
    assert small.daemon_pids() == first


def is_daemon_at(pid, directory):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            if b"--listening" not in f.read():
                return False
        fds = f"/proc/{pid}/fd"
        return any(os.readlink(f"{fds}/{fd}").startswith(directory)
                   for fd in os.listdir(fds))
    except OSError:
        return False


def test_a_link_for_a_directory_is_not_followed(small):
    os.mkdir(small.path("elsewhere"), 0o700)
    os.symlink(small.path("elsewhere"), small.path(".run/distcc-scan"))
    out = subprocess.run([SCAND, "--start"], env=small.env, check=False,
                         capture_output=True)
    assert out.returncode == 100
    assert os.listdir(small.path("elsewhere")) == []


# ---- numbers for the compiler's own files ---------------------------------

@pytest.fixture
def own(small):     # noqa: F811
    """A tree whose compiler has two headers of its own in it."""
    small.write("sys/usr/include/one.h", "#define ONE 1\n")
    small.write("sys/usr/include/two.h")
    small.write("m.c", "#include <one.h>\n#include <two.h>\n")
    small.args = ["gcc", "--sysroot=" + small.path("sys"), "-c", "m.c"]
    small.scan(*small.args, daemon=True)    # the compiler is asked
    time.sleep(scankit.GRAIN_S)
    return small


def brief(tree):    # noqa: F811
    kind, epoch, numbers, paths = exchange(
        tree, request(tree, *tree.args[1:], brief=1))
    assert kind == ANSWER
    return epoch, numbers, paths


def test_a_brief_answer_has_numbers_that_stand_for_the_rest(own):
    epoch, numbers, paths = brief(own)
    _, _, none, all_paths = exchange(own, request(own, *own.args[1:]))
    assert none == ()
    kind, _, _, named = exchange(own, name(epoch, *numbers))
    assert kind == ANSWER and len(named) == len(numbers)
    assert own.path("sys/usr/include/one.h") in named
    assert own.path("sys/usr/include/one.h") not in paths
    assert sorted(paths + named) == sorted(all_paths)


def test_a_name_that_was_a_link_for_a_while_is_a_file_again(own):
    """Its directory is another one meanwhile: the file itself never changes."""
    own.write("sys/usr/include/sub/h.h", "int file;\n")
    os.mkdir(own.path("sys/usr/include/other"))
    os.symlink("../one.h", own.path("sys/usr/include/other/h.h"))
    own.write("m.c", "#include <sub/h.h>\n")

    def swap():
        for before, after in (("sub", "x"), ("other", "sub"), ("x", "other")):
            os.rename(own.path("sys/usr/include/" + before),
                      own.path("sys/usr/include/" + after))

    time.sleep(scankit.GRAIN_S)
    as_file = brief(own)
    swap()
    as_link = brief(own)
    links = set(as_link[1]) - set(as_file[1])
    assert links
    swap()
    again = brief(own)
    assert not links & set(again[1])
    assert len(again[1]) == len(as_file[1])


def test_a_full_name_is_told_by_what_is_done_again(own):
    """… and none that is the compiler's own."""
    def rooted(is_at_once=False):
        kind, body = exchange_raw(own, request(own, *own.args[1:], brief=1))
        assert kind == ANSWER
        assert not is_at_once or body[4:12] == bytes(8)  # no directive
        return texts(body)[3]

    own.write("deep.h", f'#include "{own.root}/full.h"\n')
    own.write("full.h", "#ifdef Q\n#endif\n" * 10)
    own.write("m.c", '#include <one.h>\n'
              f'#include "{own.path("sys/usr/include/two.h")}"\n')
    time.sleep(scankit.GRAIN_S)
    assert rooted() == ""
    own.write("m.c", '#include <one.h>\n' + '#ifdef X\n#endif\n' * 20000 +
              '#include "deep.h"\n')
    time.sleep(scankit.GRAIN_S)
    for _ in range(12):
        assert rooted() == own.path("full.h")
    assert rooted(is_at_once=True) == own.path("full.h")
    own.write("m.c", '#include "deep.h"\n' * 3)
    for _ in range(12):
        assert rooted() == own.path("full.h")


@pytest.mark.parametrize("source", [
    "#include \"deep.h\"\n" * 3,
    "#include \"deep.h\"\n" + "#ifdef X\n#endif\n" * 20000],
    ids=["header", "source"])
def test_a_full_name_of_nothing_is_told_by_what_is_done_again(own, source):
    missing = own.path("none.h")
    own.write("deep.h", f'#if __has_include("{missing}")\n#endif\n' +
              "#ifdef Q\n#endif\n" * 10)
    own.write("m.c", source)
    time.sleep(scankit.GRAIN_S)
    epoch, first, _ = brief(own)
    named = exchange(own, name(epoch, *first))[3]
    assert missing in named
    for _ in range(12):
        assert sorted(brief(own)[1]) == sorted(first)


def test_a_number_stays_while_its_file_does(own):
    epoch, numbers, _ = brief(own)
    assert brief(own)[:2] == (epoch, numbers)
    with open(own.path("sys/usr/include/one.h"), "a", encoding="ascii") as f:
        f.write("#define MORE\n")
    again, changed, _ = brief(own)
    assert again == epoch
    new = set(changed) - set(numbers)
    gone = set(numbers) - set(changed)
    assert len(new) == len(gone) == 1
    for n in new | gone:
        _, _, _, paths = exchange(own, name(epoch, n))
        assert paths == [own.path("sys/usr/include/one.h")]


def test_what_was_absent_and_appears_has_another_number(own):
    os.unlink(own.path("sys/usr/include/two.h"))
    own.write("sys/usr/include/one.h", "#if __has_include(<two.h>)\n#endif\n")
    own.write("m.c", "#include <one.h>\n")
    time.sleep(scankit.GRAIN_S)
    epoch, without, _ = brief(own)
    own.write("sys/usr/include/two.h")
    _, there, _ = brief(own)
    assert set(there) != set(without)
    assert own.path("sys/usr/include/two.h") in \
        exchange(own, name(epoch, *set(there) - set(without)))[3]


def test_numbers_of_another_daemon_are_refused(own):
    epoch, numbers, _ = brief(own)
    subprocess.run([SCAND, "--stop"], env=own.env, check=True)
    own.scan(*own.args, daemon=True)
    assert exchange(own, name(epoch, *numbers))[0] == REFUSED
    new_epoch, numbers, _ = brief(own)
    assert new_epoch != epoch
    assert exchange(own, name(new_epoch, *numbers))[0] == ANSWER
    assert exchange(own, name(new_epoch, 0))[0] == REFUSED
    assert exchange(own, name(new_epoch, *numbers, numbers[0]))[0] == REFUSED
    assert exchange(own, name(new_epoch, 0xffffffff))[0] == REFUSED


# ---- what it hears --------------------------------------------------------

@pytest.mark.parametrize("data", [
    b"\xff" * 64, struct.pack("=II", 99, 0), struct.pack("=II", SCAN, 1 << 31),
    struct.pack("=II", SCAN, 0), struct.pack("=II", ANSWER, 0),
    struct.pack("=II", SCAN, 40) + b"\xff" * 40,
    struct.pack("=II", SCAN, 32 << 20), name(1, 2, 3)[:-1],
    struct.pack("=IIQIIB", NAME, 17, 1, 1, 2, 0),
    struct.pack("=IIQI", NAME, 12, 1, 1 << 31),
], ids=["noise", "kind", "length", "empty", "answer", "words", "half",
        "half a number", "a byte too many", "more numbers than there are"])
def test_nonsense_ends_that_connection_only(small, data):
    want = ask(small)
    pid = small.daemon_pids()
    with connect(small) as s:
        s.sendall(data)
        assert ask(small) == want
        s.shutdown(socket.SHUT_WR)
        assert kind_of_answer(s) is None
    assert ask(small) == want
    assert small.daemon_pids() == pid


def test_who_does_not_take_an_answer_holds_up_nobody(small):
    many_headers(small)
    want = ask(small)
    # the compiler has been asked; so this is answered, at length
    with connect(small) as s:
        s.sendall(request(small, "-c", "big.c") * 4)
        time.sleep(0.2)
        start = time.monotonic()
        for _ in range(5):
            assert ask(small) == want
        assert time.monotonic() - start < 3
        assert len(small.daemon_pids()) == 1


def test_who_says_nothing_gives_up_its_place(small):
    want = ask(small)
    pid = small.daemon_pids()
    with contextlib.ExitStack() as opened:
        silent = []
        for _ in range(CLIENTS_MAX):
            s = opened.enter_context(socket.socket(socket.AF_UNIX))
            s.connect(socket_path(small))   # waits until it has room
            silent.append(s)
        start = time.monotonic()
        assert ask(small) == want
        # the client would go on without the daemon in the end
        assert time.monotonic() - start < 10
        gone, _, _ = select.select(silent, [], [], 0)
        assert 1 <= len(gone) <= 2      # the others are in nobody's way
    assert small.daemon_pids() == pid


def test_nobody_waits_for_ever_to_be_let_in(small):
    want = ask(small)
    pid, = small.daemon_pids()
    os.kill(pid, signal.SIGSTOP)
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(BlockingIOError):
            while True:
                s = opened.enter_context(socket.socket(socket.AF_UNIX))
                s.setblocking(False)
                s.connect(socket_path(small))
        start = time.monotonic()
        assert ask(small) == want
        assert 10 < time.monotonic() - start < 30
    os.kill(pid, signal.SIGCONT)


def test_who_has_an_answer_is_let_go(small):
    ask(small)
    with connect(small) as s:
        s.sendall(request(small))
        kind, length = struct.unpack("=II", receive(s, 8))
        assert kind == ANSWER
        assert receive(s, length) is not None
        assert s.recv(1) == b""


def test_whose_compiler_has_to_be_asked_may_go_on(small):
    ask(small)
    with connect(small) as s:
        for _ in range(3):
            s.sendall(request(small, "-std=c89", "-c", "m.c"))
            kind, length = struct.unpack("=II", receive(s, 8))
            assert kind == ANSWER
            outcome, = struct.unpack_from("=I", receive(s, length))
            assert outcome == NEEDS


def test_who_takes_an_answer_slowly_gets_all_of_it(small):
    many_headers(small)
    ask(small)
    with connect(small) as s:
        s.sendall(request(small, "big.c") * 3)
        for _ in range(3):
            head = s.recv(8, socket.MSG_WAITALL)
            kind, left = struct.unpack("=II", head)
            assert kind == ANSWER
            got = 0
            while got < left:
                got += len(s.recv(min(65536, left - got)))
            time.sleep(0.1)
        assert got > 2000 * 200


# ---- what the compiler is asked --------------------------------------------

@pytest.mark.parametrize("question,times", [
    ("__has_attribute(__nonnull__)", 1), ("__has_builtin(__builtin_expect)", 1),
    ("__has_attribute(__something_else__)", 2)])
def test_what_headers_usually_ask_is_known_at_once(small, question, times):
    """The compiler is run once, and again only for what nobody thought of."""
    small.write("m.c", f"#if {question}\n#include \"yes.h\"\n#else\n"
                "#include \"no.h\"\n#endif\n")
    small.write("yes.h")
    small.write("no.h")
    log = small.path("asked")
    wrapper = small.write(
        "bin/gcc", f"#!/bin/sh\necho asked >>{log}\n"
        f"exec {shutil.which('gcc')} \"$@\"\n")
    os.chmod(wrapper, 0o755)
    path = small.path("bin") + ":" + os.environ["PATH"]
    got = ask(small, env={"PATH": path})
    with open(log, encoding="ascii") as f:
        assert len(f.readlines()) == times
    assert got == small.by_compiler(("gcc", "-c", "m.c"))


@pytest.mark.parametrize("sysroot", ["{}/cur", "cur", "{}/v1"])
def test_links_to_the_compilers_own_directories_lead_elsewhere(small, sysroot):
    """gcc names them as they are without links, so it is asked again."""
    for d, text in (("v1", ""), ("v2", "#include <y.h>\n")):
        small.write(d + "/include/x.h", text)
        small.write(d + "/include/y.h")
        os.mkdir(small.path(d + "/usr"))
        os.symlink("../include", small.path(d + "/usr/include"))
    small.write("n.c", "#include <x.h>\n")
    os.symlink("v1", small.path("cur"))
    words = ["gcc", "--sysroot=" + sysroot.format(small.root), "-c", "n.c"]
    for _ in range(4):
        before = small.files(*words, daemon=True, system=True)
    assert before == {"n.c", "v1/include/x.h"}
    if sysroot.endswith("cur"):
        os.unlink(small.path("cur"))
        os.symlink("v2", small.path("cur"))
    else:
        os.unlink(small.path("v1/usr/include"))
        os.symlink("../../v2/include", small.path("v1/usr/include"))
    for _ in range(4):
        assert small.files(*words, daemon=True, system=True) == \
            {"n.c", "v2/include/x.h", "v2/include/y.h"}


def test_so_many_places_of_the_compiler_are_too_many(small):
    for n, fails in ((256, False), (257, True)):
        out = subprocess.run(
            [SCAND, "--print", "--daemon", "--", "gcc",
             *["-B" + small.root] * n, "-c", "m.c"], cwd=small.root,
            env=small.env, capture_output=True, timeout=60, check=False)
        assert (b"limit exceeded" in out.stderr) == fails
        assert (small.path("a.h").encode() in out.stdout) != fails


def test_an_own_directory_that_vanishes_is_told_of(small):
    """Where a host has it still, the compiler would look there."""
    small.write("n.c", "#include <x.h>\n")
    small.write("sys/usr/include/x.h")
    os.makedirs(small.path("sys/usr/local/include"))
    words = ["--sysroot=" + small.path("sys"), "-c", "n.c"]
    absent = small.path("sys/usr/local/include/")
    for _ in range(4):
        small.scan("gcc", *words, daemon=True)
    assert absent not in exchange(small, request(small, *words))[3]
    os.rmdir(absent)
    for _ in range(4):
        assert absent in exchange(small, request(small, *words))[3]


def test_many_who_learn_the_same_at_once(small):
    """They do not use up the rounds of questions that there are."""
    small.write("n.c", "#if __has_attribute(__something_else__)\n"
                "#include \"a.h\"\n#endif\n")
    command = [SCAND, "--print", "--daemon", "--", "gcc", "-c", "m.c"]
    for _ in range(2):
        running = [subprocess.Popen(command, cwd=small.root, env=small.env,
                                    stdout=subprocess.DEVNULL)
                   for _ in range(10)]
        assert all(p.wait(20) == 0 for p in running)
    assert small.files("gcc", "-c", "n.c", daemon=True) == {"n.c"}


# ---- how it ends ----------------------------------------------------------

def start_by_hand(tree, *args, program=(SCAND,)):    # noqa: F811
    """A daemon with options of its own, its socket made here."""
    d = tree.path(".run/distcc-scan")
    os.mkdir(d, 0o700)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.path.join(d, scankit.socket_name()))
        s.listen()
        keep = os.dup(s.fileno())

        def prepare():
            os.dup2(keep, 3)
            os.set_inheritable(3, True)

        subprocess.run([*program, *args, "--listening"], check=True,
                       close_fds=False, preexec_fn=prepare)
        os.close(keep)


def test_it_ends_when_idle(small):
    start_by_hand(small, "--idle", "1")
    assert len(small.daemon_pids()) == 1
    path = socket_path(small)
    assert ask(small) == {"m.c", "a.h"}
    assert wait_until(lambda: not small.daemon_pids())
    assert not os.path.exists(path)
    # and another takes its place
    assert ask(small) == {"m.c", "a.h"}
    assert len(small.daemon_pids()) == 1


def test_it_is_killed_in_the_middle_of_a_request(small):
    want = ask(small)
    pid, = small.daemon_pids()
    os.kill(pid, signal.SIGSTOP)
    with subprocess.Popen([SCAND, "--print", "--daemon", "--", "gcc", "-c",
                           "m.c"], cwd=small.root, env=small.env,
                          stdout=subprocess.PIPE) as p:
        time.sleep(0.3)
        assert p.poll() is None     # it waits for the daemon
        os.kill(pid, signal.SIGKILL)
        out = os.fsdecode(p.communicate(timeout=10)[0])
    assert p.returncode == 0
    assert small.path("a.h") in out
    assert ask(small) == want
    again, = small.daemon_pids()
    assert again != pid


def test_memory_is_given_back(small):
    """Above its limit the daemon forgets, and goes on."""
    ask(small)
    small.stop()
    assert wait_until(lambda: not small.daemon_pids())
    os.unlink(small.path(".run/distcc-scan/scand.lock"))
    os.rmdir(small.path(".run/distcc-scan"))
    for n in range(6):
        small.write(f"big{n}.h", "".join(f"#define A{n}_{i} B C D E F G\n"
                                         for i in range(40000)))
        small.write(f"m{n}.c", f'#include "big{n}.h"\n')
    start_by_hand(small, "--memory", "30")
    pid, = small.daemon_pids()
    for _ in range(2):
        for n in range(6):
            assert small.files("gcc", "-c", f"m{n}.c", daemon=True) == \
                {f"m{n}.c", f"big{n}.h"}
    assert small.daemon_pids() == [pid]
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        peak, = [int(ln.split()[1]) for ln in f if ln.startswith("VmHWM")]
    assert peak < 120 * 1024    # six of them at once take more
