# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that speak the sealed protocol themselves, and badly.

Each has a ticket, so what stops them is what these tests are about.  Where the
act is one word of many, the control is test_by_hand: the same without it.
"""
import contextlib
import os
import platform
import random
import socket
import tempfile
import time

import pytest

import authlib
import gss
import harness
import kdc
from authlib import build, logged

SEAL = ",seal=localhost"
OK = b"DONE00000001STAT00000000"

PKINIT = f"/usr/lib/{platform.machine()}-linux-gnu/krb5/plugins/preauth/" \
    "pkinit.so"
added = set()

pytestmark = pytest.mark.skipif(gss.LIB is None, reason="no MIT Kerberos "
                                "library (Debian package libgssapi-krb5-2)")


@pytest.fixture
def hand(realm):
    """hand(daemon, **how) -> gss.Sealed, by default alice doing it right."""
    made = []

    def make(d, ticket=None, **how):
        s = gss.Sealed(d.port, ticket or realm.alice, **how)
        made.append(s)
        return s
    yield make
    for s in made:
        s.close()


def is_served(s, *records):
    """Send records, the job if none, and tell whether it was compiled."""
    for plain in records or [s.plain(authlib.job())]:
        s.send(plain)
    try:
        said, kind = s.answer()
    except (OSError, EOFError):
        return False
    return said.startswith(OK) and kind == 1


def no_service(d, reason, count=1):
    assert logged(d, reason, count=count)
    assert d.log().count(reason) == count
    assert "crashed" not in d.log() and "violation" not in d.log()


def test_by_hand(server, hand):
    d = server("--auth=seal")
    assert is_served(hand(d).shake_hands())
    assert logged(d, "COMPILE_OK")


# -- the handshake


@pytest.mark.parametrize("missing,reason", [
    (gss.MUTUAL, "no mutual authentication"),
    (gss.CONF, None),       # MIT's clients have it whatever they ask for
    (gss.REPLAY, "no confidentiality and order"),
    (gss.SEQUENCE, "no confidentiality and order")])
def test_weaker_context(server, hand, missing, reason):
    d = server("--auth=seal")
    s = hand(d, flags=gss.ALL & ~missing)
    if reason is None:
        s.shake_hands()
        assert s.context.flags.value & gss.CONF
        return
    with pytest.raises((EOFError, OSError)):
        s.shake_hands()
    no_service(d, reason)


def test_unbound_context(server, hand):
    d = server("--auth=seal")
    with pytest.raises((EOFError, OSError)):
        hand(d, binding=False).shake_hands()
    no_service(d, "no proof that the client meant this exchange")


@pytest.mark.parametrize("mech", [gss.SPNEGO, gss.IAKERB])
def test_other_mechanisms(server, hand, realm, mech):
    """Only Kerberos' names are judged, so nothing else may give one."""
    d = server("--auth=seal")
    try:
        s = hand(d, mech=mech)
        with pytest.raises((EOFError, OSError)):
            s.shake_hands()
    except gss.Error:
        pytest.skip("this library cannot make such a token")
    no_service(d, "unsupported mechanism")


def test_credentials_are_never_delegated(server, hand, realm, client):
    """The KDC sees nobody ask for a ticket to give away."""
    ticket = realm.kdc.kinit("alice", cache="forwardable", args=("-f",))

    def handed_out():
        return realm.kdc.log().count("for krbtgt/TEST.LOCAL@TEST.LOCAL")

    d = server("--auth")
    before = handed_out()
    for option in (SEAL, ",auth=localhost"):
        assert build(client(d.port, option, ticket=ticket))
    assert handed_out() == before
    # the control: a client that does
    s = hand(d, ticket=ticket, flags=gss.ALL | gss.DELEG).shake_hands()
    assert s.context.flags.value & gss.DELEG
    assert handed_out() > before
    assert is_served(s)         # and nobody here keeps it


@pytest.fixture
def pkinit_realm():
    """One whose KDC gives tickets to people that it does not know."""
    if not os.path.exists(PKINIT):
        pytest.skip("no " + PKINIT + " (Debian package krb5-pkinit)")
    with tempfile.TemporaryDirectory(prefix="distcc-realm-") as top:
        os.chmod(top, 0o1777)       # daemons drop to another user
        with kdc.Kdc(top, has_pkinit=True) as k:
            k.add("WELLKNOWN/ANONYMOUS")
            k.keytab("keytab", "distcc/localhost")
            yield k


def test_anonymous(start_daemon, pkinit_realm, hand):
    """Not even where everybody of the realm may come in."""
    k = pkinit_realm
    k.add("alice")
    env = harness.clean_env(**k.env(KRB5_KTNAME=k.dir + "/keytab"))
    for args in ([], ["--allow-principal=*/*@*", "--allow-principal=*@*"]):
        d = start_daemon(["--auth=seal", *args], env=env)
        s = hand(d, ticket=k.kinit_anonymous()).shake_hands()
        assert s.answer() == (b"the principal is anonymous", 2)
        assert logged(d, "principal=WELLKNOWN/ANONYMOUS@")
        # the control: somebody with a name
        assert is_served(hand(d, ticket=k.kinit("alice")).shake_hands())


@pytest.mark.parametrize("name", [r"bob\@TEST.LOCAL", r"bob\@"])
def test_quoted_names(server, realm, hand, name):
    """Their text looks like others' names, and is not.  (MIT's KDC gives no
    service's ticket to a quoted "/" or backslash; the unit test has them.)"""
    if name not in added:
        realm.kdc.add(name)
        added.add(name)
    ticket = realm.kdc.kinit(name, cache="odd")
    for args, reason in (
            ([], b"the principal has a quoted character"),
            (["--allow-principal=*@TEST.LOCAL"], b"not among those allowed"),
            (["--allow-principal=*/*@TEST.LOCAL"], b"not among those allowed"),
            (["--allow-principal=bob@TEST.LOCAL"], b"not among those allowed"),
            ([f"--allow-principal={name}@TEST.LOCAL"], None)):
        s = hand(server("--auth=seal", *args), ticket=ticket).shake_hands()
        if reason is None:
            assert is_served(s)
        else:
            said, kind = s.answer()
            assert reason in said and kind == 2


# -- records


def test_record_without_secrecy(server, hand):
    d = server("--auth=seal")
    s = hand(d).shake_hands()
    s.send(s.plain(authlib.job()), is_secret=False)
    with pytest.raises((EOFError, OSError)):
        s.answer()
    no_service(d, "no confidentiality")


@pytest.mark.parametrize("how", ["server's letter", "kind", "number", "nonce",
                                 "no nonce", "refusal"])
def test_head_of_a_record(server, hand, how):
    d = server("--auth=seal")
    s = hand(d).shake_hands()
    nonces = s.nonces
    if how == "nonce":
        nonces = s.nonce + bytes(32)
    plain = gss.record(b"S" if how == "server's letter" else b"C",
                       {"kind": 9, "refusal": 2}.get(how, 1),
                       1 if how == "number" else 0, authlib.job(),
                       b"" if how == "no nonce" else nonces)
    assert not is_served(s, plain)
    no_service(d, "not in its place")


def test_behind_the_last_record(server, hand):
    d = server("--auth=seal")
    s = hand(d).shake_hands()
    s.send(s.plain(authlib.job()))
    s.send(s.plain(authlib.job()))
    with pytest.raises((EOFError, OSError, gss.Error)):
        while True:
            s.answer()
    assert "COMPILE_OK" not in d.log() or \
        d.log().count("COMPILE_OK") == 1


def test_pieces(server, hand):
    """Cut wherever it pleases, a byte a record; but not into nothing."""
    d = server("--auth=seal")
    job = authlib.job()
    s = hand(d).shake_hands()
    pieces = [s.plain(job[i:i + 1], 0) for i in range(len(job))]
    assert is_served(s, *pieces, s.plain(b""))
    s = hand(d).shake_hands()
    assert not is_served(s, s.plain(b"", 0), s.plain(job))
    no_service(d, "not in its place")


@pytest.mark.parametrize("length", [0, 65537, 0x7fffffff, 0xffffffff])
def test_length_of_a_record(server, hand, length):
    d = server("--auth=seal")
    s = hand(d).shake_hands()
    s.socket.sendall(b"SREC%08x" % length + bytes(100))
    with pytest.raises((EOFError, OSError)):
        s.answer()
    no_service(d, "a record is too long" if length else
               "bytes that are no record")


def test_silent_after_the_handshake(server, hand, client):
    """It is dropped in time, and holds no slot until then."""
    d = server("--auth=seal", "--header-timeout", "700")
    silent = [hand(d).shake_hands() for _ in range(6)]
    began = time.monotonic()
    assert build(client(d.port, SEAL))
    for s in silent:
        with pytest.raises((EOFError, OSError)):
            s.answer()
    assert time.monotonic() - began < 5
    no_service(d, "too slowly", 6)


def test_trickle(server, hand):
    """Records of one byte do not buy time: the least rate is of what they
    carry."""
    d = server("--auth=seal", "--idle-timeout", "1000", "--min-rate", "50000")
    s = hand(d).shake_hands()
    job = authlib.job(source=b"int x;" + b" " * 200000)
    s.send(s.plain(job[:200], 0))
    began = time.monotonic()
    with pytest.raises((EOFError, OSError)):
        for i in range(200, 200000):
            s.send(s.plain(job[i:i + 1], 0))
            time.sleep(0.0005)
    assert time.monotonic() - began < 20
    no_service(d, "too slowly")


# -- bytes that nobody meant


def recorded(d, client, option):
    """What a client sends in a handshake, held back from the server."""
    def hold(side, number, name, data):
        return (b"", None) if (side, name) == ("client", "TLEN") else data

    with authlib.Middle(d.port, hold) as m:
        assert not build(client(m.port, option))
    return b"".join(data for _, data in m.seen["client"])


def mutations(data, generator):
    """A bit flipped in each byte; then pieces cut, doubled, swapped."""
    for at in range(len(data)):
        yield data[:at] + bytes([data[at] ^ 1 << generator.randrange(8)]) + \
            data[at + 1:]
    for _ in range(150):
        a, b = sorted(generator.sample(range(len(data) + 1), 2))
        yield generator.choice([
            data[:a], data[a:], data[:a] + data[b:],
            data[:b] + data[a:], data[:a] + generator.randbytes(b - a) +
            data[b:]])


@pytest.mark.parametrize("option", [",auth=localhost", SEAL])
def test_mutated_handshakes(realm, start_daemon, client, option):
    """None is served, nothing crashes, and the real one still works."""
    d = start_daemon(["--auth", "--header-timeout", "5000", "--allow",
                      "127.0.0.0/8"], env=realm.server_env())
    data = recorded(d, client, option)
    generator = random.Random(6)
    for number, bad in enumerate(mutations(data, generator)):
        # from many addresses: one alone would be shut out for a while
        with socket.socket() as s:
            s.bind((f"127.0.{1 + number // 200}.{1 + number % 200}", 0))
            s.settimeout(10)
            s.connect(("127.0.0.1", d.port))
            with contextlib.suppress(OSError):
                s.sendall(bad)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
    text = d.log()
    assert "crashed" not in text and "violation" not in text
    assert "auth_lost" not in text and "COMPILE" not in text
    assert build(client(d.port, option))


def test_bit_in_each_byte_of_a_record(server, hand, realm):
    """The whole first record of a client, header and all."""
    d = server("--auth=seal", "--header-timeout", "1000", "--max-per-source",
               "1000")
    size = at = 0
    held = []
    while at <= size:
        s = hand(d).shake_hands()
        data = gss.packet(b"SREC", s.context.wrap(s.plain(authlib.job())))
        size = len(data) - 1
        # a length that became larger makes it wait for more
        s.socket.sendall(data[:at] + bytes([data[at] ^ 1 << at % 8]) +
                         data[at + 1:])
        held.append(s)
        at += 1
    assert at > 250
    for s in held:
        with pytest.raises((EOFError, OSError)):
            s.answer()
    assert "COMPILE" not in d.log() and "crashed" not in d.log()
    assert is_served(hand(d).shake_hands())


def test_bit_in_each_byte_of_a_reply(server, client):
    """The header of the server's first record, and the mechanism's in it."""
    d = server("--auth=seal")
    for at in range(-1, 12 + 16):
        def flip(side, number, name, data, at=at):
            if (side, number, name) != ("server", 0, "SREC"):
                return data
            if at >= 0:
                data = data[:at] + bytes([data[at] ^ 1 << at % 8]) + \
                    data[at + 1:]
            # behind a larger length nothing comes that could be waited for
            return data, None
        with authlib.Middle(d.port, flip) as m:
            # the control: the cut alone does no harm, it is the last record
            assert build(client(m.port, SEAL)) == (at < 0), at
    assert "crashed" not in d.log()
