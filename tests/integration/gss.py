# SPDX-License-Identifier: GPL-2.0-or-later
"""gss - GSSAPI by hand, for clients that do what ours never would.

Calls MIT's library directly; each Initiator takes the ticket of an environment
such as Realm.alice.
"""
import contextlib
import ctypes
import os
import socket
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, \
    c_uint32, c_void_p

DELEG, MUTUAL, REPLAY, SEQUENCE, CONF, INTEG = 1, 2, 4, 8, 16, 32
ALL = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG
CONTINUE = 1
KRB5 = bytes.fromhex("2a864886f712010202")
SPNEGO = bytes.fromhex("2b0601050502")
IAKERB = bytes.fromhex("2b0601050205")
HOST_BASED = bytes.fromhex("2a864886f71201020104")
BINDING = b"distcc seal 1 "


class Buffer(Structure):
    _fields_ = [("length", c_size_t), ("value", c_void_p)]


class Oid(Structure):
    _fields_ = [("length", c_uint32), ("elements", c_char_p)]


class Bindings(Structure):
    _fields_ = [("from_type", c_uint32), ("from_address", Buffer),
                ("to_type", c_uint32), ("to_address", Buffer),
                ("data", Buffer)]


class Error(Exception):
    pass


def library():
    """None where MIT's is not installed."""
    with contextlib.suppress(OSError):
        return ctypes.CDLL("libgssapi_krb5.so.2")
    return None


LIB = library()


def buffer(data):
    b = Buffer(len(data), ctypes.cast(ctypes.create_string_buffer(
        data, len(data)), c_void_p))
    b.keep = b.value, data
    return b


def take(b):
    data = ctypes.string_at(b.value, b.length) if b.length else b""
    LIB.gss_release_buffer(byref(c_uint32()), byref(b))
    return data


def oid(data):
    return Oid(len(data), data)


@contextlib.contextmanager
def environment(env):
    before = dict(os.environ)
    os.environ.update(env)
    try:
        yield
    finally:
        for name in env:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


def check(major, minor):
    if major & 0xffff0000:
        raise Error(f"major {major:#x}, minor {minor.value}")
    return major


class Context:
    def __init__(self):
        self.handle = c_void_p()
        self.flags = c_uint32()

    def wrap(self, data, is_secret=True):
        minor, out, done = c_uint32(), Buffer(), c_int()
        holder = ctypes.create_string_buffer(data, len(data))
        given = Buffer(len(data), ctypes.cast(holder, c_void_p))
        check(LIB.gss_wrap(byref(minor), self.handle, c_int(is_secret),
                           c_uint32(0), byref(given), byref(done),
                           byref(out)), minor)
        assert bool(done.value) == is_secret
        return take(out)

    def unwrap(self, data):
        minor, out, done = c_uint32(), Buffer(), c_int()
        holder = ctypes.create_string_buffer(data, len(data))
        given = Buffer(len(data), ctypes.cast(holder, c_void_p))
        check(LIB.gss_unwrap(byref(minor), self.handle, byref(given),
                             byref(out), byref(done), None), minor)
        assert done.value
        return take(out)

    def step(self, token, bindings):
        """The two sides differ here."""
        raise NotImplementedError

    def close(self):
        LIB.gss_delete_sec_context(byref(c_uint32()), byref(self.handle),
                                   None)


class Initiator(Context):
    def __init__(self, env, target=b"distcc@localhost", flags=ALL,
                 binding=None, mech=KRB5):
        super().__init__()
        self.env, self.flags_asked, self.mech = env, flags, oid(mech)
        self.target = c_void_p()
        self.bindings = None
        if binding is not None:
            self.holder = ctypes.create_string_buffer(binding, len(binding))
            self.bindings = Bindings(255, Buffer(), 255, Buffer(), Buffer(
                len(binding), ctypes.cast(self.holder, c_void_p)))
        minor = c_uint32()
        holder = ctypes.create_string_buffer(target, len(target))
        name = Buffer(len(target), ctypes.cast(holder, c_void_p))
        check(LIB.gss_import_name(byref(minor), byref(name),
                                  byref(oid(HOST_BASED)),
                                  byref(self.target)), minor)

    def step(self, token=b"", bindings=None):
        """Returns (our token, whether it is established)."""
        minor, out = c_uint32(), Buffer()
        holder = ctypes.create_string_buffer(token, len(token))
        given = Buffer(len(token), ctypes.cast(holder, c_void_p))
        with environment(self.env):
            major = check(LIB.gss_init_sec_context(
                byref(minor), None, byref(self.handle), self.target,
                byref(self.mech), c_uint32(self.flags_asked), c_uint32(0),
                byref(self.bindings) if self.bindings else None,
                byref(given), None, byref(out), byref(self.flags), None),
                minor)
        return take(out), major != CONTINUE


class Acceptor(Context):
    def __init__(self, env):
        super().__init__()
        self.env = env

    def step(self, token=b"", bindings=None):
        minor, out = c_uint32(), Buffer()
        holder = ctypes.create_string_buffer(token, len(token))
        given = Buffer(len(token), ctypes.cast(holder, c_void_p))
        with environment(self.env):
            major = check(LIB.gss_accept_sec_context(
                byref(minor), byref(self.handle), None, byref(given), None,
                None, None, byref(out), byref(self.flags), None, None),
                minor)
        return take(out), major != CONTINUE


# -- our sealed connection, spoken by hand


def packet(name, data):
    return name + b"%08x" % len(data) + data


def record(side, kind, number, payload, nonces=b""):
    """A record's plain bytes."""
    return side + bytes([kind]) + number.to_bytes(8, "big") + nonces + payload


class Sealed:
    """A client that can be told to do each thing wrong."""

    def __init__(self, port, env, binding=True, **more):
        self.nonce = os.urandom(32)
        self.context = Initiator(
            env, binding=BINDING + self.nonce if binding else None, **more)
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.number = 0

    def shake_hands(self):
        token, _ = self.context.step()
        self.socket.sendall(b"SEAL00000001" + packet(b"NONC", self.nonce) +
                            packet(b"TLEN", token))
        hello = self.exactly(12 + 12 + 32)
        if hello[:24] != b"SEAL00000001NONC00000020":
            raise EOFError(hello)
        self.nonces = self.nonce + hello[24:]
        head = self.exactly(12)
        answer = self.exactly(int(head[4:], 16))
        if self.context.flags_asked & MUTUAL:
            _, is_done = self.context.step(answer)
            assert is_done
        return self

    def exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            if not part:
                raise EOFError(data)
            data += part
        return data

    def plain(self, payload, kind=1):
        """The next record's plain bytes."""
        nonces = self.nonces if self.number == 0 else b""
        data = record(b"C", kind, self.number, payload, nonces)
        self.number += 1
        return data

    def send(self, plain, is_secret=True):
        self.socket.sendall(packet(b"SREC",
                                   self.context.wrap(plain, is_secret)))

    def answer(self):
        """(what the server said in clear, how its last record ended)."""
        said, kind, number = b"", 0, 0
        while kind == 0:
            head = self.exactly(12)
            assert head[:4] == b"SREC", head
            plain = self.context.unwrap(self.exactly(int(head[4:], 16)))
            kind = plain[1]
            said += plain[10 + (64 if number == 0 else 0):]
            number += 1
        return said, kind

    def close(self):
        self.socket.close()
        self.context.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
