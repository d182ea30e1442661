# SPDX-License-Identifier: GPL-2.0-or-later
"""Sealed connections: nothing to read, nothing to change, nothing to cut."""
import os
import shutil
import signal
import subprocess
import time

import pytest

import authlib
import harness
from authlib import build, logged

SEAL = ",seal=localhost"


@pytest.fixture
def large(client):
    """A client whose request and reply are several records each."""
    def make(port, option=SEAL, **env):
        c = client(port, option, **env)
        with open(f"{c.directory}/a.c", "w", encoding="ascii") as f:
            f.write(authlib.large_source())
        return c
    return make


def flip(side, number, where):
    """Change one bit of a record: of its body at a fraction, or its header's
    name or length."""
    def change(from_side, n, name, data):
        if (from_side, n, name) != (side, number, "SREC"):
            return data
        at = {"name": 0, "length": 5}[where] if isinstance(where, str) else \
            12 + min(int((len(data) - 12) * where), len(data) - 13)
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    return change


def cut(side, number, how):
    """End the connection before, inside or behind a record."""
    def change(from_side, n, name, data):
        if (from_side, n, name) != (side, number, "SREC"):
            return data
        part = {"before": 0, "header": 7, "inside": len(data) // 2,
                "behind": len(data)}[how]
        return data[:part], None
    return change


def shape(d, large, option=SEAL):
    """How many records each side writes; the control for what follows."""
    with authlib.Middle(d.port) as m:
        assert build(large(m.port, option))
    counts = {side: len(m.records(side)) for side in m.seen}
    for side in m.seen:
        assert all(len(r) <= 65536 + 12 for r in m.records(side))
    return counts


def fails(d, large, change, option=SEAL):
    done = d.log().count("COMPILE_OK")
    with authlib.Middle(d.port, change) as m:
        c = large(m.port, option)
        assert not build(c), "the tampered build went through"
        assert not os.path.exists(c.directory + "/remote.o")
    return c.log(), d.log().count("COMPILE_OK") > done


@pytest.mark.parametrize("side", ["client", "server"])
def test_flipped_bit(server, large, side):
    d = server("--header-timeout", "1500", "--idle-timeout", "1500")
    counts = shape(d, large)
    assert counts["client"] >= 3 and counts["server"] >= 3, counts
    for number in range(counts[side]):
        for where in (0.0, 0.5, 0.99, "name", "length"):
            log, was_compiled = fails(d, large, flip(side, number, where))
            if side == "client":
                assert not was_compiled
            elif not isinstance(where, str):
                assert "not genuine" in log or "not in its place" in log, log
    if side == "client":
        assert logged(d, "a record is not genuine")
        assert logged(d, "bytes that are no record")
        assert logged(d, "a record is too long")
        assert logged(d, "TAMPERED", count=5 * counts["client"])
    assert "crashed" not in d.log()
    assert build(large(d.port))


@pytest.mark.parametrize("side", ["client", "server"])
def test_cut_connection(server, large, side):
    d = server("--header-timeout", "1500", "--idle-timeout", "1500")
    counts = shape(d, large)
    for number in range(counts[side]):
        for how in ("before", "header", "inside", "behind"):
            if how == "behind" and number == counts[side] - 1:
                continue        # nothing is lost there
            change = cut(side, number, how)
            log, was_compiled = fails(d, large, change)
            assert not (side == "client" and was_compiled)
            if side == "server":
                assert "data ended too early" in log, log
    assert "crashed" not in d.log()
    assert build(large(d.port))


def test_reply_that_fills_its_records(server, client):
    """The last byte of the reply is the last that fits: the end of the
    conversation then comes in a record of its own."""
    d = server("--auth=seal")
    c = client(d.port, SEAL)
    fits = 65536 - 512 - 74 - 5 * 12    # a record's payload; five headers

    def size(n):
        with open(f"{c.directory}/a.c", "w", encoding="ascii") as f:
            f.write(f"""__asm__("# {'x' * n}");\n""")
        c.forget()
        p = c.run("gcc", "-S", "a.c", "-o", "a.s")
        assert p.returncode == 0 and c.remote_jobs() == 1, c.log()
        return os.path.getsize(f"{c.directory}/a.s")

    rest = fits - size(60000)
    for more in (-1, 0, 1):
        assert size(60000 + rest + more) == fits + more


class Rearrange:
    """Swap, drop, double, or reflect records of one side."""

    def __init__(self, side, how):
        self.side, self.how, self.held = side, how, b""
        self.other = b""

    def __call__(self, side, number, name, data):
        if name != "SREC":
            return data
        if side != self.side:
            self.other = self.other or data
            return data
        if self.how == "swap":
            if number == 0:
                self.held = data
                return b""
            return data + self.held if number == 1 else data
        if self.how == "drop":
            return b"" if number == 1 else data
        if self.how == "double":
            return data + data if number == 0 else data
        return self.other + data if number == 0 else data   # reflect


@pytest.mark.parametrize("side,how", [
    ("client", "swap"), ("client", "drop"), ("client", "double"),
    ("server", "swap"), ("server", "drop"), ("server", "double"),
    ("server", "reflect")])
def test_rearranged_records(server, large, side, how):
    d = server("--header-timeout", "1500", "--idle-timeout", "1500")
    _, was_compiled = fails(d, large, Rearrange(side, how))
    assert not (side == "client" and was_compiled)
    assert build(large(d.port))


def test_bytes_outside_of_records(server, large):
    d = server("--header-timeout", "1500")

    def behind(side, number, name, data):
        return data + b"DIST00000001" if (side, name) == ("client", "SREC") \
            and number == 0 else data

    _, was_compiled = fails(d, large, behind)
    assert not was_compiled
    assert logged(d, "bytes that are no record")


def splice(request):
    """A relay that passes the handshake on, then speaks for itself."""
    said = []

    def change(side, number, name, data):
        if side != "client" or name in ("*", "TLEN", "SEAL", "NONC"):
            return data
        said.append(name)
        return request if len(said) == 1 else b""
    return change


def test_relay(server, client, start_daemon):
    """What works against the plain handshake does not against the sealed."""
    d = server()
    with authlib.Middle(d.port, splice(authlib.job())) as m:
        c = client(m.port, ",auth=localhost")
        assert c.run("gcc", "-c", "a.c").returncode in (0, 116)
        assert logged(d, "COMPILE_OK")          # the relay's own job
    sealed = server("--auth=seal")
    with authlib.Middle(sealed.port, splice(authlib.job())) as m:
        assert not build(client(m.port, SEAL))
    assert logged(sealed, "bytes that are no record")
    assert "COMPILE_OK" not in sealed.log()
    assert build(client(sealed.port, SEAL))


def tokens(m):
    return [data for name, data in m.seen["client"] if name == "TLEN"]


def test_token_of_the_other_handshake(server, client):
    """A relay cannot turn a sealed handshake into a plain one, or back."""
    def hold(side, number, name, data):
        return (b"", None) if (side, name) == ("client", "TLEN") else data

    d = server()
    with authlib.Middle(d.port, hold) as m:
        assert not build(client(m.port, SEAL))
    # "*", perhaps a token that says why not, and then no "y"
    reply = authlib.talk(d.port, b"*" + tokens(m)[0] + authlib.job())[1:]
    if reply.startswith(b"TLEN"):
        reply = reply[12 + int(reply[4:12], 16):]
    assert b"y" not in reply
    assert logged(d, "channel bindings")
    with authlib.Middle(d.port, hold) as m:
        assert not build(client(m.port, ",auth=localhost"))
    authlib.talk(d.port, b"SEAL00000001NONC00000020" + bytes(32) +
                 tokens(m)[0])
    assert logged(d, "no proof that the client meant this exchange")
    # bound, but to another hello's nonce
    with authlib.Middle(d.port, hold) as m:
        assert not build(client(m.port, SEAL))
    authlib.talk(d.port, b"SEAL00000001NONC00000020" + bytes(32) +
                 tokens(m)[0])
    assert logged(d, "channel bindings", count=2)
    assert "COMPILE_OK" not in d.log()


def test_replay_without_a_cache(realm, server, client):
    """Where the replay cache has never seen it, the keys are still fresh."""
    first, second = server(), server()
    with authlib.Middle(first.port) as m:
        assert build(client(m.port, SEAL))
    recorded = b"".join(data for _, data in m.seen["client"])
    authlib.talk(second.port, recorded)
    assert logged(second, "a record is not genuine")
    assert "COMPILE_OK" not in second.log()


def test_no_fallback_to_clear(server, client, start_daemon):
    """A man in the middle who says that the server cannot seal."""
    d = server()

    def strip(side, number, name, data):
        return b"*" if side == "server" and name == "SEAL" else data

    with authlib.Middle(d.port, strip) as m:
        c = client(m.port, SEAL)
        assert not build(c)
        assert not any(authlib.MARKER.encode() in data
                       for _, data in m.seen["client"])
    assert "does not seal" in c.log()


def test_middle_sees_no_source(server, large):
    d = server()
    for option, is_visible in ((SEAL, False), (",auth=localhost", True)):
        with authlib.Middle(d.port) as m:
            assert build(large(m.port, option))
        seen = b"".join(data for side in m.seen.values() for _, data in side)
        assert (authlib.MARKER.encode() in seen) == is_visible


@pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark")
@pytest.mark.skipif(os.geteuid() != 0, reason="tshark needs root to listen")
def test_tshark_sees_no_source(server, large, tmp_path):
    d = server()
    for option, is_visible in ((SEAL, False), (",auth=localhost", True)):
        path = f"/tmp/distcc-{os.getpid()}-{is_visible}.pcap"
        p = subprocess.Popen(["tshark", "-q", "-i", "lo", "-w", path, "-f",
                              f"tcp port {d.port}"], text=True,
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        try:
            for line in p.stderr:
                if "Capture started" in line:
                    break
            else:
                pytest.skip("tshark cannot listen here")
            time.sleep(0.2)
            assert build(large(d.port, option))
            time.sleep(0.5)
            p.send_signal(signal.SIGINT)
            p.wait(20)
            with open(path, "rb") as f:
                seen = f.read()
        finally:
            if p.poll() is None:
                p.kill()
                p.wait()
            if os.path.exists(path):
                os.unlink(path)
        assert len(seen) > 200000, "nothing was caught"
        # in segments, so a word may be split; its declaration has others too
        assert (authlib.MARKER.encode() in seen) == is_visible
        for word in (b"linux-gnu-gcc", b"ARGV", b"\x7fELF"):
            if word in seen:
                assert is_visible, word


def test_tree(server, client, tmp_path):
    """A real tree, ours, in both protocols; objects identical."""
    d = server("--auth=seal")
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    for option in (SEAL, ",lzo" + SEAL):
        c = client(d.port, option)
        shutil.rmtree(f"{c.directory}/tree", ignore_errors=True)
        os.makedirs(f"{c.directory}/tree")
        for folder in ("lib", "wire", "policy"):
            shutil.copytree(f"{root}/{folder}", f"{c.directory}/tree/{folder}")
        tree = f"{c.directory}/tree"
        names = sorted(f"{folder}/{name}" for folder in ("lib", "wire",
                                                         "policy")
                       for name in os.listdir(f"{tree}/{folder}")
                       if name.endswith(".c"))
        c.forget()
        for name in names:
            flags = ["-std=gnu17", "-D_GNU_SOURCE", "-O2", "-I.", "-c", name]
            p = c.run("gcc", *flags, "-o", "remote.o", cwd=tree)
            assert p.returncode == 0, c.log()
            subprocess.run(["gcc", *flags, "-o", "local.o"], cwd=tree,
                           check=True)
            with open(f"{tree}/remote.o", "rb") as a, \
                    open(f"{tree}/local.o", "rb") as b:
                assert a.read() == b.read(), name
        assert c.remote_jobs() == len(names) > 20
        assert d.log().count(" sealed ") >= len(names)


def test_compile_error_is_told(server, client):
    d = server()
    c = client(d.port, SEAL, DISTCC_SKIP_LOCAL_RETRY=1)
    with open(f"{c.directory}/a.c", "w", encoding="ascii") as f:
        f.write("int x = undeclared;\n")
    p = c.run("gcc", "-c", "a.c")
    assert p.returncode == 1 and b"undeclared" in p.stderr


def test_refused_command_is_told(server, client):
    d = server()
    c = client(d.port, SEAL, DISTCC_SKIP_LOCAL_RETRY=1)
    p = c.run("gcc", "-ffile-prefix-map=/=@x", "-c", "a.c")
    assert p.returncode in (0, 1, 116)
    assert "crashed" not in d.log()


def test_fallback_rules(server, client, realm):
    """With fallbacks the build goes on, locally; without, it says 116."""
    d = server("--deny-principal=alice")
    c = client(d.port, SEAL)
    p = c.run("gcc", "-c", "a.c", DISTCC_FALLBACK=1)
    assert p.returncode == 0
    assert "running locally instead" in c.log()
    assert "the principal is denied" in c.log()
    c.forget()
    assert c.run("gcc", "-c", "a.c").returncode == 116


def test_client_needs_the_plugin_only_when_asked(start_daemon, client):
    """No GSSAPI is mapped for a host that does not ask for it."""
    d = start_daemon()
    c = client(d.port, "")
    p = subprocess.run(["ldd", harness.OUR_CLIENT], capture_output=True,
                       text=True, check=True)
    assert "gss" not in p.stdout and "krb5" not in p.stdout
    assert c.run("gcc", "-c", "a.c", LD_DEBUG="files").stderr.count(
        b"libgssglue") == 0
